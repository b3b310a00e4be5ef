/**
 * The extension headers of IPv6 as the destination judges them (RFC 8200 section 4).
 *
 * No option that must not be passed over is known here, no route is followed (RFC 5095), and what is authenticated or
 * encrypted (RFC 4302, RFC 4303) is a protocol that nobody knows.
 *
 * @module
 */
import { readU16, writeU16 } from "../bytes/integers.ts";
import { Ipv6Header, Ipv6OptionType } from "../packet/ipv6_numbers.ts";
import type { SkipReason } from "../packet/skip_reasons.ts";

/** Codes of ICMPv6's parameter problem (RFC 4443 section 3.4, RFC 7112). */
export const ParameterProblemCode = {
  /** A field is wrong. */
  FIELD: 0,
  /** The next header is unknown. */
  NEXT_HEADER: 1,
  /** An option is unknown. */
  OPTION: 2,
  /** The first fragment does not hold all headers. */
  FIRST_FRAGMENT: 3,
} as const;

/** What is wrong with a packet, for ICMPv6's parameter problem. */
export interface IpProblem {
  /** One of {@linkcode ParameterProblemCode}; -1 when the sender is not told. */
  code: number;
  /** Offset of the byte at fault. */
  pointer: number;
}

/** Walks along the headers of one packet after another. */
export class ExtensionHeaders {
  /** Number of what lies at `offset`. */
  protocol = 0;
  /** Where what follows the headers starts. */
  offset = 0;
  /** Where the byte lies that names `protocol`. */
  nextAt = 0;
  /** Where the Fragment header of a fragment lies, -1 when it is none. */
  fragmentAt = -1;
  /** What the sender is to be told. */
  readonly problem: IpProblem = { code: -1, pointer: 0 };

  /**
   * Walks from the fixed header of the packet, which ends at `end`, to a transport's header or that of a fragment. Returns
   * why the packet must be dropped, or `null`.
   */
  run(bytes: Uint8Array, end: number): SkipReason | null {
    this.protocol = bytes[6]!;
    this.nextAt = 6;
    this.offset = 40;
    this.fragmentAt = -1;
    this.problem.code = -1;
    const fault = this.#walk(bytes, end);
    if (fault !== null || this.fragmentAt < 0) return fault;
    return this.#isFirst(bytes) ? this.#walkFirst(bytes, end) : null;
  }

  /** Says what the sender of a fragment is told that the table of fragments refused (RFC 8200 section 4.5). */
  judgeFragment(reason: SkipReason, length: number, fragmentAt: number): void {
    if (reason === "badFragmentLength" && length > 0) this.#blame(ParameterProblemCode.FIELD, 4);
    else if (reason === "fragmentBeyondLimit") this.#blame(ParameterProblemCode.FIELD, fragmentAt + 2);
  }

  /** The first fragment of a datagram as it came, of what the table of fragments kept of it. */
  refragmented(head: Uint8Array, data: Uint8Array, key: string): Uint8Array {
    const fragment = new Uint8Array(head.length + 8 + data.length);
    fragment.set(head);
    fragment.set(data, head.length + 8);
    let nextAt = 6;
    for (let at = 40; at < head.length; at += (head[at + 1]! + 1) * 8) nextAt = at;
    fragment[head.length] = head[nextAt]!;
    fragment[nextAt] = Ipv6Header.FRAGMENT;
    fragment[head.length + 3] = 1;
    for (let i = 0; i < 4; i++) fragment[head.length + 4 + i] = key.charCodeAt(key.length - 4 + i);
    writeU16(fragment, 4, fragment.length - 40);
    return fragment;
  }

  #isFirst(bytes: Uint8Array): boolean {
    return (readU16(bytes, this.fragmentAt + 2) & 0xfff8) === 0;
  }

  /** RFC 7112: the first fragment must hold all headers; where the Fragment header lies is kept. */
  #walkFirst(bytes: Uint8Array, end: number): SkipReason | null {
    const { fragmentAt, nextAt } = this;
    this.protocol = bytes[fragmentAt]!;
    this.nextAt = fragmentAt;
    this.offset = fragmentAt + 8;
    const fault = this.#walk(bytes, end);
    const isNested = this.fragmentAt !== fragmentAt;
    this.fragmentAt = fragmentAt;
    this.nextAt = nextAt;
    if (isNested) return "nestedFragment";
    // what else is wrong is judged when the datagram is whole
    if (fault === "cutHeader") this.#blame(ParameterProblemCode.FIRST_FRAGMENT, 0);
    else this.problem.code = -1;
    return fault === "cutHeader" ? fault : null;
  }

  #walk(bytes: Uint8Array, end: number): SkipReason | null {
    while (isExtension(this.protocol)) {
      const at = this.offset;
      if (this.protocol === Ipv6Header.HOP_BY_HOP && at !== 40) {
        this.#blame(ParameterProblemCode.NEXT_HEADER, this.nextAt);
        return "badExtensionHeader";
      }
      if (at + 8 > end) return "cutHeader";
      const length = this.protocol === Ipv6Header.FRAGMENT ? 8 : (bytes[at + 1]! + 1) * 8;
      if (at + length > end) return "cutHeader";
      const fault = this.#enter(bytes, at, length);
      if (fault !== null) return fault;
      if (this.fragmentAt === at) return null;
      this.protocol = bytes[at]!;
      this.nextAt = at;
      this.offset = at + length;
    }
    return this.protocol === Ipv6Header.NO_NEXT ? "noNextHeader" : null;
  }

  #enter(bytes: Uint8Array, at: number, length: number): SkipReason | null {
    switch (this.protocol) {
      case Ipv6Header.HOP_BY_HOP:
      case Ipv6Header.DESTINATION_OPTIONS:
        return this.#judgeOptions(bytes, at + 2, at + length);
      case Ipv6Header.ROUTING:
        // RFC 8200 section 4.4: of any type, with no segments left it says nothing any more
        if (bytes[at + 3] === 0) return null;
        this.#blame(ParameterProblemCode.FIELD, at + 2);
        return "sourceRouted";
      default:
        // neither offset nor more: an atomic fragment, whole by itself (RFC 6946)
        if ((readU16(bytes, at + 2) & 0xfff9) !== 0) this.fragmentAt = at;
        return null;
    }
  }

  /** RFC 8200 section 4.2. */
  #judgeOptions(bytes: Uint8Array, start: number, end: number): SkipReason | null {
    for (let at = start; at < end;) {
      const type = bytes[at]!;
      if (type === Ipv6OptionType.PAD1) {
        at++;
        continue;
      }
      const next = at + 2 + (at + 1 < end ? bytes[at + 1]! : 0xff);
      if (next > end) return "badExtensionHeader";
      // the two highest bits: 00 pass over, 01 drop, 10 and 11 drop and tell; the latter differ in what many get
      if (type >= 0x80) this.#blame(ParameterProblemCode.OPTION, at);
      if (type >= 0x40) return "unknownIpv6Option";
      at = next;
    }
    return null;
  }

  #blame(code: number, pointer: number): void {
    this.problem.code = code;
    this.problem.pointer = pointer;
  }
}

/** Whether it is a header that another one follows. */
export function isExtension(protocol: number): boolean {
  return protocol === Ipv6Header.HOP_BY_HOP || protocol === Ipv6Header.DESTINATION_OPTIONS ||
    protocol === Ipv6Header.ROUTING || protocol === Ipv6Header.FRAGMENT;
}
