/** A world for commands that is all in memory: files by name, standard input by hand, output as text. */
import type { CliIo, FileOutput, Input, Output } from "../../../src/cli/io.ts";
import { concat } from "../../../src/bytes/mod.ts";

/** Remembers what was written. */
export class MemoryOutput implements Output {
  isTerminal = false;
  columns: number | undefined;
  failure: unknown;
  readonly #chunks: Uint8Array[] = [];
  #changed: (() => void) | undefined;

  write(data: string | Uint8Array): undefined {
    if (this.failure !== undefined) return;
    this.#chunks.push(typeof data === "string" ? new TextEncoder().encode(data) : data);
    this.#changed?.();
  }

  flush(): Promise<void> {
    return Promise.resolve();
  }

  get bytes(): Uint8Array {
    return concat(this.#chunks);
  }

  get text(): string {
    return new TextDecoder().decode(this.bytes);
  }

  get lines(): string[] {
    return this.text.split("\n").slice(0, -1);
  }

  /** Resolves once the text holds this. */
  async until(text: string): Promise<void> {
    while (!this.text.includes(text)) {
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
    }
  }
}

/** An input that a test feeds. */
export class FedInput implements Input {
  size: number | undefined = undefined;
  isLive = true;
  isClosed = false;
  readonly #queue: (Uint8Array | undefined)[] = [];
  #waiting: ((chunk: Uint8Array | undefined) => void) | undefined;

  feed(chunk: Uint8Array | undefined): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting !== undefined) waiting(chunk);
    else this.#queue.push(chunk);
  }

  read(): Promise<Uint8Array | undefined> {
    if (this.#queue.length > 0) return Promise.resolve(this.#queue.shift());
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }

  close(): Promise<void> {
    this.isClosed = true;
    return Promise.resolve();
  }
}

/** An input of known bytes, read in pieces. */
export function inputOf(bytes: Uint8Array, chunkSize = 65536): FedInput {
  const input = new FedInput();
  input.size = bytes.length;
  input.isLive = false;
  for (let at = 0; at < bytes.length; at += chunkSize) input.feed(bytes.subarray(at, at + chunkSize));
  input.feed(undefined);
  return input;
}

/** The system's errors. */
export function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: something, open '/some/path'\n    at stack`), { code });
}

/** The world. */
export class MemoryIo implements CliIo {
  readonly stdout: MemoryOutput = new MemoryOutput();
  readonly stderr: MemoryOutput = new MemoryOutput();
  environment: Record<string, string | undefined> = {};
  isStdinTerminal = false;
  readonly stdin: FedInput = new FedInput();
  /** Files by name; an error is thrown when the file is opened. */
  readonly files: Map<string, Uint8Array | Error>;
  readonly written: Map<string, Uint8Array[]> = new Map();
  chunkSize = 65536;
  opened = 0;
  interrupt: (() => void) | undefined;
  #time = 0;

  constructor(files: Record<string, Uint8Array | Error> = {}) {
    this.files = new Map(Object.entries(files));
  }

  openStdin(): Promise<Input> {
    return Promise.resolve(this.stdin);
  }

  openFile(path: string): Promise<Input> {
    const file = this.files.get(path) ?? systemError("ENOENT");
    this.opened++;
    return file instanceof Error ? Promise.reject(file) : Promise.resolve(inputOf(file, this.chunkSize));
  }

  createFile(path: string): Promise<FileOutput> {
    const chunks: Uint8Array[] = [];
    const file = this.files.get(path);
    if (file instanceof Error) return Promise.reject(file);
    this.written.set(path, chunks);
    return Promise.resolve({
      write: (bytes) => {
        chunks.push(bytes);
        return Promise.resolve();
      },
      close: () => Promise.resolve(),
    });
  }

  isSameFile(a: string, b: string): Promise<boolean> {
    return Promise.resolve(a === b && this.files.has(a));
  }

  onInterrupt(callback: () => void): () => void {
    this.interrupt = callback;
    return () => {
      this.interrupt = undefined;
    };
  }

  now(): number {
    return this.#time++;
  }

  writtenBytes(path: string): Uint8Array {
    return concat(this.written.get(path)!);
  }

  get json(): Record<string, unknown>[] {
    return this.stdout.lines.map((line) => JSON.parse(line));
  }
}
