// Listening over a driver by hand: who gets which connection, what is refused, how it ends.
import { test } from "node:test";
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { ManualClock } from "../../src/sim/mod.ts";
import { SocketError } from "../../src/tsocket/errors.ts";
import type { InetAddress } from "../../src/tsocket/inet_address.ts";
import { ListenerSocket } from "../../src/tsocket/listener_socket.ts";
import { StreamSocket } from "../../src/tsocket/stream_socket.ts";
import type { TListenerDriver } from "../../src/tsocket/driver_types.ts";
import type { ListenOptions } from "../../src/tsocket/option_types.ts";
import type { TStream } from "../../src/tsocket/types.ts";
import { isSettled, turns } from "../support/turns.ts";
import { unhandledRejections } from "../support/unhandled.ts";
import { FakeListenerDriver } from "./support/fake_listener_driver.ts";
import { failsWith, never, reasonOf } from "./support/settled.ts";

function listen(options: ListenOptions = {}) {
  const clock = new ManualClock(1000);
  const driver = new FakeListenerDriver();
  return { clock, driver, listener: new ListenerSocket(driver, options, { clock }) };
}

/** The port that a connection comes from: who it is. */
function portOf(stream: TStream | undefined): number {
  return (stream!.remoteAddress as InetAddress).port;
}

const gone = new SocketError("the interface is gone", { code: "ENETDOWN" });

test("an open driver makes an open listener", async () => {
  const { listener, driver } = listen();
  assertEquals([driver.starts, String(listener.localAddress)], [1, "ipv4:127.0.0.1:80"]);
  assertEquals((await listener.opened).localAddress, driver.localAddress);
});

test("accept hands out connections as they came, wrapped in sockets with the given options", async () => {
  const { listener, driver } = listen({ stream: { maxQueuedWrites: 7 } });
  driver.come(1);
  driver.come(2);
  const streams = [await listener.accept(), await listener.accept()];
  assert(streams.every((stream) => stream instanceof StreamSocket));
  assertEquals([streams.map(portOf), listener.stats.accepted], [[1, 2], 2]);
});

test("several accepts are served in the order in which they were made", async () => {
  const { listener, driver } = listen();
  const accepts = [listener.accept(), listener.accept(), listener.accept()];
  for (const port of [1, 2, 3]) driver.come(port);
  assertEquals((await Promise.all(accepts)).map(portOf), [1, 2, 3]);
});

test("a cancelled accept takes no connection, wherever it stood in line", async () => {
  const { listener, driver, clock } = listen();
  const controller = new AbortController();
  const reason = new Error("not now");
  assertStrictEquals(await reasonOf(listener.accept({ signal: AbortSignal.abort(reason) })), reason);
  await failsWith(listener.accept({ deadlineAt: 1000 }), "ETIMEDOUT");
  const first = reasonOf(listener.accept({ signal: controller.signal }));
  const second = listener.accept();
  const third = failsWith(listener.accept({ deadlineAt: 1010 }), "ETIMEDOUT");
  const fourth = listener.accept({ signal: new AbortController().signal, deadlineAt: 5000 });
  controller.abort(reason);
  clock.advance(10);
  assertStrictEquals(await first, reason);
  await third;
  driver.come(1);
  driver.come(2);
  assertEquals([portOf(await second), portOf(await fourth)], [1, 2]);
  assertEquals(clock.timers, 0);
});

test("maxPending: what comes while too many wait is ended at once and counted", async () => {
  const { listener, driver } = listen({ maxPending: 2 });
  const connections = [1, 2, 3, 4].map((port) => driver.come(port));
  assertEquals(connections.map(({ ends }) => ends), [[], [], ["abort"], ["abort"]]);
  assertEquals(listener.stats.refused, 2);
  assertEquals(portOf(await listener.accept()), 1);
  driver.come(5);
  assertEquals([portOf(await listener.accept()), portOf(await listener.accept())], [2, 5]);
  const waiting = listener.accept();
  driver.come(6);
  assertEquals([portOf(await waiting), listener.stats.refused, listener.stats.accepted], [6, 2, 4]);
  for (let i = 0; i < 2000; i++) driver.come(i);
  assertEquals(listener.stats.refused, 2000);

  const byDefault = listen();
  for (let i = 0; i < 1030; i++) byDefault.driver.come(i);
  assertEquals(byDefault.listener.stats.refused, 6);
});

