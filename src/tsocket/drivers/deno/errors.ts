/**
 * Deno's errors as socket errors: one table.
 *
 * Deno's errors have a class, and most but not all of them an errno name as `code` besides.
 *
 * @module
 */
import { SocketError } from "../../errors.ts";
import type { SocketTarget } from "../../option_types.ts";
import type { TsocketAddress } from "../../types.ts";

/** Codes by the class's name. Those that win over the error's own code come first; Deno says `EINTR` for a closed socket. */
const CODES_OVER_OWN: ReadonlyMap<string, string> = new Map([
  ["Interrupted", "ECONNABORTED"],
  ["BadResource", "ECONNABORTED"],
]);

const CODES_BY_CLASS: ReadonlyMap<string, string> = new Map([
  ["ConnectionReset", "ECONNRESET"],
  ["ConnectionRefused", "ECONNREFUSED"],
  ["ConnectionAborted", "ECONNABORTED"],
  ["BrokenPipe", "EPIPE"],
  ["NotConnected", "ECONNRESET"],
  ["AddrInUse", "EADDRINUSE"],
  ["AddrNotAvailable", "EADDRNOTAVAIL"],
  ["TimedOut", "ETIMEDOUT"],
  ["NotFound", "ENOENT"],
  ["PermissionDenied", "EACCES"],
  ["NotCapable", "EACCES"],
  ["Busy", "EBUSY"],
  ["UnexpectedEof", "EUNEXPECTEDEOF"],
  ["InvalidData", "EPROTO"],
  ["NotSupported", "EPROTONOSUPPORT"],
  ["TypeError", "EINVAL"],
]);

/** What is told only in words. */
const CODES_BY_WORDS: readonly (readonly [RegExp, string])[] = [
  [/failed to lookup address|no such host|name or service not known|nodename nor servname/i, "ENOTFOUND"],
];

const ERRNO_NAME = /^E[A-Z0-9]+$/;

/** Code that no table knows: something went wrong with input or output. */
const UNKNOWN = "EIO";

/** What is known of where an error came from. */
export interface DenoErrorContext {
  /** What was being done: `connect`, `read`, `accept`. */
  readonly syscall: string;
  /** Where to, as it was asked for; names it in the message. */
  readonly target?: SocketTarget | undefined;
  /** Address that it concerned. */
  readonly address?: TsocketAddress | undefined;
  /** Bytes that had been written. */
  readonly bytesTransferred?: number;
}

/** The errno name of what Deno threw. */
export function denoErrorCode(thrown: unknown): string {
  if (!(thrown instanceof Error)) return UNKNOWN;
  const over = CODES_OVER_OWN.get(thrown.name);
  if (over !== undefined) return over;
  const { code } = thrown as { code?: unknown };
  if (code === "ENOTCONN") return "ECONNRESET";
  if (typeof code === "string" && ERRNO_NAME.test(code)) return code;
  const words = CODES_BY_WORDS.find(([pattern]) => pattern.test(thrown.message));
  return words?.[1] ?? CODES_BY_CLASS.get(thrown.name) ?? UNKNOWN;
}

/** What Deno threw as a {@linkcode SocketError}, which it may be already. */
export function denoError(thrown: unknown, context: DenoErrorContext): SocketError {
  if (thrown instanceof SocketError) return thrown;
  const code = denoErrorCode(thrown);
  const { syscall, address, bytesTransferred } = context;
  return new SocketError(`${syscall}${place(context)}: ${words(thrown, code)}`, {
    code,
    syscall,
    cause: thrown,
    ...(address === undefined ? {} : { address }),
    ...(bytesTransferred === undefined ? {} : { bytesTransferred }),
  });
}

/** ` HOST:PORT`, of the context's target or address; empty without. */
function place({ target, address }: DenoErrorContext): string {
  const where = target ?? address;
  if (where === undefined) return "";
  if (!("kind" in where)) return ` ${where.hostname}:${where.port}`;
  return ` ${where.kind === "inet" ? where.toHostPort() : where}`;
}

function words(thrown: unknown, code: string): string {
  if (code === "ECONNABORTED") return "the socket was closed here";
  return thrown instanceof Error && thrown.message !== "" ? thrown.message : code;
}
