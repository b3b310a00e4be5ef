import { test } from "node:test";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { systemMessage, wordsOf } from "../../src/cli/io.ts";
import { run } from "../../src/cli/run.ts";
import { SocketError } from "../../src/tsocket/mod.ts";
import { addTcp, captureOf, CLIENT, PacketList, redisCapture } from "./support/captures.ts";
import { MemoryIo, systemError } from "./support/memory_io.ts";

const FILES: readonly (readonly [name: string, content: Uint8Array | Error, line: string])[] = [
  ["missing", systemError("ENOENT"), "leat: missing: no such file"],
  ["folder", systemError("EISDIR"), "leat: folder: is a directory"],
  ["secret", systemError("EACCES"), "leat: secret: permission denied"],
  ["odd", systemError("EODD"), "leat: odd: the system says EODD"],
  ["empty", new Uint8Array(0), "leat: empty: empty, not a capture"],
  [
    "text",
    new TextEncoder().encode("hello, world"),
    "leat: text: not a pcap or pcapng capture: it starts with 0x68656c6c",
  ],
];

for (const [name, content, line] of FILES) {
  test(`a file that is ${name} gets one line and exit code 1`, async () => {
    const io = new MemoryIo({ [name]: content });
    assertEquals(await run(["trace", name], io), 1);
    assertEquals(io.stdout.text, "");
    assertEquals(io.stderr.text, `${line}\n`);
  });
}

const USAGE: readonly (readonly [args: string[], part: string])[] = [
  [["trace"], "no capture given"],
  [["trace", "a", "--parser", "gopher"], 'no parser is named "gopher"'],
  [["trace", "a", "--flow", "port x"], "at column 6"],
  [["trace", "a", "--limit", "0"], "--limit must be a whole number"],
  [["trace", "a", "--nonsense"], "unknown option --nonsense"],
  [["trace", "-", "-"], "standard input can be read only once"],
  [["trace", "a", "--write", "a"], "--write would overwrite a, which is read"],
  [["demo", "a", "b"], "one capture at a time"],
];

for (const [args, part] of USAGE) {
  test(`leat ${args.join(" ")} is one line, exit code 2, and opens nothing`, async () => {
    const io = new MemoryIo({ a: redisCapture() });
    assertEquals(await run(args, io), 2);
    assertEquals(io.stdout.text, "");
    assertEquals(io.stderr.lines.length, 1);
    assertStringIncludes(io.stderr.text, part);
    assertMatch(io.stderr.text, /^leat: .* \(see leat (trace|demo) --help\)\n$/);
    assertEquals([io.opened, io.written.size], [0, 0]);
  });
}

const PARSERS: readonly (readonly [typed: string, end: string])[] = [
  ["gopher", 'no parser is named "gopher"'],
  ["redis", 'no parser is named "redis"; did you mean resp?'],
  ["reddis", 'no parser is named "reddis"; did you mean resp?'],
  ["rsep", 'no parser is named "rsep"; did you mean resp?'],
  ["rep", 'no parser is named "rep"; did you mean resp?'],
  ["dlap", 'no parser is named "dlap"; did you mean ldap?'],
  ["cassandar", 'no parser is named "cassandar"; did you mean cassandra?'],
  ["NFS", 'no parser is named "NFS"; did you mean oncrpc?'],
  ["HTTP1", 'no parser is named "HTTP1"; did you mean http1?'],
  ["Lne32", 'no parser is named "Lne32"; did you mean len32?'],
  ["kafak", 'no parser is named "kafak"; did you mean kafka?'],
  ["lne32", 'no parser is named "lne32"; did you mean len32?'],
  ["aut", 'no parser is named "aut"; did you mean auto?'],
  ["a; there are b", 'no parser is named "a; there are b"'],
  ["len32,foo", 'no option of a length field is "foo"; there are le, be, incl, offset=N, adjustment=N, max=N'],
];

test("an unknown parser gets the nearest, not a screen full of names", async () => {
  for (const [typed, end] of PARSERS) {
    const io = new MemoryIo();
    assertEquals(await run(["trace", "a", "--parser", typed], io), 2);
    assertEquals(io.stderr.text, `leat: --parser: ${end} (see leat trace --help)\n`);
  }
  const mux = new MemoryIo();
  assertEquals(await run(["mux", "--listen", "a:1", "--to", "b:1", "--parser", "memcachedtxt"], mux), 2);
  assertStringIncludes(mux.stderr.text, 'named "memcachedtxt"; did you mean memcachedtext? (see leat mux --help)');
});

test("a terminal as standard input is a usage error", async () => {
  const io = new MemoryIo();
  io.isStdinTerminal = true;
  assertEquals(await run(["trace", "-"], io), 2);
  assertStringIncludes(io.stderr.text, "standard input is a terminal");
});

