import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { concat } from "../../src/bytes/concat.ts";
import {
  decodeIcmp,
  decodeIcmpv6,
  decodeIpv4,
  decodeIpv6,
  encodeIcmp,
  encodeIcmpv6,
  icmpLength,
  type IcmpMessage,
  icmpv6Length,
  type Icmpv6Message,
  IpProtocol,
  Ipv4View,
  parseAddress,
  type Segment,
  SegmentDecoder,
  TcpFlag,
} from "../../src/packet/mod.ts";
import { packetOf, pattern, tcp, udp, V4, v4, v4Fragments, V6, v6, v6Fragments, written } from "../packet/support.ts";
import { exchange, Host } from "./engine_rig.ts";
import { Reader } from "./ip_support.ts";

const ROUTER = parseAddress("203.0.113.254");
const ROUTER6 = parseAddress("2001:db8:ffff::1");

function icmp4(message: IcmpMessage, addresses = V4): Uint8Array {
  const payload = written(icmpLength(message), (into) => encodeIcmp(message, into));
  return v4({ ...addresses, protocol: IpProtocol.ICMP, payload });
}

function icmp6(message: Icmpv6Message, addresses = V6): Uint8Array {
  const payload = written(icmpv6Length(message), (into) => encodeIcmpv6(message, into, addresses));
  return v6({ ...addresses, protocol: IpProtocol.ICMPV6, payload });
}

/** What lies in a packet of ours, after its checksums were verified. */
function read4(packet: Uint8Array | undefined): IcmpMessage {
  assertEquals(new Reader().read(packet!).outcome, "datagram");
  return decodeIcmp(decodeIpv4(packet!).payload);
}

function read6(packet: Uint8Array | undefined): Icmpv6Message {
  assertEquals(new Reader().read(packet!).outcome, "datagram");
  return decodeIcmpv6(decodeIpv6(packet!).payload);
}

test("17: an echo to any address is answered from it, with its identifier, sequence number and data", () => {
  for (const length of [0, 1, 56, 1400]) {
    const data = pattern(length);
    const host = new Host({ hopLimit: 33 });
    const [reply] = host.push(icmp4({ kind: "echo", identifier: 7, sequence: 9, data }));
    assertEquals(read4(reply), { kind: "echoReply", identifier: 7, sequence: 9, data });
    const { destination, source, ttl } = decodeIpv4(reply!);
    assertEquals([source, destination, ttl], [V4.destination, V4.source, 33] as unknown[]);
    const [reply6] = host.push(icmp6({ kind: "echoRequest", identifier: 7, sequence: 9, data }));
    assertEquals(read6(reply6), { kind: "echoReply", identifier: 7, sequence: 9, data });
    assertEquals([decodeIpv6(reply6!).source, decodeIpv6(reply6!).destination], [V6.destination, V6.source]);
    assertEquals([host.engine.stats.echoReplies, host.log.length], [2, 0]);
  }
});

test("17: an echo with a wrong checksum, or to many, is not answered", () => {
  const host = new Host();
  const echo = { kind: "echo" as const, identifier: 7, sequence: 9, data: pattern(5) };
  const echo6 = { ...echo, kind: "echoRequest" as const };
  for (const packet of [icmp4(echo), icmp6(echo6)]) {
    packet[packet.length - 1]! ^= 1;
    assertEquals(host.push(packet), []);
  }
  assertEquals(host.engine.drops.get("badIcmpChecksum"), 2);
  for (const text of ["224.0.0.1", "255.255.255.255"]) {
    assertEquals(host.push(icmp4(echo, { ...V4, destination: parseAddress(text) })), []);
  }
  assertEquals(host.push(icmp6(echo6, { ...V6, destination: parseAddress("ff02::1") })), []);
});

test("17: echoes too large for the link come in fragments and go in fragments", () => {
  const data = pattern(5000);
  const packets = [
    [icmp4({ kind: "echo", identifier: 7, sequence: 9, data }), 20, 0] as const,
    [icmp6({ kind: "echoRequest", identifier: 7, sequence: 9, data }), 40, 1] as const,
  ];
  for (const [packet, headerLength, version] of packets) {
    const part = packet.subarray(headerLength);
    const cuts = [[0, 1480], [1480, 2960], [2960, part.length]] as const;
    const fragments = version === 0
      ? v4Fragments(part, cuts, { protocol: IpProtocol.ICMP })
      : v6Fragments(part, cuts, { protocol: IpProtocol.ICMPV6 });
    const replies = new Host({ mtu: 1500 }).push(fragments.toReversed());
    assertEquals([replies.length, replies.every((reply) => reply.length <= 1500)], [4, true]);
    const reader = new Reader();
    const whole = replies.map((reply) => reader.read(reply)).at(-1)!;
    assertEquals(whole.payload?.subarray(8), data);
  }
});

