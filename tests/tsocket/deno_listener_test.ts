/** The listener driver for Deno over a listener that the test plays, on every runtime. */
import { assertEquals } from "@std/assert";
import { test } from "node:test";
import {
  DenoListenerDriver,
  HANDSHAKE_TIMEOUT_MS,
  MAX_ACCEPT_REST_MS,
  MAX_HANDSHAKES,
  MIN_ACCEPT_REST_MS,
} from "../../src/tsocket/drivers/deno/listener_driver.ts";
import type { TStreamDriver } from "../../src/tsocket/driver_types.ts";
import { ManualClock } from "../../src/sim/manual_clock.ts";
import { turns } from "../support/turns.ts";
import { denoThrows, FakeConn, FakeListener, FakeTlsConn } from "./support/fake_deno.ts";

function played() {
  const clock = new ManualClock();
  const listener = new FakeListener();
  const driver = new DenoListenerDriver(listener, { clock });
  const told: string[] = [];
  const connections: TStreamDriver[] = [];
  driver.start({
    connection: (connection) => connections.push(connection),
    acceptError: ({ code }) => told.push(code),
    broken: ({ code }) => told.push(`broken ${code}`),
  });
  return { clock, listener, driver, told, connections };
}

test("66: out of descriptors, accepting rests longer each time and goes on", async () => {
  const { clock, listener, driver, told, connections } = played();
  const rests: number[] = [];
  for (let i = 0; i < 10; i++) {
    listener.accepts.next().reject(denoThrows("Error", i % 2 === 0 ? "EMFILE" : "ENOBUFS"));
    await turns();
    assertEquals(listener.accepts.open, 0, "it rests");
    rests.push(clock.nextAt - clock.now());
    clock.advance(clock.nextAt - clock.now());
    await turns();
  }
  const expected = Array.from({ length: 10 }, (_, i) => Math.min(MIN_ACCEPT_REST_MS * 2 ** i, MAX_ACCEPT_REST_MS));
  assertEquals(rests, expected);
  assertEquals(told.length, 10);
  listener.accepts.next().resolve(new FakeConn());
  await turns();
  assertEquals(connections.length, 1);
  listener.accepts.next().reject(denoThrows("Error", "EMFILE"));
  await turns();
  assertEquals(clock.nextAt - clock.now(), MIN_ACCEPT_REST_MS, "a success starts over");
  await driver.close();
  await turns();
  assertEquals([clock.timers, listener.accepts.open], [0, 0], "closing ends the rest");
});

test("66: a listener that is gone is broken, a closed one says nothing", async () => {
  const gone = played();
  gone.listener.accepts.next().reject(denoThrows("BadResource"));
  await turns();
  assertEquals(gone.told, ["broken ECONNABORTED"]);
  const closed = played();
  await closed.driver.close();
  await closed.driver.close();
  await turns();
  assertEquals(closed.told, []);
});

test("58: a connection that comes while closing is closed", async () => {
  const { listener, driver, connections } = played();
  const conn = new FakeConn();
  listener.accepts.next().resolve(conn);
  await driver.close();
  await turns();
  assertEquals([connections.length, conn.isClosed], [0, true]);
});

test("71: TLS connections are told of when their handshake is done, others are not waited for", async () => {
  const { listener, told, connections, clock } = played();
  const [slow, fast, bad] = [new FakeTlsConn(), new FakeTlsConn(), new FakeTlsConn()];
  for (const conn of [slow, fast, bad]) {
    listener.accepts.next().resolve(conn);
    await turns();
  }
  fast.handshakes.next().resolve({ alpnProtocol: "h2" });
  bad.handshakes.next().reject(denoThrows("InvalidData"));
  await turns();
  assertEquals([connections.map(({ alpn }) => alpn), told, bad.isClosed], [["h2"], ["EPROTO"], true]);
  clock.advance(HANDSHAKE_TIMEOUT_MS);
  await turns();
  assertEquals([told, slow.isClosed, clock.timers], [["EPROTO", "ETIMEDOUT"], true, 0]);
});

test("MAX_HANDSHAKES: more than that are closed at once, and closing ends those under way", async () => {
  const { listener, told, driver, clock } = played();
  const conns = Array.from({ length: MAX_HANDSHAKES + 1 }, () => new FakeTlsConn());
  for (const conn of conns) {
    listener.accepts.next().resolve(conn);
    await turns(1);
  }
  assertEquals([told, conns.at(-1)!.isClosed, conns[0]!.isClosed], [["ENOBUFS"], true, false]);
  await driver.close();
  await turns();
  assertEquals([told.length, conns[0]!.isClosed, clock.timers], [1, true, 0]);
});

test("67: unref and ref reach the listener", () => {
  const { listener, driver } = played();
  driver.setRef(false);
  assertEquals(listener.isRef, false);
  driver.setRef(true);
  assertEquals(listener.isRef, true);
});
