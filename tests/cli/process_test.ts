import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { assertEquals, assertMatch, assertNotMatch, assertStringIncludes } from "@std/assert";
import { addTcp, captureOf, CLIENT, PacketList, redisCapture } from "./support/captures.ts";
import { Child, runChild, runInto, runOnFile } from "./support/child.ts";

const ESCAPE = "\x1b";
const ANYTHING_OF_A_STACK = /^\s+at /m;

/** Runs with a folder that is gone afterwards. */
async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "leat-cli-"));
  try {
    await run(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** More text than any pipe holds. */
function longCapture(): Uint8Array {
  const list = new PacketList();
  for (let i = 0; i < 3000; i++) {
    addTcp(list, [["client", "*1\r\n$4\r\nPING\r\n"], ["server", "+PONG\r\n"]], {
      client: { ...CLIENT, port: 20000 + i },
    });
  }
  return captureOf(list);
}

test("a file: exit code 0, tables without colours in a pipe, nothing on standard error", () =>
  inFolder(async (folder) => {
    const path = join(folder, "redis.pcap");
    writeFileSync(path, redisCapture());
    const { code, stdout, stderr } = await runChild(["trace", path]);
    assertEquals([code, stderr], [0, ""]);
    assertStringIncludes(stdout, "+PONG\\r\\n");
    assertEquals(stdout.includes(ESCAPE), false);
    const colored = await runChild(["trace", "--color=always", path]);
    assertStringIncludes(colored.stdout, `${ESCAPE}[`);
  }));

test("a folder, a missing file and a file that is no capture are one line each, exit code 1", () =>
  inFolder(async (folder) => {
    const text = join(folder, "notes.txt");
    writeFileSync(text, "not a capture at all");
    const missing = join(folder, "missing.pcap");
    const { code, stdout, stderr } = await runChild(["trace", folder, missing, text]);
    assertEquals([code, stdout], [1, ""]);
    assertEquals(stderr.split("\n"), [
      `leat: ${folder}: is a directory`,
      `leat: ${missing}: no such file`,
      `leat: ${text}: not a pcap or pcapng capture: it starts with 0x6e6f7420`,
      "",
    ]);
  }));

test("an unknown parser is one line without a stack, exit code 2", async () => {
  const { code, stdout, stderr } = await runChild(["trace", "--parser", "gopher", "x"]);
  assertEquals([code, stdout, stderr.split("\n").length], [2, "", 2]);
  assertStringIncludes(stderr, 'no parser is named "gopher"');
  assertNotMatch(stderr, ANYTHING_OF_A_STACK);
});

test("what a pipe brings is shown before it ends, and a signal ends it with the stats and 130", async () => {
  const child = new Child(["trace", "-", "--stats"]);
  child.process.stdin.write(redisCapture().subarray(0, 400));
  await child.until("+PONG");
  // not the kill() of the child: under Deno that closes its standard input first
  process.kill(child.process.pid!, "SIGINT");
  const { code, signal, stdout, stderr } = await child.done;
  assertEquals([code, signal, stderr], [130, null, ""]);
  assertStringIncludes(stdout, "- flow 1  open, ");
  assertMatch(stdout, /^strparser +/m);
});

test("a full device as standard output is one line, exit code 1", () =>
  inFolder(async (folder) => {
    const path = join(folder, "redis.pcap");
    writeFileSync(path, redisCapture());
    for (const args of [["trace", path], ["trace", path, "--write", "-"], ["trace", "--help"]]) {
      const { code, stderr } = await runInto("/dev/full", args);
      assertEquals([code, stderr], [1, "leat: cannot write to standard output: no space left on the device\n"]);
    }
  }));

test("a named pipe is live too: shown before it ends, and a signal ends it with 130", () =>
  inFolder(async (folder) => {
    const path = join(folder, "pipe");
    execFileSync("mkfifo", [path]);
    const child = new Child(["trace", path]);
    // waits until the child opens the other end
    const writer = await open(path, "w");
    await writer.write(redisCapture().subarray(0, 400));
    await child.until("+PONG");
    process.kill(child.process.pid!, "SIGINT");
    const { code, signal, stdout, stderr } = await child.done;
    await writer.close();
    assertEquals([code, signal, stderr], [130, null, ""]);
    assertStringIncludes(stdout, "- flow 1  open, ");
  }));

test("a named pipe that nobody writes to does not keep it from being interrupted", () =>
  inFolder(async (folder) => {
    const path = join(folder, "pipe");
    writeFileSync(join(folder, "a.pcap"), redisCapture());
    execFileSync("mkfifo", [path]);
    const child = new Child(["trace", join(folder, "a.pcap"), path]);
    await child.until("value");
    process.kill(child.process.pid!, "SIGINT");
    const { code, signal, stderr } = await child.done;
    assertEquals([code, signal, stderr], [130, null, ""]);
  }));

test("a reader that goes away ends it quietly with exit code 0", () =>
  inFolder(async (folder) => {
    const path = join(folder, "long.pcap");
    writeFileSync(path, longCapture());
    const child = new Child(["trace", path]);
    child.process.stdin.end();
    await new Promise<void>((resolve) => child.process.stdout.once("data", () => resolve()));
    child.process.stdout.destroy();
    const { code, signal, stderr } = await child.done;
    assertEquals([code, signal, stderr], [0, null, ""]);
  }));

test("--write makes a file that gives the same view again", () =>
  inFolder(async (folder) => {
    const path = join(folder, "a.pcap");
    const copy = join(folder, "b.pcapng");
    writeFileSync(path, longCapture());
    const first = await runChild(["trace", "--json", "-w", copy, path]);
    assertEquals([first.code, first.stderr], [0, `leat: wrote 24,000 packets to ${copy}\n`]);
    assertEquals([...readFileSync(copy).subarray(0, 4)], [0x0a, 0x0d, 0x0d, 0x0a]);
    const second = await runChild(["trace", "--json", copy]);
    assertEquals(second.stdout, first.stdout);
    const same = await runChild(["trace", "-w", path, path]);
    assertEquals(same.code, 2);
    assertStringIncludes(same.stderr, "would overwrite");
  }));

test("a file as standard input is shown as a file is: as a whole", () =>
  inFolder(async (folder) => {
    const path = join(folder, "redis.pcap");
    writeFileSync(path, redisCapture());
    const { code, stdout } = await runOnFile(["trace", "-"], path);
    const named = await runChild(["trace", path]);
    assertEquals(code, 0);
    assertEquals(stdout.split("\n").slice(1), named.stdout.split("\n").slice(1));
  }));

test("--write does not overwrite the file that standard input is read from", () =>
  inFolder(async (folder) => {
    const path = join(folder, "redis.pcap");
    writeFileSync(path, redisCapture());
    const { code, stderr } = await runOnFile(["trace", "-", "--write", path], path);
    assertEquals(code, 2);
    assertStringIncludes(stderr, "leat: --write would overwrite standard input, which is read");
    assertEquals(new Uint8Array(readFileSync(path)), redisCapture());
  }));

test("a large file on standard input comes through whole", async () => {
  const { code, stdout } = await runChild(["trace", "-", "--show", "channels", "--json"], longCapture());
  assertEquals(code, 0);
  assertEquals(JSON.parse(stdout), { type: "channel", channel: 1, messages: 6000, bytes: 3000 * 21 });
});
