import { test } from "node:test";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { type BalancedProtocol, type Judgement, Verdict } from "../../../src/kcm/balancer/protocol.ts";
import { balancedProtocol } from "../../../src/kcm/balancer/protocols/by_name.ts";
import { dnsProtocol } from "../../../src/kcm/balancer/protocols/dns.ts";
import { memcachedBinaryProtocol } from "../../../src/kcm/balancer/protocols/memcached_binary.ts";
import { memcachedTextProtocol } from "../../../src/kcm/balancer/protocols/memcached_text.ts";
import { memcachedText } from "../../../src/kcm/balancer/protocols/memcached_text_parser.ts";
import { plainProtocol } from "../../../src/kcm/balancer/protocols/plain.ts";
import { respProtocol } from "../../../src/kcm/balancer/protocols/resp.ts";
import { splits } from "../../../src/sim/mod.ts";
import { lengthPrefix, StreamParser } from "../../../src/strparser/mod.ts";
import { fuzz } from "../../support/fuzz.ts";
import { bytes, command, text } from "./rig.ts";

const NAMES = ["forward", "forward safe", "drop", "pin"];

/** A judgement in words. */
function said(judgement: Judgement): string {
  if (typeof judgement === "number") return NAMES[judgement]!;
  if (judgement.kind === "close") return "close";
  if (judgement.kind === "silent") return `silent ${text(judgement.message).trim()}`;
  const { reply, closes, isRefusal } = judgement;
  return `${isRefusal ? "refuse" : "answer"} ${text(reply).split("\r\n")[0]}${closes ? ", close" : ""}`;
}

const judged = (protocol: BalancedProtocol, message: string | Uint8Array): string =>
  said(protocol.judge(typeof message === "string" ? bytes(message) : message));

for (
  const [line, verdict] of [
    ["GET k", "forward safe"],
    ["get k", "forward safe"],
    ["SET k v", "forward"],
    ["EVAL script 1 k", "forward"],
    ["SUBSCRIBE x", "pin"],
    ["MULTI", "pin"],
    ["WATCH k", "pin"],
    ["BLPOP k 0", "pin"],
    ["WAIT 1 0", "pin"],
    ["AUTH secret", "pin"],
    ["XREAD BLOCK 0 STREAMS k 0", "pin"],
    ["MONITOR", "pin"],
    ["MODULE.COMMAND k", "pin"],
    ["SCRIPT LOAD x", "forward"],
    ["SCRIPT DEBUG YES", "pin"],
    ["SELECT 0", "answer +OK"],
    ["SELECT 1", "pin"],
    ["CLIENT SETINFO LIB-NAME x", "answer +OK"],
    ["CLIENT REPLY OFF", "pin"],
    ["HELLO 3", "answer -NOPROTO leat mux speaks RESP2 over shared connections"],
    ["QUIT", "answer +OK, close"],
    ["SHUTDOWN", "refuse -ERR leat mux: SHUTDOWN is not for a server behind a balancer"],
  ] as const
) {
  test(`resp: ${line}: ${verdict}`, () => {
    assertEquals(judged(respProtocol(), command(...line.split(" "))), verdict);
    assertEquals(judged(respProtocol(), `${line}\r\n`), verdict);
  });
}

test("resp: what Redis would close the connection for never gets there", () => {
  for (
    const wrong of [
      "*1\r\n+PING\r\n",
      "*1\r\n$04\r\nPING\r\n",
      "*01\r\n$4\r\nPING\r\n",
      "*1\r\n$-1\r\n",
      "*1\r\n$5\r\nPING\r\n",
      "*2\r\n$4\r\nPING\r\n",
      "*1\r\n$4\r\nPING\r\nmore",
      'SET k "open\r\n',
      "SET k 'open\r\n",
      "SET\x00 k v\r\n",
      `${"x".repeat(1100)}\r\n`,
    ]
  ) {
    const says = judged(respProtocol(), wrong);
    assert(says.startsWith("refuse -ERR leat mux: Protocol error") && says.endsWith(", close"), `${wrong}: ${says}`);
  }
});

test("resp: what gets no reply from Redis is dropped", () => {
  for (const nothing of ["\r\n", "  \r\n", "*0\r\n", "*-1\r\n"]) assertEquals(judged(respProtocol(), nothing), "drop");
});

test("resp: the key is where it is for the command", () => {
  const { keyHash } = respProtocol();
  const hash = (line: string) => keyHash(command(...line.split(" ")));
  assertEquals(hash("GET key"), hash("SET key value"));
  assertEquals(hash("EVAL script 1 key"), hash("GET key"));
  assertEquals(hash("OBJECT ENCODING key"), hash("GET key"));
  assertEquals([hash("PING"), hash("FLUSHALL")], [-1, -1]);
  assert(hash("GET other") !== hash("GET key"));
});

