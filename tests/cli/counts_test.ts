/** What the layers count, when things end, and what is held meanwhile. */
import { test } from "node:test";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { MessageLayer } from "../../src/cli/message_layer.ts";
import { run } from "../../src/cli/run.ts";
import type { TraceView } from "../../src/cli/trace_view.ts";
import type { FlowRecord } from "../../src/flow/mod.ts";
import { lengthPrefix } from "../../src/strparser/mod.ts";
import { addTcp, addUdp, captureOf, CLIENT, PacketList, redisCapture, SERVER } from "./support/captures.ts";
import { MemoryIo } from "./support/memory_io.ts";

const PING = "*1\r\n$4\r\nPING\r\n";

async function json(args: readonly string[], capture: Uint8Array): Promise<{ io: MemoryIo; code: number }> {
  const io = new MemoryIo({ a: capture });
  const code = await run(["trace", "--json", "--stats", ...args, "a"], io);
  return { io, code };
}

function errorsOf(io: MemoryIo, layer: string): unknown {
  return io.json.find((object) => object.type === "stats" && object.layer === layer)!.errors;
}

/** The packets from this one on come so many seconds later. */
function delay(list: PacketList, from: number, seconds: number): void {
  list.packets.splice(
    from,
    Infinity,
    ...list.packets.slice(from).map((one) => ({ ...one, seconds: one.seconds + seconds })),
  );
}

/** The packets as captured with so many bytes at most. */
function cut(list: PacketList, length: number): PacketList {
  const short = new PacketList();
  short.packets.push(...list.packets.map((one) => ({ ...one, bytes: one.bytes.subarray(0, length) })));
  return short;
}

test("a flow is idle by the time of its own packets, not of those behind it in the chunk", async () => {
  const list = new PacketList();
  addUdp(list, CLIENT, { ...SERVER, port: 5000 }, "one");
  addUdp(list, CLIENT, { ...SERVER, port: 5001 }, "two");
  delay(list, 1, 100_000);
  const { io } = await json([], captureOf(list));
  const flows = io.json.filter(({ type }) => type === "flow");
  assertEquals(flows.map(({ flow, state }) => [flow, state]), [[1, "idle"], [2, "capture-end"]]);
});

test("a message is expected to be cut off by idleness, but not by a FIN", async () => {
  for (const [isOpen, state, code] of [[true, "idle", 0], [false, "fin", 1]] as const) {
    const list = new PacketList();
    addTcp(list, [["client", PING], ["client", "*1\r\n$4\r\nPI"]], { isOpen });
    const before = list.packets.length;
    addUdp(list, CLIENT, { ...SERVER, port: 5001 }, "two");
    delay(list, before, 1_000_000);
    const run = await json([], captureOf(list));
    assertEquals(run.code, code);
    const flow = run.io.json.find(({ type, flow }) => type === "flow" && flow === 1)!;
    assertEquals([flow.state, flow.errors], [state, ["ETRUNCATED"]]);
    assertEquals(run.io.json.find(({ type }) => type === "error")!.expected, isOpen);
  }
});

test("each layer counts its own faults, and no other's", async () => {
  const list = new PacketList();
  addTcp(list, [["client", PING], ["client", PING], ["client", PING]]);
  list.packets.splice(4, 1);
  const { io } = await json([], captureOf(list).subarray(0, -1));
  assertEquals(errorsOf(io, "pcap"), { ETRUNCATED: 1 });
  assertEquals(errorsOf(io, "flow"), { gaps: 1 });
  assertEquals(errorsOf(io, "strparser"), {});
});

test("kcm makes as many channels as got messages", async () => {
  const { io } = await json(["--channels", "9"], redisCapture());
  assertEquals(io.json.find(({ layer }) => layer === "kcm")!.out, 4);
});

