/**
 * Addresses within one machine: Unix domain sockets, named pipes of Windows, and names of sockets that no system knows.
 *
 * What the platform would refuse, or worse, cut off (Node 20 does), is refused here, before any call of the system.
 *
 * @module
 */
import { hashText } from "./address_hash.ts";
import { SocketError } from "./errors.ts";
import { badAddress } from "./host_port.ts";
import { type Platform, platformOption } from "./platform.ts";
import type { TsocketAddress } from "./types.ts";
import { typeName } from "../core/words.ts";

/** Longest path in bytes: `sun_path` without its final NUL. */
export const MAX_UNIX_PATH: Readonly<Record<Platform, number>> = { linux: 107, macos: 103, windows: 107 };

/** Longest name of a pipe, in UTF-16 units, with everything before it. */
export const MAX_PIPE_PATH = 256;

/** Longest name of a virtual address, in UTF-16 units. */
export const MAX_VIRTUAL_NAME = 1024;

const PIPE = /^\\\\[^\\/]+\\pipe\\[^]/i;

/**
 * A path in the file system, an abstract name of Linux (a NUL and the name), or nothing for a socket that was not bound.
 * Immutable.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { UnixAddress } from "@leat/streams/tsocket";
 *
 * assertEquals(UnixAddress.from("/run/app.sock").toString(), "unix:/run/app.sock");
 * assertEquals(UnixAddress.from("\0app").isAbstract, true);
 * ```
 */
export class UnixAddress {
  /** Tells the kinds of addresses apart. */
  readonly kind: "unix" = "unix";
  /** The path, empty without one; abstract names begin with NUL. */
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
    Object.freeze(this);
  }

  /**
   * Makes an address from a path.
   *
   * @throws {SocketError} `ENAMETOOLONG` when the platform (`linux` by default) has no room for the path,
   * `EAFNOSUPPORT` when it has no abstract names, `EINVAL` for a path with a NUL or a lone surrogate in it
   */
  static from(path: string, platform?: Platform): UnixAddress {
    checkText("path", path);
    checkUnixPath(path, platformOption(platform, "linux"));
    return new UnixAddress(path);
  }

  /** Whether it is an abstract name of Linux. */
  get isAbstract(): boolean {
    return this.path.startsWith("\0");
  }

  /** Whether it is the address of a socket that was not bound. */
  get isUnnamed(): boolean {
    return this.path === "";
  }

  /** Text that equal addresses have in common and others have not, for a `Map`. */
  get key(): string {
    return `unix:${this.path}`;
  }

  /** Whether both have the same path, letter by letter; links and `..` are not followed. */
  equals(other: TsocketAddress): boolean {
    return other.kind === "unix" && other.path === this.path;
  }

  /** A number of 32 bits that equal addresses have in common. */
  hash(seed?: number): number {
    return hashText(this.key, seed);
  }

  /** The path. */
  toHostPort(): string {
    return this.path;
  }

  /** Text for people: `unix:/run/app.sock`, `unix:@name` for an abstract name. Not for parsing. */
  toString(): string {
    return `unix:${this.path.replace(/^\0/, "@").replaceAll("\0", "\\0")}`;
  }
}

/**
 * A named pipe of Windows. Immutable.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { PipeAddress } from "@leat/streams/tsocket";
 *
 * const pipe = PipeAddress.from("\\\\.\\pipe\\App");
 * assertEquals(pipe.equals(PipeAddress.from("\\\\?\\pipe\\app")), true);
 * ```
 */
export class PipeAddress {
  /** Tells the kinds of addresses apart. */
  readonly kind: "pipe" = "pipe";
  /** The whole name, as it was given: `\\.\pipe\name`. */
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
    Object.freeze(this);
  }

  /**
   * Makes an address from the whole name of a pipe.
   *
   * @throws {SocketError} `EINVAL` when it is none, `ENAMETOOLONG` beyond 256 characters, `EAFNOSUPPORT` for a platform
   * other than `windows`, which is the default
   */
  static from(path: string, platform?: Platform): PipeAddress {
    checkText("path", path);
    checkPipePath(path, platformOption(platform, "windows"));
    return new PipeAddress(path);
  }

  /** Text that equal addresses have in common and others have not, for a `Map`. */
  get key(): string {
    return `pipe:${this.path.toLowerCase().replace(/^\\\\\?/, "\\\\.")}`;
  }

  /** Whether both name the same pipe: upper and lower case do not count, nor does `\\?\` for `\\.\`. */
  equals(other: TsocketAddress): boolean {
    return other.kind === "pipe" && other.key === this.key;
  }

  /** A number of 32 bits that equal addresses have in common. */
  hash(seed?: number): number {
    return hashText(this.key, seed);
  }

  /** The whole name. */
  toHostPort(): string {
    return this.path;
  }

  /** Text for people: `pipe:\\.\pipe\name`. Not for parsing. */
  toString(): string {
    return `pipe:${this.path}`;
  }
}

