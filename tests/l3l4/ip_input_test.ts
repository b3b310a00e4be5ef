import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { concat } from "../../src/bytes/concat.ts";
import { internetChecksum } from "../../src/bytes/checksum.ts";
import { writeU16 } from "../../src/bytes/integers.ts";
import { parseAddress } from "../../src/packet/mod.ts";
import { SeededRandom } from "../../src/sim/seeded_random.ts";
import {
  type Cuts,
  pattern,
  tcp,
  udp,
  unaligned,
  V4,
  v4,
  v4Fragments,
  V6,
  v6,
  v6Fragments,
} from "../packet/support.ts";
import { Reader } from "./ip_support.ts";

const PART4 = udp({ payload: pattern(53) }, V4);
const PART6 = udp({ payload: pattern(53) }, V6);
const CUTS: Cuts = [[0, 8], [8, 24], [24, 48], [48, 61]];

type Make = (cuts: Cuts, identification?: number) => Uint8Array[];
const VERSIONS: readonly [part: Uint8Array, make: Make][] = [
  [PART4, (cuts, identification = 7) => v4Fragments(PART4, cuts, { identification })],
  [PART6, (cuts, identification = 7) => v6Fragments(PART6, cuts, { identification })],
];

/** The packet with other bytes at `at`; the header's checksum is made right again. */
function patched(packet: Uint8Array, at: number, ...bytes: number[]): Uint8Array {
  const copy = packet.slice();
  copy.set(bytes, at);
  writeU16(copy, 10, 0);
  writeU16(copy, 10, internetChecksum(copy, 0, Math.max(20, (packet[0]! & 0x0f) * 4)));
  return copy;
}

test("1: an IPv4 header with a wrong checksum is dropped, whatever the driver vouches for", () => {
  const reader = new Reader();
  for (const flip of [0, 1, 4, 8, 10, 13, 19]) {
    const packet = v4({ payload: PART4 });
    // the first byte, turned into another header length that is as good
    packet[flip]! ^= flip === 0 ? 0x02 : 0x20;
    const outcome = reader.read(packet, 0, true).outcome;
    assertEquals(outcome, "badIpChecksum");
  }
  assertEquals(reader.input.drops.get("badIpChecksum"), 7);
  assertEquals(reader.read(v4({ payload: PART4 })).outcome, "datagram");
});

test("2: wrong version, header length and total length have their counters; padding is no payload", () => {
  const reader = new Reader();
  const good = v4({ payload: PART4 });
  assertEquals(reader.read(patched(good, 0, 0x55)).outcome, "badIpVersion");
  assertEquals(reader.read(patched(good, 0, 0x44)).outcome, "badIpHeaderLength");
  assertEquals(reader.read(patched(good, 2, 0, 19)).outcome, "badIpTotalLength");
  assertEquals(reader.read(patched(good, 2, 0, good.length + 1)).outcome, "ipLengthBeyondPacket");
  assertEquals(reader.read(good.subarray(0, 19)).outcome, "truncatedIp");
  assertEquals(reader.read(new Uint8Array(0)).outcome, "truncatedIp");
  assertEquals(reader.read(v6({ payload: PART6 }).subarray(0, 39)).outcome, "truncatedIp");
  assertEquals(reader.read(v6({ payload: PART6 }).subarray(0, 100)).outcome, "ipLengthBeyondPacket");
  assertEquals(reader.read(concat([good, new Uint8Array(9).fill(0xee)])).payload, PART4);
  assertEquals(reader.read(unaligned(concat([v6({ payload: PART6 }), new Uint8Array(3)]))).payload, PART6);
});

test("3: packets from addresses that no host can have are dropped; loopback may be allowed", () => {
  const wrong4 = ["0.0.0.0", "0.1.2.3", "127.0.0.1", "224.0.0.1", "239.255.255.255", "255.255.255.255"];
  const wrong6 = ["::", "ff02::1", "::1"];
  const reader = new Reader();
  for (const text of [...wrong4, ...wrong6]) {
    const source = parseAddress(text);
    const packet = source.length === 4 ? v4({ source }) : v6({ source });
    assertEquals(reader.read(packet).outcome, "badSource", text);
  }
  for (const text of ["0.0.0.0", "127.0.0.1", "::", "::1"]) {
    const destination = parseAddress(text);
    const packet = destination.length === 4 ? v4({ destination }) : v6({ destination });
    assertEquals(reader.read(packet).outcome, "badDestination", text);
  }
  const open = new Reader({ hasLoopback: true });
  const loop4 = { source: parseAddress("127.0.0.1"), destination: parseAddress("127.0.0.2") };
  assertEquals(open.read(v4({ ...loop4, payload: udp({}, loop4) })).outcome, "datagram");
  const loop6 = { source: parseAddress("::1"), destination: parseAddress("::1") };
  assertEquals(open.read(v6({ ...loop6, payload: udp({}, loop6) })).outcome, "datagram");
});

