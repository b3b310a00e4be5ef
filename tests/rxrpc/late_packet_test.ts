/** Packets that come late, between two calls of one channel. */
import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { type RxDatagram, RxEndpointEngine } from "../../src/rxrpc/mod.ts";
import { RxAckReason, RxPacketType } from "../../src/rxrpc/packet_types.ts";
import { SeededRandom } from "../../src/sim/mod.ts";
import { asClient, asServer, type Hand, L } from "./by_hand.ts";
import type { Recorder } from "./world.ts";

const ADDRESS = "127.0.0.1";
const TO = { address: ADDRESS, port: 7000 };

/** What an engine sends, as its peer sees it. */
function sent(engine: RxEndpointEngine, port: number, now: number): RxDatagram[] {
  let buffer = new Uint8Array(0);
  const datagrams: RxDatagram[] = [];
  engine.transmit({
    alloc: (size) => buffer = new Uint8Array(size),
    commit: (length) => datagrams.push({ data: buffer.subarray(0, length), from: { address: ADDRESS, port } }),
  }, now);
  return datagrams;
}

test("a reply that comes twice does not end the next call, which has its place but has sent nothing", () => {
  const random = new SeededRandom(5);
  const options = {
    random: (bytes: Uint8Array) => bytes.forEach((_, at) => bytes[at] = random.below(256)),
    wallMs: () => 0,
  };
  const server = new RxEndpointEngine(options, {
    incoming: (call) => ({
      data: (bytes) => call.consumed(bytes.length, 0),
      ended: () => call.end(0),
      closed: () => {},
    }),
  });
  server.offer({ id: 147 });
  const client = new RxEndpointEngine(options, { incoming: () => -2 });
  const ends: string[] = [];
  const make = (name: string) =>
    client.call({ to: TO, service: 147 }, {
      data: () => {},
      ended: () => ends.push(`${name} ended`),
      closed: (error) => ends.push(`${name} closed ${String(error)}`),
    }, 0);
  const exchange = (): RxDatagram[] => {
    for (const datagram of sent(client, 7001, 0)) server.push(datagram, 0);
    const replies = sent(server, 7000, 0);
    for (const datagram of replies) client.push(datagram, 0);
    return replies;
  };
  make("first").end(0);
  const replies = exchange();
  assertEquals(ends, ["first ended", "first closed undefined"]);
  const second = make("second");
  for (const datagram of replies) client.push(datagram, 0);
  assertEquals(ends.length, 2);
  second.end(0);
  exchange();
  assertEquals(ends.slice(2), ["second ended", "second closed undefined"]);
});

const { IDLE, PING, PING_RESPONSE } = RxAckReason;

/** A server whose reply of three packets the client seems to have: with its serial number 2 it said so. */
function ended(): Hand {
  const hand = asServer();
  const calls = hand.offer(147);
  hand.d(1, L);
  hand.reply(calls[0]!, 3 * 1412);
  hand.a(1, 3, 0, IDLE, [1, 1, 1]);
  hand.world.run(100);
  assertEquals([calls[0]!.closedCount, calls[0]!.error], [1, undefined]);
  hand.out();
  return hand;
}

test("a client that asks for more of a reply that it seemed to have: the call is aborted, it would wait for ever", () => {
  for (const [first, acks] of [[1, []], [2, []], [1, [1, 0, 1]], [2, [1]]] as const) {
    assertEquals(ended().a(first, 3, 0, PING, acks), ["ABORT -1"], `${first} ${acks}`);
  }
});

test("a client that has all of a reply, or had not when it sent what comes late, is answered as before", () => {
  for (const [first, acks] of [[4, []], [1, [1, 1, 1]], [2, [1, 1]], [9, []]] as const) {
    assertEquals(ended().a(first, 3, 0, PING, acks), ["A PING_RESPONSE 2/1 S3 []"], `${first} ${acks}`);
  }
  for (const serial of [1, 2]) {
    assertEquals(ended().a(1, 0, 0, PING, [], { header: { serial } }), [`A PING_RESPONSE 2/1 S${serial} []`]);
  }
});

test("what a client sent before its ACKALL and comes after it does not lack anything", () => {
  const hand = asServer();
  const calls = hand.offer(147);
  hand.d(1, L);
  hand.reply(calls[0]!, 3 * 1412);
  const late = { serial: ++hand.serial };
  hand.packet({ type: RxPacketType.ACKALL });
  assertEquals([calls[0]!.closedCount, calls[0]!.error], [1, undefined]);
  hand.out();
  assertEquals(hand.a(1, 3, 0, PING, [1, 0, 1], { header: late }), ["A PING_RESPONSE 2/1 S2 []"]);
});

test("no ABORT answers an ABORT, nor what asks nothing", () => {
  const hand = ended();
  assertEquals(hand.abort(-1), []);
  assertEquals(hand.a(1, 1, 0, IDLE, [1, 0, 1]), []);
});

