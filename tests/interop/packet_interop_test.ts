/** What the packet layer writes, read by tshark; what tshark reads in captures, compared with what the packet layer reads. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { assert, assertEquals } from "@std/assert";
import { concat } from "../../src/bytes/concat.ts";
import { fromHex, toHex } from "../../src/bytes/hex.ts";
import { writeU32 } from "../../src/bytes/integers.ts";
import {
  decodeTcp,
  encodeArp,
  encodeEthernet,
  encodeIcmp,
  encodeIcmpv6,
  encodeLoopback,
  encodeSll,
  encodeSll2,
  ethernetLength,
  icmpLength,
  type IcmpMessage,
  icmpv6Length,
  type Icmpv6Message,
  type Ipv6Extension,
  LinkType,
  loopbackLength,
  type Packet,
  parseAddress,
  type Segment,
  sll2Length,
  sllLength,
  type TcpOption,
} from "../../src/packet/mod.ts";
import { CaptureReader } from "../../src/pcap/mod.ts";
import { decode, pattern, tcp, udp, V4, v4, V6, v6, v6Fragments, written } from "../packet/support.ts";

const temporary = mkdtempSync(join(tmpdir(), "leat-packet-"));
after(() => rmSync(temporary, { recursive: true }));

const CHECKS = ["ip", "tcp", "udp"].flatMap((name) => ["-o", `${name}.check_checksum:TRUE`]);
const PREFERENCES = [...CHECKS, "-o", "tcp.relative_sequence_numbers:FALSE", "-o", "ip.defragment:TRUE"];

/** The named fields of every frame, as tshark says them; the first of each where a frame has several. */
function fieldsOf<F extends string>(path: string, fields: readonly F[]): Record<F, string>[] {
  const asked = fields.flatMap((field) => ["-e", field]);
  const args = ["-r", path, "-n", ...PREFERENCES, "-T", "fields", "-E", "separator=|", "-E", "occurrence=f", ...asked];
  const text = execFileSync("tshark", args, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    maxBuffer: 1 << 28,
  });
  return text.split("\n").filter((line) => line !== "").map((line) => {
    const values = line.split("|");
    return Object.fromEntries(fields.map((field, i) => [field, values[i] ?? ""])) as Record<F, string>;
  });
}

/** A classic capture file, big-endian, with all packets at time 0. */
function writeCapture(name: string, linkType: number, packets: readonly Uint8Array[]): string {
  const words = (...values: number[]): Uint8Array => {
    const bytes = new Uint8Array(4 * values.length);
    values.forEach((value, i) => writeU32(bytes, 4 * i, value));
    return bytes;
  };
  const records = packets.flatMap((bytes) => [words(0, 0, bytes.length, bytes.length), bytes]);
  const path = join(temporary, `${name}.pcap`);
  writeFileSync(path, concat([words(0xa1b2c3d4, 0x00020004, 0, 0, 65535, linkType), ...records]));
  return path;
}

const CHECKSUMS = ["ip", "tcp", "udp", "icmp", "icmpv6"].map((name) => `${name}.checksum.status` as const);

/** Asserts that tshark finds every checksum good (1) and nothing malformed; returns how many checksums it looked at. */
function assertGood(path: string, count: number): number {
  const frames = fieldsOf(path, ["frame.number", "_ws.malformed", "_ws.expert.message", ...CHECKSUMS]);
  assertEquals(frames.length, count);
  let seen = 0;
  for (const frame of frames) {
    assertEquals(frame["_ws.malformed"], "", JSON.stringify(frame));
    for (const name of CHECKSUMS) {
      if (frame[name] === "") continue;
      assertEquals(frame[name], "1", `${name}: ${JSON.stringify(frame)}`);
      seen++;
    }
  }
  return seen;
}

const OPTIONS: TcpOption[][] = [
  [],
  [{ kind: "mss", size: 1460 }, { kind: "nop" }, { kind: "windowScale", shift: 14 }, { kind: "sackPermitted" }],
  [{ kind: "nop" }, { kind: "nop" }, { kind: "timestamps", value: 0xfffffff0, echo: 1 }],
  [{ kind: "nop" }, { kind: "nop" }, { kind: "sack", blocks: [{ left: 5, right: 9 }, { left: 20, right: 30 }] }],
  [{ kind: "fastOpen", cookie: fromHex("0102030405060708") }, { kind: "userTimeout", isMinutes: true, timeout: 9 }],
  [{ kind: "mptcp", data: fromHex("0181") }, { kind: "unknown", number: 253, data: fromHex("abcd0102") }],
];

