/** Every encoder against the parser of the same protocol, in every split; what encoders refuse. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { test } from "node:test";
import {
  delimiter,
  delimiterEncoder,
  type Encoder,
  fixedLength,
  fixedLengthEncoder,
  lengthField,
  lengthFieldEncoder,
  type LengthFieldOptions,
  type LengthFieldSize,
  lengthPrefix,
  lengthPrefixEncoder,
  lines,
  linesEncoder,
  type Parser,
  StreamParserError,
  trimLine,
} from "../../src/strparser/mod.ts";
import { cobs, cobsDecode, cobsEncoder } from "../../src/strparser/parsers/mod.ts";
import { jsonSequence, jsonSequenceEncoder, ndjson, ndjsonEncoder } from "../../src/strparser/parsers/mod.ts";
import {
  dns,
  dnsEncoder,
  lsp,
  lspEncoder,
  minecraft,
  minecraftEncoder,
  nats,
  natsEncoder,
  type NatsMessage,
  netstring,
  netstringEncoder,
  syslog,
  syslogEncoder,
} from "../../src/strparser/parsers/mod.ts";
import { varintPrefix, varintPrefixEncoder } from "../../src/strparser/parsers/varint_prefix.ts";
import { bytewise, chaos, cut, join, record, seeded } from "./support.ts";
import { ascii } from "./parsers/check.ts";

const bytes = fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ minLength: 250, maxLength: 600 }));
const fewBytes = fc.array(fc.constantFrom(13, 10, 0, 65), { maxLength: 12 }).map((all) => Uint8Array.from(all));

interface Pair<Payload> {
  name: string;
  parser: () => Parser;
  encoder: () => Encoder<Payload>;
  payload: fc.Arbitrary<Payload>;
}

/** Messages that an encoder made come out of the parser as they were, however the stream is cut. */
function roundTrip<Payload>({ name, parser, encoder, payload }: Pair<Payload>): void {
  test(`${name}: what the encoder makes, the parser tells`, () => {
    const property = fc.property(fc.array(payload, { maxLength: 8 }), fc.nat(), (payloads, seed) => {
      const one = encoder();
      const messages = payloads.flatMap((each) => {
        try {
          return [join(...one.encode(each))];
        } catch (error) {
          assert(error instanceof StreamParserError && error.blame === "local" && error.code === "EINVAL", `${error}`);
          return [];
        }
      });
      const stream = join(...messages);
      const splits = stream.length > 200 ? [] : Array.from(stream, (_, at) => cut(stream, at));
      for (const chunks of [[stream], bytewise(stream), chaos(stream, seeded(seed), 1 + seed % 50), ...splits]) {
        const run = record(parser()).push(...chunks).end();
        assertEquals(run.errors, []);
        assertEquals(run.messages, messages);
      }
    });
    fc.assert(property, { numRuns: 60 });
  });
}