/**
 * The address of a socket that no system knows: one end of a pair in memory, a stream within another connection.
 * Immutable.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { VirtualAddress } from "@leat/streams/tsocket";
 *
 * assertEquals(VirtualAddress.from("memory", "server").toHostPort(), "memory:server");
 * ```
 */
export class VirtualAddress {
  /** Tells the kinds of addresses apart. */
  readonly kind: "virtual" = "virtual";
  /** What it is an address of, in lower case: `memory`. */
  readonly scheme: string;
  /** Name within the scheme. */
  readonly name: string;

  private constructor(scheme: string, name: string) {
    this.scheme = scheme;
    this.name = name;
    Object.freeze(this);
  }

  /**
   * Makes an address from its parts.
   *
   * @throws {SocketError} `EINVAL` when the scheme is not a letter followed by letters, digits, `+`, `-` and `.`,
   * `ENAMETOOLONG` for a name of more than 1024 characters
   */
  static from(scheme: string, name: string): VirtualAddress {
    checkText("scheme", scheme);
    checkText("name", name);
    if (!/^[a-z][a-z0-9+.-]*$/i.test(scheme)) throw badAddress(scheme, "not the name of a scheme", 0);
    checkLength(name, name.length, MAX_VIRTUAL_NAME, "characters");
    return new VirtualAddress(scheme.toLowerCase(), name);
  }

  /** Text that equal addresses have in common and others have not, for a `Map`. */
  get key(): string {
    return `virtual:${this.toHostPort()}`;
  }

  /** Whether scheme and name are the same. */
  equals(other: TsocketAddress): boolean {
    return other.kind === "virtual" && other.scheme === this.scheme && other.name === this.name;
  }

  /** A number of 32 bits that equal addresses have in common. */
  hash(seed?: number): number {
    return hashText(this.key, seed);
  }

  /** Scheme and name: `memory:server`. */
  toHostPort(): string {
    return `${this.scheme}:${this.name}`;
  }

  /** Text for people: `virtual:memory:server`. Not for parsing. */
  toString(): string {
    return this.key;
  }
}

/**
 * The address behind a path as a platform means it: names of pipes are pipes on Windows, and paths anywhere else.
 *
 * @throws {SocketError} as {@linkcode UnixAddress.from} and {@linkcode PipeAddress.from}
 */
export function pathAddress(path: string, platform: Platform): UnixAddress | PipeAddress {
  const isPipe = platformOption(platform, "linux") === "windows" && PIPE.test(path);
  return isPipe ? PipeAddress.from(path, platform) : UnixAddress.from(path, platform);
}

/**
 * Checks that a platform has addresses like this one: paths may be shorter there, or abstract names unknown.
 *
 * @throws {SocketError} `EAFNOSUPPORT` or `ENAMETOOLONG`
 */
export function checkPlatform(address: TsocketAddress, platform: Platform): void {
  if (address.kind === "unix") checkUnixPath(address.path, platform);
  else if (address.kind === "pipe") checkPipePath(address.path, platform);
}

function checkUnixPath(path: string, platform: Platform): void {
  const isAbstract = path.startsWith("\0");
  if (isAbstract && platform !== "linux") {
    throw badAddress(path, `${platform} has no abstract names`, 0, "EAFNOSUPPORT");
  }
  const nul = isAbstract ? -1 : path.indexOf("\0");
  if (nul !== -1) throw badAddress(path, "a path holds no NUL", nul);
  // an abstract name needs no NUL at its end, so its first one takes nothing away
  const name = isAbstract ? path.slice(1) : path;
  checkLength(path, new TextEncoder().encode(name).length, MAX_UNIX_PATH[platform], `bytes on ${platform}`);
}

function checkPipePath(path: string, platform: Platform): void {
  if (platform !== "windows") throw badAddress(path, `${platform} has no named pipes`, 0, "EAFNOSUPPORT");
  if (!PIPE.test(path)) throw badAddress(path, "names of pipes begin with \\\\.\\pipe\\", 0);
  const nul = path.indexOf("\0");
  if (nul !== -1) throw badAddress(path, "the name of a pipe holds no NUL", nul);
  checkLength(path, path.length, MAX_PIPE_PATH, "characters");
}

function checkLength(text: string, length: number, limit: number, unit: string): void {
  if (length <= limit) return;
  throw badAddress(text, `it has ${length} of at most ${limit} ${unit}`, limit, "ENAMETOOLONG");
}

/** A lone surrogate has no UTF-8: it would silently become another character. */
function checkText(what: string, text: string): void {
  if (typeof text !== "string") {
    throw new SocketError(`the ${what} of an address must be a string, got ${typeName(text)}`, {
      code: "EINVAL",
    });
  }
  const lone = text.search(/\p{Surrogate}/u);
  if (lone !== -1) throw badAddress(text, "a lone surrogate cannot be encoded", lone);
}
