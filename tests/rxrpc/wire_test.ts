/** The spec's codec cases. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { concat } from "../../src/bytes/mod.ts";
import { ackLength, decodeAck, encodeAck, type RxAck } from "../../src/rxrpc/ack.ts";
import { decodeHeader, encodeHeader, HEADER_BYTES, nextSerial, type RxHeader } from "../../src/rxrpc/header.ts";
import { dataPackets } from "../../src/rxrpc/jumbo.ts";
import { RxAckReason, RxFlag, RxPacketType } from "../../src/rxrpc/packet_types.ts";
import { fromHex, toHex } from "./hex.ts";

const golden = fromHex("9abc1234 00000104 00000007 00000001 00000001 01050000 00000093");
const header: RxHeader = {
  epoch: 0x9abc1234,
  cid: 0x104,
  callNumber: 7,
  seq: 1,
  serial: 1,
  type: RxPacketType.DATA,
  flags: RxFlag.CLIENT_INITIATED | RxFlag.LAST_PACKET,
  userStatus: 0,
  securityIndex: 0,
  checksum: 0,
  serviceId: 147,
};

test("1: a DATA header encodes to its 28 golden bytes", () => {
  const into = new Uint8Array(HEADER_BYTES);
  encodeHeader(header, into);
  assertEquals(toHex(into), toHex(golden));
});

test("2: the golden bytes decode to the same fields", () => {
  assertEquals(decodeHeader(golden), header);
});

test("2: every field has its own place", () => {
  const bytes = Uint8Array.from({ length: 28 }, (_, at) => 0x80 + at);
  const decoded = decodeHeader(bytes)!;
  const into = new Uint8Array(28);
  encodeHeader(decoded, into);
  assertEquals(toHex(into), toHex(bytes));
  assertEquals([decoded.checksum, decoded.serviceId], [0x9899, 0x9a9b]);
});

test("3: a datagram of 27 bytes has no header", () => {
  assertEquals(decodeHeader(golden.subarray(0, 27)), undefined);
});

const ackBody = fromHex(
  "0000 0000 00000003 00000005 00000009 03 03 00 00 01 000000 000005a4 000005a4 00000020 00000004",
);
const ack: RxAck = {
  firstPacket: 3,
  previousPacket: 5,
  serial: 9,
  reason: RxAckReason.OUT_OF_SEQUENCE,
  acks: [false, false, true],
  maxMtu: 1444,
  ifMtu: 1444,
  rwind: 32,
  jumboMax: 4,
};

test("4, 5: an ACK of 0 and of 17 bytes is none, one of 18 without acknowledgements is one without trailer", () => {
  assertEquals(decodeAck(new Uint8Array(0)), undefined);
  assertEquals(decodeAck(new Uint8Array(17)), undefined);
  const decoded = decodeAck(new Uint8Array(18))!;
  assertEquals([decoded.acks.length, decoded.maxMtu, decoded.rwind, decoded.jumboMax], [0, 1444, undefined, 1]);
});

test("6: five acknowledgements in three bytes", () => {
  const body = new Uint8Array(21);
  body[17] = 5;
  assertEquals(decodeAck(body), undefined);
});

test("7: the golden ACK, both ways; padding is zero whatever the buffer held", () => {
  const into = new Uint8Array(64).fill(0xff);
  assertEquals(encodeAck(ack, into), 40);
  assertEquals(toHex(into.subarray(0, 40)), toHex(ackBody));
  assertEquals(decodeAck(ackBody), ack);
});

test("8: 255 acknowledgements and a whole trailer", () => {
  const full = { ...ack, acks: Array.from({ length: 255 }, (_, at) => at % 3 === 0) };
  const into = new Uint8Array(400);
  assertEquals([HEADER_BYTES + encodeAck(full, into), HEADER_BYTES + ackLength(255)], [320, 320]);
  assertEquals(decodeAck(into.subarray(0, 292)), full);
  assertThrows(() => encodeAck({ ...ack, acks: Array.from({ length: 256 }, () => true) }, into), RangeError);
});

test("9, 10, 11: a trailer of two and three words, and one with a thousand zeros behind it", () => {
  const words = (count: number): (number | undefined)[] => {
    const decoded = decodeAck(ackBody.subarray(0, 24 + 4 * count))!;
    return [decoded.maxMtu, decoded.ifMtu, decoded.rwind, decoded.jumboMax];
  };
  assertEquals(words(0), [1444, undefined, undefined, 1]);
  assertEquals(words(2), [1444, 1444, undefined, 1]);
  assertEquals(words(3), [1444, 1444, 32, 1]);
  assertEquals(words(4), [1444, 1444, 32, 4]);
  assertEquals(decodeAck(concat([ackBody, new Uint8Array(1000)])), ack);
});

test("12: only the lowest bit of an acknowledgement counts", () => {
  const body = ackBody.slice();
  const read = (byte: number): boolean => {
    body[18] = byte;
    return decodeAck(body)!.acks[0]!;
  };
  assertEquals([0x03, 0xff, 0x02, 0xfe].map(read), [true, true, false, false]);
});

/** A jumbogram of so many packets, all full but the last, whose bytes are the packet's number. */
function jumbogram(count: number, lastBytes: number): Uint8Array {
  const first = new Uint8Array(HEADER_BYTES);
  encodeHeader({ ...header, seq: 10, serial: 100, flags: count > 1 ? 0x21 : 1, userStatus: 1, checksum: 5 }, first);
  const parts = [first];
  for (let i = 1; i < count; i++) {
    parts.push(new Uint8Array(1412).fill(i), Uint8Array.of(i === count - 1 ? 0x05 : 0x21, 0, 0, i));
  }
  return concat([...parts, new Uint8Array(lastBytes).fill(count)]);
}

