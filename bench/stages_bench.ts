/**
 * One engine and what is left of its speed behind each of its faces: a batch stage, `through`, `items`, one message per
 * stream chunk. Messages of 64 B, 1 kB and 16 kB behind a 4-byte length, in chunks of 64 kB.
 *
 * The goals are for Node 20, whose streams are the slowest, at 64 B; elsewhere the figures are reported.
 *
 * @module
 */
import type { Sink } from "../src/core/mod.ts";
import { items, through } from "../src/stream/mod.ts";
import { lengthPrefix, MessageStream, StreamParser } from "../src/strparser/mod.ts";
import { type Bench, bench } from "./harness.ts";
import type { Goal } from "./statistics.ts";

const CHUNK = 65536;
const PACKET = 1500;
const HEADER = 4;

interface Workload {
  chunks: Uint8Array[];
  messages: number;
}

/** Some megabytes of messages with a payload of `size` bytes, cut into chunks without regard to their borders. */
function workload(size: number, chunkSize: number, isQuick: boolean): Workload {
  const round = isQuick ? 8 << 20 : 32 << 20;
  const messages = Math.floor(round / (size + HEADER));
  const bytes = new Uint8Array(messages * (size + HEADER));
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < bytes.length; at += size + HEADER) view.setUint32(at, size);
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

const parser = lengthPrefix(4);

/** What every face has to deliver; a face that loses messages must not look fast. */
function checked(count: number, expected: number): number {
  if (count !== expected) throw new Error(`${count} messages came out, not ${expected}`);
  return count;
}

/** The reference: the engine with a view for each message and an array for each chunk, without any stream. */
function engine({ chunks, messages }: Workload): number {
  let batch: Uint8Array[] = [];
  let count = 0;
  const parserEngine = new StreamParser({ parser }, {
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
  return checked(count, messages);
}

async function batchStage({ chunks, messages }: Workload): Promise<number> {
  let count = 0;
  await sourceOf(chunks).pipeThrough(new MessageStream({ parser, batch: true })).pipeTo(
    new WritableStream({
      write(batch) {
        count += batch.length;
      },
    }),
  );
  return checked(count, messages);
}

async function throughBatches({ chunks, messages }: Workload): Promise<number> {
  let count = 0;
  for await (const batch of through(sourceOf(chunks), (sink: Sink<Uint8Array>) => new StreamParser({ parser }, sink))) {
    count += batch.length;
  }
  return checked(count, messages);
}

async function throughItems({ chunks, messages }: Workload): Promise<number> {
  let count = 0, bytes = 0;
  for await (
    const message of items(through(sourceOf(chunks), (sink: Sink<Uint8Array>) => new StreamParser({ parser }, sink)))
  ) {
    count++;
    bytes += message.length;
  }
  return bytes > 0 ? checked(count, messages) : 0;
}

async function itemStageRead({ chunks, messages }: Workload): Promise<number> {
  let count = 0, bytes = 0;
  for await (const message of sourceOf(chunks).pipeThrough(new MessageStream({ parser }))) {
    count++;
    bytes += message.length;
  }
  return bytes > 0 ? checked(count, messages) : 0;
}

async function itemStagePiped({ chunks, messages }: Workload): Promise<number> {
  let count = 0;
  await sourceOf(chunks).pipeThrough(new MessageStream({ parser })).pipeTo(
    new WritableStream({
      write() {
        count++;
      },
    }),
  );
  return checked(count, messages);
}

interface Face {
  name: string;
  run: (load: Workload) => Promise<number>;
  /** Goal at 64 B in 64 kB chunks on Node 20. */
  goal?: Goal;
}

/** 2.5 M messages/s where the bare engine makes 29.4 M: as a ratio, so that it can be judged on any machine. */
const ITEM_GOAL = 0.085;

const FACES: readonly Face[] = [
  { name: "batch stage, pipeTo", run: batchStage, goal: { ratio: 0.75 } },
  { name: "through, for await of batches", run: throughBatches, goal: { ratio: 0.9 } },
  { name: "items(through), for await of messages", run: throughItems, goal: { ratio: 0.35 } },
  { name: "one message per chunk, for await", run: itemStageRead, goal: { ratio: ITEM_GOAL } },
  { name: "one message per chunk, pipeTo", run: itemStagePiped },
];

async function measureFaces(bench: Bench, what: string, load: Workload, hasGoals: boolean): Promise<void> {
  for (const { name, run, goal } of FACES) {
    await bench.figure({
      name: `${what}, ${name}`,
      unit: "messages/s",
      run: () => run(load),
      baseline: { name: "bare engine", run: () => engine(load) },
      goal: hasGoals ? goal : undefined,
    });
  }
}

await bench("stages", async (bench) => {
  const isNode20 = bench.runtime.startsWith("node 20");
  for (const [label, size] of [["64 B", 64], ["1 kB", 1024], ["16 kB", 16384]] as const) {
    await measureFaces(bench, label, workload(size, CHUNK, bench.isQuick), isNode20 && size === 64);
  }
  await measureFaces(bench, "64 B in packets of 1500 B", workload(64, PACKET, bench.isQuick), false);
});