test("17: echoes can be handed over instead, and be limited", () => {
  const echo = icmp4({ kind: "echo", identifier: 7, sequence: 9, data: pattern(5) });
  const host = new Host({ answersEcho: false });
  assertEquals(host.push(echo), []);
  assertEquals(host.icmps.map(({ data, type, word }) => [type, word, data]), [[8, 0x70009, pattern(5)]]);
  const limited = new Host({ echoRepliesPerSecond: 10 });
  assertEquals(Array.from({ length: 30 }, () => limited.push(echo, 5)).flat().length, 10);
  assertEquals([limited.push(echo, 105).length, limited.engine.stats.echoRepliesLimited], [1, 20]);
});

test("17: a ping of ours gets its answer", () => {
  const host = new Host({ hopLimit: 50 }, 1);
  const peer = new Host({}, 2);
  for (const { destination, source } of [V4, V6]) {
    const ping = {
      localAddress: source,
      remoteAddress: destination,
      identifier: 0xffff,
      sequence: 0xfffe,
      data: pattern(9),
    };
    assertEquals(host.engine.ping(ping), true);
    exchange(host, peer, 0);
    const answer = host.icmps.pop()!;
    assertEquals([answer.remoteAddress, answer.localAddress, answer.data], [destination, source, pattern(9)]);
    assertEquals([answer.word, answer.code, answer.hopLimit], [0xfffffffe, 0, 64]);
  }
  host.engine.ping({ localAddress: V4.source, remoteAddress: V4.destination, identifier: 1, sequence: 1, hopLimit: 3 });
  assertEquals(new Ipv4View(host.send()[0]!).ttl, 3);
  assertThrows(
    () => host.engine.ping({ localAddress: V4.source, remoteAddress: V6.source, identifier: 1, sequence: 1 }),
    RangeError,
  );
  for (const nobody of [new Uint8Array(4), new Uint8Array(16)]) {
    const localAddress = nobody.length === 4 ? V4.source : V6.source;
    assertThrows(
      () => host.engine.ping({ localAddress, remoteAddress: nobody, identifier: 1, sequence: 1 }),
      RangeError,
      "there is nobody at",
    );
  }
  const data = new Uint8Array(65_508);
  assertThrows(
    () => host.engine.icmpSend({ localAddress: V4.source, remoteAddress: V4.source, type: 8, data }),
    RangeError,
  );
});

test("18: a datagram to a closed port is answered with port unreachable and the start of it", () => {
  const host = new Host();
  host.udpVerdict = "refuse";
  for (const length of [0, 1, 4000]) {
    const packet = v4({ payload: udp({ payload: pattern(length) }, V4) });
    const [answer] = host.push(packet);
    assertEquals(read4(answer), { kind: "destinationUnreachable", code: 3, mtu: 0, quote: packet.subarray(0, 548) });
    assertEquals([decodeIpv4(answer!).source, decodeIpv4(answer!).destination], [V4.destination, V4.source]);
    const packet6 = v6({ payload: udp({ payload: pattern(length) }, V6) });
    const [answer6] = host.push(packet6);
    assertEquals(read6(answer6), { kind: "destinationUnreachable", code: 4, quote: packet6.subarray(0, 1232) });
    assert(answer6!.length <= 1280);
  }
  host.udpVerdict = "ignore";
  assertEquals(host.push(v4({ payload: udp({}, V4) })), []);
});

test("18: nothing is said about what many got", () => {
  const host = new Host();
  host.udpVerdict = "refuse";
  for (const text of ["224.0.0.1", "255.255.255.255", "ff02::1"]) {
    const destination = parseAddress(text);
    const isV4 = destination.length === 4;
    const addresses = { source: isV4 ? V4.source : V6.source, destination };
    const payload = udp({ payload: pattern(9) }, addresses);
    assertEquals(host.push(isV4 ? v4({ ...addresses, payload }) : v6({ ...addresses, payload })), []);
    const unknown = { ...addresses, protocol: 200, payload };
    assertEquals(host.push(isV4 ? v4(unknown) : v6(unknown)), []);
  }
});

