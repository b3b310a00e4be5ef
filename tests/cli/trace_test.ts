import { test } from "node:test";
import { assert, assertEquals, assertMatch, assertNotMatch, assertStringIncludes } from "@std/assert";
import { fromHex } from "../../src/bytes/mod.ts";
import { run } from "../../src/cli/run.ts";
import { addTcp, addUdp, captureOf, CLIENT, PacketList, redisCapture, SERVER, type Talk } from "./support/captures.ts";
import { MemoryIo } from "./support/memory_io.ts";

/** Runs `leat trace` over one capture; returns the world after. */
async function trace(args: readonly string[], capture: Uint8Array, setUp: (io: MemoryIo) => void = () => {}): Promise<
  { io: MemoryIo; code: number }
> {
  const io = new MemoryIo({ "a.pcap": capture });
  setUp(io);
  const code = await run(["trace", ...args, "a.pcap"], io);
  return { io, code };
}

function twoFlows(): Uint8Array {
  const list = new PacketList();
  addTcp(list, [["client", "*1\r\n$4\r\nPING\r\n"], ["server", "+PONG\r\n"]]);
  addTcp(list, [["client", "what is this?\n"], ["server", "nothing known\n"]], {
    client: { ...CLIENT, port: 40001 },
    server: { ...SERVER, port: 7 },
  });
  addUdp(list, { ...CLIENT, port: 5000 }, { ...SERVER, port: 53 }, "ask");
  return captureOf(list);
}

test("a person sees what the capture is, its flows, why they are read so, and the messages", async () => {
  const { io, code } = await trace([], redisCapture());
  assertEquals(code, 0);
  assertEquals(io.stderr.text, "");
  assertEquals(io.stdout.lines, [
    "a.pcap  pcap, raw IP  2023-11-14 22:13:20 UTC",
    "10 packets (454 B), 1 flow, 4 messages, 9.00 ms",
    "",
    "flow  client          server         sent  received  state  parser",
    "   1  10.0.0.1:40000  10.0.0.2:6379  36 B      18 B  fin    resp",
    "",
    "resp: client sent a command as a RESP array of strings (flow 1)",
    "",
    "      time  chan  flow     seq  bytes  message",
    "  0.003000     1     1  →    0     14  2a 31 0d 0a  *1\\r\\n$4\\r\\nPING\\r\\n",
    "  0.004000     1     1  ←    0      7  2b 50 4f 4e  +PONG\\r\\n",
    "  0.005000     1     1  →    1     22  2a 32 0d 0a  *2\\r\\n$3\\r\\nGET\\r\\n$3\\r\\nke…",
    "  0.006000     1     1  ←    1     11  24 35 0d 0a  $5\\r\\nvalue\\r\\n",
  ]);
});

