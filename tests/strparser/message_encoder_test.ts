import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import type { LeatError } from "../../src/core/errors.ts";
import {
  type Encoder,
  lengthPrefix,
  lengthPrefixEncoder,
  MessageEncoder,
  type MessageEncoderOptions,
  MessageEncoderStream,
  type MessageEncoderStreamOptions,
  MessageStream,
} from "../../src/strparser/mod.ts";
import { ndjsonEncoder } from "../../src/strparser/parsers/mod.ts";
import { through } from "../../src/stream/mod.ts";
import { stageChecklist } from "../support/stage_checklist.ts";
import { collect, drain, source } from "../support/streams.ts";
import { join, M } from "./support.ts";

const payloads = [M(3), M(0), M(70)].map((message) => message.subarray(2));
const encoder = lengthPrefixEncoder(2);

// what it writes is looked at through the parser, because chunks depend on how payloads come in arrays
stageChecklist<Uint8Array, Uint8Array>({
  name: "MessageEncoderStream",
  make: (options) => {
    const { writable, readable } = new MessageEncoderStream(
      { encoder, maxMessageLength: 100, ...options, batch: false } as MessageEncoderStreamOptions<Uint8Array, false>,
    );
    const { highWaterMark, batch } = options;
    const messages = readable.pipeThrough(new MessageStream({ parser: lengthPrefix(2), highWaterMark, batch }));
    return { writable, readable: messages as ReadableStream<Uint8Array | Uint8Array[]> };
  },
  inputs: payloads,
  outputs: [M(3), M(0), M(70)],
  badOptions: [{ maxMessageLength: 0 }, { copyBelowBytes: "1" }, { encoder: undefined }, { encoder: {} }],
  badInput: { inputs: [payloads[0]!, new Uint8Array(99)], outputs: [M(3)], code: "EMSGSIZE" },
  view: (message) => Array.from(message),
});

function written(options: Partial<MessageEncoderOptions> = {}) {
  const log = { chunks: [] as Uint8Array[], errors: [] as LeatError[], ends: 0 };
  const engine = new MessageEncoder({ encoder, ...options }, {
    item: (chunk) => void log.chunks.push(chunk),
    error: (error) => void log.errors.push(error),
    end: () => void log.ends++,
  });
  return { engine, log };
}

test("MessageEncoder: small messages of a batch are one chunk, big payloads chunks of their own, uncopied", () => {
  const { engine, log } = written({ copyBelowBytes: 100 });
  const big = new Uint8Array(100);
  engine.pushBatch([Uint8Array.of(1), Uint8Array.of(2), big, Uint8Array.of(3)], 0);
  engine.push(Uint8Array.of(4), 0);
  engine.pushBatch([], 0);
  assertEquals(log.chunks, [
    Uint8Array.of(0, 1, 1, 0, 1, 2, 0, 100),
    big,
    Uint8Array.of(0, 1, 3),
    Uint8Array.of(0, 1, 4),
  ]);
  assertStrictEquals(log.chunks[1], big);
  assertEquals(engine.stats, { messages: 5, bytes: 114, chunks: 4 });
  engine.end(0);
  engine.end(0);
  engine.push(Uint8Array.of(5), 0);
  assertEquals([log.ends, log.chunks.length, engine.timeoutAt(), engine.onTimeout(0)], [1, 4, Infinity, undefined]);
});
test("MessageEncoder: what cannot be sent is one error, behind everything before it", () => {
  const { engine, log } = written({ maxMessageLength: 5 });
  engine.pushBatch([Uint8Array.of(1), new Uint8Array(4), Uint8Array.of(2)], 0);
  engine.push(Uint8Array.of(3), 0);
  engine.end(0);
  assertEquals(log.chunks, [Uint8Array.of(0, 1, 1)]);
  assertEquals([log.errors.length, log.ends], [1, 0]);
  const [error] = log.errors;
  assertEquals([error?.code, error?.blame, error?.offset, error?.message], [
    "EMSGSIZE",
    "local",
    3,
    "length:2: message of 6 bytes exceeds maxMessageLength 5",
  ]);
});
test("MessageEncoder: a wrong payload or encoder is a TypeError, behind everything before it", () => {
  const { engine, log } = written();
  assertThrows(() => engine.pushBatch([Uint8Array.of(1), "text" as never], 0), TypeError, "payload of length:2");
  assertEquals([log.chunks, log.errors], [[Uint8Array.of(0, 1, 1)], []]);
  const throwing: Encoder = {
    name: "x",
    encode: () => {
      throw undefined;
    },
  };
  assertThrows(() => written({ encoder: throwing }).engine.push(Uint8Array.of(1), 0), TypeError, "encoder x threw");
});
test("MessageEncoder: calls from within are EBUSY", () => {
  const codes: string[] = [];
  const engine: MessageEncoder = new MessageEncoder({ encoder }, {
    item: () => {
      for (const call of [() => engine.push(M(1), 0), () => engine.pushBatch([], 0), () => engine.end(0)]) {
        codes.push((assertThrows(call) as LeatError).code);
      }
    },
    error: () => {},
    end: () => {},
  });
  engine.push(M(1), 0);
  assertEquals(codes, ["EBUSY", "EBUSY", "EBUSY"]);
});

test("MessageEncoderStream: an array is a batch, written as one chunk; values that are no bytes", async () => {
  const stage = new MessageEncoderStream({ encoder: ndjsonEncoder() });
  const chunks = await collect(source<unknown>([[1, { a: 2 }], "x", [[3]]]).pipeThrough(stage));
  assertEquals(chunks.map((chunk) => new TextDecoder().decode(chunk as Uint8Array)), [
    '1\n{"a":2}\n',
    '"x"\n',
    "[3]\n",
  ]);
  assertEquals(stage.stats.messages, 4);
});
test("MessageEncoderStream: with batch, arrays of chunks", async () => {
  const stage = new MessageEncoderStream({ encoder, batch: true, copyBelowBytes: 3 });
  const batches = await collect(source([[payloads[0]!, Uint8Array.of(1)], payloads[1]!]).pipeThrough(stage));
  assertEquals(batches.map((batch) => (batch as Uint8Array[]).map((chunk) => chunk.length)), [[2, 3, 3], [2]]);
});
test("MessageEncoder.with: through a fused pipeline", async () => {
  const factory = MessageEncoder.with({ encoder });
  const chunks = await collect(through(source<Uint8Array | readonly Uint8Array[]>([payloads, payloads[0]!]), factory));
  assertEquals(join(...chunks.flat()), join(M(3), M(0), M(70), M(3)));
  const { error } = await drain(through(source([new Uint8Array(65536)]), factory));
  assert((error as LeatError).code === "EMSGSIZE");
});
