// The counts that the closing lines add up are read from reports; these are the shapes of the reports.
import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { readBunCounts, readDenoCounts, readNodeCounts, summed, unended } from "../../scripts/lib/test_run.ts";
import { closingLine } from "../../scripts/lib/checks.ts";
import { run } from "../../scripts/lib/run.ts";

test("node's summary counts cancelled, skipped and todo tests as failed", () => {
  const tap = "ok 1 - a\n1..9\n# tests 9\n# suites 0\n# pass 3\n# fail 1\n# cancelled 2\n# skipped 2\n# todo 1\n";
  assertEquals(readNodeCounts(tap), { passed: 3, failed: 6 });
  assertEquals(readNodeCounts("Bail out!"), undefined);
});

test("a test that prints what looks like a summary does not count", () => {
  assertEquals(readNodeCounts("#     # pass 100\n# pass 2\n# fail 0\n# cancelled 0\n# skipped 0\n# todo 0\n"), {
    passed: 2,
    failed: 0,
  });
});

test("deno's summary counts ignored tests as failed, with and without steps", () => {
  assertEquals(readDenoCounts("ok | 72 passed | 0 failed (40ms)\n"), { passed: 72, failed: 0 });
  assertEquals(readDenoCounts("FAILED | 5 passed (9 steps) | 2 failed (1 step) | 3 ignored (1s)\n"), {
    passed: 5,
    failed: 5,
  });
  assertEquals(readDenoCounts("error: Module not found"), undefined);
});

test("bun's summary counts skipped tests and load errors as failed", () => {
  assertEquals(readBunCounts(" 72 pass\n 0 fail\nRan 72 tests"), { passed: 72, failed: 0 });
  assertEquals(readBunCounts(" 7 pass\n 2 skip\n 1 todo\n 1 fail\n 1 error\n"), { passed: 7, failed: 5 });
  assertEquals(readBunCounts("error: no tests"), undefined);
});

test("a run that failed, counted nothing or ran no test has not passed", () => {
  const outcome = (code: number, passed?: number) => {
    const counts = summed(code, passed === undefined ? undefined : { passed, failed: 0 }, () => "why");
    return [counts.passed, counts.failed, counts.complaint];
  };
  assertEquals(outcome(0, 3), [3, 0, ""]);
  assertEquals(outcome(1, 3), [3, 1, "why"]);
  assertEquals(outcome(0, 0), [0, 1, "why"]);
  assertEquals(outcome(0), [0, 1, "why"]);
});

test("the closing line is the last plain one", () => {
  assertEquals(closingLine("1 passed, 0 failed\nNode 5 passed, 2 failed in\n7 passed, 1 failed\n"), {
    passed: 7,
    failed: 1,
  });
  assertEquals(closingLine("all good"), undefined);
});

test("a run whose time is over has failed and says what it has printed, whatever lives on or says of itself", async () => {
  const scripts = [
    // a session of its own, as a child of nobody, that keeps the output open
    "echo begun; (setsid sleep 600 &) ; exec sleep 600",
    // one that cannot be found by what is in its environment
    "echo begun; env -i sleep 30 & exec sleep 600",
    "trap 'exit 0' TERM; echo begun; while :; do sleep 0.1; done",
  ];
  const outcomes = await Promise.all(scripts.map((script) => run("sh", ["-c", script], { timeoutMs: 1500 })));
  for (const [at, { code, output }] of outcomes.entries()) {
    assertEquals([code, output], [1, "begun\n\nended: not done after 1.5 s\n"], scripts[at]!);
  }
});

test("a program that is not there has failed", async () => {
  assertEquals((await run("leat-no-such-program", [])).code, 1);
});

test("of a run that was ended from outside, the tests that had begun and not ended are known", () => {
  const report = "begun a_test.ts\nbegun one\nended one\nbegun one\nbegun two\nended two\n";
  assertEquals(unended(report), ["a_test.ts", "one"]);
  assertEquals(unended(""), []);
});
