import { createSocket } from "node:dgram";
import { test } from "node:test";
import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { FileProblem } from "../../src/cli/bpf/program_source.ts";
import { fromHex } from "../../src/bytes/mod.ts";
import { run } from "../../src/cli/run.ts";
import { requestBody, xdrArguments } from "../../src/cli/rx/call_body.ts";
import { decodeKeys } from "../../src/cli/rx/key_files.ts";
import { decodePerfHead, encodePerfHead, perfHeadBytes } from "../../src/cli/rx/perf_protocol.ts";
import { wordLines } from "../../src/cli/rx/reply_output.ts";
import { encodeClientKey, encodeK4Ticket } from "../../src/rxrpc/mod.ts";
import { concat, toHex } from "../../src/bytes/mod.ts";
import { MemoryIo } from "./support/memory_io.ts";

const DES = fromHex("80b6a7cd7a9dadb6");
const KEY_FILE = fromHex("000000010000000380b6a7cd7a9dadb6");
const KEY_FILE_EXT = fromHex("000000010000001000000002000000020000001200000020" + "09".repeat(32));

/** A server in this process: its port, what it printed, and how to end it. */
async function server(args: readonly string[], files: Record<string, Uint8Array> = {}): Promise<{
  readonly at: string;
  readonly io: MemoryIo;
  readonly end: () => Promise<number>;
}> {
  const io = new MemoryIo(files);
  const running = run(["rx", ...args], io);
  await io.stderr.until("\n");
  const [, at] = /listening at (\S+):/.exec(io.stderr.text) ?? [];
  assert(at !== undefined, io.stderr.text);
  const end = (): Promise<number> => {
    io.interrupt!();
    return running;
  };
  return { at, io, end };
}

async function rx(
  args: readonly string[],
  files: Record<string, Uint8Array> = {},
): Promise<{ io: MemoryIo; code: number }> {
  const io = new MemoryIo(files);
  const code = await run(["rx", ...args], io);
  return { io, code };
}

test("a request from a file may be longer than any program, up to 256 MiB", async () => {
  const sized = (length: number): MemoryIo => {
    const io = new MemoryIo({ "big.bin": new Uint8Array(length) });
    io.chunkSize = length;
    return io;
  };
  assertEquals((await requestBody({ data: "big.bin" }, sized(20_000_000))).length, 20_000_000);
  const { message } = await assertRejects(() => requestBody({ data: "big.bin" }, sized(268_435_457)), FileProblem);
  assertEquals(message, "longer than 268435456 bytes");
});

test("rx call and rx serve: echo, sink and source, as bytes, as a dump, as words, as JSON", async () => {
  const { at, io: served, end } = await server(["serve", "127.0.0.1:0"]);
  const file = { "a.bin": new Uint8Array(100_000).fill(7) };
  const echo = await rx(["call", at, "--service", "1", "--data", "a.bin"], file);
  assertEquals(echo.io.stdout.bytes, file["a.bin"]);
  assertMatch(echo.io.stderr.text, /^leat: service 1 at 127\.0\.0\.1:\d+ answered 100 kB in /);
  const sink = await rx(["call", at, "-s", "2", "-d", "a.bin", "-o", "words", "-q"], file);
  assertEquals([sink.code, sink.io.stdout.text, sink.io.stderr.text], [0, "0 100000\n", ""]);
  const source = await rx(["call", at, "-s", "3", "--xdr", "20", "-o", "hex"]);
  assertEquals(source.io.stdout.lines, [
    "000000  00 01 02 03 04 05 06 07  08 09 0a 0b 0c 0d 0e 0f  ................",
    "000010  10 11 12 13                                       ....",
  ]);
  const json = await rx(["call", at, "-s", "1", "--op", "5", "--xdr", "'ab' -1", "--data", "0xff00", "--json"]);
  const [reply] = json.io.json;
  assertEquals(
    { ...reply, timeMs: 0, server: 0 },
    {
      type: "reply",
      server: 0,
      service: 1,
      answeredBy: 1,
      length: 18,
      timeMs: 0,
      data: "00000005000000026162" + "0000ffffffffff00",
    },
  );
  const refused = await rx(["call", at, "-s", "9"]);
  assertEquals([refused.code, refused.io.stderr.text], [
    1,
    "leat: the peer aborted the call with -2 (RX_INVALID_OPERATION): no such service there, or not with this security " +
    "class\n",
  ]);
  await served.stdout.until("18 B received");
  assertEquals(await end(), 130);
  const lines = served.stdout.lines.map((line) => line.replace(/:\d+:/, ":N:").replace(/, [\d.]+ m?s$/, ""));
  assertEquals(lines[0], "echo for 127.0.0.1:N: 100 kB received, 100 kB sent");
  assertEquals(lines.length, 4, served.stdout.text);
});