test("packets behind the end that a call had: one of both ends has it wrong, an acknowledgement would not end it", () => {
  const server = ended();
  assertEquals(server.d(2, L), ["ABORT -5"]);
  const client = asClient();
  const call = client.call(10);
  client.d(1, L);
  client.after(100);
  assertEquals([call.closedCount, call.error], [1, undefined]);
  assertEquals(client.d(1, L), ["A DUPLICATE 2/1 S2 []"]);
  assertEquals(client.d(2, L), ["ABORT -5"]);
});

/** Answers PINGs for so long, or until the call is over; how long that was. */
function answerPings(hand: Hand, call: Recorder, seconds: number, firstPacket = 2, acks: number[] = []): number {
  const start = hand.world.now;
  while (call.closedCount === 0 && hand.world.now - start < 1000 * seconds) {
    hand.world.run(500);
    for (const { ack, header } of hand.packets()) {
      if (ack?.reason === PING) hand.a(firstPacket, firstPacket - 1, header.serial, PING_RESPONSE, acks);
    }
  }
  return hand.world.now - start;
}

test("a gap in a reply that nobody fills for a minute ends the call, though the server answers", () => {
  const hand = asClient();
  const call = hand.call(10);
  hand.d(1);
  hand.d(3, L);
  assertEquals(answerPings(hand, call, 300), 60_000);
  assertEquals([call.closedCount, call.code], [1, "ETIMEDOUT"]);
  assertEquals(hand.world.sent.at(-1)!.header.type, RxPacketType.ABORT);
});

test("an acknowledgement of the request, which has come, fills no gap in the reply", () => {
  const hand = asClient();
  const call = hand.call(10);
  hand.a(2, 1, 1, IDLE);
  hand.d(1);
  hand.d(3, L);
  hand.a(2, 1, 0, PING);
  assertEquals(answerPings(hand, call, 300), 60_000);
  assertEquals([call.closedCount, call.code], [1, "ETIMEDOUT"]);
});

test("duplicates fill no gap", () => {
  const hand = asClient();
  const call = hand.call(10);
  hand.d(1);
  hand.d(3, L);
  for (let second = 0; second < 61 && call.closedCount === 0; second++) {
    hand.world.run(1000);
    hand.d(3, L);
  }
  assertEquals(call.code, "ETIMEDOUT");
});

test("a server that is there may take its time, before its reply and in the middle of it", () => {
  const hand = asClient();
  const call = hand.call(10);
  hand.a(2, 1, 1, IDLE);
  answerPings(hand, call, 600);
  hand.d(1);
  hand.d(3);
  hand.d(2);
  answerPings(hand, call, 600);
  assertEquals(call.closedCount, 0);
  hand.d(4, L);
  assertEquals([call.closedCount, call.error], [1, undefined]);
});

test("packets that never get through, while answers come: the call ends", () => {
  const hand = asClient();
  const call = hand.call(3 * 1412);
  hand.a(2, 1, 1, IDLE);
  const took = answerPings(hand, call, 300);
  assertEquals([call.closedCount, call.code], [1, "ETIMEDOUT"]);
  // a minute from the first answer that brings nothing new
  assert(took >= 60_000 && took <= 70_000, `${took} ms`);
});

test("a closed window is no reason to give up", () => {
  const hand = asClient();
  const call = hand.call(3 * 1412);
  hand.a(2, 1, 1, IDLE, [], { rwind: 0 });
  const start = hand.world.now;
  while (hand.world.now - start < 600_000) {
    hand.world.run(500);
    for (const { ack, header } of hand.packets()) {
      if (ack?.reason === PING) hand.a(2, 1, header.serial, PING_RESPONSE, [], { rwind: 0 });
    }
  }
  assertEquals(call.closedCount, 0);
});

test("a window that closes with an acknowledgement that brings nothing new is no reason to give up either", () => {
  const hand = asClient();
  const call = hand.call(3 * 1412);
  hand.a(1, 0, 1, IDLE, [], { rwind: 4 });
  hand.a(1, 0, 1, IDLE, [], { rwind: 0 });
  const start = hand.world.now;
  while (hand.world.now - start < 600_000 && call.closedCount === 0) {
    hand.world.run(500);
    hand.a(1, 0, 0, IDLE, [], { rwind: 0 });
  }
  assertEquals(call.closedCount, 0);
});

test("a server that has got nowhere for a while may take its time after an ACKALL", () => {
  const hand = asServer();
  const calls = hand.offer(147);
  hand.d(1, L);
  const port = calls[0]!.call!;
  port.write(new Uint8Array(3 * 1412), hand.world.now);
  hand.out();
  hand.a(1, 0, 0, PING);
  hand.packet({ type: RxPacketType.ACKALL });
  const start = hand.world.now;
  while (hand.world.now - start < 300_000 && calls[0]!.closedCount === 0) {
    hand.world.run(500);
    for (const { ack, header } of hand.packets()) {
      if (ack?.reason === PING) hand.a(3, 2, header.serial, PING_RESPONSE);
    }
  }
  assertEquals([calls[0]!.closedCount, calls[0]!.error], [0, undefined]);
});
