/**
 * From a byte stream to messages: {@linkcode StreamParser} delineates any protocol that a {@linkcode Parser} can tell
 * message lengths of, {@linkcode MessageStream} is the same as a stage.
 *
 * Parsers of framings: {@linkcode lengthPrefix} and {@linkcode lengthField} for everything with a length field,
 * {@linkcode delimiter}, {@linkcode lines}, {@linkcode fixedLength}, {@linkcode cobs}, {@linkcode ndjson},
 * {@linkcode jsonSequence}; {@linkcode typeByte} puts several together, {@linkcode parserFromView} makes one of a function.
 * Parsers of protocols are named after them. {@linkcode parserByName} makes one from a name, {@linkcode detectParser}
 * finds out which one fits.
 *
 * The other way round an {@linkcode Encoder} frames payloads, and {@linkcode MessageEncoderStream} writes them.
 *
 * @module
 */
export type { Encoder } from "./encoder.ts";
export { delimiterEncoder, linesEncoder } from "./encoders/delimiter_encoder.ts";
export { dnsEncoder } from "./encoders/dns_encoder.ts";
export { fixedLengthEncoder } from "./encoders/fixed_length_encoder.ts";
export { lengthFieldEncoder, lengthPrefixEncoder } from "./encoders/length_field_encoder.ts";
export { natsEncoder, type NatsMessage } from "./encoders/nats_encoder.ts";
export { type DetectInput, type Detection, detectParser, type Recognition } from "./detect.ts";
export { StreamParserError, type StreamParserErrorOptions } from "./errors.ts";
export { MessageEncoder, type MessageEncoderOptions, type MessageEncoderStats } from "./message_encoder.ts";
export { MessageEncoderStream, type MessageEncoderStreamOptions } from "./message_encoder_stream.ts";
export { MessageStream, type MessageStreamOptions } from "./message_stream.ts";
export { handOver, type ParseFailure, type Parser, type ParserContext } from "./parser.ts";
export { parserFromView, type ParserFromViewOptions } from "./parser_from_view.ts";
export { cobs, cobsDecode, cobsEncode, cobsEncoder, type CobsOptions, type CobsParserOptions } from "./parsers/cobs.ts";
export {
  type Delimiter,
  delimiter,
  type DelimiterOptions,
  lines,
  type LinesOptions,
  trimDelimiter,
  trimLine,
} from "./parsers/delimiter.ts";
export { dns } from "./parsers/dns.ts";
export { fix, type FixOptions } from "./parsers/fix.ts";
export { fixedLength } from "./parsers/fixed_length.ts";
export { http1, type Http1Options, type Http1Pair, http1Pair, type Http1PairOptions } from "./parsers/http1.ts";
export { http2, type Http2Options } from "./parsers/http2.ts";
export { jsonSequence, jsonSequenceEncoder, type JsonSequenceOptions } from "./parsers/json_sequence.ts";
export {
  lengthField,
  type LengthFieldOptions,
  type LengthFieldSize,
  lengthPrefix,
  type LengthPrefixOptions,
} from "./parsers/length_field.ts";
export { lsp, lspEncoder, type LspOptions, type LspParserOptions } from "./parsers/lsp.ts";
export { minecraft, minecraftEncoder } from "./parsers/minecraft.ts";
export { nats, type NatsOptions } from "./parsers/nats.ts";
export { ndjson, ndjsonEncoder } from "./parsers/ndjson.ts";
export {
  netstring,
  netstringEncoder,
  type NetstringOptions,
  type NetstringParserOptions,
} from "./parsers/netstring.ts";
export { postgres } from "./parsers/postgres.ts";
export { resp, type RespOptions } from "./parsers/resp.ts";
export { ssh, type SshOptions } from "./parsers/ssh.ts";
export {
  syslog,
  syslogEncoder,
  type SyslogEncoderOptions,
  type SyslogFraming,
  type SyslogOptions,
} from "./parsers/syslog.ts";
export { tls } from "./parsers/tls.ts";
export { typeByte, type TypeByteOptions } from "./parsers/type_byte.ts";
export { parserByName, type ParserEntry, parserTable } from "./registry.ts";
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
