/** Address resolution for IPv6: RFC 4861 section 7 and appendix C, RFC 4862 section 5.4. */
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { solicitedNodeGroup } from "../../../src/l3l4/ethernet/ndp.ts";
import type { NeighborState } from "../../../src/l3l4/ethernet/neighbor.ts";
import { formatAddress } from "../../../src/packet/address.ts";
import { decodeEthernet } from "../../../src/packet/ethernet.ts";
import { EtherType } from "../../../src/packet/ethernet_types.ts";
import { decodeIcmpv6, type Icmpv6Message, Icmpv6View } from "../../../src/packet/icmpv6.ts";
import { A, B, C, frame, icmpv6, ip, ipv6, mac, option, Station } from "./support.ts";

const OURS = "2001:db8::1";
const PEER = "2001:db8::2";
const GROUP = "ff02::1:ff00:1";

const own = (options = {}): Station => new Station({ networks: ["2001:db8::1/64"], ...options });
const stateOf = (station: Station): NeighborState | undefined => station.port.neighbors()[0]?.state;

const solicitation = (target: string, options: Uint8Array = option(1, B)): Icmpv6Message => ({
  kind: "neighborSolicitation",
  target: ip(target),
  options,
});

const advertisement = (flags: string, from: Uint8Array | null = B, target = PEER): Icmpv6Message => ({
  kind: "neighborAdvertisement",
  isRouter: flags.includes("R"),
  isSolicited: flags.includes("S"),
  isOverride: flags.includes("O"),
  target: ip(target),
  options: from === null ? new Uint8Array(0) : option(2, from),
});

const groupMac = mac("33:33:ff:00:00:01");
const ask = (
  station: Station,
  target = OURS,
  source = PEER,
  message = solicitation(target),
  to = GROUP,
): Uint8Array[] => station.push(frame(groupMac, B, EtherType.IPV6, icmpv6(source, to, message)));
const tell = (station: Station, message: Icmpv6Message, to = OURS): Uint8Array[] =>
  station.push(frame(to === OURS ? A : mac("33:33:00:00:00:01"), B, EtherType.IPV6, icmpv6(PEER, to, message)));

interface Sent {
  to: Uint8Array;
  source: string;
  destination: string;
  message: Icmpv6Message;
}

/** Reads a message that was sent; its header and checksum are right. */
function read(bytes: Uint8Array): Sent {
  const { destination: to, payload } = decodeEthernet(bytes);
  const addresses = { source: payload.slice(8, 24), destination: payload.slice(24, 40) };
  const icmp = payload.subarray(40, 40 + payload[5]!);
  assertEquals([payload[6], payload[7]], [58, 255]);
  assert(new Icmpv6View(icmp).isChecksumValid(addresses));
  return {
    to,
    source: formatAddress(addresses.source),
    destination: formatAddress(addresses.destination),
    message: decodeIcmpv6(icmp),
  };
}

/** A neighbour in a state. */
function inState(state: NeighborState): Station {
  const station = own();
  station.send(ipv6(OURS, PEER));
  if (state === "incomplete") return station;
  tell(station, advertisement("SO"));
  if (state === "reachable") return station;
  station.now = 50_000;
  station.send(ipv6(OURS, PEER));
  if (state === "delay") return station;
  if (state === "probe") {
    station.until(55_000);
    return station;
  }
  const stale = own();
  ask(stale);
  return stale;
}

test("RFC 4861 7.2.4: a solicitation for the own address is answered, and the asker remembered as stale", () => {
  const station = own();
  const [answer] = ask(station).map(read);
  assertEquals(answer, { to: B, source: OURS, destination: PEER, message: advertisement("SO", A, OURS) });
  assertEquals(stateOf(station), "stale");
  assertEquals(station.packets, []);
});

test("RFC 4861 7.2.4: routers say so", () => {
  const [answer] = ask(own({ isRouter: true })).map(read);
  assertEquals(answer!.message, advertisement("RSO", A, OURS));
});

test("RFC 4861 7.2.8: for an address that is only played, the owner's answer outranks ours", () => {
  const station = own({ answersFor: "any" });
  const [answer] = ask(station, "2001:db8:7::9").map(read);
  assertEquals(answer!.message, advertisement("S", A, "2001:db8:7::9"));
  assertEquals(answer!.source, "2001:db8:7::9");
  assertEquals(ask(station, "2001:db8::9"), []);
  assertEquals(ask(station, "::1"), []);
});

test("RFC 4861 7.2.4: without the option, the answer goes to the frame's source", () => {
  const station = own();
  const [answer] = ask(station, OURS, PEER, solicitation(OURS, new Uint8Array(0))).map(read);
  assertEquals(answer!.to, B);
  assertEquals(station.port.neighbors(), []);
});

test("RFC 4862 5.4.3: who asks whether the own address is free is told that it is not, with all others", () => {
  const group = formatAddress(solicitedNodeGroup(ip(OURS)));
  assertEquals(group, GROUP);
  const [answer] = ask(own(), OURS, "::", solicitation(OURS, new Uint8Array(0))).map(read);
  assertEquals(answer, {
    to: mac("33:33:00:00:00:01"),
    source: OURS,
    destination: "ff02::1",
    message: advertisement("O", A, OURS),
  });
  const any = own({ answersFor: "any" });
  const free = "2001:db8:7::1";
  assertEquals(ask(any, free, "::", solicitation(free, new Uint8Array(0))), []);
});