test("a server that is not there: the network's word for it, at once, where the runtime passes it on", async () => {
  const isTold = !("Deno" in globalThis);
  const commands = [["call", "-s", "1", "--timeout", "2000"], ["debug", "--timeout", "2000"], ["perf", "--rpc", "1,1"]];
  for (const [name, ...options] of isTold ? commands : commands.slice(0, 2)) {
    const { code, io } = await rx([name!, "127.0.0.1:1", ...options]);
    const expected = isTold ? "can't be reached at port 1\n" : "2000 ms";
    assertEquals([code, io.stderr.lines.length], [1, 1]);
    assertStringIncludes(io.stderr.text, expected);
  }
});

test("rx call: a reply that nobody reads any more is given up, which is no failure; a full disk is one", async () => {
  const { at, end } = await server(["serve", "127.0.0.1:0"]);
  for (const [code, expected] of [["EPIPE", 0], ["ENOSPC", 1]] as const) {
    const io = new MemoryIo();
    io.stdout.write = () => {
      io.stdout.failure = Object.assign(new Error(code), { code });
    };
    assertEquals(await run(["rx", "call", at, "-s", "3", "--xdr", "50000000", "-o", "raw", "-q"], io), expected);
    assertEquals(io.stderr.lines.length, expected);
  }
  await end();
});

test("rx call with keys: KeyFile, KeyFileExt, a client's key; the server knows who it is; without one it is refused", async () => {
  const ticket = encodeK4Ticket(DES, {
    name: "carol",
    instance: "",
    realm: "",
    host: 0,
    sessionKey: DES,
    lifetime: 255,
    start: 0,
    service: "afs",
    serviceInstance: "",
  });
  const files = {
    KeyFile: KEY_FILE,
    KeyFileExt: KEY_FILE_EXT,
    token: encodeClientKey({ kvno: 3, expires: 0, sessionKey: DES, ticket }),
  };
  const body = ["--service", "1", "--data", "01020304", "--json"];
  for (
    const [key, who, as] of [["KeyFile", "afs", []], ["KeyFileExt", "bob.admin", ["--as", "bob.admin@X"]], [
      "token",
      "carol",
      [],
    ]] as const
  ) {
    const serverKey = key === "token" ? "KeyFile" : key;
    const { at, io, end } = await server(
      ["serve", "127.0.0.1:0", "--key", serverKey, "--level", "clear", "--json"],
      files,
    );
    for (const [number, level] of ["clear", "auth", "crypt"].entries()) {
      const { io: called, code } = await rx(["call", at, ...body, "--key", key, ...as, "--level", level], files);
      assertEquals([code, called.json[0]?.["data"]], [0, "01020304"], called.stderr.text);
      await io.stdout.until(`"level":${number}`);
      const identity = io.json.at(-1)!["identity"] as { name: string[]; level: number };
      assertEquals([identity.name.join("."), identity.level], [who, number]);
    }
    const plain = await rx(["call", at, ...body], files);
    assertMatch(plain.io.stderr.text, /aborted the call with -2/);
    await end();
  }
});

