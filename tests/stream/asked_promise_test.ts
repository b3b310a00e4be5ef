import { test } from "node:test";
import { assertEquals, assertRejects } from "@std/assert";
import { AskedPromise } from "../../src/stream/asked_promise.ts";
import { nextTurnOfLoop } from "../../src/stream/turn.ts";

test("it is settled before somebody asks, or afterwards, once", async () => {
  const before = new AskedPromise<number>();
  before.resolve(1);
  before.resolve(2);
  before.reject(() => new Error("too late"));
  const after = new AskedPromise<number>();
  const { promise } = after;
  after.resolve(3);
  after.resolve(4);
  assertEquals([await before.promise, await promise, await after.promise], [1, 3, 3]);
});

test("the reason of a rejection is made for who asks, once, and needs no handler", async () => {
  let made = 0;
  const asked = new AskedPromise<void>();
  asked.reject(() => new Error(`reason ${++made}`));
  assertEquals(made, 0);
  void asked.promise;
  await nextTurnOfLoop();
  await assertRejects(() => asked.promise, Error, "reason 1");
  assertEquals(made, 1);
});
