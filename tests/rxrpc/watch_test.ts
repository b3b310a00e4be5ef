/** Calls of others: what a watcher counts against what the ends themselves know. */
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { ackLength, encodeAck } from "../../src/rxrpc/ack.ts";
import { abortBody, packetOf } from "../../src/rxrpc/control_packet.ts";
import type { RxHeader } from "../../src/rxrpc/header.ts";
import {
  looksLikeRx,
  RxCallRecorder,
  rxSequencePlot,
  type RxWatchedCall,
  type RxWatchedPacket,
  RxWatcher,
  type RxWatcherOptions,
} from "../../src/rxrpc/mod.ts";
import { RxAckReason, RxFlag, RxPacketType } from "../../src/rxrpc/packet_types.ts";
import { packetsText } from "../../src/rxrpc/watch/packet_text.ts";
import { RingTable } from "../../src/rxrpc/watch/ring_table.ts";
import { SegmentStream } from "../../src/packet/mod.ts";
import { CaptureStream } from "../../src/pcap/mod.ts";
import { SeededRandom } from "../../src/sim/mod.ts";
import { items } from "../../src/stream/mod.ts";
import { pattern, request, serve, World } from "./world.ts";

const CLIENT = { address: "10.0.0.1", port: 7001 };
const SERVER = { address: "10.0.0.2", port: 7003 };
const { DATA, ACK, ABORT, BUSY, CHALLENGE, RESPONSE } = RxPacketType;
const LAST = RxFlag.LAST_PACKET;

/** A watcher, and datagrams made by hand for it. */
class Watched {
  readonly opened: RxWatchedCall[] = [];
  readonly closed: RxWatchedCall[] = [];
  readonly packets: RxWatchedPacket[] = [];
  readonly watcher: RxWatcher;
  now = 1000;

  constructor(options: RxWatcherOptions = {}) {
    this.watcher = new RxWatcher(options, {
      opened: (call) => this.opened.push(call),
      packet: (packet) => this.packets.push(packet),
      closed: (call) => this.closed.push(call),
    });
  }

  send(side: "client" | "server", header: Partial<RxHeader>, body: Uint8Array = new Uint8Array(0)): void {
    const flags = (header.flags ?? 0) | (side === "client" ? RxFlag.CLIENT_INITIATED : 0);
    const whole: RxHeader = {
      epoch: 0x80001234,
      cid: 0x100,
      callNumber: 1,
      seq: 0,
      serial: 1,
      type: DATA,
      userStatus: 0,
      securityIndex: 0,
      checksum: 0,
      serviceId: 52,
      ...header,
      flags,
    };
    const [from, to] = side === "client" ? [CLIENT, SERVER] : [SERVER, CLIENT];
    this.watcher.push({ data: packetOf(whole, body), from, to }, this.now++);
  }

  ack(
    side: "client" | "server",
    firstPacket: number,
    acks: readonly boolean[],
    more: { reason?: number; serial?: number } = {},
  ): void {
    const body = new Uint8Array(ackLength(acks.length));
    const { reason = RxAckReason.IDLE, serial = 0 } = more;
    const sizes = { maxMtu: 1444, ifMtu: 1444, rwind: 32, jumboMax: 1 };
    encodeAck({ firstPacket, previousPacket: 0, serial, reason, acks, ...sizes }, body);
    this.send(side, { type: ACK }, body);
  }

  get text(): string {
    return packetsText([this.packets.at(-1)!]);
  }
}

