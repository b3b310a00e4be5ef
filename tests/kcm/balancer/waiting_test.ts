import { test } from "node:test";
import { assertEquals } from "@std/assert";
import type { Backend } from "../../../src/kcm/balancer/backend.ts";
import { Request } from "../../../src/kcm/balancer/request.ts";
import { WaitingLines } from "../../../src/kcm/balancer/waiting.ts";

/** Backends are told apart here, and nothing is asked of them. */
const backend = (name: string): Backend => ({ name }) as unknown as Backend;

function waitingFor(awaited: Backend | undefined, id: number): Request {
  const request = new Request(undefined, true, false);
  request.awaited = awaited;
  request.id = id;
  return request;
}

test("of a thousand that wait for a busy backend, one is asked about", () => {
  const busy = backend("busy");
  const lines = new WaitingLines();
  for (let id = 0; id < 1000; id++) lines.push(waitingFor(busy, id));
  lines.push(waitingFor(undefined, 1000));
  const asked: number[] = [];
  lines.advance(({ id }, awaited) => {
    asked.push(id);
    return awaited === undefined;
  });
  assertEquals(asked, [0, 1000]);
  assertEquals(lines.length, 1000);
});

test("lines keep their order, and who awaits another backend now goes to the end of the line there", () => {
  const [a, b] = [backend("a"), backend("b")];
  const lines = new WaitingLines();
  for (let id = 0; id < 6; id++) lines.push(waitingFor(id % 2 === 0 ? a : b, id));
  // a is down: b has its requests
  lines.advance((request, awaited) => {
    if (awaited === a) request.awaited = b;
    return false;
  });
  const order: number[] = [];
  lines.advance(({ id }) => order.push(id) > 0);
  assertEquals(order, [1, 3, 5, 0, 2, 4]);
  assertEquals(lines.length, 0);
});

test("while lines go on, others may be put in line", () => {
  const lines = new WaitingLines();
  lines.push(waitingFor(undefined, 0));
  const order: number[] = [];
  lines.advance(({ id }) => {
    order.push(id);
    if (id < 3) lines.push(waitingFor(undefined, id + 1));
    return true;
  });
  assertEquals([order, lines.length], [[0, 1, 2, 3], 0]);
});

test("what has waited for too long is found behind younger ones that it came to from another line", () => {
  const [a, b] = [backend("a"), backend("b")];
  const lines = new WaitingLines();
  for (const [awaited, sentAt] of [[a, 0], [b, 900], [a, 950], [b, 1000]] as const) {
    const request = waitingFor(awaited, sentAt);
    request.sentAt = sentAt;
    lines.push(request);
  }
  lines.advance((request) => {
    request.awaited = b;
    return false;
  });
  assertEquals(lines.takeOver(({ sentAt }) => sentAt < 950).map(({ id }) => id).sort(), [0, 900]);
  const left: number[] = [];
  lines.advance(({ id }) => left.push(id) > 0);
  assertEquals([left, lines.length], [[1000, 950], 0]);
});
