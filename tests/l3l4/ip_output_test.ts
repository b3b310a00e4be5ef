import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { readU16, readU32 } from "../../src/bytes/integers.ts";
import { IpIds } from "../../src/l3l4/ip_ids.ts";
import { DATAGRAM_OVERHEAD, DatagramQueue } from "../../src/l3l4/ip_output.ts";
import { decodeIpv6, Ipv4View, parseAddress } from "../../src/packet/mod.ts";
import { pattern, udp, V4, v4, V6, v6 } from "../packet/support.ts";
import { countingRandom, Packets, Reader } from "./ip_support.ts";

function queueOf(maxDatagrams = 100, bytes = 1e6) {
  const budget = { left: bytes };
  return { queue: new DatagramQueue(maxDatagrams, budget, new IpIds(countingRandom())), budget };
}

const DATAGRAMS = [
  v4({ payload: udp({ payload: pattern(5000) }, V4) }),
  v6({ payload: udp({ payload: pattern(5000) }, V6) }),
];

test("6, 31: datagrams are cut to what the path takes, and the fragments make them again", () => {
  for (const datagram of DATAGRAMS) {
    for (const mtu of [68, 576, 1280, 1281, 1287, 1500, 5027, 5048, 9000]) {
      const { queue, budget } = queueOf();
      const out = new Packets();
      assert(queue.push(datagram));
      assert(queue.transmit(out, () => mtu));
      assert(out.all.every((packet) => packet.length <= mtu), `${mtu}`);
      assertEquals(out.all.length > 1, datagram.length > mtu);
      const reader = new Reader();
      assertEquals(
        out.all.map((packet) => reader.read(packet)).at(-1)!.payload,
        datagram.subarray(datagram[0] === 0x45 ? 20 : 40),
      );
      assertEquals([queue.length, budget.left], [0, 1e6]);
    }
  }
});

test("31: the largest datagrams come through", () => {
  const largest4 = v4({ payload: udp({ payload: pattern(65_507) }, V4) });
  const largest6 = v6({ payload: udp({ payload: pattern(65_527) }, V6) });
  for (const datagram of [largest4, largest6]) {
    const { queue } = queueOf();
    const out = new Packets();
    queue.push(datagram);
    queue.transmit(out, () => 1500);
    const reader = new Reader();
    const last = out.all.map((packet) => reader.read(packet)).at(-1)!;
    assertEquals([last.outcome, last.payload?.length], [
      "datagram",
      datagram.length - (datagram[0] === 0x45 ? 20 : 40),
    ]);
  }
});

test("31: an output without room loses nothing, wherever it stops", () => {
  for (const datagram of DATAGRAMS) {
    const { queue } = queueOf();
    const out = new Packets(0);
    queue.push(datagram);
    queue.push(datagram);
    let calls = 0;
    for (; !queue.transmit(out, () => 1000); out.room = 1) calls++;
    const reader = new Reader();
    const whole = out.all.map((packet) => reader.read(packet)).filter((read) => read.outcome === "datagram");
    assertEquals([whole.length, calls], [2, out.all.length]);
  }
});

test("16: fragments of one IPv6 datagram share a number that the next one does not have", () => {
  const { queue } = queueOf();
  const out = new Packets();
  const numbers = [0, 1].map(() => {
    queue.push(DATAGRAMS[1]!);
    queue.transmit(out, () => 1280);
    const ids = out.take().map((packet) => readU32(packet, 44));
    assertEquals(new Set(ids).size, 1);
    return ids[0];
  });
  assertEquals(new Set(numbers).size, 2);
});

test("fragments of IPv4 have right checksums and keep their header", () => {
  const { queue } = queueOf();
  const out = new Packets();
  queue.push(v4({ payload: pattern(3000), ttl: 9, dscp: 10, ecn: 1, identification: 0xbeef, protocol: 99 }));
  queue.transmit(out, () => 1500);
  for (const packet of out.all) {
    const view = new Ipv4View(packet);
    assert(view.isChecksumValid);
    assertEquals([view.ttl, view.dscp, view.ecn, view.identification, view.protocol], [9, 10, 1, 0xbeef, 99]);
  }
  assertEquals(out.all.map((packet) => readU16(packet, 6)), [0x2000, 0x2000 | 185, 370]);
});

test("a datagram that must not be cut is dropped and counted where the path takes less", () => {
  const { queue, budget } = queueOf();
  const out = new Packets();
  queue.push(v4({ payload: pattern(3000), isDontFragment: true }));
  queue.push(v4({ payload: pattern(30), isDontFragment: true }));
  assert(queue.transmit(out, () => 1500));
  assertEquals([out.all.length, queue.tooLong, budget.left], [1, 1, 1e6]);
});

test("a queue holds so many datagrams, and all of them so many bytes", () => {
  const { queue, budget } = queueOf(3);
  const small = v6({ payload: pattern(8) });
  assertEquals([1, 2, 3, 4].map(() => queue.push(small)), [true, true, true, false]);
  assertEquals(queue.refused, 1);
  queue.clear();
  assertEquals([queue.length, budget.left], [0, 1e6]);
  const { queue: second, budget: little } = queueOf(100, 2 * (48 + DATAGRAM_OVERHEAD));
  assertEquals([1, 2, 3].map(() => second.push(small)), [true, true, false]);
  assertEquals(little.left, 0);
});

test("a long queue keeps its order", () => {
  const { queue } = queueOf(1000);
  const out = new Packets();
  const sent: number[] = [];
  let next = 0;
  for (let round = 0; round < 50; round++) {
    for (let i = 0; i < 15; i++) queue.push(v6({ payload: new Uint8Array([next >> 8, next++]) }));
    out.room = 11;
    queue.transmit(out, () => 1500);
    sent.push(...out.take().map((packet) => readU16(decodeIpv6(packet).payload, 0)));
  }
  assertEquals(sent, Array.from({ length: 550 }, (_, i) => i));
});

test("16: numbers of IPv4 datagrams of two hosts come again only after all others", () => {
  const ids = new IpIds(countingRandom());
  const addresses = new Uint8Array([...V4.source, ...V4.destination]);
  const seen = new Set<number>();
  for (let i = 0; i < 65_536; i++) seen.add(ids.next(addresses, 0, 8, 17) & 0xffff);
  assertEquals(seen.size, 65_536);
});

test("16: what one host gets says little of what others get", () => {
  const ids = new IpIds(countingRandom());
  const firsts = new Set<number>();
  for (let i = 0; i < 256; i++) {
    const addresses = new Uint8Array([...V4.source, ...parseAddress(`203.0.113.${i}`)]);
    const first = ids.next(addresses, 0, 8, 17);
    if (ids.next(addresses, 0, 8, 17) === ((first + 1) >>> 0)) firsts.add(first);
  }
  assert(firsts.size > 200, `${firsts.size} groups`);
});