for (
  const [what, link] of [
    ["a clean link", { delayMs: 5 }],
    ["5 % loss", { delayMs: 10, loss: 0.05 }],
    ["20 % loss, 5 % doubled, jitter", { delayMs: 10, loss: 0.2, duplication: 0.05, jitterMs: 8 }],
  ] as const
) {
  test(`${what}: a watcher beside the sender counts what the ends themselves do`, () => {
    for (let seed = 1; seed <= 8; seed++) {
      const world = new World(link, seed);
      const jumbo = seed % 2 === 0 ? 4 : 1;
      const options = { jumbo, acceptJumbo: jumbo, maxDatagram: 1444 + (jumbo - 1) * 1416 };
      const [client, server] = [world.add(options), world.add(options)];
      server.engine.offer({ id: 147 });
      const served = serve(world, server, (body) => body);
      const body = pattern(200_000 + seed, seed);
      const call = request(world, client, server, body);
      world.run(600_000, () => call.closedCount > 0 && served[0]?.closedCount === 1);
      assertEquals([call.error, served[0]?.error], [undefined, undefined]);
      const { watcher, closed } = new Watched({ lingerMs: 60_000 });
      for (const { data, from, to, at } of world.sent) watcher.push({ data, from, to }, at);
      watcher.end(world.now);
      assertEquals(closed.length, 1);
      const [{ request: up, reply: down, state }] = closed as [RxWatchedCall];
      assertEquals([state, up.bytes, down.bytes], ["complete", body.length, body.length]);
      assertEquals([up.missing, down.missing], [0, 0]);
      assertEquals([up.packets, up.resent], [client.engine.stats.dataPackets, client.engine.stats.resentPackets]);
      assertEquals([down.packets, down.resent], [server.engine.stats.dataPackets, server.engine.stats.resentPackets]);
      if (!("loss" in link)) assertEquals([up.resent, up.nacked, down.resent], [0, 0, 0]);
      assert(up.spurious <= up.resent && down.spurious <= down.resent);
      // the time at which an end sends is taken, so that only one way is in it
      assert(down.rtt.samples > 0 && down.rtt.leastMs > 0.99 * link.delayMs, `${down.rtt.leastMs} ms`);
    }
  });
}

test("soft and hard acknowledgements, losses, resends in vain, the window, round-trip times", () => {
  const watched = new Watched();
  for (let seq = 1; seq <= 5; seq++) watched.send("client", { seq, serial: seq }, new Uint8Array(10));
  watched.ack("server", 1, [false, true, true, false, true], { reason: RxAckReason.OUT_OF_SEQUENCE, serial: 5 });
  assertEquals(watched.text, "call 1 ACK below 1, OUT_OF_SEQUENCE, has 2-3, 5, lacks 1, 4, window 32, rtt 1.000 ms");
  watched.send("client", { seq: 1, serial: 6 }, new Uint8Array(10));
  assertEquals(watched.text, "call 1 DATA 1, 10 B, resent, service 52");
  watched.send("client", { seq: 2, serial: 7 }, new Uint8Array(10));
  assertEquals(watched.packets.at(-1)!.remark, "resent in vain");
  watched.send("client", { seq: 4, serial: 8 }, new Uint8Array(10));
  watched.ack("server", 4, [true], { reason: RxAckReason.DUPLICATE, serial: 8 });
  watched.ack("server", 6, []);
  watched.ack("server", 2, []);
  const [{ request: up }] = watched.opened as [RxWatchedCall];
  assertEquals(
    [up.packets, up.resent, up.spurious, up.softAcked, up.nacked, up.hardAck, up.window, up.acks],
    [5, 3, 2, 4, 2, 6, 32, 4],
  );
  assertEquals(up.ackReasons, { OUT_OF_SEQUENCE: 1, DUPLICATE: 1, IDLE: 2 });
  assertEquals([up.rtt.samples, up.rtt.leastMs, up.rtt.mostMs], [2, 1, 1]);
});

test("packets that were not captured, and those that came late", () => {
  const watched = new Watched();
  watched.send("server", { seq: 1 }, new Uint8Array(4));
  watched.send("server", { seq: 4, flags: LAST }, new Uint8Array(4));
  assertEquals([watched.packets.at(-1)!.remark, watched.opened[0]!.reply.missing], ["early", 2]);
  watched.send("server", { seq: 3 }, new Uint8Array(4));
  assertEquals([watched.packets.at(-1)!.remark, watched.opened[0]!.reply.missing], ["late", 1]);
  watched.watcher.end(watched.now);
  assertEquals(watched.closed.map(({ state, reply }) => [state, reply.bytes]), [["complete", 12]]);
});

