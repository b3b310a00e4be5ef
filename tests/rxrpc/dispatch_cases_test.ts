/** The spec's cases B: which packets belong to what, and which are answered. */
import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { RxPacketType } from "../../src/rxrpc/packet_types.ts";
import { asClient, asServer, C, L, R } from "./by_hand.ts";
import { Hand } from "./by_hand.ts";

const unknownSecurity = { index: 2, challenge: () => undefined };

test("27, 28: packets for connections that are not there are not answered", () => {
  const hand = asClient();
  assertEquals(hand.d(1), []);
  const server = asServer();
  server.offer(147);
  assertEquals(server.a(1, 0, 0, 6), []);
});

test("29: the first packet of a call for an unknown service is aborted with -2", () => {
  const hand = asServer();
  hand.offer(147);
  hand.packet({ seq: 1, flags: C | L, serviceId: 999, callNumber: 3 });
  const [answer] = new Hand(C).packets();
  assertEquals(answer, undefined);
  const { header } = hand.world.sent[0]!;
  assertEquals([header.type, header.callNumber, header.serviceId, header.flags, header.serial], [4, 3, 999, 0, 0]);
  assertEquals([header.epoch, header.cid], [hand.epoch, hand.cid]);
});

test("30: a later packet for an unknown service is not answered", () => {
  const hand = asServer();
  hand.offer(147);
  assertEquals(hand.d(2, 0, 10, { serviceId: 999 }), []);
});

test("31: a security class that the service does not take is aborted with -2", () => {
  const hand = asServer();
  hand.offer(147);
  hand.securityIndex = 2;
  assertEquals(hand.d(1, L), ["ABORT -2"]);
  const other = asServer();
  other.offer({ id: 147, security: [unknownSecurity] });
  assertEquals(other.d(1, L), ["ABORT -2"]);
});

test("32: an ABORT is never answered", () => {
  const hand = asServer();
  hand.offer(147);
  assertEquals(hand.abort(-2), []);
  assertEquals(hand.abort(-5, { callNumber: 0 }), []);
});

test("33: another security index on a connection that is there is dropped", () => {
  const hand = asServer();
  const calls = hand.offer(147);
  hand.d(1);
  assertEquals(hand.d(2, L, 10, { securityIndex: 2 }), []);
  assertEquals([calls[0]!.hasEnded, hand.drops()["other security index"]], [false, 1]);
});

test("34: another service on a connection that is there is taken for the connection's", () => {
  const hand = asServer();
  const calls = hand.offer(147, 148);
  hand.d(1, L);
  hand.reply(calls[0]!, 10);
  hand.d(1, L, 10, { callNumber: 2, serviceId: 148 });
  assertEquals(calls.map((call) => call.call!.service), [147, 147]);
});

test("35: an ABORT without a service counts", () => {
  const hand = asClient();
  const call = hand.call(10);
  hand.abort(77, { serviceId: 0, checksum: 147 });
  assertEquals([call.code, (call.error as { abortCode: number }).abortCode], ["ECONNABORTED", 77]);
});

test("36, 37: DATA without a call number, or without a sequence number, harms nothing", () => {
  const hand = asServer();
  const calls = hand.offer(147);
  hand.d(1);
  assertEquals(hand.d(1, 0, 10, { callNumber: 0 }), []);
  assertEquals(hand.d(0), []);
  assertEquals([calls[0]!.closedCount, hand.drops()["no call number"], hand.drops()["malformed DATA"]], [0, 1, 1]);
});

test("38: types that nobody uses are not answered", () => {
  const hand = asServer();
  hand.offer(147);
  hand.d(1);
  hand.out();
  for (const type of [8, 9, 10, 11, 12]) assertEquals(hand.packet({ type, callNumber: 0 }), []);
});

test("39: an unknown type aborts a call that is there, and nothing else", () => {
  const hand = asServer();
  const calls = hand.offer(147);
  assertEquals(hand.packet({ type: 14 }), []);
  hand.d(1);
  assertEquals(hand.packet({ type: 14 }), ["ABORT -5"]);
  assertEquals(calls[0]!.closedCount, 1);
});

test("40: BUSY and CHALLENGE to a server, RESPONSE to a client", () => {
  const server = asServer();
  server.offer(147);
  server.d(1);
  server.out();
  assertEquals(server.packet({ type: RxPacketType.BUSY }), []);
  assertEquals(server.packet({ type: RxPacketType.CHALLENGE, callNumber: 0 }), []);
  const client = asClient();
  client.call(10);
  client.out();
  assertEquals(client.packet({ type: RxPacketType.RESPONSE, callNumber: 0 }), []);
  assertEquals([server.drops()["wrong direction"], client.drops()["wrong direction"]], [2, 1]);
});

