/** Address resolution for IPv4: RFC 826, RFC 1122 section 2.3.2, RFC 5227. */
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { decodeEthernet } from "../../../src/packet/ethernet.ts";
import { EtherType } from "../../../src/packet/ethernet_types.ts";
import { A, ALL, arp, arpText, B, C, frame, ip, ipv4, NO_MAC, Station } from "./support.ts";

const OURS = "10.0.0.1";
const PEER = "10.0.0.2";

const own = (): Station => new Station({ networks: ["10.0.0.1/24"] });
const stateOf = (station: Station, address: string): string | undefined =>
  station.port.neighbors().find((one) => one.address.join(".") === address)?.state;

test("RFC 826: a question for the own address is answered, and the asker remembered", () => {
  const station = own();
  const sent = station.push(arp(1, [B, PEER], [NO_MAC, OURS]));
  assertEquals(sent.map(arpText), ["..0b: reply to 10.0.0.2 (..0b) from 10.0.0.1 (..0a)"]);
  assertEquals(sent[0]!.length, 60);
  assertEquals(sent[0]!.subarray(42).every((byte) => byte === 0), true);
  assertEquals(stateOf(station, PEER), "stale");
  const [packet] = station.send(ipv4(OURS, PEER));
  assertEquals(decodeEthernet(packet!).destination, B);
  assertEquals(station.port.stats.answersSent, 1);
});

test("RFC 826: a question for another's address teaches what is known already, and nothing else", () => {
  const station = own();
  assertEquals(station.push(arp(1, [B, PEER], [NO_MAC, "10.0.0.3"])), []);
  assertEquals(station.port.neighbors(), []);
  station.push(arp(1, [B, PEER], [NO_MAC, OURS]));
  station.now = 2000;
  station.push(arp(1, [C, PEER], [NO_MAC, "10.0.0.3"]));
  assertEquals(station.port.neighbors()[0]!.mac, C);
});

test("RFC 826: an answer that nobody asked for is not remembered", () => {
  const station = own();
  assertEquals(station.push(arp(2, [B, PEER], [A, OURS])), []);
  assertEquals(station.push(arp(1, [B, PEER], [NO_MAC, PEER])), []);
  assertEquals(station.port.neighbors(), []);
});

test("RFC 826: a packet waits for the answer, in order, and leaves before later ones", () => {
  const station = own();
  const packets = [1, 2, 3].map((n) => ipv4(OURS, PEER, new Uint8Array(30).fill(n)));
  assertEquals(station.send(packets[0]!).map(arpText), ["all: who has 10.0.0.2 (-) from 10.0.0.1 (..0a)"]);
  assertEquals(station.send(packets[1]!), []);
  station.port.push(arp(2, [B, PEER], [A, OURS]), 1);
  const framed = station.port.over(station.out, 1);
  framed.alloc(50)!.set(packets[2]!);
  framed.commit(50);
  const sent = station.out.take();
  assertEquals(sent.map((one) => decodeEthernet(one).payload[20]), [1, 2, 3]);
  assertEquals(sent.map((one) => decodeEthernet(one).destination), [B, B, B]);
  assertEquals(station.port.waitingBytes, 0);
  assertEquals(stateOf(station, PEER), "reachable");
});

test("RFC 1122 2.3.2.1: questions come once a second, three times, then the packets come back as ICMP host unreachable", () => {
  const station = own();
  station.send(ipv4(OURS, PEER, Uint8Array.from({ length: 16 }, (_, i) => i)));
  const asked = station.until(10_000);
  assertEquals(asked.map(({ at }) => at), [1000, 2000]);
  assertEquals(station.port.stats.solicitationsSent, 3);
  assertEquals(station.packets.length, 1);
  const message = station.packets[0]!;
  assertEquals([message[9], message[20], message[21]], [1, 3, 1]);
  assertEquals(message.subarray(12, 20), Uint8Array.of(10, 0, 0, 1, 10, 0, 0, 1));
  assertEquals(message.subarray(28), ipv4(OURS, PEER, Uint8Array.from({ length: 16 }, (_, i) => i)));
  assertEquals([station.port.neighbors(), station.port.waitingBytes, station.port.timeoutAt()], [[], 0, Infinity]);
});

