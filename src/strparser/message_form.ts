/**
 * The form in which messages are handed out: views, copies, parts.
 *
 * @module
 */
import { concat } from "../bytes/concat.ts";
import { partOf } from "../bytes/known_base.ts";
import { MessageParts } from "./message_parts.ts";

/** Makes messages of bytes. */
export class MessageForm {
  /** Messages up to this length are more than a view of their chunk. */
  readonly makeAt: number;
  readonly #isInParts: boolean;
  readonly #copyAt: number;

  /** Messages up to `copyAt` bytes are copied. */
  constructor(isInParts: boolean, copyAt: number) {
    this.#isInParts = isInParts;
    this.#copyAt = copyAt;
    this.makeAt = isInParts ? Infinity : copyAt;
  }

  /** A message that lies in a chunk. */
  ofChunk(chunk: Uint8Array, from: number, to: number): unknown {
    const length = to - from;
    // a chunk that is a message is handed on, unless it is a Buffer; a view of all of it would cost 40 ns
    if (length === chunk.length && length > this.makeAt && chunk.constructor === Uint8Array) return chunk;
    const view = partOf(chunk, from, to);
    const bytes = length <= this.#copyAt ? new Uint8Array(view) : view;
    return this.#isInParts ? new MessageParts([bytes], length) : bytes;
  }

  /** A message that was held. */
  ofHeld(message: unknown, length: number): unknown {
    if (length > this.#copyAt) return message;
    if (message instanceof MessageParts) return new MessageParts([concat(message.parts)], length);
    return new Uint8Array(message as Uint8Array);
  }
}
