/**
 * The whole pipeline from capture file to channel, put together in every way that the benchmarks compare: engines
 * joined by direct call (to any depth), the same behind one stream, and spelled out stage by stage.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { closeSync, openSync, read, readSync } from "node:fs";
import type { Engine, Sink } from "../src/core/mod.ts";
import { type FlowRecord, type FlowSide, FlowStream, FlowTracker } from "../src/flow/mod.ts";
import { type KcmMessage, Multiplexor, MultiplexorEngine, muxedFlows } from "../src/kcm/mod.ts";
import { type Packet, packetTimeMs, type Segment, SegmentDecoder, SegmentStream } from "../src/packet/mod.ts";
import { CaptureReader, CaptureStream } from "../src/pcap/mod.ts";
import { type Source, through } from "../src/stream/mod.ts";
import { lengthPrefix, type Parser, StreamParser } from "../src/strparser/mod.ts";

/** What the captures of the benchmarks carry. */
export const parser: Parser = lengthPrefix(4);

/** How far a pipeline goes. Each depth contains those before it. */
export const DEPTHS = ["packets", "segments", "flows", "messages", "channel"] as const;

/** One of {@linkcode DEPTHS}. */
export type Depth = typeof DEPTHS[number];

/** What came out at the end of a pipeline: packets, segments, chunks of flows or messages. */
export interface Tally {
  items: number;
  bytes: number;
}

const CHUNK = 65536;
/**
 * Bytes of one read that runs beside the engines, and how many such reads run at a time. Half as much, and the engines
 * wait for each read; more at a time, and what is read pushes out of the caches what is worked on.
 */
const READ_AHEAD = 1024 * 1024;
const READS = 2;
/** What was read is passed on in pieces of so many bytes: the messages of one are still in the cache when they are taken. */
const PIECE = 256 * 1024;

function raise(error: unknown): never {
  throw error;
}

/** A direction of a flow that takes its bytes. */
interface Port {
  push(bytes: Uint8Array, now: number): number;
  end(now: number): void;
}

/** Joins engines by direct call, from the capture to `depth`; `onItem` is called with every item that comes out. */
export function joined(depth: Depth, onItem: (bytes: Uint8Array) => void, onEnd: () => void): Engine<Uint8Array> {
  let now = 0;
  const tracker = depth === "packets" || depth === "segments" ? undefined : trackerTo(depth, onItem, onEnd, () => now);
  const decoder = depth === "packets" ? undefined : new SegmentDecoder({}, {
    item: tracker === undefined ? (segment) => onItem(segment.datagram) : (segment) => tracker.push(segment, now),
    error: raise,
    end: () => tracker === undefined ? onEnd() : tracker.end(now),
  });
  const reader = new CaptureReader({}, {
    item: (packet) => {
      const time = packetTimeMs(packet);
      if (time > now) now = time;
      if (decoder === undefined) onItem(packet.bytes);
      else decoder.push(packet, now);
    },
    error: raise,
    end: () => decoder === undefined ? onEnd() : decoder.end(now),
  });
  return reader;
}

function trackerTo(
  depth: Depth,
  onItem: (bytes: Uint8Array) => void,
  onEnd: () => void,
  now: () => number,
): FlowTracker {
  let attach: (flow: FlowRecord, side: FlowSide) => Port;
  let finish = onEnd;
  if (depth === "channel") {
    const kcm = new MultiplexorEngine();
    kcm.socket({ message: (message) => onItem(message.data), end: onEnd });
    attach = (flow, direction) => kcm.attach({ parser, direction, flow });
    finish = () => kcm.close();
  } else if (depth === "messages") {
    attach = (_flow, direction) =>
      new StreamParser({ parser, direction }, { item: onItem, error: raise, end: () => {} });
  } else {
    attach = () => ({
      push: (bytes) => {
        onItem(bytes);
        return bytes.length;
      },
      end: () => {},
    });
  }
  const portsOf = (flow: FlowRecord) => flow.user as Record<FlowSide, Port>;
  return new FlowTracker({}, {
    open: (flow) => flow.user = { client: attach(flow, "client"), server: attach(flow, "server") },
    data: (flow, side, bytes) => portsOf(flow)[side].push(bytes, now()),
    gap: raise,
    end: (flow, side) => portsOf(flow)[side].end(now()),
    error: (_flow, _side, error) => raise(error),
    close: (flow) => flow.user = undefined,
    finish,
  });
}

