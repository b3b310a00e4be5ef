/** Deadlines are on the clock of the socket: one of another clock is noticed, and pairs can be given a clock. */
import { test } from "node:test";
import { assertEquals, assertInstanceOf } from "@std/assert";
import { ManualClock } from "../../src/sim/mod.ts";
import { dgramPair, SocketError, streamPair } from "../../src/tsocket/mod.ts";

const codeOf = (error: SocketError): string => error.code;

test("63: a deadline of Date.now() is a RangeError, not a wait without end; Infinity is none", async () => {
  const [a, b] = streamPair();
  const wrong = Date.now() + 1000;
  assertInstanceOf(await b.readv([new Uint8Array(1)], { deadlineAt: wrong }).catch((error) => error), RangeError);
  assertInstanceOf(await b.writev([new Uint8Array(1)], { deadlineAt: wrong }).catch((error) => error), RangeError);
  const read = b.readv([new Uint8Array(1)], { deadlineAt: Infinity });
  await a.writev([new Uint8Array(1)]);
  assertEquals(await read, 1);
  await Promise.all([a.close(), b.close()]);
});

test("63: the sockets of pairs in memory take their deadlines from a given clock", async () => {
  const clock = new ManualClock(1000);
  const [a, b] = streamPair({ clock });
  const [left, right] = dgramPair({ clock });
  const read = b.readv([new Uint8Array(1)], { deadlineAt: 1500 }).catch(codeOf);
  const received = right.recvfrom({ deadlineAt: 1500 }).catch(codeOf);
  clock.advance(500);
  assertEquals([await read, await received], ["ETIMEDOUT", "ETIMEDOUT"]);
  await Promise.all([a.close(), b.close(), left.close(), right.close()]);
});

test("an error of a socket in text names itself once", () => {
  const error = new SocketError("the peer is gone", { code: "EPIPE" });
  assertEquals(`${error}`, "SocketError: the peer is gone");
});
