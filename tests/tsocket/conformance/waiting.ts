/** Waiting for what two sockets do to each other, by events and never by time. */
import { assert, assertEquals } from "@std/assert";
import { SocketError } from "../../../src/tsocket/errors.ts";
import type { TStream } from "../../../src/tsocket/types.ts";
import { turns } from "../../support/turns.ts";
import { checkPattern } from "./bytes.ts";

/** The error that a promise must fail with: a {@linkcode SocketError} with (one of) the given codes. */
export async function fails(promise: Promise<unknown>, ...codes: readonly string[]): Promise<SocketError> {
  const error = await promise.then((value) => new Error(`it resolved with ${String(value)}`), (error) => error);
  assert(error instanceof SocketError, `expected a SocketError ${codes.join(" or ")}, got ${String(error)}`);
  assert(codes.includes(error.code), `expected ${codes.join(" or ")}, got ${error.code}: ${error.message}`);
  assert(error.message.startsWith("SocketError: "), error.message);
  return error;
}

/** What a promise must reject with. */
export function failure(promise: Promise<unknown>): Promise<unknown> {
  return promise.then((value) => {
    throw new Error(`it should have failed, but resolved with ${String(value)}`);
  }, (error) => error);
}

/** Lets the event loop turn until `isDone`; fails when that does not come. */
export async function until(isDone: () => boolean, what: string, limit = 20_000): Promise<void> {
  for (let i = 0; !isDone(); i++) {
    if (i === limit) throw new Error(`waited in vain: ${what}`);
    await turns(1);
  }
}

/**
 * Waits until `count` bytes have arrived and wait in the socket, not in the system: by reads of more than that, which
 * are cancelled and give everything back.
 */
export async function untilPending(stream: TStream, count: number): Promise<void> {
  for (let i = 0; i < 20_000; i++) {
    const controller = new AbortController();
    const read = stream.readv([new Uint8Array(count + 1)], { signal: controller.signal });
    const settled = read.then(() => "filled", (error) => error);
    await turns(1);
    controller.abort("give back");
    const reason = await settled;
    if (stream.pendingBytes >= count) return;
    if (reason !== "give back") throw new Error(`a read that only looks failed: ${String(reason)}`);
  }
  throw new Error(`${count} bytes did not arrive`);
}

/** Reads exactly `count` bytes. */
export async function take(stream: TStream, count: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(count);
  if (count > 0) assertEquals(await stream.readv([bytes]), count);
  return bytes;
}

/** Reads until the end and checks that it is the pattern; resolves with how much came. */
export async function drainPattern(stream: TStream, position = 0, chunkSize = 65536): Promise<number> {
  const chunk = new Uint8Array(chunkSize);
  let total = 0;
  for (;;) {
    const count = await stream.readSome(chunk);
    if (count === null) return total;
    assert(count > 0, "readSome brought nothing");
    checkPattern(chunk.subarray(0, count), position + total);
    total += count;
  }
}

/** Reads until the connection is over and says how: the code, `EOF` for an end in order. */
export async function drainToEnd(stream: TStream): Promise<{ total: number; code: string }> {
  const chunk = new Uint8Array(65536);
  let total = 0;
  try {
    for (;;) {
      const count = await stream.readSome(chunk);
      if (count === null) return { total, code: "EOF" };
      total += count;
    }
  } catch (error) {
    assert(error instanceof SocketError, String(error));
    return { total, code: error.code };
  }
}
