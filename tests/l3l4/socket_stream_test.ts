/** Connections as sockets with streams, over an engine whose every packet is known. */
import { test } from "node:test";
import { assert, assertEquals, assertInstanceOf, assertRejects, assertStrictEquals } from "@std/assert";
import { L3L4Error } from "../../src/l3l4/errors.ts";
import type { L3L4Socket } from "../../src/l3l4/l3l4_socket_stream.ts";
import { drain } from "../support/streams.ts";
import { isSettled, turns } from "../support/turns.ts";
import { unhandledRejections } from "../support/unhandled.ts";
import type { FakeOptions } from "./support/fake_stack.ts";
import { fakeStack, joined } from "./support/joined_stacks.ts";

const bytes = (count: number, from = 0): Uint8Array => Uint8Array.from({ length: count }, (_, i) => (from + i) & 0xff);

async function all(readable: ReadableStream<Uint8Array>): Promise<number[]> {
  const out: number[] = [];
  for await (const chunk of readable) out.push(...chunk);
  return out;
}

async function pair(fake: FakeOptions = {}) {
  const { client, server } = joined({}, fake);
  const flows = server.stack.flows.getReader();
  const left = client.stack.connect("10.0.0.2:7");
  const { value } = await flows.read();
  return { client, server, flows, left, right: value as L3L4Socket };
}

test("a connection opens, carries bytes both ways and closes in order", async () => {
  const { left, right, client, server } = await pair();
  assertEquals((await left.opened).remoteAddress, "10.0.0.2:7");
  assertEquals((await right.opened).localAddress, "10.0.0.1:7");
  assertEquals([left.isActive, right.isActive], [true, false]);
  const echoed = right.readable.pipeTo(right.writable);
  const writer = left.writable.getWriter();
  const written = writer.write(bytes(100)).then(() => writer.close());
  assertEquals(await all(left.readable), [...bytes(100)]);
  await Promise.all([written, echoed, left.closed, right.closed]);
  assertEquals([client.engine.ports.size, server.engine.ports.size], [0, 0]);
});

test("what is written before the connection stands is sent when it does", async () => {
  const { client, server } = joined();
  const socket = client.stack.connect({ hostname: "10.0.0.2", port: 7 });
  const writer = socket.writable.getWriter();
  const written = writer.write(bytes(40));
  const { value: flow } = await server.stack.flows.getReader().read();
  const reader = flow!.readable.getReader();
  const got: number[] = [];
  while (got.length < 40) got.push(...(await reader.read()).value!);
  assertEquals(got, [...bytes(40)]);
  await written;
});

test("a reader that stops stops the peer, whose write waits; reading lets it go on", async () => {
  const { left, right } = await pair({ bufferBytes: 16 });
  const written = left.writable.getWriter().write(bytes(33));
  right.readable;
  assertEquals(await isSettled(written), false);
  const reader = right.readable.getReader();
  assertEquals((await reader.read()).value, bytes(8));
  // 16 wait at the sender, 16 at the receiver; 8 were read
  await written;
  assertEquals((await reader.read()).value, bytes(8, 8));
});

test("nothing is read ahead: bytes that nobody asked for stay in the engine", async () => {
  const { left, right, server } = await pair({ bufferBytes: 16 });
  await left.writable.getWriter().write(bytes(10));
  right.readable;
  await turns();
  assertEquals([...server.engine.ports.values()].map((port) => port.readable), [10]);
});

test("the peer's end ends readable only", async () => {
  const { left, right } = await pair();
  await left.writable.close();
  assertEquals(await all(right.readable), []);
  assertEquals(await isSettled(right.closed), false);
  const writer = right.writable.getWriter();
  await writer.write(bytes(3));
  await writer.close();
  assertEquals(await all(left.readable), [0, 1, 2]);
  await Promise.all([left.closed, right.closed]);
});

test("a cancelled readable takes and drops what comes, and the other half goes on", async () => {
  const { left, right } = await pair({ bufferBytes: 16 });
  await right.readable.cancel();
  const writer = left.writable.getWriter();
  for (let i = 0; i < 10; i++) await writer.write(bytes(16));
  const back = right.writable.getWriter();
  await back.write(bytes(2));
  assertEquals((await left.readable.getReader().read()).value, bytes(2));
});

