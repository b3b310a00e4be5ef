/**
 * What a balancer has to know of a protocol beyond where its messages end: which requests may be handed to any backend
 * over a connection that is shared with other clients, and what to tell a client whose request came to nothing.
 *
 * Contracts only.
 *
 * @module
 */
import type { LeatError } from "../../core/errors.ts";
import type { Parser } from "../../strparser/parser.ts";

/** What is to be done with a request. */
export const Verdict = {
  /** Goes to a backend, one reply comes back. */
  FORWARD: 0,
  /** The same, and it may be carried out twice without harm: it reads only. */
  FORWARD_SAFE: 1,
  /** Is no request, gets no reply and is dropped, as the server would do. */
  DROP: 2,
  /** Needs a connection of its own: from here on this client has one to a single backend. */
  PIN: 3,
} as const;

/** The balancer answers itself, or the request is changed before it goes on. */
export type Reaction =
  | { readonly kind: "answer"; readonly reply: Uint8Array; readonly closes: boolean; readonly isRefusal: boolean }
  | { readonly kind: "close" }
  | { readonly kind: "silent"; readonly message: Uint8Array };

/** One of {@linkcode Verdict}, or a {@linkcode Reaction}. `silent`: `message` goes on in its place, its reply to nobody. */
export type Judgement = number | Reaction;

/** A number in each message that pairs a reply with its request: where it is, and its size. */
export interface MessageId {
  /** Offset from the start of the message. */
  readonly offset: number;
  /** Bytes, big-endian. */
  readonly size: 2 | 4;
}

/** Why a request came to nothing. */
export type Misfortune = "lost" | "unavailable" | "timeout" | "overload";

/** One protocol, as far as balancing goes. */
export interface BalancedProtocol {
  /** Its name. */
  readonly name: string;
  /** Delineates both directions. */
  readonly parser: Parser;
  /**
   * How replies pair with requests on one connection: by the order of requests where it is `undefined`.
   */
  readonly id?: MessageId | undefined;
  /** Judges a request. */
  judge(message: Uint8Array): Judgement;
  /** Whether what a backend sent is a reply to a request: `false` for what it says unasked, which is dropped. */
  isReply(message: Uint8Array): boolean;
  /** The reply that tells a client that its request failed; `undefined` where the protocol has none: it is closed. */
  failure(request: Uint8Array, why: Misfortune): Uint8Array | undefined;
  /** What a client is told whose bytes are not the protocol, before it is closed. */
  complaint(error: LeatError): Uint8Array | undefined;
  /** A hash of what the request is about, for affinity; -1 where it is about nothing in particular. */
  keyHash(message: Uint8Array): number;
}

/** What went wrong, in words for a client. */
export const MISFORTUNES: Readonly<Record<Misfortune, string>> = {
  lost: "the backend was lost before it answered, the request may have been carried out",
  unavailable: "no backend is available",
  timeout: "the backend did not answer in time, the request may have been carried out",
  overload: "too many requests wait",
};

const PRIME = 0x01000193;

/** FNV-1a over a part of an array, then mixed; never negative. */
export function hashBytes(bytes: Uint8Array, from: number, to: number): number {
  let hash = 0x811c9dc5;
  for (let i = from; i < to; i++) hash = Math.imul(hash ^ bytes[i]!, PRIME);
  return mix(hash);
}

/** Spreads a number over 31 bits (the finalizer of MurmurHash3). */
export function mix(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 1;
}

/** ASCII text as bytes. */
export function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}