test("18: protocols that nobody knows: protocol unreachable, or the place of their number", () => {
  const host = new Host();
  const packet = v4({ protocol: 132, payload: pattern(30) });
  assertEquals(read4(host.push(packet)[0]), { kind: "destinationUnreachable", code: 2, mtu: 0, quote: packet });
  const plain = v6({ protocol: 132, payload: pattern(30) });
  assertEquals(read6(host.push(plain)[0]), { kind: "parameterProblem", code: 1, pointer: 6, quote: plain });
  const extensions = [{ kind: "destinationOptions" as const, options: [] }];
  const behind = v6({ protocol: 132, extensions, payload: pattern(30) });
  assertEquals(read6(host.push(behind)[0]), { kind: "parameterProblem", code: 1, pointer: 40, quote: behind });
  // ICMP of the other version is such a protocol too
  assertEquals(read6(host.push(v6({ protocol: IpProtocol.ICMP, payload: pattern(30) }))[0]).kind, "parameterProblem");
  assertEquals(host.engine.stats.unknownProtocols, 4);
});

test("15: headers of IPv6 that must be reported are, unless the packet holds an ICMP error", () => {
  const host = new Host();
  const extensions = [{ kind: "destinationOptions" as const, options: [{ type: 0xfe, data: new Uint8Array(4) }] }];
  const packet = v6({ extensions, payload: udp({}, V6) });
  assertEquals(read6(host.push(packet)[0]), { kind: "parameterProblem", code: 2, pointer: 42, quote: packet });
  const quote = v6({ payload: udp({}, { source: V6.destination, destination: V6.source }) });
  const error = icmp6({ kind: "destinationUnreachable", code: 4, quote }).subarray(40);
  assertEquals(host.push(v6({ extensions, protocol: IpProtocol.ICMPV6, payload: error })), []);
  // about what many got nothing is said, because there is no address to say it from
  assertEquals(host.push(v6({ extensions, destination: parseAddress("ff02::1") })), []);
});

test("11: time exceeded is sent when fragments are missing and the first is there", () => {
  const host = new Host();
  const part = udp({ payload: pattern(53) }, V4);
  const first = v4Fragments(part, [[0, 24]])[0]!;
  assertEquals(host.push([first, v4Fragments(part, [[24, 48]], { identification: 9 })[0]!], 10), []);
  assertEquals(host.engine.timeoutAt(), 30_010);
  const answers = host.timeout(30_010);
  assertEquals(answers.map(read4), [{ kind: "timeExceeded", code: 1, quote: first }]);
  const part6 = udp({ payload: pattern(53) }, V6);
  const first6 = v6Fragments(part6, [[0, 24]])[0]!;
  host.push(first6, 40_000);
  assertEquals(host.timeout(100_000).map(read6), [{ kind: "timeExceeded", code: 1, quote: first6 }]);
  assertEquals(host.engine.timeoutAt(), Infinity);
});

test("19: errors are limited, and their limit refills", () => {
  const host = new Host({ icmpErrorsPerSecond: 50 });
  host.udpVerdict = "refuse";
  const packet = v4({ payload: udp({}, V4) });
  let sent = 0;
  for (let i = 0; i < 1000; i++) sent += host.push(packet, i).length;
  assert(sent >= 95 && sent <= 100, `${sent} errors`);
  assertEquals(host.engine.stats.icmpErrorsLimited, 1000 - sent);
  const silent = new Host({ icmpErrorsPerSecond: 0 });
  silent.udpVerdict = "refuse";
  assertEquals([silent.push(packet, 5), silent.push(packet, 5000)], [[], []]);
});

test("answers that wait are limited in number and bytes, and nothing is held for those beyond", () => {
  const echo = icmp4({ kind: "echo", identifier: 7, sequence: 9, data: pattern(1000) });
  for (const options of [{ maxAnswers: 10 }, { maxDatagramBytes: 10 * (1028 + 192) + 100 }]) {
    const host = new Host(options);
    for (let i = 0; i < 100; i++) host.engine.push(echo, 0);
    const left = host.engine.stats.datagramBytesLeft;
    assertEquals([host.send().length, host.engine.stats.echoRepliesLimited], [10, 90]);
    assert(host.engine.stats.datagramBytesLeft > left);
  }
});

