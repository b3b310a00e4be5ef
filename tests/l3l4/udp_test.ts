import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { readU16, writeU16 } from "../../src/bytes/integers.ts";
import type { UdpOpenOptions } from "../../src/l3l4/datagram_sink.ts";
import { encodeIcmp, encodeIcmpv6, icmpLength, icmpv6Length, parseAddress } from "../../src/packet/mod.ts";
import { decodeIpv4, decodeUdp, Ipv4View, Ipv6View, UdpView } from "../../src/packet/mod.ts";
import { pattern, udp, V4, v4, V6, v6, written } from "../packet/support.ts";
import { exchange, Host } from "./engine_rig.ts";
import { Reader } from "./ip_support.ts";

const OTHER = parseAddress("203.0.113.5");

/** A datagram from a client to a server. */
function datagram(isV6: boolean, payload = pattern(9), ports: { sourcePort?: number; destinationPort?: number } = {}) {
  return isV6 ? v6({ payload: udp({ payload, ...ports }, V6) }) : v4({ payload: udp({ payload, ...ports }, V4) });
}

for (const isV6 of [false, true]) {
  const { source, destination } = isV6 ? V6 : V4;
  const name = isV6 ? "IPv6" : "IPv4";

  test(`32: over ${name} a flow appears on its own, and answers from the address that was asked`, () => {
    const host = new Host({ hopLimit: 7, dscp: 5 });
    host.push(datagram(isV6));
    assertEquals(host.log.map((line) => line.split(" ")[0]), ["incomingUdp", "udpOpened", "udpReadable"]);
    const flow = host.udp[0]!;
    assertEquals([flow.localAddress, flow.localPort, flow.remoteAddress, flow.remotePort, flow.isActive], [
      destination,
      42222,
      source,
      41111,
      false,
    ]);
    const got = flow.receive()!;
    assertEquals([got.bytes, got.localAddress, got.remoteAddress, got.remotePort], [
      pattern(9),
      destination,
      source,
      41111,
    ]);
    assertEquals(flow.receive(), null);
    assertEquals(flow.send(pattern(5), 1), true);
    const [answer] = host.send(1) as [Uint8Array];
    const read = new Reader().read(answer);
    assertEquals(read.outcome, "datagram");
    assertEquals(decodeUdp(read.payload!), { sourcePort: 42222, destinationPort: 41111, payload: pattern(5) });
    const view = isV6 ? new Ipv6View(answer) : new Ipv4View(answer);
    assertEquals([view.source, view.destination, view.dscp], [destination, source, 5] as unknown[]);
    // the flow is known now: no question any more
    host.push(datagram(isV6));
    assertEquals(host.log.length, 4);
    assertEquals(host.engine.stats.udpPorts, 1);
  });

  test(`26-29: over ${name} what is wrong reaches no flow`, () => {
    const host = new Host();
    const at = isV6 ? 40 : 20;
    const wrong = (offset: number, value: number) => {
      const packet = datagram(isV6);
      writeU16(packet, at + offset, value);
      return packet;
    };
    assertEquals(host.push([wrong(4, 7), wrong(4, 18), wrong(8, 0xffff)]), []);
    assertEquals([host.log, host.engine.stats.dropped], [[], 3]);
    host.push(wrong(6, 0));
    assertEquals(host.udp.length, isV6 ? 0 : 1);
  });

  test(`30: over ${name} an empty datagram is one`, () => {
    const host = new Host();
    host.push(datagram(isV6, pattern(0)));
    assertEquals(host.udp[0]!.receive()!.bytes.length, 0);
    host.udp[0]!.send(pattern(0), 0);
    assertEquals(host.send()[0]!.length, isV6 ? 48 : 28);
  });

  test(`31: over ${name} the largest datagram goes out in fragments and comes in whole`, () => {
    const host = new Host({}, 1);
    const peer = new Host({}, 2);
    const largest = isV6 ? 65_527 : 65_507;
    const port = host.engine.udpOpen({ localAddress: source, remoteAddress: destination, remotePort: 9 }, 0);
    assertEquals(port.send(pattern(largest), 0), true);
    exchange(host, peer, 0);
    assertEquals(peer.udp[0]!.receive()!.bytes, pattern(largest));
    assertEquals(peer.engine.stats.reassembled, 1);
    const error = assertThrows(() => port.send(pattern(largest + 1), 0), Error);
    assertEquals((error as { code?: string }).code, "EMSGSIZE");
  });

  test(`33: over ${name} a full queue drops the newest, and other flows do not notice`, () => {
    const host = new Host({ maxUdpQueue: 3 });
    for (let i = 0; i < 5; i++) host.engine.push(datagram(isV6, new Uint8Array([i])), 0);
    host.push(datagram(isV6, new Uint8Array([9]), { sourcePort: 5 }));
    assertEquals(host.engine.stats.udpOverflowed, 2);
    const [first, second] = host.udp;
    const all = [first!.receive(), first!.receive(), first!.receive(), first!.receive()];
    assertEquals(all.map((got) => got?.bytes[0]), [0, 1, 2, undefined]);
    assertEquals(second!.receive()!.bytes[0], 9);
    host.push(datagram(isV6, new Uint8Array([7])));
    assertEquals(first!.receive()!.bytes[0], 7);
  });

  test(`34: over ${name} a flow without datagrams is over in time, and says so once`, () => {
    const host = new Host({ udpIdleTimeoutMs: 1000 });
    const start = host.engine.stats.datagramBytesLeft;
    host.push(datagram(isV6), 0);
    assertEquals(host.engine.timeoutAt(), 1000);
    host.push(datagram(isV6), 500);
    host.timeout(1000);
    assertEquals(host.engine.timeoutAt(), 1500);
    host.udp[0]!.send(pattern(3), 900);
    host.timeout(1500);
    assertEquals(host.engine.stats.udpPorts, 1);
    host.timeout(1900);
    host.timeout(5000);
    assertEquals(host.log.filter((line) => line === "udpClosed").length, 1);
    assertEquals([host.engine.timeoutAt(), host.engine.stats.udpPorts], [Infinity, 0]);
    assertEquals([host.udp[0]!.isClosed, host.udp[0]!.send(pattern(3), 2000), host.send(2000)], [true, true, []]);
    // what was not received is held no more
    assertEquals(host.engine.stats.datagramBytesLeft, start);
    host.push(datagram(isV6), 6000);
    assertEquals(host.udp.length, 2);
  });
}