const layouts: LengthFieldOptions[] = ([1, 2, 3, 4, 8] as LengthFieldSize[]).flatMap((size) => [
  { size },
  { size, littleEndian: true, includesHeader: true },
  { size, offset: 3, adjustment: -2, littleEndian: true },
  { size, offset: 1, adjustment: 1 },
  { size, unit: 4, includesHeader: true },
]);
for (const layout of layouts) {
  const payload = fc.uint8Array({ minLength: layout.offset ?? 0, maxLength: layout.size === 1 ? 240 : 600 });
  const name = `length field ${JSON.stringify(layout)}`;
  roundTrip({ name, parser: () => lengthField(layout), encoder: () => lengthFieldEncoder(layout), payload });
}
roundTrip({
  name: "length prefix",
  parser: () => lengthPrefix(2),
  encoder: () => lengthPrefixEncoder(2),
  payload: bytes,
});
for (const ends of ["\n", "\r\n", "\r\n\r\n", "AAAAAA", ["\r\n", "\n\n", "A\0A"]]) {
  const name = `delimiter ${JSON.stringify(ends)}`;
  roundTrip({ name, parser: () => delimiter(ends), encoder: () => delimiterEncoder(ends), payload: fewBytes });
}
roundTrip({ name: "lines", parser: () => lines(), encoder: () => linesEncoder(), payload: fewBytes });
roundTrip({
  name: "lines, CR LF",
  parser: () => lines({ ending: "crlf" }),
  encoder: () => linesEncoder({ ending: "crlf" }),
  payload: fewBytes,
});
roundTrip({
  name: "fixed length",
  parser: () => fixedLength(5),
  encoder: () => fixedLengthEncoder(5),
  payload: fc.uint8Array({ minLength: 4, maxLength: 5 }),
});
roundTrip({ name: "varint", parser: () => varintPrefix(), encoder: () => varintPrefixEncoder(), payload: bytes });
roundTrip({ name: "minecraft", parser: () => minecraft(), encoder: () => minecraftEncoder(), payload: bytes });
roundTrip({ name: "cobs", parser: () => cobs(), encoder: () => cobsEncoder(), payload: bytes });
roundTrip({
  name: "cobs, many zeros",
  parser: () => cobs(),
  encoder: () => cobsEncoder(),
  payload: fc.array(fc.constantFrom(0, 0, 1), { maxLength: 300 }).map((all) => Uint8Array.from(all)),
});
roundTrip({
  name: "JSON sequence",
  parser: () => jsonSequence(),
  encoder: () => jsonSequenceEncoder(),
  payload: fc.jsonValue() as fc.Arbitrary<unknown>,
});
roundTrip({
  name: "ndjson",
  parser: () => ndjson(),
  encoder: () => ndjsonEncoder(),
  payload: fc.jsonValue() as fc.Arbitrary<unknown>,
});
roundTrip({ name: "netstring", parser: () => netstring(), encoder: () => netstringEncoder(), payload: bytes });
for (const framing of ["counted", "newline"] as const) {
  roundTrip({
    name: `syslog ${framing}`,
    parser: () => syslog(),
    encoder: () => syslogEncoder({ framing }),
    payload: bytes.map((rest) => join(ascii("<13>"), rest)),
  });
}
roundTrip({ name: "lsp", parser: () => lsp(), encoder: () => lspEncoder(), payload: bytes });
roundTrip({ name: "dns", parser: () => dns(), encoder: () => dnsEncoder(), payload: bytes });
const word = fc.stringMatching(/^[a-z.>*é]{0,9}$/);
roundTrip<NatsMessage>({
  name: "nats",
  parser: () => nats(),
  encoder: () => natsEncoder(),
  payload: fc.record({
    subject: word,
    reply: fc.option(word, { nil: undefined }),
    sid: fc.option(word, { nil: undefined }),
    payload: bytes,
  }),
});

test("encoders: payloads come back out of messages", () => {
  const property = fc.property(bytes, (payload) => {
    const [packet] = cobsEncoder().encode(payload);
    assertEquals(cobsDecode(packet!), payload);
    assert(!packet!.subarray(0, -1).includes(0));
    const prefixed = lengthPrefixEncoder(4).encode(payload);
    assert(prefixed[1] === payload, "the payload is not copied");
  });
  fc.assert(property);
  const value = { a: ["\n", "\x1e"] };
  for (const encoder of [ndjsonEncoder(), jsonSequenceEncoder()]) {
    const text = new TextDecoder().decode(trimLine(encoder.encode(value)[0]!)).replace("\x1e", "");
    assertEquals(JSON.parse(text), value);
  }
});

test("encoders: a payload with the delimiter in it, or that makes one, is refused; all others are not", () => {
  for (const ends of ["\n", "\r\n", "aab", ["ab", "bba"], ["aba", "b"]]) {
    if (ends[1] === "b") {
      assertThrows(() => delimiterEncoder(ends), RangeError, "another one");
      continue;
    }
    const encoder = delimiterEncoder(ends);
    const property = fc.property(fc.array(fc.constantFrom(13, 10, 97, 98), { maxLength: 6 }), (all) => {
      const payload = Uint8Array.from(all);
      const message = join(payload, ascii(Array.isArray(ends) ? ends[0]! : ends as string));
      const isOne = record(delimiter(ends)).push(message).lengths()[0] === message.length;
      if (isOne) return assertEquals(join(...encoder.encode(payload)), message);
      assertThrows(() => encoder.encode(payload), StreamParserError, "delimiter in it");
    });
    fc.assert(property, { numRuns: 400 });
  }
});

