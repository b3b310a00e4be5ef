/**
 * Datagrams that wait to be read: bounded in number and bytes.
 *
 * What does not fit is lost, and what was there stays, as in the system's own buffers: whoever reads late finds an
 * unbroken run of the oldest datagrams.
 *
 * @module
 */
import { fitted, isWasteful } from "../bytes/fitted.ts";
import type { Datagram } from "./types.ts";

/** Slots at the beginning; the ring doubles as needed. */
const FIRST_SLOTS = 16;

/**
 * So many are not copied while somebody is about to take them, although on Deno each comes in a buffer of 64 KiB: copying
 * costs a tenth of what a datagram does. Those buffers, 4 MiB at most, do not count as bytes that are queued.
 */
const MAX_BORROWED = 64;

/** The ring. */
export class DatagramRing {
  readonly #maxDatagrams: number;
  readonly #maxBytes: number;
  #slots: (Datagram | undefined)[] = new Array<Datagram | undefined>(FIRST_SLOTS).fill(undefined);
  #first = 0;
  #length = 0;
  #bytes = 0;
  #borrowed = 0;

  /** A ring with room for `maxDatagrams` and `maxBytes`; one datagram alone may be larger. */
  constructor(maxDatagrams: number, maxBytes: number) {
    this.#maxDatagrams = maxDatagrams;
    this.#maxBytes = maxBytes;
  }

  /** Datagrams that wait. */
  get length(): number {
    return this.#length;
  }

  /** Bytes that wait. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether there is no room for a datagram of any length. */
  get isFull(): boolean {
    return this.#length >= this.#maxDatagrams || this.#bytes >= this.#maxBytes;
  }

  /** Whether half of it is free again. */
  get isHalfEmpty(): boolean {
    return this.#length * 2 <= this.#maxDatagrams && this.#bytes * 2 <= this.#maxBytes;
  }

  /**
   * Puts a datagram behind the others. Returns `false` when it does not fit. With `isAwaited` it may stay in a larger
   * buffer until {@linkcode keep}.
   */
  push(datagram: Datagram, isAwaited = false): boolean {
    const { length } = datagram.data;
    if (this.#length > 0 && (this.isFull || this.#bytes + length > this.#maxBytes)) return false;
    if (isWasteful(datagram.data)) {
      if (isAwaited && this.#borrowed < MAX_BORROWED) this.#borrowed++;
      else datagram.data = fitted(datagram.data);
    }
    if (this.#length === this.#slots.length) this.#grow();
    this.#slots[(this.#first + this.#length) & (this.#slots.length - 1)] = datagram;
    this.#length++;
    this.#bytes += length;
    return true;
  }

  /** Nobody is about to take what is still here. */
  keep(): void {
    if (this.#borrowed === 0) return;
    this.#borrowed = 0;
    for (let i = 0; i < this.#length; i++) {
      const datagram = this.#slots[(this.#first + i) & (this.#slots.length - 1)]!;
      datagram.data = fitted(datagram.data);
    }
  }

  /** Takes the oldest. */
  shift(): Datagram | undefined {
    const datagram = this.#slots[this.#first];
    if (datagram === undefined) return undefined;
    this.#slots[this.#first] = undefined;
    this.#first = (this.#first + 1) & (this.#slots.length - 1);
    this.#length--;
    this.#bytes -= datagram.data.length;
    return datagram;
  }

  /** Drops everything. */
  clear(): void {
    this.#slots = new Array<Datagram | undefined>(FIRST_SLOTS).fill(undefined);
    this.#first = 0;
    this.#length = 0;
    this.#bytes = 0;
    this.#borrowed = 0;
  }

  #grow(): void {
    const slots = new Array<Datagram | undefined>(this.#slots.length * 2).fill(undefined);
    for (let i = 0; i < this.#length; i++) slots[i] = this.#slots[(this.#first + i) & (this.#slots.length - 1)];
    this.#slots = slots;
    this.#first = 0;
  }
}