const ICMP: IcmpMessage[] = [
  { kind: "echo", identifier: 1, sequence: 2, data: pattern(31) },
  { kind: "echoReply", identifier: 1, sequence: 2, data: pattern(8) },
  { kind: "destinationUnreachable", code: 4, mtu: 1280, quote: v4({ payload: udp({}, V4) }) },
  { kind: "timeExceeded", code: 0, quote: v4({ payload: udp({}, V4) }) },
  { kind: "parameterProblem", code: 0, pointer: 20, quote: v4({ payload: udp({}, V4) }) },
  { kind: "redirect", code: 1, router: parseAddress("192.0.2.254"), quote: v4({ payload: udp({}, V4) }) },
];

const ICMPV6: Icmpv6Message[] = [
  { kind: "echoRequest", identifier: 1, sequence: 2, data: pattern(31) },
  { kind: "echoReply", identifier: 1, sequence: 2, data: pattern(8) },
  { kind: "packetTooBig", mtu: 1280, quote: v6({ payload: udp({}, V6) }) },
  { kind: "destinationUnreachable", code: 4, quote: v6({ payload: udp({}, V6) }) },
  { kind: "timeExceeded", code: 1, quote: v6({ payload: udp({}, V6) }) },
  { kind: "parameterProblem", code: 1, pointer: 40, quote: v6({ payload: udp({}, V6) }) },
  { kind: "neighborSolicitation", target: V6.destination, options: fromHex("01019eced7a5bf54") },
  {
    kind: "neighborAdvertisement",
    isRouter: true,
    isSolicited: true,
    isOverride: false,
    target: V6.source,
    options: fromHex("020166a8c826de47"),
  },
];

const ROUTED = parseAddress("2001:db8:2::9");

const CHAINS: Ipv6Extension[][] = [
  [{ kind: "hopByHop", options: [{ type: 5, data: fromHex("0000") }] }],
  [{ kind: "destinationOptions", options: [{ type: 4, data: fromHex("08") }] }],
  [{ kind: "fragment", offset: 0, hasMore: false, identification: 1 }],
  [{ kind: "authentication", spi: 256, sequence: 1, icv: pattern(12) }],
  [{ kind: "hopByHop", options: [] }, { kind: "destinationOptions", options: [] }, {
    kind: "authentication",
    spi: 256,
    sequence: 1,
    icv: pattern(12),
  }],
];

/** IP datagrams with everything that can be written, by version. */
function everything(): [v4: Uint8Array[], v6: Uint8Array[]] {
  const four: Uint8Array[] = [];
  const six: Uint8Array[] = [];
  for (const length of [0, 1, 2, 1001]) {
    const payload = pattern(length);
    four.push(v4({ payload: udp({ payload }, V4), dscp: 46, ecn: 1, isDontFragment: true }));
    six.push(v6({ payload: udp({ payload }, V6), dscp: 46, ecn: 1, flowLabel: 0xabcde }));
    for (const options of OPTIONS) {
      const flags = options[0]?.kind === "mss" ? 0x02 : 0x18;
      four.push(v4({ protocol: 6, payload: tcp({ payload, options, flags }, V4) }));
      six.push(v6({ protocol: 6, payload: tcp({ payload, options, flags }, V6) }));
    }
  }
  const route = { type: 7, data: concat([Uint8Array.of(4), V4.source, new Uint8Array(4)]) };
  four.push(v4({ options: [route, { type: 1, data: new Uint8Array(0) }], payload: udp({}, V4) }));
  for (const message of ICMP) {
    four.push(v4({ protocol: 1, payload: written(icmpLength(message), (into) => encodeIcmp(message, into)) }));
  }
  for (const message of ICMPV6) {
    const payload = written(icmpv6Length(message), (into) => encodeIcmpv6(message, into, V6));
    six.push(v6({ protocol: 58, hopLimit: 255, payload }));
  }
  for (const extensions of CHAINS) six.push(v6({ extensions, payload: udp({ payload: pattern(7) }, V6) }));
  const final = { ...V6, destination: ROUTED };
  const home = concat([new Uint8Array(4), ROUTED]);
  six.push(v6({
    extensions: [{ kind: "routing", type: 2, segmentsLeft: 1, data: home }],
    payload: udp({ payload: pattern(7) }, final),
  }));
  return [four, six];
}

