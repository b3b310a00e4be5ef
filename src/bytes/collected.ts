/**
 * Pieces that are wanted as one, gathered in a few buffers: thousands of small ones that live until the last has come
 * keep the garbage collector busier than copying them does.
 *
 * @module
 */
import { concat } from "./concat.ts";
import { fitted } from "./fitted.ts";

const FIRST_ROOM = 4 * 1024;
const MOST_ROOM = 256 * 1024;

/** Bytes in the making. */
export class Collected {
  /** What is full. */
  readonly #parts: Uint8Array[] = [];
  #room: Uint8Array = new Uint8Array(0);
  #used = 0;

  /** Appends bytes: the first as they are, unless most of their buffer would be kept in vain, later ones as a copy. */
  add(bytes: Uint8Array): void {
    if (this.#parts.length === 0) return void this.#parts.push(fitted(bytes));
    for (let at = 0; at < bytes.length;) {
      if (this.#used === this.#room.length) this.#makeRoom();
      const count = Math.min(bytes.length - at, this.#room.length - this.#used);
      this.#room.set(count === bytes.length ? bytes : bytes.subarray(at, at + count), this.#used);
      this.#used += count;
      at += count;
    }
  }

  /** All of them. Nothing is added afterwards. */
  take(): Uint8Array {
    const [first] = this.#parts;
    if (this.#used === 0) return first ?? this.#room;
    return concat([...this.#parts, this.#room.subarray(0, this.#used)]);
  }

  #makeRoom(): void {
    if (this.#used > 0) this.#parts.push(this.#room);
    this.#room = new Uint8Array(Math.min(MOST_ROOM, Math.max(FIRST_ROOM, 2 * this.#room.length)));
    this.#used = 0;
  }
}