test("an aborted writable resets the connection: the peer sees ECONNRESET, our side the reason", async () => {
  const { left, right } = await pair();
  const reason = new Error("enough");
  const ended = right.closed.then(() => undefined, (error) => error);
  const reading = left.readable.getReader().read().catch((error) => error);
  await left.writable.abort(reason);
  assertStrictEquals(await reading, reason);
  assertStrictEquals(await left.closed.catch((error) => error), reason);
  const error = await ended;
  assertInstanceOf(error, L3L4Error);
  assertEquals(error.code, "ECONNRESET");
  assertStrictEquals((await drain(right.readable)).error, error);
  assertStrictEquals(await right.writable.getWriter().write(bytes(1)).catch((thrown) => thrown), error);
});

test("an abort of writable without a reason breaks reading, too", async () => {
  const { left } = await pair();
  const reading = left.readable.getReader().read().catch((error) => error);
  await left.writable.abort();
  const error = await reading;
  assertInstanceOf(error, L3L4Error);
  assertEquals(error.code, "ECONNABORTED");
  assertStrictEquals(await left.closed.catch((thrown) => thrown), error);
});

test("a stack whose packets are cancelled or aborted without a reason breaks its connections", async () => {
  for (const end of ["cancel", "abort"]) {
    const { stack } = fakeStack();
    const socket = stack.connect("10.0.0.2:7");
    const reading = drain(socket.readable);
    await (end === "cancel" ? stack.readable.cancel() : stack.writable.abort());
    const { error } = await reading;
    assertEquals((error as L3L4Error).code, "ENETDOWN");
    assertStrictEquals(await socket.closed.catch((thrown) => thrown), error);
  }
});

test("an abort does not wait for a write that waits for room", async () => {
  const { left } = await pair({ bufferBytes: 16 });
  const writer = left.writable.getWriter();
  const written = writer.write(bytes(100)).catch((error) => error);
  await turns();
  const reason = new Error("enough");
  assert(await isSettled(writer.abort(reason)));
  assertStrictEquals(await written, reason);
});

test("bytes that came before a reset are read before its error", async () => {
  const { left, right } = await pair();
  await left.writable.getWriter().write(bytes(5));
  await turns();
  left.abort();
  await turns();
  const { chunks, error } = await drain(right.readable);
  assertEquals(chunks, [bytes(5)]);
  assertEquals((error as L3L4Error).code, "ECONNRESET");
});

test("close sends what was written, then ends; what the writer does afterwards fails", async () => {
  const { left, right } = await pair({ bufferBytes: 16 });
  const writer = left.writable.getWriter();
  const written = writer.write(bytes(50));
  const more = writer.write(bytes(50, 50));
  const closed = left.close();
  const late = writer.write(bytes(1)).catch((error) => error);
  assertEquals(await all(right.readable), [...bytes(100)]);
  await Promise.all([written, more]);
  assertEquals((await late).code, "ECONNABORTED");
  await right.close();
  await closed;
});

test("an end of writable that waits when the socket is closed comes to its end, and a pipe with it", async () => {
  for (const isPiped of [false, true]) {
    const { left, right } = await pair({ bufferBytes: 16 });
    const source = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(bytes(100));
        controller.close();
      },
    });
    const writer = isPiped ? undefined : left.writable.getWriter();
    writer?.write(bytes(100));
    const written = writer?.close() ?? source.pipeTo(left.writable);
    await turns();
    const closed = left.close();
    assertEquals(await all(right.readable), [...bytes(100)]);
    await right.writable.close();
    await Promise.all([written, closed]);
  }
});

test("what was written before writable was closed arrives, though the stack is closed right away", async () => {
  for (const isDriver of [false, true]) {
    const { left, right, client } = await pair({ bufferBytes: 64 });
    if (isDriver) {
      const driver = left.intoDriver();
      await driver.writev([bytes(50)]);
      await driver.shutdown!();
    } else {
      const writer = left.writable.getWriter();
      writer.write(bytes(50));
      await writer.close();
    }
    const closed = client.stack.close();
    assertEquals(await isSettled(closed), false);
    assertEquals(await all(right.readable), [...bytes(50)]);
    await right.close();
    await closed;
  }
});

test("close before the peer has answered is the end at once, unless something was written", async () => {
  const { stack, engine } = fakeStack();
  const socket = stack.connect("10.0.0.2:7");
  const opened = socket.opened.catch((error) => error.code);
  await socket.close();
  assertEquals([await opened, engine.ports.size], ["ECONNABORTED", 0]);
  const other = stack.connect("10.0.0.2:7");
  other.writable.getWriter().write(bytes(3));
  const closed = other.close();
  assertEquals([await isSettled(closed), engine.ports.size], [false, 1]);
});

