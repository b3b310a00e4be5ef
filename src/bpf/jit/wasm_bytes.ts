/**
 * Writes the binary format of WebAssembly: bytes, LEB128 integers, sections.
 *
 * @module
 */

/** A list of bytes that grows. */
export class WasmBytes {
  #bytes: Uint8Array<ArrayBuffer> = new Uint8Array(256);
  #length = 0;

  /** Bytes so far. */
  get length(): number {
    return this.#length;
  }

  /** What was written. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Writes bytes, given one by one. */
  put(...values: readonly number[]): void {
    for (const value of values) {
      if (this.#length === this.#bytes.length) this.#grow(this.#length + 1);
      this.#bytes[this.#length++] = value;
    }
  }

  /** Writes many bytes. */
  append(bytes: Uint8Array): void {
    this.#grow(this.#length + bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  #grow(least: number): void {
    if (least <= this.#bytes.length) return;
    const bytes = new Uint8Array(Math.max(least, this.#bytes.length * 2));
    bytes.set(this.bytes);
    this.#bytes = bytes;
  }

  /** Writes an unsigned 32-bit integer. */
  unsigned(value: number): void {
    let rest = value >>> 0;
    while (rest > 0x7f) {
      this.put(rest & 0x7f | 0x80);
      rest >>>= 7;
    }
    this.put(rest);
  }

  /** Writes a signed 32-bit integer. */
  signed(value: number): void {
    this.signedPair(value | 0, value >> 31);
  }

  /** Writes a signed 64-bit integer, given in halves. */
  signedPair(low: number, high: number): void {
    for (;;) {
      const seven = low & 0x7f;
      low = low >>> 7 | high << 25;
      high >>= 7;
      const isLast = high === low >> 31 && (low === 0 && (seven & 0x40) === 0 || low === -1 && (seven & 0x40) !== 0);
      this.put(isLast ? seven : seven | 0x80);
      if (isLast) return;
    }
  }

  /** Writes a name, its length first. */
  name(text: string): void {
    const bytes = new TextEncoder().encode(text);
    this.unsigned(bytes.length);
    this.append(bytes);
  }

  /** Writes a section: its items counted, all of it with its size first. */
  section(id: number, items: readonly ((into: WasmBytes) => void)[]): void {
    if (items.length === 0) return;
    const content = new WasmBytes();
    content.unsigned(items.length);
    for (const item of items) item(content);
    this.put(id);
    this.unsigned(content.length);
    this.append(content.bytes);
  }
}
