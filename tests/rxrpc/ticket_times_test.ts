/** Lifetimes and validity of tickets. */
import { assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { RxkadError } from "../../src/rxrpc/security/rxkad/errors.ts";
import { checkTimes, endOf, lifetimeOf, NEVER } from "../../src/rxrpc/security/rxkad/ticket_times.ts";

const day = 86_400;

test("lifetime bytes: units of five minutes, the table, 30 days, never", () => {
  const ends = [0, 1, 0x7f, 0x80, 0x81, 0xbf, 0xc0, 0xfe].map((byte) => endOf(1000, byte) - 1000);
  assertEquals(ends, [0, 300, 38100, 38400, 41055, 30 * day, 30 * day, 30 * day]);
  assertEquals(endOf(1000, 0xff), NEVER);
});

test("lifetimes are rounded up", () => {
  assertEquals([0, 1, 300, 301, 38100, 38101, 38401, 41055, 41056, 40 * day].map(lifetimeOf), [
    0,
    1,
    1,
    2,
    127,
    128,
    129,
    129,
    130,
    0xbf,
  ]);
  for (let byte = 0; byte <= 0xbf; byte++) assertEquals(lifetimeOf(endOf(0, byte)), byte);
});

test("when a ticket is valid, with a quarter of an hour to each side", () => {
  const now = 2_000_000_000;
  const verdict = (start: number, end: number): string => {
    try {
      checkTimes(start, end, now);
      return "valid";
    } catch (error) {
      return (error as RxkadError).code;
    }
  };
  assertEquals(verdict(now - 10, now + 10), "valid");
  assertEquals(verdict(0, NEVER), "valid");
  assertEquals(verdict(now + 900, now + 1000), "valid");
  assertEquals(verdict(now + 901, now + 1000), "RXKADNOAUTH");
  assertEquals(verdict(now - 1000, now - 900), "valid");
  assertEquals(verdict(now - 1000, now - 901), "RXKADEXPIRED");
  assertEquals(verdict(now - 40 * day, now - 11 * day), "RXKADBADTICKET");
  assertEquals(verdict(now, now), "RXKADBADTICKET");
  assertEquals(verdict(now - 1, now + 30 * day), "RXKADBADTICKET");
  assertEquals(verdict(now + 900 + 30 * day + 1, NEVER), "RXKADBADTICKET");
  assertThrows(() => checkTimes(now, now, now), RxkadError);
});