test("limits are checked at once, those of the connections as well", () => {
  for (const maxPending of [0, 1.5, -1]) assertThrows(() => listen({ maxPending }), RangeError, "maxPending");
  assertThrows(() => listen({ stream: { maxQueuedWrites: 0 } }), RangeError, "maxQueuedWrites");
});

test("66: failures to accept that pass by are counted, and accepting goes on", async () => {
  const { listener, driver } = listen();
  const accepted = listener.accept();
  for (const code of ["EMFILE", "ENOBUFS", "EPROTO"]) driver.stumble(code);
  driver.come(1);
  assertEquals([portOf(await accepted), listener.stats.acceptErrors], [1, 3]);
});

test("onAcceptError is told why, after the driver has done its work", async () => {
  const codes: string[] = [];
  const { driver } = listen({ onAcceptError: (error) => codes.push(error.code) });
  driver.stumble("EMFILE");
  assertEquals(codes, []);
  await turns(1);
  assertEquals(codes, ["EMFILE"]);
});

test("close ends pending accepts, and connections that nobody accepted; what was accepted goes on", async () => {
  const { listener, driver } = listen();
  const accepting = listener.accept();
  const accepted = driver.come(1);
  await accepting;
  const unaccepted = [driver.come(2), driver.come(3)];
  const closing = listener.close();
  assertStrictEquals(listener.close(), closing);
  await closing;
  await listener.closed;
  await listener[Symbol.asyncDispose]();
  assertEquals([driver.closes, accepted.ends, unaccepted.map(({ ends }) => ends)], [1, [], [["abort"], ["abort"]]]);
  await failsWith(listener.accept(), "ECONNABORTED");
  assertEquals(driver.come(4).ends, ["abort"]);
  assertEquals(listener.stats.refused, 0);

  const waiting = listen();
  const pending = [waiting.listener.accept(), waiting.listener.accept()].map((one) => failsWith(one, "ECONNABORTED"));
  await waiting.listener.close();
  await Promise.all(pending);
});

test("what ends listening fails accepts, after what waits was accepted", async () => {
  const { listener, driver } = listen();
  driver.come(1);
  driver.break(gone);
  assertStrictEquals(await reasonOf(listener.closed), gone);
  assertEquals(portOf(await listener.accept()), 1);
  assertStrictEquals(await reasonOf(listener.accept()), gone);
  await listener.close();
  assertEquals(driver.closes, 1);
  const waiting = listen();
  const pending = reasonOf(waiting.listener.accept());
  waiting.driver.break(gone);
  assertStrictEquals(await pending, gone);
});

test("close after breaking frees what nobody accepted", async () => {
  const { listener, driver } = listen();
  const connection = driver.come(1);
  driver.break(gone);
  await listener.close();
  assertEquals(connection.ends, ["abort"]);
  assertStrictEquals(await reasonOf(listener.accept()), gone);
});

test("iteration takes what comes, and ends quietly when the listener is closed", async () => {
  const { listener, driver } = listen();
  const seen: number[] = [];
  driver.come(1);
  const iterating = (async () => {
    for await (const stream of listener) seen.push(portOf(stream));
  })();
  await turns(1);
  driver.come(2);
  await turns(1);
  await listener.close();
  await iterating;
  assertEquals(seen, [1, 2]);
  for await (const _ of listener) seen.push(0);
  assertEquals(seen.length, 2);
});

test("iteration throws what ends listening otherwise", async () => {
  const { listener, driver } = listen();
  const iterating = (async () => {
    for await (const stream of listener) assertEquals(portOf(stream), 1);
  })();
  driver.come(1);
  driver.break(gone);
  assertStrictEquals(await reasonOf(iterating), gone);
  await listener.close();
  assertStrictEquals(await reasonOf(listener[Symbol.asyncIterator]().next()), gone);
});

