import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { formatTrace } from "../../src/bpf/helpers/trace_format.ts";

const values = (...words: number[]): Int32Array => Int32Array.of(...words);

test("trace_printk: numbers of 32 and 64 bits, padding, characters, per cent", () => {
  assertEquals(formatTrace("%d %u %x", values(-1, -1, -1, 0, 255, 0)), "-1 4294967295 ff");
  assertEquals(formatTrace("%lld %llu", values(-2, -1, -2, -1)), "-2 18446744073709551614");
  assertEquals(formatTrace("[%5d] [%05d] [%-5d]", values(7, 0, 7, 0, 7, 0)), "[    7] [00007] [7    ]");
  assertEquals(formatTrace("%c%% %X %p", values(65, 0, 171, 0, 16, 0)), "A% AB 10");
});

test("trace_printk: what it can't print, or has no value for, is refused", () => {
  assertEquals(formatTrace("%d %d", values(1, 0)), undefined);
  assertEquals(formatTrace("%f", values(1, 0)), undefined);
});

test("trace_printk: no text is read from an address, which could be anybody's", () => {
  assertEquals(formatTrace("%s", values(0, 0)), undefined);
});
