/** Frames of Ethernet: what is taken, what is sent; options; ports that speak to each other. */
import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { EthernetPort } from "../../../src/l3l4/ethernet/ethernet_port.ts";
import type { EthernetPortOptions } from "../../../src/l3l4/ethernet/ethernet_settings.ts";
import { decodeEthernet, type VlanTag } from "../../../src/packet/ethernet.ts";
import { EtherType } from "../../../src/packet/ethernet_types.ts";
import { Link } from "../../../src/sim/link.ts";
import { SeededRandom } from "../../../src/sim/seeded_random.ts";
import { A, ALL, arp, B, C, frame, icmpv6, ip, ipv4, ipv6, NO_MAC, option, Station } from "./support.ts";

const OURS = "10.0.0.1";
const PEER = "10.0.0.2";
const packet = ipv4(PEER, OURS);

const tag = (id: number, protocol: number = EtherType.VLAN): VlanTag => ({
  protocol,
  priority: 0,
  isDropEligible: false,
  id,
});

const own = (options: Partial<EthernetPortOptions> = {}): Station =>
  new Station({ networks: ["10.0.0.1/24", "2001:db8::1/64"], ...options });

test("IP of both versions is handed up, the padding with it", () => {
  const station = own();
  const padded = new Uint8Array(46);
  padded.set(packet);
  station.push(frame(A, B, EtherType.IPV4, padded));
  station.push(frame(A, B, EtherType.IPV6, ipv6("2001:db8::2", "2001:db8::1")));
  assertEquals(station.packets, [padded, ipv6("2001:db8::2", "2001:db8::1")]);
});

test("RFC 1122 2.3.3: 802.3 frames with SNAP are read", () => {
  const station = own();
  const snap = Uint8Array.of(0xaa, 0xaa, 3, 0, 0, 0, 8, 0);
  const bytes = Uint8Array.of(...A, ...B, 0, 36, ...snap, ...packet);
  station.push(bytes);
  assertEquals(station.packets, [packet]);
  bytes[14] = 0x42;
  station.push(bytes);
  station.push(bytes.subarray(0, 20));
  assertEquals([station.packets.length, station.port.stats.unknownType], [1, 2]);
});

test("frames that are not taken, each with its counter", () => {
  const cases: [keyof EthernetPort["stats"], Uint8Array][] = [
    ["truncated", frame(A, B, EtherType.IPV4, packet).subarray(0, 13)],
    ["truncated", frame(A, B, EtherType.IPV4, packet, [tag(0)]).subarray(0, 16)],
    ["otherStation", frame(C, B, EtherType.IPV4, packet)],
    ["otherVlan", frame(A, B, EtherType.IPV4, packet, [tag(7)])],
    ["badSource", frame(A, A, EtherType.IPV4, packet)],
    ["badSource", frame(A, ALL, EtherType.IPV4, packet)],
    ["unknownType", frame(A, B, 0x88cc, packet)],
    ["badPackets", frame(A, B, EtherType.IPV6, ipv4(PEER, OURS, new Uint8Array(40)))],
    ["badPackets", frame(A, B, EtherType.IPV4, ipv6("::2", "::3"))],
    ["badPackets", frame(A, B, EtherType.IPV4, packet.subarray(0, 19))],
    ["badPackets", frame(A, B, EtherType.IPV6, ipv6("::2", "::3").subarray(0, 39))],
  ];
  for (const [counter, bytes] of cases) {
    const station = own();
    station.push(bytes);
    assertEquals([station.packets.length, station.port.stats[counter]], [0, 1], counter);
  }
});

test("isPromiscuous takes frames for others", () => {
  const station = own({ isPromiscuous: true });
  station.push(frame(C, B, EtherType.IPV4, packet));
  assertEquals(station.packets, [packet]);
});

test("a tag with a priority and no VLAN is none", () => {
  const station = own();
  station.push(frame(A, B, EtherType.IPV4, packet, [{ ...tag(0), priority: 5 }]));
  assertEquals(station.packets, [packet]);
});