test("27: a checksum that comes out as 0 is sent as 0xffff", () => {
  const host = new Host();
  const port = host.engine.udpOpen({
    localAddress: V4.source,
    localPort: 5,
    remoteAddress: V4.destination,
    remotePort: 9,
  }, 0);
  port.send(new Uint8Array(2), 0);
  const [first] = host.send() as [Uint8Array];
  // with the first one's checksum as its data, the sum of the second comes out as 0xffff
  const balance = new UdpView(decodeIpv4(first).payload).checksum;
  port.send(new Uint8Array([balance >> 8, balance]), 0);
  const [second] = host.send() as [Uint8Array];
  assertEquals(readU16(second, 26), 0xffff);
  assertEquals(new Reader().read(second).outcome, "datagram");
});

test("16: numbers of IPv4 datagrams differ, headers are right", () => {
  const host = new Host();
  const port = host.engine.udpOpen({ localAddress: V4.source, remoteAddress: V4.destination, remotePort: 9 }, 0);
  const ids = new Set<number>();
  for (let i = 0; i < 1000; i++) {
    port.send(pattern(i), 0);
    for (const packet of host.send()) {
      const view = new Ipv4View(packet);
      assertEquals([view.isChecksumValid, view.isDontFragment, view.ttl], [true, false, 64]);
      ids.add(view.identification);
    }
  }
  assertEquals(ids.size, 1000);
});

test("18: the sink decides on flows: accepted, refused, ignored", () => {
  const host = new Host();
  host.udpVerdict = "refuse";
  assertEquals(host.push(datagram(false)).length, 1);
  host.udpVerdict = "ignore";
  assertEquals(host.push(datagram(false)), []);
  assertEquals([host.log.length, host.udp.length, host.engine.stats.udpNoPort, host.engine.stats.udpRefused], [
    2,
    0,
    2,
    1,
  ]);
});

