/** What a read of packets finds out: the engine is asked to send then, with nothing before it that would tell. */
import { test } from "node:test";
import { assertEquals, assertStrictEquals } from "@std/assert";
import { StackDriver } from "../../src/l3l4/stack_driver_stream.ts";
import type { PacketEngine } from "../../src/l3l4/stack_engine.ts";
import { ManualClock } from "../../src/sim/manual_clock.ts";
import { turns } from "../support/turns.ts";

function drive(transmit: (engine: { dueAt: number }) => void) {
  const clock = new ManualClock();
  const calls: string[] = [];
  const reasons: unknown[] = [];
  const engine: PacketEngine & { dueAt: number } = {
    dueAt: Infinity,
    push: () => {},
    flush: () => {},
    transmit: () => transmit(engine),
    timeoutAt: () => engine.dueAt,
    onTimeout: () => {
      engine.dueAt = Infinity;
      calls.push("timeout");
    },
  };
  const settings = { maxBatchPackets: 8, isChecksumTrusted: false };
  const driver = new StackDriver(engine, clock, settings, { over: (reason) => void reasons.push(reason) });
  return { driver, clock, calls, reasons };
}

test("what an engine throws while a read makes it send fails the stack at both ends", async () => {
  const error = new Error("no");
  const { driver, reasons } = drive(() => {
    throw error;
  });
  const closed = driver.writable.getWriter().closed.catch((reason) => reason);
  assertStrictEquals(await driver.readable.getReader().read().catch((reason) => reason), error);
  assertEquals(reasons, [error]);
  assertStrictEquals(await closed, error);
});

test("what a read makes an engine find out is told, though no packet came of it", async () => {
  let isNew = true;
  const { driver, clock, calls } = drive((engine) => {
    if (isNew) engine.dueAt = 0;
    isNew = false;
  });
  const reader = driver.readable.getReader();
  reader.read().catch(() => {});
  await turns();
  clock.advance(0);
  assertEquals(calls, ["timeout"]);
  await reader.cancel();
});