/** Reads a file in chunks, each of its own buffer. */
export function* fileChunks(path: string): Generator<Uint8Array<ArrayBuffer>> {
  const file = openSync(path, "r");
  try {
    while (true) {
      const chunk = new Uint8Array(CHUNK);
      const length = readSync(file, chunk);
      if (length === 0) return;
      yield length === CHUNK ? chunk : chunk.subarray(0, length);
    }
  } finally {
    closeSync(file);
  }
}

/** Reads a file ahead of whoever asks for its chunks: the system fills the next ones while this one is worked on. */
export function fileAhead(path: string): AsyncIterableIterator<Uint8Array<ArrayBuffer>> {
  const file = openSync(path, "r");
  const reads: Promise<Uint8Array<ArrayBuffer>>[] = [];
  let position = 0;
  let chunk = new Uint8Array(0);
  let at = 0;
  const close = async () => {
    await Promise.allSettled(reads);
    closeSync(file);
    return { done: true as const, value: undefined };
  };
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next() {
      if (at >= chunk.length) {
        for (; reads.length < READS; position += READ_AHEAD) reads.push(readAt(file, position));
        chunk = await reads.shift()!;
        at = 0;
        if (chunk.length === 0) return close();
      }
      return { done: false, value: chunk.subarray(at, at += PIECE) };
    },
    return: close,
  };
}

/** Not the promises of `FileHandle`: without them, and without a stream around, the whole pipeline takes 9 % less. */
function readAt(file: number, at: number): Promise<Uint8Array<ArrayBuffer>> {
  // not filled with zeros, as the chunks of `createReadStream` are not
  const { buffer } = Buffer.allocUnsafeSlow(READ_AHEAD);
  return new Promise((resolve, reject) => {
    read(file, new Uint8Array(buffer), 0, READ_AHEAD, at, (error, length) => {
      if (error !== null) reject(error);
      else resolve(new Uint8Array(buffer, 0, length));
    });
  });
}

/** Chunks as a stream that reads on demand. */
export function streamOf(chunks: Iterable<Uint8Array>): ReadableStream<Uint8Array> {
  const iterator = chunks[Symbol.iterator]();
  return new ReadableStream({
    pull(controller) {
      const { done, value } = iterator.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel() {
      iterator.return?.();
    },
  }, { highWaterMark: 0 });
}

/** Runs a capture through engines joined by direct call, without any stream. */
export function runJoined(depth: Depth, chunks: Iterable<Uint8Array>): Tally {
  const tally: Tally = { items: 0, bytes: 0 };
  let isEnded = false;
  const engine = joined(depth, (bytes) => {
    tally.items++;
    tally.bytes += bytes.length;
  }, () => isEnded = true);
  for (const chunk of chunks) engine.push(chunk, 0);
  engine.end(0);
  if (!isEnded) throw new Error("the pipeline has not ended");
  return tally;
}

/**
 * Runs a capture through the same engines behind one pull-through stream, as users are shown to. Where the chunks come from
 * is up to the caller: `fileAhead` costs less than the `createReadStream` of the guide.
 */
export async function runFused(chunks: Source<Uint8Array>): Promise<Tally> {
  const tally: Tally = { items: 0, bytes: 0 };
  const messages = through(
    chunks,
    (sink: Sink<Packet>) => new CaptureReader({}, sink),
    (sink: Sink<Segment>) => new SegmentDecoder({}, sink),
    (sink: Sink<KcmMessage>) => new FlowTracker({}, muxedFlows({ parser })(sink)),
  );
  for await (const batch of messages) {
    for (const message of batch) tally.bytes += message.data.length;
    tally.items += batch.length;
  }
  return tally;
}

/** Runs a capture through a stream stage for each layer, with arrays between them or item by item. */
export async function runSpelledOut(chunks: Iterable<Uint8Array>, isBatch: boolean): Promise<Tally> {
  const tally: Tally = { items: 0, bytes: 0 };
  const count = (message: KcmMessage) => {
    tally.items++;
    tally.bytes += message.data.length;
  };
  const kcm = new Multiplexor();
  const batch = isBatch as boolean;
  const channel = kcm.socket({ batch });
  const piped = streamOf(chunks)
    .pipeThrough(new CaptureStream({ batch }))
    .pipeThrough(new SegmentStream({ batch }))
    .pipeThrough(new FlowStream({ batch }))
    .pipeTo(kcm.attachments({ parser }));
  for await (const got of channel.readable as ReadableStream<KcmMessage | KcmMessage[]>) {
    if (Array.isArray(got)) { for (const message of got) count(message); }
    else count(got);
  }
  await piped;
  return tally;
}
