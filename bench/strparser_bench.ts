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
 * - "MessageStream": the stage between two web streams, against @std's `DelimiterStream`, which is one, and against the
 *   packages in all of the forms above. On Node 20 a web stream that is piped into another takes 1.7 us for each chunk
 *   with no stage in between; `length-prefixed-stream` takes 1.1 us for a chunk of 1,460 B of a long message, so some of
 *   these goals cannot be met there by anything that is a web stream. They stand all the same.
 * - "a web stream straight into the engine": how far that goes, in the same run. One stream, piped into a
 *   `WritableStream` that pushes the engine, and nothing that could be read: what `MessageStream` is at least.
 *
 * Before time is taken, the messages of either side are compared with what they must be.
 *
 * The goals are for Node 20, whose streams are the slowest; elsewhere the figures are reported.
 *
 * @module
 */
import type { Sink } from "../src/core/engine.ts";
import { items, through } from "../src/stream/mod.ts";
import {
  delimiter,
  lengthPrefix,
  MessageStream,
  type Parser,
  StreamParser,
  varintPrefix,
  varintPrefixEncoder,
} from "../src/strparser/mod.ts";
import { type Bench, bench } from "./harness.ts";
import { measureEngine } from "./strparser_engine.ts";
import {
  byHand,
  type Count,
  type Found,
  frameStream,
  iterated as iteratedChunks,
  itLengthPrefixed,
  itLengthPrefixedAtOnce,
  lengthPrefixedStream,
  lengthPrefixedStreamPiped,
  split2Lines,
  stdDelimiter,
  stdDelimiterPiped,
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

function sourceOf(chunks: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  let next = 0;
  return new ReadableStream({
    pull(controller) {
      if (next < chunks.length) controller.enqueue(chunks[next++]!);
      else controller.close();
    },
  });
}

/** Messages of one chunk, in an array that has room for as many as the last chunk had: what `through` does. */
class Batch implements Sink<Uint8Array> {
  items: Uint8Array[] = [];
  count = 0;

  item(message: Uint8Array): void {
    this.items[this.count++] = message;
  }

  take(): Uint8Array[] {
    const { items, count } = this;
    items.length = count;
    this.items = new Array(count);
    this.count = 0;
    return items;
  }

  error(error: unknown): never {
    throw error;
  }

  end(): void {}
}

/** The engine with a view for each message and an array for each chunk, as the loops by hand have them. */
const gathered = (parser: Parser): Count => (chunks, seen) => {
  let count = 0;
  const batch = new Batch();
  const engine = new StreamParser({ parser, maxMessageLength: MOST }, batch);
  for (const chunk of chunks) {
    engine.push(chunk, 0);
    const messages = batch.take();
    count += messages.length;
    if (seen !== undefined) messages.forEach(seen);
  }
  engine.end(0);
  return count;
};

/** A call for each chunk in, a call for each message out, as with `write` and the event `data`. */
const pushed = (parts: boolean) => (parser: Parser): Count => (chunks, seen) => {
  let count = 0;
  const item = () => count++;
  const engine = new StreamParser({ parser, parts, maxMessageLength: MOST }, {
    item: seen === undefined ? item : (message) => {
      item();
      seen(message);
    },
    error: raise,
    end: () => {},
  });
  for (const chunk of chunks) engine.push(chunk, performance.now());
  engine.end(0);
  return count;
};

/** Between two web streams, an array of messages for each chunk. */
const piped = (parser: Parser): Count => async (chunks, seen) => {
  let count = 0;
  await sourceOf(chunks).pipeThrough(new MessageStream({ parser, batch: true, maxMessageLength: MOST })).pipeTo(
    new WritableStream({
      write(batch) {
        count += batch.length;
        if (seen !== undefined) batch.forEach(seen);
      },
    }),
  );
  return count;
};

/** A web stream that is piped into the engine, with no stream behind it: less no stage can be. */
const straight = (parser: Parser): Count => async (chunks, seen) => {
  let count = 0;
  const engine = new StreamParser({ parser, maxMessageLength: MOST }, {
    item(message) {
      count++;
      seen?.(message);
    },
    error: raise,
    end: () => {},
  });
  await sourceOf(chunks).pipeTo(
    new WritableStream({
      write(chunk) {
        engine.push(chunk, performance.now());
      },
    }),
  );
  engine.end(0);
  return count;
};

/** Between two web streams, a message at a time. */
const pipedOneByOne = (parser: Parser): Count => async (chunks, seen) => {
  let count = 0;
  await sourceOf(chunks).pipeThrough(new MessageStream({ parser, maxMessageLength: MOST })).pipeTo(
    new WritableStream({
      write(message) {
        count++;
        seen?.(message);
      },
    }),
  );
  return count;
};

/** From an async iterable, a message at a time by `for await`. */
const iterated = (parts: boolean) => (parser: Parser): Count => async (chunks, seen) => {
  let count = 0;
  const batches = through(iteratedChunks(chunks), StreamParser.with({ parser, parts, maxMessageLength: MOST }));
  for await (const message of items(batches)) {
    count++;
    seen?.(message);
  }
  return count;
};

interface Contest {
  what: string;
  framing: Framing;
  ours: (parser: Parser) => Count;
  rival: string;
  /** A number is that of messages per second which are to be reached. */
  theirs: Count | number;
  /** By size of message and of chunk. */
  goals: (size: number, chunkSize: number) => number | undefined;
  chunkSizes: readonly number[];
}

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
    what: "iterated, in one piece",
    framing: VARINT,
    ours: iterated(false),
    rival: "what it must make",
    theirs: 8e6,
    goals: forSmall(1),
    chunkSizes: [CHUNK],
  },
  {
    what: "MessageStream in batches",
    framing: VARINT,
    ours: piped,
    rival: "what it must make",
    theirs: 20e6,
    goals: forSmall(1),
    chunkSizes: [CHUNK],
  },
  {
    what: "MessageStream in batches",
    framing: VARINT,
    ours: piped,
    rival: "length-prefixed-stream",
    theirs: lengthPrefixedStream,
    goals: forSmall(1.5, 1),
    chunkSizes: BOTH,
  },
  {
    what: "MessageStream in batches",
    framing: VARINT,
    ours: piped,
    rival: "length-prefixed-stream, piped",
    theirs: lengthPrefixedStreamPiped,
    goals: atLeastAsFast,
    chunkSizes: BOTH,
  },
  ...[["length-prefixed-stream", lengthPrefixedStream], ["length-prefixed-stream, piped", lengthPrefixedStreamPiped]]
    .map(
      ([rival, theirs]) => ({
        what: "a web stream straight into the engine",
        framing: VARINT,
        ours: straight,
        rival: rival as string,
        theirs: theirs as Count,
        goals: () => undefined,
        chunkSizes: BOTH,
      }),
    ),
  {
    what: "MessageStream in batches",
    framing: VARINT,
    ours: piped,
    rival: "it-length-prefixed",
    theirs: itLengthPrefixed,
    goals: forSmall(5, 1),
    chunkSizes: BOTH,
  },
  {
    what: "MessageStream in batches, lines",
    framing: LINES,
    ours: piped,
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

async function measure(bench: Bench, contest: Contest, size: number, label: string): Promise<void> {
  const { what, framing, ours, rival, theirs, goals, chunkSizes } = contest;
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
      baseline: {
        name: rival,
        run: () => typeof theirs === "number" ? { amount: theirs, ms: 1000 } : counted(theirs, work),
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
