/**
 * Delineation against framing packages from npm and a loop by hand: messages of 64 B, 1 kB and 16 kB in chunks of 64 kB
 * and of 1,460 B. Then the engine by itself, see `strparser_engine.ts`.
 *
 * The goals are for Node 20, whose streams are the slowest; elsewhere the figures are reported.
 *
 * @module
 */
import type { Sink } from "../src/core/mod.ts";
import { items, through } from "../src/stream/mod.ts";
import {
  delimiter,
  lengthPrefix,
  MessageStream,
  type Parser,
  StreamParser,
  varintPrefix,
} from "../src/strparser/mod.ts";
import { type Bench, bench } from "./harness.ts";
import { measureEngine } from "./strparser_engine.ts";
import {
  byHand,
  type Count,
  frameStream,
  itLengthPrefixed,
  lengthPrefixedStream,
  split2Lines,
  stdDelimiter,
} from "./strparser_peers.ts";

const CHUNK = 65536;
const SEGMENT = 1460;
const NEWLINE = 10;

/** One way to say where a message ends. */
interface Framing {
  parser: Parser;
  /** The message with a body of `size` bytes. */
  message(size: number): Uint8Array;
}

const FOUR_BYTES: Framing = {
  parser: lengthPrefix(4),
  message(size) {
    const message = new Uint8Array(4 + size).fill(0x61);
    new DataView(message.buffer).setUint32(0, size);
    return message;
  },
};

const VARINT: Framing = {
  parser: varintPrefix({ maxPayloadBytes: 1 << 30 }),
  message(size) {
    const prefix: number[] = [];
    for (let left = size; prefix.push(left > 127 ? (left & 127) | 128 : left), left > 127;) left >>>= 7;
    return new Uint8Array([...prefix, ...new Uint8Array(size).fill(0x61)]);
  },
};

const LINES: Framing = {
  parser: delimiter("\n"),
  message: (size) => new Uint8Array(size).fill(0x61).fill(NEWLINE, size - 1),
};

interface Load {
  chunks: Uint8Array[];
  messages: number;
}

function load(framing: Framing, size: number, chunkSize: number, isQuick: boolean): Load {
  const message = framing.message(size);
  const messages = Math.floor((isQuick ? 4 << 20 : 16 << 20) / message.length);
  const bytes = new Uint8Array(messages * message.length);
  for (let at = 0; at < bytes.length; at += message.length) bytes.set(message, at);
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += chunkSize) chunks.push(bytes.subarray(at, at + chunkSize));
  return { chunks, messages };
}

function sourceOf(chunks: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  let next = 0;
  return new ReadableStream({
    pull(controller) {
      if (next < chunks.length) controller.enqueue(chunks[next++]!);
      else controller.close();
    },
  });
}

/** The engine with a view for each message and an array for each chunk. */
const engine = (parser: Parser): Count => (chunks) => {
  let count = 0;
  let batch: Uint8Array[] = [];
  const parserEngine = new StreamParser({ parser, maxMessageLength: 1 << 30 }, {
    item: (message) => batch.push(message),
    error: (error) => {
      throw error;
    },
    end: () => {},
  });
  for (const chunk of chunks) {
    parserEngine.push(chunk, 0);
    count += batch.length;
    batch = [];
  }
  parserEngine.end(0);
  return count;
};

const batches = (parser: Parser): Count => async (chunks) => {
  let count = 0;
  await sourceOf(chunks).pipeThrough(new MessageStream({ parser, batch: true, maxMessageLength: 1 << 30 })).pipeTo(
    new WritableStream({
      write(batch) {
        count += batch.length;
      },
    }),
  );
  return count;
};

const singles = (parser: Parser): Count => async (chunks) => {
  let count = 0;
  const parsed = through(sourceOf(chunks), (sink: Sink<Uint8Array>) => new StreamParser({ parser }, sink));
  for await (const _ of items(parsed)) count++;
  return count;
};

interface Contest {
  what: string;
  framing: Framing;
  ours: (parser: Parser) => Count;
  rival: string;
  theirs: Count;
  /** By size of message. */
  goals: (size: number) => number | undefined;
  chunkSizes: readonly number[];
}

const BOTH = [CHUNK, SEGMENT];
const CONTESTS: readonly Contest[] = [
  {
    what: "engine",
    framing: FOUR_BYTES,
    ours: engine,
    rival: "a loop by hand",
    theirs: byHand,
    goals: (size) => size === 64 ? 0.9 : undefined,
    chunkSizes: [CHUNK],
  },
  {
    what: "MessageStream in batches",
    framing: VARINT,
    ours: batches,
    rival: "length-prefixed-stream",
    theirs: lengthPrefixedStream,
    goals: (size) => size === 64 ? 1.5 : 1,
    chunkSizes: BOTH,
  },
  {
    what: "MessageStream in batches",
    framing: VARINT,
    ours: batches,
    rival: "it-length-prefixed",
    theirs: itLengthPrefixed,
    goals: (size) => size === 64 ? 5 : 1,
    chunkSizes: BOTH,
  },
  {
    what: "MessageStream in batches",
    framing: FOUR_BYTES,
    ours: batches,
    rival: "frame-stream",
    theirs: frameStream,
    goals: () => 1,
    chunkSizes: BOTH,
  },
  {
    what: "MessageStream in batches, lines",
    framing: LINES,
    ours: batches,
    rival: "split2",
    theirs: split2Lines,
    goals: () => 1,
    chunkSizes: BOTH,
  },
  {
    what: "MessageStream in batches, lines",
    framing: LINES,
    ours: batches,
    rival: "@std's DelimiterStream's algorithm, without a stream",
    theirs: stdDelimiter(Uint8Array.of(NEWLINE)),
    goals: () => 1,
    chunkSizes: BOTH,
  },
  {
    what: "items",
    framing: VARINT,
    ours: singles,
    rival: "it-length-prefixed",
    theirs: itLengthPrefixed,
    goals: () => 1,
    chunkSizes: [CHUNK],
  },
];

/** Messages in `chunks`; a contender that loses some must not look fast. */
async function checked(count: Count, { chunks, messages }: Load): Promise<number> {
  const counted = count(chunks);
  const found = typeof counted === "number" ? counted : await counted;
  if (found !== messages) throw new Error(`${found} messages came out, not ${messages}`);
  return messages;
}

async function measure(bench: Bench, contest: Contest, size: number, label: string): Promise<void> {
  const { what, framing, ours, rival, theirs, goals, chunkSizes } = contest;
  const count = ours(framing.parser);
  const isNode20 = bench.runtime.startsWith("node 20");
  for (const chunkSize of chunkSizes) {
    const name = `${label} in ${chunkSize === CHUNK ? "64 kB" : "1460 B"}, ${what}, against ${rival}`;
    if (!bench.isWanted(name)) continue;
    const work = load(framing, size, chunkSize, bench.isQuick);
    const goal = goals(size);
    await bench.figure({
      name,
      unit: "messages/s",
      run: () => checked(count, work),
      baseline: { name: rival, run: () => checked(theirs, work) },
      goal: goal === undefined || !isNode20 ? undefined : { ratio: goal },
    });
  }
}

await bench("strparser", async (bench) => {
  for (const [label, size] of [["64 B", 64], ["1 kB", 1024], ["16 kB", 16384]] as const) {
    for (const contest of CONTESTS) await measure(bench, contest, size, label);
  }
  await measureEngine(bench);
});
