import { test } from "node:test";
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { KcmError, type KcmMessage, Multiplexor } from "../../src/kcm/mod.ts";
import { collect, drain, source } from "../support/streams.ts";
import { turns } from "../support/turns.ts";
import { unhandledRejections } from "../support/unhandled.ts";
import { bodies, Feed, noting } from "./feed.ts";
import { bodyOf, parser, wire } from "./support.ts";

test("a channel of arrays yields what one chunk brought as one array", async () => {
  const kcm = new Multiplexor();
  const reader = kcm.socket({ batch: true }).readable.getReader();
  const t = new Feed();
  kcm.attach(t, { parser });
  const first = reader.read();
  await turns();
  t.send("1", "2", "3");
  assertEquals((await first).value?.map(bodyOf), ["1", "2", "3"]);
  t.send("4");
  await turns();
  t.send("5", "6");
  await turns();
  assertEquals((await reader.read()).value?.map(bodyOf), ["4", "5", "6"]);
});

test("K9 what is queued in a readable before it is attached is read", async () => {
  const kcm = new Multiplexor();
  const t = new Feed();
  t.send("pre");
  kcm.attach(t, { parser });
  const { value } = await kcm.socket().readable.getReader().read();
  assertEquals(bodyOf(value!), "pre");
});

/** What a message with a body of `length` bytes counts. */
const weight = (length: number): number => 2 + length + 128;

test("K92 an unread channel holds highWaterMark bytes, and its sources are not read on", async () => {
  const limit = 2 * weight(3);
  const kcm = new Multiplexor({ highWaterMark: limit });
  const channel = kcm.socket();
  let pulls = 0;
  const endless = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      pulls++;
      controller.enqueue(wire("abc"));
    },
  }, { highWaterMark: 0 });
  kcm.attach({ readable: endless }, { parser });
  await turns(8);
  assertEquals([channel.bufferedBytes, kcm.bufferedBytes, pulls, kcm.stats.readyMessages], [limit, limit, 3, 1]);
  const reader = channel.readable.getReader();
  await reader.read();
  await turns(8);
  assert(pulls > 3, "a read makes room");
  assertEquals(channel.bufferedBytes, limit);
  await reader.cancel();
});

test("highWaterMark can be set for one channel, and half of it has to be read before more comes", async () => {
  const kcm = new Multiplexor({ highWaterMark: 1000 });
  const channel = kcm.socket({ highWaterMark: 4 * weight(1) });
  kcm.attach({ readable: source([wire("1", "2", "3", "4", "5", "6")]) }, { parser });
  await turns();
  assertEquals(channel.bufferedBytes, 4 * weight(1));
  const reader = channel.readable.getReader();
  await reader.read();
  assertEquals(channel.bufferedBytes, 3 * weight(1));
  await reader.read();
  await turns();
  assertEquals(channel.bufferedBytes, 4 * weight(1));
});

test("maxBufferedBytes bounds all channels together, but one that is read goes on", async () => {
  const limit = 10 * weight(1);
  const kcm = new Multiplexor({ highWaterMark: 30 * weight(1), maxBufferedBytes: limit });
  const [unread, read] = [kcm.socket(), kcm.socket()];
  const all = Array.from({ length: 200 }, (_, i) => wire(String(i)));
  kcm.attach({ readable: source(all) }, { parser });
  await turns();
  const held = unread.bufferedBytes + read.bufferedBytes;
  assert(held >= limit && held < limit + weight(3), `${held}`);
  const reader = read.readable.getReader();
  let count = 0;
  for (; count < 150; count++) assert(!(await reader.read()).done);
  assert(kcm.bufferedBytes <= limit + 2 * weight(3));
  await reader.cancel();
  kcm.close();
  assertEquals((await collect(unread.readable)).length, 50);
});

test("channels that waited because of the others go on when those are read", async () => {
  const kcm = new Multiplexor({ highWaterMark: 100 * weight(1), maxBufferedBytes: 4 * weight(1) });
  const [a, b] = [kcm.socket(), kcm.socket()];
  kcm.attach({ readable: source(Array.from({ length: 20 }, () => wire("x"))) }, { parser });
  kcm.close();
  await turns();
  assertEquals([a.bufferedBytes, b.bufferedBytes], [2 * weight(1), 2 * weight(1)]);
  const reader = a.readable.getReader();
  await reader.read();
  await reader.read();
  await turns();
  assert(b.bufferedBytes >= 2 * weight(1));
  reader.releaseLock();
  const [first, second] = await Promise.all([collect(a.readable), collect(b.readable)]);
  assertEquals(first.length + second.length, 18);
});

