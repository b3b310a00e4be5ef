/** Cases S76 to S103: the receive-callback mode, ours and the kernel's. */
import { assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { A, B, cut, join, L2, M, parserOf } from "./support.ts";
import { receive, type Receiving, type ReceivingOptions } from "./receive_support.ts";

const both = [undefined, "linux"] as const;
const codes = (run: Receiving) => run.errors.map((error) => error.code);
const total = (run: Receiving) => run.mode.stats.bytes;
const left = (run: Receiving) => run.source.pendingBytes;

/** L2 that answers `failure` to what begins with 0xff. */
const refusing = (code: string) =>
  parserOf((b) => b[0] === 0xff ? { code, reason: "no" } : b.length < 2 ? 0 : 2 + (b[0]! << 8) + b[1]!);
/** Needs two bytes, then gives up. */
const lateRefusing = (code: string) => parserOf((b) => b.length < 2 ? 0 : { code, reason: "no" });

/** Runs the same in both ways; `bytes` counts ours and the kernel's. */
function check(
  options: ReceivingOptions,
  drive: (run: Receiving) => void,
  expected: { out: number[]; bytes: [number, number]; left?: number; calls?: number },
): void {
  for (const [i, compat] of both.entries()) {
    const run = receive(L2, { ...options, compat });
    drive(run);
    assertEquals([run.lengths(), total(run), left(run)], [expected.out, expected.bytes[i]!, expected.left ?? 0]);
    if (expected.calls !== undefined) assertEquals(run.calls, expected.calls);
  }
}

test("S76 one message", () => check({}, (run) => run.arrive(A), { out: [5], bytes: [5, 5] }));
test("S77 two messages in one segment", () => {
  check({}, (run) => run.arrive(join(A, B)), { out: [5, 7], bytes: [12, 12] });
});
test("S78 a message in two segments that are both there", () => {
  check({}, (run) => run.arrive(...cut(A, 3)), { out: [5], bytes: [5, 5], calls: 1 });
});
test("S79 a message in three arrivals: ours takes each, the kernel waits for the rest", () => {
  const [first, second, third] = cut(B, 3, 5);
  check({}, (run) => run.arrive(first!).arrive(second!).arrive(third!), { out: [7], bytes: [7, 10] });
  for (const [compat, unread] of [[undefined, 0], ["linux", 2]] as const) {
    assertEquals(left(receive(L2, { compat }).arrive(first!).arrive(second!)), unread);
  }
});
test("S80 the rest and the next message in one segment", () => {
  check({}, (run) => run.arrive(B.subarray(0, 3)).arrive(join(B.subarray(3), A)), {
    out: [7, 5],
    bytes: [12, 15],
    calls: 2,
  });
});
test("S81 the limit: equal is delivered, more is EMSGSIZE and left below", () => {
  check({ maxMessageLength: 10 }, (run) => run.arrive(M(8)), { out: [10], bytes: [10, 10] });
  for (const compat of both) {
    const run = receive(L2, { compat, maxMessageLength: 10 }).arrive(M(9));
    assertEquals([codes(run), left(run), run.mode.parser.isStopped], [["EMSGSIZE"], 11, true]);
    assertEquals([run.mode.parser.error?.code, run.passes], ["EMSGSIZE", ["EMSGSIZE"]]);
  }
});
test("S82 a good and a bad message in one segment: one report, the kernel's two", () => {
  for (const [compat, times] of [[undefined, 1], ["linux", 2]] as const) {
    const run = receive(L2, { compat, maxMessageLength: 10 }).arrive(join(A, M(9)));
    assertEquals([run.lengths(), left(run), run.calls, run.errors.length], [[5], 11, 1 + times, times]);
    assertEquals([run.mode.stats.messageTooBig, run.mode.parser.error?.code], [times, "EMSGSIZE"]);
  }
});
test("S83 the same in two segments: one report in both", () => {
  for (const compat of both) {
    const run = receive(L2, { compat, maxMessageLength: 10 }).arrive(A, M(9));
    assertEquals([run.calls, run.mode.stats.messageTooBig, run.errors.length, left(run)], [2, 1, 1, 11]);
  }
});
test("S84 handed over at once: the application can read exactly these bytes", () => {
  for (const compat of both) {
    const run = receive(refusing("ESTRPIPE"), { compat }).arrive(Uint8Array.of(0xff, 1, 2));
    assertEquals([codes(run), run.source.peek()], [["ESTRPIPE"], Uint8Array.of(0xff, 1, 2)]);
    assertEquals([run.mode.stats.interrupted, run.mode.stats.unrecoverable], [1, 0]);
  }
});
test("S85 handed over behind a message in the same segment", () => {
  for (const [compat, calls] of [[undefined, 2], ["linux", 3]] as const) {
    const run = receive(refusing("ESTRPIPE"), { compat }).arrive(join(A, Uint8Array.of(0xff, 1, 2)));
    assertEquals([run.lengths(), run.mode.parser.error?.code, left(run), run.calls], [[5], "ESTRPIPE", 3, calls]);
    assertEquals(run.mode.stats.interrupted, 1);
  }
});
test("S86 handed over too late", () => {
  for (const compat of both) {
    const run = receive(lateRefusing("ESTRPIPE"), { compat }).arrive(Uint8Array.of(1)).arrive(Uint8Array.of(2, 3));
    const { bytes, needMoreHeader, interrupted, unrecoverable } = run.mode.stats;
    assertEquals([codes(run), left(run), bytes, needMoreHeader], [["ENODATA"], 2, 1, 1]);
    assertEquals([interrupted, unrecoverable], [0, 1]);
  }
});
test("S87 refused in the second chunk", () => {
  for (const compat of both) {
    const run = receive(lateRefusing("EINVAL"), { compat }).arrive(Uint8Array.of(1)).arrive(Uint8Array.of(2, 3));
    assertEquals([codes(run), left(run), run.mode.stats.interrupted], [["EINVAL"], 2, 1]);
  }
});
test("S88, S89 the deadline passes; what comes later is ignored", () => {
  for (const [compat, bytes] of [[undefined, 4], ["linux", 8]] as const) {
    const run = receive(L2, { compat, messageTimeoutMs: 100 }).arrive(B.subarray(0, 4)).wait(99);
    assertEquals([codes(run), run.mode.parser.timeoutAt()], [[], 100]);
    run.wait(100);
    assertEquals([codes(run), run.mode.stats.timeouts, total(run)], [["ETIMEDOUT"], 1, bytes]);
    run.arriveAt(110, B.subarray(4));
    assertEquals([run.lengths(), left(run), run.errors.length], [[], 3, 1]);
  }
});
test("S90 the rest comes just in time", () => {
  check({ messageTimeoutMs: 100 }, (run) => run.arrive(B.subarray(0, 4)).arriveAt(99, B.subarray(4)).wait(1000), {
    out: [7],
    bytes: [7, 11],
  });
});
const pausing: ReceivingOptions = { onMessage: ({ mode, messages }) => messages.length === 1 && mode.pause(0) };
test("S91 paused by a message: the rest stays below", () => {
  check(pausing, (run) => run.arrive(join(A, B)), { out: [5], bytes: [5, 5], left: 7 });
});
test("S92 unpause: the rest comes, but not before it returns", () => {
  check(pausing, (run) => {
    run.arrive(join(A, B)).mode.unpause(0);
    assertEquals([run.lengths(), run.queued], [[5], 1]);
    run.work();
  }, { out: [5, 7], bytes: [12, 12] });
});
test("S93 what arrived while paused needs no notification", () => {
  check({}, (run) => {
    run.mode.pause(0);
    run.arrive(A).arrive(B);
    assertEquals(run.lengths(), []);
    run.mode.unpause(0);
    run.work();
  }, { out: [5, 7], bytes: [12, 12] });
});
test("S94 paused inside a message", () => {
  check({}, (run) => {
    run.arrive(B.subarray(0, 3)).mode.pause(0);
    run.arrive(B.subarray(3, 5)).mode.unpause(0);
    run.work().arrive(B.subarray(5));
  }, { out: [7], bytes: [7, 12] });
});
test("S95 stopped: nothing is read", () => {
  check({}, (run) => {
    run.mode.parser.stop();
    run.arrive(A).mode.checkReceive();
    run.work();
  }, { out: [], bytes: [0, 0], left: 5 });
});
test("S96 bytes that were there before: a check finds them", () => {
  check({}, (run) => {
    run.source.push(A);
    run.mode.checkReceive();
    run.work();
  }, { out: [5], bytes: [5, 5] });
});
test("S97 three checks are one pass", () => {
  for (const compat of both) {
    const run = receive(L2, { compat });
    for (let i = 0; i < 3; i++) run.mode.checkReceive();
    assertEquals(run.queued, 1);
    assertEquals(run.work().passes.length, 1);
    run.mode.checkReceive();
    assertEquals(run.queued, 1);
  }
});
test("S98 a long message in three arrivals", () => {
  const [first, second, third] = cut(M(20), 5, 10);
  check({}, (run) => run.arrive(first!).arrive(second!).arrive(third!), { out: [22], bytes: [22, 27] });
});
test("S99 a burst of segments", () => {
  check({}, (run) => run.arrive(A, B.subarray(0, 4), join(B.subarray(4), A)), { out: [5, 7, 5], bytes: [17, 17] });
});
test("S100 a check reads although the rest is not there", () => {
  check({}, (run) => {
    run.arrive(B.subarray(0, 3)).arrive(B.subarray(3, 5)).mode.checkReceive();
    run.work();
    assertEquals(left(run), 0);
    run.arrive(B.subarray(5));
  }, { out: [7], bytes: [7, 12] });
});
test("S101 a header in two arrivals: one deadline, from the first byte", () => {
  const [first, second, third] = cut(B, 1, 4);
  check({ messageTimeoutMs: 100 }, (run) => {
    run.arrive(first!).arriveAt(50, second!);
    assertEquals(run.mode.parser.timeoutAt(), 100);
    run.arriveAt(60, third!);
    assertEquals(run.mode.stats.needMoreHeader, 1);
  }, { out: [7], bytes: [7, 10] });
});
test("S102 readDone that answers ENOMEM is called again", () => {
  for (const compat of both) {
    const run = receive(L2, { compat });
    run.readDoneAnswer = () => "ENOMEM";
    run.arrive(A);
    assertEquals([run.queued, run.passes], [1, [undefined]]);
    run.readDoneAnswer = () => undefined;
    assertEquals([run.work().passes.length, run.queued], [2, 0]);
  }
});
test("S103 the limit is lowered between two messages", () => {
  for (const compat of both) {
    const run = receive(L2, { compat, maxMessageLength: 100 }).arrive(M(20));
    run.mode.maxMessageLength = 10;
    assertEquals(codes(run.arrive(M(20))), ["EMSGSIZE"]);
    assertEquals(run.lengths(), [22]);
  }
});

test("a time that is changed counts for the next message", () => {
  const run = receive(L2, { messageTimeoutMs: 100 }).arrive(A.subarray(0, 3));
  run.mode.messageTimeoutMs = 10;
  assertEquals(run.arriveAt(5, join(A.subarray(3), A.subarray(0, 1))).mode.parser.timeoutAt(), 15);
});
test("what receiveMessage throws comes out; its message is gone from below, the next is not", () => {
  const run = receive(L2, {
    onMessage: ({ messages }) => {
      if (messages.length === 1) throw new Error("consumer");
    },
  });
  assertThrows(() => run.arrive(join(A, B)), Error, "consumer");
  assertEquals(left(run), 7);
  run.mode.dataReady(0);
  assertEquals(run.messages, [A, B]);
});
test("a length beyond what lies below does not stall, as it does in the kernel", () => {
  const message = M(30_000);
  const chunks = Array.from({ length: 20 }, (_, i) => message.subarray(i * 1501, (i + 1) * 1501));
  for (const [compat, out] of [[undefined, 1], ["linux", 0]] as const) {
    const run = receive(L2, { compat });
    for (const chunk of chunks) {
      // a window of 8 kB: the sender waits while so much is unread
      if (left(run) + chunk.length <= 8192) run.arrive(chunk);
    }
    assertEquals(run.messages.length, out);
  }
});
test("reset in abortParser goes on with the bytes that are unread", () => {
  const run = receive(refusing("EINVAL"));
  const { errors } = run;
  errors.push = (...error) => {
    run.source.skip(1);
    run.mode.parser.reset();
    return Array.prototype.push.apply(errors, error);
  };
  run.arrive(join(A, Uint8Array.of(0xff), B)).mode.dataReady(0);
  assertEquals([run.messages, codes(run)], [[A, B], ["EINVAL"]]);
});
