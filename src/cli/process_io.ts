/**
 * The outside world of a command in a real process: its streams, files and signals.
 *
 * Only `node:` built-ins, which Node, Deno and Bun share.
 *
 * @module
 */
import { constants, fstatSync, open as openDescriptor, type Stats } from "node:fs";
import { type FileHandle, lstat, open, stat } from "node:fs/promises";
import { Socket } from "node:net";
import { dirname } from "node:path";
import process from "node:process";
import { isatty } from "node:tty";
import { promisify } from "node:util";
import type { CliIo, FileOutput, Input, Output } from "./io.ts";

/**
 * Bytes of one read from a file. Layers work chunk by chunk, so that costs per chunk vanish from here on, while it is
 * still small beside the caches of a processor.
 */
const READ_BYTES = 256 * 1024;

/** The world around this process. */
export function processIo(): CliIo {
  return {
    stdout: new ProcessOutput(process.stdout),
    stderr: new ProcessOutput(process.stderr),
    environment: process.env,
    isStdinTerminal: isatty(0),
    openStdin,
    openFile,
    createFile,
    isSameFile,
    onInterrupt: (callback) => {
      process.once("SIGINT", callback);
      return () => process.removeListener("SIGINT", callback);
    },
    now: () => performance.now(),
  };
}

class ProcessOutput implements Output {
  readonly #stream: NodeJS.WriteStream;
  #failure: unknown;
  #wake: (() => void) | undefined;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
    const wake = (): void => {
      const waiting = this.#wake;
      this.#wake = undefined;
      waiting?.();
    };
    stream.on("drain", wake);
    stream.on("close", wake);
    stream.on("error", (error) => {
      this.#failure ??= error;
      wake();
    });
  }

  get isTerminal(): boolean {
    return this.#stream.isTTY === true;
  }

  get columns(): number | undefined {
    return this.#stream.columns;
  }

  get failure(): unknown {
    return this.#failure;
  }

  write(data: string | Uint8Array): Promise<void> | undefined {
    if (this.#failure !== undefined || data.length === 0) return undefined;
    try {
      if (this.#stream.write(data)) return undefined;
    } catch (error) {
      // Deno throws what the others tell by an event
      this.#failure = error;
      return undefined;
    }
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  flush(): Promise<void> {
    if (this.#failure !== undefined) return Promise.resolve();
    return new Promise((resolve) => {
      this.#wake = resolve;
      this.#stream.write("", (error) => {
        this.#failure ??= error ?? undefined;
        resolve();
      });
    });
  }
}

/** Standard input, or a named pipe. */
class StreamInput implements Input {
  readonly size: number | undefined;
  readonly isLive: boolean;
  readonly #stream: NodeJS.ReadStream | Socket;
  readonly #chunks: AsyncIterator<Uint8Array>;

  /** `size` where the stream is a file. */
  constructor(stream: NodeJS.ReadStream | Socket, size: number | undefined) {
    this.#stream = stream;
    this.#chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
    this.size = size;
    this.isLive = size === undefined;
  }

  async read(): Promise<Uint8Array | undefined> {
    const { done, value } = await this.#chunks.next();
    return done ? undefined : value;
  }

  close(): Promise<void> {
    this.#stream.destroy();
    return Promise.resolve();
  }
}

class FileInput implements Input {
  readonly size: number | undefined;
  readonly isLive: boolean;
  readonly #handle: FileHandle;
  #left: number;

  constructor(handle: FileHandle, size: number | undefined) {
    this.#handle = handle;
    this.size = size;
    this.isLive = size === undefined;
    this.#left = size ?? Infinity;
  }

  async read(): Promise<Uint8Array | undefined> {
    // a file may have grown since; at its supposed end a small buffer is enough to find out
    const length = Math.min(READ_BYTES, Math.max(this.#left, 4096));
    const buffer = new Uint8Array(length);
    const { bytesRead } = await this.#handle.read(buffer, 0, length, null);
    this.#left -= bytesRead;
    if (bytesRead === 0) return undefined;
    return bytesRead === length ? buffer : buffer.subarray(0, bytesRead);
  }

  close(): Promise<void> {
    const closed = this.#handle.close();
    // a pipe without a writer would be waited for
    return this.isLive ? Promise.resolve(void closed.catch(() => {})) : closed;
  }
}

function openStdin(): Promise<Input> {
  const status = fstatSync(0);
  if (status.isDirectory()) return Promise.reject(directoryError());
  return Promise.resolve(new StreamInput(process.stdin, status.isFile() ? status.size : undefined));
}

/** Whether this is Node, which at its exit waits for a read of a file that is going on, for a pipe perhaps for ever. */
const AWAITS_READS = process.versions["deno"] === undefined && process.versions["bun"] === undefined;

/** A named pipe as a socket, whose reads can be given up. */
async function openPipe(path: string): Promise<Input> {
  // elsewhere a pipe without a writer would have ended already, instead of being waited for
  const flags = process.platform === "linux" ? constants.O_RDONLY | constants.O_NONBLOCK : constants.O_RDONLY;
  const descriptor = await promisify(openDescriptor)(path, flags);
  return new StreamInput(new Socket({ fd: descriptor, readable: true, writable: false }), undefined);
}

async function openFile(path: string): Promise<Input> {
  if (AWAITS_READS && (await stat(path)).isFIFO()) return await openPipe(path);
  const handle = await open(path, "r");
  const status = await handle.stat();
  if (status.isDirectory()) {
    await handle.close();
    throw directoryError();
  }
  return new FileInput(handle, status.isFile() ? status.size : undefined);
}

/** As the system would say on the first read. */
function directoryError(): Error {
  return Object.assign(new Error("is a directory"), { code: "EISDIR" });
}

async function createFile(path: string): Promise<FileOutput> {
  if (path === "") throw new Error("the name of a file is empty");
  const handle = await open(path, "w").catch(async (error: unknown) => {
    throw await reasonAgainst(path, codeOf(error)) ?? error;
  });
  return {
    write: async (bytes) => {
      for (let at = 0; at < bytes.length;) {
        const { bytesWritten } = await handle.write(bytes, at, bytes.length - at, null);
        at += bytesWritten;
      }
    },
    close: () => handle.close(),
  };
}

/** Why a file cannot be made, where it is the way to it; the system's "no such file" would be no news about a new one. */
async function reasonAgainst(path: string, code: unknown): Promise<Error | undefined> {
  const fault = await stat(dirname(path)).then((status) => status.isDirectory() ? undefined : "ENOTDIR", codeOf);
  if (fault === "ENOENT") return new Error("its folder is missing");
  if (fault === "ENOTDIR") return new Error("what it lies in is no folder");
  // with another code it is not the way to the file: a link may be all right, and what it names not be allowed
  if (code !== "ENOENT") return undefined;
  const isLink = await lstat(path).then((status) => status.isSymbolicLink(), () => false);
  return isLink ? new Error("it is a link into a folder that is missing") : undefined;
}

function codeOf(error: unknown): unknown {
  return (error as { code?: unknown } | null)?.code;
}

async function isSameFile(a: string, b: string): Promise<boolean> {
  const identity = async (path: string): Promise<Stats> => path === "-" ? fstatSync(0) : await stat(path);
  try {
    const [one, other] = await Promise.all([identity(a), identity(b)]);
    return one.ino === other.ino && one.dev === other.dev;
  } catch {
    // one of them does not exist
    return false;
  }
}