test("4: it is told whether many get a packet", () => {
  const isToMany = (text: string): boolean => {
    const reader = new Reader();
    const destination = parseAddress(text);
    const isV4 = destination.length === 4;
    const addresses = { source: isV4 ? V4.source : V6.source, destination };
    const payload = udp({}, addresses);
    assertEquals(reader.read(isV4 ? v4({ ...addresses, payload }) : v6({ ...addresses, payload })).outcome, "datagram");
    return reader.input.packet.isToMany;
  };
  assertEquals(["224.0.0.1", "255.255.255.255", "ff02::1"].map(isToMany), [true, true, true]);
  assertEquals(["223.255.255.255", "240.0.0.1", "255.255.255.254", "fe80::1"].map(isToMany), Array(4).fill(false));
});

test("5: the payload is found behind IPv4 options, unknown ones too; source routed packets are dropped", () => {
  const reader = new Reader();
  const types = [[7], [68], [148], [0x5e], [1, 7, 1]];
  for (const list of types) {
    const options = list.map((type) => ({ type, data: new Uint8Array(type === 1 ? 0 : 5) }));
    const read = reader.read(v4({ options, payload: PART4 }));
    assertEquals([read.outcome, read.payload], ["datagram", PART4]);
  }
  for (const type of [131, 137]) {
    const options = [{ type, data: new Uint8Array(5) }];
    assertEquals(reader.read(v4({ options, payload: PART4 })).outcome, "sourceRouted");
  }
  const bad = v4({ options: [{ type: 7, data: new Uint8Array(2) }], payload: PART4 });
  assertEquals(reader.read(patched(bad, 21, 1)).outcome, "badIpOptions");
});

test("6, 9: fragments in any order make one datagram; the last may have any length", () => {
  for (const [part, make] of VERSIONS) {
    const random = new SeededRandom(3);
    const orders = [
      make(CUTS),
      make(CUTS).toReversed(),
      ...Array.from({ length: 20 }, () => random.shuffle(make(CUTS))),
    ];
    for (const order of orders) {
      const reader = new Reader();
      const outcomes = order.map((fragment) => reader.read(fragment, 0, true));
      assertEquals(outcomes.map((read) => read.outcome), ["held", "held", "held", "datagram"]);
      assertEquals(outcomes.at(-1)!.payload, part);
      assertEquals([reader.input.packet.wasFragmented, reader.input.packet.isChecksumTrusted], [true, false]);
      assertEquals([reader.input.reassembled, reader.input.fragments.heldBytes], [1, 0]);
    }
  }
});

test("6: the checksum of a datagram that came in fragments is verified, even when the driver vouches for it", () => {
  for (const [, make] of VERSIONS) {
    const reader = new Reader();
    const fragments = make(CUTS);
    const damaged = fragments[2]!;
    damaged[damaged.length - 1]! ^= 1;
    assertEquals(fragments.map((fragment) => reader.read(fragment, 0, true).outcome).at(-1), "badUdpChecksum");
  }
});

test("7, 14: overlapping fragments drop the datagram with what is still to come; a new one works", () => {
  for (const [part, make] of VERSIONS) {
    for (const last of [[16, 48], [0, 16]] as const) {
      const reader = new Reader();
      for (const fragment of make([[0, 24]])) reader.read(fragment);
      assertEquals(reader.read(make([last])[0]!).outcome, "fragmentOverlap");
      for (const fragment of make(CUTS)) assertEquals(reader.read(fragment).outcome, "fragmentOfDropped");
      assertEquals(make(CUTS, 8).map((fragment) => reader.read(fragment)).at(-1)!.payload, part);
    }
  }
});