test("highWaterMark: messages without a body fill a channel too", async () => {
  const kcm = new Multiplexor();
  const channel = kcm.socket({ batch: true });
  const zeros = new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(64 * 1024)) });
  kcm.attach({ readable: zeros }, { parser });
  await turns();
  const { value } = await channel.readable.getReader().read();
  assertEquals(value?.length, Math.ceil(256 * 1024 / weight(0)));
});

test("maxBufferedBytes: once it is reached, a channel gets one message at a time, and only while it holds none", async () => {
  const kcm = new Multiplexor({ highWaterMark: 30 * weight(1), maxBufferedBytes: 10 * weight(1) });
  const unread = kcm.socket();
  kcm.attach({ readable: source(Array.from({ length: 100 }, () => wire("x"))) }, { parser });
  await turns();
  const late = kcm.socket();
  await turns();
  assertEquals([unread.bufferedBytes, late.bufferedBytes], [10 * weight(1), weight(1)]);
  await unread.readable.getReader().read();
  await turns();
  assertEquals([unread.bufferedBytes, late.bufferedBytes], [9 * weight(1), weight(1)]);
});

test("maxBufferedBytes: a channel whose reader waits when it is reached still gets messages", async () => {
  const kcm = new Multiplexor({ maxBufferedBytes: 2 * weight(200) });
  const [unread, read] = [kcm.socket(), kcm.socket()];
  const t = new Feed();
  kcm.attach(t, { parser });
  const reading = drain(read.readable);
  for (let i = 0; i < 20; i++) {
    t.send(i % 2 === 0 ? "x".repeat(200) : "y");
    await turns();
  }
  assertEquals([unread.bufferedBytes, read.bufferedBytes], [2 * weight(200), 0]);
  kcm.abort(new Error("over"));
  assertEquals((await reading).chunks.length, 18);
});

test("it is impatient while a reader waits, and no longer when that one has left", async () => {
  const kcm = new Multiplexor({ holdOpen: true });
  const channel = kcm.socket();
  let patience: { readonly isPatient: boolean } | undefined;
  kcm.attach({ readable: new Feed().readable, readWith: (given) => patience = given }, { parser });
  assertEquals(patience?.isPatient, true);
  const reader = channel.readable.getReader();
  const reading = reader.read();
  await turns();
  assertEquals(patience?.isPatient, false);
  await reader.cancel();
  assertEquals([patience?.isPatient, (await reading).done], [true, true]);
});

test("with no channel nothing is lost: connections wait for one", async () => {
  const kcm = new Multiplexor();
  const t = new Feed();
  kcm.attach(t, { parser });
  t.send("1", "2");
  await turns();
  assertEquals([kcm.stats.readyMessages, t.pulls], [1, 0]);
  const channel = kcm.socket();
  t.controller.close();
  kcm.close();
  assertEquals(await bodies(channel.readable), ["1", "2"]);
});

test("K34 a cancelled channel's messages go to the others, none lost and none twice", async () => {
  for (const batch of [false, true]) {
    const kcm = new Multiplexor();
    const [gone, stays] = [kcm.socket({ batch }), kcm.socket()];
    kcm.attach({ readable: source([wire("1", "2", "3", "4", "5", "6")]) }, { parser });
    kcm.close();
    const reader = gone.readable.getReader();
    const { value } = await reader.read();
    const read = [value!].flat().map(bodyOf);
    await reader.cancel("enough");
    const rest = await bodies(stays.readable);
    assertEquals([...read, ...rest].toSorted(), ["1", "2", "3", "4", "5", "6"]);
    assertEquals(gone.stats.rxMessages, read.length);
  }
});

test("messages of a channel that closes after everything has ended go to one that was not read to its end", async () => {
  const kcm = new Multiplexor();
  const [gone, ended, unread] = [kcm.socket(), kcm.socket(), kcm.socket()];
  kcm.attach({ readable: source([wire("1", "2")]) }, { parser });
  kcm.close();
  await turns();
  assertEquals(await bodies(ended.readable), ["2"]);
  await gone.close();
  assertEquals([await bodies(unread.readable), kcm.stats.heldMessages], [["1"], 0]);
});