test("a wide terminal shows more of each flow and message, in colour", async () => {
  const { io } = await trace([], redisCapture(), ({ stdout }) => {
    stdout.isTerminal = true;
    stdout.columns = 120;
  });
  assertStringIncludes(io.stdout.text, "\x1b[");
  // deno-lint-ignore no-control-regex -- colours are control sequences
  const text = io.stdout.text.replace(/\x1b\[\d+m/g, "");
  assertStringIncludes(
    text,
    "flow  proto  client          server         packets  sent  received  duration  state  parser",
  );
  assertStringIncludes(
    text,
    "   1  tcp    10.0.0.1:40000  10.0.0.2:6379        9  36 B      18 B   8.00 ms  fin    resp",
  );
  assertStringIncludes(text, "2a 32 0d 0a 24 33 0d 0a  *2\\r\\n$3\\r\\nGET\\r\\n$3\\r\\nkey\\r\\n");
  for (const line of text.split("\n")) assert(line.length <= 120);
});

test("a terminal of no columns, or of an unknown number, is taken for one of 80", async () => {
  const [none, unknown, eighty] = await Promise.all([0, undefined, 80].map(async (columns) => {
    const { io } = await trace([], redisCapture(), ({ stdout }) => {
      stdout.isTerminal = true;
      stdout.columns = columns;
    });
    return io.stdout.text;
  }));
  assertEquals([none, unknown], [eighty, eighty]);
});

test("no line is wider than 80 columns where there is no terminal", async () => {
  const { io } = await trace(["--stats"], twoFlows());
  for (const line of io.stdout.lines) assert([...line].length <= 80 || line.startsWith("strparser"), line);
});

test("messages go to the channels in turn, and the channels are summed up", async () => {
  const { io } = await trace(["--channels", "3", "--show", "messages,channels", "--json"], redisCapture());
  const messages = io.json.filter(({ type }) => type === "message");
  assertEquals(messages.map(({ channel }) => channel), [1, 2, 3, 1]);
  assertEquals(io.json.filter(({ type }) => type === "channel"), [
    { type: "channel", channel: 1, messages: 2, bytes: 25 },
    { type: "channel", channel: 2, messages: 1, bytes: 7 },
    { type: "channel", channel: 3, messages: 1, bytes: 22 },
  ]);
  const text = await trace(["--channels", "2", "--show", "channels"], redisCapture());
  assertEquals(text.io.stdout.lines.slice(-3), [
    "channel  messages  bytes",
    "      1         2   36 B",
    "      2         2   18 B",
  ]);
});

test("what no parser fits is shown as it came and counted; UDP datagrams are messages", async () => {
  const { io, code } = await trace(["--json", "--data", "--stats"], twoFlows());
  assertEquals(code, 0);
  assertEquals(io.json.filter(({ type }) => type === "data"), [
    {
      type: "data",
      flow: 2,
      direction: "client",
      offset: 0,
      time: "1700000000.011000055",
      length: 14,
      data: "7768617420697320746869733f0a",
    },
    {
      type: "data",
      flow: 2,
      direction: "server",
      offset: 0,
      time: "1700000000.012000060",
      length: 14,
      data: "6e6f7468696e67206b6e6f776e0a",
    },
  ]);
  const datagram = io.json.find(({ type, flow }) => type === "message" && flow === 3)!;
  assertEquals([datagram.parser, datagram.length, datagram.data], ["datagrams", 3, "61736b"]);
  const strparser = io.json.find(({ type, layer }) => type === "stats" && layer === "strparser")!;
  assertEquals(strparser.errors, { opaqueChunks: 2, opaqueBytes: 28 });
});

test("what is behind a hand-over is shown as it came, and is no failure", async () => {
  const list = new PacketList();
  addTcp(list, [
    ["client", "GET / HTTP/1.0\r\n\r\n"],
    ["server", "HTTP/1.0 200 OK\r\n\r\nuntil"],
    ["server", " close"],
  ]);
  const { io, code } = await trace(["--json", "--data", "--stats"], captureOf(list));
  assertEquals([code, io.stderr.text], [0, ""]);
  const told = io.json.filter(({ type }) => type === "message" || type === "data");
  assertEquals(told.map(({ type, direction, offset, length }) => [type, direction, offset, length]), [
    ["message", "client", undefined, 18],
    ["message", "server", undefined, 19],
    ["data", "server", 19, 5],
    ["data", "server", 24, 6],
  ]);
  const strparser = io.json.find(({ type, layer }) => type === "stats" && layer === "strparser")!;
  assertEquals(strparser.errors, { opaqueChunks: 2, opaqueBytes: 11 });
});

test("what a parser refuses that nobody asked for is told and shown as it came", async () => {
  const list = new PacketList();
  addTcp(list, [
    ["client", "GET / HTTP/1.1\r\nHost: a\r\n\r\n"],
    ["server", "HTTP/1.1 200 OK\r\nContent-Length: 20000000\r\n\r\nbody"],
    ["server", "more"],
  ]);
  for (const isAsked of [false, true]) {
    const { io, code } = await trace(
      ["--json", "--data", "--stats", ...(isAsked ? ["--parser", "http1"] : [])],
      captureOf(list),
    );
    assertEquals(code, 1);
    assertMatch(io.stderr.text, /exceeds --max-message/);
    const shown = io.json.filter(({ type }) => type === "data").map(({ offset, length }) => [offset, length]);
    assertEquals(shown, isAsked ? [] : [[0, 49], [49, 4]]);
  }
});

test("what is shown behind a failure begins with the message that failed, in the pieces in which it came", async () => {
  const list = new PacketList();
  addTcp(list, [
    ["client", "GET / HTTP/1.1\r\nHost: a\r\n\r\n"],
    ["server", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiHTTP/1.1 2"],
    ["server", "00 OK\r\nContent-Length: x\r\n\r\n"],
  ]);
  const { io, code } = await trace(["--json", "--data", "--stats"], captureOf(list));
  assertEquals(code, 1);
  const shown = io.json.filter(({ type }) => type === "data").map(({ offset, length }) => [offset, length]);
  assertEquals(shown, [[40, 10], [50, 28]]);
  const { errors } = io.json.find(({ type, layer }) => type === "stats" && layer === "strparser")!;
  assertEquals(errors, { EPROTO: 1, opaqueChunks: 2, opaqueBytes: 38 });
});

const CUT_ANSWER: Talk = [
  ["client", "GET / HTTP/1.1\r\nHost: a\r\n\r\n"],
  ["server", "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\none"],
  ["server", "two"],
  ["server", "three"],
];
const FAILING_ANSWER: Talk = [
  CUT_ANSWER[0]!,
  ["server", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n"],
  ["server", "hi\r\n3\r\n"],
  ["server", "you\r\nxyz\r\n"],
  ["server", "more"],
];

test("a message that is cut or fails after many pieces is shown as it came, where nobody asked for its parser", async () => {
  type Case = [talk: Talk, isOpen: boolean, code: string, rows: number[][], ignoredBytes: number];
  const cases: Case[] = [
    [CUT_ANSWER, false, "ETRUNCATED", [[27, 42], [69, 3], [72, 5]], 50],
    [CUT_ANSWER, true, "ETRUNCATED", [[27, 42], [69, 3], [72, 5]], 50],
    [FAILING_ANSWER, false, "EPROTO", [[0, 50], [50, 7], [57, 10], [67, 4]], 71],
  ];
  for (const [talk, isOpen, code, rows, ignoredBytes] of cases) {
    const list = new PacketList();
    addTcp(list, talk, { isOpen });
    for (const show of ["messages", "flows"]) {
      for (const isAsked of [false, true]) {
        const parser = isAsked ? ["--parser", "http1"] : [];
        const { io } = await trace(["--json", "--data", "--stats", "--show", show, ...parser], captureOf(list));
        const shown = io.json.filter(({ type }) => type === "data");
        const isShown = show === "messages" && !isAsked;
        assertEquals(shown.map(({ offset, length }) => [offset, length]), isShown ? rows : []);
        if (isShown) assertEquals(textOf(shown), textOfServer(talk).slice(rows[0]![0]!));
        const { errors } = io.json.find(({ type, layer }) => type === "stats" && layer === "strparser")!;
        const opaque = { opaqueChunks: rows.length, opaqueBytes: ignoredBytes };
        assertEquals(errors, { [code]: 1, ...(isAsked ? { ignoredBytes } : opaque) });
      }
    }
  }
});

function textOf(shown: readonly Record<string, unknown>[]): string {
  return shown.map(({ data }) => String.fromCharCode(...fromHex(data as string))).join("");
}

function textOfServer(talk: Talk): string {
  return talk.filter(([side]) => side === "server").map(([, text]) => text).join("");
}

test("a parser by name is used for all TCP flows", async () => {
  const list = new PacketList();
  addTcp(list, [["client", Uint8Array.of(0, 2, 65, 66, 0, 1)], ["client", Uint8Array.of(67)]]);
  const { io, code } = await trace(["--parser", "len16", "--json", "--data"], captureOf(list));
  assertEquals(code, 0);
  const messages = io.json.filter(({ type }) => type === "message");
  assertEquals(messages.map(({ data, sequence, time }) => [data, sequence, time]), [
    ["00024142", 0, "1700000000.003000015"],
    ["000143", 1, "1700000000.004000020"],
  ]);
  assertEquals(io.json.find(({ type }) => type === "flow")!.why, "as asked for by --parser");
});

test("the JSON of each kind has the fields that are promised", async () => {
  const { io } = await trace(
    ["--json", "--stats", "--show", "packets,segments,messages,flows,channels"],
    redisCapture(),
  );
  const byType = new Map(io.json.reverse().map((object) => [object.type, object]));
  assertEquals(byType.get("packet"), {
    type: "packet",
    number: 1,
    time: "1700000000.000000000",
    length: 40,
    captured: 40,
    link: 101,
    interface: 0,
  });
  assertEquals(byType.get("segment"), {
    type: "segment",
    packet: 1,
    time: "1700000000.000000000",
    protocol: "tcp",
    source: { address: "10.0.0.1", port: 40000 },
    destination: { address: "10.0.0.2", port: 6379 },
    length: 0,
    captured: 0,
    flags: ["SYN"],
  });
  assertEquals(byType.get("flow-open"), {
    type: "flow-open",
    flow: 1,
    time: "1700000000.000000000",
    protocol: "tcp",
    client: { address: "10.0.0.1", port: 40000 },
    server: { address: "10.0.0.2", port: 6379 },
  });
  assertEquals(byType.get("message"), {
    type: "message",
    channel: 1,
    flow: 1,
    direction: "client",
    sequence: 0,
    time: "1700000000.003000015",
    length: 14,
    parser: "resp",
  });
  const side = { wireBytes: 36, retransmissions: 0, gapBytes: 0, messages: 2 };
  const { start, end, client, complete, state, parser, why, errors } = byType.get("flow")!;
  assertEquals([start, complete, state, parser, errors], ["1700000000.000000000", true, "fin", "resp", []]);
  assertEquals(end, "1700000000.008000040");
  assertEquals(client, { address: "10.0.0.1", port: 40000, packets: 5, bytes: 36, ...side });
  assertEquals(typeof why, "string");
  assertEquals(byType.get("stats"), {
    type: "stats",
    layer: "pcap",
    in: 24 + 10 * 16 + 454,
    out: 10,
    bytes: 454,
    errors: {},
    timeMs: byType.get("stats")!.timeMs,
  });
  assertEquals(io.json.filter(({ type }) => type === "stats").map(({ layer }) => layer), [
    "pcap",
    "packet",
    "flow",
    "strparser",
    "kcm",
  ]);
});

test("packets, segments and messages come in one order", async () => {
  const { io } = await trace(["--json", "--show", "packets,segments,messages"], redisCapture());
  const kinds = io.json.map(({ type, number, packet, length }) => `${type} ${number ?? packet ?? length}`);
  assertEquals(kinds.slice(6, 14), [
    "packet 4",
    "segment 4",
    "message 14",
    "packet 5",
    "segment 5",
    "message 7",
    "packet 6",
    "segment 6",
  ]);
});

test("packets and segments have tables of their own", async () => {
  const { io } = await trace(["--show", "packets,segments"], redisCapture());
  assertEquals(io.stdout.lines.slice(3, 7), [
    "      time  packet  bytes  link",
    "  0.000000       1     40  raw IP",
    "      time  packet  proto   bytes  segment",
    "  0.000000       1  tcp         0  10.0.0.1:40000 → 10.0.0.2:6379  SYN",
  ]);
});

test("--hex puts a dump below each message", async () => {
  const { io } = await trace(["--hex"], redisCapture());
  assertStringIncludes(
    io.stdout.text,
    "            000000  2b 50 4f 4e 47 0d 0a                              +PONG..\n",
  );
});

const LIMITS: readonly (readonly [show: string, limit: string, type: string])[] = [
  ["packets,messages", "3", "packet"],
  ["segments,flows", "2", "segment"],
  ["messages,flows", "2", "message"],
  ["flows", "2", "flow"],
];

for (const [show, limit, type] of LIMITS) {
  test(`--limit counts the most detailed kind of ${show}`, async () => {
    const { io, code } = await trace(["--json", "--show", show, "--limit", limit], twoFlows());
    assertEquals(code, 0);
    assertEquals(io.json.filter((object) => object.type === type).length, Number(limit));
  });
}

test("--limit stops reading at once, and says so", async () => {
  const capture = redisCapture();
  const { io, code } = await trace(["--limit", "1"], capture, (io) => io.chunkSize = 1);
  assertEquals(code, 0);
  assertStringIncludes(io.stdout.text, "4 packets (");
  assertStringIncludes(io.stdout.text, "stopped here; there may be more");
});

test("after --limit a broken rest is not complained about", async () => {
  const capture = redisCapture().subarray(0, -5);
  assertEquals((await trace(["--limit", "1"], capture)).code, 0);
  assertEquals((await trace([], capture)).code, 1);
});

test("--flow shows only what fits, and flows keep their numbers", async () => {
  const { io } = await trace(["--json", "--flow", "not port 6379"], twoFlows());
  assertEquals(new Set(io.json.map(({ flow }) => flow)), new Set([2, 3]));
  const byId = await trace(["--json", "--flow", "id 2"], twoFlows());
  assertEquals(new Set(byId.io.json.map(({ flow }) => flow)), new Set([2]));
});

test("--stats has a line for each layer with in, out, bytes, time and errors by reason", async () => {
  const list = new PacketList();
  list.add(Uint8Array.of(0x99, 0, 0));
  addTcp(list, [["client", "*1\r\n$4\r\nPING\r\n"]]);
  const { io } = await trace(["--stats", "--show", "flows"], captureOf(list));
  const lines = io.stdout.lines.slice(-6);
  assertMatch(lines[0]!, /^layer +in +out +bytes +time +errors$/);
  assertMatch(lines[1]!, /^pcap +\d+ bytes +8 packets +297 B +\d+\.\d+ ms +-$/);
  assertMatch(lines[2]!, /^packet +8 packets +7 segments +14 B +\d+\.\d+ ms +\w+ 1$/);
  assertMatch(lines[3]!, /^flow +7 segments +1 flow +14 B +\d+\.\d+ ms +-$/);
  assertMatch(lines[4]!, /^strparser +1 chunk +1 message +14 B +\d+\.\d+ ms +-$/);
  assertMatch(lines[5]!, /^kcm +1 message +1 channel +14 B +in strparser +-$/);
});

test("several files are shown one after the other, each counted anew", async () => {
  const io = new MemoryIo({ a: redisCapture(), b: redisCapture() });
  assertEquals(await run(["trace", "a", "b"], io), 0);
  assertEquals(io.stdout.lines.filter((line) => line.includes("  pcap, raw IP")), [
    "a  pcap, raw IP  2023-11-14 22:13:20 UTC",
    "b  pcap, raw IP  2023-11-14 22:13:20 UTC",
  ]);
  assertEquals(io.stdout.lines.filter((line) => line.startsWith("   1  10.0.0.1:40000")).length, 2);
  const json = new MemoryIo({ a: redisCapture(), b: redisCapture() });
  await run(["trace", "--json", "a", "b"], json);
  assertEquals(new Set(json.json.map(({ file }) => file)), new Set(["a", "b"]));
});

test("the view is the same however the file is cut into chunks", async () => {
  const capture = twoFlows();
  const whole = await trace([], capture);
  for (const size of [1, 7, 64, 1000]) {
    const { io } = await trace([], capture, (io) => io.chunkSize = size);
    assertEquals(io.stdout.text, whole.io.stdout.text);
  }
});

test("a long capture is shown as it comes, with the same messages", async () => {
  const list = new PacketList();
  for (let i = 0; i < 1500; i++) {
    const client = { ...CLIENT, port: 20000 + i };
    addTcp(list, [["client", "*1\r\n$4\r\nPING\r\n"], ["server", "+PONG\r\n"]], { client });
  }
  const { io, code } = await trace([], captureOf(list));
  assertEquals(code, 0);
  const { lines } = io.stdout;
  assertEquals(lines.slice(0, 6), [
    "a.pcap  pcap, raw IP  2023-11-14 22:13:20 UTC",
    "",
    "  0.000000  + flow 1  tcp  10.0.0.1:20000 → 10.0.0.2:6379",
    "  0.003000  = flow 1  resp: client sent a command as a RESP array of strings",
    "      time  chan  flow     seq  bytes  message",
    "  0.003000     1     1  →    0     14  2a 31 0d 0a  *1\\r\\n$4\\r\\nPING\\r\\n",
  ]);
  assertEquals(lines[7], "  0.006000  - flow 1  fin, 7 packets, 14 B sent, 7 B received, 6.00 ms");
  assertEquals(lines.filter((line) => line.includes("PING")).length, 1500);
  assertMatch(lines.at(-1)!, /^12,000 packets \(.*\), 1,500 flows, 3,000 messages, /);
  const flows = await trace(["--show", "flows"], captureOf(list));
  assertEquals(flows.io.stdout.lines.filter((line) => /^ *\d+ +10\.0\.0\.1:\d+ /.test(line)).length, 1500);
});

test("nothing from the capture or the command line can control the terminal", async () => {
  const list = new PacketList();
  addTcp(list, [["client", "\x1b]0;evil\x07\x1b[2J\u202e\r\nnext\x9b31m"]]);
  const io = new MemoryIo({ "a\x1b[2J": captureOf(list) });
  await run(["trace", "a\x1b[2J", "--hex"], io);
  assertNotMatch(io.stdout.text, /[^\P{C}\n]/u);
  const missing = new MemoryIo();
  await run(["trace", "gone\x1b[2J\nleat: all is well"], missing);
  assertEquals(missing.stderr.text, "leat: gone?[2J?leat: all is well: no such file\n");
});

test("an empty capture is shown as one", async () => {
  const { io, code } = await trace([], captureOf(new PacketList()));
  assertEquals(code, 0);
  assertEquals(io.stdout.lines, ["a.pcap  pcap, raw IP", "0 packets (0 B), 0 flows, 0 messages"]);
});
