import { test } from "node:test";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Progress, progressLine } from "../../src/cli/progress.ts";
import { run } from "../../src/cli/run.ts";
import { addTcp, captureOf, PacketList } from "./support/captures.ts";
import { MemoryIo, MemoryOutput } from "./support/memory_io.ts";

test("a bar has a share, sizes, a rate and the time that is left", () => {
  assertEquals(
    progressLine(25e6, 100e6, 500),
    "██████░░░░░░░░░░░░░░░░░░  25 %  25.0 MB of 100 MB  50.0 MB/s  1.50 s left",
  );
  assertEquals(progressLine(100e6, 100e6, 500), "████████████████████████  100 %  100 MB of 100 MB  200 MB/s");
  assertEquals(progressLine(0, 100e6, 0), "░░░░░░░░░░░░░░░░░░░░░░░░  0 %  0 B of 100 MB");
  // a file that has grown since
  assertStringIncludes(progressLine(200e6, 100e6, 500), "100 %");
});

test("a bar is made for files over 10 MB on a terminal only", () => {
  const output = new MemoryOutput();
  assertEquals(Progress.isWorthwhile(output, 20e6), false);
  output.isTerminal = true;
  assertEquals([undefined, 0, 10e6, 10e6 + 1].map((size) => Progress.isWorthwhile(output, size)), [
    false,
    false,
    false,
    true,
  ]);
});

test("a bar is drawn ten times a second at most, and wiped where it was drawn", () => {
  const output = new MemoryOutput();
  let now = 0;
  const progress = new Progress(output, 100, () => now);
  progress.update(10);
  progress.clear();
  assertEquals(output.text, "");
  now = 100;
  progress.update(20);
  now = 199;
  progress.update(30);
  assertEquals(output.text.split("\r").length, 2);
  progress.clear();
  progress.clear();
  assert(output.text.endsWith(" left\r\x1b[K"), output.text);
});

/** A little over 10 MB. */
function large(): Uint8Array {
  const list = new PacketList();
  for (let i = 0; i < 8; i++) {
    addTcp(list, Array.from({ length: 24 }, () => ["client", new Uint8Array(60_000)] as const), { isOpen: true });
  }
  return captureOf(list);
}

test("the bar goes to standard error, which is clean at the end; --quiet has none", async () => {
  const capture = large();
  for (const [args, hasBar] of [[[], true], [["--quiet"], false]] as const) {
    const io = new MemoryIo({ a: capture });
    io.stderr.isTerminal = true;
    assertEquals(await run(["trace", "--show", "channels", ...args, "a"], io), 0);
    assertEquals(io.stderr.text.includes("█"), hasBar);
    if (hasBar) assert(io.stderr.text.endsWith("\r\x1b[K"));
  }
});