test("aborts of calls and connections, busy servers, calls that are replaced, packets of calls that are over", () => {
  const watched = new Watched();
  watched.send("client", { seq: 1, flags: LAST });
  watched.send("server", { type: BUSY });
  watched.send("server", { type: ABORT, serial: 2 }, abortBody(-455));
  assertEquals(watched.text, "call 1 ABORT RXGEN_OPCODE");
  watched.send("client", { callNumber: 2, seq: 1 });
  watched.send("client", { callNumber: 3, seq: 1 });
  watched.send("client", { callNumber: 2, seq: 2 });
  watched.send("client", { cid: 0x101, callNumber: 1, seq: 1 });
  watched.send("server", { type: ABORT, cid: 0x100, callNumber: 0 }, abortBody(19270408));
  watched.watcher.end(watched.now);
  assertEquals(
    watched.closed.map(({ id, state, abortCode, abortedBy, busy }) => [id, state, abortCode, abortedBy, busy]),
    [
      [1, "aborted", -455, "server", 1],
      [2, "replaced", undefined, undefined, 0],
      [3, "aborted", 19270408, "server", 0],
      [4, "aborted", 19270408, "server", 0],
    ],
  );
  assertEquals([watched.watcher.stats.late, watched.watcher.stats.connections], [1, 1]);
});

test("rxkad: the lowest level that the server takes, and whose key the ticket is for", () => {
  const watched = new Watched();
  const challenge = new Uint8Array(16);
  challenge[11] = 1;
  const response = new Uint8Array(100);
  response[51] = 213;
  watched.send("client", { seq: 1, securityIndex: 2 });
  watched.send("server", { type: CHALLENGE, callNumber: 0, securityIndex: 2 }, challenge);
  watched.send("client", { type: RESPONSE, callNumber: 0, securityIndex: 2 }, response);
  const { minLevel, kvno, challenges, responses } = watched.opened[0]!.connection;
  assertEquals([minLevel, kvno, challenges, responses], [1, 213, 1, 1]);
});

test("a call that is over is told once nothing has come for a while; a quiet connection is given up", () => {
  const watched = new Watched({ lingerMs: 100, idleMs: 1000 });
  assertEquals(watched.watcher.timeoutAt(), Infinity);
  watched.send("client", { seq: 1, flags: LAST });
  watched.send("server", { seq: 1, flags: LAST });
  assertEquals(watched.watcher.timeoutAt(), 1001 + 100);
  watched.watcher.onTimeout(1100);
  assertEquals(watched.closed.length, 0);
  watched.watcher.onTimeout(1101);
  assertEquals(watched.closed.map(({ state }) => state), ["complete"]);
  watched.now = 1102;
  watched.ack("client", 2, []);
  assertEquals(watched.watcher.stats.late, 1);
  watched.send("client", { cid: 0x101, seq: 1 });
  watched.watcher.onTimeout(5000);
  assertEquals([watched.closed.at(-1)!.state, watched.watcher.timeoutAt()], ["open", Infinity]);
});

test("maxConnections: the connection that was quiet the longest is given up", () => {
  const watched = new Watched({ maxConnections: 2 });
  for (const cid of [0x100, 0x104, 0x100, 0x108]) watched.send("client", { cid, seq: 1 });
  assertEquals(watched.closed.map(({ connection }) => connection.cid), [0x104]);
  assertEquals([watched.watcher.stats.evicted, watched.watcher.stats.connections], [1, 3]);
  assertThrows(() => new RxWatcher({ maxConnections: 0 }, {}), RangeError);
});

test("a table of numbers keeps the latest of them", () => {
  const count = { kept: 3 };
  const table = new RingTable<string>(16, count);
  for (let key = 1; key <= 40; key++) table.set(key, `${key}`);
  for (let key = 25; key <= 40; key++) assertEquals(table.get(key), `${key}`);
  assertEquals([table.get(24), table.get(41)], [undefined, undefined]);
  assertEquals(count.kept, 3 + 16);
  table.clear();
  assertEquals([count.kept, table.get(40)], [3, undefined]);
  table.set(40, "40");
  assertEquals([count.kept, table.get(40)], [4, "40"]);
});

