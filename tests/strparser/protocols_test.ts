/** The parsers of real protocols: what they refuse, and their forms that the recordings do not have. */
import { fromHex } from "../../src/bytes/mod.ts";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { lengthPrefix, type Parser } from "../../src/strparser/mod.ts";
import { dns, http2, postgres, resp, tls } from "../../src/strparser/parsers/mod.ts";
import { bytewise, cut, record, type RecordOptions } from "./support.ts";

const ascii = (text: string) => Uint8Array.from(text, (c) => c.charCodeAt(0));

/** Message lengths and then the error, if it is not the cut at the end, whole and byte by byte alike. */
function outcome(parser: () => Parser, bytes: Uint8Array, options: RecordOptions = {}): unknown[] {
  const whole = record(parser(), options).push(bytes).end();
  const pieces = record(parser(), options).push(...bytewise(bytes)).end();
  const describe = (run: typeof whole) => [
    ...run.lengths(),
    ...run.errors.filter((error) => error.code !== "ETRUNCATED").map((e) => `${e.code} ${e.offset} ${e.message}`),
  ];
  assertEquals(describe(pieces), describe(whole));
  return describe(whole);
}
const client: RecordOptions = { direction: "client" };
const server: RecordOptions = { direction: "server" };

test("no error of a parser has content, whatever it is that speaks: at most 8 bytes of a header that was found wrong", () => {
  const secret = "AUTHORIZATION Bearer 5ecr3t-5ecr3t-5ecr3t";
  const starts = [
    "",
    "\x16\x03",
    "\x17\x03\x03",
    "\0\0\0\x30",
    "\0\0\0\x08",
    "*1\r\n",
    "$3\r\n",
    "%1\r\n+",
    "E\0\0\0",
    "\0\x0c",
  ];
  let errors = 0;
  for (const parser of [dns(), http2(), postgres(), resp(), tls(), lengthPrefix(2), lengthPrefix(4), lengthPrefix(8)]) {
    for (const start of starts) {
      for (const options of [{}, client, server]) {
        const bytes = ascii(start + secret + "\r\n" + "x".repeat(40_000));
        const [error] = record(parser, { ...options, maxMessageLength: 16_384 }).push(bytes).end().errors;
        const words = (error?.message ?? "").replace(/\d+|0x[0-9a-f]+/g, (number) => {
          const size = number.startsWith("0x") ? (number.length - 2) / 2 : Number(number) / 2 ** 53;
          assert(size <= 8, error!.message);
          return "";
        });
        for (let i = 0; i + 4 <= secret.length; i++) assert(!words.includes(secret.slice(i, i + 4)), error?.message);
        if (error !== undefined) errors++;
      }
    }
  }
  assert(errors > 150, `${errors}`);
});

test("dns: a message shorter than its header is refused", () => {
  assertEquals(outcome(dns, fromHex("000b")), ["EPROTO 0 dns: message of 11 bytes is shorter than a DNS header"]);
  assertEquals(outcome(dns, new Uint8Array(14).fill(12, 1, 2)), [14]);
  assertEquals(outcome(dns, new Uint8Array(65537).fill(255, 0, 2)), [65537]);
});

test("tls: what is no record is refused", () => {
  const refused: [hex: string, reason: string][] = [
    ["130301", "record type 0x13 is none of TLS"],
    ["190301", "record type 0x19 is none of TLS"],
    ["474554", "record type 0x47 is none of TLS"],
    ["1602", "record version 2.x is none of TLS"],
    ["1603034801", "record of 18433 bytes exceeds the 18432 that TLS allows"],
    ["1603030000", "record of type 0x16 is empty"],
    ["802e010002", "hello of SSL 2, which has no TLS records"],
    ["802e020002", "record type 0x80 is none of TLS"],
  ];
  for (const [hex, reason] of refused) assertEquals(outcome(tls, fromHex(hex)), [`EPROTO 0 tls: ${reason}`]);
});
test("tls: the longest record and an empty one of application data", () => {
  const record = new Uint8Array(5 + 18432);
  record.set(fromHex("1703034800"));
  assertEquals(outcome(tls, record), [18437]);
  assertEquals(outcome(tls, fromHex("1703030000")), [5]);
});

