// Whatever comes: nothing is thrown, memory stays under its limits and comes back, and no more is answered than came.
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import {
  encodeIcmp,
  encodeIcmpv6,
  icmpLength,
  type IcmpMessage,
  icmpv6Length,
  type Icmpv6Message,
  TcpFlag,
} from "../../src/packet/mod.ts";
import type { L3L4Error } from "../../src/l3l4/errors.ts";
import type { TcpPort } from "../../src/l3l4/l3l4_sink.ts";
import type { L3L4Options } from "../../src/l3l4/l3l4_settings.ts";
import type { SeededRandom } from "../../src/sim/seeded_random.ts";
import { pattern, tcp, udp, V4, v4, v4Fragments, V6, v6, v6Fragments, written } from "../packet/support.ts";
import { fuzz } from "../support/fuzz.ts";
import { Host } from "./engine_rig.ts";
import { repairChecksums } from "./repair_checksums.ts";

const LIMITS = {
  maxHalfOpen: 50,
  maxConnections: 50,
  maxTimeWait: 50,
  maxUdpPorts: 50,
  maxUdpQueue: 10,
  maxDatagramBytes: 300_000,
  maxFragmentBytes: 100_000,
  maxFragmentDatagrams: 50,
  maxBufferBytes: 1_000_000,
  maxPathMtus: 20,
  maxAnswers: 20,
  idleTimeoutMs: 60_000,
  hasLoopback: true,
} satisfies L3L4Options;

/** More than a header of an error, or a SYN-ACK, is never added to what came. */
const MOST_ADDED = 68;

function icmp4(message: IcmpMessage): Uint8Array {
  return v4({ protocol: 1, payload: written(icmpLength(message), (into) => encodeIcmp(message, into)) });
}

function icmp6(message: Icmpv6Message): Uint8Array {
  return v6({ protocol: 58, payload: written(icmpv6Length(message), (into) => encodeIcmpv6(message, into, V6)) });
}

const PART4 = udp({ payload: pattern(100) }, V4);
const PART6 = udp({ payload: pattern(100) }, V6);
const BACK4 = v4({
  source: V4.destination,
  destination: V4.source,
  payload: udp({}, { source: V4.destination, destination: V4.source }),
});
const EXTENSIONS = [
  {
    kind: "hopByHop" as const,
    options: [{ type: 5, data: new Uint8Array(2) }, { type: 0xfe, data: new Uint8Array(3) }],
  },
  { kind: "routing" as const, type: 0, segmentsLeft: 0, data: new Uint8Array(20) },
  { kind: "destinationOptions" as const, options: [{ type: 0x1e, data: new Uint8Array(7) }] },
];

/** Packets of all kinds. */
const SAMPLES: readonly Uint8Array[] = [
  v4({ protocol: 6, payload: tcp({ flags: TcpFlag.SYN }, V4) }),
  v6({ protocol: 6, payload: tcp({ flags: TcpFlag.SYN }, V6) }),
  v4({ protocol: 6, payload: tcp({ flags: TcpFlag.ACK, payload: pattern(20) }, V4) }),
  v6({ protocol: 6, payload: tcp({ flags: TcpFlag.RST }, V6) }),
  v4({ payload: PART4 }),
  v6({ payload: PART6 }),
  v4({ options: [{ type: 7, data: new Uint8Array(9) }, { type: 131, data: new Uint8Array(5) }], payload: PART4 }),
  v6({ extensions: EXTENSIONS, payload: PART6 }),
  v6({ extensions: EXTENSIONS.slice(1), payload: PART6 }),
  ...v4Fragments(PART4, [[0, 48], [48, 96], [96, 108]]),
  ...v6Fragments(PART6, [[0, 48], [48, 96], [96, 108]]),
  v4({ protocol: 99, payload: pattern(10) }),
  icmp4({ kind: "echo", identifier: 1, sequence: 2, data: pattern(30) }),
  icmp6({ kind: "echoRequest", identifier: 1, sequence: 2, data: pattern(30) }),
  icmp4({ kind: "destinationUnreachable", code: 3, mtu: 0, quote: BACK4 }),
  icmp4({ kind: "destinationUnreachable", code: 4, mtu: 600, quote: BACK4 }),
  icmp6({ kind: "packetTooBig", mtu: 1280, quote: v6({ payload: PART6 }) }),
  icmp6({ kind: "parameterProblem", code: 1, pointer: 6, quote: v6({ payload: PART6 }) }),
  icmp6({ kind: "neighborSolicitation", target: V6.source, options: new Uint8Array(8) }),
];

/** What was not read when a connection is over can still be read; whoever does not want it says so. */
class ThriftyHost extends Host {
  override closed(port: TcpPort, error: L3L4Error | null): void {
    super.closed(port, error);
    port.stopReading(0);
  }
}

/** A host that is told at random what to answer, and reads what comes some of the time. */
function hostOf(): Host {
  const host = new ThriftyHost(LIMITS);
  host.onEvent = (event) => {
    if (event.startsWith("udpReadable")) { for (const port of host.udp) if (port.id % 2 === 0) port.receive(); }
    host.log.length = 0;
    host.icmps.length = 0;
    if (host.udp.length > 100) host.udp.splice(0, 50);
    if (host.tcp.length > 100) host.tcp.splice(0, 50);
  };
  return host;
}

function decideAtRandom(host: Host, random: SeededRandom): void {
  host.tcpVerdict = random.pick(["accept", "accept", "refuse", "ignore", "later"]);
  host.udpVerdict = random.pick(["accept", "accept", "refuse", "ignore"]);
}