test("packets and segments tell their length on the wire and what was captured of it", async () => {
  const list = new PacketList();
  addTcp(list, [["client", PING]]);
  addUdp(list, CLIENT, SERVER, "datagram");
  const capture = captureOf(cut(list, 44));
  const { io } = await json(["--show", "packets,segments", "--data"], capture);
  const of = (kind: string, key: string, value: number) =>
    io.json.find((object) => object.type === kind && object[key] === value)!;
  assertEquals([of("packet", "number", 4).length, of("packet", "number", 4).captured], [54, 44]);
  const { length, captured, data, flags } = of("segment", "packet", 4);
  assertEquals([length, captured, data, flags], [14, 4, "2a310d0a", ["ACK"]]);
  assertEquals(of("segment", "packet", 8).protocol, "udp");
  assertEquals("flags" in of("segment", "packet", 8), false);
  const text = new MemoryIo({ a: capture });
  await run(["trace", "--show", "packets", "a"], text);
  assertStringIncludes(text.stdout.text, "  0.003000       4     54  raw IP (44 captured)\n");
});

test("of a long message 4096 bytes are dumped; many dumps are shown as they come", async () => {
  const list = new PacketList();
  for (let i = 0; i < 16; i++) addUdp(list, CLIENT, SERVER, new Uint8Array(5000));
  const io = new MemoryIo({ a: captureOf(list) });
  await run(["trace", "--hex", "a"], io);
  assertEquals(io.stdout.lines.filter((line) => line.endsWith(" 904 more bytes")).length, 16);
  assertEquals(io.stdout.lines[2], "  0.000000  + flow 1  udp  10.0.0.1:40000 → 10.0.0.2:6379");
});

test("a second file has its own zero of time and heads of tables", async () => {
  const list = new PacketList();
  addTcp(list, [["client", PING]]);
  const first = captureOf(list);
  delay(list, 0, 5000);
  const io = new MemoryIo({ a: first, b: captureOf(list) });
  await run(["trace", "a", "b"], io);
  assertEquals(io.stdout.lines.filter((line) => line.startsWith("  0.003000 ")).length, 2);
  assertEquals(io.stdout.lines.filter((line) => line.startsWith("      time ")).length, 2);
});

test("a terminal narrower than 40 columns is taken for one of 40", async () => {
  const [narrow, least] = await Promise.all([10, 40].map(async (columns) => {
    const io = new MemoryIo({ a: redisCapture() });
    io.stdout.isTerminal = true;
    io.stdout.columns = columns;
    await run(["trace", "a"], io);
    return io.stdout.text;
  }));
  assertEquals(narrow, least);
});

test("an interrupt before the first byte says nothing of an empty file", async () => {
  const io = new MemoryIo();
  const done = run(["trace", "-"], io);
  await new Promise((resolve) => setImmediate(resolve));
  io.interrupt!();
  assertEquals([await done, io.stderr.text, io.stdout.text], [130, "", ""]);
});

test("a broken rest is not told to whom has gone away", async () => {
  const capture = redisCapture();
  const lastRecord = capture.length - 40 - 16;
  capture[lastRecord + 8 + 3] = 0xff;
  const io = new MemoryIo({ a: capture });
  io.stdout.write = () => {
    io.stdout.failure = Object.assign(new Error(), { code: "EPIPE" });
  };
  assertEquals([await run(["trace", "--json", "a"], io), io.stderr.text], [0, ""]);
});

test("packets are written while the capture comes, and the file is closed", async () => {
  const io = new MemoryIo();
  const calls: string[] = [];
  let wrote = (): void => {};
  const hasWritten = new Promise<void>((resolve) => wrote = resolve);
  io.createFile = () =>
    Promise.resolve({
      write: ({ length }) => {
        calls.push(`write ${length > 0}`);
        wrote();
        return Promise.resolve();
      },
      close: () => Promise.resolve(void calls.push("close")),
    });
  const done = run(["trace", "-", "--write", "o.pcap"], io);
  io.stdin.feed(redisCapture().subarray(0, 400));
  await hasWritten;
  io.stdin.feed(undefined);
  await done;
  assertEquals([calls[0], calls.at(-1)], ["write true", "close"]);
});

