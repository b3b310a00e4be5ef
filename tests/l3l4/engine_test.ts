import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { L3L4Engine } from "../../src/l3l4/l3l4_engine.ts";
import type { L3L4Options } from "../../src/l3l4/l3l4_settings.ts";
import { decodeIpv4, decodeIpv6, decodeTcp, parseAddress, TcpFlag } from "../../src/packet/mod.ts";
import { pattern, tcp, udp, V4, v4, V6, v6 } from "../packet/support.ts";
import { exchange, Host } from "./engine_rig.ts";
import { Packets, Reader } from "./ip_support.ts";
import { repairChecksums } from "./repair_checksums.ts";

const CLIENT = parseAddress("192.0.2.1");
const SERVER = parseAddress("198.51.100.7");
const CLIENT6 = parseAddress("2001:db8::1");
const SERVER6 = parseAddress("2001:db8:1::7");

for (const [version, local, remote] of [[4, CLIENT, SERVER], [6, CLIENT6, SERVER6]] as const) {
  test(`TCP over IPv${version}: two endpoints connect, send both ways and end well`, () => {
    const client = new Host({ timeWaitMs: 0 }, 1);
    const server = new Host({}, 2);
    const port = client.engine.connect({ localAddress: local, remoteAddress: remote, remotePort: 7 }, 0);
    exchange(client, server, 1);
    assertEquals([client.tcp.length, server.tcp.length], [1, 1]);
    const peer = server.tcp[0]!;
    assertEquals([peer.localAddress, peer.localPort, peer.remoteAddress], [remote, 7, local] as unknown[]);
    assertEquals(port.write(pattern(5000), 2), 5000);
    exchange(client, server, 2);
    const got: number[] = [];
    while (peer.readable > 0) {
      const bytes = peer.peek();
      got.push(...bytes);
      peer.consume(bytes.length, 3);
    }
    assertEquals(new Uint8Array(got), pattern(5000));
    port.shutdown(4);
    exchange(client, server, 4);
    peer.shutdown(5);
    exchange(client, server, 5);
    assert(client.log.includes("closed well"), client.log.join());
    assert(server.log.includes("closed well"), server.log.join());
  });
}

test("4: SYNs to multicast and broadcast are not answered, nor asked about", () => {
  const host = new Host();
  for (const text of ["224.0.0.1", "255.255.255.255", "ff02::1"]) {
    const destination = parseAddress(text);
    const isV4 = destination.length === 4;
    const addresses = { source: isV4 ? V4.source : V6.source, destination };
    const segment = tcp({ flags: TcpFlag.SYN }, addresses);
    const packet = { ...addresses, protocol: 6, payload: segment };
    assertEquals(host.push(isV4 ? v4(packet) : v6(packet)), []);
  }
  assertEquals(host.log, []);
});

test("35: a segment with a wrong checksum is dropped without an answer, unless the driver vouches for it", () => {
  const host = new Host();
  const segment = tcp({ flags: TcpFlag.SYN }, V4);
  segment[16]! ^= 1;
  const packet = v4({ protocol: 6, payload: segment });
  assertEquals(host.push(packet), []);
  assertEquals(host.engine.drops.get("badTcpChecksum"), 1);
  host.engine.push(packet, 0, true);
  const [answer] = host.send();
  assertEquals(decodeTcp(decodeIpv4(answer!).payload).flags, TcpFlag.SYN | TcpFlag.ACK);
});

test("16: TCP does not let routers cut; hop limit and DSCP are as told; all checksums are right", () => {
  for (const [version, local, remote] of [[4, CLIENT, SERVER], [6, CLIENT6, SERVER6]] as const) {
    const client = new Host({ hopLimit: 9, dscp: 10, hasNagle: false }, 1);
    const server = new Host({ hopLimit: 77, dscp: 3, hasNagle: false }, 2);
    const port = client.engine.connect({ localAddress: local, remoteAddress: remote, remotePort: 7 }, 0);
    exchange(client, server, 1);
    for (const length of [1, 3, 1000, 1001]) {
      assertEquals(port.write(pattern(length), 2), length);
      for (const packet of client.send(2)) {
        assertEquals(new Reader().read(packet).outcome, "datagram");
        if (version === 4) {
          const { dscp, isDontFragment, ttl, source, destination } = decodeIpv4(packet);
          assertEquals([dscp, isDontFragment, ttl], [10, true, 9]);
          assertEquals([source, destination], [local, remote]);
        } else {
          const { dscp, hopLimit, source, destination } = decodeIpv6(packet);
          assertEquals([dscp, hopLimit], [10, 9]);
          assertEquals([source, destination], [local, remote]);
        }
      }
    }
  }
});