test("a datagram for port 0 is dropped; one from port 0 is heard and never answered", () => {
  const host = new Host();
  host.push(datagram(false, pattern(9), { destinationPort: 0 }));
  assertEquals([host.log, host.engine.stats.udpUnsuitable], [[], 1]);
  host.push(datagram(false, pattern(9), { sourcePort: 0 }));
  assertEquals([host.udp[0]!.receive()!.remotePort, host.udp[0]!.send(pattern(3), 0), host.send()], [0, true, []]);
});

test("a bound port hears everyone at one address or at all, the nearer one first", () => {
  const host = new Host();
  const general = host.engine.udpOpen({ localPort: 42222 }, 0);
  const near = host.engine.udpOpen({ localPort: 42222, localAddress: V4.destination }, 0);
  host.push([
    datagram(false),
    datagram(true),
    v4({ destination: OTHER, payload: udp({}, { ...V4, destination: OTHER }) }),
  ]);
  assertEquals([near.readable, general.readable, host.udp.length], [1, 2, 0]);
  const got = general.receive()!;
  assertEquals([got.localAddress, got.remoteAddress], [V6.destination, V6.source]);
  assertEquals(general.receive()!.localAddress, OTHER);
  near.close();
  host.push(datagram(false));
  assertEquals(general.readable, 1);
  // multicast reaches bound ports only
  const group = parseAddress("224.0.0.251");
  host.push(v4({ destination: group, payload: udp({}, { ...V4, destination: group }) }));
  assertEquals(general.readable, 2);
});

test("a bound port sends to anyone, from where it is told to", () => {
  const host = new Host();
  const port = host.engine.udpOpen({ localPort: 53 }, 0);
  const to = { localAddress: V4.destination, remoteAddress: V4.source, remotePort: 7 };
  for (
    const target of [to, to, { ...to, localAddress: V6.destination, remoteAddress: V6.source }, {
      ...to,
      remoteAddress: OTHER,
    }]
  ) {
    assertEquals(port.send(pattern(4), 0, target), true);
  }
  const packets = host.send();
  const seen = packets.map((packet) => {
    assertEquals(new Reader().read(packet).outcome, "datagram");
    return packet[0]! >>> 4 === 4 ? new Ipv4View(packet).destination : new Ipv6View(packet).destination;
  });
  assertEquals(seen, [V4.source, V4.source, V6.source, OTHER]);
  assertThrows(() => port.send(pattern(4), 0), RangeError);
  assertThrows(() => port.send(pattern(4), 0, { remoteAddress: V4.source, remotePort: 7 }), RangeError);
  assertThrows(() => port.send(pattern(4), 0, { ...to, remoteAddress: V6.source }), RangeError);
  const flow = host.engine.udpOpen({ localAddress: V4.source, remoteAddress: V4.destination, remotePort: 9 }, 0);
  assertThrows(() => flow.send(pattern(4), 0, to), RangeError);
});

test("ports are chosen, taken and given back; what can't be is refused", () => {
  const host = new Host({ maxUdpPorts: 20 });
  const ends = { localAddress: V4.source, remoteAddress: V4.destination, remotePort: 9 };
  const flows = Array.from({ length: 10 }, () => host.engine.udpOpen(ends, 0));
  const bound = Array.from({ length: 10 }, () => host.engine.udpOpen({}, 0));
  const ports = [...flows, ...bound].map(({ localPort }) => localPort);
  assert(ports.every((port) => port >= 32_768 && port <= 65_535));
  assertEquals(new Set(ports.slice(0, 10)).size, 10);
  assertEquals(new Set([...flows, ...bound].map(({ id }) => id)).size, 20);
  const codeOf = (options: UdpOpenOptions) =>
    (assertThrows(() => host.engine.udpOpen(options, 0), Error) as { code?: string }).code;
  assertEquals(codeOf({}), "ENOBUFS");
  flows[9]!.close();
  flows[9]!.close();
  assertEquals(codeOf({ ...ends, localPort: ports[0]! }), "EADDRINUSE");
  assertEquals(codeOf({ localPort: ports[10]! }), "EADDRINUSE");
  host.engine.udpOpen({ ...ends, localPort: ports[9]! }, 0);
  bound[0]!.close();
  for (
    const wrong of [
      { localPort: 0 },
      { localPort: 65_536 },
      { localAddress: new Uint8Array(5) },
      { remoteAddress: V4.source, localAddress: V4.source },
      { remoteAddress: V4.source, remotePort: 5 },
      { remoteAddress: V4.source, remotePort: 5, localAddress: V6.source },
      { idleTimeoutMs: -1 },
    ]
  ) assertThrows(() => host.engine.udpOpen(wrong, 0), RangeError);
});