test("an input that fails while it is read is one line, behind what came before", async () => {
  const io = new MemoryIo();
  const capture = redisCapture();
  const chunks = [capture.subarray(0, 400)];
  io.stdin.read = () => chunks.length > 0 ? Promise.resolve(chunks.shift()) : Promise.reject(systemError("EIO"));
  assertEquals(await run(["trace", "-"], io), 1);
  assertStringIncludes(io.stdout.text, "+PONG");
  assertEquals(io.stderr.text, "leat: standard input: the device failed\n");
  io.stdin.read = () => Promise.reject(systemError("EISDIR"));
  assertEquals(await run(["trace", "-"], io), 1);
  assertEquals(io.stderr.lines.at(-1), "leat: standard input: is a directory");
  assertEquals(io.stderr.lines.length, 2);
});

test("of several files the bad ones get a line each and the others are shown", async () => {
  const io = new MemoryIo({ a: redisCapture(), c: redisCapture() });
  assertEquals(await run(["trace", "a", "b", "c"], io), 1);
  assertEquals(io.stderr.text, "leat: b: no such file\n");
  assertEquals(io.stdout.lines.filter((line) => line.includes("PING")).length, 2);
});

test("of a cut capture everything is shown, then the line says where and how much is missing", async () => {
  const capture = redisCapture();
  const io = new MemoryIo({ a: capture.subarray(0, -5) });
  assertEquals(await run(["trace", "a"], io), 1);
  assertEquals(io.stdout.lines.filter((line) => line.includes("value")).length, 1);
  assertEquals(io.stderr.text, "leat: a: capture ends 51 bytes into the record at 582, 5 bytes missing\n");
  const json = new MemoryIo({ a: capture.subarray(0, -5) });
  await run(["trace", "--json", "a"], json);
  assertEquals(json.json.at(-1), {
    type: "error",
    layer: "pcap",
    code: "ETRUNCATED",
    message: "capture ends 51 bytes into the record at 582, 5 bytes missing",
    offset: 582,
    expected: false,
  });
});

test("a capture cut anywhere never gives a stack, and always shows the packets before", async () => {
  const capture = redisCapture();
  for (let length = 24; length < capture.length; length += 3) {
    const io = new MemoryIo({ a: capture.subarray(0, length) });
    const code = await run(["trace", "a", "--json", "--show", "packets"], io);
    assert(code === 0 || code === 1);
    assert(io.stderr.lines.length <= 1 && !io.stderr.text.includes("    at "), io.stderr.text);
  }
});

test("bytes that were never captured are a failure, told with flow and direction", async () => {
  const list = new PacketList();
  addTcp(list, [["client", "*1\r\n$4\r\nPING\r\n"], ["client", "*1\r\n$4\r\nPING\r\n"], [
    "client",
    "*1\r\n$4\r\nPING\r\n",
  ]]);
  list.packets.splice(4, 1);
  const io = new MemoryIo({ a: captureOf(list) });
  assertEquals(await run(["trace", "a"], io), 1);
  assertEquals(io.stderr.lines.length, 1);
  assertMatch(io.stderr.text, /^leat: a: flow 1, client: 14 bytes .* \(EGAP.*\)\n$/);
  assertMatch(io.stdout.text, /EGAP +resp/);
  assertEquals(io.stdout.lines.filter((line) => line.includes("PING")).length, 1);
});

test("bytes that break the protocol are a failure", async () => {
  const list = new PacketList();
  addTcp(list, [["client", "*1\r\n$4\r\nPING\r\n"], ["client", "*x\r\n"]]);
  const io = new MemoryIo({ a: captureOf(list) });
  assertEquals(await run(["trace", "a", "--json", "--stats"], io), 1);
  assertMatch(io.stderr.text, /^leat: a: flow 1, client: .* \(E[A-Z]+ at byte 14\)\n$/);
  const error = io.json.find(({ type }) => type === "error")!;
  assertEquals([error.layer, error.flow, error.direction, error.offset], ["strparser", 1, "client", 14]);
});

test("a longer message than --max-message is told by the name of that option, in words and in JSON", async () => {
  for (const args of [[], ["--json"]]) {
    const io = new MemoryIo({ a: redisCapture() });
    assertEquals(await run(["trace", "a", "--max-message", "20", ...args], io), 1);
    assertEquals(
      io.stderr.text,
      "leat: a: flow 1, client: message of 22 bytes exceeds --max-message 20 (EMSGSIZE at byte 14)\n",
    );
    if (args.length > 0) {
      const { message } = io.json.find(({ type }) => type === "error")!;
      assertEquals(message, "message of 22 bytes exceeds --max-message 20");
    }
  }
});

test("a limit that is not the one of --max-message keeps its name", async () => {
  const list = new PacketList();
  addTcp(list, [["client", "*1\r\n$999999999\r\n"]]);
  const io = new MemoryIo({ a: captureOf(list) });
  await run(["trace", "a", "--parser", "resp"], io);
  assertStringIncludes(io.stderr.text, "exceeds maxStringLength");
});

test("a corrupt record in the middle of a capture is told with its place", async () => {
  const capture = redisCapture();
  capture[24 + 8 + 3] = 0xff; // the captured length of the first record
  const io = new MemoryIo({ a: capture });
  assertEquals(await run(["trace", "a"], io), 1);
  assertMatch(
    io.stderr.text,
    /^leat: a: packet record of \d+ bytes exceeds maxPacketLength \d+ \(EMSGSIZE at byte 24\)\n$/,
  );
});