test("no unreachable message about such a message, nor about later fragments", () => {
  const station = own();
  station.send(ipv4(OURS, PEER, Uint8Array.of(3, 1, 0, 0, 0, 0, 0, 0), 1));
  const fragment = ipv4(OURS, PEER);
  fragment[7] = 1;
  station.send(fragment);
  station.send(ipv4(OURS, PEER, Uint8Array.of(8, 0, 0, 0, 0, 0, 0, 0), 1));
  station.until(10_000);
  assertEquals(station.packets.length, 1);
  assertEquals(station.packets[0]![48], 8);
  assertEquals(station.port.stats.unreachable, 3);
});

test("RFC 1122 2.3.2.1: a neighbour that was silent is asked by itself, and forgotten without an answer", () => {
  const station = own();
  station.send(ipv4(OURS, PEER));
  station.push(arp(2, [B, PEER], [A, OURS]));
  station.until(60_000);
  assertEquals(stateOf(station, PEER), "reachable");
  assertEquals(station.send(ipv4(OURS, PEER)).length, 1);
  assertEquals(stateOf(station, PEER), "delay");
  const asked = station.until(70_000);
  assertEquals(asked.map(({ at }) => at), [65_000, 66_000, 67_000]);
  assertEquals(arpText(asked[0]!.frame), "..0b: who has 10.0.0.2 (-) from 10.0.0.1 (..0a)");
  assertEquals(station.port.neighbors(), []);
});

test("RFC 1122 2.3.2.1: an answer to that question makes it reachable again", () => {
  const station = own();
  station.push(arp(1, [B, PEER], [NO_MAC, OURS]));
  station.send(ipv4(OURS, PEER));
  station.until(5000);
  assertEquals(stateOf(station, PEER), "probe");
  station.push(arp(2, [B, PEER], [A, OURS]));
  assertEquals(stateOf(station, PEER), "reachable");
  assertEquals(station.until(20_000), []);
});

test("two stations with one address: the first answer holds for a second", () => {
  const station = own();
  station.send(ipv4(OURS, PEER));
  station.push(arp(2, [B, PEER], [A, OURS]));
  station.now = 999;
  station.push(arp(2, [C, PEER], [A, OURS]));
  assertEquals(station.port.neighbors()[0]!.mac, B);
  station.now = 1000;
  station.push(arp(2, [C, PEER], [A, OURS]));
  assertEquals(station.port.neighbors()[0]!.mac, C);
});

test("RFC 5227 1.1: a probe for the own address is answered, for one that is only played it is not", () => {
  const probe = (address: string): Uint8Array => arp(1, [B, "0.0.0.0"], [NO_MAC, address]);
  assertEquals(own().push(probe(OURS)).map(arpText), ["..0b: reply to 0.0.0.0 (..0b) from 10.0.0.1 (..0a)"]);
  const any = new Station({ answersFor: "any", networks: ["10.0.0.1/24"] });
  assertEquals(any.push(probe("192.0.2.9")), []);
  assertEquals(any.push(probe("10.0.0.9")), []);
  assertEquals(any.push(probe(OURS)).length, 1);
  assertEquals(any.port.neighbors(), []);
});

test("any address: answered with the asker's question, never for one of its own network or a known neighbour", () => {
  const station = new Station({ answersFor: "any", networks: ["10.0.0.1/24"] });
  const sent = station.push(arp(1, [B, "192.168.1.5"], [NO_MAC, "192.0.2.9"]));
  assertEquals(sent.map(arpText), ["..0b: reply to 192.168.1.5 (..0b) from 192.0.2.9 (..0a)"]);
  for (const not of ["10.0.0.9", "192.168.1.5", "224.0.0.1", "127.0.0.1", "0.0.0.0", "255.255.255.255"]) {
    assertEquals(station.push(arp(1, [C, "192.168.1.6"], [NO_MAC, not])), [], not);
  }
});

test("a list of prefixes: answered within, not without", () => {
  const station = new Station({ answersFor: ["192.0.2.128/25", "198.51.100.7"] });
  const isAnswered = (address: string): boolean => station.push(arp(1, [B, PEER], [NO_MAC, address])).length === 1;
  const cases = ["192.0.2.128", "192.0.2.255", "192.0.2.127", "198.51.100.7", "198.51.100.8"];
  assertEquals(cases.map(isAnswered), [true, true, false, true, false]);
});

test("who plays any address asks as the sender of the packet", () => {
  const station = new Station({ answersFor: "any" });
  assertEquals(station.send(ipv4("203.0.113.5", PEER)).map(arpText), [
    "all: who has 10.0.0.2 (-) from 203.0.113.5 (..0a)",
  ]);
});