test("a mark of congestion on any fragment is one of the datagram; where there can be none the datagram is dropped", () => {
  const [NOT, ONE, ZERO, CE] = [0, 1, 2, 3] as const;
  const cases: [ecns: number[], expected: number | "fragmentEcn"][] = [
    [[ZERO, ZERO, ZERO, ZERO], ZERO],
    [[ZERO, CE, ZERO, ZERO], CE],
    [[ONE, ONE, ONE, CE], CE],
    [[CE, ZERO, ONE, ZERO], CE],
    [[CE, CE, CE, CE], CE],
    [[NOT, NOT, NOT, NOT], NOT],
    [[NOT, NOT, NOT, CE], "fragmentEcn"],
    [[CE, NOT, CE, CE], "fragmentEcn"],
  ];
  for (const [part, make] of VERSIONS) {
    for (const [ecns, expected] of cases) {
      for (const order of [[0, 1, 2, 3], [3, 1, 2, 0]]) {
        const reader = new Reader();
        const fragments = make(CUTS).map((packet, i) =>
          packet[0]! >>> 4 === 4 ? patched(packet, 1, ecns[i]!) : withEcn6(packet, ecns[i]!)
        );
        const { outcome, payload } = order.map((i) => reader.read(fragments[i]!)).at(-1)!;
        if (expected === "fragmentEcn") assertEquals(outcome, expected);
        else assertEquals([outcome, payload, reader.input.packet.ecn], ["datagram", part, expected]);
      }
    }
  }
});

function withEcn6(packet: Uint8Array, ecn: number): Uint8Array {
  const copy = packet.slice();
  copy[1] = (copy[1]! & 0xcf) | (ecn << 4);
  return copy;
}

test("8: a fragment that comes twice does no harm", () => {
  for (const [part, make] of VERSIONS) {
    const reader = new Reader();
    const [first, second, third, last] = make(CUTS) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
    const outcomes = [first, second, first, third, third, last].map((fragment) => reader.read(fragment));
    assertEquals(outcomes.map((read) => read.outcome), [
      "held",
      "held",
      "duplicateFragment",
      "held",
      "duplicateFragment",
      "datagram",
    ]);
    assertEquals(outcomes.at(-1)!.payload, part);
  }
});

test("9: a fragment in the middle whose length is no multiple of 8 is dropped; IPv6 tells its sender", () => {
  assertEquals(new Reader().read(v4Fragments(PART4, [[8, 21]])[0]!), { outcome: "badFragmentLength" });
  assertEquals(new Reader().read(v6Fragments(PART6, [[8, 21]])[0]!), { outcome: "badFragmentLength", problem: [0, 4] });
});

test("10: fragments beyond the largest datagram are dropped and free what is held; IPv6 tells the sender", () => {
  const reader = new Reader();
  const first = v4Fragments(pattern(4000), [[0, 1480]])[0]!;
  assertEquals(reader.read(first).outcome, "held");
  const beyond = v4({ fragmentOffset: 65_528, payload: pattern(8) });
  assertEquals(reader.read(beyond).outcome, "fragmentBeyondLimit");
  assertEquals(reader.input.fragments.heldBytes, 0);
  const beyond6 = v6({
    extensions: [{ kind: "fragment", offset: 65_528, hasMore: false, identification: 7 }],
    payload: pattern(8),
  });
  assertEquals(reader.read(beyond6), { outcome: "fragmentBeyondLimit", problem: [0, 42] });
  assertEquals(reader.input.fragments.heldBytes, 0);
});

test("11: what misses fragments is given up in time, and the first fragment comes back as it came", () => {
  const before = [
    { kind: "hopByHop" as const, options: [{ type: 5, data: new Uint8Array(2) }] },
    { kind: "destinationOptions" as const, options: [{ type: 0x1e, data: new Uint8Array(12) }] },
  ];
  const first4 = v4Fragments(PART4, CUTS, { identification: 0xabcd })[0]!;
  for (
    const first6 of [v6Fragments(PART6, CUTS)[0]!, v6Fragments(PART6, CUTS, { identification: 0xfedcba98, before })[0]!]
  ) {
    const reader = new Reader();
    reader.read(first4, 5);
    reader.read(first6, 6);
    assertEquals(reader.input.timeoutAt(), 30_005);
    reader.input.onTimeout(30_004);
    assertEquals(reader.timedOut, []);
    reader.input.onTimeout(30_005);
    assertEquals(reader.timedOut.splice(0), [first4]);
    assertEquals(reader.input.timeoutAt(), 60_006);
    reader.input.onTimeout(70_000);
    assertEquals(reader.timedOut, [first6]);
    assertEquals([reader.input.fragments.heldBytes, reader.input.timeoutAt()], [0, Infinity]);
  }
});