test("rx call: what rxkad refuses is told in its own words, and who it was with the realm", async () => {
  const files = { KeyFile: KEY_FILE, KeyFileExt: KEY_FILE_EXT };
  const { at, io, end } = await server(["serve", "127.0.0.1:0", "--key", "KeyFile", "--level", "crypt"], files);
  const call = ["call", at, "--service", "1", "--data", "01", "--as", "joe.admin@EXAMPLE.ORG"];
  const low = await rx([...call, "--key", "KeyFile", "--level", "auth"], files);
  assertEquals(low.code, 1);
  assertMatch(low.io.stderr.text, /^leat: [a-z].* level .*\(RXKADLEVELFAIL\)\n$/);
  const other = await rx([...call, "--key", "KeyFileExt", "--level", "crypt"], files);
  assertEquals([other.code, other.io.stderr.text], [
    1,
    "leat: the peer aborted the call with 19270408 (RXKADUNKNOWNKEY)\n",
  ]);
  assertEquals((await rx([...call, "--key", "KeyFile", "--level", "crypt"], files)).code, 0);
  await io.stdout.until("\n");
  assertStringIncludes(io.stdout.text, " as joe.admin@EXAMPLE.ORG, level 2: 1 B received");
  await end();
});

test("a name in a ticket does not reach the terminal as it is; names that are none are refused", async () => {
  const files = { KeyFile: KEY_FILE };
  const { at, io, end } = await server(["serve", "127.0.0.1:0", "--key", "KeyFile"], files);
  const call = ["call", at, "--service", "1", "--data", "01", "--key", "KeyFile", "--as"];
  assertEquals((await rx([...call, "a\u001b[31mb"], files)).code, 0);
  await io.stdout.until("\n");
  assertStringIncludes(io.stdout.text, " as a?[31mb, level");
  for (const as of ["", "@X", ".admin", "a.", "a@"]) {
    const { io: refused, code } = await rx([...call, as], files);
    assertEquals(code, 2, JSON.stringify(as));
    assertStringIncludes(refused.stderr.text, "--as wants NAME");
  }
  await end();
});

test("rx debug: version, counters, connections with calls, peers, for people and as JSON", async () => {
  const { at, end } = await server(["serve", "127.0.0.1:0"]);
  await rx(["call", at, "-s", "3", "--xdr", "5000"]);
  const text = await rx(["debug", at, "--all"]);
  assertEquals(text.code, 0);
  for (
    const part of [
      /^version {2}leat \d/,
      /1 calls served/,
      /^DATA +1 +4$/m,
      /^[\da-f]{8}\/[\da-f]{8} +127\.0\.0\.1:\d+ +server +none/m,
    ]
  ) {
    assertMatch(text.io.stdout.text, part);
  }
  const json = await rx(["debug", at, "--show", "version,peers,connections", "--json", "--all"]);
  assertEquals(json.io.json.map(({ type }) => type).filter((type) => type !== "peer"), ["version", "connection"]);
  assertEquals(json.io.json[1]!["security"], "none");
  await end();
});

test("rx debug: no answer is exit code 1, in the time that was given", async () => {
  // somebody is there who takes what comes and says nothing
  const silent = createSocket("udp4");
  const asked: number[] = [];
  const hasHeard = new Promise<void>((resolve) =>
    silent.on("message", (data) => {
      asked.push(data[20]!);
      resolve();
    })
  );
  await new Promise<void>((resolve) => silent.bind(0, "127.0.0.1", resolve));
  const { io, code } = await rx(["debug", `127.0.0.1:${silent.address().port}`, "--timeout", "50"]);
  assertEquals([code, io.stdout.text], [1, ""]);
  assertMatch(io.stderr.text, /^leat: [^\n]*did not answer[^\n]*\n$/);
  await hasHeard;
  // VERSION or DEBUG, and nothing else
  assert(asked.length > 0 && asked.every((type) => type === 8 || type === 13), asked.join());
  await new Promise<void>((resolve) => silent.close(() => resolve()));
});