const [FOUR, SIX] = everything();

test("tshark finds all checksums of raw datagrams good, and none malformed", () => {
  const path = writeCapture("raw", LinkType.RAW, [...FOUR, ...SIX]);
  // one for each IPv4 header, one for each transport
  assert(assertGood(path, FOUR.length + SIX.length) >= 2 * FOUR.length + SIX.length);
});

test("tshark reads every link header that is written", () => {
  const macs = { destination: fromHex("66a8c826de47"), source: fromHex("9eced7a5bf54") };
  const tag = { protocol: 0x8100, priority: 3, isDropEligible: true, id: 100 };
  const frames: Record<string, [number, (ip: Uint8Array, version: 4 | 6) => Uint8Array]> = {};
  [[], [tag], [{ ...tag, protocol: 0x88a8 }, tag]].forEach((tags, i) => {
    frames[`ethernet${i}`] = [LinkType.ETHERNET, (payload, version) => {
      const value = { ...macs, tags, etherType: version === 4 ? 0x0800 : 0x86dd, payload };
      return written(ethernetLength(value), (into) => encodeEthernet(value, into));
    }];
  });
  const cooked = { packetType: 4, hardwareType: 1, address: macs.source, interfaceIndex: 2 };
  frames["sll"] = [LinkType.LINUX_SLL, (payload, version) => {
    const value = { ...cooked, protocol: version === 4 ? 0x0800 : 0x86dd, payload };
    return written(sllLength(value), (into) => encodeSll(value, into));
  }];
  frames["sll2"] = [LinkType.LINUX_SLL2, (payload, version) => {
    const value = { ...cooked, protocol: version === 4 ? 0x0800 : 0x86dd, payload };
    return written(sll2Length(value), (into) => encodeSll2(value, into));
  }];
  for (const isLittleEndian of [true, false]) {
    frames[isLittleEndian ? "null" : "loop"] = [isLittleEndian ? LinkType.NULL : LinkType.LOOP, (payload, version) => {
      const value = { family: version === 4 ? 2 : 24, isLittleEndian, payload };
      return written(loopbackLength(value), (into) => encodeLoopback(value, into));
    }];
  }
  for (const [name, [linkType, wrap]] of Object.entries(frames)) {
    const packets = [...FOUR.map((bytes) => wrap(bytes, 4)), ...SIX.map((bytes) => wrap(bytes, 6))];
    const path = writeCapture(name, linkType, packets);
    assert(assertGood(path, packets.length) >= 2 * FOUR.length + SIX.length, name);
    compare(path, name);
  }
});

test("tshark reads an ARP packet as it was meant", () => {
  const arp = {
    operation: 2,
    senderMac: fromHex("66a8c826de47"),
    senderAddress: V4.source,
    targetMac: fromHex("9eced7a5bf54"),
    targetAddress: V4.destination,
  };
  const payload = written(28, (into) => encodeArp(arp, into));
  const value = { destination: arp.targetMac, source: arp.senderMac, tags: [], etherType: 0x0806, payload };
  const path = writeCapture("arp", 1, [written(ethernetLength(value), (into) => encodeEthernet(value, into))]);
  const fields = [
    "arp.opcode",
    "arp.src.hw_mac",
    "arp.src.proto_ipv4",
    "arp.dst.hw_mac",
    "arp.dst.proto_ipv4",
  ] as const;
  assertEquals(Object.values(fieldsOf(path, fields)[0]!), [
    "2",
    "66:a8:c8:26:de:47",
    "192.0.2.1",
    "9e:ce:d7:a5:bf:54",
    "198.51.100.7",
  ]);
});

