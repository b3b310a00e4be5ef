/**
 * DNS over TCP behind a balancer (RFC 1035, RFC 7766). Replies may come in any order; the message's ID pairs them, and is
 * changed on shared connections, since two clients may use the same.
 *
 * @module
 */
import { readU16 } from "../../../bytes/integers.ts";
import { dns } from "../../../strparser/parsers/dns.ts";
import { type BalancedProtocol, hashBytes, type Judgement, Verdict } from "../protocol.ts";

/** From the start of the message, behind the length. */
const ID = 2;
const FLAGS = 4;
const QUESTIONS = 6;
const NAME = 14;
const QUERY = 0;
const SERVFAIL = 2;
const IXFR = 251;
const AXFR = 252;

/** What a balancer has to know of DNS. */
export function dnsProtocol(): BalancedProtocol {
  return {
    name: "dns",
    parser: dns(),
    id: { offset: ID, size: 2 },
    judge,
    isReply: (message) => isResponse(message),
    failure: servfail,
    complaint: () => undefined,
    keyHash: (message) => {
      const end = nameEnd(message);
      return end < 0 ? -1 : hashBytes(message, NAME, end);
    },
  };
}

function isResponse(message: Uint8Array): boolean {
  return (message[FLAGS]! & 0x80) !== 0;
}

/** Transfers are answered by many messages, and what is no plain query may belong to its connection (DSO). */
function judge(message: Uint8Array): Judgement {
  if (isResponse(message)) return { kind: "close" };
  const opcode = (message[FLAGS]! >> 3) & 15;
  if (opcode !== QUERY || readU16(message, QUESTIONS) !== 1) return Verdict.PIN;
  const end = nameEnd(message);
  if (end < 0 || end + 4 > message.length) return Verdict.PIN;
  const type = readU16(message, end);
  return type === AXFR || type === IXFR ? Verdict.PIN : Verdict.FORWARD_SAFE;
}

/** Where the name of the question ends; -1 where it is none. */
function nameEnd(message: Uint8Array): number {
  let at = NAME;
  while (at < message.length) {
    const length = message[at]!;
    if (length === 0) return at + 1;
    if (length > 63) return -1;
    at += 1 + length;
  }
  return -1;
}

function servfail(request: Uint8Array): Uint8Array {
  const end = nameEnd(request);
  const hasQuestion = end > 0 && end + 4 <= request.length;
  const reply = request.slice(0, hasQuestion ? end + 4 : NAME);
  const length = reply.length - 2;
  reply[0] = length >> 8;
  reply[1] = length & 0xff;
  reply[FLAGS] = (reply[FLAGS]! | 0x80) & ~0x06;
  reply[FLAGS + 1] = (reply[FLAGS + 1]! & 0x10) | SERVFAIL;
  reply.fill(0, QUESTIONS, NAME);
  if (hasQuestion) reply[QUESTIONS + 1] = 1;
  return reply;
}