test("rx perf: after a failure nobody goes on", async () => {
  const { at, io: served, end } = await server(["serve", "127.0.0.1:0", "--json"]);
  const { io, code } = await rx(["perf", at, "-s", "9", "--times", "500", "--parallel", "2"]);
  assertEquals([code, io.stdout.text], [1, ""]);
  assertMatch(io.stderr.text, /RX_INVALID_OPERATION/);
  // service 1 answers, and the answer is wrong: of 500 calls no more are made than were under way
  const wrong = await rx(["perf", at, "-s", "1", "--times", "500", "--parallel", "2"]);
  assertEquals(wrong.code, 1);
  assertMatch(wrong.io.stderr.text, /a reply of \d+ bytes to a call for 30/);
  await end();
  assert(served.json.length <= 4, `${served.json.length} calls`);
});

test("a KeyFileExt that is as long as a full KeyFile is still one", () => {
  const rest = 100 - 4 - 20 - 32 - 20;
  const other = `0000001000000009000000010000001100${rest.toString(16).padStart(6, "0")}${"07".repeat(rest)}`;
  const file = concat([fromHex("00000002"), KEY_FILE_EXT.subarray(4), fromHex(other)]);
  assertEquals(file.length, 100);
  const content = decodeKeys(file);
  assert(content.kind === "server");
  assertEquals(content.keys.map(({ kind, kvno }) => [kind, kvno]), [["rxkad_krb5", 2]]);
  const full = new Uint8Array(100);
  full.set(KEY_FILE);
  const des = decodeKeys(full);
  assert(des.kind === "server");
  assertEquals(des.keys.map(({ kind, kvno }) => [kind, kvno]), [["rxkad", 3]]);
});

test("names may begin with a digit; addresses that are wrong are no names", async () => {
  const named = await rx(["debug", "3com.invalid:7000"]);
  assertMatch(named.io.stderr.text, /no address of 3com\.invalid is known/);
  const wrong = await rx(["debug", "256.1.1.1:7000"]);
  assertEquals(wrong.code, 2);
  assertStringIncludes(wrong.io.stderr.text, "HOST:PORT is wanted");
});

test("rx perf: all three measures against its own server; what the server can't know is refused", async () => {
  const { at, end } = await server(["perf", "--server", "127.0.0.1:0"]);
  for (const [option, sizes] of [["--send", "100000"], ["--recv", "100000"], ["--rpc", "1000,2000"]] as const) {
    const { io, code } = await rx(["perf", at, option, sizes, "--times", "5", "--parallel", "2", "--json"]);
    assertEquals(code, 0, io.stderr.text);
    const { command, up, down, times, dataPackets, dataPacketsCame } = io.json[0]!;
    // what is measured is counted where it goes: 71 packets of each call one way, and one the other
    if (option === "--send") assert(Number(dataPackets) >= 5 * 71 && Number(dataPacketsCame) === 5);
    if (option === "--recv") assert(Number(dataPacketsCame) >= 5 * 71 && Number(dataPackets) === 5);
    assertEquals({ command, times }, { command: option.slice(2), times: 5 });
    assertEquals(Number(up) + Number(down), option === "--rpc" ? 3000 : 100_000);
  }
  for (
    const [options, text] of [
      [[], /^rpc 3\/30 bytes, 2 calls, 1 at a time: .* 0 of 2 packets sent again, 0 of 2 packets came again\n$/],
      [["--recv", "100000"], /^recv 100,000 bytes, 2 calls, 1 at a time: .* \d+ of 142 packets came again\n$/],
      [["--send", "1"], /^send 1 bytes, 2 calls, 1 at a time: .* 0 of 2 packets sent again\n$/],
    ] as const
  ) assertMatch((await rx(["perf", at, "--times", "2", ...options])).io.stdout.text, text);
  const unknown = await rx(["call", at, "-s", "147", "--xdr", "3 9 0 0"]);
  assertStringIncludes(unknown.io.stderr.text, "RXGEN_OPCODE");
  const short = await rx(["call", at, "-s", "147", "--xdr", "3 0 0 0 100"]);
  assertStringIncludes(short.io.stderr.text, "RXGEN_SS_UNMARSHAL");
  await end();
});

