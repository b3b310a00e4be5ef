/**
 * What Node and Bun call things that go wrong, in the codes that the socket layer has on every runtime. The one table
 * of both.
 *
 * @module
 */
import { SocketError } from "../../errors.ts";
import type { SocketTarget } from "../../option_types.ts";
import type { TsocketAddress } from "../../types.ts";

/** What an error happened in. */
export interface ErrorContext {
  /** Operation: `connect`, `read`, `write`, `accept`. */
  syscall: string;
  /** Address that it concerned. */
  address?: TsocketAddress | undefined;
  /** Where it should have gone, for the message; the address by default. */
  target?: SocketTarget | undefined;
}

/** Codes that have another name here. Names of errno that are not listed stay as they are. */
const CODES: Readonly<Record<string, string>> = {
  // closed or aborted on this side
  ECANCELED: "ECONNABORTED",
  EBADF: "ECONNABORTED",
  ERR_SERVER_NOT_RUNNING: "ECONNABORTED",
  ERR_SOCKET_CLOSED: "ECONNABORTED",
  ERR_SOCKET_CLOSED_BEFORE_CONNECTION: "ECONNABORTED",
  ERR_SOCKET_DGRAM_NOT_RUNNING: "ECONNABORTED",
  ERR_STREAM_DESTROYED: "ECONNABORTED",
  ERR_STREAM_PREMATURE_CLOSE: "ECONNABORTED",
  // the connection went away under an operation that needs one
  ENOTCONN: "ECONNRESET",
  ERR_STREAM_WRITE_AFTER_END: "EPIPE",
  // names
  EAI_AGAIN: "ENOTFOUND",
  EAI_FAIL: "ENOTFOUND",
  EAI_NODATA: "ENOTFOUND",
  EAI_NONAME: "ENOTFOUND",
  ENODATA: "ENOTFOUND",
  ESERVFAIL: "ENOTFOUND",
  // asked wrongly
  ERR_INVALID_ARG_TYPE: "EINVAL",
  ERR_INVALID_ARG_VALUE: "EINVAL",
  ERR_SOCKET_BAD_PORT: "EINVAL",
  ERR_SOCKET_BAD_TYPE: "EINVAL",
  ERR_SOCKET_BUFFER_SIZE: "EINVAL",
  ERR_SOCKET_DGRAM_IS_CONNECTED: "EISCONN",
  ERR_BUFFER_OUT_OF_BOUNDS: "EINVAL",
};

/** In words, for people. */
const WORDS: Readonly<Record<string, string>> = {
  EACCES: "no permission",
  EADDRINUSE: "the address is in use",
  EADDRNOTAVAIL: "the address is not available on this machine",
  ECONNABORTED: "it was closed here",
  ECONNREFUSED: "nobody listens there, or connections are refused",
  ECONNRESET: "the peer reset the connection",
  EHOSTUNREACH: "no way to that host",
  EMFILE: "too many open files in this process",
  EMSGSIZE: "the datagram is too large",
  ENETUNREACH: "no way to that network",
  ENFILE: "too many open files on this machine",
  ENOBUFS: "no room in the system's buffers",
  ENOENT: "there is no socket at that path",
  ENOTFOUND: "the name has no address",
  EPIPE: "the connection does not take bytes any more",
  ETIMEDOUT: "no answer in time",
};

/** Code of an error as a runtime has it: its own, the first one within it, or what its message gives away. */
export function codeOf(cause: unknown): string {
  if (cause instanceof SocketError) return cause.code;
  const { code, errors, message } = (cause ?? {}) as { code?: unknown; errors?: unknown; message?: unknown };
  if (Array.isArray(errors) && errors.length > 0) return codeOf(errors[0]);
  if (typeof code === "string") {
    if (code in CODES) return CODES[code]!;
    if (/^ERR_(SSL|TLS|OSSL|CRYPTO)_/.test(code)) return "EPROTO";
    if (/^E[A-Z0-9]+$/.test(code)) return code;
  }
  // Bun has no code for it
  return typeof message === "string" && /socket is closed/i.test(message) ? "ECONNABORTED" : "EIO";
}

/** The {@linkcode SocketError} behind what a runtime threw or reported; one that is one already stays. */
export function nodeError(cause: unknown, context: ErrorContext): SocketError {
  if (cause instanceof SocketError) return cause;
  const code = codeOf(cause);
  const { syscall, address } = context;
  const words = WORDS[code] ?? (cause instanceof Error ? cause.message.trim() : "unknown error");
  return new SocketError(`${syscall}${place(context)}: ${words} (${code})`, {
    code,
    syscall,
    cause,
    ...(address === undefined ? {} : { address }),
  });
}

/** Whether accepting goes on after this error. */
export function isTransient(code: string): boolean {
  return code === "EMFILE" || code === "ENFILE" || code === "ENOBUFS" || code === "ENOMEM" ||
    code === "ECONNABORTED" || code === "ECONNRESET" || code === "EPROTO";
}

/** ` to HOST`, of the context's target or address; empty without. */
function place({ target, address }: ErrorContext): string {
  const where = target ?? address;
  if (where === undefined) return "";
  return ` ${"hostname" in where ? `${where.hostname}:${where.port}` : printable(where.toHostPort())}`;
}

/** Abstract names begin with NUL; people write `@`. */
function printable(text: string): string {
  return text.replaceAll("\0", "@");
}

/** The error with how many datagrams were taken in spite of it. */
export function withCount(error: unknown, taken: number): unknown {
  if (!(error instanceof SocketError)) return error;
  const { code, blame, syscall, address, cause } = error;
  return new SocketError(error.reason, {
    code,
    blame,
    bytesTransferred: taken,
    cause,
    ...(syscall === undefined ? {} : { syscall }),
    ...(address === undefined ? {} : { address }),
  });
}
