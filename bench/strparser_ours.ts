/**
 * What the strparser benchmark measures: the engine and its streams in each form in which a package is met, and the least
 * that web streams take.
 *
 * @module
 */
import type { Sink } from "../src/core/engine.ts";
import { items, through } from "../src/stream/mod.ts";
import { MessageStream, type Parser, StreamParser } from "../src/strparser/mod.ts";
import { type Count, type Found, inTransform } from "./strparser_peers.ts";

/** Nothing is too long. */
export const MOST: number = 1 << 30;
/** What an array of chunks has at least, but for one chunk. */
const CHUNK = 65536;

function raise(error: unknown): never {
  throw error;
}

/** Chunks as a web stream. */
export function sourceOf<T>(chunks: readonly T[]): ReadableStream<T> {
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
export const gathered = (parser: Parser): Count => (chunks, seen) => {
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
export const pushed = (parts: boolean) => (parser: Parser): Count => (chunks, seen) => {
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
export const piped = (parts: boolean) => (parser: Parser): Count => (chunks, seen) =>
  countPiped(sourceOf(chunks), parser, parts, seen);

async function countPiped(
  source: ReadableStream<Uint8Array | Uint8Array[]>,
  parser: Parser,
  parts: boolean,
  seen?: (message: Found) => void,
): Promise<number> {
  let count = 0;
  await source.pipeThrough(new MessageStream({ parser, parts, batch: true, maxMessageLength: MOST })).pipeTo(
    new WritableStream({
      write(batch) {
        count += batch.length;
        if (seen !== undefined) batch.forEach(seen);
      },
    }),
  );
  return count;
}

/** As {@linkcode piped}, of as many chunks as make 64 kB at a time. */
export const pipedInArrays = (parser: Parser): Count => (chunks, seen) => {
  const many = Math.floor(CHUNK / chunks[0]!.length);
  const arrays: Uint8Array[][] = [];
  for (let at = 0; at < chunks.length; at += many) arrays.push(chunks.slice(at, at + many));
  return countPiped(sourceOf(arrays), parser, false, seen);
};

/** A stage that passes on what it is given, in arrays as `MessageStream` does for small chunks, and holds nothing back. */
function passingOn(): ReadableWritablePair<Uint8Array[], Uint8Array> {
  let batch: Uint8Array[] = [], bytes = 0;
  let out!: ReadableStreamDefaultController<Uint8Array[]>;
  const flush = () => {
    out.enqueue(batch);
    batch = [];
    bytes = 0;
  };
  return {
    readable: new ReadableStream({
      start(controller) {
        out = controller;
      },
    }),
    writable: new WritableStream({
      write(chunk) {
        batch.push(chunk);
        bytes += chunk.length;
        if (bytes >= 16384) flush();
      },
      close() {
        if (bytes > 0) flush();
        out.close();
      },
    }),
  };
}

/** Web streams with that between them, and the engine at the end: less no stage can take that is piped. */
export const passedOn = (parser: Parser, parts: boolean): Count => async (chunks) => {
  let count = 0;
  const engine = new StreamParser({ parser, parts, maxMessageLength: MOST }, {
    item: () => count++,
    error: raise,
    end: () => {},
  });
  await sourceOf(chunks).pipeThrough(passingOn()).pipeTo(
    new WritableStream({
      write(batch) {
        for (const chunk of batch) engine.push(chunk, 0);
      },
    }),
  );
  engine.end(0);
  return count;
};

/** Between two streams of Node's. */
export const transformed = (parser: Parser): Count =>
  inTransform((item) => {
    const engine = new StreamParser({ parser, maxMessageLength: MOST }, { item, error: raise, end: () => {} });
    return { push: (chunk) => void engine.push(chunk, performance.now()), end: () => engine.end(0) };
  });

/** Between two web streams, a message at a time. */
export const pipedOneByOne = (parser: Parser): Count => async (chunks, seen) => {
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
export const iterated = (parts: boolean, from: (chunks: readonly Uint8Array[]) => AsyncIterable<Uint8Array>) =>
(
  parser: Parser,
): Count =>
async (chunks, seen) => {
  let count = 0;
  const batches = through(from(chunks), StreamParser.with({ parser, parts, maxMessageLength: MOST }));
  for await (const message of items(batches)) {
    count++;
    seen?.(message);
  }
  return count;
};
