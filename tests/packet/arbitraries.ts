/** Values of every protocol of the packet layer, for property tests: whatever can be made. */
import fc from "fast-check";
import type {
  ArpPacket,
  EthernetFrame,
  IcmpMessage,
  Icmpv6Message,
  IpAddresses,
  Ipv4Datagram,
  Ipv4Option,
  Ipv6Datagram,
  Ipv6Extension,
  Ipv6Option,
  LoopbackPacket,
  Sll2Packet,
  SllPacket,
  TcpOption,
  TcpSegment,
  UdpDatagram,
  VlanTag,
} from "../../src/packet/mod.ts";

const u8 = fc.nat(0xff);
const u16 = fc.nat(0xffff);
const u32 = fc.oneof(fc.nat(0xffffffff), fc.constantFrom(0, 0x7fffffff, 0x80000000, 0xffffffff));

export function bytes(minLength: number, maxLength: number = minLength): fc.Arbitrary<Uint8Array> {
  return fc.uint8Array({ minLength, maxLength }).map((array) => new Uint8Array(array));
}

/** Lengths up to `max` that are odd as often as even, or a multiple of `unit` plus `rest`. */
function stepped(max: number, unit: number, rest: number): fc.Arbitrary<Uint8Array> {
  return fc.nat(max).chain((count) => bytes(count * unit + rest));
}

const payload = bytes(0, 65);

export const addresses: fc.Arbitrary<IpAddresses> = fc.constantFrom(4, 16)
  .chain((length) => fc.record({ source: bytes(length), destination: bytes(length) }));

const tag: fc.Arbitrary<VlanTag> = fc.record({
  protocol: fc.constantFrom(0x8100, 0x88a8, 0x9100),
  priority: fc.nat(7),
  isDropEligible: fc.boolean(),
  id: fc.nat(0xfff),
});

export const ethernet: fc.Arbitrary<EthernetFrame> = fc.record({
  destination: bytes(6),
  source: bytes(6),
  tags: fc.array(tag, { maxLength: 3 }),
  etherType: fc.integer({ min: 1501, max: 0xffff }).filter((type) => ![0x8100, 0x88a8, 0x9100].includes(type)),
  payload,
});

export const arp: fc.Arbitrary<ArpPacket> = fc.record({
  operation: u16,
  senderMac: bytes(6),
  senderAddress: bytes(4),
  targetMac: bytes(6),
  targetAddress: bytes(4),
});

const cooked = { packetType: u8, hardwareType: u16, address: bytes(0, 8), protocol: u16, payload };
export const sll: fc.Arbitrary<SllPacket> = fc.record({ ...cooked, packetType: u16 });
export const sll2: fc.Arbitrary<Sll2Packet> = fc.record({ ...cooked, interfaceIndex: u32 });

export const loopback: fc.Arbitrary<LoopbackPacket> = fc.record({
  family: fc.integer({ min: 1, max: 255 }),
  isLittleEndian: fc.boolean(),
  payload,
});

const ipv4Option: fc.Arbitrary<Ipv4Option> = fc.oneof(
  fc.constant({ type: 1, data: new Uint8Array(0) }),
  fc.record({ type: fc.integer({ min: 2, max: 255 }), data: bytes(0, 6) }),
);

export const ipv4: fc.Arbitrary<Ipv4Datagram> = fc.record({
  dscp: fc.nat(63),
  ecn: fc.nat(3),
  identification: u16,
  isDontFragment: fc.boolean(),
  hasMoreFragments: fc.boolean(),
  fragmentOffset: fc.nat(0x1fff).map((units) => units * 8),
  ttl: u8,
  protocol: u8,
  source: bytes(4),
  destination: bytes(4),
  options: fc.array(ipv4Option, { maxLength: 5 }),
  payload,
});

const ipv6Option: fc.Arbitrary<Ipv6Option> = fc.record({ type: fc.integer({ min: 2, max: 255 }), data: bytes(0, 20) });
const ipv6Options = fc.array(ipv6Option, { maxLength: 4 });

const middle: fc.Arbitrary<Ipv6Extension> = fc.oneof(
  fc.record({ kind: fc.constant("destinationOptions" as const), options: ipv6Options }),
  fc.record({ kind: fc.constant("routing" as const), type: u8, segmentsLeft: u8, data: stepped(4, 8, 4) }),
  fc.record({
    kind: fc.constant("fragment" as const),
    offset: fc.constant(0),
    hasMore: fc.boolean(),
    identification: u32,
  }),
  fc.record({ kind: fc.constant("authentication" as const), spi: u32, sequence: u32, icv: stepped(3, 8, 4) }),
);
const later: fc.Arbitrary<Ipv6Extension> = fc.record({
  kind: fc.constant("fragment" as const),
  offset: fc.integer({ min: 1, max: 0x1fff }).map((units) => units * 8),
  hasMore: fc.boolean(),
  identification: u32,
});
const hopByHop: fc.Arbitrary<Ipv6Extension> = fc.record({
  kind: fc.constant("hopByHop" as const),
  options: ipv6Options,
});

const extensions: fc.Arbitrary<Ipv6Extension[]> = fc.tuple(
  fc.array(hopByHop, { maxLength: 1 }),
  fc.array(middle, { maxLength: 4 }),
  fc.array(later, { maxLength: 1 }),
).map((parts) => parts.flat());

