/** Encoders of protocols whose streams begin in a way of their own, against their parsers; what they refuse. */
import { createHash } from "node:crypto";
import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { test } from "node:test";
import {
  type Encoder,
  lengthPrefix,
  lengthPrefixEncoder,
  MessageEncoderStream,
  type Parser,
  StreamParserError,
  typeByte,
} from "../../src/strparser/mod.ts";
import {
  bitcoin,
  bitcoinEncoder,
  cassandra,
  cassandraEncoder,
  fix,
  fixEncoder,
  http1,
  http1ChunkEncoder,
  http2,
  http2Encoder,
  memcachedBinary,
  memcachedBinaryEncoder,
  ninep,
  ninepEncoder,
  postgres,
  postgresEncoder,
  resp,
  respEncoder,
  type RespValue,
  tls,
  tlsEncoder,
  tns,
  tnsEncoder,
  typeByteEncoder,
} from "../../src/strparser/parsers/mod.ts";
import { ascii, hex } from "./parsers/check.ts";
import { bytewise, chaos, join, record, seeded } from "./support.ts";

const bytes = fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ minLength: 250, maxLength: 600 }));
const byte = fc.nat(255);
/** Numbers around the edges of what 8, 16, 31 and 32 bits can be, and what no bits can. */
const odd = fc.constantFrom(-1, 0, 1, 255, 256, 65535, 65536, 0x7fffffff, 0x80000000, 0xffffffff, 2 ** 32, 1.5, NaN);

interface Pair<Payload> {
  name: string;
  parser: () => Parser;
  encoder: () => Encoder<Payload>;
  payload: fc.Arbitrary<Payload>;
  direction?: "client" | "server";
  /** Messages that the stream begins with. */
  opening?: readonly Uint8Array[];
}

/** What an encoder has made comes out of the parser as it was, in any chunks; all else it refuses by itself. */
function roundTrip<Payload>({ name, parser, encoder, payload, direction, opening = [] }: Pair<Payload>): void {
  test(`${name}: what the encoder makes, the parser tells`, () => {
    let encoded = 0;
    const property = fc.property(fc.array(payload, { maxLength: 8 }), fc.nat(), (payloads, seed) => {
      const one = encoder();
      const messages = payloads.flatMap((each) => {
        try {
          return [join(...one.encode(each))];
        } catch (error) {
          assert(error instanceof StreamParserError && error.blame === "local", `${error}`);
          assert(error.code === "EINVAL" || error.code === "EMSGSIZE", error.code);
          return [];
        }
      });
      encoded += messages.length;
      const stream = join(...opening, ...messages);
      for (const chunks of [[stream], bytewise(stream), chaos(stream, seeded(seed), 1 + seed % 50)]) {
        const run = record(parser(), direction === undefined ? {} : { direction }).push(...chunks).end();
        assertEquals(run.errors.map(({ message }) => message), []);
        assertEquals(run.messages, [...opening, ...messages]);
      }
    });
    fc.assert(property, { numRuns: 400 });
    assert(encoded > 50, `only ${encoded} messages were encoded`);
  });
}

