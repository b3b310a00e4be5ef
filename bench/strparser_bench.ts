/**
 * Delineation against framing packages from npm and a loop by hand: messages of 64 B, 1 kB and 16 kB in chunks of 64 kB
 * and of 1,460 B. Then the engine by itself, see `strparser_engine.ts`.
 *
 * Each package is met in the form that its user would otherwise use here, so that input and output cost both the same:
 *
 * - "pushed": the packages on Node streams are written to in a loop that does not wait, and answer with `data` events at
 *   once: calls in, calls out, no promise, no queue in use. So is `StreamParser`, which is told the time with each chunk
 *   as a socket's `data` handler would. All put together what a chunk's end has cut. `it-length-prefixed` is met here,
 *   too, as it is over chunks that are at hand; it gives lists of views, so here it is met with `parts`.
 * - "iterated": `it-length-prefixed` turns an async iterable of chunks into one of messages, which are lists of views of
 *   the chunks and never copied. Against it `items(through(chunks, ...))` over the same source, a message at a time, with
 *   `parts`, which gives lists of views as well; also in one piece, a copy more than theirs, which has no goal.
 * - "in a Transform": the engine between two streams of Node's, against packages between two of Node's.
 * - "MessageStream": the stage between two web streams, against @std's `DelimiterStream`, which is one, and
 *   `length-prefixed-stream` between two web streams; and, across forms, against the packages in all of the forms above.
 *   Across forms the goals stand as well, but on Node 20 a web stream that is piped into another takes 1.7 us for each
 *   chunk with no stage in between, and `length-prefixed-stream` 0.8 us for all it does with a chunk of 1,460 B of a long
 *   message. So these figures are measured beside their limit, "a web stream that passes on": one pipe in, one out, and
 *   in between a stage that does nothing, not even hold back, and what the engine takes for the same chunks. Where that
 *   does not reach the goal either, the figure says by how much, and how much of it `MessageStream` makes.
 * - "in arrays": `MessageStream` is handed 64 kB of small chunks at a time, as its `writable` takes them.
 *
 * Before time is taken, the messages of either side are compared with what they must be.
 *
 * The goals are for Node 20, whose streams are the slowest; elsewhere the figures are reported.
 *
 * @module
 */
import { delimiter, lengthPrefix, type Parser, varintPrefix, varintPrefixEncoder } from "../src/strparser/mod.ts";
import { type Bench, bench } from "./harness.ts";
import { measureEngine } from "./strparser_engine.ts";
import {
  gathered,
  iterated,
  MOST,
  passedOn,
  piped,
  pipedInArrays,
  pipedOneByOne,
  pushed,
  sourceOf,
  transformed,
} from "./strparser_ours.ts";
import {
  byHand,
  type Count,
  type Found,
  frameStream,
  iterated as iteratedChunks,
  itLengthPrefixed,
  itLengthPrefixedAtOnce,
  itLengthPrefixedOfStream,
  lengthPrefixedStream,
  lengthPrefixedStreamAsWeb,
  lengthPrefixedStreamPiped,
  split2Lines,
  stdDelimiter,
  stdDelimiterPiped,
} from "./strparser_peers.ts";

const CHUNK = 65536;
const SEGMENT = 1460;
const NEWLINE = 10;

/** One way to say where a message ends. */
interface Framing {
  parser: Parser;
  /** What is around a body of `size` bytes: in front of it, and behind. */
  around(size: number): readonly [prefix: Uint8Array, suffix: Uint8Array];
}

const NOTHING = new Uint8Array(0);

const FOUR_BYTES: Framing = {
  parser: lengthPrefix(4),
  around(size) {
    const prefix = new Uint8Array(4);
    new DataView(prefix.buffer).setUint32(0, size);
    return [prefix, NOTHING];
  },
};

const VARINT: Framing = {
  parser: varintPrefix({ maxPayloadBytes: MOST }),
  around: (size) => [varintPrefixEncoder().encode(new Uint8Array(size))[0]!, NOTHING],
};

const LINES: Framing = {
  parser: delimiter("\n"),
  // the size of a line is with its end
  around: () => [NOTHING, Uint8Array.of(NEWLINE)],
};

interface Load {
  chunks: Uint8Array[];
  messages: number;
  /** Whether this is the message of that number, with or without its framing. */
  isRight(index: number, message: Uint8Array): boolean;
}

/** What one round has, so that making streams is a small part of it, and what is compared message by message. */
const LOAD = 16 << 20;
const CHECKED = 2 << 20;