test("RFC 4861 7.1.1 and 7.1.2: messages to be thrown away", () => {
  const station = own();
  const good = (): Uint8Array => icmpv6(PEER, GROUP, solicitation(OURS));
  const changed = (at: number, value: number, packet = good()): Uint8Array => {
    packet[at] = value;
    return packet;
  };
  const bad: Record<string, Uint8Array> = {
    "hop limit": changed(7, 254),
    "checksum": changed(43, 0),
    "code": icmpv6(PEER, GROUP, { ...solicitation(OURS), code: 1 } as Icmpv6Message),
    "length": changed(5, 16),
    "past the end": good().subarray(0, 70),
    "target": icmpv6(PEER, GROUP, solicitation("ff02::1")),
    "option of length 0": icmpv6(PEER, GROUP, solicitation(OURS, Uint8Array.of(9, 0, 0, 0, 0, 0, 0, 0))),
    "option past the end": icmpv6(PEER, GROUP, solicitation(OURS, Uint8Array.of(9, 2, 0, 0, 0, 0, 0, 0))),
    "a group's address": icmpv6(PEER, GROUP, solicitation(OURS, option(1, mac("33:33:00:00:00:01")))),
    "unspecified, with the option": icmpv6("::", GROUP, solicitation(OURS)),
    "unspecified, not to the group": icmpv6("::", OURS, solicitation(OURS, new Uint8Array(0))),
    "source of a group": icmpv6("ff02::5", GROUP, solicitation(OURS)),
    "solicited, to a group": icmpv6(PEER, "ff02::1", advertisement("S")),
  };
  for (const [what, packet] of Object.entries(bad)) {
    const before = station.port.stats.badNdp;
    assertEquals(station.push(frame(groupMac, B, EtherType.IPV6, packet)), [], what);
    assertEquals(station.port.stats.badNdp, before + 1, what);
  }
  assertEquals([station.port.neighbors(), station.packets], [[], []]);
});

test("RFC 4861 7.2.2: an unknown neighbour is asked for by its group, and packets wait", () => {
  const station = own();
  const packet = ipv6(OURS, PEER, new Uint8Array(20).fill(7));
  const [asked] = station.send(packet).map(read);
  assertEquals(asked, {
    to: mac("33:33:ff:00:00:02"),
    source: OURS,
    destination: "ff02::1:ff00:2",
    message: solicitation(PEER, option(1, A)),
  });
  const [sent] = tell(station, advertisement("SO"));
  assertEquals(decodeEthernet(sent!).destination, B);
  assertEquals(decodeEthernet(sent!).payload, packet);
  assertEquals(stateOf(station), "reachable");
});

test("RFC 4861 7.2.2: without an answer to three questions, ICMPv6 address unreachable is handed up", () => {
  const station = own();
  const packet = ipv6(OURS, PEER, new Uint8Array(1400));
  packet[4] = 1400 >>> 8;
  packet[5] = 1400 & 255;
  station.send(packet);
  assertEquals(station.until(9000).map(({ at }) => at), [1000, 2000]);
  const [message] = station.packets;
  assertEquals(message!.length, 1280);
  const icmp = message!.subarray(40);
  const addresses = { source: message!.subarray(8, 24), destination: message!.subarray(24, 40) };
  assert(new Icmpv6View(icmp).isChecksumValid(addresses));
  assertEquals([icmp[0], icmp[1]], [1, 3]);
  assertEquals(icmp.subarray(8), packet.subarray(0, 1232));
  assertEquals([station.port.neighbors(), station.port.timeoutAt()], [[], Infinity]);
});

test("RFC 4861 7.3.3: reachable, stale by time, delay, probes by themselves, gone", () => {
  const station = inState("delay");
  assertEquals(stateOf(station), "delay");
  const asked = station.until(70_000);
  assertEquals(asked.map(({ at }) => at), [55_000, 56_000, 57_000]);
  const probe = read(asked[0]!.frame);
  assertEquals([probe.to, probe.destination, probe.message], [B, PEER, solicitation(PEER, option(1, A))]);
  assertEquals(station.port.neighbors(), []);
});

// state, advertisement (flags, address) -> state, address
const appendixC: [NeighborState, string, Uint8Array | null, NeighborState, Uint8Array][] = [
  ["incomplete", "S", B, "reachable", B],
  // stale, and the packet that waited is sent
  ["incomplete", "", B, "delay", B],
  ["incomplete", "SO", null, "incomplete", new Uint8Array(6)],
  ["reachable", "", C, "stale", B],
  ["reachable", "S", C, "stale", B],
  ["stale", "S", C, "stale", B],
  ["delay", "", C, "delay", B],
  ["probe", "S", C, "probe", B],
  ["reachable", "S", B, "reachable", B],
  ["stale", "S", B, "reachable", B],
  ["delay", "S", B, "reachable", B],
  ["probe", "S", B, "reachable", B],
  ["probe", "S", null, "reachable", B],
  ["stale", "SO", C, "reachable", C],
  ["probe", "SO", C, "reachable", C],
  ["reachable", "O", C, "stale", C],
  ["delay", "O", C, "stale", C],
  ["reachable", "O", B, "reachable", B],
  ["stale", "O", B, "stale", B],
  ["delay", "", B, "delay", B],
];