/** A client that connects, and an error about its SYN or data, from a router. */
function connecting(options: { mtu?: number; isV6?: boolean } = {}) {
  const { isV6 = false, ...more } = options;
  const { source: localAddress, destination: remoteAddress } = isV6 ? V6 : V4;
  const client = new Host(more, 1);
  const server = new Host({}, 2);
  const port = client.engine.connect({ localAddress, remoteAddress, remotePort: 7 }, 0);
  const from = { source: isV6 ? ROUTER6 : ROUTER, destination: localAddress };
  const unreachable = (quote: Uint8Array, code: number): Uint8Array =>
    isV6
      ? icmp6({ kind: "destinationUnreachable", code, quote }, from)
      : icmp4({ kind: "destinationUnreachable", code, mtu: 0, quote }, from);
  return { client, server, port, from, unreachable };
}

test("20: an error must quote a connection and a sequence number that is under way", () => {
  for (const isV6 of [false, true]) {
    const { client, unreachable } = connecting({ isV6 });
    const [syn] = client.send(0) as [Uint8Array];
    const at = isV6 ? 40 : 20;
    const portUnreachable = isV6 ? 4 : 3;
    for (const offset of [at, at + 1, at + 4, at + 7, isV6 ? 8 : 12, at - 1]) {
      const quote = syn.slice();
      quote[offset]! ^= 1;
      client.push(unreachable(quote, portUnreachable), 1);
      assertEquals(client.log, [], `byte ${offset}`);
    }
    client.push(unreachable(syn.subarray(0, at + 7), portUnreachable), 1);
    assertEquals(client.log, []);
    client.push(unreachable(syn.subarray(0, at + 8), portUnreachable), 1);
    assertEquals(client.log, ["closed ECONNREFUSED"]);
  }
});

test("22: hard errors end a connection that is being opened, with their reason", () => {
  for (
    const [code, reason] of [[2, "ECONNREFUSED"], [3, "ECONNREFUSED"], [9, "ECONNREFUSED"], [
      13,
      "ECONNREFUSED",
    ]] as const
  ) {
    const { client, unreachable } = connecting();
    client.push(unreachable(client.send(0)[0]!, code), 1);
    assertEquals([client.log, client.engine.states()], [[`closed ${reason}`], []]);
  }
});

test("21: what may pass ends nothing and is remembered; an open connection is not ended by hard errors either", () => {
  const { client, port, server, unreachable, from } = connecting();
  const [syn] = client.send(0) as [Uint8Array];
  client.push(unreachable(syn, 1), 1);
  assertEquals([port.info().state, port.info().softError], ["SYN-SENT", "EHOSTUNREACH"]);
  client.push(unreachable(syn, 0), 1);
  assertEquals(port.info().softError, "ENETUNREACH");
  server.push(syn, 1);
  client.push(icmp4({ kind: "timeExceeded", code: 0, quote: syn }, from), 1);
  assertEquals(port.info().softError, "EHOSTUNREACH");
  const later = connecting();
  exchange(later.client, later.server, 1);
  later.port.write(pattern(10), 2);
  const [data] = later.client.send(2) as [Uint8Array];
  for (const code of [0, 1, 2, 3, 5, 9, 13]) later.client.push(unreachable(data, code), 3);
  later.client.push(icmp4({ kind: "parameterProblem", code: 0, pointer: 1, quote: data }, later.from), 3);
  assertEquals([later.port.info().state, later.port.info().softError], ["ESTABLISHED", "EPROTO"]);
});

test("23: source quench and redirects are ignored", () => {
  const { client, from } = connecting();
  const [syn] = client.send(0) as [Uint8Array];
  const quench = concat([new Uint8Array(8), syn]);
  quench[0] = 4;
  const redirect = icmp4({ kind: "redirect", code: 1, router: ROUTER, quote: syn }, from);
  const unknown = { kind: "unknown" as const, type: 4, code: 0, word: 0, data: syn };
  assertEquals([client.push(icmp4(unknown, from), 1), client.push(redirect, 1)], [[], []]);
  assertEquals([client.log, client.engine.states(), client.engine.stats.icmpIgnored], [[], ["SYN-SENT"], 2]);
});

