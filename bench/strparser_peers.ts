/**
 * What the strparser benchmark compares with: framing packages from npm, each driven in its own best way, and by hand.
 *
 * @module
 */
import { Duplex, Readable, Transform, Writable } from "node:stream";
import frame from "frame-stream";
import { decode as itDecode } from "it-length-prefixed";
import lpstream from "length-prefixed-stream";
import split2 from "split2";

/** A message as a contender gives it: bytes, text, or a list that can put its bytes together. */
export type Found = Uint8Array | string | { toUint8Array(): Uint8Array } | { subarray(): Uint8Array };

/** Counts the messages in the chunks; shows each to `seen` where it is asked to, which is not while time is taken. */
export type Count = (chunks: readonly Uint8Array[], seen?: (message: Found) => void) => number | Promise<number>;

/** A Node stream as these packages make it. */
interface NodeStream {
  on(event: string, listener: (data: Uint8Array) => void): unknown;
  write(chunk: Uint8Array): boolean;
  end(): void;
}

/** Writes the chunks without waiting: the packages answer with events at once, and nothing is held up. */
const counted = (make: () => NodeStream): Count => (chunks, seen) =>
  new Promise((resolve, reject) => {
    let count = 0;
    const stream = make();
    stream.on("data", () => count++);
    if (seen !== undefined) stream.on("data", seen);
    stream.on("end", () => resolve(count));
    stream.on("error", reject);
    for (const chunk of chunks) stream.write(bufferOf(chunk));
    stream.end();
  });

/** A chunk as Node's own sources give it. */
function bufferOf(chunk: Uint8Array): Buffer {
  return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
}

/** From a stream that is read, through the package, into a stream that is written to, as `pipe` joins them. */
const piped = (make: () => NodeJS.ReadWriteStream): Count => (chunks, seen) => {
  let next = 0, count = 0;
  const source = new Readable({
    read() {
      this.push(next < chunks.length ? bufferOf(chunks[next++]!) : null);
    },
  });
  return new Promise((resolve, reject) => {
    const target = new Writable({
      write(message, _encoding, done) {
        count++;
        seen?.(message);
        done();
      },
    });
    target.on("finish", () => resolve(count)).on("error", reject);
    source.pipe(make().on("error", reject)).pipe(target);
  });
};

/** Between two web streams, as Node turns one of its own into a pair of them. */
const pipedAsWeb = (make: () => unknown): Count => async (chunks, seen) => {
  let next = 0, count = 0;
  const source = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (next < chunks.length) controller.enqueue(chunks[next++]!);
      else controller.close();
    },
  });
  const stage = Duplex.toWeb(make() as Duplex) as ReadableWritablePair<Uint8Array, Uint8Array>;
  await source.pipeThrough(stage).pipeTo(
    new WritableStream({
      write(message) {
        count++;
        seen?.(message);
      },
    }),
  );
  return count;
};

/**
 * An engine that calls `item` for each message, in a `Transform` between two streams of Node's. It has room for as many
 * messages of 64 B as the 16 KiB that the packages' streams have.
 */
export const inTransform = (
  make: (item: (message: Found) => void) => { push(chunk: Uint8Array): void; end(): void },
): Count =>
  piped(() => {
    const engine = make((message) => transform.push(message));
    const transform: Transform = new Transform({
      readableObjectMode: true,
      readableHighWaterMark: 256,
      transform(chunk, _encoding, done) {
        engine.push(chunk);
        done();
      },
      flush(done) {
        engine.end();
        done();
      },
    });
    return transform;
  });

const WIDE = { maxDataLength: 1 << 30, maxLengthLength: 10 };

