/**
 * What the program `rxperf` of OpenAFS and the service of the same name in Linux say to each other.
 *
 * A request is words of 32 bits: version, command, sizes of the ends' reads and writes, then what the command needs.
 *
 * @module
 */
import { readU32, writeU32 } from "../../bytes/integers.ts";

/** Service and port. */
export const PERF = { service: 147, port: 7009, version: 3 } as const;

/** What can be asked for. */
export const PerfCommand = { send: 0, recv: 1, rpc: 3, file: 4 } as const;

/** What is measured: bytes of the request, bytes of the reply. */
export interface PerfCall {
  /** One of {@linkcode PerfCommand}, but not `file`. */
  readonly command: "send" | "recv" | "rpc";
  /** Bytes that go to the server. */
  readonly up: number;
  /** Bytes that come back. */
  readonly down: number;
}

/** The last word of each reply. */
export const COOKIE = 0x4711;
export const COOKIE_BYTES = 4;
const HEAD_WORDS = 4;
/** Size of reads and writes that is told. */
const CHUNK_BYTES = 8192;

/** The words in front of a request's own bytes. */
export function encodePerfHead({ command, up, down }: PerfCall): Uint8Array {
  const sizes = { send: [up], recv: [down], rpc: [up, down] }[command];
  const words = [PERF.version, PerfCommand[command], CHUNK_BYTES, CHUNK_BYTES, ...sizes];
  const head = new Uint8Array(4 * words.length);
  words.forEach((word, at) => writeU32(head, 4 * at, word));
  return head;
}

/** How many bytes the head has, once its first words are there; `undefined` before. A number below 0 refuses it. */
export function perfHeadBytes(bytes: Uint8Array): number | undefined {
  if (bytes.length < 8) return undefined;
  if (readU32(bytes, 0) !== PERF.version) return -1;
  switch (readU32(bytes, 4)) {
    case PerfCommand.send:
    case PerfCommand.recv:
      return 4 * (HEAD_WORDS + 1);
    case PerfCommand.rpc:
      return 4 * (HEAD_WORDS + 2);
    default:
      return -1;
  }
}

/** Reads a head that {@linkcode perfHeadBytes} has measured. */
export function decodePerfHead(bytes: Uint8Array): PerfCall {
  const first = readU32(bytes, 4 * HEAD_WORDS);
  switch (readU32(bytes, 4)) {
    case PerfCommand.send:
      return { command: "send", up: first, down: 0 };
    case PerfCommand.recv:
      return { command: "recv", up: 0, down: first };
    default:
      return { command: "rpc", up: first, down: readU32(bytes, 4 * (HEAD_WORDS + 1)) };
  }
}