test("RFC 4861 appendix C: advertisements, by state, flags and address", () => {
  for (const [state, flags, from, after, address] of appendixC) {
    const station = inState(state);
    assertEquals(stateOf(station), state);
    tell(station, advertisement(flags, from), flags.includes("S") ? OURS : "ff02::1");
    const neighbor = station.port.neighbors()[0]!;
    const what = `${state} ${flags || "-"} ${from === null ? "none" : from === B ? "same" : "other"}`;
    assertEquals([neighbor.state, neighbor.mac], [after, address], what);
  }
});

test("RFC 4861 appendix C: a solicitation with another address makes its sender stale", () => {
  for (const state of ["reachable", "stale", "delay", "probe"] as const) {
    const station = inState(state);
    ask(station, OURS, PEER, solicitation(OURS, option(1, C)));
    const neighbor = station.port.neighbors()[0]!;
    assertEquals([neighbor.state, neighbor.mac], ["stale", C], state);
    const same = inState(state);
    ask(same);
    assertEquals(stateOf(same), state);
  }
});

test("RFC 4861 7.2.5: an advertisement that nobody waits for is not remembered; the router flag is", () => {
  const station = own();
  tell(station, advertisement("SO"));
  assertEquals(station.port.neighbors(), []);
  const known = inState("stale");
  tell(known, advertisement("RSO"));
  assertEquals(known.port.neighbors()[0]!.isRouter, true);
  tell(known, advertisement("SO"));
  assertEquals(known.port.neighbors()[0]!.isRouter, false);
});

test("RFC 4862 5.4.2: one probe, then two announcements a second later", () => {
  const station = own({ claim: "probe" });
  const sent = station.until(20_000).map(({ at, frame }) => ({ at, ...read(frame) }));
  const ours = sent.filter(({ message }) => "target" in message && formatAddress(message.target) === OURS);
  assertEquals(ours.map(({ source }) => source), ["::", OURS, OURS]);
  assertEquals(ours.map(({ destination }) => destination), [GROUP, "ff02::1", "ff02::1"]);
  assertEquals(ours[0]!.message, solicitation(OURS, new Uint8Array(0)));
  assertEquals(ours[1]!.message, advertisement("O", A, OURS));
  assertEquals(ours[1]!.at - ours[0]!.at, 1000);
});

test("RFC 4862 5.4.3 and 5.4.4: an address that somebody has, or asks for as well, is given up", () => {
  const takers: ((station: Station) => void)[] = [
    (station) => tell(station, advertisement("O", B, OURS), "ff02::1"),
    (station) => ask(station, OURS, "::", solicitation(OURS, new Uint8Array(0))),
  ];
  for (const taken of takers) {
    const station = own({ claim: "probe" });
    station.until(1500);
    taken(station);
    assertEquals(station.conflicts, [{ address: ip(OURS), mac: B, isLost: true }]);
    station.until(20_000);
    assertEquals(ask(station), []);
  }
});

test("an advertisement for an address that is held is told and answered, at most every ten seconds", () => {
  const station = own();
  const [defence] = tell(station, advertisement("O", B, OURS), "ff02::1").map(read);
  assertEquals(defence!.message, advertisement("O", A, OURS));
  assertEquals(tell(station, advertisement("O", B, OURS), "ff02::1"), []);
  assertEquals(station.conflicts.map(({ isLost }) => isLost), [false, false]);
});

test("a link-local address comes from the MAC address, and is the one that neighbours there are asked from", () => {
  const station = own();
  const [asked] = station.send(ipv6("fe80::ff:fe00:a", "fe80::5")).map(read);
  assertEquals(asked!.source, "fe80::ff:fe00:a");
  const [other] = own().send(ipv6("2001:db8:9::1", "fe80::5")).map(read);
  assertEquals(other!.source, "fe80::ff:fe00:a");
});

test("RFC 4861 5.2: other networks are reached through the router", () => {
  const station = own({ gateways: ["fe80::fe"] });
  const [asked] = station.send(ipv6(OURS, "2001:db8:5::1")).map(read);
  assertEquals((asked!.message as { target: Uint8Array }).target, ip("fe80::fe"));
});

test("groups of IPv6 need no question, other ICMPv6 is handed up", () => {
  const station = own();
  assertEquals(decodeEthernet(station.send(ipv6(OURS, "ff02::1:2"))[0]!).destination, mac("33:33:00:01:00:02"));
  const echo = icmpv6(PEER, OURS, { kind: "echoRequest", identifier: 1, sequence: 2, data: new Uint8Array(4) });
  station.push(frame(A, B, EtherType.IPV6, echo));
  assertEquals(station.packets.length, 1);
});