test("bytes that came before the end are let go of when nobody wants them any more", async () => {
  const ways: [string, (socket: L3L4Socket) => unknown][] = [
    ["close", (socket) => socket.close().catch(() => {})],
    ["abort", (socket) => socket.abort()],
    ["cancel", (socket) => socket.readable.cancel()],
    ["driver close", (socket) => socket.intoDriver().close()],
    ["driver abort", (socket) => socket.intoDriver().abort()],
  ];
  for (const [name, leave] of ways) {
    const { left, right, server } = await pair();
    const [port] = server.engine.ports.values();
    await left.writable.getWriter().write(bytes(5));
    await turns();
    left.abort();
    assertEquals([await right.closed.catch((error) => error.code), port!.readable], ["ECONNRESET", 5]);
    await leave(right);
    assertEquals([name, port!.readable], [name, 0]);
  }
});

test("close ends reading at once", async () => {
  const { left, right } = await pair();
  const reading = left.readable.getReader().read();
  left.close();
  assertEquals(await reading, { done: true, value: undefined });
  assertEquals(await all(right.readable), []);
  right.close();
  await Promise.all([left.closed, right.closed]);
});

test("a close with a reason is an abort", async () => {
  const { left, right } = await pair();
  const reason = new Error("enough");
  assertStrictEquals(await left.close(reason).catch((error) => error), reason);
  assertEquals(await right.closed.catch((error) => error.code), "ECONNRESET");
});

test("a connection that is refused fails everything that was asked of it", async () => {
  const client = fakeStack();
  const server = fakeStack();
  client.stack.readable.pipeTo(server.stack.writable);
  server.stack.readable.pipeTo(client.stack.writable);
  const socket = client.stack.connect("10.0.0.2:7");
  const written = socket.writable.getWriter().write(bytes(100)).catch((error) => error);
  const error = await assertRejects(() => socket.opened, L3L4Error);
  assertEquals(error.code, "ECONNREFUSED");
  assertStrictEquals(await written, error);
  assertStrictEquals(await socket.closed.catch((thrown) => thrown), error);
  assertStrictEquals((await drain(socket.readable)).error, error);
  assertStrictEquals(await socket.opened.catch((thrown) => thrown), error);
});

test("what is no bytes fails the writable and resets the connection", async () => {
  const { left, right } = await pair();
  const error = await left.writable.getWriter().write("text" as unknown as Uint8Array).catch((thrown) => thrown);
  assertInstanceOf(error, TypeError);
  assertStrictEquals(await left.closed.catch((thrown) => thrown), error);
  assertEquals(await right.closed.catch((thrown) => thrown.code), "ECONNRESET");
});

test("views and buffers are bytes, too", async () => {
  const { left, right } = await pair();
  const writer = left.writable.getWriter();
  await writer.write(bytes(2).buffer as unknown as Uint8Array);
  await writer.write(new DataView(bytes(4).buffer, 1, 2) as unknown as Uint8Array);
  await writer.close();
  assertEquals(await all(right.readable), [0, 1, 1, 2]);
});

test("streams and promises that are asked for late say what happened", async () => {
  const { left, right } = await pair();
  await left.writable.close();
  await right.writable.close();
  await turns();
  assertEquals(await all(left.readable), []);
  await Promise.all([left.closed, right.closed, left.opened]);
  const late = await right.writable.getWriter().closed.catch((error) => error);
  assertEquals(late, undefined);
});

test("no rejection stays unhandled, whatever ends first", async () => {
  const unhandled = await unhandledRejections(async () => {
    const ends: ((socket: L3L4Socket) => unknown)[] = [
      (socket) => socket.abort(),
      (socket) => socket.close(),
      (socket) => socket.close(new Error("enough")),
      (socket) => socket.readable.cancel().catch(() => {}),
      (socket) => socket.writable.close().catch(() => {}),
      (socket) => socket.writable.abort().catch(() => {}),
      (socket) => [socket.opened, socket.closed, socket.readable, socket.writable],
    ];
    for (const first of ends) {
      for (const second of ends) {
        const { left, right, client, server } = await pair({ bufferBytes: 16 });
        first(left);
        second(right);
        await turns(2);
        second(left instanceof Object && !left.writable.locked ? left : right);
        await turns(1);
        await Promise.all([client.stack.close(), server.stack.close()]);
      }
    }
  });
  assertEquals(unhandled, []);
});