roundTrip({
  name: "type byte",
  parser: () => typeByte({ 1: lengthPrefix(1), 2: 3, 3: 0 }, { otherwise: lengthPrefix(2) }),
  encoder: () => typeByteEncoder({ 1: lengthPrefixEncoder(1), 2: 3, 3: 0 }, { otherwise: lengthPrefixEncoder(2) }),
  payload: fc.record({
    type: fc.oneof(fc.constantFrom(1, 2, 3, 4), odd),
    payload: fc.oneof(bytes, fc.uint8Array({ minLength: 3, maxLength: 3 })),
  }),
});
const respValue = fc.letrec<{ value: RespValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    bytes,
    fc.string(),
    fc.integer(),
    fc.bigInt(),
    fc.constant(null),
    fc.array(tie("value"), { maxLength: 4 }),
  ),
})).value;
roundTrip<RespValue>({
  name: "resp",
  parser: () => resp(),
  encoder: () => respEncoder(),
  payload: respValue,
  direction: "server",
});
roundTrip({
  name: "http2",
  parser: () => http2(),
  encoder: () => http2Encoder(),
  payload: fc.record({
    type: fc.oneof(fc.nat(12), odd),
    flags: fc.oneof(byte, odd),
    stream: fc.oneof(fc.constantFrom(0, 3), odd),
    payload: fc.oneof(fc.constantFrom(0, 4, 5, 8, 12).map((length) => new Uint8Array(length)), bytes),
  }),
  direction: "client",
  opening: [ascii("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), hex("000000 04 00 00000000")],
});
roundTrip({
  name: "tls",
  parser: () => tls(),
  encoder: () => tlsEncoder(),
  payload: fc.record({
    type: fc.oneof(fc.integer({ min: 19, max: 25 }), odd),
    version: fc.oneof(fc.constantFrom(0x0301, 0x0303, 0x0400), odd),
    payload: bytes,
  }),
});
roundTrip({
  name: "postgres, client",
  parser: () => postgres(),
  encoder: () => postgresEncoder(),
  payload: fc.record({ type: fc.constantFrom("Q", "P", "X", "R", "z", "", "QQ", "\u0151"), payload: bytes }),
  direction: "client",
  opening: [hex("00000013 00030000 75736572 00 61 00 00 000000")],
});
roundTrip({
  name: "postgres, server",
  parser: () => postgres(),
  encoder: () => postgresEncoder({ direction: "server" }),
  payload: fc.record({ type: fc.constantFrom("R", "Z", "Q", "D"), payload: bytes }),
  direction: "server",
  opening: [hex("52 00000008 00000000")],
});
for (const direction of ["client", "server"] as const) {
  roundTrip({
    name: `memcached, ${direction}`,
    parser: () => memcachedBinary(),
    encoder: () => memcachedBinaryEncoder(),
    payload: fc.record({
      opcode: fc.oneof(byte, odd),
      status: direction === "client" ? fc.constant(undefined) : fc.oneof(byte, odd.filter((n) => n !== undefined)),
      opaque: fc.oneof(byte, odd),
      cas: fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.constantFrom(-1n, 2n ** 64n)),
      extras: fc.uint8Array({ maxLength: 20 }),
      key: fc.uint8Array({ maxLength: 252 }),
      value: bytes,
    }),
    direction,
  });
  roundTrip({
    name: `cassandra, ${direction}`,
    parser: () => cassandra(),
    encoder: () => cassandraEncoder({ direction }),
    payload: fc.record({
      opcode: fc.oneof(fc.nat(17), odd),
      stream: fc.oneof(fc.integer({ min: -32769, max: 32768 }), odd),
      body: bytes,
    }),
    direction,
  });
}
roundTrip({
  name: "cassandra, version 2",
  parser: () => cassandra(),
  encoder: () => cassandraEncoder({ version: 2 }),
  payload: fc.record({ opcode: fc.nat(17), flags: byte, stream: fc.integer({ min: -130, max: 130 }), body: bytes }),
  direction: "client",
});
roundTrip({
  name: "ninep",
  parser: () => ninep(),
  encoder: () => ninepEncoder(),
  // an even type, and none that begins a session: what comes then is the parser's business
  payload: fc.record({ type: fc.constantFrom(8, 102, 254, 256), tag: fc.oneof(byte, odd), payload: bytes }),
  direction: "client",
  opening: [hex("13000000 64 ffff 00200000 0600 395032303030")],
});
roundTrip({
  name: "fix",
  parser: () => fix({ checksSum: true }),
  encoder: () => fixEncoder(),
  payload: fc.oneof(bytes, bytes.map((body) => join(body, Uint8Array.of(1)))),
});
roundTrip({
  name: "tns",
  parser: () => tns({ lengthBytes: 4 }),
  encoder: () => tnsEncoder({ lengthBytes: 4 }),
  payload: fc.record({
    type: fc.oneof(fc.nat(16).filter((type) => type !== 2), odd.filter((type) => type !== 2)),
    flags: fc.oneof(byte, odd),
    payload: bytes,
  }),
});
const checksum = (payload: Uint8Array): Uint8Array => {
  const once = createHash("sha256").update(payload).digest();
  return Uint8Array.from(createHash("sha256").update(once).digest().subarray(0, 4));
};
roundTrip({
  name: "bitcoin",
  parser: () => bitcoin(),
  encoder: () => bitcoinEncoder({ checksum }),
  payload: fc.record({ command: fc.stringMatching(/^[a-zé ]{0,13}$/), payload: bytes }),
});
roundTrip({
  name: "HTTP/1 chunks",
  parser: () => http1({ body: "pieces" }),
  encoder: () => http1ChunkEncoder(),
  payload: fc.uint8Array({ minLength: 1, maxLength: 300 }),
  direction: "server",
  opening: [ascii("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), ascii("1\r\na\r\n")],
});

test("encoders of protocols: bytes as the documents have them", () => {
  const text = (pieces: readonly Uint8Array[]) => new TextDecoder().decode(join(...pieces));
  assertEquals(
    text(respEncoder().encode(["SET", ascii("k"), null, 7, [-1n]])),
    "*5\r\n$3\r\nSET\r\n$1\r\nk\r\n$-1\r\n:7\r\n*1\r\n:-1\r\n",
  );
  assertEquals(text(http1ChunkEncoder().encode(new Uint8Array(0))), "0\r\n\r\n");
  assertEquals(text(http1ChunkEncoder().encode(ascii("0123456789abcdef!"))), "11\r\n0123456789abcdef!\r\n");
  assertEquals(
    join(...postgresEncoder().encode({ payload: hex("00030000 7573657200 6100 00") })),
    hex("00000010 00030000 7573657200 6100 00"),
  );
  // the developer reference's verack
  assertEquals(
    join(...bitcoinEncoder({ checksum }).encode({ command: "verack", payload: new Uint8Array(0) })),
    hex("f9beb4d9 76657261636b000000000000 00000000 5df6e0e2"),
  );
  const accept = tnsEncoder().encode({ type: 2, payload: hex("013b 0000") });
  assertEquals(join(...accept), hex("000c 0000 02 00 0000 013b 0000"));
});

test("encoders of protocols: what is too long or cannot be said names value and limit", () => {
  const n = (length: number) => new Uint8Array(length);
  let deep: RespValue = [];
  for (let i = 0; i < 2; i++) deep = [deep];
  const refused: [encode: () => unknown, code: string, message: string][] = [
    [
      () => typeByteEncoder({ 1: 2 }).encode({ type: 1, payload: n(3) }),
      "EMSGSIZE",
      "typeByte: payload of 3 bytes, at most 2 are possible",
    ],
    [
      () => typeByteEncoder({ 1: 2 }).encode({ type: 1, payload: n(1) }),
      "EINVAL",
      "typeByte: payload of 1 bytes, not 2",
    ],
    [
      () => typeByteEncoder({ 1: 2 }).encode({ type: 2, payload: n(2) }),
      "EINVAL",
      "typeByte: type 2 is none of the protocol's",
    ],
    [
      () => respEncoder({ maxStringLength: 2 }).encode("abc"),
      "EMSGSIZE",
      "resp: payload of 3 bytes, at most 2 are possible",
    ],
    [
      () => respEncoder({ maxElements: 1 }).encode(["a", "b"]),
      "EMSGSIZE",
      "resp: array of 2 elements exceeds maxElements 1",
    ],
    [() => respEncoder({ maxDepth: 2 }).encode(deep), "EMSGSIZE", "resp: arrays nested deeper than maxDepth 2"],
    [() => respEncoder().encode(1.5), "EINVAL", "resp: 1.5 is no integer"],
    [() => respEncoder().encode(undefined as never), "EINVAL", "resp: value of type undefined"],
    [
      () => http2Encoder({ maxFrameSize: 16384 }).encode({ type: 0, stream: 1, payload: n(16385) }),
      "EMSGSIZE",
      "http2: payload of 16385 bytes, at most 16384 are possible",
    ],
    [() => http2Encoder().encode({ type: 0, payload: n(1) }), "EINVAL", "http2: DATA frame without a stream"],
    [
      () => tlsEncoder().encode({ type: 23, payload: n(18433) }),
      "EMSGSIZE",
      "tls: payload of 18433 bytes, at most 18432 are possible",
    ],
    [
      () => tlsEncoder().encode({ type: 22, version: 0x0400, payload: n(1) }),
      "EINVAL",
      "tls: record version 4.x is none of TLS",
    ],
    [
      () => postgresEncoder().encode({ payload: n(9997) }),
      "EMSGSIZE",
      "postgres: payload of 9997 bytes, at most 9996 are possible",
    ],
    [
      () => postgresEncoder({ direction: "server" }).encode({ payload: n(4) }),
      "EINVAL",
      "postgres: a server's messages have a type",
    ],
    [
      () => memcachedBinaryEncoder({ maxBodyBytes: 2 }).encode({ opcode: 0, value: n(3) }),
      "EMSGSIZE",
      "memcachedBinary: body of 3 bytes exceeds maxBodyBytes 2",
    ],
    [
      () => memcachedBinaryEncoder().encode({ opcode: 0, key: n(251) }),
      "EINVAL",
      "memcachedBinary: key of 251 bytes, at most 250 are possible",
    ],
    [
      () => memcachedBinaryEncoder().encode({ opcode: 0, extras: n(256) }),
      "EINVAL",
      "memcachedBinary: extras of 256 bytes, at most 255",
    ],
    [
      () => ninepEncoder({ maxMessageBytes: 256 }).encode({ type: 102, tag: 1, payload: n(250) }),
      "EMSGSIZE",
      "ninep: payload of 250 bytes, at most 249 are possible",
    ],
    [() => fixEncoder({ maxBodyBytes: 2 }).encode(n(3)), "EMSGSIZE", "fix: payload of 3 bytes, at most 2 are possible"],
    [() => fixEncoder().encode(ascii("35=0")), "EINVAL", "fix: body does not end with a field's end"],
    [
      () => cassandraEncoder({ maxFrameBytes: 2 }).encode({ opcode: 5, stream: 0, body: n(3) }),
      "EMSGSIZE",
      "cassandra: frame of 3 bytes exceeds maxFrameBytes 2",
    ],
    [
      () => cassandraEncoder().encode({ opcode: 8, stream: 0, body: n(3) }),
      "EINVAL",
      "cassandra: opcode 0x08 is unknown to the client",
    ],
    [
      () => tnsEncoder().encode({ type: 6, payload: n(65528) }),
      "EMSGSIZE",
      "tns: payload of 65528 bytes, at most 65527 are possible",
    ],
    [
      () => tnsEncoder({ lengthBytes: 4, maxPacketBytes: 512 }).encode({ type: 6, payload: n(505) }),
      "EMSGSIZE",
      "tns: payload of 505 bytes, at most 504 are possible",
    ],
    [
      () => bitcoinEncoder({ checksum, maxPayloadBytes: 2 }).encode({ command: "tx", payload: n(3) }),
      "EMSGSIZE",
      "bitcoin: payload of 3 bytes exceeds maxPayloadBytes 2",
    ],
    [
      () => http1ChunkEncoder({ maxPieceBytes: 2 }).encode(n(3)),
      "EMSGSIZE",
      "http1: payload of 3 bytes, at most 2 are possible",
    ],
  ];
  for (const [encode, code, message] of refused) {
    const error = assertThrows(encode, StreamParserError);
    assertEquals([error.code, error.blame, error.message], [code, "local", message]);
  }
});

test("encoders of protocols: wrong options fail at once", () => {
  assertThrows(() => typeByteEncoder({}), RangeError, "at least one");
  assertThrows(() => typeByteEncoder({ 256: 1 }), RangeError, "a byte");
  assertThrows(() => typeByteEncoder({ 1: {} as never }), TypeError, "encoder or a number");
  assertThrows(() => typeByteEncoder({ 1: -1 }), RangeError);
  assertThrows(() => fixEncoder({ beginString: "8=FIX" }), RangeError, "beginString");
  assertThrows(() => fixEncoder({ beginString: "FIX.4.4.567890" }), RangeError, "beginString");
  assertThrows(() => cassandraEncoder({ version: 6 as never }), RangeError, "version");
  assertThrows(() => postgresEncoder({ direction: "up" as never }), RangeError);
  assertThrows(() => bitcoinEncoder({} as never), TypeError, "checksum");
  const short = bitcoinEncoder({ checksum: () => new Uint8Array(3) });
  assertThrows(() => short.encode({ command: "tx", payload: new Uint8Array(0) }), TypeError, "4 bytes");
  assertThrows(() => http1ChunkEncoder({ maxPieceBytes: 0 }), RangeError);
});

test("encoders of protocols: in a stage", async () => {
  const stage = new MessageEncoderStream({ encoder: respEncoder() });
  const reading = new Response(stage.readable).text();
  const writer = stage.writable.getWriter();
  await writer.write([["PING"], ["GET", "a"]]);
  await writer.close();
  assertEquals(await reading, "*1\r\n$4\r\nPING\r\n*2\r\n$3\r\nGET\r\n$1\r\na\r\n");
});
