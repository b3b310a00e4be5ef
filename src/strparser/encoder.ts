/**
 * What an encoder is: the reverse of a parser, from a payload to the message that goes on the wire.
 *
 * @module
 */

/**
 * Puts one protocol's framing around payloads.
 *
 * For what it has made, the parser of the same protocol with the same options tells exactly one message, of the same
 * bytes. Stateless, or with all state in itself: one encoder writes one stream.
 */
export interface Encoder<Payload = Uint8Array> {
  /** Short name for people, the parser's. */
  readonly name: string;
  /**
   * The message, as views to be written one behind the other; the payload is one of them, not copied, where it goes on
   * the wire as it is.
   *
   * @throws {StreamParserError} `EMSGSIZE` when it is longer than the protocol or a limit allows, `EINVAL` when it cannot
   * be said in this protocol; `blame` is `local`
   */
  encode(payload: Payload): readonly Uint8Array[];
}