test("a filter that fits no flow is told, as no failure, and not to the quiet", async () => {
  for (const [args, expected] of [[[], 'leat: a: no flow fits --flow "port 1"\n'], [["--quiet"], ""]] as const) {
    const io = new MemoryIo({ a: redisCapture() });
    assertEquals(await run(["trace", "a", "--flow", "port 1", ...args], io), 0);
    assertEquals(io.stderr.text, expected);
    assertStringIncludes(io.stdout.text, ", 0 of 1 flow, 0 messages");
  }
  const fits = new MemoryIo({ a: redisCapture() });
  await run(["trace", "a", "--flow", "port 6379"], fits);
  assertStringIncludes(fits.stdout.text, ", 1 of 1 flow, 4 messages");
  assertEquals(fits.stderr.text, "");
});

test("a message that the end of the capture cuts off is no failure", async () => {
  const list = new PacketList();
  addTcp(list, [["client", "*1\r\n$4\r\nPING\r\n"], ["client", "*1\r\n$4\r\nPI"]], { isOpen: true });
  const io = new MemoryIo({ a: captureOf(list) });
  assertEquals(await run(["trace", "a", "--json"], io), 0);
  assertEquals(io.stderr.text, "");
  const error = io.json.find(({ type }) => type === "error")!;
  assertEquals([error.code, error.expected], ["ETRUNCATED", true]);
});

test("a message longer than --max-message fails its direction", async () => {
  const list = new PacketList();
  addTcp(list, [["client", "*1\r\n$4\r\nPING\r\n"], ["client", "*1\r\n$9\r\nPINGPINGX\r\n"]]);
  const io = new MemoryIo({ a: captureOf(list) });
  assertEquals(await run(["trace", "a", "--parser", "resp", "--max-message", "14"], io), 1);
  assertStringIncludes(io.stderr.text, "EMSGSIZE");
});

/** A capture of so many flows, each of which misses bytes. */
function holes(flows: number): Uint8Array {
  const list = new PacketList();
  for (let i = 0; i < flows; i++) {
    const before = list.packets.length;
    addTcp(list, [["client", "*1\r\n$4\r\nPING\r\n"], ["client", "*1\r\n$4\r\nPING\r\n"]], {
      client: { ...CLIENT, port: 20000 + i },
    });
    list.packets.splice(before + 3, 1);
  }
  return captureOf(list);
}

test("of many problems of flows the first 20 are told, and the rest counted", async () => {
  const io = new MemoryIo({ a: holes(25) });
  assertEquals(await run(["trace", "a"], io), 1);
  assertEquals(io.stderr.lines.length, 21);
  assertEquals(io.stderr.lines.at(-1), "leat: a: 5 more problems; --stats counts them");
});

test("--quiet tells only what ends the work, and the exit code is the same", async () => {
  const io = new MemoryIo({ a: holes(3), b: redisCapture().subarray(0, -1) });
  assertEquals(await run(["trace", "--quiet", "a", "b", "c"], io), 1);
  assertEquals(io.stderr.lines.map((line) => line.slice(0, 20)), ["leat: b: capture end", "leat: c: no such fil"]);
});

test("a defect of the program itself is reported with its trace, exit code 1", async () => {
  const io = new MemoryIo({ a: redisCapture() });
  io.now = () => {
    throw new Error("broken clock");
  };
  assertEquals(await run(["trace", "a"], io), 1);
  assertStringIncludes(io.stderr.text, "broken clock\n    at ");
});

test("standard output that fails is told, unless its reader went away", async () => {
  for (const [failure, code, text] of [["EPIPE", 0, ""], ["ENOSPC", 1, "no space left on the device"]] as const) {
    const io = new MemoryIo({ a: redisCapture(), b: redisCapture() });
    io.stdout.failure = systemError(failure);
    assertEquals(await run(["trace", "a", "b"], io), code);
    assertStringIncludes(io.stderr.text, text);
    assertEquals(io.opened, 0);
    for (const args of [["--help"], ["trace", "--help"], ["--version"]]) {
      const asked = new MemoryIo();
      asked.stdout.failure = systemError(failure);
      assertEquals(await run(args, asked), code);
      assertEquals(asked.stderr.text, text === "" ? "" : `leat: cannot write to standard output: ${text}\n`);
    }
  }
});

test("packets that did not get to standard output are not said to be written", async () => {
  const io = new MemoryIo({ a: redisCapture(), b: redisCapture() });
  io.stdout.write = () => {
    io.stdout.failure = systemError("EPIPE");
  };
  assertEquals(await run(["trace", "a", "b", "--write", "-"], io), 0);
  assertEquals(io.stderr.text, "");
});

test("what people read of a socket's error begins with what happened, not with a class", () => {
  const error = new SocketError("the peer reset the connection", { code: "ECONNRESET", syscall: "readv" });
  assertEquals(wordsOf(error), "the peer reset the connection");
  assertEquals(systemMessage(new Error(error.message)), "the peer reset the connection");
});
