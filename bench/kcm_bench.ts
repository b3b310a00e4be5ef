/**
 * Messages through the multiplexor in memory: over 1 and 16 connections, to 1 and 8 channels, of 64 B, 1 kB and 16 kB.
 *
 * - "engine" and "streams in batches" receive: chunks of 64 kB, cut without regard to messages, go to the connections in
 *   turn. The baseline is the bare parser loop over the same chunks: `StreamParser` with a callback that counts.
 * - "there and back" moves each message through a multiplexor that sends it, over connections of which a write costs a
 *   microtask, to one that receives it: `send` to `message`, with channels on both sides. The baseline is libp2p's yamux
 *   doing so, with a stream for each channel on one connection (`kcm_yamux.ts`), which has no messages and delivers
 *   bytes. For both a megabyte may be under way in each channel, and as many messages are sent whatever their size, so
 *   that what it costs to make multiplexors and connections is of no account.
 *
 * @module
 */
import { type KcmSocket, type LowerPort, Multiplexor, MultiplexorEngine } from "../src/kcm/mod.ts";
import { lengthPrefix, StreamParser } from "../src/strparser/mod.ts";
import { type Bench, bench } from "./harness.ts";
import { throughYamux } from "./kcm_yamux.ts";

const CHUNK = 65536;
/** What may be under way in a channel of ours, and in a stream of yamux. */
const WINDOW = 1 << 20;
/** Most that a write takes. */
const WRITE = 1 << 18;
const SIZES = [["64 B", 64], ["1 kB", 1024], ["16 kB", 16384]] as const;
const SHAPES = [[1, 1], [1, 8], [16, 1], [16, 8]] as const;
const parser = lengthPrefix(4);

interface Load {
  message: Uint8Array;
  chunks: Uint8Array[];
  count: number;
}

function load(size: number): Load {
  const message = new Uint8Array(4 + size).fill(0x61);
  new DataView(message.buffer).setUint32(0, size);
  // not less with --quick: with three messages of 16 kB for each connection it measured how connections are made
  const count = Math.floor((8 << 20) / message.length);
  const bytes = new Uint8Array(count * message.length);
  for (let at = 0; at < bytes.length; at += message.length) bytes.set(message, at);
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += CHUNK) chunks.push(bytes.subarray(at, at + CHUNK));
  return { message, chunks, count };
}

function checked(found: number, expected: number): number {
  if (found !== expected) throw new Error(`${found} messages instead of ${expected}`);
  return found;
}

/** The bare parser loop: what each connection of `split` brings, through a parser of its own. */
function bareParser(split: readonly Uint8Array[][], expected: number): number {
  let count = 0;
  const sink = {
    item: () => void count++,
    error: (error: unknown) => {
      throw error;
    },
    end: () => {},
  };
  for (const chunks of split) {
    const engine = new StreamParser({ parser }, sink);
    for (const chunk of chunks) engine.push(chunk, 0);
    engine.end(0);
  }
  return checked(count, expected);
}

/** The same bytes on each of so many connections, a share of the chunks each; messages are whole on each. */
function splitLoad({ message }: Load, connections: number): { split: Uint8Array[][]; count: number } {
  const share = load(message.length - 4);
  const each = Math.max(1, Math.floor(share.count / connections));
  const bytes = new Uint8Array(each * message.length);
  for (let at = 0; at < bytes.length; at += message.length) bytes.set(message, at);
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += CHUNK) chunks.push(bytes.subarray(at, at + CHUNK));
  return { split: Array.from({ length: connections }, () => chunks), count: each * connections };
}

/** The engine: each connection gets a chunk in turn. */
function engineReceives(split: readonly Uint8Array[][], sockets: number, expected: number): number {
  const engine = new MultiplexorEngine();
  let count = 0;
  for (let i = 0; i < sockets; i++) engine.socket({ message: () => void count++, end: () => {} });
  const ports = split.map(() => engine.attach({ parser }));
  for (let i = 0; i < split[0]!.length; i++) {
    for (let c = 0; c < ports.length; c++) ports[c]!.push(split[c]![i]!, 0);
  }
  for (const port of ports) port.end(0);
  return checked(count, expected);
}

async function streamsReceive(split: readonly Uint8Array[][], sockets: number, expected: number): Promise<number> {
  const kcm = new Multiplexor();
  const channels = Array.from({ length: sockets }, () => kcm.socket({ batch: true }));
  for (const chunks of split) kcm.attach({ readable: sourceOf(chunks) }, { parser });
  kcm.close();
  return checked((await Promise.all(channels.map(countOf))).reduce((sum, one) => sum + one, 0), expected);
}

async function countOf(channel: KcmSocket<true>): Promise<number> {
  let count = 0;
  for await (const batch of channel.readable) count += batch.length;
  return count;
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

/** Two engines and connections between them on which a write costs a microtask, as with yamux. */
async function thereAndBack(
  message: Uint8Array,
  expected: number,
  connections: number,
  sockets: number,
): Promise<number> {
  const [sender, receiver] = [new MultiplexorEngine({ sendBufferBytes: WINDOW }), new MultiplexorEngine()];
  let count = 0;
  let goOn = (): void => {};
  const channels = Array.from({ length: sockets }, () => {
    receiver.socket({ message: () => void count++, end: () => {} });
    return sender.socket({ message: () => {}, end: () => {}, writable: () => goOn() });
  });
  for (let i = 0; i < connections; i++) {
    const there = receiver.attach({ parser });
    sender.attach({ parser }, { pullable: (port) => void write(port, there) });
  }
  for (let i = 0; i < expected; i++) {
    while (channels[i % sockets]!.send(message) === 0) await new Promise<void>((resolve) => goOn = resolve);
  }
  while (count < expected) await undefined;
  return checked(count, expected);
}

async function write(port: LowerPort, there: LowerPort): Promise<void> {
  for (let views = port.pull(WRITE); views.length > 0; views = port.pull(WRITE)) {
    await undefined;
    let written = 0;
    for (const view of views) written += there.push(view, 0);
    port.written(written);
  }
}

async function measureShape(
  bench: Bench,
  label: string,
  all: Load,
  connections: number,
  sockets: number,
): Promise<void> {
  const what = `${label}, ${connections} connection${connections > 1 ? "s" : ""}, ${sockets} channel${
    sockets > 1 ? "s" : ""
  }`;
  const { split, count } = splitLoad(all, connections);
  const baseline = { name: "bare parser loop", run: () => bareParser(split, count) };
  const common = { unit: "messages/s", repetitions: bench.isQuick ? 3 : 5 };
  await bench.figure({
    ...common,
    name: `engine, ${what}`,
    run: () => engineReceives(split, sockets, count),
    baseline,
    goal: { ratio: 0.5 },
  });
  await bench.figure({
    ...common,
    name: `streams in batches, ${what}`,
    run: () => streamsReceive(split, sockets, count),
    baseline,
    goal: { ratio: 0.15 },
  });
  const sent = bench.isQuick ? 10_000 : 20_000;
  await bench.figure({
    ...common,
    name: `there and back, ${what}`,
    run: () => thereAndBack(all.message, sent, connections, sockets),
    baseline: { name: "libp2p-yamux", run: () => throughYamux(all.message, sent, sockets, WINDOW) },
    goal: { ratio: 10 },
  });
}

await bench("kcm", async (bench) => {
  for (const [label, size] of SIZES) {
    const all = load(size);
    for (const [connections, sockets] of SHAPES) await measureShape(bench, label, all, connections, sockets);
  }
});
