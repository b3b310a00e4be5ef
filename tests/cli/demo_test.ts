import { test } from "node:test";
import { assert, assertEquals, assertNotMatch, assertStringIncludes } from "@std/assert";
import { run } from "../../src/cli/run.ts";
import { addTcp, captureOf, CLIENT, PacketList, redisCapture } from "./support/captures.ts";
import { runChild } from "./support/child.ts";
import { MemoryIo } from "./support/memory_io.ts";

test("the demo shows the layers with their counts, then the messages on their channels", async () => {
  const io = new MemoryIo({ "x/redis.pcap": redisCapture() });
  assertEquals(await run(["demo", "x/redis.pcap"], io), 0);
  assertEquals(io.stderr.text, "");
  assertEquals(io.stdout.lines, [
    "redis.pcap  pcap, raw IP  2023-11-14 22:13:20 UTC",
    "",
    "layer            takes     makes",
    "pcap         638 bytes  →  10 packets",
    "packet      10 packets  →  10 segments",
    "flow       10 segments  →  1 flow",
    "strparser     4 chunks  →  4 messages",
    "kcm         4 messages  →  3 channels",
    "",
    "flow  client          server         sent  received  state  parser",
    "   1  10.0.0.1:40000  10.0.0.2:6379  36 B      18 B  fin    resp",
    "",
    "resp: client sent a command as a RESP array of strings (flow 1)",
    "",
    "      time  chan  flow     seq  bytes  message",
    "  0.003000     1     1  →    0     14  2a 31 0d 0a  *1\\r\\n$4\\r\\nPING\\r\\n",
    "  0.004000     2     1  ←    0      7  2b 50 4f 4e  +PONG\\r\\n",
    "  0.005000     3     1  →    1     22  2a 32 0d 0a  *2\\r\\n$3\\r\\nGET\\r\\n$3\\r\\nke…",
    "  0.006000     1     1  ←    1     11  24 35 0d 0a  $5\\r\\nvalue\\r\\n",
    "",
    "all of it: npx tsx src/cli/main.ts trace x/redis.pcap",
  ]);
});

test("of a long capture the demo shows the beginning, and counts the rest", async () => {
  const list = new PacketList();
  for (let i = 0; i < 50; i++) {
    addTcp(list, [["client", "*1\r\n$4\r\nPING\r\n"]], { client: { ...CLIENT, port: 20000 + i } });
  }
  const io = new MemoryIo({ a: captureOf(list) });
  assertEquals(await run(["demo", "a"], io), 0);
  assertStringIncludes(io.stdout.text, "and 38 more flows\n");
  assertStringIncludes(io.stdout.text, "and 10 more messages\n");
});

test("nothing in the name of the file can control the terminal", async () => {
  const io = new MemoryIo({ "a\x1b[2J": redisCapture() });
  assertEquals(await run(["demo", "a\x1b[2J"], io), 0);
  assertNotMatch(io.stdout.text, /[^\P{C}\n]/u);
});

test("a file that cannot be read is one line", async () => {
  const io = new MemoryIo();
  assertEquals(await run(["demo", "gone"], io), 1);
  assertEquals([io.stdout.text, io.stderr.text], ["", "leat: gone: no such file\n"]);
});

test("without a file the demo finds its sample", async () => {
  const { code, stdout, stderr } = await runChild(["demo"]);
  assertEquals([code, stderr], [0, ""]);
  const lines = stdout.split("\n");
  assert(lines[0]!.startsWith("redis_cli.pcap  pcap, Ethernet  "), lines[0]);
  assertEquals(lines.slice(3, 8).map((line) => line.split(" ")[0]), ["pcap", "packet", "flow", "strparser", "kcm"]);
  assertStringIncludes(stdout, "PING\\r\\n");
  for (const line of lines) assert(line.length <= 80 || line.startsWith("all of it: "), line);
});
