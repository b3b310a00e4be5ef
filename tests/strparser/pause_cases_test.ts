/** Cases S50 to S63: pause, abort, re-entrancy. */
import { assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { StreamParserError } from "../../src/strparser/mod.ts";
import { A, B, counters, join, L2, parserOf, record, type Recording } from "./support.ts";

test("S50, S51, S52 paused by the sink, offered again, resumed", () => {
  const run = record(L2, { onMessage: ({ engine, messages }) => messages.length === 1 && engine.pause() });
  run.push(join(A, B));
  assertEquals([run.returned, run.lengths(), run.calls], [[5], [5], 1]);
  const before = counters(run);
  run.push(B);
  assertEquals([run.returned, run.calls, counters(run)], [[5, 0], 1, before]);
  run.engine.resume();
  assertEquals(run.lengths(), [5]);
  run.push(B);
  assertEquals([run.returned, run.lengths()], [[5, 0, 7], [5, 7]]);
  assertEquals(counters(run), { messages: 2, bytes: 12 });
});
test("S53 paused before the first chunk", () => {
  const run = record(L2);
  run.engine.pause();
  assertEquals(run.push(A).returned, [0]);
});
test("S54 paused in the middle of a message", () => {
  const run = record(L2).push(B.subarray(0, 3));
  run.engine.pause();
  run.push(B.subarray(3));
  run.engine.resume();
  run.push(B.subarray(3));
  assertEquals([run.returned, run.lengths()], [[3, 0, 4], [7]]);
});
test("S55 abort inside the sink: the rest of the chunk is not delivered", () => {
  const run = record(L2, { onMessage: ({ engine }) => engine.abort() }).push(join(A, B));
  assertEquals([run.returned, run.lengths(), run.errors, run.ends], [[5], [5], [], 0]);
});
test("S56 abort, then a chunk: nothing is taken", () => {
  const run = record(L2);
  run.engine.abort();
  run.engine.resume();
  assertEquals([run.push(A).returned, run.calls], [[0], 0]);
});
test("S57, S58 abort frees a partial message and is harmless again", () => {
  const run = record(L2).push(A.subarray(0, 4));
  assertEquals([run.engine.bytesHeld, run.engine.bytesNeeded], [4, 1]);
  run.engine.abort();
  run.engine.abort();
  run.end();
  assertEquals([run.engine.bytesHeld, run.engine.stats.aborts, run.errors, run.ends], [0, 1, [], 0]);
});
test("S55 compat: the kernel delivers what else is in the chunk", () => {
  const run = record(L2, { compat: "linux", onMessage: ({ engine }) => engine.stop() }).push(join(A, B));
  assertEquals([run.returned, run.lengths()], [[12], [5, 7]]);
});
test("S55 stop inside the sink: the rest of the chunk is not delivered", () => {
  const run = record(L2, { onMessage: ({ engine }) => engine.stop() }).push(join(A, B));
  assertEquals([run.returned, run.lengths(), run.engine.stats.aborts], [[5], [5], 0]);
});
test("S56 stop, then a chunk: nothing is taken; the kernel takes it", () => {
  for (const [compat, taken] of [[undefined, 0], ["linux", 5]] as const) {
    const run = record(L2, { compat });
    run.engine.stop();
    assertEquals(run.push(A).returned, [taken]);
  }
});
test("S57 stop, then abort with a partial message: freed, no timer left, again harmless", () => {
  for (const compat of [undefined, "linux"] as const) {
    const run = record(L2, { compat, messageTimeoutMs: 100 }).push(A.subarray(0, 1));
    assertEquals(run.engine.timeoutAt(), 100);
    run.engine.stop();
    assertEquals([run.engine.bytesHeld, run.engine.timeoutAt()], compat ? [1, 100] : [0, Infinity]);
    run.engine.abort();
    run.engine.abort();
    assertEquals([run.engine.bytesHeld, run.engine.timeoutAt(), run.push(A).returned], [0, Infinity, [1, 0]]);
  }
});
test("S59 resume delivers nothing by itself", () => {
  const run = record(L2, { onMessage: ({ engine }) => engine.pause() }).push(join(A, B));
  run.engine.resume();
  assertEquals(run.lengths(), [5]);
});
test("S60 pause and resume inside one delivery goes on", () => {
  const run = record(L2, {
    onMessage: ({ engine }) => {
      engine.pause();
      engine.resume();
    },
  }).push(join(A, B));
  assertEquals([run.returned, run.lengths()], [[12], [5, 7]]);
});
test("S61 push and end from within the sink throw EBUSY and change nothing", () => {
  const seen: string[] = [];
  const run = record(L2, {
    onMessage: ({ engine }) => {
      for (const call of [() => engine.push(B, 0), () => engine.end(0)]) {
        const error = assertThrows(call, StreamParserError);
        seen.push(`${error.code} ${error.blame}`);
      }
    },
  }).push(join(A, B), A.subarray(0, 2)).push(A.subarray(2)).end();
  assertEquals([run.lengths(), run.ends, new Set(seen)], [[5, 7, 5], 1, new Set(["EBUSY local"])]);
});
test("S61 push from within the parser throws EBUSY, which is the parser's failure", () => {
  const run: Recording = record(parserOf(() => run.engine.push(A, 0)));
  run.push(A);
  assertEquals([run.errors[0]!.code, (run.errors[0]!.cause as StreamParserError).code], ["EPROTO", "EBUSY"]);
});
test("S62 abort inside the delivery of a held message", () => {
  const run = record(L2, { onMessage: ({ engine }) => engine.abort() }).push(A.subarray(0, 3));
  run.push(join(A.subarray(3), B));
  assertEquals([run.returned, run.messages, run.engine.bytesHeld], [[3, 2], [A], 0]);
});
test("S63 pause inside the parser: this message is still handled, the next is not", () => {
  const run: Recording = record(parserOf((b) => {
    run.engine.pause();
    return 2 + b[1]!;
  }));
  run.push(join(A, B));
  assertEquals([run.returned, run.lengths()], [[5], [5]]);
});
test("push from within sink.error takes nothing", () => {
  const run = record(L2, { maxMessageLength: 4 });
  const errors = run.errors;
  errors.push = (...error) => {
    run.push(A);
    return Array.prototype.push.apply(errors, error);
  };
  run.push(A);
  assertEquals([run.returned, errors.length], [[0, 0], 1]);
});
test("paused and ended: the end is told", () => {
  const run = record(L2).push(A);
  run.engine.pause();
  assertEquals(run.end().ends, 1);
});
test("abort, pause or a throw inside the parser, at whichever message of a chunk", () => {
  for (const [what, delivered, codes] of [["abort", 0, []], ["pause", 1, []], ["throw", 0, ["EPROTO"]]] as const) {
    for (let index = 1; index <= 4; index++) {
      let calls = 0;
      const run: Recording = record(parserOf((b) => {
        if (++calls === index) {
          if (what === "throw") throw new Error("no");
          run.engine[what]();
        }
        return 2 + b[1]!;
      }));
      run.push(join(A, A, A, A, A));
      const count = index - 1 + delivered;
      assertEquals([run.returned, run.engine.stats.messages, run.lengths()], [
        [5 * count],
        count,
        Array(count).fill(5),
      ]);
      assertEquals(run.errors.map(({ code }) => code), [...codes]);
    }
  }
});