test("messages that no channel is left for are still counted", async () => {
  const kcm = new Multiplexor();
  const [gone, ended] = [kcm.socket(), kcm.socket()];
  kcm.attach({ readable: source([wire("1", "2")]) }, { parser });
  kcm.close();
  await turns();
  assertEquals(await bodies(ended.readable), ["2"]);
  await gone.close();
  assertEquals([kcm.stats.heldMessages, kcm.stats.sockets, kcm.bufferedBytes], [1, 0, 0]);
});

test("leaving a loop closes the channel, and the other one gets the rest", async () => {
  const kcm = new Multiplexor();
  const [first, second] = [kcm.socket(), kcm.socket()];
  const piped = source([{ readable: source([wire("1", "2", "3")]) }]).pipeTo(kcm.attachments({ parser }));
  const got: string[] = [];
  for await (const message of first.readable) {
    got.push(bodyOf(message));
    break;
  }
  got.push(...await bodies(second.readable));
  await piped;
  assertEquals(got, ["1", "2", "3"]);
});

test("close ends a channel for its reader and gives its messages to the others", async () => {
  const kcm = new Multiplexor();
  const [first, second] = [kcm.socket(), kcm.socket()];
  kcm.attach({ readable: source([wire("1", "2", "3")]) }, { parser });
  await turns();
  await first.close();
  await first[Symbol.asyncDispose]();
  assertEquals(await collect(first.readable), []);
  kcm.close();
  assertEquals((await bodies(second.readable)).toSorted(), ["1", "2", "3"]);
});

test("K35 with the last channel closed everything ends: sources are cancelled, the pipe fails with the reason", async () => {
  const { kcm, ends } = noting();
  const channel = kcm.socket();
  const t = new Feed();
  let cancelled: unknown;
  const flows = new ReadableStream<{ readable: ReadableStream<Uint8Array> }>({
    start: (controller) => controller.enqueue(t),
    cancel: (reason) => {
      cancelled = reason;
    },
  });
  const piped = flows.pipeTo(kcm.attachments({ parser })).catch((error) => error);
  await turns();
  const reason = new Error("seen enough");
  await channel.readable.cancel(reason);
  assertStrictEquals(await piped, reason);
  assertStrictEquals(cancelled, reason);
  assertStrictEquals(t.cancelled?.reason, reason);
  assertEquals(ends, [[1, reason]]);
  assertEquals(assertThrows(() => kcm.attach(new Feed(), { parser }), KcmError).code, "EPIPE");
});

test("with holdOpen connections wait for the next channel", async () => {
  const kcm = new Multiplexor({ holdOpen: true });
  const t = new Feed();
  kcm.attach(t, { parser });
  const first = kcm.socket();
  t.send("1", "2");
  await turns();
  await first.close();
  t.send("3");
  t.controller.close();
  await turns();
  kcm.close();
  assertEquals(await bodies(kcm.socket().readable), ["1", "2", "3"]);
  assertEquals(t.cancelled, undefined);
});

test("maxSockets: a channel beyond it is refused", () => {
  const kcm = new Multiplexor({ maxSockets: 1 });
  kcm.socket();
  assertEquals(assertThrows(() => kcm.socket(), KcmError).code, "ENFILE");
});

test("wrong options are refused at once", () => {
  for (const name of ["highWaterMark", "maxBufferedBytes", "maxConnections", "maxSockets", "maxMessageLength"]) {
    assertThrows(() => new Multiplexor({ [name]: 0 }), RangeError, name);
    assertThrows(() => new Multiplexor({ [name]: "1" }), TypeError, name);
  }
  const kcm = new Multiplexor();
  assertThrows(() => kcm.socket({ highWaterMark: 0 }), RangeError);
  assertThrows(() => kcm.attachments({ parser: undefined as never }), TypeError);
  assertThrows(() => kcm.attachments({ parser: {} as never }), TypeError);
});

test("abort ends everything at once with the reason, after what came before", async () => {
  const { kcm, ends } = noting();
  const channel = kcm.socket();
  const t = new Feed();
  const writable = kcm.attachments({ parser });
  const writer = writable.getWriter();
  const closed = writer.closed.catch((error) => error);
  await writer.write(t);
  t.send("1");
  await turns();
  const reason = new Error("stop");
  kcm.abort(reason);
  assertStrictEquals(await closed, reason);
  assertStrictEquals(t.cancelled?.reason, reason);
  const { chunks, error } = await drain(channel.readable);
  assertEquals(chunks.map(bodyOf), ["1"]);
  assertStrictEquals(error, reason);
  assertEquals(ends, [[1, reason]]);
  assertThrows(() => kcm.attachments({ parser }), KcmError);
});

