/**
 * What the strparser benchmark compares with: framing packages from npm, each driven in its own best way, and by hand.
 *
 * @module
 */
import { Readable, Writable } from "node:stream";
import frame from "frame-stream";
import { decode as itDecode } from "it-length-prefixed";
import lpstream from "length-prefixed-stream";
import split2 from "split2";

/** Counts the messages in the chunks. */
export type Count = (chunks: readonly Uint8Array[]) => number | Promise<number>;

/** A Node stream as these packages make it. */
interface NodeStream {
  on(event: string, listener: (data: Uint8Array) => void): unknown;
  write(chunk: Uint8Array): boolean;
  end(): void;
}

/** Writes the chunks without waiting: the packages answer with events at once, and nothing is held up. */
function counted(stream: NodeStream, chunks: readonly Uint8Array[]): Promise<number> {
  return new Promise((resolve, reject) => {
    let count = 0;
    stream.on("data", () => count++);
    stream.on("end", () => resolve(count));
    stream.on("error", reject);
    for (const chunk of chunks) stream.write(bufferOf(chunk));
    stream.end();
  });
}

/** A chunk as Node's own sources give it. */
function bufferOf(chunk: Uint8Array): Buffer {
  return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
}

/** From a stream that is read, through the package, into a stream that is written to, as `pipe` joins them. */
function piped(stream: NodeJS.ReadWriteStream, chunks: readonly Uint8Array[]): Promise<number> {
  let next = 0, count = 0;
  const source = new Readable({
    read() {
      this.push(next < chunks.length ? bufferOf(chunks[next++]!) : null);
    },
  });
  return new Promise((resolve, reject) => {
    const target = new Writable({
      write(_message, _encoding, done) {
        count++;
        done();
      },
    });
    target.on("finish", () => resolve(count)).on("error", reject);
    source.pipe(stream.on("error", reject)).pipe(target);
  });
}

const WIDE = { maxDataLength: 1 << 30, maxLengthLength: 10 };

/** Chunks as an async iterable: the source of both sides where both are iterated. */
export async function* iterated(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

/** `it-length-prefixed` over an async iterable, varints. */
export const itLengthPrefixed: Count = async (chunks) => {
  let count = 0;
  for await (const _ of itDecode(iterated(chunks), WIDE)) count++;
  return count;
};

/** `length-prefixed-stream`, varints. */
export const lengthPrefixedStream: Count = (chunks) => counted(lpstream.decode({ limit: 1 << 30 }), chunks);

/** The same between two streams. */
export const lengthPrefixedStreamPiped: Count = (chunks) =>
  piped(lpstream.decode({ limit: 1 << 30 }) as unknown as NodeJS.ReadWriteStream, chunks);

/** `frame-stream`, 4 bytes. */
export const frameStream: Count = (chunks) => counted(frame.decode(), chunks);

/** `split2`, lines as strings. */
export const split2Lines: Count = (chunks) => counted(split2() as unknown as NodeStream, chunks);

/** A loop that does nothing but find boundaries and make views; it handles no message over two chunks but the cut. */
export const byHand: Count = (chunks) => {
  let count = 0;
  let batch: Uint8Array[] = [];
  let carry: Uint8Array | undefined;
  for (const chunk of chunks) {
    let bytes = chunk;
    if (carry !== undefined) {
      bytes = new Uint8Array(carry.length + chunk.length);
      bytes.set(carry);
      bytes.set(chunk, carry.length);
      carry = undefined;
    }
    const { buffer, byteOffset, length } = bytes;
    let at = 0;
    while (length - at >= 4) {
      const total = 4 + ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!);
      if (at + total > length) break;
      batch.push(new Uint8Array(buffer, byteOffset + at, total));
      at += total;
    }
    if (at < length) carry = bytes.subarray(at);
    count += batch.length;
    batch = [];
  }
  return count;
};

/**
 * The algorithm of `DelimiterStream` of @std/streams, which npm does not carry: a matcher that walks byte by byte with
 * the prefix table of Knuth, Morris and Pratt, pieces kept as views and joined when a delimiter comes.
 */
export const stdDelimiter = (delimiter: Uint8Array): Count => (chunks) => {
  const table = prefixTable(delimiter);
  let count = 0, matched = 0;
  let pieces: Uint8Array[] = [];
  for (const chunk of chunks) {
    let start = 0;
    for (let i = 0; i < chunk.length; i++) {
      while (matched > 0 && chunk[i] !== delimiter[matched]) matched = table[matched - 1]!;
      if (chunk[i] === delimiter[matched]) matched++;
      if (matched < delimiter.length) continue;
      matched = 0;
      const piece = chunk.subarray(start, i + 1);
      if (pieces.length > 0) pieces = joined(pieces, piece);
      count++;
      start = i + 1;
    }
    if (start < chunk.length) pieces.push(chunk.subarray(start));
  }
  return count;
};

function joined(pieces: Uint8Array[], last: Uint8Array): Uint8Array[] {
  const all = [...pieces, last];
  const whole = new Uint8Array(all.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of all) {
    whole.set(piece, at);
    at += piece.length;
  }
  return [];
}

function prefixTable(needle: Uint8Array): number[] {
  const table = [0];
  for (let i = 1, k = 0; i < needle.length; i++) {
    while (k > 0 && needle[i] !== needle[k]) k = table[k - 1]!;
    if (needle[i] === needle[k]) k++;
    table.push(k);
  }
  return table;
}
