/** Which parser a flow gets, and when. */
import { test } from "node:test";
import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../src/cli/io.ts";
import { detectingChooser, parserChooser } from "../../src/cli/parser_choice.ts";
import { run } from "../../src/cli/run.ts";
import type { FlowRecord } from "../../src/flow/mod.ts";
import { addTcp, captureOf, PacketList, type Talk } from "./support/captures.ts";
import { MemoryIo } from "./support/memory_io.ts";

const NONE = new Uint8Array(0);
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

function record(port: number, complete: boolean): FlowRecord {
  const key = { protocol: "tcp", client: { address: "::1", port: 5 }, server: { address: "::2", port } };
  return { key, complete } as unknown as FlowRecord;
}

async function flowsOf(talk: Talk, drop?: number): Promise<Record<string, unknown>[]> {
  const list = new PacketList();
  addTcp(list, talk);
  if (drop !== undefined) list.packets.splice(0, drop);
  const io = new MemoryIo({ a: captureOf(list) });
  await run(["trace", "--json", "a"], io);
  return io.json;
}

test("the chooser of auto goes by the bytes, says why, and waits for more", () => {
  assertEquals(detectingChooser(record(1, true), utf8("*1\r\n$4"), NONE, false), "undecided");
  const found = detectingChooser(record(1, true), utf8("*1\r\n$4\r\nPING\r\n"), NONE, false);
  assertEquals(found !== "undecided" && [found.name, found.parser?.name, found.why], [
    "resp",
    "resp",
    "client sent a command as a RESP array of strings",
  ]);
});

test("a guess is said to be one", () => {
  const found = detectingChooser(record(6379, true), utf8("PING\r\n"), NONE, true);
  assertEquals(found !== "undecided" && found.why, "client sent an inline command to the port of Redis (likely)");
});

test("what nobody knows is opaque, and it is said whether the beginning was there", () => {
  for (
    const [complete, why] of [
      [true, "the first bytes fit no known protocol"],
      [false, "the beginning of the connection is not in the capture"],
    ] as const
  ) {
    assertEquals(detectingChooser(record(7, complete), utf8("\x01nothing\n"), utf8("\x02\n"), true), {
      parser: undefined,
      name: "opaque",
      why,
    });
  }
});

test("a parser by name is given to all, an unknown one is refused", () => {
  const verdict = parserChooser("len32")(record(7, false), NONE, NONE, false);
  assertEquals(verdict !== "undecided" && [verdict.name, verdict.why], ["len32", "as asked for by --parser"]);
  assertEquals(parserChooser("auto"), detectingChooser);
  assertThrows(() => parserChooser("len7"), UsageError, "--parser: ");
});

test("a command in pieces is held until it is known, then nothing of it is lost", async () => {
  const objects = await flowsOf([["client", "*1"], ["client", "\r\n$4\r"], ["client", "\nPI"], ["client", "NG\r\n"]]);
  assertEquals(objects.map(({ type, length, time }) => [type, length, time]).slice(1, 2), [
    ["message", 14, "1700000000.006000030"],
  ]);
});

test("held pieces keep their times", async () => {
  const objects = await flowsOf([["client", "what"], ["server", "ever\n"], ["client", " is\n"]]);
  const data = objects.filter(({ type }) => type === "data");
  assertEquals(data.map(({ direction, offset, length, time }) => [direction, offset, length, time]), [
    ["client", 0, 4, "1700000000.003000015"],
    ["server", 0, 5, "1700000000.004000020"],
    ["client", 4, 4, "1700000000.005000025"],
  ]);
});

test("the end of one direction does not decide before the other has spoken", async () => {
  const list = new PacketList();
  addTcp(list, [["client", "ECHO hi\r\n"], ["server", "$2\r\nhi\r\n"]], {
    server: { address: [10, 0, 0, 2], port: 7777 },
  });
  const io = new MemoryIo({ a: captureOf(list) });
  await run(["trace", "--json", "a"], io);
  const flow = io.json.find(({ type }) => type === "flow")!;
  assertEquals([flow.parser, flow.state, flow.errors], ["resp", "fin", []]);
  assertEquals(io.json.filter(({ type }) => type === "message").length, 2);
});

test("a request line as long as RFC 9112 asks for is recognised", async () => {
  const line = `GET /${"a".repeat(8000 - "GET / HTTP/1.1\r\n".length)} HTTP/1.1\r\n`;
  const talk: [side: "client", text: string][] = [];
  for (let i = 0; i < line.length; i += 1460) talk.push(["client", line.slice(i, i + 1460)]);
  const objects = await flowsOf([...talk, ["client", "Host: a\r\n\r\n"]]);
  const flow = objects.find(({ type }) => type === "flow")!;
  assertEquals([flow.parser, flow.errors], ["http1", []]);
  assertEquals(objects.filter(({ type }) => type === "message").map(({ length }) => length), [8000 + 11]);
});

test("a flow on which nothing was said has no parser", async () => {
  const flow = (await flowsOf([])).find(({ type }) => type === "flow")!;
  assertEquals([flow.parser, flow.why, flow.state], [null, "", "fin"]);
});

test("a connection joined in the middle is read when its bytes are clear enough", async () => {
  const flow = (await flowsOf([["client", "*1\r\n$4\r\nPING\r\n"]], 3)).find(({ type }) => type === "flow")!;
  assertEquals([flow.parser, flow.complete], ["resp", false]);
});

test("behind a failure of a parser that was asked for nothing is read, and that is counted", async () => {
  const list = new PacketList();
  addTcp(list, [["client", "*1\r\n$4\r\nPING\r\n"], ["client", "*x\r\n"], ["client", "*1\r\n$4\r\nPING\r\n"], [
    "server",
    "+OK\r\n",
  ]]);
  const io = new MemoryIo({ a: captureOf(list) });
  assertEquals(await run(["trace", "--json", "--stats", "--parser", "resp", "a"], io), 1);
  assertEquals(io.json.filter(({ type }) => type === "message").map(({ direction }) => direction), [
    "client",
    "server",
  ]);
  const strparser = io.json.find(({ layer, type }) => type === "stats" && layer === "strparser")!;
  assertEquals(strparser.errors, { EPROTO: 1, ignoredBytes: 18 });
});
