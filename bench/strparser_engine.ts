/**
 * The engine of `strparser` by itself: a long message in pieces of every size, and small messages under each option,
 * beside the same without it.
 *
 * That time is linear shows in the first figures: one message of 16 MB in pieces of one byte, 64 B and 16 kB, beside one
 * of half the length. A quadratic engine would have a ratio of 0.5.
 *
 * @module
 */
import { lengthPrefix, MessageBudget, StreamParser, type StreamParserOptions } from "../src/strparser/mod.ts";
import type { Bench } from "./harness.ts";

const LONG = 1 << 24;
const HEADER = 4;
const SMALL = 64;
const CHUNK = 65536;

/** One message of `length` bytes. */
function messageOf(length: number): Uint8Array {
  const message = new Uint8Array(length);
  new DataView(message.buffer).setUint32(0, length - HEADER);
  return message;
}

/** Views made on the way: sixteen million of them at once would be two gigabytes. */
function* piecesOf(message: Uint8Array, pieceLength: number): Generator<Uint8Array> {
  for (let at = 0; at < message.length; at += pieceLength) yield message.subarray(at, at + pieceLength);
}

/** Small messages, cut into chunks without regard to their borders. */
function smallMessages(isQuick: boolean): { chunks: Uint8Array[]; count: number } {
  const count = Math.floor((isQuick ? 4 << 20 : 16 << 20) / (SMALL + HEADER));
  const bytes = new Uint8Array(count * (SMALL + HEADER));
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < bytes.length; at += SMALL + HEADER) view.setUint32(at, SMALL);
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += CHUNK) chunks.push(bytes.subarray(at, at + CHUNK));
  return { chunks, count };
}

/** Runs chunks through an engine; returns how many messages came. */
function messagesIn(chunks: Iterable<Uint8Array>, options: Partial<StreamParserOptions<boolean>>): number {
  let batch: unknown[] = [];
  let count = 0;
  const engine = new StreamParser({ parser: lengthPrefix(4), maxMessageLength: LONG, ...options }, {
    item: (message) => batch.push(message),
    error: (error) => {
      throw error;
    },
    end: () => {},
  });
  let now = 0;
  for (const chunk of chunks) {
    engine.push(chunk, now++);
    count += batch.length;
    batch = [];
  }
  engine.end(now);
  return count;
}

async function measureLong(bench: Bench): Promise<void> {
  const whole = messageOf(LONG);
  const half = messageOf(LONG / 2);
  for (const [label, pieceLength] of [["1 byte", 1], ["64 B", 64], ["16 kB", 16384]] as const) {
    for (const [suffix, options] of [["", {}], [", in parts", { parts: true }]] as const) {
      const run = (message: Uint8Array) => () => {
        if (messagesIn(piecesOf(message, pieceLength), options) !== 1) throw new Error("not one message");
        return message.length;
      };
      await bench.figure({
        name: `one message of 16 MB in pieces of ${label}${suffix}`,
        unit: "B/s",
        run: run(whole),
        baseline: { name: "one of 8 MB", run: run(half) },
        // at most 2.3 times the time for twice the size; with large pieces it is the allocator that is measured
        goal: pieceLength < 1000 ? { ratio: 2 / 2.3 } : undefined,
        repetitions: pieceLength === 1 ? 3 : undefined,
      });
    }
  }
}

async function measureOptions(bench: Bench): Promise<void> {
  const { chunks, count } = smallMessages(bench.isQuick);
  const variants: readonly (readonly [string, Partial<StreamParserOptions<boolean>>])[] = [
    ["deadlines and a budget", { messageTimeoutMs: 1e9, idleTimeoutMs: 1e9, budget: new MessageBudget(1 << 30) }],
    ["oversize: discard", { oversize: "discard" }],
    ["copyThreshold 256", { copyThreshold: 256 }],
    ["parts", { parts: true }],
  ];
  for (const [name, options] of variants) {
    const run = (more: Partial<StreamParserOptions<boolean>>) => () => {
      if (messagesIn(chunks, more) !== count) throw new Error("messages were lost");
      return count;
    };
    await bench.figure({
      name: `64 B, ${name}`,
      unit: "messages/s",
      run: run(options),
      baseline: { name: "without", run: run({}) },
      goal: name.startsWith("deadlines") || name.startsWith("oversize") ? { ratio: 0.9 } : undefined,
    });
  }
}

/** Measures all of that. */
export async function measureEngine(bench: Bench): Promise<void> {
  await measureLong(bench);
  await measureOptions(bench);
}
