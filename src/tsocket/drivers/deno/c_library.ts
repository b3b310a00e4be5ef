/**
 * Functions of the C library of Linux, as Deno calls them.
 *
 * @module
 */
import { denoApi } from "./deno_api.ts";

/** An address in memory. */
type Pointer = object | null;

/** What is called. Those that return a number return -1 for an error, which {@linkcode CLibrary.errno} has then. */
export interface CFunctions {
  /** open(2). */
  open(path: Uint8Array, flags: number): number;
  /** ioctl(2). */
  ioctl(descriptor: number, request: number, argument: Uint8Array): number;
  /** socket(2). */
  socket(family: number, type: number, protocol: number): number;
  /** pipe2(2). */
  pipe2(descriptors: Int32Array, flags: number): number;
  /** read(2); of what it returns the lower half. */
  read(descriptor: number, into: Uint8Array, length: number): number;
  /** write(2); of what it returns the lower half. */
  write(descriptor: number, from: Uint8Array, length: number): number;
  /** close(2). */
  close(descriptor: number): number;
  /** poll(2), on another thread. */
  poll(descriptors: Uint8Array, count: number, timeoutMs: number): Promise<number>;
  /** Where errno is. */
  __errno_location(): Pointer;
}

/** The library. */
export interface CLibrary {
  /** Its functions. */
  readonly c: CFunctions;
  /** The number of the last call's error. */
  errno(): number;
}

/** What is used of the global `Deno` here. */
interface DenoFfi {
  dlopen(path: string, symbols: object): { symbols: CFunctions };
  UnsafePointerView: { new (pointer: object): { getInt32(): number } };
}

const SYMBOLS = {
  // what comes third of open, and of ioctl, is passed as if it were named, which all of Linux's calling conventions allow
  open: { parameters: ["buffer", "i32"], result: "i32" },
  ioctl: { parameters: ["i32", "usize", "buffer"], result: "i32" },
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  pipe2: { parameters: ["buffer", "i32"], result: "i32" },
  read: { parameters: ["i32", "buffer", "usize"], result: "i32" },
  write: { parameters: ["i32", "buffer", "usize"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  poll: { parameters: ["buffer", "usize", "i32"], result: "i32", nonblocking: true },
  __errno_location: { parameters: [], result: "pointer" },
} as const;

/** The library of glibc, that of other systems. */
const NAMES = ["libc.so.6", "libc.so"];

let library: CLibrary | undefined;

/**
 * Opens the library, once.
 *
 * @throws what Deno says: without permission, or where there is no such library
 */
export function openCLibrary(): CLibrary {
  return library ??= load();
}

function load(): CLibrary {
  const deno = denoApi("tun") as unknown as DenoFfi;
  let failure: unknown;
  for (const name of NAMES) {
    try {
      const { symbols: c } = deno.dlopen(name, SYMBOLS);
      return { c, errno: () => new deno.UnsafePointerView(c.__errno_location()!).getInt32() };
    } catch (error) {
      failure ??= error;
    }
  }
  throw failure;
}
