/**
 * From a byte stream to messages: {@linkcode StreamParser} delineates any protocol that a {@linkcode Parser} can tell
 * message lengths of, {@linkcode MessageStream} is the same as a stage.
 *
 * Parsers: {@linkcode lengthPrefix} and {@linkcode lengthField} for everything with a length field, {@linkcode dns},
 * {@linkcode http2}, {@linkcode postgres}, {@linkcode resp} and {@linkcode tls}. {@linkcode parserByName} makes one
 * from a name, {@linkcode detectParser} finds out which one fits.
 *
 * @module
 */
export { type DetectInput, type Detection, detectParser, type Recognition } from "./detect.ts";
export { StreamParserError, type StreamParserErrorOptions } from "./errors.ts";
export { MessageStream, type MessageStreamOptions } from "./message_stream.ts";
export type { ParseFailure, Parser, ParserContext } from "./parser.ts";
export { dns } from "./parsers/dns.ts";
export { http2, type Http2Options } from "./parsers/http2.ts";
export {
  lengthField,
  type LengthFieldOptions,
  type LengthFieldSize,
  lengthPrefix,
  type LengthPrefixOptions,
} from "./parsers/length_field.ts";
export { postgres } from "./parsers/postgres.ts";
export { resp, type RespOptions } from "./parsers/resp.ts";
export { tls } from "./parsers/tls.ts";
export { parserByName, type ParserEntry, parserTable } from "./registry.ts";
export type { StreamParserOptions, StreamParserStats } from "./options.ts";
export { StreamParser } from "./stream_parser.ts";