test("67: to a peer that names no segment size go 536 bytes at most, over IPv6 1220", () => {
  for (const [local, remote, most] of [[CLIENT, SERVER, 536], [CLIENT6, SERVER6, 1220]] as const) {
    const client = new Host({}, 1);
    const server = new Host({ hasTimestamps: false }, 2);
    const ipLength = local.length === 4 ? 20 : 40;
    client.engine.connect({ localAddress: local, remoteAddress: remote, remotePort: 7 }, 0);
    const [syn] = client.send(0) as [Uint8Array];
    assertEquals(syn[ipLength + 20], 2);
    // its segment size becomes four bytes of nothing
    syn.fill(1, ipLength + 20, ipLength + 24);
    repairChecksums(syn);
    server.engine.push(syn, 0);
    exchange(server, client, 1);
    server.tcp[0]!.write(pattern(3000), 2);
    const lengths = server.send(2).map((packet) => packet.length - ipLength - 20);
    assertEquals(lengths.slice(0, 2), [most, most]);
  }
});

test("wrong options are refused at once", () => {
  const make = (options: object) => () => new Host(options as L3L4Options);
  for (const mtu of [67, 65_536, 1.5, NaN]) assertThrows(make({ mtu }), RangeError, "mtu");
  for (const name of ["maxFragmentDatagrams", "maxUdpQueue", "maxUdpPorts", "maxPathMtus", "maxDatagramBytes"]) {
    assertThrows(make({ [name]: -1 }), RangeError, name);
  }
  for (const name of ["udpIdleTimeoutMs", "fragmentTimeoutMs", "fragmentTimeoutV6Ms", "pathMtuMs"]) {
    assertThrows(make({ [name]: -1 }), RangeError, name);
  }
  assertThrows(make({ sendBufferBytes: 0 }), RangeError, "sendBufferBytes");
  assertThrows(() => new L3L4Engine({} as never, new Host()), TypeError, "random");
  assertThrows(() => new Host().engine.setMtu(10), RangeError, "mtu");
});

test("nothing that sends or takes packets may be called from within a callback", () => {
  for (const call of ["push", "transmit", "onTimeout"] as const) {
    const host = new Host();
    const codes: unknown[] = [];
    host.onEvent = () => {
      try {
        if (call === "push") host.engine.push(new Uint8Array(0), 0);
        else if (call === "transmit") host.engine.transmit(new Packets(), 0);
        else host.engine.onTimeout(0);
      } catch (error) {
        codes.push((error as { code: string }).code);
      }
    };
    host.push(v4({ payload: udp({ payload: pattern(3) }, V4) }));
    assertEquals(codes, ["EBUSY", "EBUSY", "EBUSY"], host.log.join());
    host.onEvent = () => {};
    assertEquals(host.send(), []);
  }
});

test("a full output starves nobody: ICMP, TCP and UDP send in turn", () => {
  const host = new Host({}, 1);
  const peer = new Host({}, 2);
  const port = host.engine.connect({ localAddress: CLIENT, remoteAddress: SERVER, remotePort: 7 }, 0);
  exchange(host, peer, 1);
  const datagrams = host.engine.udpOpen({ localAddress: CLIENT, remoteAddress: SERVER, remotePort: 9 }, 1);
  port.write(pattern(9000), 2);
  for (let i = 0; i < 5; i++) {
    datagrams.send(pattern(10), 2);
    host.engine.ping({ localAddress: CLIENT, remoteAddress: SERVER, identifier: 1, sequence: i });
  }
  const protocols: number[] = [];
  for (let i = 0; i < 9; i++) {
    host.out.room = 1;
    host.engine.transmit(host.out, 2);
    protocols.push(...host.out.take().map((packet) => packet[9]!));
  }
  for (const protocol of [1, 6, 17]) assertEquals(protocols.filter((other) => other === protocol).length, 3);
});

test("setMtu holds at once for connections that are open, for what is sent again too", () => {
  const client = new Host({}, 1);
  const server = new Host({}, 2);
  const port = client.engine.connect({ localAddress: CLIENT, remoteAddress: SERVER, remotePort: 7 }, 0);
  exchange(client, server, 1);
  port.write(pattern(4000), 2);
  assertEquals(Math.max(...client.send(2).map(({ length }) => length)), 1500);
  client.engine.setMtu(700);
  port.write(pattern(4000), 3);
  const packets = client.send(3);
  for (let i = 0; i < 6; i++) packets.push(...client.timeout(client.engine.timeoutAt()));
  assert(packets.length > 5);
  assert(packets.every(({ length }) => length <= 700), packets.map(({ length }) => length).join());
  for (const packet of packets) server.engine.push(packet, 9000);
  exchange(client, server, 9000);
  assertEquals(server.tcp[0]!.readable, 8000);
});