const BAD_LINE = "refuse CLIENT_ERROR leat mux: bad command line format";
const TEXT_CASES: readonly (readonly [string, string])[] = [
  ["get a b c\r\n", "forward safe"],
  ["set k 0 0 2\r\nab\r\n", "forward"],
  ["set k 0 0 2 noreply\r\nab\r\n", "silent set k 0 0 2\r\nab"],
  ["delete k noreply\r\n", "silent delete k"],
  ["incr k 1\r\n", "forward"],
  ["mg k v\r\n", "forward"],
  ["mg k v q\r\n", "pin"],
  ["stats\r\n", "pin"],
  ["watch\r\n", "pin"],
  ["quit\r\n", "close"],
  ["get\r\n", "refuse CLIENT_ERROR leat mux: bad command line format, close"],
  [`get ${"k".repeat(251)}\r\n`, "refuse CLIENT_ERROR leat mux: key is too long, close"],
  ["set k x 0 2\r\nab\r\n", `${BAD_LINE}, close`],
  // to all of these a real memcached 1.6 has no reply or two, and the next reply is somebody else's
  ["flush_all noreply\r\n", "silent flush_all"],
  ["touch k noreply\r\n", `${BAD_LINE}, close`],
  ["set k -1 0 2\r\nab\r\n", `${BAD_LINE}, close`],
  ["set k 4294967296 0 2\r\nab\r\n", `${BAD_LINE}, close`],
  ["set k 0 2147483648 2\r\nab\r\n", `${BAD_LINE}, close`],
  ["cas k 0 0 2 -1\r\nab\r\n", `${BAD_LINE}, close`],
  [`ms k 2${" T0".repeat(16)}\r\nab\r\n`, `${BAD_LINE}, close`],
  [`ms ${"k".repeat(251)} 2\r\nab\r\n`, "refuse CLIENT_ERROR leat mux: key is too long, close"],
  // noreply is a key here
  ["get a noreply\r\n", "forward safe"],
  ["gat 1 noreply\r\n", "forward"],
  ["delete noreply\r\n", "forward"],
  ["get a\x01\r\n", "refuse CLIENT_ERROR leat mux: line has other characters than printable ASCII, close"],
];
for (const [message, verdict] of TEXT_CASES) {
  test(`memcachedtext: ${JSON.stringify(message.slice(0, 30))}: ${verdict}`, () => {
    assertEquals(judged(memcachedTextProtocol(), message), verdict);
  });
}

/** All messages in one direction, cut in all ways. */
function messagesOf(data: string, direction: "client" | "server"): void {
  const whole = bytes(data.replaceAll("|", ""));
  for (const { chunks, name } of splits(whole)) {
    const messages: string[] = [];
    const parser = new StreamParser({ parser: memcachedText(), direction, copy: true }, {
      item: (message) => messages.push(text(message)),
      error: (error) => messages.push(error.code),
      end: () => {},
    });
    for (const chunk of chunks) parser.push(chunk, 0);
    parser.end(0);
    assertEquals(messages, data.split("|"), name);
  }
}

test("memcachedtext: requests end behind their data, however they are cut", () => {
  messagesOf("get a b\r\n|set k 0 0 4\r\n\r\nab\r\n|ms k 2 T0\r\nxy\r\n|version\r\n|cas k 0 0 1 99\r\nz\r\n", "client");
});

test("memcachedtext: replies end behind END, VA has data of its own, however they are cut", () => {
  messagesOf(
    "VALUE a 0 3\r\nEND\r\nVALUE b 0 2 77\r\n\r\n\r\nEND\r\n|END\r\n|STORED\r\n|VA 2 t1\r\nxy\r\n|SERVER_ERROR x\r\n|12\r\n|VERSION 1\r\n|STAT a 1\r\nEND\r\n",
    "server",
  );
});

test("memcachedtext: data that is not followed by a line end, and lengths that are none, break the protocol", () => {
  const wrongs = ["set k 0 0 2\r\nabc\r\n", "set k 0 0 x\r\n", "set k 0 0 -1\r\n", "set k 0 0\r\n"];
  // the server skips the space: data of a store is what comes next on the connection, from whomever
  for (const wrong of [...wrongs, " set k 0 0 5\r\n", " get k\r\n"]) {
    const codes: string[] = [];
    const parser = new StreamParser({ parser: memcachedText(), direction: "client" }, {
      item: () => codes.push("message"),
      error: (error) => codes.push(error.code),
      end: () => {},
    });
    parser.push(bytes(wrong), 0);
    assertEquals(codes, ["EPROTO"], wrong);
  }
});