test("encoders: what is too long or can't be said names value and limit", () => {
  const n = (length: number) => new Uint8Array(length);
  const text = (value: string) => ascii(value);
  const refused: [encode: () => unknown, code: string, message: string][] = [
    [
      () => lengthPrefixEncoder(1).encode(n(256)),
      "EMSGSIZE",
      "length:1: payload of 256 bytes, at most 255 are possible",
    ],
    [
      () => lengthPrefixEncoder(2, { max: 10 }).encode(n(9)),
      "EMSGSIZE",
      "length:2: payload of 9 bytes, at most 8 are possible",
    ],
    [
      () => lengthFieldEncoder({ size: 1, offset: 4 }).encode(n(3)),
      "EINVAL",
      "length:1: payload of 3 bytes does not fill the 4 before the field",
    ],
    [
      () => lengthPrefixEncoder(2, { adjustment: 4 }).encode(n(3)),
      "EINVAL",
      "length:2: payload of 3 bytes would have the length -1",
    ],
    [
      () => lengthPrefixEncoder(2, { unit: 4, includesHeader: true }).encode(n(3)),
      "EINVAL",
      "length:2: payload of 3 bytes is no multiple of 4 in all",
    ],
    [
      () => delimiterEncoder("ab", { max: 5 }).encode(n(4)),
      "EMSGSIZE",
      "delimiter: payload of 4 bytes, at most 3 are possible",
    ],
    [() => linesEncoder({ max: 5 }).encode(n(5)), "EMSGSIZE", "lines: payload of 5 bytes, at most 4 are possible"],
    [() => fixedLengthEncoder(3).encode(n(4)), "EMSGSIZE", "fixed:3: payload of 4 bytes, at most 3 are possible"],
    [() => fixedLengthEncoder(3).encode(n(2)), "EINVAL", "fixed:3: payload of 2 bytes, not 3"],
    [
      () => cobsEncoder({ maxPayloadBytes: 2 }).encode(n(3)),
      "EMSGSIZE",
      "cobs: payload of 3 bytes, at most 2 are possible",
    ],
    [
      () => jsonSequenceEncoder({ max: 4 }).encode(123),
      "EMSGSIZE",
      "jsonSequence: payload of 3 bytes, at most 2 are possible",
    ],
    [() => ndjsonEncoder({ max: 3 }).encode(123), "EMSGSIZE", "ndjson: payload of 3 bytes, at most 2 are possible"],
    [() => ndjsonEncoder().encode(undefined), "EINVAL", "ndjson: payload of type undefined has no JSON text"],
    [() => ndjsonEncoder().encode(1n), "EINVAL", "ndjson: payload has no JSON text"],
    [
      () => netstringEncoder({ maxPayloadBytes: 2 }).encode(n(3)),
      "EMSGSIZE",
      "netstring: payload of 3 bytes, at most 2 are possible",
    ],
    [() => syslogEncoder().encode(n(8193)), "EMSGSIZE", "syslog: payload of 8193 bytes, at most 8192 are possible"],
    [() => syslogEncoder().encode(text("a")), "EINVAL", "syslog: payload does not begin with a priority"],
    [
      () => syslogEncoder({ framing: "newline" }).encode(text("<1>\n")),
      "EINVAL",
      "syslog: payload has a line feed, which would end it",
    ],
    [
      () => lspEncoder({ maxPayloadBytes: 2 }).encode(n(3)),
      "EMSGSIZE",
      "lsp: payload of 3 bytes, at most 2 are possible",
    ],
    [() => dnsEncoder().encode(n(11)), "EINVAL", "dns: message of 11 bytes is shorter than a header"],
    [() => dnsEncoder().encode(n(65536)), "EMSGSIZE", "dns: payload of 65536 bytes, at most 65535 are possible"],
    [() => minecraftEncoder().encode(n(0)), "EINVAL", "minecraft: payload is empty"],
    [
      () => minecraftEncoder().encode(n(2097152)),
      "EMSGSIZE",
      "minecraft: payload of 2097152 bytes, at most 2097151 are possible",
    ],
    [
      () => natsEncoder({ maxPayloadBytes: 2 }).encode({ subject: "a", payload: n(3) }),
      "EMSGSIZE",
      "nats: payload of 3 bytes, at most 2 are possible",
    ],
    [
      () => natsEncoder({ maxLineBytes: 16 }).encode({ subject: "123456789", payload: n(3) }),
      "EINVAL",
      "nats: control line of 17 bytes exceeds maxLineBytes 16",
    ],
    [
      () => natsEncoder().encode({ subject: "a b", payload: n(0) }),
      "EINVAL",
      "nats: subject is empty or has white space in it",
    ],
    [
      () => natsEncoder().encode({ subject: "a", reply: "a\r\nPUB", payload: n(0) }),
      "EINVAL",
      "nats: reply is empty or has white space in it",
    ],
  ];
  for (const [encode, code, message] of refused) {
    const error = assertThrows(encode, StreamParserError);
    assertEquals([error.code, error.blame, error.message], [code, "local", message]);
  }
});