test("11: without the first fragment, or after an overlap, nothing comes back", () => {
  for (const [, make] of VERSIONS) {
    const reader = new Reader();
    for (const fragment of make(CUTS, 1).slice(1)) reader.read(fragment);
    for (const fragment of make([[0, 24], [16, 32]], 2)) reader.read(fragment);
    reader.input.onTimeout(60_000);
    assertEquals([reader.timedOut, reader.input.fragments.timeouts, reader.input.fragments.size], [[], 1, 0]);
  }
});

test("12: 10,000 incomplete datagrams stay under the limits, and others still come through", () => {
  const reader = new Reader({ maxFragmentBytes: 100_000, maxFragmentDatagrams: 300 });
  const source = parseAddress("203.0.113.9");
  for (let i = 0; i < 10_000; i++) {
    reader.read(v4Fragments(PART4, [[8, 24]], { source, identification: i })[0]!, i);
    assert(reader.input.fragments.heldBytes <= 100_000);
    assert(reader.input.fragments.size <= 300);
    if (i % 1000 === 999) {
      const [, make] = VERSIONS[(i / 1000) & 1]!;
      assertEquals(make(CUTS, i).map((fragment) => reader.read(fragment, i)).at(-1)!.outcome, "datagram");
    }
  }
  assert(reader.input.fragments.evictions > 9000);
});

test("13: an atomic fragment is whole by itself, whatever fragments of its number wait", () => {
  const reader = new Reader();
  assertEquals(reader.read(v6Fragments(PART6, [[0, 8]])[0]!).outcome, "held");
  const atomic = v6Fragments(PART6, [[0, PART6.length]])[0]!;
  assertEquals(reader.read(atomic).payload, PART6);
  assertEquals(v6Fragments(PART6, CUTS.slice(1)).map((fragment) => reader.read(fragment)).at(-1)!.payload, PART6);
});

test("15: a transport is found behind all extension headers", () => {
  const options = [{ type: 0x1e, data: new Uint8Array(4) }];
  const before = [
    { kind: "hopByHop" as const, options },
    { kind: "destinationOptions" as const, options },
    { kind: "routing" as const, type: 2, segmentsLeft: 0, data: new Uint8Array(20) },
  ];
  const segment = tcp({ payload: pattern(40) }, V6);
  const reader = new Reader();
  const whole = v6({ protocol: 6, extensions: before, payload: segment });
  assertEquals(reader.read(whole), { outcome: "datagram", protocol: 6, payload: segment });
  const cuts: Cuts = [[0, 24], [24, 60]];
  const outcomes = v6Fragments(segment, cuts, { protocol: 6, before }).map((fragment) => reader.read(fragment));
  assertEquals(outcomes, [{ outcome: "held" }, { outcome: "datagram", protocol: 6, payload: segment }]);
});

test("15: a route that is not at its end is refused and its type named, type 0 too", () => {
  for (const type of [0, 2, 4]) {
    const extensions = [{ kind: "routing" as const, type, segmentsLeft: 1, data: new Uint8Array(20) }];
    assertEquals(new Reader().read(v6({ extensions, payload: PART6 })), { outcome: "sourceRouted", problem: [0, 42] });
  }
});

test("15: what becomes of a packet with an unknown option is in the option's type", () => {
  const withOption = (type: number, kind: "hopByHop" | "destinationOptions"): Uint8Array => {
    const extensions = [{ kind, options: [{ type: 5, data: new Uint8Array(2) }, { type, data: new Uint8Array(3) }] }];
    return v6({ extensions, payload: udp({}, V6) });
  };
  for (const kind of ["hopByHop", "destinationOptions"] as const) {
    const read = (type: number) => {
      const { outcome, problem } = new Reader().read(withOption(type, kind));
      return [outcome, problem];
    };
    assertEquals(read(0x3e), ["datagram", undefined]);
    assertEquals(read(0x7e), ["unknownIpv6Option", undefined]);
    assertEquals(read(0xbe), ["unknownIpv6Option", [2, 46]]);
    assertEquals(read(0xfe), ["unknownIpv6Option", [2, 46]]);
  }
});