function split(datagram: Uint8Array): ReturnType<typeof dataPackets> {
  return dataPackets(decodeHeader(datagram)!, datagram);
}

test("14: a jumbogram of two full packets", () => {
  const datagram = jumbogram(2, 1412);
  assertEquals(datagram.length, 2856);
  const [first, second, ...more] = split(datagram)!;
  assertEquals([more.length, first!.body.length, second!.body.length, second!.body[0]], [0, 1412, 1412, 2]);
  assertEquals([first!.header.seq, first!.header.serial, first!.header.userStatus], [10, 100, 1]);
  const { seq, serial, userStatus, flags, checksum } = second!.header;
  assertEquals([seq, serial, userStatus, flags, checksum], [11, 101, 0, 5, 1]);
});

test("15: a jumbogram of 46 packets is the longest; of 47 it would not fit a datagram", () => {
  const datagram = jumbogram(46, 1412);
  assertEquals([datagram.length, split(datagram)!.length], [65160, 46]);
  assertEquals(split(jumbogram(47, 0)), undefined);
});

test("16: a jumbogram whose last packet is empty", () => {
  const datagram = jumbogram(2, 0);
  assertEquals(datagram.length, 28 + 1412 + 4);
  assertEquals(split(datagram)!.map(({ body }) => body.length), [1412, 0]);
});

test("17: a jumbogram that ends before its next header counts not at all", () => {
  assertEquals(split(jumbogram(2, 0).subarray(0, 28 + 1415)), undefined);
  assertEquals(split(jumbogram(3, 0).subarray(0, 28 + 1416 + 1415)), undefined);
});

test("18: a packet that is the last one and has another behind it", () => {
  const datagram = jumbogram(2, 10);
  datagram[21]! |= RxFlag.LAST_PACKET;
  assertEquals(split(datagram), undefined);
});

test("19: the last packet says that there is another", () => {
  const datagram = jumbogram(2, 10);
  datagram[28 + 1412]! |= RxFlag.JUMBO_PACKET;
  assertEquals(split(datagram), undefined);
});

test("20: the second byte of the header between packets may be anything", () => {
  const datagram = jumbogram(2, 10);
  datagram[28 + 1413] = 0xff;
  assertEquals(split(datagram)!.length, 2);
});

test("21: serial numbers go round without 0, also within a jumbogram", () => {
  assertEquals([0xfffffffe, 0xffffffff, 1].map(nextSerial), [0xffffffff, 1, 2]);
  const datagram = jumbogram(4, 10);
  datagram.set([0xff, 0xff, 0xff, 0xfe], 16);
  assertEquals(split(datagram)!.map((packet) => packet.header.serial), [0xfffffffe, 0xffffffff, 1, 2]);
});

test("a packet alone, at any length", () => {
  for (const length of [0, 1, 1416, 65479]) {
    const packets = split(jumbogram(1, length))!;
    assert(packets.length === 1 && packets[0]!.body.length === length);
  }
});
