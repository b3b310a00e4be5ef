import { assertEquals, assertRejects } from "@std/assert";
import { test } from "node:test";
import {
  lengthPrefix,
  MessageStream,
  type MessageStreamOptions,
  StreamParser,
  StreamParserError,
} from "../../src/strparser/mod.ts";
import { through } from "../../src/stream/mod.ts";
import { stageChecklist } from "../support/stage_checklist.ts";
import { A, B, join, M, Z } from "./support.ts";

const stream = join(A, B, Z, A);

stageChecklist<Uint8Array, Uint8Array>({
  name: "MessageStream",
  make: (options) =>
    new MessageStream(
      { parser: lengthPrefix(2), maxMessageLength: 100, ...options } as MessageStreamOptions<false>,
    ) as ReadableWritablePair<
      Uint8Array,
      Uint8Array | readonly Uint8Array[]
    >,
  inputs: [stream.subarray(0, 6), stream.subarray(6, 13), stream.subarray(13)],
  outputs: [A, B, Z, A],
  badOptions: [
    { oversize: "keep" },
    { idleTimeoutMs: -1 },
    { copyThreshold: "8" },
    { maxMessageLength: 0 },
    { maxHeaderBytes: "8" },
    { parser: undefined },
    { direction: "sideways" },
  ],
  badInput: { inputs: [join(A, B), Uint8Array.of(0xff, 0xff, 1)], outputs: [A, B], code: "EMSGSIZE" },
  view: (message) => Array.from(message),
});

test("MessageStream: the end inside a message is an error, after the messages before it", async () => {
  const messages: Uint8Array[] = [];
  const bytes = new Blob([join(A, B).slice(0, 8)]).stream();
  const error = await assertRejects(async () => {
    for await (const message of bytes.pipeThrough(new MessageStream({ parser: lengthPrefix(2) }))) {
      messages.push(message);
    }
  }, StreamParserError);
  assertEquals([messages, error.code, error.bytesMissing], [[A], "ETRUNCATED", 4]);
});
test("MessageStream: batches are one array for each chunk, and stats count", async () => {
  const stage = new MessageStream({ parser: lengthPrefix(2), batch: true });
  const writer = stage.writable.getWriter();
  const written = [writer.write(join(A, B)), writer.write(M(9)), writer.close()];
  const batches: Uint8Array[][] = [];
  for await (const batch of stage.readable) batches.push(batch);
  await Promise.all(written);
  assertEquals(batches, [[A, B], [M(9)]]);
  assertEquals([stage.stats.messages, stage.stats.bytes], [3, 23]);
});
test("MessageStream: messages in parts, oversize ones swallowed", async () => {
  const stage = new MessageStream({ parser: lengthPrefix(2), parts: true, oversize: "discard", maxMessageLength: 8 });
  const writer = stage.writable.getWriter();
  const written = [writer.write(join(M(9), A, B.subarray(0, 3))), writer.write(B.subarray(3)), writer.close()];
  const messages: number[][] = [];
  for await (const message of stage.readable) messages.push(message.parts.map((part) => part.length));
  await Promise.all(written);
  assertEquals([messages, stage.stats.discarded], [[[5], [3, 4]], 1]);
});
test("StreamParser.with carries the options", async () => {
  const bytes = new Blob([join(M(9), A, B).slice()]).stream();
  const make = StreamParser.with({ parser: lengthPrefix(2), parts: true, oversize: "discard", maxMessageLength: 8 });
  const lengths: number[] = [];
  for await (const batch of through(bytes, make)) for (const message of batch) lengths.push(message.parts[0]!.length);
  assertEquals(lengths, [5, 7]);
});
