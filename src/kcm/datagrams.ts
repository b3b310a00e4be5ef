/**
 * Messages that need no delineation.
 *
 * @module
 */
import type { Parser } from "../strparser/parser.ts";

/**
 * The parser for connections whose chunks are messages already: UDP conversations, where each chunk is one datagram.
 * An empty datagram is no message; one that exceeds `maxMessageLength` is dropped and counted, since those behind it can
 * be told apart all the same.
 *
 * @example
 * ```ts
 * import { datagrams, Multiplexor } from "@leat/streams/kcm";
 * import { assertEquals } from "@std/assert";
 *
 * const kcm = new Multiplexor();
 * const channel = kcm.socket();
 * const readable = ReadableStream.from([Uint8Array.of(1, 2), Uint8Array.of(3)]);
 * kcm.attach({ readable }, { parser: datagrams });
 * kcm.close();
 * const lengths: number[] = [];
 * for await (const message of channel.readable) lengths.push(message.data.length);
 * assertEquals(lengths, [2, 1]);
 * ```
 */
export const datagrams: Parser = {
  name: "datagrams",
  parse: (_bytes: Uint8Array, start: number, end: number): number => end - start,
};