const PREFACE = ascii("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const SETTINGS = fromHex("000000040000000000");
test("http2: a client without the preface is refused", () => {
  for (const text of ["GET / HTTP/1.1\r\n", "PRI * HTTP/1.1\r\n", "\0\0\0\x04"]) {
    assertEquals(outcome(http2, ascii(text), client), [
      "EPROTO 0 http2: client does not begin with the HTTP/2 preface",
    ]);
  }
});
test("http2: SETTINGS come first", () => {
  const ping = fromHex("0000080600000000000000000000000000");
  assertEquals(outcome(http2, ping, server), ["EPROTO 0 http2: first frame is not SETTINGS"]);
  assertEquals(outcome(http2, fromHex("000000040100000000"), server), ["EPROTO 0 http2: first frame is not SETTINGS"]);
  assertEquals(outcome(http2, Uint8Array.of(...PREFACE, ...ping), client), [
    24,
    "EPROTO 24 http2: first frame is not SETTINGS",
  ]);
  assertEquals(outcome(http2, ping), [17]);
  assertEquals(outcome(http2, Uint8Array.of(...SETTINGS, ...ping), server), [9, 17]);
});
test("http2: frames of the wrong size or on the wrong stream show lost synchronisation", () => {
  const refused: [hex: string, reason: string][] = [
    ["000000000000000000", "DATA frame without a stream"],
    ["000004020000000001", "PRIORITY frame of 4 bytes"],
    ["000005030000000001", "RST_STREAM frame of 5 bytes"],
    ["000006040000000001", "SETTINGS frame on a stream"],
    ["000007040000000000", "SETTINGS frame of 7 bytes"],
    ["000006040100000000", "SETTINGS ACK with a payload"],
    ["000007060000000000", "PING frame of 7 bytes"],
    ["000007070000000000", "GOAWAY frame of 7 bytes"],
    ["000005080000000000", "WINDOW_UPDATE frame of 5 bytes"],
  ];
  for (const [hex, reason] of refused) {
    const stream = Uint8Array.of(...SETTINGS, ...fromHex(hex));
    assertEquals(outcome(http2, stream, server), [9, `EPROTO 9 http2: ${reason}`]);
  }
});
test("http2: unknown frame types pass; the reserved bit of the stream does not count", () => {
  assertEquals(outcome(http2, Uint8Array.of(...SETTINGS, ...fromHex("0000012a0000000000ff")), server), [9, 10]);
  assertEquals(outcome(http2, Uint8Array.of(...SETTINGS, ...fromHex("000000048180000000")), server), [9, 9]);
});
test("http2: maxFrameSize", () => {
  const frame = Uint8Array.of(...SETTINGS, ...fromHex("004001000000000001"));
  const make = () => http2({ maxFrameSize: 16384 });
  assertEquals(outcome(make, frame, server), [9, "EMSGSIZE 9 message of 16394 bytes exceeds maxMessageLength 16393"]);
  assertEquals(outcome(http2, frame, server), [9]);
  assertThrows(() => http2({ maxFrameSize: 16383 }), RangeError, "maxFrameSize");
});

const SSL = fromHex("0000000804d2162f");
const GSS = fromHex("0000000804d21630");
const STARTUP = fromHex("000000130003000075736572006c6561740000");
test("postgres: both kinds of encryption asked for and refused", () => {
  assertEquals(outcome(postgres, Uint8Array.of(...GSS, ...SSL, ...STARTUP, ...ascii("X\0\0\0\x04")), client), [
    8,
    8,
    19,
    5,
  ]);
  assertEquals(outcome(postgres, ascii("NNR\0\0\0\x08\0\0\0\0N\0\0\0\x05\0"), server), [1, 1, 9, 6]);
  assertEquals(outcome(postgres, ascii("E\0\0\0\x05\0"), server), [6]);
  assertEquals(outcome(postgres, ascii("v\0\0\0\x0c\0\0\0\0\0\0\0\0R\0\0\0\x08\0\0\0\0"), server), [13, 9]);
});
test("postgres: encryption granted", () => {
  const gss = "EPROTO 1 postgres: GSSAPI encryption after GSSENCRequest; the rest of this connection is encrypted";
  assertEquals(outcome(postgres, ascii("G\0\0\x01\0"), server), [1, gss]);
  assertEquals(outcome(postgres, Uint8Array.of(...GSS, 0, 0, 1, 0, 1, 2, 3, 4), client), [8, gss.replace("1", "8")]);
  assertEquals(outcome(postgres, fromHex("160301"), client), [
    "EPROTO 0 postgres: TLS from the first byte; the connection is encrypted",
  ]);
});
test("postgres: cancel request", () => {
  assertEquals(outcome(postgres, fromHex("0000001004d2162e0000000100000002"), client), [16]);
});
test("postgres: what is none is refused", () => {
  const refused: [hex: string, options: RecordOptions, reason: string][] = [
    ["00000007", client, "start-up message of 7 bytes"],
    ["00002711", client, "start-up message of 10001 bytes"],
    ["0000000904d2162f", client, "encryption request of 9 bytes"],
    ["0000000800020000", client, "protocol version 2.0"],
    ["5a00000005", server, "a server does not begin with message type 0x5a"],
  ];
  for (const [hex, options, reason] of refused) {
    assertEquals(outcome(postgres, fromHex(hex), options), [`EPROTO 0 postgres: ${reason}`]);
  }
  const typed: [bytes: string, reason: string][] = [
    ["Z\0\0\0\x04", "message type 0x5a is unknown"],
    ["Q\0\0\0\x03", "message length 3 does not even count itself"],
  ];
  for (const [bytes, reason] of typed) {
    const stream = Uint8Array.of(...STARTUP, ...ascii(bytes));
    assertEquals(outcome(postgres, stream, client), [19, `EPROTO 19 postgres: ${reason}`]);
  }
  assertEquals(outcome(postgres, Uint8Array.of(...SSL, ...SSL, ...SSL), client), [
    8,
    8,
    "EPROTO 16 postgres: a third encryption request",
  ]);
  assertEquals(outcome(postgres, ascii("NNN"), server), [
    1,
    1,
    "EPROTO 2 postgres: a server does not begin with message type 0x4e",
  ]);
});

test("resp: every form of RESP2 and RESP3 is one message", () => {
  const values = [
    "+OK\r\n",
    "-ERR no\r\n",
    ":-12\r\n",
    ":+7\r\n",
    "$0\r\n\r\n",
    "$5\r\na\r\nbc\r\n",
    "$-1\r\n",
    "*-1\r\n",
    "*0\r\n",
    "*2\r\n*1\r\n:1\r\n*2\r\n+a\r\n$1\r\nb\r\n",
    "_\r\n",
    "#t\r\n",
    ",-1.5e3\r\n",
    ",inf\r\n",
    "(3492890328409238509324850943850943825024385\r\n",
    "!5\r\nERR x\r\n",
    "=8\r\ntxt:word\r\n",
    "%2\r\n+a\r\n:1\r\n+b\r\n*1\r\n:2\r\n",
    "%0\r\n",
    "~2\r\n:1\r\n:2\r\n",
    ">3\r\n+message\r\n+channel\r\n$2\r\nhi\r\n",
    "|1\r\n+ttl\r\n:5\r\n*1\r\n:1\r\n",
    "*2\r\n|1\r\n+a\r\n:0\r\n:1\r\n:2\r\n",
    "|0\r\n+OK\r\n",
    "$?\r\n;4\r\nHell\r\n;1\r\no\r\n;0\r\n",
    "*?\r\n:1\r\n*1\r\n:2\r\n$1\r\nx\r\n.\r\n",
    "*2\r\n$?\r\n;0\r\n%?\r\n+a\r\n:1\r\n.\r\n",
    "*?\r\n.\r\n",
  ];
  const stream = ascii(values.join(""));
  assertEquals(outcome(resp, stream, server), values.map((value) => value.length));
  assertEquals(outcome(resp, stream), values.map((value) => value.length));
  for (let i = 1; i < stream.length; i++) {
    const run = record(resp(), server).push(...cut(stream, i));
    assertEquals(run.lengths(), values.map((value) => value.length));
  }
});
test("resp: inline commands, by what is known of the direction", () => {
  const lines = ["PING\r\n", "\r\n", "SET a b\n", "  GET a\r\n", "$5 is a word here\r\n"];
  assertEquals(outcome(resp, ascii(lines.join("")), client), lines.map((line) => line.length));
  assertEquals(outcome(resp, ascii("PING\r\n*1\r\n$4\r\nPING\r\n")), [6, 14]);
  assertEquals(outcome(resp, ascii("PING\r\n"), server), ["EPROTO 0 resp: type 0x50 begins no value"]);
  assertEquals(outcome(resp, ascii("\x16\x03\x01"), client), ["EPROTO 0 resp: type 0x16 begins no value"]);
  assertEquals(outcome(resp, ascii("1 2\r\n")), ["EPROTO 0 resp: type 0x31 begins no value"]);
});
test("resp: what is none is refused", () => {
  const refused: [text: string, reason: string][] = [
    ["HTTP/1.1 400\r\n", "type 0x48 begins no value"],
    ["$x\r\n", "string has no valid length"],
    ["$\r\n", "string has no valid length"],
    ["$-2\r\n", "string has no valid length"],
    ["=-1\r\n", "string has no valid length"],
    ["$12345678901\r\n", "string has no valid length"],
    ["*1.5\r\n", "aggregate has no valid count"],
    ["%-1\r\n", "aggregate has no valid count"],
    ["|?\r\n", "aggregate has no valid count"],
    ["*2\r\n$1\r\nab\r\n:1\r\n", "string is not followed by a line end"],
    ["+OK\n", "line does not end with CR LF"],
    ["+\n", "line does not end with CR LF"],
    ["_x\r\n", "null with a content"],
    ["#x\r\n", "boolean is neither t nor f"],
    [":1x\r\n", "integer has other characters"],
    [":\r\n", "integer has other characters"],
    [":-\r\n", "integer has other characters"],
    [".\r\n", "end mark without a streamed aggregate"],
    ["*1\r\n.\r\n", "end mark without a streamed aggregate"],
    ["*?\r\n.x\r\n", "end mark without a streamed aggregate"],
    [";1\r\nx\r\n", "pieces of a streamed string are out of place"],
    ["$?\r\n:1\r\n", "pieces of a streamed string are out of place"],
    ["$?\r\n;x\r\n", "piece of a string has no valid length"],
    ["*1\r\nPING\r\n", "type 0x50 begins no value"],
  ];
  for (const [text, reason] of refused) assertEquals(outcome(resp, ascii(text), server), [`EPROTO 0 resp: ${reason}`]);
});
test("resp: maxDepth", () => {
  const nested = (depth: number) => ascii("*1\r\n".repeat(depth) + ":1\r\n");
  assertEquals(outcome(resp, nested(32), server), [132]);
  const tooDeep = "EMSGSIZE 0 resp: aggregates nested deeper than maxDepth 32";
  assertEquals(outcome(resp, nested(33), server), [tooDeep]);
  assertEquals(outcome(resp, ascii("|1\r\n".repeat(33)), server), [tooDeep]);
  assertEquals(outcome(() => resp({ maxDepth: 1 }), nested(1), server), [8]);
  assertEquals(outcome(() => resp({ maxDepth: 1 }), nested(2), server).length, 1);
});
test("resp: maxElements", () => {
  const make = () => resp({ maxElements: 2 });
  assertEquals(outcome(make, ascii("*2\r\n:1\r\n:2\r\n%1\r\n:1\r\n:2\r\n"), server), [12, 12]);
  const reason = (count: number) => [`EMSGSIZE 0 resp: aggregate of ${count} elements exceeds maxElements 2`];
  assertEquals(outcome(make, ascii("*3\r\n"), server), reason(3));
  assertEquals(outcome(make, ascii("%2\r\n"), server), reason(4));
  assertEquals(outcome(resp, ascii("*1048577\r\n"), server).length, 1);
});
test("resp: maxStringLength", () => {
  const make = () => resp({ maxStringLength: 2 });
  assertEquals(outcome(make, ascii("$2\r\nab\r\n"), server), [8]);
  assertEquals(outcome(make, ascii("$3\r\n"), server), [
    "EMSGSIZE 0 resp: string of 3 bytes exceeds maxStringLength 2",
  ]);
  assertEquals(outcome(make, ascii("$?\r\n;3\r\n"), server), [
    "EMSGSIZE 0 resp: piece of 3 bytes exceeds maxStringLength 2",
  ]);
  assertEquals(
    outcome(resp, ascii("$536870913\r\n"), server)[0],
    [
      "EMSGSIZE 0 resp: string of 536870913 bytes exceeds maxStringLength 536870912",
    ][0],
  );
});
test("resp: a line of more than 64 KiB is refused", () => {
  const line = (length: number) => ascii("+" + "x".repeat(length - 3) + "\r\n");
  assertEquals(outcome(resp, line(65537), server), [65537]);
  assertEquals(outcome(resp, line(65538), server), ["EMSGSIZE 0 resp: line of more than 65536 bytes"]);
});
test("resp: the length of a command is known before its last string has come", () => {
  const run = record(resp(), client).push(ascii("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$90000\r\nxx"));
  assertEquals([run.calls, run.engine.bytesHeld, run.engine.bytesNeeded], [1, 30, 90000]);
});
test("resp: a message of unknown length is bounded by maxMessageLength", () => {
  const reply = ascii("*2\r\n$90000\r\n" + "x".repeat(90000) + "\r\n:1\r\n");
  assertEquals(outcome(resp, reply, server), [reply.length]);
  const run = record(resp(), { ...server, maxMessageLength: 90000 }).push(reply.subarray(0, 100));
  assertEquals(run.errors[0]!.message, "length of a message is not known within maxMessageLength 90000");
});
test("resp: nothing is scanned twice, whatever the chunks", () => {
  // a long line and many elements, byte by byte: a rescan would read each byte thousands of times
  let reads = 0;
  const counting = (bytes: Uint8Array) =>
    new Proxy(bytes, {
      get(target, key) {
        if (typeof key === "string" && key !== "length") reads++;
        return Reflect.get(target, key, target);
      },
    });
  const stream = ascii("*400\r\n" + ":1\r\n".repeat(399) + "+" + "x".repeat(3000) + "\r\n");
  const parser = resp();
  const state = parser.start!({ direction: "server" });
  let answer: unknown = 0;
  for (let end = 1; end <= stream.length; end++) answer = parser.parse(counting(stream), 0, end, state);
  assertEquals(answer, stream.length);
  assertEquals(reads < 8 * stream.length, true);
});
