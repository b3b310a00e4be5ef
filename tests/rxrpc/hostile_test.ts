/** The spec's cases J and I, and 26: floods, forgeries, limits, and bytes that are no packets. */
import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { mutate, SeededRandom } from "../../src/sim/mod.ts";
import { RxEndpointEngine } from "../../src/rxrpc/endpoint_engine.ts";
import type { RxConnection } from "../../src/rxrpc/connection.ts";
import { decodeHeader } from "../../src/rxrpc/header.ts";
import { IdleLine } from "../../src/rxrpc/idle_line.ts";
import { RxAckReason, RxPacketType } from "../../src/rxrpc/packet_types.ts";
import { asClient, asServer, C, type Hand, L } from "./by_hand.ts";
import { pattern, request, serve, World } from "./world.ts";

const inputs = Number(process.env["LEAT_FUZZ_INPUTS"] ?? 20_000);

/** A stranger's address. */
const stranger = (number: number) => ({
  address: `10.${number >>> 16 & 255}.${number >>> 8 & 255}.${number & 255}`,
  port: 9000,
});

test("184: statelessPerSecond: a flood of calls to unknown services gets fifty answers a second, and costs nothing", () => {
  const hand = asServer();
  hand.world.isRecording = false;
  hand.offer(147);
  for (let i = 0; i < 10_000; i++) {
    hand.engine.push({ data: requestBytes(hand, { serviceId: 999 }), from: stranger(i) }, hand.world.now);
    if (i % 1000 === 0) hand.world.settle();
  }
  hand.world.settle();
  assertEquals([hand.engine.stats.sent, hand.engine.connections.service], [50, 0]);
});

test("185: maxServiceConnectionsPerPeer: connections without calls give way, those with calls stay", () => {
  const hand = asServer({ maxServiceConnectionsPerPeer: 8, maxServiceCallsPerPeer: 100 });
  const calls = hand.offer(147);
  hand.d(1);
  for (let i = 1; i <= 100; i++) {
    hand.d(1, L, 1, { epoch: 0x80000000 + i });
    if (i % 2 === 0 && calls.length > 1) hand.abort(1, { epoch: 0x80000000 + i });
  }
  assert(hand.engine.connections.service <= 8);
  assertEquals(calls[0]!.closedCount, 0);
  assert((hand.drops()["connection evicted"] ?? 0) > 0);
});

test("185: with nothing that could give way, the client is told that this end is busy", () => {
  const hand = asServer({ maxServiceConnectionsPerPeer: 2 });
  hand.offer(147);
  hand.d(1, 0, 1, { epoch: 0x80000001 });
  hand.d(1, 0, 1, { epoch: 0x80000002 });
  assertEquals(hand.d(1, 0, 1, { epoch: 0x80000003 }), ["BUSY"]);
});

test("185: whoever makes room looks at each connection with calls once, however many there are", () => {
  let looks = 0;
  const connection = (isBusy: boolean): { isBusy: boolean } => ({
    get isBusy() {
      looks++;
      return isBusy;
    },
  });
  const line = new IdleLine();
  const idle = connection(false);
  for (let i = 0; i < 1000; i++) line.used(connection(true) as RxConnection);
  assertEquals(line.oldest(), undefined);
  line.used(idle as RxConnection);
  for (let i = 0; i < 1000; i++) assertEquals(line.oldest(), idle);
  assertEquals(looks, 2000);
  line.remove(idle as RxConnection);
  assertEquals(line.oldest(), undefined);
});