function assertLimits(host: Host): void {
  const { stats } = host.engine;
  assert(stats.connections <= LIMITS.maxConnections, `${stats.connections} connections`);
  assert(stats.halfOpen <= LIMITS.maxHalfOpen, `${stats.halfOpen} half-open`);
  assert(stats.udpPorts <= LIMITS.maxUdpPorts, `${stats.udpPorts} UDP ports`);
  assert(stats.fragmentBytes <= LIMITS.maxFragmentBytes, `${stats.fragmentBytes} bytes of fragments`);
  assert(stats.fragmentDatagrams <= LIMITS.maxFragmentDatagrams, `${stats.fragmentDatagrams} datagrams`);
  assert(stats.bufferBytes <= LIMITS.maxBufferBytes, `${stats.bufferBytes} bytes of buffers`);
  assert(stats.pathMtus <= LIMITS.maxPathMtus, `${stats.pathMtus} paths`);
  assert(stats.datagramBytesLeft >= 0, "more datagrams than maxDatagramBytes");
}

/** Lets an hour go by, and shows that nothing is left. */
function assertEmpties(host: Host, now: number): void {
  for (let rounds = 0; host.engine.timeoutAt() < Infinity; rounds++) {
    assert(rounds < 10_000, "timers never end");
    now = Math.max(now, host.engine.timeoutAt());
    host.timeout(now);
  }
  const { connections, datagramBytesLeft, fragmentBytes, halfOpen, pathMtus, timeWait, udpPorts, bufferBytes } =
    host.engine.stats;
  assertEquals(
    { connections, fragmentBytes, halfOpen, pathMtus, timeWait, udpPorts, bufferBytes, datagramBytesLeft },
    {
      connections: 0,
      fragmentBytes: 0,
      halfOpen: 0,
      pathMtus: 0,
      timeWait: 0,
      udpPorts: 0,
      bufferBytes: 0,
      datagramBytesLeft: LIMITS.maxDatagramBytes,
    },
  );
}

for (const isRepaired of [false, true]) {
  test(`any packets${isRepaired ? " with right checksums" : ""}: no exception, no growth, no amplification`, () => {
    const host = hostOf();
    let now = 0;
    let room = 0;
    fuzz(SAMPLES, (input, random) => {
      decideAtRandom(host, random);
      const packet = isRepaired ? repairChecksums(input.slice()) : input;
      room += packet.length + MOST_ADDED;
      for (const answer of host.push(packet, now)) room -= answer.length;
      assert(room >= 0, "more was answered than came");
      if (random.below(50) === 0) now += random.below(2000);
      if (random.below(500) === 0) {
        assertLimits(host);
        // what is sent again when its time has come is not an answer
        for (; host.engine.timeoutAt() <= now;) host.timeout(now);
      }
    });
    assertLimits(host);
    assertEmpties(host, now);
  });
}

test("one packet that is no part of a connection gets one answer at most, not much longer than itself", () => {
  let host = hostOf();
  let count = 0;
  fuzz(SAMPLES, (input, random) => {
    // a new one each time would take as long as everything else together
    if (count++ % 20 === 0) host = hostOf();
    decideAtRandom(host, random);
    const packet = repairChecksums(input.slice());
    // the last fragment is answered for all of them
    const most = host.engine.stats.fragmentBytes + packet.length + MOST_ADDED;
    const answers = host.push(packet, 0);
    assert(answers.length <= 1, `${answers.length} answers`);
    for (const answer of answers) assert(answer.length <= most, `${answer.length} bytes`);
  });
});

test("packets of a conversation, damaged and sent again at any time, do no harm to two endpoints", () => {
  const conversation: Uint8Array[] = [];
  talk((packet) => void conversation.push(packet));
  let client = hostOf();
  let server = hostOf();
  let count = 0;
  let now = 0;
  fuzz(conversation, (input, random) => {
    if (count++ % 200 === 0) {
      assertEmpties(client, now);
      assertEmpties(server, now);
      client = hostOf();
      server = hostOf();
      now = 0;
      talk(() => {}, client, server, random.below(12));
    }
    const packet = repairChecksums(input.slice());
    const [host, peer] = random.below(2) === 0 ? [client, server] : [server, client];
    // some of the answers get through, and what is sent when time has passed
    for (const answer of host.push(packet, now)) if (random.below(2) === 0) peer.engine.push(answer, now);
    if (random.below(10) === 0) {
      now += random.below(3000);
      for (const answer of peer.timeout(now)) host.engine.push(answer, now);
    }
    if (count % 20 === 0) [client, server].forEach(assertLimits);
  });
});

/** Both ends of a conversation say and end something, `steps` of it; `see` gets each packet. */
function talk(see: (packet: Uint8Array) => void, client = hostOf(), server = hostOf(), steps = 12): void {
  const port = client.engine.connect({
    localAddress: V4.source,
    localPort: 41111,
    remoteAddress: V4.destination,
    remotePort: 7,
  }, 0);
  const datagrams = client.engine.udpOpen({
    localAddress: V6.source,
    localPort: 9,
    remoteAddress: V6.destination,
    remotePort: 8,
  }, 0);
  datagrams.send(pattern(2000), 0);
  datagrams.close();
  for (let step = 0; step < steps; step++) {
    if (step === 3) port.write(pattern(4000), 0);
    if (step === 6) server.tcp[0]?.write(pattern(100), 0);
    if (step === 8) port.shutdown(0);
    if (step === 10) server.tcp[0]?.shutdown(0);
    const packets = client.send(0);
    packets.forEach(see);
    const answers = server.push(packets, 0);
    answers.forEach(see);
    for (const answer of answers) client.engine.push(answer, 0);
  }
}
