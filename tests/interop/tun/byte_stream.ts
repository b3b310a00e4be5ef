/**
 * Bytes that are different everywhere, made and checked as a stream, so that a gigabyte needs no memory.
 *
 * @module
 */
import type { L3L4Socket } from "../../../src/l3l4/mod.ts";

/** A period that no buffer and no segment divides. */
const PERIOD = 1_000_003;
const CHUNK_BYTES = 65_536;

const table: Uint8Array = (() => {
  const bytes = new Uint8Array(PERIOD + CHUNK_BYTES);
  let state = 0x9e3779b9;
  for (let i = 0; i < bytes.length; i++) {
    if (i >= PERIOD) {
      bytes[i] = bytes[i - PERIOD]!;
      continue;
    }
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[i] = state;
  }
  return bytes;
})();

/** So many of the bytes that come from `at` on, at most 64 KiB. */
export function bytesAt(at: number, count: number): Uint8Array {
  const from = at % PERIOD;
  return table.subarray(from, from + Math.min(count, CHUNK_BYTES));
}

/** Counts and checks what comes. */
export class ByteCheck {
  /** Bytes so far. */
  count = 0;
  /** Where the first wrong one was, or -1. */
  wrongAt = -1;

  /** The next ones. */
  push(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length && this.wrongAt < 0;) {
      const expected = bytesAt(this.count + at, chunk.length - at);
      const actual = chunk.subarray(at, at + expected.length);
      for (let i = 0; i < expected.length; i++) {
        if (actual[i] === expected[i]) continue;
        this.wrongAt = this.count + at + i;
        break;
      }
      at += expected.length;
    }
    this.count += chunk.length;
  }
}

/** Sends so many of them on a connection of ours, and ends it. */
export async function send(socket: L3L4Socket, bytes: number): Promise<void> {
  const writer = socket.writable.getWriter();
  for (let at = 0; at < bytes;) {
    const chunk = bytesAt(at, bytes - at);
    at += chunk.length;
    await writer.write(chunk);
  }
  await writer.close();
}

/** Sends them to an echo, and checks what comes back. */
export async function echoed(socket: L3L4Socket, bytes: number): Promise<ByteCheck> {
  const check = new ByteCheck();
  const reading = (async () => {
    for await (const chunk of socket.readable) check.push(chunk);
  })();
  await send(socket, bytes);
  await reading;
  return check;
}
