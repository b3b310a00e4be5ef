/**
 * The form in which messages are handed out: views, copies, parts.
 *
 * @module
 */
import { concat } from "../bytes/concat.ts";
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
    const bytes = length <= this.#copyAt
      ? copyOf(chunk, from, to)
      : new Uint8Array(chunk.buffer, chunk.byteOffset + from, length);
    return this.#isInParts ? new MessageParts([bytes], length) : bytes;
  }

  /** A message that was held. */
  ofHeld(message: unknown, length: number): unknown {
    if (length > this.#copyAt) return message;
    if (message instanceof MessageParts) return new MessageParts([concat(message.parts)], length);
    return concat([message as Uint8Array]);
  }
}

/** A copy with a buffer of its own. Not `slice`: on a Node `Buffer` that is a view. */
function copyOf(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const copy = new Uint8Array(end - start);
  copy.set(bytes.subarray(start, end));
  return copy;
}
