/**
 * Protocols of which nothing is known but where their messages end: one reply for each request, in order, or by a number
 * in the message. There is no way to tell such a client that its request failed but closing its connection.
 *
 * @module
 */
import type { Parser } from "../../../strparser/parser.ts";
import { type BalancedProtocol, hashBytes, type MessageId, Verdict } from "../protocol.ts";

/** Options of {@linkcode plainProtocol}. */
export interface PlainOptions {
  /** Where the number is that pairs a reply with its request. */
  readonly id?: MessageId | undefined;
  /** Whether any request may be carried out twice. */
  readonly isIdempotent?: boolean | undefined;
}

/** Request and reply, nothing else. Affinity goes by the whole message, without its id. */
export function plainProtocol(parser: Parser, options: PlainOptions = {}): BalancedProtocol {
  const { id, isIdempotent = false } = options;
  const shortest = id === undefined ? 0 : id.offset + id.size;
  return {
    name: parser.name,
    parser,
    id,
    judge: (message) => {
      if (message.length < shortest) return { kind: "close" };
      return isIdempotent ? Verdict.FORWARD_SAFE : Verdict.FORWARD;
    },
    isReply: (message) => message.length >= shortest,
    failure: () => undefined,
    complaint: () => undefined,
    keyHash: (message) => hashBytes(message, shortest, message.length),
  };
}