test("dispose aborts", async () => {
  const kcm = new Multiplexor();
  const t = new Feed();
  const { ended } = kcm.attach(t, { parser });
  await kcm[Symbol.asyncDispose]();
  assertEquals(((await ended).error as KcmError).code, "EPIPE");
});

test("leaving the last channel's loop without a reason is EPIPE for the pipe and the connections, no clean end", async () => {
  for (const leave of ["break", "close", "cancel", "abort"]) {
    const { kcm, ends } = noting();
    const channel = kcm.socket();
    const t = new Feed();
    t.send("1", "2");
    const flows = new ReadableStream<Feed>({ start: (controller) => controller.enqueue(t) });
    const piped = flows.pipeTo(kcm.attachments({ parser })).catch((error) => error);
    if (leave === "break") {
      for await (const _ of channel.readable) break;
    }
    await turns();
    if (leave === "close") await channel.close();
    if (leave === "cancel") await channel.readable.cancel();
    if (leave === "abort") kcm.abort();
    const error = await piped;
    assert(error instanceof KcmError, `${leave}: ${error}`);
    assertEquals([error.code, error.blame], ["EPIPE", "local"]);
    assertEquals(ends, [[1, error]]);
    assertStrictEquals(t.cancelled?.reason, error);
  }
});

test("dispose leaves channels alone that only have to be read to their end", async () => {
  const kcm = new Multiplexor();
  const channel = kcm.socket();
  const { ended } = kcm.attach({ readable: source([wire("1", "2")]) }, { parser });
  kcm.close();
  await ended;
  await kcm[Symbol.asyncDispose]();
  assertEquals(await bodies(channel.readable), ["1", "2"]);
});

test("messages of many connections reach several readers, each once", async () => {
  const kcm = new Multiplexor({ highWaterMark: 10 * weight(4) });
  const channels = [kcm.socket(), kcm.socket({ batch: true }), kcm.socket({ highWaterMark: 1 })];
  const flows = Array.from({ length: 40 }, (_, i) => ({
    client: { readable: source(Array.from({ length: 10 }, (_, n) => wire(`c${i}.${n}`, `d${i}.${n}`))) },
    server: { readable: source([wire(`s${i}`)]) },
  }));
  const piped = source(flows).pipeTo(kcm.attachments({ parser }));
  const got = await Promise.all(channels.map(async ({ readable }) => (await collect<unknown>(readable)).flat()));
  await piped;
  const names = got.flat().map((message) => bodyOf(message as KcmMessage));
  assertEquals(names.length, 40 * 21);
  assertEquals(new Set(names).size, 40 * 21);
});

test("no rejection is left unhandled, whatever ends first", async () => {
  const unhandled = await unhandledRejections(async () => {
    for (const order of ["cancel", "abort", "writer", "source", "close", "unread"]) {
      const kcm = new Multiplexor({ highWaterMark: 1 });
      const channels = [kcm.socket(), kcm.socket({ batch: true })];
      const t = new Feed();
      t.send("1", "2", "3", "4");
      const writer = kcm.attachments({ parser }).getWriter();
      const closed = writer.closed.catch(() => {});
      await writer.write([t, { readable: source<Uint8Array>([wire("x")], new Error("source")) }]);
      await turns();
      if (order === "cancel") await Promise.all(channels.map(({ readable }) => readable.cancel(new Error("no"))));
      if (order === "abort") kcm.abort(new Error("abort"));
      if (order === "writer") await writer.abort(new Error("writer"));
      if (order === "source") t.controller.error(new Error("source"));
      if (order === "close") await Promise.all(channels.map((channel) => channel.close()));
      if (order === "writer" || order === "source") await Promise.all([turns(), kcm.abort(new Error("then"))]);
      await turns();
      if (order !== "unread") await Promise.all(channels.map(({ readable }) => drain(readable as ReadableStream)));
      if (order !== "source" && order !== "unread") await closed;
    }
  });
  assertEquals(unhandled, []);
});
