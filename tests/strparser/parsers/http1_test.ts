import { assert, assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { concat, toHex } from "../../../src/bytes/mod.ts";
import { lengthPrefix } from "../../../src/strparser/mod.ts";
import { http1, type Http1Options, http1Pair, type Http1PairOptions } from "../../../src/strparser/parsers/mod.ts";
import { websocket } from "../../../src/strparser/parsers/websocket.ts";
import { bytewise, cut, join, record } from "../support.ts";
import { ascii, checkGoldens, golden, outcome } from "./check.ts";
import { goldens } from "./golden/http1.ts";
import { websocketGoldens } from "./golden/websocket.ts";

const crlf = (text: string) => ascii(text.replaceAll("\n", "\r\n"));
const HEAD = "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n";
const CHUNKS = '5\nhello\n1A;x="y"\nabcdefghijklmnopqrstuvwxyz\n000\nTrailer: yes\nX:\n\n';
const REQUESTS = [
  "GET / HTTP/1.1\n\n",
  "\n\nPOST /a?b HTTP/1.0\ncontent-length : 3\n\nabc".replace(" : ", ":\t "),
  "OPTIONS * HTTP/1.1\nContent-Length: 2, 2\nContent-Length:2\n\n\n",
  "PUT /x HTTP/1.1\nTransfer-Encoding: gzip\nTransfer-Encoding: , CHUNKED ,\n\n" + CHUNKS,
];
const pieces = () => http1({ body: "pieces", untilClose: "handOver", maxPieceBytes: 10 });
const lengths = (parts: string[]) => parts.map((part) => crlf(part).length);

checkGoldens([
  ...goldens,
  golden("http1: requests", () => http1(), "client", lengths(REQUESTS), toHex(crlf(REQUESTS.join("")))),
  golden(
    "http1: responses",
    () => http1(),
    "server",
    lengths(["HTTP/1.1 100 \n\n", "HTTP/1.1 200\n\n"]).slice(0, 1).concat(
      lengths([HEAD + CHUNKS, "HTTP/1.0 404 Not Found\nContent-Length: 4\n\n1\n2"]),
    ),
    toHex(crlf("HTTP/1.1 100 \n\n" + HEAD + CHUNKS + "HTTP/1.0 404 Not Found\nContent-Length: 4\n\n1\n2")),
  ),
  golden("http1: heads and pieces", pieces, "server", [
    ...lengths([HEAD, "5\nhello\n"]),
    20,
    10,
    8,
    ...lengths(["000\nTrailer: yes\nX:\n\n", "HTTP/1.1 200 OK\nContent-Length: 25\n\n"]),
    10,
    10,
    5,
  ], toHex(crlf(HEAD + CHUNKS + "HTTP/1.1 200 OK\nContent-Length: 25\n\n" + "x".repeat(25)))),
]);

function refuses(direction: "client" | "server", cases: [string, string][], options: Http1Options = {}): void {
  for (const [bytes, reason] of cases) {
    const [error, ...more] = outcome(() => http1(options), ascii(bytes.replaceAll("\n", "\r\n")), { direction });
    assertEquals([String(error).replace(" 0 http1:", ""), more], [reason, []], bytes);
  }
}

test("http1: what no request is", () => {
  const host = "Host: a\n";
  const get = "GET / HTTP/1.1\n";
  refuses("client", [
    ["\x16\x03\x01", "EPROTO no request begins with 0x16 (looks like TLS)"],
    ["\x00", "EPROTO no request begins with 0x00"],
    ["GET /\n", "EPROTO request line has no target and version"],
    ["GET  HTTP/1.1\n", "EPROTO request line has no target and version"],
    ["GET / x HTTP/1.1\n", "EPROTO request line has more than three words"],
    ["GET / HTTP/2.0\n", "EPROTO version is not HTTP/1"],
    ["GET / HTTP/1.x\n", "EPROTO version is not HTTP/1"],
    ["GET\n", "EPROTO request line has no method"],
    ["PRI * HTTP/2.0\n\nSM\n\n", "EPROTO preface of HTTP/2"],
    ["HTTP/1.1 200 OK\n", "EPROTO response among requests"],
    [`${get}${host} folded\n`, "EPROTO field is folded over lines"],
    [`${get}Host : a\n`, "EPROTO line is no field"],
    [`${get}: a\n`, "EPROTO line is no field"],
    [`${get}Host\n`, "EPROTO line is no field"],
    [`${get}A: \0\n`, "EPROTO line has a 0x00 in it"],
  ]);
  for (const [bytes, reason] of [["A: b\n", "line ends with LF alone"], ["A: b\rc\r\n", "line has a CR in it"]]) {
    const run = outcome(() => http1(), ascii(`GET / HTTP/1.1\r\n${bytes}`), { direction: "client" });
    assertEquals(run, [`EPROTO 0 http1: ${reason}`]);
  }
});
test("http1: what no response is", () => {
  refuses("server", [
    ["GET / HTTP/1.1\n", "EPROTO no response begins with 0x47"],
    ["HELLO\n", "EPROTO no status line"],
    ["HTTP/1.1 20\n", "EPROTO status line is too short"],
    ["HTTP/1.1 2000\n", "EPROTO status line has no status"],
    ["HTTP/1.1 2x0 OK\n", "EPROTO status is no number"],
    ["HTTP/1.1 099 OK\n", "EPROTO status 99"],
    ["HTTP/2.0 200 OK\n", "EPROTO version is not HTTP/1"],
    ["\n", "EPROTO no response begins with 0x0d"],
  ]);
});
test("http1: lengths that others may read differently are refused", () => {
  const post = (fields: string, version = "1.1") => `POST / HTTP/${version}\n${fields}\n\n`;
  const cl = "Content-Length";
  const te = "Transfer-Encoding";
  refuses("client", [
    [post(`${cl}: 5\n${cl}: 6`), `EPROTO ${cl} is 5 and 6: smuggling`],
    [post(`${cl}: 5, 6`), `EPROTO ${cl} is 5 and 6: smuggling`],
    [post(`${cl}: 5\n${te}: chunked`), `EPROTO both ${te} and ${cl}: smuggling`],
    [post(`${te}: chunked\n${cl}: 0`), `EPROTO both ${te} and ${cl}: smuggling`],
    [post(`${te}: chunked`, "1.0"), `EPROTO ${te} in HTTP/1.0: smuggling`],
    [post(`${te}: xchunked`), `EPROTO ${te} of a request does not end with chunked: smuggling`],
    [post(`${te}: identity`), `EPROTO ${te} of a request does not end with chunked: smuggling`],
    [post(`${te}: chunked, identity`), `EPROTO ${te} has something behind chunked: smuggling`],
    [post(`${te}: chunked\n${te}: chunked`), `EPROTO ${te} has something behind chunked: smuggling`],
    [post(`${te}:`), `EPROTO ${te} is empty`],
    [post(`${te}: chunked;a=b`), `EPROTO ${te} of a request does not end with chunked: smuggling`],
    [post(`${cl}: +5`), `EPROTO ${cl} is no number`],
    [post(`${cl}: 0x5`), `EPROTO ${cl} is no number`],
    [post(`${cl}: 5 5`), `EPROTO ${cl} is no number`],
    [post(`${cl}: 5,`), `EPROTO ${cl} is no number`],
    [post(`${cl}:`), `EPROTO ${cl} is no number`],
    [post(`${cl}: ${"9".repeat(16)}`), `EMSGSIZE ${cl} has more than 15 digits`],
    [`CONNECT a:1 HTTP/1.1\n${cl}: 5\n\n`, "EPROTO CONNECT with a body"],
  ]);
  refuses("server", [[`HTTP/1.1 200 OK\n${cl}: 5\n${te}: gzip\n\n`, `EPROTO both ${te} and ${cl}: smuggling`]]);
});
test("http1: chunks that are none", () => {
  const head = "POST / HTTP/1.1\nTransfer-Encoding: chunked\n\n";
  refuses("client", [
    [head + "\n", "EPROTO chunk has no size"],
    [head + "0x5\n", "EPROTO size of a chunk is followed by something else"],
    [head + "-5\n", "EPROTO chunk has no size"],
    [head + "5 5\n", "EPROTO size of a chunk is followed by something else"],
    [head + "5\nhello!\n0\n\n", "EPROTO chunk is not followed by a line end"],
    [head + "10000000000000\n", "EMSGSIZE chunk with a size of more than 13 digits"],
    [head + "5;" + "x".repeat(4100), "EMSGSIZE size line of a chunk exceeds 4096"],
    [head + "0\nno field\n\n", "EPROTO line is no field"],
  ]);
});

test("http1: which end of a connection is told by the first line", () => {
  for (const [i, golden] of goldens.entries()) {
    if (i === 0) assertEquals(outcome(() => http1(), golden.bytes), [...golden.lengths]);
  }
  assertEquals(outcome(() => http1(), crlf("HTTP/1.1 204 No\n\nGET / HTTP/1.1\n\n")), [
    19,
    "EPROTO 19 http1: no response begins with 0x47",
  ]);
});
test("http1: a body until the end of the connection is handed over, or comes in pieces", () => {
  const bytes = crlf("HTTP/1.0 200 OK\n\nuntil the end");
  const [head, error] = outcome(() => http1(), bytes, { direction: "server" });
  assertEquals([head, String(error).slice(0, 12)], [19, "ESTRPIPE 19 "]);
  for (const options of [{ untilClose: "pieces" }, { body: "pieces" }] as Http1Options[]) {
    for (const chunks of [[bytes], bytewise(bytes), cut(bytes, 21, 25)]) {
      const run = record(http1({ ...options, maxPieceBytes: 9 }), { direction: "server" }).push(...chunks).end();
      assertEquals([run.errors, run.ends, run.lengths()[0]], [[], 1, 19]);
      assertEquals(concat(run.messages), bytes);
      assert(run.lengths().slice(1).every((length) => length <= 9));
    }
  }
  const gzip = crlf("HTTP/1.1 200 OK\nTransfer-Encoding: chunked, gzip\n\n");
  assertEquals(outcome(() => http1(), gzip, { direction: "server" }), [
    "EPROTO 0 http1: Transfer-Encoding has something behind chunked: smuggling",
  ]);
});

/** Lengths and errors of both directions, the bytes in the order in which they are sent. */
function exchange(turns: [by: "client" | "server", text: string][], options: Http1PairOptions = {}): string[] {
  const ways: ((bytes: Uint8Array) => Uint8Array[])[] = [(bytes) => [bytes], bytewise];
  const [whole, single] = ways.map((way) => {
    const pair = http1Pair(options);
    const runs = { client: record(pair.requests), server: record(pair.responses) };
    for (const [by, text] of turns) runs[by].push(...way(crlf(text)));
    return (["client", "server"] as const).flatMap((by) => {
      const { errors } = runs[by].end();
      return [`${by}: ${runs[by].lengths().join(" ")}`, ...errors.map((e) => `${e.code} ${e.offset}`)];
    });
  });
  assertEquals(single, whole);
  return whole!;
}

test("http1Pair: answers to HEAD and CONNECT, interim answers, in a pipeline", () => {
  const length = "Content-Length: 5\n\n";
  assertEquals(
    exchange([
      ["client", "HEAD / HTTP/1.1\n\nGET / HTTP/1.1\n\nHEAD / HTTP/1.1\n\n"],
      ["server", `HTTP/1.1 103 Early\n\nHTTP/1.1 200 OK\n${length}HTTP/1.1 200 OK\n${length}12345`],
      ["server", `HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\nHTTP/1.1 408 Slow\n${length}12345`],
    ]),
    ["client: 19 18 19", "server: 22 38 43 47 45"],
  );
});
test("http1Pair: a tunnel and a refused one, an upgrade and a refused one", () => {
  const connect: ["client", string] = ["client", "CONNECT a:1 HTTP/1.1\n\n"];
  const upgrade: ["client", string] = ["client", "GET / HTTP/1.1\nUpgrade: x\n\n"];
  const ok: ["server", string] = ["server", "HTTP/1.1 200 OK\nContent-Length: 9\n\n"];
  const switching: ["server", string] = ["server", "HTTP/1.1 101 Switching\n\n"];
  const no: ["server", string] = ["server", "HTTP/1.1 407 No\nContent-Length: 0\n\n"];
  const get: ["client", string] = ["client", "GET / HTTP/1.1\n\n"];
  const next = { next: lengthPrefix(1) };
  assertEquals(exchange([connect, ok, get, ["server", "SSH"]]), [
    "client: 24",
    "ESTRPIPE 24",
    "server: 38",
    "ESTRPIPE 38",
  ]);
  assertEquals(exchange([connect, ok, ["client", "\x02ab\x00"], ["server", "\x01a"]], next), [
    "client: 24 3 1",
    "server: 38 2",
  ]);
  assertEquals(exchange([connect, no, get, no], next), ["client: 24 18", "server: 38 38"]);
  assertEquals(exchange([upgrade, switching, get], next).slice(0, 1), ["client: 30"]);
  assertEquals(exchange([upgrade, no, get, no], next), ["client: 30 18", "server: 38 38"]);
  const interim: ["server", string] = ["server", "HTTP/1.1 100 Go\n\n"];
  assertEquals(exchange([upgrade, interim, switching, ["client", "\x00"]], next), ["client: 30 1", "server: 19 26"]);
});
test("http1: behind a request for another protocol the bytes tell whether it came to that", () => {
  const upgrade = "GET / HTTP/1.1\nUpgrade: x\n\n";
  const next = () => http1({ next: lengthPrefix(1) });
  const client = { direction: "client" } as const;
  assertEquals(outcome(next, crlf(upgrade + "GET / HTTP/1.1\n\n"), client), [30, 18]);
  assertEquals(outcome(next, crlf(upgrade + "\x03abc"), client), [30, 4]);
  assertEquals(outcome(next, crlf(`CONNECT a:1 HTTP/1.1\n\n${"P" + "x".repeat(80)}\x00`), client), [24, 81, 1]);
  assertEquals(outcome(() => http1(), crlf(upgrade + "PRI * HTTP/2.0\n\n"), client), [
    30,
    "EPROTO 30 http1: preface of HTTP/2",
  ]);
  const tunnel = concat([crlf("CONNECT a:1 HTTP/1.1\n\n"), Uint8Array.of(0x16, 3, 1)]);
  assertEquals(String(outcome(() => http1(), tunnel, client)[1]).slice(0, 11), "ESTRPIPE 24");
});
test("http1: the upgrade to WebSocket, whose frames come right behind the head or later", () => {
  const head = ascii("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
  const { bytes, lengths } = websocketGoldens.find((golden) => golden.direction === "server")!;
  const stream = join(head, bytes);
  assertEquals(outcome(() => http1({ next: websocket() }), stream, { direction: "server" }), [head.length, ...lengths]);
  for (let at = 1; at < stream.length; at += 7) {
    const run = record(http1(), {
      direction: "server",
      onMessage: ({ engine, messages }) => messages.length === 1 && engine.setParser(websocket()),
    }).push(...cut(stream, at)).end();
    assertEquals([run.lengths(), run.errors], [[head.length, ...lengths], []]);
  }
});
test("http1: the parser behind a switch is held to its own bounds", () => {
  const switched = (next: Http1Options["next"], bytes: string) =>
    outcome(() => http1({ next }), crlf("HTTP/1.1 101 X\n\n" + bytes), { direction: "server" });
  assertEquals(switched(lengthPrefix(1, { max: 3 }), "\x02ab\x03abc"), [
    18,
    3,
    "EMSGSIZE 21 http1: length:1: message of 4 bytes exceeds its bound of 3",
  ]);
  assertEquals(switched({ name: "x", maxHeaderBytes: 2, parse: () => 0 }, "abc"), [
    18,
    "EMSGSIZE 18 http1: x: length of a message is not known within 2 bytes",
  ]);
});

test("http1: maxHeadBytes, maxBodyBytes, maxUnanswered", () => {
  const get = "GET / HTTP/1.1\nA: 12345678\n\n";
  const small = { maxHeadBytes: 31 };
  assertEquals(outcome(() => http1(small), crlf(get), { direction: "client" }), [31]);
  refuses("client", [
    [get.replace("5678", "56789"), "EMSGSIZE head exceeds maxHeadBytes 31"],
    ["GET /" + "a".repeat(40), "EMSGSIZE head exceeds maxHeadBytes 31"],
    ["\n".repeat(20), "EMSGSIZE head exceeds maxHeadBytes 31"],
  ], small);
  const head = "POST / HTTP/1.1\nTransfer-Encoding: chunked\n\n";
  const trailers = "0\n" + "A: b\n".repeat(10) + "\n";
  assertEquals(outcome(() => http1({ maxHeadBytes: 62 }), crlf(head + trailers)), [crlf(head + trailers).length]);
  refuses("client", [[head + trailers, "EMSGSIZE trailers exceed maxHeadBytes 50"]], { maxHeadBytes: 50 });
  refuses("client", [
    [head + "3\nabc\n2\n", "EMSGSIZE body of 5 bytes or more exceeds maxBodyBytes 4"],
    ["POST / HTTP/1.1\nContent-Length: 5\n\n", "EMSGSIZE body of 5 bytes exceeds maxBodyBytes 4"],
  ], { maxBodyBytes: 4 });
  assertEquals(exchange([["client", "GET / HTTP/1.1\n\n".repeat(3)]], { maxUnanswered: 2 }), [
    "client: 18 18",
    "EMSGSIZE 36",
    "server: ",
  ]);
});
test("http1: wrong options", () => {
  assertThrows(() => http1({ body: "parts" as "whole" }), RangeError, "body");
  assertThrows(() => http1({ untilClose: "x" as "pieces" }), RangeError, "untilClose");
  assertThrows(() => http1({ maxHeadBytes: 1 }), RangeError, "maxHeadBytes");
  assertThrows(() => http1({ maxBodyBytes: -1 }), RangeError, "maxBodyBytes");
  assertThrows(() => http1({ maxPieceBytes: 0 }), RangeError, "maxPieceBytes");
  assertThrows(() => http1Pair({ maxUnanswered: 0 }), RangeError, "maxUnanswered");
});