test("beyond maxUdpPorts new flows are dropped and counted", () => {
  const host = new Host({ maxUdpPorts: 3 });
  for (let sourcePort = 1; sourcePort <= 5; sourcePort++) host.push(datagram(false, pattern(3), { sourcePort }));
  assertEquals([host.udp.length, host.engine.stats.udpPorts, host.engine.stats.udpOverflowed], [3, 3, 2]);
  host.udp[1]!.close();
  host.push(datagram(false, pattern(3), { sourcePort: 9 }));
  assertEquals(host.udp.length, 4);
});

test("maxDatagramBytes holds for what waits both ways, of all ports", () => {
  const host = new Host({ maxDatagramBytes: 100_000 });
  for (let sourcePort = 1; sourcePort <= 100; sourcePort++) host.push(datagram(false, pattern(1400), { sourcePort }));
  for (const port of host.udp) while (port.send(pattern(1400), 0));
  assert(host.engine.stats.datagramBytesLeft < 2000 && host.engine.stats.datagramBytesLeft >= 0);
  assert(host.engine.stats.udpOverflowed > 20);
  for (const port of host.udp) while (port.receive() !== null);
  host.send();
  assertEquals(host.engine.stats.datagramBytesLeft, 100_000);
});

test("a send that finds no room is told when there is some", () => {
  const host = new Host({ maxUdpQueue: 4 });
  const port = host.engine.udpOpen({ localAddress: V4.source, remoteAddress: V4.destination, remotePort: 9 }, 0);
  assertEquals([1, 2, 3, 4, 5].map((n) => port.send(pattern(n), 0)), [true, true, true, true, false]);
  host.engine.flush(0);
  assertEquals(host.log, []);
  host.engine.transmit(host.out, 0);
  assertEquals(host.engine.timeoutAt(), 0);
  host.timeout(0);
  assertEquals([host.log, host.engine.timeoutAt()], [["udpWritable"], Infinity]);
  host.send();
  assertEquals(host.log.length, 1);
});

test("ports send in turn, and an output without room loses nothing", () => {
  const host = new Host();
  const ports = [1, 2, 3].map((remotePort) =>
    host.engine.udpOpen({ localAddress: V4.source, remoteAddress: V4.destination, remotePort }, 0)
  );
  for (const [i, port] of ports.entries()) for (let n = 0; n < 4 - i; n++) port.send(pattern(2), 0);
  const order: number[] = [];
  for (let i = 0; i < 20; i++) {
    host.out.room = 1;
    host.engine.transmit(host.out, 0);
    order.push(...host.out.take().map((packet) => readU16(packet, 22)));
  }
  assertEquals(order, [1, 2, 3, 1, 2, 3, 1, 2, 1]);
});

