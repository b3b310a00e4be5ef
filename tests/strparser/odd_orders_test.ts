/** Calls in unusual orders, and what then happens to bytes, deadlines, memory and the budget. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { through } from "../../src/stream/mod.ts";
import { MessageBudget, MessageStream, StreamParser, StreamParserError } from "../../src/strparser/mod.ts";
import { fixedLength } from "../../src/strparser/parsers/fixed_length.ts";
import { A, B, L2, M, parserOf, record } from "./support.ts";

const HAND_OVER = { code: "ESTRPIPE", reason: "not mine" };
const BROKEN = { code: "EPROTO", reason: "broken" };

function transfer(chunk: Uint8Array): void {
  structuredClone(chunk.buffer, { transfer: [chunk.buffer as ArrayBuffer] });
}

test("setParser from within parse waits for the end of the message, whatever is called meanwhile", () => {
  for (const meanwhile of ["pause", "reset"] as const) {
    let asked = 0;
    const changing = parserOf((b) => {
      if (asked++ === 0) run.engine.setParser(fixedLength(2));
      return b.length < 2 ? 0 : 2 + b[1]!;
    });
    const run = record(changing);
    run.push(A.subarray(0, 1));
    run.engine[meanwhile]();
    run.engine.resume();
    run.push(...(meanwhile === "pause" ? [A.subarray(1)] : []), B);
    assertEquals(run.lengths(), meanwhile === "pause" ? [5, 2, 2, 2] : [2, 2, 2]);
  }
});
test("abort and stop from within parse: nothing is handed out any more, whole or held", () => {
  for (const how of ["abort", "stop"] as const) {
    for (const chunks of [[A], [A.subarray(0, 1), A.subarray(1)]]) {
      const run = record(parserOf((b) => {
        if (b.length > 1) run.engine[how]();
        return b.length < 2 ? 0 : 5;
      }));
      run.push(...chunks, B);
      assertEquals([run.messages, run.errors, run.engine.bytesHeld], [[], [], 0]);
    }
  }
});
test("a message that begins after a resume without a time has its whole deadline, and no more", () => {
  const run = record(L2, { messageTimeoutMs: 100 });
  run.engine.pause(0);
  run.engine.resume();
  run.at(1000, B.subarray(0, 3)).wait(1000);
  assertEquals(run.engine.timeoutAt(), 1100);
});
test("after a resync, a failure in bytes that were taken already is too late to hand over, and loses none of them", () => {
  for (const refusal of [HAND_OVER, BROKEN]) {
    const parser = parserOf((b) => b[0] === 9 ? refusal : b.length < 4 ? -4 : { code: "EBADMSG", reason: "other" });
    const resync = (bytes: Uint8Array, start: number) => bytes[start] === 9 ? BROKEN : 1;
    const run = record(parser, { keepConsumed: true, resync }).push(Uint8Array.of(7, 9, 5), Uint8Array.of(6, 8));
    const [error] = run.errors;
    assertEquals([error?.code, error?.offset], [refusal === HAND_OVER ? "ENODATA" : "EPROTO", 1]);
    assertEquals([run.returned, run.engine.takeover()], [[3, 0], Uint8Array.of(9, 5)]);
    assertEquals(run.engine.stats.unrecoverable, refusal === HAND_OVER ? 1 : 0);
  }
});
test("the end comes to an end though the sink pauses on each message", () => {
  const parser = parserOf((b) => b[0] !== 7 ? 1 : b.length < 4 ? -4 : BROKEN);
  const run = record(parser, {
    resync: () => 1,
    onMessage: ({ engine, messages }) => {
      assert(messages.length < 10);
      engine.pause();
    },
  });
  run.push(Uint8Array.of(7, 1, 2), Uint8Array.of(3)).end();
  assertEquals([run.messages.map(([byte]) => byte), run.ends], [[1, 2], 1]);
});
test("what was kept of a message with lost bytes is nothing, not what else is in the slab", () => {
  const long = M(40_000);
  const first = long.slice(1, 20_000);
  const run = record(L2, { keepConsumed: true }).push(long.subarray(0, 1), first);
  transfer(first);
  run.push(long.subarray(20_000));
  assertEquals([run.errors.map((error) => error.code), run.engine.takeover().length], [["EFAULT"], 0]);
});
test("with copy, a chunk may be written to again as soon as it is taken (S108)", () => {
  const long = M(40_000).map((byte, i) => i < 2 ? byte : i % 251);
  for (const parts of [false, true]) {
    for (const size of [1, 100, 3000, 20_000]) {
      const got: Uint8Array[] = [];
      const engine = new StreamParser<boolean>({ parser: L2, copy: true, parts }, {
        item: (message) => got.push(message instanceof Uint8Array ? message : message.toUint8Array()),
        error: () => {},
        end: () => {},
      });
      const chunk = new Uint8Array(size);
      for (let at = 0; at < long.length; at += size) {
        const piece = long.subarray(at, at + size);
        chunk.set(piece);
        engine.push(chunk.subarray(0, piece.length), 0);
        chunk.fill(0xee);
      }
      assertEquals(got, [long], `${size} bytes, ${parts ? "in parts" : "whole"}`);
    }
  }
});
test("a sink that transfers the chunk away is EFAULT, also with a parser that looks at no byte (S118)", () => {
  const chunk = new Uint8Array(6);
  const run = record(fixedLength(2), { onMessage: () => transfer(chunk) }).push(chunk);
  assertEquals([run.errors.map((error) => error.code), run.returned, run.engine.stats.messages], [["EFAULT"], [2], 1]);
});
test("process: a chunk whose buffer was transferred is EFAULT (S118)", () => {
  const chunk = new Uint8Array(5);
  transfer(chunk);
  const { engine } = record(L2);
  assertEquals(assertThrows(() => engine.process(chunk, 0, 0, 10, 0, 0), StreamParserError).code, "EFAULT");
});
test("a stage gives its share of the budget back, however it ends", async () => {
  for (const how of ["cancel", "abort", "close"] as const) {
    const budget = new MessageBudget(1000);
    const { readable, writable } = new MessageStream({ parser: L2, budget });
    const [reader, writer] = [readable.getReader(), writable.getWriter()];
    for (const promise of [reader.read(), reader.closed, writer.closed]) promise.catch(() => {});
    await writer.write(B.subarray(0, 3));
    assertEquals(budget.bytesHeld, 3);
    await (how === "cancel" ? reader.cancel() : writer[how]()).catch(() => {});
    assertEquals(budget.bytesHeld, 0, how);
  }
});
test("through gives its share of the budget back when it is cancelled, fused or not", async () => {
  const budget = new MessageBudget(1000);
  const parser = StreamParser.with({ parser: L2, budget });
  const bytewise = StreamParser.with({ parser: fixedLength(1) });
  for (const isFused of [false, true]) {
    const source = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(Uint8Array.of(...A, 0)),
    });
    const messages = isFused ? through(source, bytewise, parser) : through(source, parser);
    const reader = messages.getReader();
    assertEquals((await reader.read()).value, [A]);
    assertEquals(budget.bytesHeld, 1);
    await reader.cancel();
    assertEquals(budget.bytesHeld, 0);
  }
});