/** Chunks as an async iterable: the source of both sides where both are iterated. */
export async function* iterated(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

/** `it-length-prefixed` over an async iterable, varints. */
export const itLengthPrefixed: Count = async (chunks, seen) => {
  let count = 0;
  for await (const message of itDecode(iterated(chunks), WIDE)) {
    count++;
    seen?.(message);
  }
  return count;
};

/** The same over a web stream, which is an async iterable, too. */
export const itLengthPrefixedOfStream =
  (from: (chunks: readonly Uint8Array[]) => ReadableStream<Uint8Array>): Count => async (chunks, seen) => {
    let count = 0;
    for await (const message of itDecode(from(chunks) as unknown as AsyncIterable<Uint8Array>, WIDE)) {
      count++;
      seen?.(message);
    }
    return count;
  };

/** The same over an iterable that is at hand, without a promise. */
export const itLengthPrefixedAtOnce: Count = (chunks, seen) => {
  let count = 0;
  for (const message of itDecode(chunks, WIDE)) {
    count++;
    seen?.(message);
  }
  return count;
};

const decodeVarints = () => lpstream.decode({ limit: 1 << 30 });

/** `length-prefixed-stream`, varints. */
export const lengthPrefixedStream: Count = counted(decodeVarints);

/** The same between two streams. */
export const lengthPrefixedStreamPiped: Count = piped(() => decodeVarints() as unknown as NodeJS.ReadWriteStream);

/** The same between two web streams. */
export const lengthPrefixedStreamAsWeb: Count = pipedAsWeb(decodeVarints);

/** `frame-stream`, 4 bytes. */
export const frameStream: Count = counted(() => frame.decode());

/** `split2`, lines as strings. */
export const split2Lines: Count = counted(() => split2() as unknown as NodeStream);

/**
 * A loop that does nothing but find boundaries and make views, and put together the one message that a chunk cuts. The
 * views of a chunk are put into an array, with `makesRoom` into one that is as long as the last one from the start.
 */
export const byHand = (makesRoom: boolean): Count => (chunks, seen) => {
  let count = 0, room = 0;
  let cut: Uint8Array | undefined;
  for (const chunk of chunks) {
    const batch: Uint8Array[] = new Array(room);
    const { buffer, byteOffset, length } = chunk;
    let at = 0, found = 0;
    if (cut !== undefined) {
      const head = cut.length >= HEADER ? cut : joined(cut, chunk.subarray(0, HEADER - cut.length));
      const rest = lengthAt(head, 0) - cut.length;
      const whole: Uint8Array = joined(cut, chunk.subarray(0, rest));
      at = Math.min(rest, length);
      cut = rest <= length ? undefined : whole;
      if (cut === undefined) batch[found++] = whole;
    }
    while (length - at >= HEADER) {
      const total = lengthAt(chunk, at);
      if (at + total > length) break;
      batch[found++] = new Uint8Array(buffer, byteOffset + at, total);
      at += total;
    }
    if (at < length) cut = chunk.subarray(at);
    batch.length = found;
    if (makesRoom) room = found;
    count += found;
    if (seen !== undefined) batch.forEach(seen);
  }
  return count;
};

const HEADER = 4;

function lengthAt(bytes: Uint8Array, at: number): number {
  return HEADER + ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!);
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const whole = new Uint8Array(a.length + b.length);
  whole.set(a);
  whole.set(b, a.length);
  return whole;
}

/**
 * The algorithm of `DelimiterStream` of @std/streams, which npm does not carry: a matcher that walks byte by byte with
 * the prefix table of Knuth, Morris and Pratt, pieces kept as views and joined when a delimiter comes.
 */
class StdDelimiter {
  readonly #delimiter: Uint8Array;
  readonly #table: readonly number[];
  #matched = 0;
  #pieces: Uint8Array[] = [];

  constructor(delimiter: Uint8Array) {
    this.#delimiter = delimiter;
    this.#table = prefixTable(delimiter);
  }

  push(chunk: Uint8Array, found: (message: Uint8Array) => void): void {
    const delimiter = this.#delimiter, table = this.#table;
    let start = 0, matched = this.#matched;
    for (let i = 0; i < chunk.length; i++) {
      while (matched > 0 && chunk[i] !== delimiter[matched]) matched = table[matched - 1]!;
      if (chunk[i] === delimiter[matched]) matched++;
      if (matched < delimiter.length) continue;
      matched = 0;
      const piece = chunk.subarray(start, i + 1);
      found(this.#pieces.length === 0 ? piece : Buffer.concat([...this.#pieces, piece]));
      this.#pieces = [];
      start = i + 1;
    }
    if (start < chunk.length) this.#pieces.push(chunk.subarray(start));
    this.#matched = matched;
  }
}

/** That algorithm by direct call. */
export const stdDelimiter = (delimiter: Uint8Array): Count => (chunks, seen) => {
  let count = 0;
  const algorithm = new StdDelimiter(delimiter);
  const found = (message: Uint8Array) => {
    count++;
    seen?.(message);
  };
  for (const chunk of chunks) algorithm.push(chunk, found);
  return count;
};

/** The same as it is there: a `TransformStream` between two web streams, which `from` and `to` are ends of. */
export const stdDelimiterPiped =
  (delimiter: Uint8Array, from: (chunks: readonly Uint8Array[]) => ReadableStream): Count => async (chunks, seen) => {
    let count = 0;
    const algorithm = new StdDelimiter(delimiter);
    const stage = new TransformStream<Uint8Array, Uint8Array>({
      transform: (chunk, controller) => algorithm.push(chunk, (message) => controller.enqueue(message)),
    });
    await from(chunks).pipeThrough(stage).pipeTo(
      new WritableStream({
        write(message) {
          count++;
          seen?.(message);
        },
      }),
    );
    return count;
  };

function prefixTable(needle: Uint8Array): number[] {
  const table = [0];
  for (let i = 1, k = 0; i < needle.length; i++) {
    while (k > 0 && needle[i] !== needle[k]) k = table[k - 1]!;
    if (needle[i] === needle[k]) k++;
    table.push(k);
  }
  return table;
}