test("memcachedtext: a line may be so long, whether its end has come or not", () => {
  const codes: string[] = [];
  const parse = (request: string): void => {
    const parser = new StreamParser({ parser: memcachedText(), direction: "client" }, {
      item: () => codes.push("message"),
      error: (error) => codes.push(error.code),
      end: () => {},
    });
    parser.push(bytes(request), 0);
  };
  for (const end of ["", "\r\n"]) {
    parse(`delete k${" ".repeat(3000)}${end}`);
    parse(`gat 1${" key".repeat(1000)}${end}`);
    parse(`get${" key".repeat(20_000)}${end}`);
  }
  parse(`get${" key".repeat(10_000)}\r\n`);
  assertEquals(codes, [...Array.from({ length: 6 }, () => "EMSGSIZE"), "message"]);
});

/** A request of memcached's binary protocol. */
function binary(opcode: number, extras: number, key: string, value = ""): Uint8Array {
  const body = [...new Uint8Array(extras), ...bytes(key), ...bytes(value)];
  return Uint8Array.from([
    ...[0x80, opcode, 0, key.length, extras, 0, 0, 0, 0, 0, 0, body.length, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0],
    ...body,
  ]);
}

test("memcached: one answer is forwarded, quiet and unknown requests pin, wrong forms are refused", () => {
  const protocol = memcachedBinaryProtocol();
  assertEquals(judged(protocol, binary(0x00, 0, "k")), "forward safe");
  assertEquals(judged(protocol, binary(0x01, 8, "k", "v")), "forward");
  assertEquals(judged(protocol, binary(0x09, 0, "k")), "pin");
  assertEquals(judged(protocol, binary(0x10, 0, "")), "pin");
  assertStringIncludes(judged(protocol, binary(0x07, 0, "")), "close");
  for (const wrong of [binary(0x00, 4, "k"), binary(0x00, 0, ""), binary(0x01, 0, "k"), binary(0x00, 0, "k", "v")]) {
    assertStringIncludes(judged(protocol, wrong), "refuse");
  }
  const failure = protocol.failure(binary(0x00, 0, "k"), "unavailable")!;
  assertEquals([...failure.subarray(0, 2), failure[7], ...failure.subarray(12, 16)], [0x81, 0, 0x86, 1, 2, 3, 4]);
});

/** A question. */
function question(type: number, flags = 0x0100, count = 1): Uint8Array {
  const message = [0xab, 0xcd, flags >> 8, flags & 255, 0, count, 0, 0, 0, 0, 0, 0, 1, 97, 2, 98, 99, 0, 0, type, 0, 1];
  return Uint8Array.from([0, message.length, ...message]);
}

test("dns: questions are forwarded, transfers and what is no plain query pin, answers are no requests", () => {
  const protocol = dnsProtocol();
  assertEquals(judged(protocol, question(1)), "forward safe");
  assertEquals(judged(protocol, question(252)), "pin");
  assertEquals(judged(protocol, question(1, 0x3000)), "pin");
  assertEquals(judged(protocol, question(1, 0x0100, 2)), "pin");
  assertEquals(judged(protocol, question(1, 0x8100)), "close");
});

test("dns: a failure is SERVFAIL with the question and its number", () => {
  const failure = dnsProtocol().failure(question(1), "lost")!;
  assertEquals(failure.length, 24);
  assertEquals([...failure.subarray(0, 14)], [0, 22, 0xab, 0xcd, 0x81, 0x02, 0, 1, 0, 0, 0, 0, 0, 0]);
});

test("plain: a message that is too short for its number closes its client", () => {
  const protocol = plainProtocol(lengthPrefix(1), { id: { offset: 1, size: 4 } });
  assertEquals(judged(protocol, Uint8Array.of(3, 0, 0, 0)), "close");
  assertEquals(judged(protocol, Uint8Array.of(4, 0, 0, 0, 1)), "forward");
});

test("sessions and what is not known cannot be balanced by message", () => {
  for (const name of ["postgres", "mysql", "tls", "http2", "kafka"]) {
    assertEquals(typeof balancedProtocol(name, lengthPrefix(1), {}), "string");
  }
  for (const name of ["len32", "length:4,le", "lines", "resp", "dns"]) {
    assertEquals(typeof balancedProtocol(name, lengthPrefix(1), {}), "object");
  }
});

// one test each: Bun gives a test five seconds
for (const protocol of [respProtocol(), memcachedTextProtocol(), memcachedBinaryProtocol(), dnsProtocol()]) {
  test(`${protocol.name}: no request makes a judgement fail, whatever it has`, () => {
    const samples = [command("SET", "k", "v"), bytes("set k 0 0 2\r\nab\r\n"), binary(1, 8, "k", "v"), question(1)];
    fuzz(samples, (input) => {
      if (input.length === 0) return;
      const parser = new StreamParser({ parser: protocol.parser, direction: "client" }, {
        item: (message) => {
          const judgement = protocol.judge(message);
          assert(typeof judgement !== "number" || judgement <= Verdict.PIN);
          assert(protocol.keyHash(message) >= -1);
          protocol.failure(message, "lost");
        },
        error: () => {},
        end: () => {},
      });
      parser.push(input, 0);
      parser.end(0);
    });
  });
}