test("RFC 1122 3.3.1: other networks are reached through the router, the own one directly", () => {
  const station = new Station({ networks: ["10.0.0.1/24"], gateways: ["10.0.0.254"] });
  assertEquals(station.send(ipv4(OURS, "192.0.2.1")).map(arpText), [
    "all: who has 10.0.0.254 (-) from 10.0.0.1 (..0a)",
  ]);
  assertEquals(station.send(ipv4(OURS, "198.51.100.1")), []);
  assertEquals(station.send(ipv4(OURS, PEER)).map(arpText), ["all: who has 10.0.0.2 (-) from 10.0.0.1 (..0a)"]);
  const sent = station.push(arp(2, [C, "10.0.0.254"], [A, OURS]));
  assertEquals(sent.map((one) => decodeEthernet(one).destination), [C, C]);
});

test("RFC 5227 2.4: another station with the own address is told, and answered by an announcement every ten seconds", () => {
  const station = own();
  const theirs = arp(1, [B, OURS], [NO_MAC, "10.0.0.9"]);
  assertEquals(station.push(theirs).map(arpText), ["all: who has 10.0.0.1 (-) from 10.0.0.1 (..0a)"]);
  station.now = 9999;
  assertEquals(station.push(theirs), []);
  station.now = 10_000;
  assertEquals(station.push(theirs).length, 1);
  assertEquals(station.conflicts.map(({ isLost }) => isLost), [false, false, false]);
  assertEquals(station.conflicts[0], { address: ip(OURS), mac: B, isLost: false });
  assertEquals([station.port.stats.conflicts, station.port.neighbors()], [3, []]);
});

test("RFC 5227 2.1 and 2.3: three probes, then two announcements, and nothing is sent or answered before", () => {
  const station = new Station({ networks: ["10.0.0.1/24", "fe80::1/64"], claim: "probe" });
  assertEquals(station.port.timeoutAt(), 0);
  assertEquals(station.port.over(station.out, 0).alloc(40), null);
  assertEquals(station.push(arp(1, [B, PEER], [NO_MAC, OURS])), []);
  const sent = station.until(20_000).filter(({ frame }) => decodeEthernet(frame).etherType === EtherType.ARP);
  const probe = "all: who has 10.0.0.1 (-) from 0.0.0.0 (..0a)";
  const announcement = "all: who has 10.0.0.1 (-) from 10.0.0.1 (..0a)";
  assertEquals(sent.map(({ frame }) => arpText(frame)), [probe, probe, probe, announcement, announcement]);
  const gaps = sent.map(({ at }, i) => at - (sent[i - 1]?.at ?? 0));
  assert(gaps[0]! < 1000 && gaps[1]! >= 1000 && gaps[1]! < 2000 && gaps[2]! >= 1000 && gaps[2]! < 2000, gaps.join());
  assertEquals(gaps.slice(3), [2000, 2000]);
  assertEquals(station.push(arp(1, [B, PEER], [NO_MAC, OURS])).length, 1);
  assert(station.port.over(station.out, 0).alloc(40) !== null);
});

test("RFC 5227 2.1.1: an address that somebody has, or probes for as well, is given up", () => {
  for (const theirs of [arp(2, [B, OURS], [A, "0.0.0.0"]), arp(1, [B, "0.0.0.0"], [NO_MAC, OURS])]) {
    const station = new Station({ networks: ["10.0.0.1/24", "fe80::1/64"], claim: "probe" });
    station.until(1500);
    assertEquals(station.push(theirs), []);
    assertEquals(station.conflicts, [{ address: ip(OURS), mac: B, isLost: true }]);
    const later = station.until(20_000).filter(({ frame }) => decodeEthernet(frame).etherType === EtherType.ARP);
    assertEquals(later, []);
    assertEquals(station.push(arp(1, [B, PEER], [NO_MAC, OURS])), []);
    assert(station.port.over(station.out, 20_000).alloc(40) !== null);
  }
});

test("the own probes and announcements that come back mean nothing", () => {
  const station = new Station({ networks: ["10.0.0.1/24"], claim: "probe" });
  const own = station.until(1500).map(({ frame }) => frame);
  assert(own.length > 0);
  for (const one of own) station.push(one);
  assertEquals([station.conflicts, station.port.stats.badSource], [[], own.length]);
});