test("tshark puts the fragments together that are written", () => {
  const payload = pattern(3001);
  const part = udp({ payload }, V6);
  const path = writeCapture(
    "fragments",
    LinkType.RAW,
    v6Fragments(part, [[0, 1232], [1232, 2464], [2464, part.length]]),
  );
  const [, , last] = fieldsOf(path, ["udp.checksum.status", "udp.payload"]);
  assertEquals(last!["udp.checksum.status"], "1");
  assertEquals(last!["udp.payload"], toHex(payload));
});

const COMPARED = [
  "frame.number",
  "ip.src",
  "ip.dst",
  "ipv6.src",
  "ipv6.dst",
  "tcp.srcport",
  "tcp.dstport",
  "tcp.seq_raw",
  "tcp.ack_raw",
  "tcp.flags",
  "tcp.window_size_value",
  "tcp.options",
  "tcp.options.mss_val",
  "tcp.options.timestamp.tsval",
  "tcp.options.wscale.shift",
  "tcp.len",
  "udp.srcport",
  "udp.dstport",
  "udp.length",
  "icmp.type",
  "icmpv6.type",
] as const;

function segmentsOf(path: string): Segment[] {
  const packets: Packet[] = [];
  const reader = new CaptureReader({}, {
    item: (packet) => {
      packets.push(packet);
    },
    error: (error) => {
      throw error;
    },
    end: () => {},
  });
  reader.push(new Uint8Array(readFileSync(path)));
  reader.end();
  return decode(packets).segments;
}

function describe(segment: Segment): Record<string, string> {
  const source = segment.version === 4 ? "ip.src" : "ipv6.src";
  const destination = segment.version === 4 ? "ip.dst" : "ipv6.dst";
  const common = {
    "frame.number": String(segment.packet.number),
    [source]: segment.sourceAddress,
    [destination]: segment.destinationAddress,
  };
  if (segment.protocol === 17) {
    return {
      ...common,
      "udp.srcport": String(segment.sourcePort),
      "udp.dstport": String(segment.destinationPort),
      "udp.length": String(segment.wirePayloadLength + 8),
    };
  }
  const value = decodeTcp(concat([segment.header, segment.payload]));
  const said: Record<string, string> = {
    ...common,
    "tcp.srcport": String(value.sourcePort),
    "tcp.dstport": String(value.destinationPort),
    "tcp.seq_raw": String(value.sequence),
    "tcp.ack_raw": String(value.acknowledgment),
    "tcp.flags": `0x${value.flags.toString(16).padStart(4, "0")}`,
    "tcp.window_size_value": String(value.window),
    "tcp.len": String(segment.wirePayloadLength),
  };
  if (value.options.length > 0) said["tcp.options"] = toHex(segment.header.subarray(20));
  for (const option of value.options) {
    if (option.kind === "mss") said["tcp.options.mss_val"] = String(option.size);
    if (option.kind === "timestamps") said["tcp.options.timestamp.tsval"] = String(option.value);
    if (option.kind === "windowScale") said["tcp.options.wscale.shift"] = String(option.shift);
  }
  return said;
}

/** Asserts that both read the same TCP and UDP segments in the same frames; returns how many. */
function compare(path: string, name: string): number {
  const theirs = fieldsOf(path, COMPARED)
    .filter((frame) => frame["icmp.type"] === "" && frame["icmpv6.type"] === "")
    .filter((frame) => frame["tcp.srcport"] !== "" || frame["udp.srcport"] !== "")
    .map((frame) => Object.fromEntries(Object.entries(frame).filter(([, value]) => value !== "")));
  const ours = segmentsOf(path).filter(({ protocol }) => protocol === 6 || protocol === 17).map(describe);
  ours.forEach((segment, i) => assertEquals(segment, theirs[i], `${name}, segment ${i}`));
  assertEquals(ours.length, theirs.length, name);
  return ours.length;
}

const own = fileURLToPath(new URL("../packet/captures/veth.pcap", import.meta.url));
const folder = fileURLToPath(new URL("../../examples/captures/", import.meta.url));
const samples = readdirSync(folder).filter((name) => /\.pcap(ng)?$/.test(name)).map((name) => join(folder, name));

for (const path of [own, ...samples]) {
  const name = path.slice(path.lastIndexOf("/") + 1);
  test(`${name}: the same addresses, ports, numbers, flags, options and lengths as tshark`, () => {
    assert(compare(path, name) > 0);
  });
}