test("a call that is over remembers none of its packets, a connection that is given up neither", () => {
  const watched = new Watched({ lingerMs: 100 });
  for (let seq = 1; seq <= 300; seq++) watched.send("client", { seq, serial: seq }, new Uint8Array(10));
  assertEquals(watched.watcher.stats.remembered, 600);
  watched.send("client", { seq: 301, serial: 301, flags: LAST });
  watched.send("server", { seq: 1, flags: LAST });
  watched.watcher.onTimeout(watched.now + 100);
  assertEquals([watched.closed.length, watched.watcher.stats.remembered], [1, 302]);
  const [{ request: up }] = watched.closed as [RxWatchedCall];
  assertEquals([up.packets, up.bytes, up.highest], [301, 3000, 301]);
  watched.watcher.end(watched.now);
  assertEquals([watched.watcher.stats.remembered, watched.watcher.stats.forgotten], [0, 0]);
});

test("maxPackets: the connections that were quiet the longest forget their packets, and calls go on", () => {
  const watched = new Watched({ maxPackets: 1000 });
  let most = 0;
  for (let cid = 0x100; cid < 0x100 + 4 * 100; cid += 4) {
    for (let seq = 1; seq <= 20; seq++) {
      watched.send("client", { cid, seq, serial: seq }, new Uint8Array(10));
      most = Math.max(most, watched.watcher.stats.remembered);
    }
  }
  const { calls, remembered, forgotten } = watched.watcher.stats;
  assertEquals([calls, remembered + forgotten, most], [100, 4000, 1000]);
  // one that has forgotten still knows what is new and what must have come before
  watched.send("client", { cid: 0x100, seq: 20, serial: 21 }, new Uint8Array(10));
  watched.send("client", { cid: 0x100, seq: 21, serial: 22 }, new Uint8Array(10));
  assertEquals(watched.packets.slice(-2).map(({ remark }) => remark), ["resent", undefined]);
  const [{ request: up }] = watched.opened as [RxWatchedCall];
  assertEquals([up.packets, up.resent, up.missing], [21, 1, 0]);
  assertThrows(() => new RxWatcher({ maxPackets: 0 }, {}), RangeError);
});

test("a recorder that keeps the largest call has room for it however many come before", () => {
  const recorder = new RxCallRecorder({ keepsLargest: true, maxPackets: 100 });
  const watcher = new RxWatcher({}, {
    packet: (packet) => recorder.add(packet),
    closed: (call) => recorder.closed(call),
  });
  const watched = new Watched();
  const pass = (side: "client" | "server", header: Partial<RxHeader>): void => watched.send(side, header);
  watched.watcher.push = (datagram, now) => watcher.push(datagram, now);
  for (let callNumber = 1; callNumber <= 500; callNumber++) {
    const packets = callNumber === 400 ? 90 : 5;
    for (let seq = 1; seq <= packets; seq++) pass("client", { callNumber, seq, serial: seq });
  }
  watcher.end(watched.now);
  assertEquals([recorder.largest!.call.id, recorder.largest!.request.data.length, recorder.dropped], [400, 90, 0]);
  assertEquals(recorder.calls.size, 1);
});

test("a recorder without room counts what it drops, acknowledgements by their size", () => {
  const recorder = new RxCallRecorder({ maxPackets: 10 });
  const watched = new Watched();
  const add = (): void => recorder.add(watched.packets.at(-1)!);
  for (let seq = 1; seq <= 3; seq++) {
    watched.send("client", { seq, serial: seq });
    add();
  }
  for (let round = 0; round < 3; round++) {
    watched.ack("server", 1, new Array<boolean>(40).fill(true));
    add();
  }
  const { request: up, isCut } = recorder.largest!;
  assertEquals([up.data.length, up.acks.length, isCut, recorder.dropped], [3, 2, true, 1]);
});

const folder = new URL("captures/", import.meta.url);
const captures = readdirSync(folder).filter((name) => name.endsWith(".pcap"));

async function datagramsOf(name: string): Promise<Uint8Array[]> {
  const file = new Uint8Array(readFileSync(new URL(name, folder)));
  const all = new Blob([file]).stream().pipeThrough(new CaptureStream({ batch: true }))
    .pipeThrough(new SegmentStream({ batch: true }));
  const datagrams: Uint8Array[] = [];
  for await (const segment of items(all)) if (segment.protocol === 17) datagrams.push(segment.payload.slice());
  return datagrams;
}