test("24: packet too big: smaller segments from then on, the lost one again at once, and wider again in ten minutes", () => {
  for (const isV6 of [false, true]) {
    const { client, port, server, from } = connecting({ isV6 });
    exchange(client, server, 1);
    port.write(pattern(3000), 2);
    const packets = client.send(2);
    assertEquals(packets[0]!.length, 1500);
    const tooBig = (mtu: number, quote: Uint8Array): Uint8Array =>
      isV6
        ? icmp6({ kind: "packetTooBig", mtu, quote: quote.subarray(0, 100) }, from)
        : icmp4({ kind: "destinationUnreachable", code: 4, mtu, quote: quote.subarray(0, 28) }, from);
    // not what a path can take, nor news
    for (const mtu of [68, isV6 ? 1279 : 575, 1500, 9000]) client.push(tooBig(mtu, packets[0]!), 3);
    // not what was sent
    const forged = packets[0]!.slice();
    forged[isV6 ? 44 : 24]! ^= 0x40;
    client.push(tooBig(1300, forged), 3);
    assertEquals([client.engine.stats.pathMtus, client.engine.stats.icmpDisbelieved], [0, 5]);
    const again = client.push(tooBig(1300, packets[0]!), 3);
    assertEquals(client.engine.stats.pathMtus, 1);
    const all = [...again, ...client.timeout(client.engine.timeoutAt())];
    assert(all.length >= 2 && all.every((packet) => packet.length <= 1300), `${all.map((packet) => packet.length)}`);
    assertEquals(port.info().timeouts, 0);
    for (const packet of all) server.engine.push(packet, 500);
    exchange(client, server, 500);
    client.engine.onTimeout(600_002);
    assertEquals([client.engine.stats.pathMtus, port.info().bytesQueued], [1, 0]);
    const narrow = port.info().segmentSize;
    client.engine.onTimeout(600_003);
    assertEquals([client.engine.stats.pathMtus, port.info().segmentSize - narrow], [0, 200]);
  }
});

test("25: messages that nobody knows are handed over, copied and limited", () => {
  const host = new Host({ maxIcmpMessages: 3 });
  const stamp = icmp4({ kind: "unknown", type: 13, code: 1, word: 0xfedcba98, data: pattern(12) });
  const solicitation = icmp6({ kind: "neighborSolicitation", target: V6.source, options: new Uint8Array(8) });
  host.engine.push(stamp, 0);
  host.engine.push(solicitation, 0);
  stamp.fill(0);
  for (let i = 0; i < 10; i++) {
    host.engine.push(icmp4({ kind: "unknown", type: 200, code: 0, word: 0, data: pattern(0) }), 0);
  }
  assertEquals(host.send(), []);
  const [first, second] = host.icmps;
  assertEquals([first!.version, first!.type, first!.code, first!.word], [4, 13, 1, 0xfedcba98]);
  assertEquals([first!.remoteAddress, first!.localAddress, first!.data], [V4.source, V4.destination, pattern(12)]);
  assertEquals([second!.version, second!.type], [6, 135]);
  assertEquals([host.icmps.length, host.engine.stats.icmpDropped], [3, 9]);
});

test("an error about an echo of ours is handed over; one about what is nobody's is not", () => {
  const host = new Host();
  host.engine.ping({ localAddress: V4.source, remoteAddress: V4.destination, identifier: 1, sequence: 2, hopLimit: 1 });
  const [echo] = host.send() as [Uint8Array];
  const from = { source: ROUTER, destination: V4.source };
  host.push(icmp4({ kind: "timeExceeded", code: 0, quote: echo }, from));
  assertEquals(host.icmps.map(({ data, remoteAddress, type }) => [type, remoteAddress, data]), [[11, ROUTER, echo]]);
  // a quote of a packet from another address than the error went to
  host.push(icmp4({ kind: "timeExceeded", code: 0, quote: echo }, { ...from, destination: V4.destination }));
  host.push(icmp4({ kind: "timeExceeded", code: 0, quote: echo.subarray(0, 20) }, from));
  assertEquals([host.icmps.length, host.engine.stats.icmpIgnored], [1, 2]);
});

test("what is answered can be read by the packet layer", () => {
  const host = new Host();
  host.udpVerdict = "refuse";
  const segments: Segment[] = [];
  const decoder = new SegmentDecoder({ verifyChecksums: true }, {
    item: (segment) => segments.push(segment),
    error: () => {},
    end: () => {},
  });
  const packets = [
    v4({ payload: udp({}, V4) }),
    v6({ payload: udp({}, V6) }),
    v4({ protocol: 6, payload: tcp({ flags: TcpFlag.SYN }, V4) }),
    v6({ protocol: 6, payload: tcp({}, V6) }),
  ];
  for (const packet of host.push(packets)) decoder.push(packetOf(packet), 0);
  assertEquals(segments.map(({ checksum, protocol }) => [protocol, checksum]), [
    [1, "valid"],
    [58, "valid"],
    [6, "valid"],
    [6, "valid"],
  ]);
});
