/**
 * From a byte stream to messages: {@linkcode StreamParser} delineates any protocol that a {@linkcode Parser} can tell
 * message lengths of, {@linkcode MessageStream} is the same as a stage.
 *
 * @module
 */
export { StreamParserError, type StreamParserErrorOptions } from "./errors.ts";
export { MessageStream, type MessageStreamOptions } from "./message_stream.ts";
export type { ParseFailure, Parser, ParserContext } from "./parser.ts";
export {
  lengthField,
  type LengthFieldOptions,
  type LengthFieldSize,
  lengthPrefix,
  type LengthPrefixOptions,
} from "./parsers/length_field.ts";
export { StreamParser, type StreamParserOptions, type StreamParserStats } from "./stream_parser.ts";