test("18, 22: an error of ICMP comes to the flow or bound port that sent what it quotes, and to no other", () => {
  const host = new Host({}, 1);
  const peer = new Host({}, 2);
  peer.udpVerdict = "refuse";
  const ends = { localAddress: V4.source, localPort: 5, remoteAddress: V4.destination, remotePort: 9 };
  const flow = host.engine.udpOpen(ends, 0);
  const bound = host.engine.udpOpen({ localPort: 6 }, 0);
  const idle = host.engine.udpOpen({ ...ends, localPort: 7 }, 0);
  flow.send(pattern(3), 0);
  bound.send(pattern(3), 0, { localAddress: V6.source, remoteAddress: V6.destination, remotePort: 10 });
  exchange(host, peer, 0);
  assertEquals(host.log, [
    "udpError ECONNREFUSED 192.0.2.1:5 198.51.100.7:9",
    "udpError ECONNREFUSED 2001:db8::1:6 2001:db8:1::7:10",
  ]);
  assertEquals([flow.isClosed, bound.isClosed, idle.isClosed], [false, false, false]);
  // about what was never sent
  const forged = v4({ payload: udp({ sourcePort: 7, destinationPort: 9 }, V4) });
  const message = { kind: "destinationUnreachable" as const, code: 3, mtu: 0, quote: forged };
  const payload = written(icmpLength(message), (into) => encodeIcmp(message, into));
  host.push(v4({ source: V4.destination, destination: V4.source, protocol: 1, payload }));
  assertEquals([host.log.length, host.engine.stats.icmpDisbelieved], [2, 1]);
});

test("24: packet too big makes fragments of IPv6 datagrams, once a flow sent what it quotes; IPv4 knows no such thing", () => {
  const host = new Host();
  const ends = { localAddress: V6.source, localPort: 5, remoteAddress: V6.destination, remotePort: 9 };
  const port = host.engine.udpOpen(ends, 0);
  const quote = v6({ payload: udp({ sourcePort: 5, destinationPort: 9, payload: pattern(1400) }, V6) });
  const from = { source: parseAddress("2001:db8:ffff::1"), destination: V6.source };
  const message = { kind: "packetTooBig" as const, mtu: 1300, quote };
  const payload = written(icmpv6Length(message), (into) => encodeIcmpv6(message, into, from));
  const tooBig = v6({ ...from, protocol: 58, payload });
  host.push(tooBig);
  assertEquals([host.engine.stats.pathMtus, host.engine.stats.icmpDisbelieved], [0, 1]);
  port.send(pattern(1400), 0);
  assertEquals(host.send().length, 1);
  host.push(tooBig);
  port.send(pattern(1400), 0);
  assertEquals(host.send().map((packet) => packet.length <= 1300), [true, true]);
  const flow4 = host.engine.udpOpen({
    localAddress: V4.source,
    localPort: 5,
    remoteAddress: V4.destination,
    remotePort: 9,
  }, 0);
  flow4.send(pattern(1400), 0);
  const needed = { kind: "destinationUnreachable" as const, code: 4, mtu: 1300, quote: host.send()[0]! };
  const payload4 = written(icmpLength(needed), (into) => encodeIcmp(needed, into));
  host.push(v4({ source: OTHER, destination: V4.source, protocol: 1, payload: payload4 }));
  assertEquals([host.engine.stats.pathMtus, host.engine.stats.icmpDisbelieved, host.log], [1, 2, []]);
});

test("setMtu holds at once for what waits; IPv6 never gets less than 1280", () => {
  const host = new Host();
  for (const { source, destination } of [V4, V6]) {
    const port = host.engine.udpOpen({ localAddress: source, remoteAddress: destination, remotePort: 9 }, 0);
    port.send(pattern(1400), 0);
    host.engine.setMtu(600);
    assertEquals(Math.max(...host.send().map(({ length }) => length)), source.length === 4 ? 596 : 1280);
    host.engine.setMtu(1500);
  }
});

test("a sink that throws takes nothing away from other ports", () => {
  const host = new Host();
  host.udpVerdict = "ignore";
  const [first, second] = [1, 2].map((localPort) => host.engine.udpOpen({ localPort }, 0));
  host.engine.push(datagram(false, pattern(3), { destinationPort: 1 }), 0);
  host.engine.push(datagram(false, pattern(3), { destinationPort: 2 }), 0);
  host.onEvent = () => {
    host.onEvent = () => {};
    throw new Error("mine");
  };
  assertThrows(() => host.engine.flush(0), Error, "mine");
  host.send();
  assertEquals([host.log.length, first!.readable, second!.readable], [2, 1, 1]);
});
