import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import type { BalancerOptions } from "../../../src/kcm/balancer/balancer_options.ts";
import { plainProtocol } from "../../../src/kcm/balancer/protocols/plain.ts";
import { lengthPrefix } from "../../../src/strparser/mod.ts";
import { Rig, type ServerLine, text } from "./rig.ts";

/** One byte of length, a number of two bytes, a letter. */
function message(number: number, letter: string): Uint8Array {
  return Uint8Array.of(3, number >> 8, number & 255, letter.charCodeAt(0));
}

function rigWithNumbers(options: Partial<BalancerOptions> = {}): Rig {
  const protocol = plainProtocol(lengthPrefix(1), { id: { offset: 1, size: 2 }, isIdempotent: true });
  const rig = new Rig({ protocol, ...options }, ["a"]);
  rig.isPrompt = false;
  return rig;
}

/** What the server has been asked: numbers and letters. */
function asked(line: ServerLine): [number: number, letter: string][] {
  const all = line.incoming.splice(0).flatMap((chunk) => [...chunk]);
  return Array.from({ length: all.length / 4 }, (_, i) => {
    const [, high, low, letter] = all.slice(i * 4, i * 4 + 4);
    return [high! * 256 + low!, String.fromCharCode(letter!)];
  });
}

const heard = (received: string): string[] => received.match(/...[a-z]/gs) ?? [];

test("two clients with the same number on one connection: each gets its own reply, under its own number", () => {
  const rig = rigWithNumbers();
  const [one, two] = [rig.client(), rig.client()];
  rig.send(one, message(7, "a"));
  rig.send(two, message(7, "b"));
  const [line] = rig.linesOf("a");
  const requests = asked(line!);
  assertEquals(requests.map(([, letter]) => letter), ["a", "b"]);
  assert(requests[0]![0] !== requests[1]![0]);
  for (const [number, letter] of requests.reverse()) line!.port.push(message(number, letter), rig.now);
  rig.settle();
  assertEquals([one.received, two.received], [text(message(7, "a")), text(message(7, "b"))]);
});

for (const isOrdered of [true, false]) {
  test(`replies that come in another order go out ${isOrdered ? "in that of the requests" : "as they come"}`, () => {
    const rig = rigWithNumbers({ isOrdered });
    const client = rig.client();
    rig.send(client, message(1, "a"), message(2, "b"), message(3, "c"));
    const [line] = rig.linesOf("a");
    for (const [number, letter] of asked(line!).reverse()) line!.port.push(message(number, letter), rig.now);
    rig.settle();
    const expected = [message(1, "a"), message(2, "b"), message(3, "c")].map(text);
    assertEquals(heard(client.received), isOrdered ? expected : expected.reverse());
    assertEquals(client.port.outstanding, 0);
  });
}

test("a request that is late fails alone, and its number is nobody else's until its reply comes", () => {
  const rig = rigWithNumbers({ timeoutMs: 1000 });
  const [late, other] = [rig.client(), rig.client()];
  rig.send(late, message(7, "a"));
  rig.pass(500);
  rig.send(other, message(7, "b"));
  const [line] = rig.linesOf("a");
  const [[number], [answered]] = asked(line!) as [[number, string], [number, string]];
  line!.port.push(message(answered, "b"), rig.now);
  rig.pass(700);
  assertEquals([late.isClosed, line!.isGone], [true, false]);
  for (let i = 0; i < 70_000; i++) {
    rig.send(other, message(1, "b"));
    const [[next]] = asked(line!) as [[number, string]];
    if (next === number) throw new Error("the number was given away");
    line!.port.push(message(next, "b"), rig.now);
  }
  rig.settle();
  const before = rig.balancer.counts.strays;
  line!.port.push(message(number, "a"), rig.now);
  rig.settle();
  assertEquals([rig.balancer.counts.strays - before, late.received], [1, ""]);
  assertEquals(heard(other.received).length, 70_001);
});

test("when nothing at all comes in time the connection is given up, and its backend falls after a few", () => {
  const rig = rigWithNumbers({ timeoutMs: 1000, fall: 1, retries: 0 });
  const client = rig.client();
  rig.send(client, message(7, "a"));
  rig.pass(1200);
  assertEquals([client.isClosed, rig.lines.size, rig.events.at(-1)], [true, 0, "a down"]);
});

test("a connection with too many numbers in use for replies that do not come is given up", () => {
  const rig = rigWithNumbers({ timeoutMs: 1000, maxPending: 5000, retries: 0 });
  const client = rig.client();
  const [line] = rig.linesOf("a");
  for (let i = 0; i < 1001; i++) rig.send(client, message(i, "a"));
  const numbers = asked(line!);
  rig.pass(500);
  line!.port.push(message(numbers.at(-1)![0], "a"), rig.now);
  rig.pass(700);
  assertEquals([client.isClosed, line!.isGone], [true, true]);
});

test("a reply to a request that has not been handed over is nobody's", () => {
  const rig = rigWithNumbers();
  const client = rig.client();
  const [line] = rig.linesOf("a");
  client.port.push(message(7, "a"), rig.now);
  line!.port.push(message(1, "x"), rig.now);
  rig.settle();
  const [[number]] = asked(line!) as [[number, string]];
  assertEquals([number, client.received, rig.balancer.counts.strays], [1, "", 1]);
  line!.port.push(message(number, "a"), rig.now);
  rig.settle();
  assertEquals(client.received, text(message(7, "a")));
});

test("a request that is sent again after its connection was lost has the number of its client in the end", () => {
  const rig = rigWithNumbers();
  const client = rig.client();
  rig.send(client, message(9, "a"), message(8, "b"));
  rig.linesOf("a")[0]!.breakUp(rig);
  rig.pass(200);
  for (const port of rig.connecting.splice(0)) rig.makeConnection(port);
  rig.settle();
  const [line] = rig.linesOf("a");
  for (const [number, letter] of asked(line!)) line!.port.push(message(number, letter), rig.now);
  rig.settle();
  assertEquals(heard(client.received), [text(message(9, "a")), text(message(8, "b"))]);
});
