/**
 * Variable-length integers in groups of seven bits, least significant group first, the top bit of a byte saying that
 * another follows: the LEB128 of Protocol Buffers, libp2p, MQTT and Minecraft.
 *
 * Internal to the parsers. Protocols differ in how many bytes are allowed and whether the shortest form is required;
 * they check that themselves, with {@linkcode varintWidth}.
 *
 * @module
 */

/** The bytes end within the integer; one more byte at least is needed. */
export const VARINT_MORE: number = -1;
/** The integer goes on behind the last byte that it may have. */
export const VARINT_TOO_LONG: number = -2;

/**
 * The integer that begins at `at`, or {@linkcode VARINT_MORE}, or {@linkcode VARINT_TOO_LONG} where `maxBytes` bytes
 * do not end it. Looks at `maxBytes` bytes at most. From 2^53 on the value is rounded: too large either way.
 */
export function readVarint(bytes: Uint8Array, at: number, end: number, maxBytes: number): number {
  let value = 0;
  let weight = 1;
  for (let i = 0; i < maxBytes; i++) {
    if (at + i >= end) return VARINT_MORE;
    const byte = bytes[at + i]!;
    // not by shifts, which end at 32 bits
    value += (byte & 0x7f) * weight;
    if (byte < 0x80) return value;
    weight *= 0x80;
  }
  return VARINT_TOO_LONG;
}

/** How many bytes the integer at `at` has, which must end before `end`. */
export function varintWidth(bytes: Uint8Array, at: number): number {
  let width = 1;
  while (bytes[at + width - 1]! >= 0x80) width++;
  return width;
}

/** Whether the integer of `width` bytes at `at` could have been written in fewer. */
export function isLongVarint(bytes: Uint8Array, at: number, width: number): boolean {
  return width > 1 && bytes[at + width - 1] === 0;
}

/** The shortest form of a non-negative safe integer. */
export function encodeVarint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push(rest % 0x80 | 0x80);
  bytes.push(rest);
  return Uint8Array.from(bytes);
}
