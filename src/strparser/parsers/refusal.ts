/**
 * How parsers give up, and how encoders do: the words and codes that all of them share.
 *
 * Internal to this layer.
 *
 * @module
 */
import { StreamParserError } from "../errors.ts";
import type { ParseFailure } from "../parser.ts";

/** The bytes break the protocol. */
export function refuse(reason: string): ParseFailure {
  return { code: "EPROTO", reason };
}

/** A length is beyond what the protocol or an option allows. */
export function tooBig(reason: string): ParseFailure {
  return { code: "EMSGSIZE", reason };
}

/** First words of HTTP and the like, as the 32 bits that they are. */
const HTTP_WORDS: ReadonlySet<number> = new Set(
  ["GET ", "PUT ", "HEAD", "POST", "OPTI", "CONN", "HTTP", "PRI "].map((word) =>
    [...word].reduce((value, char) => value * 256 + char.charCodeAt(0), 0)
  ),
);

/**
 * What the first four bytes of a stream of another protocol look like, as words to put behind a reason; empty where
 * nobody can tell. `word` is big-endian.
 */
export function likelyCause(word: number): string {
  if (word >>> 16 === 0x1603) return " (looks like TLS)";
  if (HTTP_WORDS.has(word)) return " (looks like HTTP)";
  return isText(word) ? " (looks like text)" : "";
}

/** The same where only the first byte decides. */
export function likelyCauseOfByte(byte: number): string {
  if (byte === 0x16) return " (looks like TLS)";
  return isTextByte(byte) ? " (looks like text)" : "";
}

function isText(word: number): boolean {
  return isTextByte(word >>> 24) && isTextByte((word >>> 16) & 255) && isTextByte((word >>> 8) & 255) &&
    isTextByte(word & 255);
}

function isTextByte(byte: number): boolean {
  return (byte >= 0x20 && byte < 0x7f) || byte === 10 || byte === 13;
}

/** Makes the error of an encoder whose payload is too long. */
export function payloadTooBig(name: string, bytes: number, max: number): StreamParserError {
  const message = `${name}: payload of ${bytes} bytes, at most ${max} are possible`;
  return new StreamParserError(message, { code: "EMSGSIZE", blame: "local" });
}

/** Makes the error of an encoder for what the protocol has no bytes for. */
export function unencodable(name: string, reason: string): StreamParserError {
  return new StreamParserError(`${name}: ${reason}`, { code: "EINVAL", blame: "local" });
}

/** Makes the error of the encoder `name` for what the parser would refuse like that. */
export function refusedAs({ code, reason }: ParseFailure, name: string): StreamParserError {
  return new StreamParserError(`${name}: ${reason}`, { code: code === "EMSGSIZE" ? code : "EINVAL", blame: "local" });
}

/** Throws what a parser has against a message that was encoded, of which it is to tell `total` bytes. */
export function checkEncoded(name: string, answer: number | ParseFailure, total: number): void {
  if (typeof answer !== "number") throw refusedAs(answer, name);
  if (answer !== total) throw unencodable(name, `message of ${total} bytes would be read as one of ${answer}`);
}