test("185: connections without calls give way in the order in which their last calls ended", () => {
  const hand = asServer({ maxServiceConnectionsPerPeer: 3 });
  const calls = hand.offer(147);
  const begin = (epoch: number, callNumber = 1): void =>
    void hand.d(1, L, 1, { epoch: 0x80000000 + epoch, callNumber });
  const end = (epoch: number): void => {
    hand.reply(calls.at(-1)!, 1);
    hand.a(2, 1, 0, RxAckReason.IDLE, [], {
      header: { epoch: 0x80000000 + epoch, callNumber: calls.length > 3 ? 2 : 1 },
    });
  };
  for (const epoch of [1, 2, 3]) {
    begin(epoch);
    end(epoch);
  }
  // the first is used once more, and then the one that was used last
  begin(1, 2);
  end(1);
  begin(4);
  const epochs = hand.engine.snapshot().connections.map(({ epoch }) => epoch - 0x80000000);
  assertEquals(epochs.sort(), [1, 3, 4]);
  begin(5);
  begin(6);
  assertEquals(hand.engine.snapshot().connections.map(({ epoch }) => epoch - 0x80000000).sort(), [4, 5, 6]);
  assertEquals(hand.d(1, L, 1, { epoch: 0x80000007 }), ["BUSY"], "all have calls");
});

test("maxServiceConnections: of all addresses together", () => {
  const hand = asServer({ maxServiceConnections: 4 });
  hand.offer(147);
  for (let i = 0; i < 10; i++) hand.engine.push({ data: requestBytes(hand, {}), from: stranger(i) }, hand.world.now);
  assertEquals(hand.engine.connections.service, 4);
});

test("maxServiceCallsPerPeer: more calls are told that this end is busy", () => {
  const hand = asServer({ maxServiceCallsPerPeer: 2 });
  const calls = hand.offer(147);
  for (let channel = 0; channel < 2; channel++) hand.d(1, 0, 1, { cid: hand.cid | channel });
  assertEquals(hand.d(1, 0, 1, { cid: hand.cid | 2 }), ["BUSY"]);
  assertEquals(calls.length, 2);
});

test("186: a call whose first packet never comes holds no more than it may, and ends", () => {
  const hand = asServer({ maxHeldBytesPerPeer: 10_000 });
  hand.offer(147);
  for (let seq = 2; seq <= 128; seq++) hand.d(seq, 0, 1412);
  assert(hand.engine.heldBytes <= 10_000);
  assertEquals(hand.after(61_000).at(-1), "ABORT -3");
  assertEquals(hand.engine.heldBytes, 0);
});

test("maxHeldBytes: of all peers together", () => {
  const hand = asServer({ maxHeldBytes: 5000 });
  hand.offer(147);
  for (let i = 0; i < 20; i++) {
    hand.engine.push({ data: requestBytes(hand, { seq: 2 }, 1000), from: stranger(i) }, hand.world.now);
  }
  // three quarters are for calls of which nothing was read
  assert(hand.engine.heldBytes <= 3750 && hand.engine.heldBytes >= 3000);
});

test("187: an ABORT counts only with the call's number, and not from far away", () => {
  const hand = asClient();
  const call = hand.call(10);
  hand.serial = 100;
  hand.a(1, 1, 1, RxAckReason.REQUESTED, [1]);
  hand.abort(1, { callNumber: 2 });
  hand.abort(1, { serial: 0x60000000 });
  assertEquals(call.closedCount, 0);
  hand.abort(1);
  assertEquals(call.closedCount, 1);
});

test("188: a forged call from another port is another connection", () => {
  const hand = asServer();
  const calls = hand.offer(147);
  hand.d(1);
  hand.packet({ seq: 1, flags: C | L, callNumber: 2 }, new Uint8Array(5), { address: "10.9.9.9", port: 1 });
  assertEquals([calls.length, calls[0]!.closedCount], [2, 0]);
});

test("189: a call number far ahead is dropped", () => {
  const hand = asServer();
  const calls = hand.offer(147);
  hand.d(1);
  hand.d(1, L, 1, { callNumber: 70_002 });
  assertEquals([calls.length, hand.drops()["call number out of reach"]], [1, 1]);
});

