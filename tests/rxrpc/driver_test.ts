/** What drives an endpoint's engine: in which order, and without a timer where none is needed. */
import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { EndpointDriver, type RxOutgoing, SENT } from "../../src/rxrpc/endpoint_driver_stream.ts";
import type { RxEndpointEngine } from "../../src/rxrpc/endpoint_engine.ts";
import type { RxOut } from "../../src/rxrpc/ports.ts";
import { nextTurnOfLoop } from "../../src/stream/turn.ts";

/** A driver of an engine that notes what is asked of it; time and timers stand still. */
function driven() {
  const log: string[] = [];
  const state = { now: 0, timeoutAt: Infinity, timers: [] as (() => void)[] };
  const engine = {
    push: () => void log.push("push"),
    flush: () => {},
    transmit: () => {},
    timeoutAt: () => state.timeoutAt,
    onTimeout: () => {
      log.push("timeout");
      state.timeoutAt = Infinity;
    },
  };
  const clock = {
    now: () => state.now,
    setTimer: (at: number, callback: () => void) => {
      log.push(`timer for ${at}`);
      state.timers.push(callback);
      return () => {};
    },
  };
  const driver = new EndpointDriver(engine as unknown as RxEndpointEngine, clock, () => undefined);
  return { driver, log, state };
}

const datagram = { data: new Uint8Array(28), from: { address: "192.0.2.1", port: 7000 } };

test("a timer that is late lets what waits in the socket go first", async () => {
  const { driver, log, state } = driven();
  state.timeoutAt = 500;
  driver.turn();
  state.now = 700;
  state.timers[0]!();
  // sockets are read after timers, and tell of it one turn later
  await nextTurnOfLoop();
  driver.receive([datagram]);
  for (let turns = 0; turns < 3; turns++) await nextTurnOfLoop();
  assertEquals(log, ["timer for 500", "push", "timeout"]);
});

test("a timer that is in time is obeyed at once", () => {
  const { driver, log, state } = driven();
  state.timeoutAt = 500;
  driver.turn();
  state.now = 501;
  state.timers[0]!();
  assertEquals(log, ["timer for 500", "timeout"]);
});

test("what is due already waits for the event loop, not for a timer", async () => {
  const { driver, log, state } = driven();
  state.timeoutAt = 0;
  driver.turn();
  driver.turn();
  assertEquals(log, []);
  for (let turns = 0; turns < 2; turns++) await nextTurnOfLoop();
  assertEquals(log, ["timeout"]);
});

test("a driver that is stopped does nothing more", async () => {
  const { driver, log, state } = driven();
  state.timeoutAt = 0;
  driver.turn();
  driver.stop();
  for (let turns = 0; turns < 2; turns++) await nextTurnOfLoop();
  assertEquals(log, []);
});

test("the buffer of datagrams is used again when they have gone, and not by whoever does not say so", async () => {
  for (const what of [SENT, undefined]) {
    const sent: RxOutgoing[] = [];
    let gone = (): void => {};
    let left = 3;
    const engine = {
      flush: () => {},
      timeoutAt: () => Infinity,
      transmit: (out: RxOut) => {
        if (left === 0 || out.alloc(100) === null) return;
        left--;
        out.commit(100, datagram.from);
      },
    };
    const clock = { now: () => 0, setTimer: () => () => {} };
    const driver = new EndpointDriver(engine as unknown as RxEndpointEngine, clock, (datagrams) => {
      sent.push(...datagrams);
      return new Promise((resolve) => gone = () => resolve(what));
    });
    for (let count = 1; count <= 3; count++) {
      driver.turn();
      assertEquals(sent.length, count);
      gone();
      await nextTurnOfLoop();
    }
    assertEquals(sent.map(({ data }) => data.byteOffset), what === SENT ? [0, 0, 0] : [0, 100, 200]);
  }
});