test("ARP that is no good is counted and does nothing", () => {
  const station = own();
  const good = arp(1, [B, PEER], [NO_MAC, OURS]);
  const changed = (at: number, ...bytes: number[]): Uint8Array => {
    const bad = good.slice();
    bad.set(bytes, at);
    return bad;
  };
  const bad = [
    changed(15, 6), // hardware type
    changed(16, 0x86, 0xdd), // protocol
    changed(18, 8), // length
    changed(21, 3), // operation
    changed(22, 1), // a group as the sender
    changed(22, 0, 0, 0, 0, 0, 0),
    changed(28, 224), // sender's IP
    changed(28, 127),
    good.subarray(0, 41),
  ];
  for (const one of bad) assertEquals(station.push(one), []);
  assertEquals([station.port.stats.badArp, station.port.neighbors()], [bad.length, []]);
});

test("maxControlFrames bounds the answers that wait", () => {
  const station = new Station({ networks: ["10.0.0.1/24"], maxControlFrames: 3 });
  for (let i = 0; i < 10; i++) station.port.push(arp(1, [B, PEER], [NO_MAC, OURS]), 0);
  station.out.room = 2;
  assertEquals(station.port.transmit(station.out, 0), false);
  station.out.room = 9;
  assertEquals(station.port.transmit(station.out, 0), true);
  assertEquals(station.out.frames.length, 3);
  assertEquals(station.port.stats.controlDropped, 7);
});

test("maxNeighbors: askers that we never send to give way, neighbours in use stay", () => {
  const station = new Station({ networks: ["10.0.0.1/8"], maxNeighbors: 8 });
  station.push(arp(1, [B, PEER], [NO_MAC, OURS]));
  for (let i = 0; i < 1000; i++) {
    station.push(arp(1, [C, `10.1.${i >> 8}.${i & 255}`], [NO_MAC, OURS]));
    assertEquals(station.send(ipv4(OURS, PEER)).length, 1);
  }
  assertEquals(station.port.neighbors().length, 8);
  assertEquals(stateOf(station, PEER), "delay");
  assertEquals(station.port.stats.neighborsEvicted, 993);
});

test("maxWaitingPackets: the oldest packets for one neighbour give way; maxWaitingBytes: the newest are dropped", () => {
  const station = new Station({ networks: ["10.0.0.1/24"], maxWaitingPackets: 2, maxWaitingBytes: 100 });
  for (const n of [1, 2, 3]) station.send(ipv4(OURS, PEER, new Uint8Array(10).fill(n)));
  assertEquals(station.port.waitingBytes, 60);
  station.send(ipv4(OURS, "10.0.0.3", new Uint8Array(30)));
  assertEquals([station.port.waitingBytes, station.port.stats.waitingDropped], [60, 2]);
  const sent = station.push(arp(2, [B, PEER], [A, OURS]));
  assertEquals(sent.map((one) => decodeEthernet(one).payload[20]), [2, 3]);
  assertEquals(station.port.waitingBytes, 0);
});

test("solicitationsPerSecond: a scan of a network does not flood the link", () => {
  const station = new Station({ networks: ["10.0.0.1/8"], solicitationsPerSecond: 10 });
  let sent = 0;
  for (let i = 0; i < 500; i++) sent += station.send(ipv4(OURS, `10.1.${i >> 8}.${i & 255}`)).length;
  assertEquals([sent, station.port.stats.solicitationsLimited], [10, 490]);
});

test("groups and broadcasts need no question", () => {
  const station = own();
  const to = (address: string): string => {
    const { destination } = decodeEthernet(station.send(ipv4(OURS, address))[0]!);
    return Array.from(destination, (byte) => byte.toString(16).padStart(2, "0")).join("");
  };
  assertEquals(to("224.129.2.3"), "01005e010203");
  assertEquals(to("239.255.255.250"), "01005e7ffffa");
  assertEquals(to("255.255.255.255"), "ffffffffffff");
  assertEquals(to("10.0.0.255"), "ffffffffffff");
});

test("RFC 1122 3.3.6: a packet for one host in a frame for all is dropped", () => {
  const station = own();
  station.push(frame(ALL, B, EtherType.IPV4, ipv4(PEER, OURS)));
  assertEquals([station.packets.length, station.port.stats.badPackets], [0, 1]);
  for (const many of ["255.255.255.255", "10.0.0.255", "224.0.0.1"]) {
    station.push(frame(ALL, B, EtherType.IPV4, ipv4(PEER, many)));
  }
  assertEquals(station.packets.length, 3);
});