function load(framing: Framing, size: number, chunkSize: number, total: number): Load {
  const [prefix, suffix] = framing.around(size);
  const bodyLength = size - suffix.length;
  const length = prefix.length + size;
  const messages = Math.floor(total / length);
  const bytes = new Uint8Array(messages * length);
  for (let i = 0; i < messages; i++) {
    const at = i * length;
    bytes.set(prefix, at);
    // letters, another one for each message
    bytes.fill(0x61 + i % 26, at + prefix.length, at + prefix.length + bodyLength);
    bytes.set(suffix, at + prefix.length + bodyLength);
  }
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += chunkSize) chunks.push(bytes.subarray(at, at + chunkSize));
  const isRight = (index: number, message: Uint8Array): boolean => {
    const whole = bytes.subarray(index * length, (index + 1) * length);
    const body = whole.subarray(prefix.length, prefix.length + bodyLength);
    return Buffer.compare(message, message.length === length ? whole : body) === 0;
  };
  return { chunks, messages, isRight };
}

interface Contest {
  what: string;
  framing: Framing;
  ours: (parser: Parser) => Count;
  rival: string;
  /** A number is that of messages per second which are to be reached on a quiet machine. */
  theirs: Count | number;
  /** By size of message and of chunk. */
  goals: (size: number, chunkSize: number) => number | undefined;
  /** What is measured beside it, if the rival is met in a form that costs less than that of ours. */
  limit?: (parser: Parser) => Count;
  chunkSizes: readonly number[];
}

/**
 * What a loop by hand makes of 64 B in 64 kB on the machine that numbers of messages per second were set on, on Node 20 and
 * when that is quiet. On a busy or a slower one they are scaled by what it makes in the same run.
 */
const QUIET_LOOP = 38e6;
const BOTH = [CHUNK, SEGMENT];
const atLeastAsFast = () => 1;
/** For small messages in large chunks a goal of their own, and another or none for all else. */
const forSmall = (goal: number | undefined, otherwise?: number) => (size: number, chunkSize: number) =>
  size === 64 && chunkSize === CHUNK ? goal : otherwise;

const CONTESTS: readonly Contest[] = [
  {
    what: "engine",
    framing: FOUR_BYTES,
    ours: gathered,
    rival: "a loop by hand",
    theirs: byHand(false),
    goals: forSmall(0.9),
    chunkSizes: [CHUNK],
  },
  {
    what: "engine",
    framing: FOUR_BYTES,
    ours: gathered,
    rival: "a loop by hand that makes room for its views",
    theirs: byHand(true),
    goals: forSmall(0.9),
    chunkSizes: [CHUNK],
  },
  {
    what: "pushed",
    framing: VARINT,
    ours: pushed(false),
    rival: "length-prefixed-stream",
    theirs: lengthPrefixedStream,
    goals: atLeastAsFast,
    chunkSizes: BOTH,
  },
  {
    what: "pushed",
    framing: FOUR_BYTES,
    ours: pushed(false),
    rival: "frame-stream",
    theirs: frameStream,
    goals: atLeastAsFast,
    chunkSizes: BOTH,
  },
  {
    what: "pushed, lines",
    framing: LINES,
    ours: pushed(false),
    rival: "split2",
    theirs: split2Lines,
    goals: atLeastAsFast,
    chunkSizes: BOTH,
  },
  {
    what: "pushed, lines",
    framing: LINES,
    ours: pushed(false),
    rival: "@std's DelimiterStream's algorithm, without a stream",
    theirs: stdDelimiter(Uint8Array.of(NEWLINE)),
    goals: atLeastAsFast,
    chunkSizes: BOTH,
  },
  {
    what: "pushed, in parts",
    framing: VARINT,
    ours: pushed(true),
    rival: "it-length-prefixed at once",
    theirs: itLengthPrefixedAtOnce,
    goals: atLeastAsFast,
    chunkSizes: BOTH,
  },
  {
    what: "iterated, in parts",
    framing: VARINT,
    ours: iterated(true, iteratedChunks),
    rival: "it-length-prefixed",
    theirs: itLengthPrefixed,
    goals: atLeastAsFast,
    chunkSizes: BOTH,
  },
  {
    what: "iterated, in one piece",
    framing: VARINT,
    ours: iterated(false, iteratedChunks),
    rival: "it-length-prefixed",
    theirs: itLengthPrefixed,
    goals: () => undefined,
    chunkSizes: BOTH,
  },
  {
    what: "iterated, in one piece",
    framing: VARINT,
    ours: iterated(false, iteratedChunks),
    rival: "what it must make, scaled by a loop by hand",
    theirs: 8e6,
    goals: forSmall(1),
    chunkSizes: [CHUNK],
  },
  {
    what: "MessageStream in batches",
    framing: VARINT,
    ours: piped(false),
    rival: "what it must make, scaled by a loop by hand",
    theirs: 20e6,
    goals: forSmall(1),
    chunkSizes: [CHUNK],
  },
  {
    what: "MessageStream in batches",
    framing: VARINT,
    ours: piped(false),
    rival: "length-prefixed-stream",
    theirs: lengthPrefixedStream,
    goals: forSmall(1.5, 1),
    limit: (parser) => passedOn(parser, false),
    chunkSizes: BOTH,
  },
  {
    what: "MessageStream in batches",
    framing: VARINT,
    ours: piped(false),
    rival: "length-prefixed-stream, piped",
    theirs: lengthPrefixedStreamPiped,
    goals: atLeastAsFast,
    limit: (parser) => passedOn(parser, false),
    chunkSizes: BOTH,
  },
  {
    what: "MessageStream in batches",
    framing: VARINT,
    ours: piped(false),
    rival: "it-length-prefixed",
    theirs: itLengthPrefixed,
    goals: forSmall(5, 1),
    limit: (parser) => passedOn(parser, false),
    chunkSizes: BOTH,
  },
  {
    what: "MessageStream in batches, in parts",
    framing: VARINT,
    ours: piped(true),
    rival: "it-length-prefixed",
    theirs: itLengthPrefixed,
    goals: atLeastAsFast,
    limit: (parser) => passedOn(parser, true),
    chunkSizes: BOTH,
  },
  {
    what: "MessageStream in batches",
    framing: VARINT,
    ours: piped(false),
    rival: "length-prefixed-stream between web streams",
    theirs: lengthPrefixedStreamAsWeb,
    goals: atLeastAsFast,
    chunkSizes: BOTH,
  },
  {
    what: "MessageStream in batches, in arrays",
    framing: VARINT,
    ours: pipedInArrays,
    rival: "length-prefixed-stream",
    theirs: lengthPrefixedStream,
    goals: atLeastAsFast,
    chunkSizes: [SEGMENT],
  },
  {
    what: "in a Transform",
    framing: VARINT,
    ours: transformed,
    rival: "length-prefixed-stream, piped",
    theirs: lengthPrefixedStreamPiped,
    goals: atLeastAsFast,
    chunkSizes: BOTH,
  },
  {
    what: "iterated, in parts, of a web stream",
    framing: VARINT,
    ours: iterated(true, sourceOf),
    rival: "it-length-prefixed of a web stream",
    theirs: itLengthPrefixedOfStream(sourceOf),
    goals: atLeastAsFast,
    chunkSizes: BOTH,
  },
  {
    what: "MessageStream in batches, lines",
    framing: LINES,
    ours: piped(false),
    rival: "@std's DelimiterStream",
    theirs: stdDelimiterPiped(Uint8Array.of(NEWLINE), sourceOf),
    goals: atLeastAsFast,
    chunkSizes: BOTH,
  },
  {
    what: "MessageStream one by one, lines",
    framing: LINES,
    ours: pipedOneByOne,
    rival: "@std's DelimiterStream",
    theirs: stdDelimiterPiped(Uint8Array.of(NEWLINE), sourceOf),
    goals: atLeastAsFast,
    chunkSizes: BOTH,
  },
];