test("IEEE 802.1Q and 802.1ad: a port in VLANs takes frames of these only, and sends such", () => {
  const vlans = [{ id: 100, protocol: EtherType.QINQ, priority: 3 }, 7];
  const station = own({ vlans });
  const tags = [{ ...tag(100, EtherType.QINQ), priority: 3 }, tag(7)];
  station.push(frame(A, B, EtherType.IPV4, packet, tags));
  station.push(frame(A, B, EtherType.IPV4, packet, [tag(100), { ...tag(7), priority: 1, isDropEligible: true }]));
  assertEquals(station.packets, [packet, packet]);
  for (const others of [[], [tag(7)], [tag(7), tag(100)], [tag(100), tag(8)], [tag(100), tag(7), tag(9)]]) {
    station.push(frame(A, B, EtherType.IPV4, packet, others));
  }
  assertEquals([station.packets.length, station.port.stats.otherVlan], [2, 5]);
  const [asked] = station.send(ipv4(OURS, PEER));
  assertEquals(decodeEthernet(asked!).tags, tags);
  const answer = frame(A, B, EtherType.ARP, decodeEthernet(arp(2, [B, PEER], [A, OURS])).payload, tags);
  const [sent] = station.push(answer);
  assertEquals(decodeEthernet(sent!), {
    destination: B,
    source: A,
    tags,
    etherType: EtherType.IPV4,
    payload: Uint8Array.of(...ipv4(OURS, PEER), ...new Uint8Array(60 - 22 - 28)),
  });
});

test("minFrameBytes: short frames are filled up with zeros, whatever was in the buffer", () => {
  const sent = (options: Partial<EthernetPortOptions>): Uint8Array => {
    const station = own(options);
    station.push(arp(1, [B, PEER], [NO_MAC, OURS]));
    return station.send(ipv4(OURS, PEER))[0]!;
  };
  assertEquals(sent({}).length, 60);
  assertEquals(sent({}).subarray(42), new Uint8Array(18));
  assertEquals(sent({ minFrameBytes: 0 }).length, 42);
});

test("without room nothing is lost, and what waited longest goes first", () => {
  const station = own();
  station.send(ipv4(OURS, PEER, new Uint8Array(30).fill(1)));
  station.send(ipv4(OURS, PEER, new Uint8Array(30).fill(2)));
  station.port.push(arp(2, [B, PEER], [A, OURS]), 0);
  station.port.push(arp(1, [C, "10.0.0.3"], [NO_MAC, OURS]), 0);
  station.out.room = 2;
  assertEquals(station.port.hasOutput, true);
  assertEquals(station.port.over(station.out, 0).alloc(50), null);
  const first = station.out.take();
  assertEquals(station.port.transmit(station.out, 0), true);
  assertEquals(station.port.hasOutput, false);
  const all = [...first, ...station.out.take()].map((one) => decodeEthernet(one));
  assertEquals(all.map(({ etherType }) => etherType), [EtherType.ARP, EtherType.IPV4, EtherType.IPV4]);
  assertEquals(all.slice(1).map(({ payload }) => payload[20]), [1, 2]);
});

test("a buffer whose packet has to wait serves the next one; a larger one is got when it is too short", () => {
  const station = own();
  station.push(arp(1, [C, "10.0.0.3"], [NO_MAC, OURS]));
  const framed = station.port.over(station.out, 0);
  const small = framed.alloc(60)!;
  small.set(ipv4(OURS, PEER));
  framed.commit(28);
  assert(framed.alloc(60)!.buffer === small.buffer);
  const large = framed.alloc(500)!;
  assert(large.length >= 500);
  large.set(ipv4(OURS, "10.0.0.3", new Uint8Array(200)));
  framed.commit(220);
  // the question for the first one, then the second one
  assertEquals(station.out.take().map((one) => one.length), [60, 234]);
});

test("what is not IP is not sent", () => {
  const station = own();
  for (const bytes of [new Uint8Array(60), ipv4(OURS, PEER).subarray(0, 19), ipv6("::1", "::2").subarray(0, 39)]) {
    assertEquals(station.send(bytes), []);
  }
  assertEquals(station.send(ipv4(OURS, "0.0.0.0")), []);
  assertEquals(station.port.stats.unsendable, 4);
});

test("stop forgets all", () => {
  const station = own();
  station.port.over(station.out, 0);
  station.port.push(arp(1, [B, "10.0.0.3"], [NO_MAC, OURS]), 0);
  station.send(ipv4(OURS, PEER));
  station.port.push(arp(1, [B, "10.0.0.3"], [NO_MAC, OURS]), 0);
  station.port.stop();
  assertEquals([station.port.neighbors(), station.port.waitingBytes, station.port.timeoutAt()], [[], 0, Infinity]);
  assertEquals(station.sent(), []);
});

