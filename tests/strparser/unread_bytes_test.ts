import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { UnreadBytes } from "../../src/strparser/unread_bytes.ts";

test("UnreadBytes counts what is left, also of chunks that a consumer has transferred", () => {
  const unread = new UnreadBytes();
  const first = new Uint8Array(100);
  unread.push(first);
  unread.push(Uint8Array.of(1, 2, 3));
  unread.skip(40);
  assertEquals([unread.pendingBytes, unread.peek()?.length], [63, 60]);
  structuredClone(first.buffer, { transfer: [first.buffer] });
  unread.skip(5);
  assertEquals([unread.pendingBytes, unread.peek()], [3, Uint8Array.of(1, 2, 3)]);
  unread.skip(1);
  assertEquals([unread.pendingBytes, unread.takeAll(), unread.pendingBytes], [2, Uint8Array.of(2, 3), 0]);
});
