/**
 * Delineation against framing packages from npm and a loop by hand: messages of 64 B, 1 kB and 16 kB in chunks of 64 kB
 * and of 1,460 B. Then the engine by itself, see `strparser_engine.ts`.
 *
 * Each package is met in the form that its user would otherwise use here, so that input and output cost both the same:
 *
 * - "pushed": the packages on Node streams are written to in a loop that does not wait, and answer with `data` events at
 *   once: calls in, calls out, no promise, no queue in use. So is `StreamParser`, which is told the time with each chunk
 *   as a socket's `data` handler would. All put together what a chunk's end has cut.
 * - "iterated": `it-length-prefixed` turns an async iterable of chunks into one of messages, which are lists of views of
 *   the chunks and never copied. Against it `items(through(chunks, ...))` over the same source, a message at a time, with
 *   `parts`, which gives lists of views as well; also in one piece, a copy more than theirs, which has no goal.
 * - "MessageStream": the stage between two web streams, with arrays of messages. It has its goals with small messages in
 *   large chunks, even against what is pushed; elsewhere a web stream's 2 to 3 us a chunk are what is measured on Node 20,
 *   which is reported, and also against a package piped between two Node streams.
 *
 * The goals are for Node 20, whose streams are the slowest; elsewhere the figures are reported.
 *
 * @module
 */
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
  iterated as iteratedChunks,
  itLengthPrefixed,
  lengthPrefixedStream,
  lengthPrefixedStreamPiped,
  split2Lines,
  stdDelimiter,
} from "./strparser_peers.ts";

const CHUNK = 65536;
const SEGMENT = 1460;
const NEWLINE = 10;
/** Nothing is too long. */
const MOST = 1 << 30;

function raise(error: unknown): never {
  throw error;
}

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
  parser: varintPrefix({ maxPayloadBytes: MOST }),
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

/** The engine with a view for each message and an array for each chunk, as the loop by hand has them. */
const gathered = (parser: Parser): Count => (chunks) => {
  let count = 0;
  let batch: Uint8Array[] = [];
  const engine = new StreamParser({ parser, maxMessageLength: MOST }, {
    item: (message) => batch.push(message),
    error: raise,
    end: () => {},
  });
  for (const chunk of chunks) {
    engine.push(chunk, 0);
    count += batch.length;
    batch = [];
  }
  engine.end(0);
  return count;
};

/** A call for each chunk in, a call for each message out, as with `write` and the event `data`. */
const pushed = (parser: Parser): Count => (chunks) => {
  let count = 0;
  const engine = new StreamParser({ parser, maxMessageLength: MOST }, {
    item: () => count++,
    error: raise,
    end: () => {},
  });
  for (const chunk of chunks) engine.push(chunk, performance.now());
  engine.end(0);
  return count;
};

/** Between two web streams, an array of messages for each chunk. */
const piped = (parser: Parser): Count => async (chunks) => {
  let count = 0;
  await sourceOf(chunks).pipeThrough(new MessageStream({ parser, batch: true, maxMessageLength: MOST })).pipeTo(
    new WritableStream({
      write(batch) {
        count += batch.length;
      },
    }),
  );
  return count;
};

/** From an async iterable, a message at a time by `for await`. */
const iterated = (parts: boolean) => (parser: Parser): Count => async (chunks) => {
  let count = 0;
  const batches = through(iteratedChunks(chunks), StreamParser.with({ parser, parts, maxMessageLength: MOST }));
  for await (const _ of items(batches)) count++;
  return count;
};

interface Contest {
  what: string;
  framing: Framing;
  ours: (parser: Parser) => Count;
  rival: string;
  theirs: Count;
  /** By size of message and of chunk. */
  goals: (size: number, chunkSize: number) => number | undefined;
  chunkSizes: readonly number[];
}

const BOTH = [CHUNK, SEGMENT];
const atLeastAsFast = () => 1;
const forSmall = (goal: number) => (size: number, chunkSize: number) =>
  size === 64 && chunkSize === CHUNK ? goal : undefined;

const CONTESTS: readonly Contest[] = [
  {
    what: "engine",
    framing: FOUR_BYTES,
    ours: gathered,
    rival: "a loop by hand",
    theirs: byHand,
    goals: forSmall(0.9),
    chunkSizes: [CHUNK],
  },
  {
    what: "pushed",
    framing: VARINT,
    ours: pushed,
    rival: "length-prefixed-stream",
    theirs: lengthPrefixedStream,
    goals: atLeastAsFast,
    chunkSizes: BOTH,
  },
  {
    what: "pushed",
    framing: FOUR_BYTES,
    ours: pushed,
    rival: "frame-stream",
    theirs: frameStream,
    goals: atLeastAsFast,
    chunkSizes: BOTH,
  },
  {
    what: "pushed, lines",
    framing: LINES,
    ours: pushed,
    rival: "split2",
    theirs: split2Lines,
    goals: atLeastAsFast,
    chunkSizes: BOTH,
  },
  {
    what: "pushed, lines",
    framing: LINES,
    ours: pushed,
    rival: "@std's DelimiterStream's algorithm, without a stream",
    theirs: stdDelimiter(Uint8Array.of(NEWLINE)),
    goals: atLeastAsFast,
    chunkSizes: BOTH,
  },
  {
    what: "iterated, in parts",
    framing: VARINT,
    ours: iterated(true),
    rival: "it-length-prefixed",
    theirs: itLengthPrefixed,
    goals: atLeastAsFast,
    chunkSizes: BOTH,
  },
  {
    what: "iterated, in one piece",
    framing: VARINT,
    ours: iterated(false),
    rival: "it-length-prefixed",
    theirs: itLengthPrefixed,
    goals: () => undefined,
    chunkSizes: BOTH,
  },
  {
    what: "MessageStream in batches",
    framing: VARINT,
    ours: piped,
    rival: "length-prefixed-stream",
    theirs: lengthPrefixedStream,
    goals: forSmall(1.5),
    chunkSizes: BOTH,
  },
  {
    what: "MessageStream in batches",
    framing: VARINT,
    ours: piped,
    rival: "length-prefixed-stream, piped",
    theirs: lengthPrefixedStreamPiped,
    goals: () => undefined,
    chunkSizes: BOTH,
  },
  {
    what: "MessageStream in batches",
    framing: VARINT,
    ours: piped,
    rival: "it-length-prefixed",
    theirs: itLengthPrefixed,
    goals: forSmall(5),
    chunkSizes: BOTH,
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
    const goal = goals(size, chunkSize);
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
