/** Whole calls over simulated networks. */
import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import process from "node:process";
import { decodeHeader } from "../../src/rxrpc/header.ts";
import { RxFlag, RxPacketType } from "../../src/rxrpc/packet_types.ts";
import { SeededRandom } from "../../src/sim/mod.ts";
import { fuzzInputs, fuzzSeeds } from "../support/fuzz.ts";
import { type Host, type LinkOptions, pattern, type Recorder, request, serve, World } from "./world.ts";

/** 20 in a normal run, 1,000 in the soak, for each of its seeds. */
const RUNS = Math.ceil(fuzzInputs() / 1000);
const seeds = fuzzSeeds().flatMap((seed) => Array.from({ length: RUNS }, (_, i) => seed * 100_000 + i));
/** Runs with a megabyte each way take longer. */
const LARGE = process.env["LEAT_FUZZ_INPUTS"] === undefined ? 3 : 50;

function pair(link: LinkOptions, seed: number): { world: World; client: Host; server: Host; served: Recorder[] } {
  const world = new World(link, seed);
  world.isRecording = false;
  const [client, server] = [world.add(), world.add()];
  server.engine.offer({ id: 147 });
  return { world, client, server, served: serve(world, server, (body) => body) };
}

/**
 * Writes down when a client sent, and when something came for it, for each of its calls: so that it can be told of a call
 * that found its peer silent whether it was.
 */
function eavesdrop(
  link: LinkOptions,
  client: Host,
  world: World,
): (call: Recorder) => { sent: number[]; came: number[] } {
  const sent = new Map<string, number[]>();
  const came = new Map<string, number[]>();
  const note = (times: Map<string, number[]>, datagram: Uint8Array): void => {
    const { cid, callNumber } = decodeHeader(datagram)!;
    const key = `${cid} ${callNumber}`;
    times.set(key, [...times.get(key) ?? [], world.now]);
  };
  link.drop = (datagram) => {
    if ((datagram[21]! & RxFlag.CLIENT_INITIATED) !== 0 && datagram[20] !== RxPacketType.ABORT) note(sent, datagram);
    return false;
  };
  const push = client.engine.push.bind(client.engine);
  client.engine.push = (datagram, now) => {
    note(came, datagram.data);
    return push(datagram, now);
  };
  return ({ opened_ }) => {
    const key = `${opened_!.cid} ${opened_!.callNumber}`;
    return { sent: sent.get(key) ?? [], came: came.get(key) ?? [] };
  };
}

/** Nothing is left of calls: memory and timers are as before the first. */
function assertQuiet(world: World, ...hosts: Host[]): void {
  world.run(700_000);
  for (const { engine } of hosts) {
    assertEquals([engine.heldBytes, engine.connections.client, engine.connections.service], [0, 0, 0]);
    assertEquals(engine.timeoutAt(), Infinity);
  }
}

for (const loss of [0, 0.01, 0.05, 0.2]) {
  test(`160: ${100 * loss} % loss both ways, 1 MB each way: byte-exact, and not too much is sent again`, () => {
    for (const seed of seeds.slice(0, LARGE)) {
      const { world, client, server, served } = pair({ delayMs: 10, loss }, seed);
      const body = pattern(1_000_000, seed);
      const call = request(world, client, server, body);
      world.run(600_000, () => call.closedCount > 0 && served[0]?.closedCount === 1);
      assertEquals(
        [call.closedCount, call.error, call.bytes, served[0]?.error],
        [1, undefined, body.length, undefined],
        `seed ${seed}`,
      );
      assert(call.all.every((byte, at) => byte === body[at]), `seed ${seed}`);
      for (const { engine } of [client, server]) {
        const { dataPackets, resentPackets } = engine.stats;
        assert(resentPackets <= 3 * loss * dataPackets, `seed ${seed}: ${resentPackets} of ${dataPackets} sent again`);
      }
      assertQuiet(world, client, server);
    }
  });
}

test("a clean link: nothing is sent again, whatever the delay, the rate and the size", () => {
  for (const seed of seeds) {
    const random = new SeededRandom(seed);
    const link: LinkOptions = { delayMs: random.between(0, 150) };
    if (random.chance(0.5)) link.rate = random.between(200, 20_000);
    const { world, client, server } = pair(link, seed);
    const data = new Set<string>();
    link.drop = (datagram) => {
      if (datagram[20] !== RxPacketType.DATA) return false;
      const key = [...datagram.subarray(4, 16), datagram[21]! & 1].join();
      assert(!data.has(key), `seed ${seed} ${JSON.stringify(link)}: packet ${datagram[15]} once more`);
      data.add(key);
      return false;
    };
    for (let i = 0; i < 4; i++) {
      const body = pattern(random.pick([0, 10, 1412, 1413, 30_000, 200_000]), i);
      const call = request(world, client, server, body);
      world.run(300_000, () => call.closedCount > 0);
      assertEquals([call.error, call.bytes], [undefined, body.length]);
    }
  }
});

test("random traffic: small and large calls at a time, loss, reordering, duplication, corruption, jitter", () => {
  // Each packet of six is lost in one of some 20,000 calls where 19 % are, and twenty seconds are not enough for a
  // seventh: such a call may fail, if it was really silent all the time and was not left alone.
  for (const seed of [2_400_018, ...seeds]) {
    const random = new SeededRandom(seed);
    const link: LinkOptions = {
      delayMs: random.below(40),
      jitterMs: random.below(60),
      loss: random.below(20) / 100,
      duplication: random.below(20) / 100,
      corruption: 0,
    };
    const { world, client, server } = pair(link, seed);
    const overheard = eavesdrop(link, client, world);
    const calls: [Recorder, Uint8Array][] = [];
    const closedAt = new Map<Recorder, number>();
    for (let i = 0; i < 30; i++) {
      const body = pattern(random.chance(0.5) ? random.below(50) : random.below(60_000), i);
      const call = request(world, client, server, body);
      const closed = call.closed.bind(call);
      call.closed = (error) => {
        closedAt.set(call, world.now);
        closed(error);
      };
      calls.push([call, body]);
      world.run(random.below(300));
    }
    world.run(600_000, () => calls.every(([call]) => call.closedCount > 0));
    for (const [call, body] of calls) {
      assertEquals(call.closedCount, 1);
      const isWhole = call.error === undefined && call.bytes === body.length &&
        call.all.every((byte, at) => byte === body[at]);
      const { sent, came } = overheard(call);
      const text = `seed ${seed} ${JSON.stringify(link)}: ${call.code} after ${call.bytes} of ${body.length}: ` +
        `${String(call.error)}; sent at ${sent.join()}, came at ${came.join()}`;
      if (isWhole) continue;
      assertEquals(call.code, "ETIMEDOUT", text);
      const since = Math.max(sent[0]!, came.at(-1) ?? 0);
      assert(closedAt.get(call)! - since >= 20_000, text);
      assert(sent.filter((at) => at >= since).length >= 6, text);
    }
    assertQuiet(world, client, server);
  }
});

test("corruption: each call ends once, whole or with an error, and nothing is left", () => {
  // a reply that seemed acknowledged, and an end that came too early
  for (const seed of [100_105, 600_004, ...seeds]) {
    const { world, client, server } = pair({ delayMs: 5, corruption: 0.02, loss: 0.02 }, seed);
    const calls = Array.from({ length: 10 }, (_, i) => request(world, client, server, pattern(5000, i)));
    world.run(120_000, () => calls.every((call) => call.closedCount > 0));
    for (const call of calls) assertEquals(call.closedCount, 1, `seed ${seed}`);
    assertQuiet(world, client, server);
  }
});
