/**
 * The loop of 64-bit arithmetic of the benchmark of BPF, written by hand without a budget: in WebAssembly, in JavaScript,
 * and the chain of multiplications and additions in it alone.
 *
 * @module
 */

/** As often as it is told, returns the low half of what is left in the end. */
export type Loop = (turns: number) => number;

/** A module with one function `f` from i32 to i32, which has some locals of i64 behind its parameter. */
function moduleOf(locals: number, ...code: number[]): Loop {
  const body = [1, locals, 0x7e, ...code, 0x0b];
  // deno-fmt-ignore
  const bytes = Uint8Array.of(
    0, 97, 115, 109, 1, 0, 0, 0, // \0asm, version 1
    1, 6, 1, 0x60, 1, 0x7f, 1, 0x7f, // type: (i32) -> i32
    3, 2, 1, 0, // one function of it
    7, 5, 1, 1, 0x66, 0, 0, // exported as "f"
    10, body.length + 2, 1, body.length, ...body, // its code
  );
  return new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports["f"] as Loop;
}

// deno-fmt-ignore
const step = [
  0x20, 1, 0x42, 0xe7, 0x8a, 0x8d, 0x09, 0x7e, // x * 0x1234567
  0x42, 0xa1, 0x86, 0x95, 0x3b, 0x7c, // + 0x7654321
];
/** x = 1, and the loop's beginning. */
const begin = [0x42, 1, 0x21, 1, 0x03, 0x40];
/** `turns - 1`, and again unless 0. */
const again = [0x20, 0, 0x41, 1, 0x6b, 0x22, 0, 0x0d, 0, 0x0b];

/** x = x * 0x1234567 + 0x7654321 in 64 bits; each turn needs the one before. */
export function chainInWasm(): Loop {
  return moduleOf(1, ...begin, ...step, 0x21, 1, ...again, 0x20, 1, 0xa7);
}

/** The whole loop. */
export function loopInWasm(): Loop {
  // deno-fmt-ignore
  const mix = [
    0x22, 1, 0x42, 29, 0x88, 0x22, 4, 0x20, 2, 0x85, 0x21, 2, // y = x >>> 29, a = a ^ y
    0x20, 4, 0x42, 3, 0x86, 0x20, 3, 0x7c, 0x21, 3, // b = b + (y << 3)
  ];
  return moduleOf(4, ...begin, ...step, ...mix, ...again, 0x20, 1, 0x20, 2, 0x85, 0x20, 3, 0x85, 0xa7);
}

/** The whole loop on pairs of int32, the product by pieces of 16 bits. */
export function loopInJs(turns: number): number {
  let low = 1, high = 0, a = 0, b = 0, bHigh = 0;
  do {
    const p = Math.imul(low & 0xffff, 0x4567);
    const q = Math.imul(low >>> 16, 0x4567) + (p >>> 16) | 0;
    const r = Math.imul(low & 0xffff, 0x0123) + (q & 0xffff) | 0;
    const upper = Math.imul(low >>> 16, 0x0123) + (q >>> 16) + (r >>> 16) + Math.imul(high, 0x1234567) | 0;
    low = Math.imul(low, 0x1234567) + 0x7654321 | 0;
    high = upper + +((low >>> 0) < 0x7654321) | 0;
    const y = low >>> 29 | high << 3, yHigh = high >>> 29;
    a ^= y;
    b = b + (y << 3) | 0;
    bHigh = bHigh + (yHigh << 3 | y >>> 29) + +((b >>> 0) < (y << 3 >>> 0)) | 0;
  } while (--turns !== 0);
  // The high half is of no use but to be worked out, as the program's is.
  highOfLast = bHigh;
  return low ^ a ^ b;
}

/** The high half of the last sum. */
export let highOfLast = 0;