export const ipv6: fc.Arbitrary<Ipv6Datagram> = fc.record({
  dscp: fc.nat(63),
  ecn: fc.nat(3),
  flowLabel: fc.nat(0xfffff),
  hopLimit: u8,
  source: bytes(16),
  destination: bytes(16),
  extensions,
  protocol: u8.filter((protocol) => ![0, 43, 44, 51, 60].includes(protocol)),
  payload,
});

export const udp: fc.Arbitrary<UdpDatagram> = fc.record({ sourcePort: u16, destinationPort: u16, payload });

const sackBlock = fc.record({ left: u32, right: u32 });

const cookie = fc.constantFrom(0, 4, 6, 8, 10, 12, 14, 16).chain((length) => bytes(length, length));

const tcpOption: fc.Arbitrary<TcpOption> = fc.oneof(
  fc.constant({ kind: "nop" as const }),
  fc.record({ kind: fc.constant("mss" as const), size: u16 }),
  fc.record({ kind: fc.constant("windowScale" as const), shift: fc.nat(14) }),
  fc.constant({ kind: "sackPermitted" as const }),
  fc.record({ kind: fc.constant("sack" as const), blocks: fc.array(sackBlock, { minLength: 1, maxLength: 4 }) }),
  fc.record({ kind: fc.constant("timestamps" as const), value: u32, echo: u32 }),
  fc.record({ kind: fc.constant("userTimeout" as const), isMinutes: fc.boolean(), timeout: fc.nat(0x7fff) }),
  fc.record({ kind: fc.constant("fastOpen" as const), cookie }),
  fc.record({ kind: fc.constant("mptcp" as const), data: bytes(0, 20) }),
  fc.record({
    kind: fc.constant("unknown" as const),
    number: u8.filter((number) => ![0, 1, 2, 3, 4, 5, 8, 28, 30, 34].includes(number)),
    data: bytes(0, 8),
  }),
);

/** Options that fit: taken one by one while there is room. */
export const tcpOptions: fc.Arbitrary<TcpOption[]> = fc.array(tcpOption, { maxLength: 8 }).map((options) => {
  const fitting: TcpOption[] = [];
  let length = 0;
  for (const option of options) {
    const size = optionSize(option);
    if (length + size > 40) continue;
    length += size;
    fitting.push(option);
  }
  return fitting;
});

function optionSize(option: TcpOption): number {
  if (option.kind === "nop") return 1;
  if (option.kind === "sack") return 2 + 8 * option.blocks.length;
  if (option.kind === "fastOpen") return 2 + option.cookie.length;
  if ("data" in option) return 2 + option.data.length;
  return { mss: 4, windowScale: 3, sackPermitted: 2, timestamps: 10, userTimeout: 4 }[option.kind];
}

export const tcp: fc.Arbitrary<TcpSegment> = fc.record({
  sourcePort: u16,
  destinationPort: u16,
  sequence: u32,
  acknowledgment: u32,
  flags: fc.nat(0x1ff),
  window: u16,
  urgentPointer: u16,
  options: tcpOptions,
  payload,
});

const echo = { identifier: u16, sequence: u16, data: payload };

export const icmp: fc.Arbitrary<IcmpMessage> = fc.oneof(
  fc.record({ kind: fc.constantFrom("echo" as const, "echoReply" as const), ...echo }),
  fc.record({ kind: fc.constant("destinationUnreachable" as const), code: u8, mtu: u16, quote: payload }),
  fc.record({ kind: fc.constant("redirect" as const), code: u8, router: bytes(4), quote: payload }),
  fc.record({ kind: fc.constant("timeExceeded" as const), code: u8, quote: payload }),
  fc.record({ kind: fc.constant("parameterProblem" as const), code: u8, pointer: u8, quote: payload }),
  fc.record({
    kind: fc.constant("unknown" as const),
    type: u8.filter((type) => ![0, 3, 5, 8, 11, 12].includes(type)),
    code: u8,
    word: u32,
    data: payload,
  }),
);

export const icmpv6: fc.Arbitrary<Icmpv6Message> = fc.oneof(
  fc.record({ kind: fc.constantFrom("echoRequest" as const, "echoReply" as const), ...echo }),
  fc.record({
    kind: fc.constantFrom("destinationUnreachable" as const, "timeExceeded" as const),
    code: u8,
    quote: payload,
  }),
  fc.record({ kind: fc.constant("packetTooBig" as const), mtu: u32, quote: payload }),
  fc.record({ kind: fc.constant("parameterProblem" as const), code: u8, pointer: u32, quote: payload }),
  fc.record({ kind: fc.constant("neighborSolicitation" as const), target: bytes(16), options: payload }),
  fc.record({
    kind: fc.constant("neighborAdvertisement" as const),
    isRouter: fc.boolean(),
    isSolicited: fc.boolean(),
    isOverride: fc.boolean(),
    target: bytes(16),
    options: payload,
  }),
  fc.record({
    kind: fc.constant("unknown" as const),
    type: u8.filter((type) => ![1, 2, 3, 4, 128, 129, 135, 136].includes(type)),
    code: u8,
    word: u32,
    data: payload,
  }),
);
