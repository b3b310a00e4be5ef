/** Detection is never wrong: at every prefix of either direction it is right or undecided, at the end right or unknown. */
import { assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { type DetectInput, detectParser } from "../../src/strparser/parsers/mod.ts";
import { fromHex } from "../../src/bytes/mod.ts";
import { goldens, grantedTls } from "./golden.ts";
import { join, record, seeded } from "./support.ts";

const NONE = new Uint8Array(0);
const ascii = (text: string) => Uint8Array.from(text, (c) => c.charCodeAt(0));

/** What is found at every prefix; `undecided` left out. Throws the test when an answer changes later. */
function verdicts(input: DetectInput): string[] {
  const seen = new Set<string>();
  const { client, server } = input;
  for (let i = 0; i <= Math.max(client.length, server.length); i++) {
    const prefix = { ...input, client: client.subarray(0, i), server: server.subarray(0, i) };
    const found = detectParser(prefix);
    if (found.state !== "undecided") seen.add(found.state === "found" ? found.name : "unknown");
    const last = detectParser({ ...prefix, isComplete: true });
    assertEquals(last.state === "undecided", false);
    if (last.state === "found") seen.add(last.name);
  }
  return [...seen];
}

const bytesOf = (name: string) => goldens.find((golden) => golden.name === name)!.bytes;

for (const golden of goldens) {
  const isPipe = golden.name.includes("pipe");
  test(`${golden.name}: recognised from the ${golden.direction} alone, at every prefix`, () => {
    const input = { client: NONE, server: NONE, [golden.direction]: golden.bytes };
    // simple replies, bare answers and inline commands are not distinctive
    const isVague = ["redis-server answers", "PostgreSQL refuses TLS"].includes(golden.name) || isPipe;
    assertEquals(verdicts(input).filter((verdict) => verdict !== "unknown"), isVague ? [] : [golden.protocol]);
  });
}

const pairs: [client: string, server: string, name: string, reason: string][] = [
  ["dig asks", "dnsmasq answers", "dns", "client sent a well-formed DNS query"],
  ["curl speaks TLS 1.2", "nginx speaks TLS 1.2", "tls", "client sent a TLS ClientHello"],
  ["curl speaks HTTP/2", "nginx speaks HTTP/2", "http2", "client sent the 24-byte HTTP/2 preface"],
  ["psql asks", "PostgreSQL answers", "postgres", "client sent a PostgreSQL start-up message"],
  ["psql asks for TLS, refused", "PostgreSQL refuses TLS", "postgres", "client sent a PostgreSQL SSLRequest"],
  ["redis-cli asks", "redis-server answers", "resp", "client sent a command as a RESP array of strings"],
  [
    "redis-cli --pipe with inline commands",
    "redis-server answers a pipe",
    "resp",
    "client sent an inline command of Redis and got a RESP reply",
  ],
];
for (const [client, server, name, reason] of pairs) {
  test(`${client} / ${server}: recognised as ${name} at every prefix`, () => {
    const input = { client: bytesOf(client), server: bytesOf(server) };
    assertEquals(verdicts(input), [name]);
    const found = detectParser(input);
    assertEquals(found.state === "found" && [found.name, found.reason, found.confidence], [name, reason, "certain"]);
    for (const direction of ["client", "server"] as const) {
      const run = record(found.state === "found" ? found.parser : undefined!, { direction }).push(input[direction])
        .end();
      assertEquals([run.errors, run.ends], [[], 1]);
    }
  });
}

test("a granted request for TLS is PostgreSQL", () => {
  assertEquals(verdicts({ client: grantedTls.client, server: grantedTls.server }), ["postgres"]);
});
test("the port of Redis makes an inline command likely", () => {
  const client = ascii("PING\r\n");
  assertEquals(detectParser({ client, server: NONE }).state, "undecided");
  const found = detectParser({ client, server: NONE, port: 6379, isComplete: true });
  assertEquals(found.state === "found" && [found.name, found.confidence], ["resp", "likely"]);
});
test("HTTP at the port of Redis is not Redis", () => {
  const input = { client: ascii("GET / HTTP/1.1\r\n"), server: NONE, port: 6379 };
  assertEquals(verdicts(input), ["http1"]);
});
test("a server's RESP array alone is likely", () => {
  const found = detectParser({ client: NONE, server: ascii("*2\r\n$1\r\na\r\n:1\r\n"), isComplete: true });
  assertEquals(found.state === "found" && [found.name, found.confidence], ["resp", "likely"]);
});

const greetings: [name: string, client: Uint8Array, server: Uint8Array, protocol: string, reason: string][] = [
  [
    "HTTP/1",
    ascii("GET / HTTP/1.1\r\nHost: leat.example\r\nAccept: */*\r\n\r\n"),
    ascii("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"),
    "http1",
    "client sent an HTTP/1 request line",
  ],
  ["an HTTP/1 server", NONE, ascii("HTTP/1.0 404 Not Found\r\n\r\n"), "http1", "server sent an HTTP/1 status line"],
  [
    "SSH",
    ascii("SSH-2.0-OpenSSH_9.2\r\n"),
    ascii("SSH-2.0-OpenSSH_9.2\r\n"),
    "ssh",
    "client sent SSH's identification line",
  ],
  ["an old SSH server", NONE, ascii("SSH-1.99-Cisco-1.25\r\n"), "ssh", "server sent SSH's identification line"],
  [
    "AMQP 0-9-1",
    fromHex("414d515000000901"),
    fromHex("01000000000200000a000a000900000000"),
    "amqp091",
    "client sent the AMQP 0-9-1 header",
  ],
  ["AMQP 1.0 with SASL", fromHex("414d515003010000"), NONE, "amqp10", "client sent an AMQP 1.0 header"],
  ["AMQP 1.0", fromHex("414d515000010000"), fromHex("414d515000010000"), "amqp10", "client sent an AMQP 1.0 header"],
  [
    "MQTT",
    fromHex("101000044d5154540402003c0004746573743032"),
    fromHex("20020000"),
    "mqtt",
    "client sent an MQTT CONNECT packet",
  ],
  [
    "MQTT 3.1 with a long packet",
    fromHex("10900100064d514973647003020000000101"),
    NONE,
    "mqtt",
    "client sent an MQTT CONNECT packet",
  ],
];
for (const [name, client, server, protocol, reason] of greetings) {
  test(`${name}: recognised as ${protocol} at every prefix, whatever the port`, () => {
    for (const port of [undefined, 53, 443, 5432, 6379]) {
      assertEquals(verdicts({ client, server, port }).filter((verdict) => verdict !== "unknown"), [protocol]);
      const found = detectParser({ client, server, port });
      assertEquals(found.state === "found" && [found.name, found.reason, found.confidence], [
        protocol,
        reason,
        "certain",
      ]);
    }
  });
}
test("the parsers found for HTTP/1 know each other's messages", () => {
  const client = ascii("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
  const server = ascii("HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n");
  const found = detectParser({ client, server });
  if (found.state !== "found") throw new Error(found.state);
  assertEquals(record(found.parser, { direction: "client" }).push(client).end().errors, []);
  assertEquals(record(found.answers!, { direction: "server" }).push(server).end().errors, []);
});
test("a request line longer than 8192 bytes is none", () => {
  const client = ascii(`GET /${"a".repeat(8192)} HTTP/1.1\r\n`);
  assertEquals(detectParser({ client, server: NONE }).state, "unknown");
  assertEquals(detectParser({ client: client.subarray(0, 8191), server: NONE }).state, "undecided");
});

function framed(littleEndian: boolean, includesHeader: boolean, sizes: number[]): Uint8Array {
  return join(...sizes.map((size) => {
    const message = new Uint8Array(4 + size).fill(0xa7);
    new DataView(message.buffer).setUint32(0, size + (includesHeader ? 4 : 0), littleEndian);
    return message;
  }));
}
for (
  const [littleEndian, includesHeader, name] of [
    [false, false, "len32"],
    [false, true, "len32,incl"],
    [true, false, "len32le"],
    [true, true, "len32le,incl"],
  ] as const
) {
  test(`${name}: four messages in a row are recognised, three are not`, () => {
    const stream = (sizes: number[]) => framed(littleEndian, includesHeader, sizes);
    assertEquals(verdicts({ client: stream([17, 300, 9, 60, 12]), server: NONE }), [name]);
    assertEquals(verdicts({ client: stream([17, 300]), server: stream([9, 60]) }), [name]);
    assertEquals(verdicts({ client: stream([17, 300, 9]), server: NONE }), []);
    // the other direction does not fit
    assertEquals(verdicts({ client: stream([17, 300, 9, 60]), server: ascii("no framing here") }), ["unknown"]);
  });
}
test("a length that counts itself, in front of small numbers, is recognised as such however much comes at once", () => {
  // a length that does not count itself would lead from number to number as well
  const message = Uint8Array.of(0, 0, 0, 16, 0, 0, 0, 21, 0, 0, 0, 0, 0, 0, 0, 1);
  for (const count of [4, 100, 1000]) {
    const client = join(...Array.from({ length: count }, () => message));
    const found = detectParser({ client, server: NONE, isComplete: true });
    assertEquals(found.state === "found" && found.name, "len32,incl");
  }
});
test("zeros are no messages", () => {
  assertEquals(verdicts({ client: new Uint8Array(600), server: new Uint8Array(600) }), []);
  assertEquals(detectParser({ client: new Uint8Array(20_000), server: NONE }).state, "unknown");
});

const negatives: [name: string, client: string, server: string][] = [
  ["HTTP/1 with LF alone", "GET / HTTP/1.1\nHost: a\n\n", "HTTP/1.1 200\n\n"],
  ["HTTP/0.9", "GET /\r\n", "<html>hi</html>"],
  ["HTTP of a version to come", "GET / HTTP/1.2\r\nHost: leat.example\r\n\r\n", ""],
  ["RTSP", "OPTIONS rtsp://leat.example/a RTSP/1.0\r\nCSeq: 1\r\n\r\n", "RTSP/1.0 200 OK\r\n\r\n"],
  ["a target with a space", "GET /a b HTTP/1.1\r\n\r\n", ""],
  ["HTTP/1 with a prefix of the preface", "PRI * HTTP/1.0\r\n\r\n", ""],
  ["SSH 1", "SSH-1.5-OpenSSH_2.3\r\n", "SSH-1.5-OpenSSH_2.3\r\n"],
  ["SMTP", "EHLO leat.example\r\nQUIT\r\n", "220 mail ESMTP\r\n250 ok\r\n"],
  ["POP3", "AUTH PLAIN\r\n", "+OK ready\r\n+\r\n"],
  ["memcached", "get key\r\nset key 0 0 2\r\nhi\r\n", "VALUE key 0 2\r\nhi\r\nEND\r\n"],
  ["FTP", "USER anonymous\r\n", "220 ready\r\n331 who\r\n"],
  ["IRC", "NICK a\r\nPING x\r\n", ":server PONG x\r\n"],
  ["text", "The quick brown fox jumps over the lazy dog.\n".repeat(20), "1\n2\n3\n"],
  ["RESP with a wrong length", "*1\r\n$5\r\nPING\r\n", ""],
  ["markdown list", "*1 item\r\n*2 items\r\n", "* a\r\n"],
];
for (const [name, client, server] of negatives) {
  test(`${name} is none of the known protocols, at every prefix`, () => {
    for (const port of [undefined, 53, 443, 5432, 6379]) {
      const input = { client: ascii(client), server: ascii(server), port };
      assertEquals(verdicts(input).filter((verdict) => verdict !== "unknown"), []);
      assertEquals(detectParser({ ...input, isComplete: true }), { state: "unknown" });
    }
  });
}
const binaries: [name: string, client: string, server: string][] = [
  ["MySQL", "", "4a0000000a382e302e333300080000000b2f3a5d1c6e2f4f00ffffff0200ffdf150000000000000000000042"],
  ["SSH after its banner", "0000043c0a1432e8b1a3c6e9f1", ""],
  ["AMQP 0-8", "414d515001010800", ""],
  ["AMQP 1.0 of a layer that is none", "414d515001010000", ""],
  ["an MQTT CONNECT from the server", "", "101000044d5154540402003c0004746573743032"],
  ["an MQTT CONNECT that is too short", "100600044d5154540402", ""],
  ["MQTT of another version", "101000044d5154540902003c0004746573743032", "20020000"],
  ["an MQTT length of five bytes", "10808080800100044d51545404", ""],
  ["SSL 2", "802e010002001500000010010080", ""],
  ["a TLS alert in front", "15030100020228", ""],
  ["a start-up message without a user", "00000014000300006461746162617365006c0000", ""],
  ["a start-up message that is not closed", "0000001200030000757365720061000000620063", ""],
  ["a TLS record longer than its ClientHello", "16030100d7010000a303039c4edcd81bf6891e", ""],
  ["DNS with a byte too many", "001eaa330100000100000000000003777777046c65617400000100010000000000", ""],
  ["a DNS answer from the client", "001daa338180000100000000000003777777046c6561740000010001", ""],
];
for (const [name, client, server] of binaries) {
  test(`${name} is none of the known protocols, at every prefix`, () => {
    const input = { client: fromHex(client), server: fromHex(server) };
    assertEquals(verdicts(input).filter((verdict) => verdict !== "unknown"), []);
  });
}

test("random bytes are recognised as nothing, and nothing throws", () => {
  const random = seeded(99);
  for (let i = 0; i < 5000; i++) {
    const bytes = () => Uint8Array.from({ length: random() * 200 }, () => random() * 256);
    const input = { client: bytes(), server: bytes(), isComplete: true };
    assertEquals(detectParser(input).state, "unknown");
  }
});
test("damaged recordings never make detection throw or change its answer with more bytes", () => {
  const random = seeded(100);
  for (let i = 0; i < 1500; i++) {
    const client = goldens[i % goldens.length]!.bytes.slice(0, 200);
    client[Math.floor(random() * 40)] = random() * 256;
    assertEquals(verdicts({ client, server: NONE }).length <= 1, true);
  }
});
test("nothing heard is undecided, and unknown at the end", () => {
  assertEquals(detectParser({ client: NONE, server: NONE }), { state: "undecided" });
  assertEquals(detectParser({ client: NONE, server: NONE, isComplete: true }), { state: "unknown" });
});
test("maxBytes: so many bytes without a decision are unknown", () => {
  const client = bytesOf("psql asks").subarray(0, 40);
  assertEquals(detectParser({ client, server: NONE }).state, "undecided");
  assertEquals(detectParser({ client, server: NONE, maxBytes: 40 }).state, "unknown");
  assertThrows(() => detectParser({ client, server: NONE, maxBytes: 0 }), RangeError, "maxBytes");
});