test("heads of rxperf: as OpenAFS's program sends them", () => {
  const head = encodePerfHead({ command: "rpc", up: 3, down: 30 });
  assertEquals(toHex(head), "000000030000000300002000000020000000000300" + "00001e");
  // recorded: its reads and writes are of 8 bytes
  const recorded = fromHex("000000030000000300000008000000080000000300" + "00001e");
  assertEquals(perfHeadBytes(recorded), recorded.length);
  assertEquals(decodePerfHead(recorded), { command: "rpc", up: 3, down: 30 });
  assertEquals(perfHeadBytes(fromHex("0000000200000003")), -1);
  assertEquals(perfHeadBytes(new Uint8Array(7)), undefined);
});

test("keys: each kind of file is known by its bytes, damaged ones are refused without a byte of them", () => {
  assertEquals(decodeKeys(KEY_FILE).kind, "server");
  assertEquals(decodeKeys(concat([KEY_FILE, new Uint8Array(84)])), decodeKeys(KEY_FILE));
  const ext = decodeKeys(KEY_FILE_EXT);
  assert(ext.kind === "server");
  assertEquals(ext.keys.map(({ kind, enctype }) => [kind, enctype]), [["rxkad_krb5", 18]]);
  for (const bytes of [new Uint8Array(3), KEY_FILE_EXT.subarray(0, 40)]) {
    try {
      decodeKeys(bytes);
      assert(false, "taken");
    } catch (error) {
      assertMatch((error as Error).message, /no keys|damaged/);
    }
  }
});

test("arguments: numbers and texts; what is neither is told", () => {
  const hex = (text: string): string => xdrArguments(text).map((part) => toHex(part)).join(" ");
  assertEquals(hex("1 -2,0x10"), "00000001 fffffffe 00000010");
  assertEquals(hex(`'root.cell' "x y" ''`), "00000009726f6f742e63656c6c000000 0000000378207900 00000000");
  assertEquals(hex("  "), "");
  assertEquals(wordLines(fromHex("ffffffff0000000105")), ["-1 1 0x05"]);
});

test("wrong command lines are told as such", async () => {
  for (
    const [args, what] of [
      [["call", "-s", "1"], "the server is missing"],
      [["call", "127.0.0.1:1"], "--service is missing"],
      [["call", "127.0.0.1", "-s", "1"], "has no port"],
      [["call", "127.0.0.1:99999", "-s", "1"], "port"],
      [["call", "127.0.0.1:1", "-s", "70000"], "at most 65535"],
      [["call", "127.0.0.1:1", "-s", "1", "--level", "auth"], "--level needs --key"],
      [["call", "127.0.0.1:1", "-s", "1", "--xdr", "1 what"], "numbers of 32 bits"],
      [["call", "127.0.0.1:1", "-s", "1", "--xdr", "'open"], "a number or a 'text'"],
      [["serve", "127.0.0.1:0", "--echo", "2"], "the number of"],
      [["perf", "127.0.0.1:1", "--send", "1", "--recv", "1"], "exclude each other"],
      [["perf", "127.0.0.1:1", "--rpc", "1"], "two numbers"],
      [["perf", "127.0.0.1:1", "--rpc", "1,4294967296"], "at most 4294967295"],
      [["perf", "--server", "127.0.0.1:0", "--times", "3"], "--times is for clients"],
      [["perf", "--server", "127.0.0.1:0", "--json"], "--json is for clients"],
      [["debug", "127.0.0.1:1", "--show", "all"], "--show knows"],
    ] as const
  ) {
    const { io, code } = await rx(args);
    assertEquals(code, 2, args.join(" "));
    assertStringIncludes(io.stderr.text, what);
  }
  const missing = await rx(["call", "127.0.0.1:1", "-s", "1", "--key", "nowhere"]);
  assertEquals([missing.code, missing.io.stderr.text], [1, "leat: nowhere: no such file\n"]);
});