test("leaving an iteration closes nothing, and an iterator that was left takes nothing more", async () => {
  const { listener, driver } = listen();
  driver.come(1);
  for await (const stream of listener) {
    assertEquals(portOf(stream), 1);
    break;
  }
  assertEquals(await isSettled(listener.closed), false);
  const iterator = listener[Symbol.asyncIterator]();
  const waiting = iterator.next();
  assertEquals(await iterator.return!(), { done: true, value: undefined });
  assertEquals(await waiting, { done: true, value: undefined });
  assertEquals(await iterator.next(), { done: true, value: undefined });
  driver.come(2);
  assertEquals(portOf(await listener.accept()), 2);
});

test("the readable accepts nothing ahead, shares with accept, and ends with the listener", async () => {
  const { listener, driver } = listen();
  assertStrictEquals(listener.readable, listener.readable);
  driver.come(1);
  await turns(1);
  assertEquals([listener.stats.accepted, portOf(await listener.accept())], [0, 1]);
  const reader = listener.readable.getReader();
  const read = reader.read();
  driver.come(2);
  assertEquals(portOf((await read).value), 2);
  const pending = reasonOf(reader.read());
  reader.releaseLock();
  await pending;
  driver.come(3);
  assertEquals(portOf(await listener.accept()), 3);
  const last = listener.readable.getReader().read();
  await turns(1);
  await listener.close();
  assertEquals((await last).done, true);
});

test("the readable fails when listening broke, and cancelling it closes nothing", async () => {
  const broken = listen();
  const read = reasonOf(broken.listener.readable.getReader().read());
  await turns(1);
  broken.driver.break(gone);
  assertStrictEquals(await read, gone);
  const { listener, driver } = listen();
  await listener.readable.cancel();
  driver.come(1);
  assertEquals(portOf(await listener.accept()), 1);
  const over = listen().listener;
  await over.close();
  assertEquals((await over.readable.getReader().read()).done, true);

  const both = listen();
  both.driver.come(1);
  const reader = both.listener.readable.getReader();
  both.driver.break(gone);
  await both.listener.close();
  assertStrictEquals(await reasonOf(reader.read()), gone, "closing takes nothing back");
});

test("67: ref and unref reach the driver, those before it was there as well", async () => {
  const driver = new FakeListenerDriver();
  const listener = new ListenerSocket(() => Promise.resolve(driver));
  listener.unref();
  assertEquals(listener.localAddress, undefined);
  await listener.opened;
  listener.ref();
  listener.unref();
  assertEquals(driver.calls, ["ref false", "ref true", "ref false"]);
});

test("close while opening tells the opener, and frees a driver that comes too late with what came to it", async () => {
  const driver = new FakeListenerDriver();
  let bring!: (driver: TListenerDriver) => void;
  let seen!: AbortSignal;
  const listener = new ListenerSocket((signal) => {
    seen = signal;
    return new Promise((resolve) => bring = resolve);
  });
  const outcomes = [reasonOf(listener.opened), reasonOf(listener.accept())];
  await listener.close();
  await listener.closed;
  assertEquals(seen.aborted, true);
  for (const reason of await Promise.all(outcomes)) assertEquals((reason as SocketError).code, "ECONNABORTED");
  bring(driver);
  await turns(1);
  assertEquals([driver.starts, driver.closes, driver.come(1).ends], [1, 1, ["abort"]]);
});

test("an opening that fails rejects everything with its reason", async () => {
  const reason = new SocketError("the address is taken", { code: "EADDRINUSE" });
  const listener = new ListenerSocket(() => Promise.reject(reason));
  const iterating = reasonOf(listener[Symbol.asyncIterator]().next());
  const outcomes = [listener.opened, listener.closed, listener.accept(), listener.readable.getReader().read()];
  for (const outcome of outcomes) assertStrictEquals(await reasonOf(outcome), reason);
  assertStrictEquals(await iterating, reason);
  await listener.close();
});

test("61: nothing of this leaves a rejection that nobody handled", async () => {
  const unhandled = await unhandledRejections(async () => {
    const failed = new ListenerSocket(() => Promise.reject(new Error("no")));
    const abandoned = new ListenerSocket(() => never());
    await abandoned.close();
    const { listener, driver } = listen();
    listener.readable.getReader();
    driver.break(gone);
    await failed.close();
    await listener[Symbol.asyncDispose]();
  });
  assertEquals(unhandled, []);
});
