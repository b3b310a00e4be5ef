import { test } from "node:test";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { run } from "../../src/cli/run.ts";
import { redisCapture } from "./support/captures.ts";
import { MemoryIo } from "./support/memory_io.ts";

const RECORD = 16;
/** Where the first reply ends in the capture: after 5 packets, of which two have 14 and 7 bytes of payload. */
const AFTER_FIRST_REPLY = 24 + 5 * (RECORD + 40) + 14 + 7;

test("what comes live is shown at once: half a capture gives its messages before the rest comes", async () => {
  const io = new MemoryIo();
  const capture = redisCapture();
  const done = run(["trace", "-", "--stats"], io);
  io.stdin.feed(capture.subarray(0, AFTER_FIRST_REPLY));
  await io.stdout.until("+PONG");
  assertEquals(io.stdout.lines, [
    "standard input  pcap, raw IP  2023-11-14 22:13:20 UTC",
    "",
    "  0.000000  + flow 1  tcp  10.0.0.1:40000 → 10.0.0.2:6379",
    "  0.003000  = flow 1  resp: client sent a command as a RESP array of strings",
    "      time  chan  flow     seq  bytes  message",
    "  0.003000     1     1  →    0     14  2a 31 0d 0a  *1\\r\\n$4\\r\\nPING\\r\\n",
    "  0.004000     1     1  ←    0      7  2b 50 4f 4e  +PONG\\r\\n",
  ]);
  io.stdin.feed(capture.subarray(AFTER_FIRST_REPLY));
  await io.stdout.until("value");
  assertEquals(io.stdout.text.includes("layer"), false);
  io.stdin.feed(undefined);
  assertEquals(await done, 0);
  assertStringIncludes(io.stdout.text, "  0.008000  - flow 1  fin, 9 packets, 36 B sent, 18 B received, ");
  assertStringIncludes(io.stdout.text, "10 packets (454 B), 1 flow, 4 messages, ");
  assertStringIncludes(io.stdout.text, "layer ");
  assert(io.stdin.isClosed);
});

test("JSON comes live as well", async () => {
  const io = new MemoryIo();
  const done = run(["trace", "-", "--json"], io);
  io.stdin.feed(redisCapture().subarray(0, AFTER_FIRST_REPLY));
  await io.stdout.until('"server","sequence":0');
  assertEquals(io.json.map(({ type }) => type), ["flow-open", "message", "message"]);
  io.stdin.feed(undefined);
  assertEquals(await done, 0);
  assertEquals(io.json.at(-1)!.type, "flow");
});

test("nothing is shown before there is a packet", async () => {
  const io = new MemoryIo();
  const done = run(["trace", "-"], io);
  io.stdin.feed(redisCapture().subarray(0, 30));
  io.stdin.feed(new Uint8Array(0));
  await Promise.resolve();
  assertEquals(io.stdout.text, "");
  io.stdin.feed(undefined);
  assertEquals(await done, 1);
});

test("an interrupt shows what there is, the stats if asked for, and exits with 130", async () => {
  const io = new MemoryIo();
  const done = run(["trace", "-", "--stats"], io);
  io.stdin.feed(redisCapture().subarray(0, AFTER_FIRST_REPLY - 3));
  await io.stdout.until("PING");
  io.interrupt!();
  assertEquals(await done, 130);
  assertStringIncludes(io.stdout.text, "  0.003000  - flow 1  open, 4 packets, 14 B sent, 0 B received, ");
  assertStringIncludes(io.stdout.text, "stopped here; there may be more");
  assertStringIncludes(io.stdout.text, "layer ");
  assertEquals(io.stderr.text, "");
  assertEquals([io.interrupt, io.stdin.isClosed], [undefined, true]);
});

test("an interrupt while a file is opened ends the run", async () => {
  const io = new MemoryIo();
  io.openFile = () => new Promise(() => {});
  const done = run(["trace", "fifo", "another"], io);
  await Promise.resolve();
  io.interrupt!();
  assertEquals(await done, 130);
  assertEquals(io.stdout.text, "");
});

test("the files behind an interrupted one are not opened", async () => {
  const io = new MemoryIo({ b: redisCapture() });
  const done = run(["trace", "-", "b"], io);
  io.stdin.feed(redisCapture().subarray(0, AFTER_FIRST_REPLY));
  await io.stdout.until("PONG");
  io.interrupt!();
  assertEquals(await done, 130);
  assertEquals(io.opened, 0);
});