test("15: headers that are malformed, out of place or beyond the packet", () => {
  const extensions = [{ kind: "destinationOptions" as const, options: [{ type: 5, data: new Uint8Array(4) }] }];
  const packet = v6({ extensions, payload: PART6 });
  const read = (at: number, value: number) => {
    const copy = packet.slice();
    copy[at] = value;
    return new Reader().read(copy);
  };
  assertEquals(read(41, 200), { outcome: "cutHeader" });
  assertEquals(read(43, 5), { outcome: "badExtensionHeader" });
  assertEquals(read(40, 0), { outcome: "badExtensionHeader", problem: [1, 40] });
  assertEquals(read(40, 59), { outcome: "noNextHeader" });
  assertEquals(read(40, 44).outcome !== "datagram", true);
  // a jumbogram, which nobody here knows
  const jumbo = v6({ extensions: [{ kind: "hopByHop", options: [{ type: 0xc2, data: new Uint8Array(4) }] }] });
  writeU16(jumbo, 4, 0);
  assertEquals(new Reader().read(jumbo).outcome, "cutHeader");
  // the first fragment must hold all headers
  const inner = packet.subarray(40);
  const cut = v6Fragments(concat([new Uint8Array([17, 3]), inner]), [[0, 16]])[0]!;
  cut[40] = 60;
  assertEquals(new Reader().read(cut), { outcome: "cutHeader", problem: [3, 0] });
});

test("15: an unknown protocol is a datagram whose number and place are told", () => {
  const reader = new Reader();
  assertEquals(reader.read(v6({ protocol: 253, payload: pattern(5) })).protocol, 253);
  assertEquals(reader.read(v4({ protocol: 132, payload: pattern(5) })).protocol, 132);
  assertEquals(reader.read(v6({ protocol: 1, payload: pattern(9) })).protocol, 1);
  assertEquals(reader.read(v4({ protocol: 58, payload: pattern(9) })).protocol, 58);
});

test("26-29: length and checksum of UDP", () => {
  const reader = new Reader();
  const changed = (version: 4 | 6, at: number, value: number) => {
    const payload = (version === 4 ? PART4 : PART6).slice();
    writeU16(payload, at, value);
    return version === 4 ? v4({ payload }) : v6({ payload });
  };
  for (const version of [4, 6] as const) {
    assertEquals(reader.read(changed(version, 4, 7)).outcome, "badUdpLength");
    assertEquals(reader.read(changed(version, 4, PART4.length + 1)).outcome, "badUdpLength");
    assertEquals(reader.read(changed(version, 8, 0)).outcome, "badUdpChecksum");
    assertEquals(reader.read(changed(version, 8, 0), 0, true).outcome, "datagram");
  }
  assertEquals(reader.read(changed(4, 6, 0)).outcome, "datagram");
  assertEquals(reader.read(changed(6, 6, 0)).outcome, "noUdpChecksum");
  assertEquals(reader.read(changed(6, 6, 0), 0, true).outcome, "noUdpChecksum");
  assertEquals(reader.read(v4({ payload: pattern(7) })).outcome, "truncatedTransport");
  // what lies behind the length that UDP says is not of it
  const padded = v4({ payload: concat([PART4, new Uint8Array(4)]) });
  assertEquals(reader.read(padded).payload, PART4);
});

test("35: wrong checksums of TCP and ICMP are dropped, those of odd lengths verified", () => {
  for (const length of [0, 1, 2, 1459]) {
    for (const version of [4, 6] as const) {
      const segment = tcp({ payload: pattern(length) }, version === 4 ? V4 : V6);
      const make = (payload: Uint8Array) => version === 4 ? v4({ protocol: 6, payload }) : v6({ protocol: 6, payload });
      const reader = new Reader();
      assertEquals(reader.read(unaligned(make(segment))).outcome, "datagram");
      segment[segment.length - 1]! ^= 4;
      assertEquals(reader.read(make(segment)).outcome, "badTcpChecksum");
      assertEquals(reader.read(make(segment), 0, true).outcome, "datagram");
      assertEquals(reader.read(make(segment.subarray(0, 19))).outcome, "truncatedTransport");
    }
  }
});