test("41: packets of older calls are dropped", () => {
  const hand = asServer();
  const calls = hand.offer(147);
  hand.d(1, L, 10, { callNumber: 5 });
  hand.reply(calls[0]!, 10);
  assertEquals(hand.d(1, L, 10, { callNumber: 4 }), []);
  assertEquals(hand.drops()["old call"], 1);
});

test("42: a client that gets a packet of a call that it never made", () => {
  const hand = asClient();
  const call = hand.call(10);
  hand.d(1, L, 10);
  assertEquals(call.closedCount, 1);
  hand.after(100);
  assertEquals(hand.d(1, L, 10, { callNumber: 9 }), []);
  assertEquals(hand.drops()["unknown call"], 1);
});

test("43: the same connection number in another epoch is another connection", () => {
  const hand = asServer();
  const calls = hand.offer(147);
  hand.d(1, 0, 10);
  hand.d(1, 0, 20, { epoch: 0x80009999 });
  assertEquals(calls.map(({ bytes }) => bytes), [10, 20]);
  hand.d(2, L, 5);
  assertEquals(calls.map(({ bytes, hasEnded }) => [bytes, hasEnded]), [[15, true], [20, false]]);
});

test("44, 45: the same connection from another port is another connection, whatever the epoch says", () => {
  for (const epoch of [0x80001234, 0x00001234]) {
    const hand = asServer();
    const calls = hand.offer(147);
    hand.epoch = epoch;
    hand.d(1, 0, 10);
    hand.packet({ seq: 1, flags: C | R }, new Uint8Array(20), { address: "10.9.9.9", port: 8888 });
    assertEquals(calls.map(({ bytes }) => bytes), [10, 20]);
    assertEquals(hand.world.sent.at(-1)!.to.port, 8888);
  }
});

test("46, 47: replies from another address of the server, and from another port", () => {
  for (const acceptMultihomed of [true, false]) {
    const hand = asClient({ acceptMultihomed });
    const call = hand.call(10);
    hand.packet({ seq: 1, flags: L }, new Uint8Array(5), { address: "10.9.9.9", port: 7778 });
    assertEquals(call.bytes, 0);
    hand.packet({ seq: 1, flags: L }, new Uint8Array(5), { address: "10.9.9.10", port: 7777 });
    assertEquals(call.bytes, acceptMultihomed ? 5 : 0);
  }
});

test("48: four calls with the same number on four channels do not touch each other", () => {
  const hand = asServer();
  const calls = hand.offer(147);
  for (let channel = 0; channel < 4; channel++) hand.d(1, 0, 10 + channel, { cid: hand.cid | channel });
  for (let channel = 3; channel >= 0; channel--) hand.d(2, L, 1, { cid: hand.cid | channel });
  assertEquals(calls.map(({ bytes, hasEnded }) => [bytes, hasEnded]), [[11, true], [12, true], [13, true], [14, true]]);
});

test("49: an ABORT of the connection ends its calls, and it is not used again", () => {
  const hand = asClient();
  const calls = [hand.call(10), hand.call(10), hand.call(10)];
  const cid = hand.cid & ~3;
  hand.abort(-5, { callNumber: 0, cid });
  assertEquals(calls.map((call) => [call.closedCount, (call.error as { abortCode: number }).abortCode]), [[1, -5], [
    1,
    -5,
  ], [1, -5]]);
  hand.call(10);
  assertEquals(hand.cid === cid, false);
});

test("50: packets for a connection that this end has aborted get the ABORT again, ten a second; an ABORT does not", () => {
  const hand = asClient();
  hand.call(10);
  hand.out();
  // there is no security, and nobody may ask for it
  assertEquals(hand.packet({ type: RxPacketType.CHALLENGE, callNumber: 0 }, new Uint8Array(16)), ["ABORT -5"]);
  let answers = 0;
  for (let i = 0; i < 30; i++) answers += hand.d(1).length;
  assertEquals(answers, 10);
  hand.after(1000);
  assertEquals(hand.d(1), ["ABORT -5"]);
  assertEquals(hand.abort(-1), []);
});

test("13: an ABORT says its number with a sign; one that is short says nothing, what is behind does not matter", () => {
  for (const [length, codes] of [[4, [-1]], [3, []], [12, [-1]]] as const) {
    const hand = asClient();
    const call = hand.call(10);
    hand.packet({ type: RxPacketType.ABORT }, new Uint8Array(length).fill(255));
    assertEquals(call.closedCount, codes.length, `${length} bytes`);
    if (codes.length > 0) assertEquals((call.error as { abortCode: number }).abortCode, codes[0]);
  }
});