test("192: a thousand calls whose clients have gone are over in the end, and nothing is left", () => {
  const hand = asServer({ maxServiceConnectionsPerPeer: 1000, maxServiceCallsPerPeer: 1000 });
  hand.world.isRecording = false;
  const calls = hand.offer(147);
  for (let i = 0; i < 1000; i++) {
    hand.engine.push(
      { data: requestBytes(hand, { epoch: 0x80000000 + i, flags: C | L }), from: hand.peer },
      hand.world.now,
    );
  }
  for (const call of calls) hand.reply(call, 10);
  hand.world.run(60_000);
  assertEquals([calls.length, calls.filter(({ closedCount }) => closedCount === 1).length], [1000, 1000]);
  hand.world.run(700_000);
  assertEquals([hand.engine.connections.service, hand.engine.timeoutAt()], [0, Infinity]);
});

test("177, 178: VERSION is answered, in time and number, and only when it is a question", () => {
  const hand = asServer({ version: "leat test" });
  const question = { type: RxPacketType.VERSION, flags: C | L, epoch: 999, callNumber: 101 };
  hand.packet(question, new Uint8Array(1));
  const { data, header } = hand.world.sent[0]!;
  assertEquals([data.length, header.flags, header.callNumber], [3 * 29, L, 101]);
  assertEquals(new TextDecoder().decode(data.subarray(28)).replace(/\0+$/, ""), "leat test");
  // a longer question has room for an answer as others send it
  hand.packet(question, new Uint8Array(10));
  assertEquals(hand.world.sent[1]!.data.length, 93);
  let answers = 0;
  for (let i = 0; i < 20; i++) answers += hand.packet(question, new Uint8Array(1)).length;
  assertEquals(answers, 2);
  assertEquals(hand.packet({ ...question, flags: L }, new Uint8Array(1)), []);
  const silent = asServer({ version: "" });
  assertEquals(silent.packet(question, new Uint8Array(1)), []);
});

test("181: DEBUG that is no question, or too short for one, is not answered", () => {
  const hand = asServer({ answersDebug: () => true });
  const question = { type: RxPacketType.DEBUG, flags: C | L, epoch: 999, callNumber: 102 };
  assertEquals(hand.packet({ ...question, flags: L }, Uint8Array.of(0, 0, 0, 1, 0, 0, 0, 0)), []);
  assertEquals(hand.packet(question, Uint8Array.of(0, 0, 0, 1, 0, 0, 0)), []);
  assertEquals(hand.packet(question, Uint8Array.of(0, 0, 0, 1, 0, 0, 0, 0)).length, 1);
  const { header, data } = hand.world.sent.at(-1)!;
  assertEquals([header.flags, data.length], [L, 28 + 56]);
});

test("VERSION from thousands of addresses is answered a hundred times a second at most", () => {
  const hand = asServer({ statelessPerSecond: 1000 });
  for (let i = 0; i < 5000; i++) {
    const question = requestBytes(hand, { type: RxPacketType.VERSION, flags: C });
    hand.engine.push({ data: question, from: stranger(i) }, hand.world.now);
  }
  hand.world.settle();
  assertEquals(hand.engine.stats.sent, 100);
});

/** A datagram as from a client. */
function requestBytes(hand: Hand, change: Parameters<Hand["header"]>[0], bytes = 1): Uint8Array {
  const { serviceId = 147, seq = 1 } = change ?? {};
  const out = new Uint8Array(28 + bytes);
  const header = hand.header({ flags: C, ...change, seq, serviceId });
  const view = new DataView(out.buffer);
  [header.epoch, header.cid, header.callNumber, header.seq, header.serial].forEach((word, at) =>
    view.setUint32(4 * at, word)
  );
  out.set([header.type, header.flags, header.userStatus, header.securityIndex], 20);
  view.setUint16(26, header.serviceId);
  return out;
}