test("a file that fails when it is closed is a failure", async () => {
  const io = new MemoryIo({ a: redisCapture() });
  const full = Object.assign(new Error(), { code: "ENOSPC" });
  io.createFile = () => Promise.resolve({ write: () => Promise.resolve(), close: () => Promise.reject(full) });
  assertEquals(await run(["trace", "a", "-w", "o"], io), 1);
  assertEquals(io.stderr.text, "leat: o: no space left on the device\n");
});

const nothing = (): void => {};
const VIEW: TraceView = {
  packet: nothing,
  segment: nothing,
  flowOpened: nothing,
  flowDecided: nothing,
  call: nothing,
  message: nothing,
  data: nothing,
  flowClosed: nothing,
  problem: nothing,
};

test("beyond 64 MiB of undecided bytes flows are decided at once, until others are decided", () => {
  const forced: number[] = [];
  const layer = new MessageLayer({
    chooser: (record, _client, _server, isComplete) => {
      if (!isComplete) return "undecided";
      forced.push(record.id);
      return { parser: undefined, name: "opaque", why: "" };
    },
    channels: 1,
    maxMessageLength: 1000,
    showsMessages: false,
  }, VIEW);
  const time = { seconds: 0, nanoseconds: 0 };
  const piece = new Uint8Array(4 << 20);
  const records = Array.from({ length: 19 }, (_, id) => ({ id, key: { protocol: "tcp" } }) as unknown as FlowRecord);
  const begin = (id: number): void => {
    layer.open(records[id]!);
    layer.data(records[id]!, "client", piece, time);
  };
  for (let id = 0; id < 16; id++) begin(id);
  assertEquals(forced, []);
  begin(16);
  assertEquals(forced, [16]);
  begin(17);
  assertEquals(forced, [16, 17]);
  for (const side of ["client", "server"] as const) layer.finish(records[0]!, side, undefined, time);
  layer.close(records[0]!);
  assertEquals([forced.at(-1), records[0]!.user], [0, undefined]);
  begin(18);
  assertEquals(forced, [16, 17, 0]);
  assert(layer.counts.opaqueBytes === 3 * piece.length);
});

test("beyond 64 MiB of begun messages what comes of them is not kept for the case that they fail", () => {
  const layer = new MessageLayer({
    chooser: () => ({ parser: lengthPrefix(4), name: "len32", why: "", isGuess: true }),
    channels: 1,
    maxMessageLength: 5 << 20,
    showsMessages: true,
  }, { ...VIEW, data: ({ flow, offset, data }) => void shown.push([flow.record.id, offset, data.length]) });
  const shown: number[][] = [];
  const time = { seconds: 0, nanoseconds: 0 };
  // with what a piece weighs on top, sixteen fill them
  const piece = new Uint8Array((4 << 20) - 256);
  piece[1] = 0x41;
  const records = Array.from({ length: 18 }, (_, id) => ({ id, key: { protocol: "tcp" } }) as unknown as FlowRecord);
  const settle = (id: number): void => layer.finish(records[id]!, "client", undefined, time);
  for (const record of records.slice(0, 17)) {
    layer.open(record);
    layer.data(record, "client", piece, time);
  }
  settle(16);
  assertEquals([shown, layer.counts.ignoredBytes], [[], piece.length]);
  settle(0);
  // there is room again, but not for the rest of what is not kept from its beginning
  layer.open(records[17]!);
  layer.data(records[17]!, "client", piece, time);
  layer.data(records[17]!, "client", piece.subarray(0, 1), time);
  layer.close(records[1]!);
  layer.data(records[17]!, "client", piece.subarray(0, 1), time);
  settle(17);
  assertEquals(shown, [[0, 0, piece.length], [17, 0, piece.length]]);
  assertEquals([layer.counts.ignoredBytes, layer.counts.opaqueBytes], [piece.length + 2, 2 * piece.length]);
});