test("wrong options throw at once", () => {
  const random = (): void => {};
  const make = (options: object): EthernetPort =>
    new EthernetPort({ mac: "02:00:00:00:00:01", random, ...options } as EthernetPortOptions, { packet() {} });
  const typeErrors = [
    { mac: "02:00:00:00:00" },
    { mac: undefined },
    { mac: new Uint8Array(5) },
    { random: undefined },
    { networks: "10.0.0.1/24" },
    { networks: ["10.0.0/24"] },
    { answersFor: "all" },
    { gateways: ["router"] },
  ];
  for (const options of typeErrors) assertThrows(() => make(options), TypeError);
  const rangeErrors = [
    { mac: "01:00:00:00:00:01" },
    { mac: "00:00:00:00:00:00" },
    { networks: ["10.0.0.1/33"] },
    { networks: ["10.0.0.1/"] },
    { networks: ["fe80::1/129"] },
    { vlans: [0] },
    { vlans: [4095] },
    { vlans: [{ id: 1, priority: 8 }] },
    { vlans: [{ id: 1, protocol: 0x800 }] },
    { claim: "ask" },
    { maxNeighbors: 0 },
    { maxWaitingPackets: 0 },
    { maxWaitingBytes: -1 },
    { maxControlFrames: 0 },
    { minFrameBytes: -1 },
    { reachableMs: -1 },
  ];
  for (const options of rangeErrors) assertThrows(() => make(options), RangeError, undefined, JSON.stringify(options));
});

/** Two stations on a cable, until nothing moves. */
function converse(a: Station, b: Station, links: readonly [Link, Link], until: number): void {
  for (let now = 0; now <= until;) {
    for (const one of [a, b]) one.now = now;
    for (const link of links) link.onTimeout(now);
    for (const [one, link] of [[a, links[0]], [b, links[1]]] as const) {
      one.port.onTimeout(now);
      for (const bytes of one.sent()) link.push(bytes, now);
    }
    now = Math.min(...[...links, a.port, b.port].map((one) => one.timeoutAt()));
  }
}

test("two ports over a bad cable find each other, by both versions", () => {
  let found = 0;
  for (let seed = 1; seed <= 40; seed++) {
    const a = own({ claim: "announce" });
    const b = new Station({ mac: B, networks: ["10.0.0.2/24", "2001:db8::2/64"], claim: "announce" });
    const bad = { loss: 0.2, delayMs: 5, jitterMs: 20, reordering: 0.2, duplication: 0.2, corruption: 0.1 };
    const to = (station: Station, seed: number): Link =>
      new Link({ ...bad, seed }, { packet: (bytes, now) => station.port.push(bytes, now) });
    const links = [to(b, seed), to(a, seed + 1000)] as const;
    const queue = (packet: Uint8Array): void => a.send(packet).forEach((bytes) => links[0].push(bytes, 0));
    queue(ipv4(OURS, PEER, new Uint8Array(100)));
    queue(ipv6("2001:db8::1", "2001:db8::2", new Uint8Array(100)));
    converse(a, b, links, 20_000);
    found += a.port.neighbors().filter(({ mac }) => mac.every((byte, i) => byte === B[i])).length;
    assertEquals([a.port.waitingBytes, b.port.waitingBytes], [0, 0]);
  }
  // three questions each, 20 % loss: nearly all
  assert(found >= 70, `${found} of 80`);
});

test("fuzz: no frame makes a port throw, grow or answer with more than it was sent", () => {
  const random = new SeededRandom(7);
  const station = own({ answersFor: "any", maxNeighbors: 16, maxControlFrames: 4, vlans: [] });
  const seeds = [
    arp(1, [B, PEER], [NO_MAC, OURS]),
    arp(2, [B, PEER], [A, OURS]),
    frame(A, B, EtherType.IPV4, packet),
    frame(
      A,
      B,
      EtherType.IPV6,
      icmpv6("2001:db8::2", "2001:db8::1", {
        kind: "neighborSolicitation",
        target: ip("2001:db8::1"),
        options: option(1, B),
      }),
    ),
    frame(
      A,
      B,
      EtherType.IPV6,
      icmpv6("2001:db8::2", "2001:db8::1", {
        kind: "neighborAdvertisement",
        isRouter: false,
        isSolicited: true,
        isOverride: true,
        target: ip("2001:db8::2"),
        options: option(2, B),
      }),
    ),
  ];
  for (let i = 0; i < 20_000; i++) {
    const bytes = random.pick(seeds).slice(0, random.chance(0.1) ? random.below(100) : undefined);
    for (let n = random.below(4); n > 0 && bytes.length > 0; n--) bytes[random.below(bytes.length)] = random.below(256);
    station.now += random.below(100);
    station.port.onTimeout(station.now);
    station.sent();
    const before = station.port.stats.packetsSent;
    const answers = station.push(bytes).length - (station.port.stats.packetsSent - before);
    assert(answers <= 1, `${answers} answers to one frame`);
    if (random.chance(0.2)) station.send(random.pick([ipv4(OURS, PEER), ipv6("2001:db8::1", "2001:db8::2")]));
    station.packets.length = 0;
    station.conflicts.length = 0;
    assert(station.port.neighbors().length <= 16);
  }
  assert(station.port.stats.answersSent > 100 && station.port.stats.neighborsEvicted > 100);
});