test("datagrams of Rx are known from others", async () => {
  for (const name of captures.filter((name) => !name.includes("handmade"))) {
    const datagrams = await datagramsOf(name);
    const wrong = datagrams.filter((datagram) => !looksLikeRx(datagram)).length;
    // some aborts are tested by packets that are none
    assert(
      datagrams.length > 0 && wrong <= (name.includes("aborts") ? 2 : 0),
      `${name}: ${wrong} of ${datagrams.length}`,
    );
  }
  const random = new SeededRandom(5);
  let taken = 0;
  for (let round = 0; round < 100_000; round++) {
    const bytes = Uint8Array.from({ length: 20 + random.below(60) }, () => random.below(256));
    if (looksLikeRx(bytes)) taken++;
  }
  assertEquals(taken, 0);
});

test("hostile datagrams: nothing is thrown, and what is held is bounded", async () => {
  const watched = new Watched({ maxConnections: 50 });
  const random = new SeededRandom(9);
  const recorder = new RxCallRecorder({ maxPackets: 1000 });
  for (const name of captures) {
    for (const datagram of await datagramsOf(name)) {
      for (let round = 0; round < 40; round++) {
        const bytes = datagram.slice(0, random.chance(0.2) ? random.below(datagram.length + 1) : datagram.length);
        for (let changes = random.below(4); changes > 0 && bytes.length > 0; changes--) {
          bytes[random.below(bytes.length)] = random.below(256);
        }
        watched.watcher.push({ data: bytes, from: CLIENT, to: SERVER }, watched.now++);
        for (const packet of watched.packets.splice(0)) {
          recorder.add(packet);
          assert(packetsText([packet]).length < 500);
        }
      }
    }
  }
  watched.watcher.end(watched.now);
  const { calls, connections, datagrams } = watched.watcher.stats;
  assert(datagrams > 5000 && connections > 50);
  assertEquals(watched.closed.length, calls);
  let kept = 0;
  for (const { request: up, reply: down } of recorder.calls.values()) {
    kept += up.data.length + up.acks.length + down.data.length + down.acks.length;
  }
  assert(kept > 900 && kept <= 1000, `${kept} kept`);
  assertEquals(watched.watcher.stats.remembered, 0);
});

test("a picture: each packet is in it, losses and resends as such, and nothing that is not text", () => {
  const world = new World({ delayMs: 10, loss: 0.1 }, 3);
  const [client, server] = [world.add({}, "<&>"), world.add()];
  server.engine.offer({ id: 147 });
  const served = serve(world, server, (body) => body);
  const call = request(world, client, server, pattern(300_000, 1));
  world.run(600_000, () => call.closedCount > 0 && served[0]?.closedCount === 1);
  const recorder = new RxCallRecorder();
  const watcher = new RxWatcher({}, { packet: (packet) => recorder.add(packet) });
  for (const { data, from, to, at } of world.sent) watcher.push({ data, from, to }, at);
  const largest = recorder.largest!;
  const svg = rxSequencePlot([largest]);
  const marks = (kind: string): number =>
    [...svg.matchAll(new RegExp(`<path class="${kind}" d="([^"]*)"`, "g"))]
      // the legend has one of each kind
      .reduce((sum, [, path]) => sum + path!.split("M").length - 1, 0) - 1;
  const { request: up, reply: down } = largest.call;
  assertEquals(marks("d"), up.packets + down.packets);
  assertEquals(marks("r") + marks("v"), up.resent + down.resent);
  assert(marks("r") > 0 && marks("n") > 0 && marks("s") > 0, ["r", "n", "s"].map(marks).join());
  assertEquals(marks("h"), 2);
  assertMatch(svg, /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" viewBox="0 0 1000 \d+"/);
  assertMatch(svg, /&lt;&amp;>:7000/);
  for (const wrong of ["NaN", "Infinity", "undefined", "<&>"]) assert(!svg.includes(wrong), wrong);
});
