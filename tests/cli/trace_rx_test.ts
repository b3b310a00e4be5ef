import { readFileSync } from "node:fs";
import { test } from "node:test";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { run } from "../../src/cli/run.ts";
import { addUdp, captureOf, CLIENT, PacketList, redisCapture, SERVER } from "./support/captures.ts";
import { MemoryIo } from "./support/memory_io.ts";

function recorded(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(`../rxrpc/captures/${name}.pcap`, import.meta.url)));
}

async function trace(args: readonly string[], capture: Uint8Array): Promise<{ io: MemoryIo; code: number }> {
  const io = new MemoryIo({ "a.pcap": capture });
  const code = await run(["trace", ...args, "a.pcap"], io);
  return { io, code };
}

test("a person sees the calls of RxRPC, and each packet in words", async () => {
  const { io, code } = await trace([], recorded("rxkad_aborts"));
  assertEquals([code, io.stderr.text], [0, ""]);
  const { lines } = io.stdout;
  assert(lines.includes("rxrpc: the first datagram has a header of Rx; each datagram is a message"));
  const calls = lines.filter((line) => /^ +\d+ +\d+ +73 +rxkad/.test(line));
  assertEquals(calls.length, 19);
  assertEquals(calls[0], "   1     1       73  rxkad        12 B  2.14 kB       0     0  complete");
  assertEquals(calls[9], "  10    10       73  rxkad        24 B      0 B       0     0  aborted RXKADUNK…");
  const head = lines.findIndex((line) => /^ +time /.test(line));
  const packets = lines.slice(head + 1);
  assertEquals(packets.slice(0, 5).map((line) => line.slice(lines[head]!.indexOf("message"))), [
    "call 1 DATA 1, 12 B, last, service 73",
    "CHALLENGE",
    "RESPONSE",
    "call 1 DATA 1, 1416 B, request-ack, serv…",
    "call 1 ACK below 2, REQUESTED, rtt 0.383…",
  ]);
});

test("JSON: a call with both directions, acknowledgements and why it ended", async () => {
  const { io } = await trace(["--json", "--show", "calls"], recorded("kernel_handmade"));
  const calls = io.json;
  assert(calls.length > 20 && calls.every(({ type }) => type === "rx-call"));
  const states = new Set(calls.map(({ state }) => state));
  assertEquals(states, new Set(["complete", "replaced", "aborted", "open"]));
  const total = (name: string): number =>
    calls.reduce((sum, call) => {
      const count = (side: string): number => (call[side] as Record<string, number>)[name]!;
      return sum + count("request") + count("reply");
    }, 0);
  assert(total("resent") > 0 && total("softAcked") > 0 && total("spurious") > 0);
  const codes = calls.flatMap(({ abort }) => abort === undefined ? [] : [(abort as { code: number }).code]);
  assert(codes.includes(-5), codes.join());
});

test("JSON: messages of RxRPC say what is in them", async () => {
  const { io } = await trace(["--json", "--show", "messages", "--limit", "3"], recorded("rxnull_pts"));
  assertEquals(io.json.map(({ rx }) => rx), [
    { type: "DATA", call: 1, text: "call 1 DATA 1, 20 B, last, service 73" },
    { type: "DATA", call: 1, text: "call 1 DATA 1, 0 B, last, service 73" },
    { type: "ACK", call: 1, text: "call 1 ACK below 2, DELAY, window 32" },
  ]);
});

test("where there is nothing of what is shown, that is said", async () => {
  const redis = new MemoryIo({ a: redisCapture() });
  assertEquals(await run(["trace", "--show", "calls", "a"], redis), 0);
  assertEquals(redis.stdout.lines.slice(2), ["", "no calls of RxRPC"]);
  const live = new MemoryIo();
  live.stdin.feed(redisCapture());
  live.stdin.feed(undefined);
  assertEquals(await run(["trace", "--show", "calls", "-"], live), 0);
  assertEquals(live.stdout.lines.at(-1), "no calls of RxRPC");
  const both = new MemoryIo({ a: redisCapture() });
  assertEquals(await run(["trace", "--show", "calls,messages", "--flow", "port 1", "a"], both), 0);
  assertEquals(both.stdout.lines.slice(2), ["", "no messages, no calls of RxRPC"]);
  const json = new MemoryIo({ a: redisCapture() });
  assertEquals(await run(["trace", "--show", "calls", "--json", "a"], json), 0);
  assertEquals(json.stdout.text, "");
});

test("--limit counts calls; --stats has a line for them", async () => {
  const { io } = await trace(["--show", "calls", "--limit", "2", "--json"], recorded("rxnull_pts"));
  assertEquals(io.json.length, 2);
  const stats = await trace(["--show", "calls", "--stats"], recorded("rxnull_pts"));
  assertMatch(stats.io.stdout.text, /^rxrpc +54 datagrams +18 calls +5\.92 kB/m);
});

test("captures without RxRPC are shown as before", async () => {
  const { io } = await trace(["--stats"], redisCapture());
  assert(!io.stdout.text.includes("rxrpc"));
  const list = new PacketList();
  addUdp(
    list,
    { ...CLIENT, port: 5000 },
    { ...SERVER, port: 53 },
    "a question that is as long as a header of Rx, or longer",
  );
  assertStringIncludes((await trace([], captureOf(list))).io.stdout.text, "datagrams");
});

test("--plot draws the largest call, or those that --call names", async () => {
  const { io, code } = await trace(["--show", "calls", "--plot", "x.svg"], recorded("rxkad_des_crypt"));
  assertEquals(code, 0);
  assertEquals(io.stderr.text, "leat: a.pcap: drew 1 call into x.svg\n");
  assertMatch(new TextDecoder().decode(io.writtenBytes("x.svg")), /^<svg [^]*call \d+: 10\.77\.0\.1:[^]*<\/svg>\n$/);
  const two = await trace(["--plot", "x.svg", "--call", "3,1"], recorded("rxnull_pts"));
  const svg = new TextDecoder().decode(two.io.writtenBytes("x.svg"));
  assertEquals([...svg.matchAll(/>call (\d+):/g)].map(([, id]) => id), ["3", "1"]);
  const none = await trace(["--plot", "x.svg", "--call", "99"], recorded("rxnull_pts"));
  assertEquals([none.code, none.io.written.size], [1, 0]);
  assertStringIncludes(none.io.stderr.text, "--call: no call 99\n");
  const without = await trace(["--plot", "x.svg"], redisCapture());
  assertStringIncludes(without.io.stderr.text, "no calls to plot");
});

test("--plot and --call that make no sense are told", async () => {
  for (
    const [args, what] of [
      [["--call", "1"], "--call needs --plot"],
      [["--plot", "x.svg", "--call", "0"], "--call wants numbers"],
      [["--plot", "a.pcap"], "--plot would overwrite a.pcap"],
      [["--plot", "x.svg", "a.pcap"], "--plot takes one capture"],
      [["--plot", "x", "--write", "x"], "--write and --plot are one file, x"],
    ] as const
  ) {
    const { io, code } = await trace(args, redisCapture());
    assertEquals(code, 2);
    assertStringIncludes(io.stderr.text, what);
  }
});