test("26: random datagrams: no exception, no more out than in, nothing held beyond its limit", () => {
  const random = new SeededRandom(26);
  const world = new World();
  const host = world.add({ reachCheck: "always", maxHeldBytes: 1_000_000 });
  host.engine.offer({ id: 147 });
  serve(world, host, (body) => body);
  world.isRecording = false;
  for (let i = 0; i < inputs; i++) {
    const bytes = Uint8Array.from({ length: random.below(80) }, () => random.below(256));
    if (bytes.length > 28 && random.chance(0.9)) {
      bytes[20] = 1 + random.below(13);
      bytes.set([0, 147], 26);
    }
    host.engine.push({ data: bytes, from: stranger(random.below(64)) }, world.now);
    if (i % 64 === 0) world.run(random.below(50));
  }
  const { sentBytes, receivedBytes } = host.engine.stats;
  assert(sentBytes <= 3 * receivedBytes, `${sentBytes} bytes for ${receivedBytes}`);
  assert(host.engine.heldBytes <= 1_000_000);
  world.run(1_000_000);
  assertEquals([host.engine.heldBytes, host.engine.connections.service], [0, 0]);
});

test("26: packets of real calls, damaged and in any order, at both ends: no exception, and nothing is left", () => {
  const recorded: Uint8Array[] = [];
  const model = new World({ delayMs: 5, loss: 0.1 }, 3);
  const [client, server] = [model.add(), model.add()];
  server.engine.offer({ id: 147 });
  serve(model, server, (body) => body);
  request(model, client, server, pattern(30_000));
  model.run(30_000);
  recorded.push(...model.sent.map(({ data }) => data));
  const random = new SeededRandom(27);
  const world = new World();
  world.isRecording = false;
  const [left, right] = [world.add(), world.add()];
  for (const host of [left, right]) {
    host.engine.offer({ id: 147 });
    serve(world, host, (body) => body);
  }
  for (let i = 0; i < inputs; i++) {
    if (i % 500 === 0) request(world, left, right, pattern(random.below(5000)), { timeouts: { hardMs: 5000 } });
    const bytes = mutate(random.pick(recorded), random);
    const header = decodeHeader(bytes);
    const host = random.pick([left, right]);
    host.engine.push({ data: bytes, from: random.chance(0.5) ? right.address : stranger(random.below(16)) }, world.now);
    if (header !== undefined && i % 16 === 0) world.run(random.below(20));
  }
  world.run(2_000_000);
  for (const { engine } of [left, right]) {
    assertEquals([engine.heldBytes, engine.connections.client, engine.connections.service], [0, 0, 0]);
    assertEquals(engine.timeoutAt(), Infinity);
  }
});

test("200: an endpoint that is closed: peers are told, all calls end, no timer is left", () => {
  const hand = asServer();
  const calls = hand.offer(147);
  hand.d(1, L);
  hand.engine.close(hand.world.now);
  assertEquals(hand.out(), ["ABORT -1"]);
  assertEquals([calls[0]!.closedCount, calls[0]!.code], [1, "ESHUTDOWN"]);
  assertEquals(hand.d(1, L, 1, { cid: 0x900 }), ["ABORT -2"]);
  hand.world.run(700_000);
  assertEquals(hand.engine.timeoutAt(), Infinity);
});

test("options that are wrong are refused at once", () => {
  const wrong: object[] = [{ receiveWindow: 256 }, { sendWindow: 0 }, { maxDatagram: 100 }, { jumbo: 47 }, {
    deadMs: -1,
  }];
  for (const options of wrong) {
    let thrown: unknown;
    try {
      new RxEndpointEngine({ random: () => {}, wallMs: () => 0, ...options }, { incoming: () => "busy" });
    } catch (error) {
      thrown = error;
    }
    assert(thrown instanceof RangeError, JSON.stringify(options));
  }
  const hand = asClient();
  for (const service of [0, 65_536, 1.5]) {
    let thrown: unknown;
    try {
      hand.call(1, { service });
    } catch (error) {
      thrown = error;
    }
    assert(thrown instanceof RangeError);
  }
  assertEquals(hand.world.sent.length, 0);
});

test("180: answersDebug that throws answers nobody, and the endpoint goes on", () => {
  const hand = asServer({
    answersDebug: () => {
      throw new Error("no list of whom to tell");
    },
  });
  hand.offer(147);
  assertEquals(hand.packet({ type: RxPacketType.DEBUG, callNumber: 0 }, new Uint8Array(8)), []);
  assertEquals(hand.drops(), { "answersDebug threw": 1 });
});
