/**
 * The error of the socket layer: one class for every runtime, with one set of codes.
 *
 * Follows the WinterTC Sockets API (a `TypeError` whose message begins with `SocketError: `) and is a
 * {@linkcode LeatError} all the same: `instanceof` answers yes to both.
 *
 * @module
 */
import type { Blame } from "../core/errors.ts";
import type { TsocketAddress } from "./types.ts";

/** What a {@linkcode SocketError} is made of. */
export interface SocketErrorOptions {
  /** errno name (`ECONNRESET`), or `EOF` for a peer that ended in order, `EUNEXPECTEDEOF` for one that ended too soon. */
  code: string;
  /**
   * Whose doing it was.
   *
   * @default {"local"} for what this program asked wrongly or closed itself, else `"remote"`, by the code
   */
  blame?: Blame;
  /** Operation that failed: `connect`, `readv`, `writev`, `accept`. */
  syscall?: string;
  /** Address that it concerned. */
  address?: TsocketAddress;
  /** Bytes that had been transferred: filled of a read, accepted of a write. */
  bytesTransferred?: number;
  /** Byte offset in what was parsed, for addresses. */
  offset?: number;
  /** The runtime's own error. */
  cause?: unknown;
}

/** Codes that say what a peer or the network did; all others are this program's own doing. */
const REMOTE_CODES: ReadonlySet<string> = new Set([
  "EOF",
  "EUNEXPECTEDEOF",
  "ECONNRESET",
  "ECONNREFUSED",
  "EPIPE",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EPROTO",
  "ETIMEDOUT",
]);

const PREFIX = "SocketError: ";

/**
 * What went wrong with a socket. The codes are the same on every runtime.
 *
 * @example
 * ```ts
 * import { assert, assertEquals } from "@std/assert";
 * import { LeatError } from "@leat/streams/stream";
 * import { SocketError } from "@leat/streams/tsocket";
 *
 * const error = new SocketError("the peer reset the connection", { code: "ECONNRESET", syscall: "readv" });
 * assertEquals(String(error), "SocketError: the peer reset the connection");
 * assertEquals([error.code, error.blame, error.layer], ["ECONNRESET", "remote", "tsocket"]);
 * assert(error instanceof TypeError);
 * assert(error instanceof LeatError);
 * ```
 */
export class SocketError extends TypeError {
  /** Name of the class, as `Error.prototype.name`. */
  override readonly name: string = "SocketError";
  /** Stable code for programs: an errno name, `EOF` or `EUNEXPECTEDEOF`. */
  readonly code: string;
  /** Always `tsocket`. */
  readonly layer: string = "tsocket";
  /** Who broke the rules. */
  readonly blame: Blame;
  /** Byte offset in what was parsed, where one is known. */
  readonly offset: number | undefined;
  /** Operation that failed, where one is known. */
  readonly syscall: string | undefined;
  /** Address that it concerned, where one is known. */
  readonly address: TsocketAddress | undefined;
  /** Bytes that had been transferred when it failed. */
  readonly bytesTransferred: number | undefined;

  /** Makes an error from what happened, in words, and its {@linkcode SocketErrorOptions}. */
  constructor(message: string, options: SocketErrorOptions) {
    super(`${PREFIX}${message}`, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = options.code;
    this.blame = options.blame ?? (REMOTE_CODES.has(options.code) ? "remote" : "local");
    this.offset = options.offset;
    this.syscall = options.syscall;
    this.address = options.address;
    this.bytesTransferred = options.bytesTransferred;
  }

  /** The message without `SocketError: `. */
  get reason(): string {
    return this.message.slice(PREFIX.length);
  }

  /** The message, which begins with the name already. */
  override toString(): string {
    return this.message;
  }
}

/** The error of a read while another one is under way. */
export function busyError(syscall: string): SocketError {
  return new SocketError("another read is under way, or the readable stream is locked", { code: "EBUSY", syscall });
}

/** The error of everything that is asked of, or still under way on, a socket that was closed here. */
export function closedError(syscall?: string): SocketError {
  return new SocketError("the socket was closed here", {
    code: "ECONNABORTED",
    blame: "local",
    ...syscall === undefined ? {} : { syscall },
  });
}

/** `thrown` as a {@linkcode SocketError}. */
export function toSocketError(thrown: unknown, code: string, syscall: string): SocketError {
  if (thrown instanceof SocketError) return thrown;
  return new SocketError(`${syscall} failed: ${String(thrown)}`, { code, syscall, cause: thrown });
}
