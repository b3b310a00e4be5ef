/** Frames by hand, and ports in time that the test decides. */
import { EthernetPort, type EthernetSink } from "../../../src/l3l4/ethernet/ethernet_port.ts";
import type { EthernetPortOptions } from "../../../src/l3l4/ethernet/ethernet_settings.ts";
import type { PacketOut } from "../../../src/l3l4/packet_out.ts";
import { parseAddress } from "../../../src/packet/address.ts";
import { arpLength, type ArpPacket, decodeArp, encodeArp } from "../../../src/packet/arp.ts";
import { decodeEthernet, encodeEthernet, ethernetLength, type VlanTag } from "../../../src/packet/ethernet.ts";
import { EtherType } from "../../../src/packet/ethernet_types.ts";
import { encodeIcmpv6, icmpv6Length, type Icmpv6Message } from "../../../src/packet/icmpv6.ts";
import { SeededRandom } from "../../../src/sim/seeded_random.ts";

export const mac = (text: string): Uint8Array => Uint8Array.from(text.split(":"), (part) => parseInt(part, 16));

export const A: Uint8Array = mac("02:00:00:00:00:0a");
export const B: Uint8Array = mac("02:00:00:00:00:0b");
export const C: Uint8Array = mac("02:00:00:00:00:0c");
export const ALL: Uint8Array = mac("ff:ff:ff:ff:ff:ff");
export const ip: (text: string) => Uint8Array = parseAddress;

/** Gathers what is sent, copied; takes up to `room` packets. */
export class Gather implements PacketOut {
  frames: Uint8Array[] = [];
  room: number = Infinity;
  #last: Uint8Array = new Uint8Array(0);

  alloc(size: number): Uint8Array | null {
    if (this.frames.length >= this.room) return null;
    // what is not written must not go out as it happens to be
    this.#last = new Uint8Array(size + 8).fill(0xee);
    return this.#last;
  }

  commit(length: number): void {
    this.frames.push(this.#last.slice(0, length));
  }

  take(): Uint8Array[] {
    const frames = this.frames;
    this.frames = [];
    return frames;
  }
}

/** A port and all that comes out of it. */
export class Station {
  readonly port: EthernetPort;
  readonly out: Gather = new Gather();
  readonly packets: Uint8Array[] = [];
  readonly conflicts: { address: Uint8Array; mac: Uint8Array; isLost: boolean }[] = [];
  now = 0;

  constructor(options: Partial<EthernetPortOptions> = {}, sink: Partial<EthernetSink> = {}) {
    const random = new SeededRandom(1);
    this.port = new EthernetPort({ mac: A, random: random.fill, claim: "none", ...options }, {
      packet: (bytes) => void this.packets.push(bytes.slice()),
      conflict: (address, mac, isLost) => void this.conflicts.push({ address, mac, isLost }),
      ...sink,
    });
  }

  /** Takes a frame, and returns what is sent for it. */
  push(frame: Uint8Array): Uint8Array[] {
    this.port.push(frame, this.now);
    return this.sent();
  }

  /** Sends an IP packet. */
  send(packet: Uint8Array): Uint8Array[] {
    const framed = this.port.over(this.out, this.now);
    const into = framed.alloc(packet.length);
    if (into !== null) {
      into.set(packet);
      framed.commit(packet.length);
    }
    return this.sent();
  }

  sent(): Uint8Array[] {
    this.port.transmit(this.out, this.now);
    return this.out.take();
  }

  /** Lets time pass up to `at`, timer by timer, and returns what was sent with when. */
  until(at: number): { at: number; frame: Uint8Array }[] {
    const all: { at: number; frame: Uint8Array }[] = [];
    for (let due = this.port.timeoutAt(); due <= at; due = this.port.timeoutAt()) {
      this.now = Math.max(this.now, due);
      this.port.onTimeout(this.now);
      all.push(...this.sent().map((frame) => ({ at: this.now, frame })));
    }
    this.now = at;
    return all;
  }
}

export function frame(
  destination: Uint8Array,
  source: Uint8Array,
  etherType: number,
  payload: Uint8Array,
  tags: readonly VlanTag[] = [],
): Uint8Array {
  const value = { destination, source, tags, etherType, payload };
  const bytes = new Uint8Array(ethernetLength(value));
  encodeEthernet(value, bytes);
  return bytes;
}

export function arp(
  operation: 1 | 2,
  sender: readonly [mac: Uint8Array, address: string],
  target: readonly [mac: Uint8Array, address: string],
  destination: Uint8Array = operation === 1 ? ALL : target[0],
): Uint8Array {
  const packet: ArpPacket = {
    operation,
    senderMac: sender[0],
    senderAddress: ip(sender[1]),
    targetMac: target[0],
    targetAddress: ip(target[1]),
  };
  const payload = new Uint8Array(arpLength(packet));
  encodeArp(packet, payload);
  return frame(destination, sender[0], EtherType.ARP, payload);
}

export const NO_MAC: Uint8Array = new Uint8Array(6);

/** What an ARP frame says, in short. */
export function arpText(bytes: Uint8Array): string {
  const { destination, etherType, payload } = decodeEthernet(bytes);
  if (etherType !== EtherType.ARP) return `type ${etherType}`;
  const { operation, senderMac, senderAddress, targetMac, targetAddress } = decodeArp(payload);
  const who = (
    one: Uint8Array,
  ): string => (one.every((byte) => byte === 0)
    ? "-"
    : one.every((byte) => byte === 0xff)
    ? "all"
    : `..${one[5]!.toString(16).padStart(2, "0")}`);
  return `${who(destination)}: ${operation === 1 ? "who has" : "reply to"} ${targetAddress.join(".")} (${
    who(targetMac)
  }) from ${senderAddress.join(".")} (${who(senderMac)})`;
}

export function ipv4(
  source: string,
  destination: string,
  payload: Uint8Array = new Uint8Array(8),
  protocol = 17,
): Uint8Array {
  const bytes = new Uint8Array(20 + payload.length);
  bytes[0] = 0x45;
  bytes[3] = bytes.length;
  bytes[8] = 64;
  bytes[9] = protocol;
  bytes.set(ip(source), 12);
  bytes.set(ip(destination), 16);
  bytes.set(payload, 20);
  return bytes;
}

export function ipv6(
  source: string,
  destination: string,
  payload: Uint8Array = new Uint8Array(8),
  protocol = 17,
): Uint8Array {
  const bytes = new Uint8Array(40 + payload.length);
  bytes[0] = 0x60;
  bytes[5] = payload.length;
  bytes[6] = protocol;
  bytes[7] = 255;
  bytes.set(ip(source), 8);
  bytes.set(ip(destination), 24);
  bytes.set(payload, 40);
  return bytes;
}

/** A packet with an ICMPv6 message. */
export function icmpv6(source: string, destination: string, message: Icmpv6Message): Uint8Array {
  const payload = new Uint8Array(icmpv6Length(message));
  encodeIcmpv6(message, payload, { source: ip(source), destination: ip(destination) });
  return ipv6(source, destination, payload, 58);
}

/** An option of RFC 4861 with a MAC address. */
export const option = (type: 1 | 2, address: Uint8Array): Uint8Array => Uint8Array.of(type, 1, ...address);