/** Messages in `chunks`; a contender that loses some must not look fast. */
async function counted(count: Count, { chunks, messages }: Load): Promise<number> {
  const result = count(chunks);
  const found = typeof result === "number" ? result : await result;
  if (found !== messages) throw new Error(`${found} messages came out, not ${messages}`);
  return messages;
}

/** Compares every message. */
async function check(who: string, count: Count, { chunks, messages, isRight }: Load): Promise<void> {
  let index = 0;
  await count(chunks, (message) => {
    if (!isRight(index, bytesOf(message))) throw new Error(`${who}: message ${index} is wrong`);
    index++;
  });
  if (index !== messages) throw new Error(`${who}: ${index} messages came out, not ${messages}`);
}

function bytesOf(message: Found): Uint8Array {
  if (typeof message === "string") return Buffer.from(message);
  if (message instanceof Uint8Array) return message;
  return "toUint8Array" in message ? message.toUint8Array() : message.subarray();
}

/** So many messages per second where a loop by hand makes what it does on a quiet machine. */
function scaled(perSecond: number): () => Promise<number> {
  const work = load(FOUR_BYTES, 64, CHUNK, LOAD);
  return async () => await counted(byHand(false), work) * perSecond / QUIET_LOOP;
}

async function measure(bench: Bench, contest: Contest, size: number, label: string): Promise<void> {
  const { what, framing, ours, rival, theirs, goals, limit, chunkSizes } = contest;
  const count = ours(framing.parser);
  const isNode20 = bench.runtime.startsWith("node 20");
  for (const chunkSize of chunkSizes) {
    const name = `${label} in ${chunkSize === CHUNK ? "64 kB" : "1460 B"}, ${what}, against ${rival}`;
    const goal = goals(size, chunkSize);
    if (!bench.isWanted(name) || (typeof theirs === "number" && goal === undefined)) continue;
    const sample = load(framing, size, chunkSize, CHECKED);
    await check(what, count, sample);
    if (typeof theirs !== "number") await check(rival, theirs, sample);
    const work = load(framing, size, chunkSize, LOAD);
    await bench.figure({
      name,
      unit: "messages/s",
      run: () => counted(count, work),
      baseline: { name: rival, run: typeof theirs === "number" ? scaled(theirs) : () => counted(theirs, work) },
      whenQuiet: typeof theirs === "number" ? theirs : undefined,
      limit: limit && {
        name: "a web stream that passes on",
        run: () => counted(limit(framing.parser), work),
      },
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
