/** Messages about packets that nobody on the link answers for. */
import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { Summer } from "../../../src/bytes/summer.ts";
import { hostUnreachable } from "../../../src/l3l4/ethernet/host_unreachable.ts";

const summer = new Summer();
const from = new Uint8Array(16).fill(1);

/** An IPv6 packet whose next headers and payload are these. */
function packet(next: number, ...rest: number[]): Uint8Array {
  const bytes = new Uint8Array(40 + rest.length);
  bytes.set([0x60, 0, 0, 0, 0, rest.length, next, 64]);
  bytes.fill(2, 8, 40);
  bytes.set(rest, 40);
  return bytes;
}

const options = (next: number): number[] => [next, 0, 1, 4, 0, 0, 0, 0];
const icmp = (type: number): number[] => [type, 0, 0, 0, 0, 0, 0, 0];

test("an ICMPv6 error is not answered by another, also behind extension headers", () => {
  assertEquals(hostUnreachable(packet(58, ...icmp(1)), from, summer), null);
  assertEquals(hostUnreachable(packet(0, ...options(58), ...icmp(1)), from, summer), null);
  assertEquals(hostUnreachable(packet(0, ...options(60), ...options(58), ...icmp(3)), from, summer), null);
});

test("echo requests and what is no ICMPv6 are told to be unreachable", () => {
  for (const told of [packet(58, ...icmp(128)), packet(0, ...options(58), ...icmp(128)), packet(17, ...icmp(1))]) {
    assertEquals([hostUnreachable(told, from, summer)?.[6], hostUnreachable(told, from, summer)?.[40]], [58, 1]);
  }
});
