/**
 * What a command may touch of the outside world, so that it runs in a test as it runs in a terminal.
 *
 * Not here: the process itself; `process_io.ts` makes one of these around it.
 *
 * @module
 */

/** Where text and bytes go: standard output, standard error, or what a test made. */
export interface Output {
  /** Whether a person sees it directly. */
  readonly isTerminal: boolean;
  /** Columns of the terminal; `undefined` where there is none, 0 where nobody has set them. */
  readonly columns: number | undefined;
  /** Why nothing arrives any more: the system's error, `EPIPE` when the reader has gone away (`| head`). */
  readonly failure: unknown;
  /** Writes; returns a promise to wait for where the reader is slower than the writer. Never throws. */
  write(data: string | Uint8Array): Promise<void> | undefined;
  /** Waits until all has left this process, or never will. */
  flush(): Promise<void>;
}

/** Bytes that are read from the front: a file, or standard input. */
export interface Input {
  /** Size in bytes where it is known beforehand, for progress. */
  readonly size: number | undefined;
  /** Whether more bytes may come much later: a pipe or a terminal, not a file. */
  readonly isLive: boolean;
  /** The next bytes, as many as are there; `undefined` at the end. Throws what the system says. */
  read(): Promise<Uint8Array | undefined>;
  /** Gives it back; a pending `read` ends. */
  close(): Promise<void>;
}

/** A file to write to. */
export interface FileOutput {
  /** Writes all of it. Throws what the system says. */
  write(bytes: Uint8Array): Promise<void>;
  /** Closes it. */
  close(): Promise<void>;
}

/** The outside world of a command. */
export interface CliIo {
  /** Data: what was asked for. */
  readonly stdout: Output;
  /** Progress and errors. */
  readonly stderr: Output;
  /** Environment variables. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Whether standard input is a terminal, from which no capture will come. */
  readonly isStdinTerminal: boolean;
  /** Opens standard input. */
  openStdin(): Promise<Input>;
  /** Opens a file to read. Throws what the system says. */
  openFile(path: string): Promise<Input>;
  /** Makes a file, or empties it. Throws what the system says. */
  createFile(path: string): Promise<FileOutput>;
  /** Whether two paths mean one file that exists; `-` is what standard input is read from. */
  isSameFile(a: string, b: string): Promise<boolean>;
  /** Calls back on the first interrupt (Ctrl-C); returns a function that stops listening. */
  onInterrupt(callback: () => void): () => void;
  /** Milliseconds that never go back, for `--stats` and progress. */
  now(): number;
}

/** Exit codes. */
export const ExitCode = {
  /** All went well. */
  OK: 0,
  /** A failure was found in the data, or a file could not be read or written. */
  FAILURE: 1,
  /** The command line was wrong. */
  USAGE: 2,
  /** Interrupted. */
  INTERRUPTED: 130,
} as const;

/** A wrong command line: the message for the person who typed it. */
export class UsageError extends Error {
  /** Name of the class. */
  override readonly name: string = "UsageError";
}

const SYSTEM_MESSAGES: Readonly<Record<string, string>> = {
  ENOENT: "no such file",
  ENOTDIR: "no such file",
  EACCES: "permission denied",
  EPERM: "permission denied",
  EISDIR: "is a directory",
  EMFILE: "too many open files",
  ENOSPC: "no space left on the device",
  ENAMETOOLONG: "the name is too long",
  ELOOP: "too many symbolic links",
  EIO: "the device failed",
  EROFS: "the file system is read-only",
};

/** What is wrong with standard output; nothing where only its reader has gone away. */
export function outputProblem({ stdout: { failure } }: CliIo): string | undefined {
  const isGone = (failure as { code?: unknown } | undefined)?.code === "EPIPE";
  return failure === undefined || isGone ? undefined : `cannot write to standard output: ${systemMessage(failure)}`;
}

/** What a system error says, in words, without path and without stack. */
export function systemMessage(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  if (typeof code === "string") return SYSTEM_MESSAGES[code] ?? `the system says ${code}`;
  return wordsOf(error).split("\n", 1)[0]!;
}

/** What an error says, without the name of its class, which a standard puts in front of what sockets say. */
export function wordsOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  // not by `reason`: errors of other layers may say what a socket's error said
  return message.replace(/^SocketError: /, "");
}
