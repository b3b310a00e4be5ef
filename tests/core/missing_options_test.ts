/** What is left out is named: no error of the runtime's about reading from `undefined` comes out. */
import { assertThrows } from "@std/assert";
import { test } from "node:test";
import { FlowStream, FlowTracker } from "../../src/flow/mod.ts";
import { flowsInto, Multiplexor, MultiplexorEngine, muxedFlows } from "../../src/kcm/mod.ts";
import { SegmentDecoder, SegmentStream } from "../../src/packet/mod.ts";
import { CaptureReader, CaptureStream } from "../../src/pcap/mod.ts";
import {
  lengthField,
  lengthFieldEncoder,
  lengthPrefix,
  MessageEncoderStream,
  MessageStream,
  StreamParser,
  StreamParserSocket,
  typeByte,
} from "../../src/strparser/mod.ts";
import {
  bitcoinEncoder,
  detectParser,
  parserByName,
  rtspInterleavedEncoder,
  turnChannelEncoder,
  typeByteEncoder,
} from "../../src/strparser/parsers/mod.ts";
import { streamPair } from "../../src/tsocket/mod.ts";

/** As from a program without types. */
const NOTHING = undefined as never;
const NULL = null as never;
const sink = { item: () => {}, error: () => {}, end: () => {} };
const kcm = new Multiplexor();
const engine = new MultiplexorEngine();

const CALLS: readonly (readonly [call: string, missing: string, run: () => unknown])[] = [
  ["new MessageStream()", "parser", () => new MessageStream(NOTHING)],
  ["new MessageStream({})", "parser", () => new MessageStream({} as never)],
  ["new StreamParser()", "parser", () => new StreamParser(NOTHING, sink)],
  ["StreamParser.with()", "parser", () => StreamParser.with(NOTHING)(sink)],
  ["new MessageEncoderStream()", "encoder", () => new MessageEncoderStream(NOTHING)],
  ["new StreamParserSocket(socket)", "options", () => new StreamParserSocket(streamPair()[0], NOTHING, NOTHING)],
  ["lengthField()", "options", () => lengthField(NOTHING)],
  ["lengthFieldEncoder(null)", "options", () => lengthFieldEncoder(NULL)],
  ["typeByte()", "types", () => typeByte(NOTHING)],
  ["typeByteEncoder()", "types", () => typeByteEncoder(NOTHING)],
  ["bitcoinEncoder()", "options", () => bitcoinEncoder(NOTHING)],
  ["rtspInterleavedEncoder()", "options", () => rtspInterleavedEncoder(NOTHING)],
  ["turnChannelEncoder()", "options", () => turnChannelEncoder(NOTHING)],
  ["detectParser()", "input", () => detectParser(NOTHING)],
  ["new Multiplexor(null)", "options", () => new Multiplexor(NULL)],
  ["new MultiplexorEngine(null)", "options", () => new MultiplexorEngine(NULL)],
  ["kcm.attach()", "options", () => kcm.attach(NOTHING, NOTHING)],
  ["kcm.attach(source)", "options", () => kcm.attach({ readable: new ReadableStream() }, NOTHING)],
  ["kcm.attach(source, {})", "parser", () => kcm.attach({ readable: new ReadableStream() }, {} as never)],
  ["kcm.attach(undefined, options)", "source", () => kcm.attach(NOTHING, { parser: lengthPrefix(1) })],
  ["kcm.attachments()", "options", () => kcm.attachments(NOTHING)],
  ["engine.attach()", "options", () => engine.attach(NOTHING)],
  ["engine.socket()", "sink", () => engine.socket(NOTHING)],
  ["muxedFlows()", "options", () => muxedFlows(NOTHING)],
  ["flowsInto(engine)", "options", () => flowsInto(engine, NOTHING)],
  ["new FlowTracker()", "options", () => new FlowTracker(NOTHING, NOTHING)],
  ["new FlowStream(null)", "options", () => new FlowStream(NULL)],
  ["new CaptureReader()", "options", () => new CaptureReader(NOTHING, sink)],
  ["new CaptureStream(null)", "options", () => new CaptureStream(NULL)],
  ["new SegmentDecoder()", "options", () => new SegmentDecoder(NOTHING, sink)],
  ["new SegmentStream(null)", "options", () => new SegmentStream(NULL)],
];

for (const [call, missing, run] of CALLS) {
  test(`${call} says that ${missing} must be an object`, () => {
    assertThrows(run, TypeError, `${missing} must be an object`);
  });
}

test("what must be something else than an object is named as well", () => {
  const callbacks = { receiveMessage: () => {} };
  assertThrows(
    () => new StreamParserSocket(NOTHING, { parser: lengthPrefix(1) }, callbacks),
    TypeError,
    "socket must be",
  );
  assertThrows(() => parserByName(NOTHING), TypeError, "spec must be a string");
});
