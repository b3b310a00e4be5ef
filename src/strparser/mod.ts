/**
 * From a byte stream to messages: {@linkcode StreamParser} delineates any protocol that a {@linkcode Parser} can tell
 * message lengths of, {@linkcode MessageStream} is the same as a stage.
 *
 * Parsers of framings: {@linkcode lengthPrefix} and {@linkcode lengthField} for everything with a length field,
 * {@linkcode varintPrefix}, {@linkcode delimiter}, {@linkcode lines}, {@linkcode fixedLength}; {@linkcode typeByte} puts
 * several together, {@linkcode parserFromView} makes one of a function. Those of protocols are in `./parsers`.
 *
 * The other way round an {@linkcode Encoder} frames payloads, and {@linkcode MessageEncoderStream} writes them.
 *
 * @module
 */
export type { Encoder } from "./encoder.ts";
export { delimiterEncoder, linesEncoder } from "./encoders/delimiter_encoder.ts";
export { fixedLengthEncoder } from "./encoders/fixed_length_encoder.ts";
export { lengthFieldEncoder, lengthPrefixEncoder } from "./encoders/length_field_encoder.ts";
export { StreamParserError, type StreamParserErrorOptions } from "./errors.ts";
export { MessageEncoder, type MessageEncoderOptions, type MessageEncoderStats } from "./message_encoder.ts";
export { MessageEncoderStream, type MessageEncoderStreamOptions } from "./message_encoder_stream.ts";
export { MessageStream, type MessageStreamOptions } from "./message_stream.ts";
export { handOver, type ParseFailure, type Parser, type ParserContext } from "./parser.ts";
export { parserFromView, type ParserFromViewOptions } from "./parser_from_view.ts";
export { MessageBudget } from "./message_budget.ts";
export { type MessageOf, MessageParts } from "./message_parts.ts";
export type { Resync, StreamParserOptions, StreamParserStats } from "./options.ts";
export { aggregate, type LinuxCounters, linuxCounters } from "./statistics.ts";
export { StreamParser } from "./stream_parser.ts";
export {
  StreamParserSocket,
  type StreamParserSocketOptions,
  type TakeoverOptions,
} from "./stream_parser_socket_stream.ts";
export type { ReceiveCallbacks } from "./receive_mode.ts";
export {
  type Delimiter,
  delimiter,
  type DelimiterOptions,
  lines,
  type LinesOptions,
  trimDelimiter,
  trimLine,
} from "./parsers/delimiter.ts";
export { fixedLength } from "./parsers/fixed_length.ts";
export {
  lengthField,
  type LengthFieldOptions,
  type LengthFieldSize,
  lengthPrefix,
  type LengthPrefixOptions,
} from "./parsers/length_field.ts";
export { typeByte, type TypeByteOptions } from "./parsers/type_byte.ts";
export { varintPrefix, varintPrefixEncoder, type VarintPrefixOptions } from "./parsers/varint_prefix.ts";
