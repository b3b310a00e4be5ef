/**
 * Both ends of a flow as numbers: what tables of connections are searched by, and what secrets are worked out from.
 *
 * @module
 */
import { readU16, readU32, writeU32 } from "../../bytes/integers.ts";
import type { HalfSipHash } from "../../core/half_sip_hash.ts";
import type { IpTemplate } from "../ip_header.ts";
import type { IpPacket } from "../ip_packet.ts";
import type { FlowPath } from "../l3l4_sink.ts";

/** Words that {@linkcode TcpKey.store} takes. */
export const KEY_WORDS = 9;

/** The ends of a flow that is found by them. */
export interface KeyedEnds {
  /** Local port. */
  readonly localPort: number;
  /** Remote port. */
  readonly remotePort: number;
  /** How its IP headers look: its addresses. */
  readonly template: IpTemplate;
}

/** Addresses as 32-bit words, of which IPv4 has one, and ports. */
export class TcpKey {
  /** IP version. */
  version: 4 | 6 = 4;
  /** Local address in its first words, remote in the four from 4 on; what IPv4 doesn't need is zero. */
  readonly words: Int32Array = new Int32Array(8);
  /** Local port. */
  localPort = 0;
  /** Remote port. */
  remotePort = 0;

  /** Takes the ends of a segment that came: its destination is local. */
  readPacket({ bytes, version, sourceAt, destinationAt, payloadAt }: IpPacket): void {
    this.#readAddresses(version, bytes, destinationAt, bytes, sourceAt);
    this.remotePort = readU16(bytes, payloadAt);
    this.localPort = readU16(bytes, payloadAt + 2);
  }

  /** Takes the ends of a flow. */
  readPath({ version, localAddress, localPort, remoteAddress, remotePort }: FlowPath): void {
    this.#readAddresses(version, localAddress, 0, remoteAddress, 0);
    this.localPort = localPort;
    this.remotePort = remotePort;
  }

  #readAddresses(version: 4 | 6, local: Uint8Array, localAt: number, remote: Uint8Array, remoteAt: number): void {
    const { words } = this;
    if (version === 4) {
      if (this.version === 6) words.fill(0);
      words[0] = readU32(local, localAt);
      words[4] = readU32(remote, remoteAt);
    } else {
      for (let i = 0; i < 4; i++) {
        words[i] = readU32(local, localAt + 4 * i);
        words[4 + i] = readU32(remote, remoteAt + 4 * i);
      }
    }
    this.version = version;
  }

  /** Both ports in one word. */
  get ports(): number {
    return (this.localPort << 16) | this.remotePort;
  }

  /** Its hash, with up to two words besides. */
  hash(sip: HalfSipHash, extra0 = 0, extra1 = 0): number {
    const into = sip.words;
    const { words } = this;
    into[0] = words[0]!;
    into[1] = words[4]!;
    into[2] = this.ports;
    into[3] = extra0;
    into[4] = extra1;
    if (this.version === 4) return sip.hash(5);
    for (let i = 1; i < 4; i++) {
      into[4 + i] = words[i]!;
      into[7 + i] = words[4 + i]!;
    }
    return sip.hash(11);
  }

  /** Copies it to an array of numbers. */
  store(into: Int32Array, at: number): void {
    const { words } = this;
    into[at] = this.ports;
    for (let i = 0; i < 8; i++) into[at + 1 + i] = words[i]!;
  }

  /** Takes it back from there. */
  load(from: Int32Array, at: number, version: 4 | 6): void {
    const { words } = this;
    const ports = from[at]!;
    this.localPort = ports >>> 16;
    this.remotePort = ports & 0xffff;
    this.version = version;
    for (let i = 0; i < 8; i++) words[i] = from[at + 1 + i]!;
  }

  /** Whether the one stored there is the same; versions are not compared. */
  equals(from: Int32Array, at: number): boolean {
    const { words } = this;
    if (from[at] !== this.ports || from[at + 1] !== words[0] || from[at + 5] !== words[4]) return false;
    if (this.version === 4) return true;
    for (let i = 1; i < 4; i++) {
      if (from[at + 1 + i] !== words[i] || from[at + 5 + i] !== words[4 + i]) return false;
    }
    return true;
  }

  /** Takes the ends of a flow that is there. */
  readEnds({ template, localPort, remotePort }: KeyedEnds): void {
    const { words } = this;
    const addresses = template.words;
    const half = addresses.length >>> 1;
    if (half === 1 && this.version === 6) words.fill(0);
    for (let i = 0; i < half; i++) {
      words[i] = addresses[i]!;
      words[4 + i] = addresses[half + i]!;
    }
    this.version = half === 1 ? 4 : 6;
    this.localPort = localPort;
    this.remotePort = remotePort;
  }

  /** Whether a flow has the same ends. */
  matches(flow: KeyedEnds): boolean {
    if (flow.localPort !== this.localPort || flow.remotePort !== this.remotePort) return false;
    const { words } = this;
    const addresses = flow.template.words;
    if (addresses.length === 2) {
      return this.version === 4 && addresses[0] === words[0] && addresses[1] === words[4];
    }
    if (this.version === 4) return false;
    for (let i = 0; i < 4; i++) {
      if (addresses[i] !== words[i] || addresses[4 + i] !== words[4 + i]) return false;
    }
    return true;
  }

  /** A flow with these ends, which stays what it is. */
  toPath(): FlowPath {
    const { version, localPort, remotePort } = this;
    return { version, localAddress: this.#address(0), localPort, remoteAddress: this.#address(4), remotePort };
  }

  #address(from: number): Uint8Array {
    const bytes = new Uint8Array(this.version === 4 ? 4 : 16);
    for (let i = 0; 4 * i < bytes.length; i++) writeU32(bytes, 4 * i, this.words[from + i]!);
    return bytes;
  }

  /**
   * Whether no TCP may run between these ends (RFC 9293 MUST-57 and MUST-63, RFC 1122 section 3.2.1.3): a port of 0, a
   * remote address that is not one host's, or a local one that is many hosts'.
   */
  get isUnsuitable(): boolean {
    if (this.localPort === 0 || this.remotePort === 0) return true;
    const { words } = this;
    if (this.version === 4) return isUnsuitableV4(words[4]!) || words[4]! >>> 24 === 127 || isUnsuitableV4(words[0]!);
    return isUnsuitableV6(words, 0) || isUnsuitableV6(words, 4);
  }
}

/** 0.0.0.0/8, 224.0.0.0/4, 255.255.255.255. */
function isUnsuitableV4(address: number): boolean {
  const first = address >>> 24;
  return first === 0 || (first >= 224 && first < 240) || address === -1;
}

/** The unspecified address and ff00::/8. */
function isUnsuitableV6(words: Int32Array, at: number): boolean {
  if (words[at]! >>> 24 === 0xff) return true;
  return words[at] === 0 && words[at + 1] === 0 && words[at + 2] === 0 && words[at + 3] === 0;
}
