/**
 * What errors of ICMP mean to a flow (RFC 1122 sections 3.2.2 and 4.2.3.9, RFC 1812 section 5.2.7.1, RFC 4443 section 3,
 * RFC 5461).
 *
 * @module
 */
import { IcmpType } from "../packet/icmp.ts";
import { Icmpv6Type } from "../packet/icmpv6.ts";
import { ParameterProblemCode } from "./extension_headers.ts";

/** A kind of error. */
export interface IcmpMeaning {
  /** errno name. */
  readonly code: string;
  /** Whether trying again is of no use. */
  readonly isHard: boolean;
  /** In words. */
  readonly text: string;
}

const soft = (code: string, text: string): IcmpMeaning => ({ code, isHard: false, text });
const hard = (code: string, text: string): IcmpMeaning => ({ code, isHard: true, text });

const NETWORK = soft("ENETUNREACH", "the network cannot be reached");
const HOST = soft("EHOSTUNREACH", "the host cannot be reached");
const PROHIBITED = hard("ECONNREFUSED", "a router says that it is forbidden");
const PROTOCOL = hard("ECONNREFUSED", "the host does not know the protocol");
const PORT = hard("ECONNREFUSED", "the port cannot be reached");
const TOO_BIG = soft("EMSGSIZE", "a packet was too big for the path");
const TIME = soft("EHOSTUNREACH", "a packet's time was exceeded");
const PROBLEM = soft("EPROTO", "a host or router did not understand a header");

/** By code of destination unreachable. */
const UNREACHABLE: readonly IcmpMeaning[] = [
  NETWORK,
  HOST,
  PROTOCOL,
  PORT,
  TOO_BIG,
  soft("EHOSTUNREACH", "the source route failed"),
  NETWORK,
  HOST,
  HOST,
  PROHIBITED,
  PROHIBITED,
  NETWORK,
  HOST,
  PROHIBITED,
  HOST,
  HOST,
];

/** The same of ICMPv6. */
const UNREACHABLE_V6: readonly IcmpMeaning[] = [NETWORK, PROHIBITED, HOST, HOST, PORT, PROHIBITED, PROHIBITED];

/** What the message says of a flow; `null` when it is no error, or one that is to be ignored (RFC 6633, redirects). */
export function icmpMeaning(version: 4 | 6, type: number, code: number): IcmpMeaning | null {
  if (version === 4) {
    if (type === IcmpType.DESTINATION_UNREACHABLE) return UNREACHABLE[code] ?? HOST;
    if (type === IcmpType.TIME_EXCEEDED) return TIME;
    return type === IcmpType.PARAMETER_PROBLEM ? PROBLEM : null;
  }
  if (type === Icmpv6Type.DESTINATION_UNREACHABLE) return UNREACHABLE_V6[code] ?? HOST;
  if (type === Icmpv6Type.PACKET_TOO_BIG) return TOO_BIG;
  if (type === Icmpv6Type.TIME_EXCEEDED) return TIME;
  if (type !== Icmpv6Type.PARAMETER_PROBLEM) return null;
  return code === ParameterProblemCode.NEXT_HEADER ? PROTOCOL : PROBLEM;
}

/** Whether the ICMP message is an error, about which no other may be sent (RFC 1122 section 3.2.2, RFC 4443 section 2.4 e). */
export function isIcmpError(version: 4 | 6, type: number): boolean {
  if (version === 6) return type < 0x80 || type === REDIRECT_V6;
  return type === IcmpType.DESTINATION_UNREACHABLE || type === SOURCE_QUENCH || type === IcmpType.REDIRECT ||
    type === IcmpType.TIME_EXCEEDED || type === IcmpType.PARAMETER_PROBLEM;
}

/** RFC 792, given up by RFC 6633. */
const SOURCE_QUENCH = 4;

/** RFC 4861: no error, but RFC 4443 names it. */
const REDIRECT_V6 = 137;
