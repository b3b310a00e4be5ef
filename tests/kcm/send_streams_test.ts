import { test } from "node:test";
import { assert, assertEquals, assertInstanceOf, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { KcmError, type KcmSocket, Multiplexor, type MultiplexorOptions } from "../../src/kcm/mod.ts";
import { ManualClock } from "../../src/sim/manual_clock.ts";
import { isSettled, turns } from "../support/turns.ts";
import { unhandledRejections } from "../support/unhandled.ts";
import { Duplex } from "./duplex.ts";
import { bodies, Feed, noting } from "./feed.ts";
import { bodyOf, parser, wire } from "./support.ts";

/** A multiplexor with a socket and connections. */
function setUp(
  count: number,
  options: MultiplexorOptions = {},
): { kcm: Multiplexor; socket: KcmSocket; ends: Duplex[] } {
  const kcm = new Multiplexor({ clock: new ManualClock(), ...options });
  const socket = kcm.socket();
  const ends = Array.from({ length: count }, () => new Duplex());
  for (const end of ends) kcm.attach(end, { parser });
  return { kcm, socket, ends };
}

const codeOf = (error: unknown): unknown => (error as { code?: unknown }).code;

test("K47 send resolves when the message was written, not before, and names the connection", async () => {
  const { socket, ends: [t] } = setUp(1);
  t!.isSlow = true;
  const sent = socket.send(wire("abc"));
  assertEquals([await isSettled(sent), t!.bodies], [false, []]);
  t!.take();
  const { connection, length, retries } = await sent;
  assertEquals([connection?.id, length, retries, t!.bodies], [1, 5, 0, ["abc"]]);
  assertEquals([socket.stats.txMessages, socket.stats.txBytes, socket.queuedBytes], [1, 5, 0]);
});

test("K49 messages go to the connections in turn; what gathers while one writes goes out in one write", async () => {
  const { socket, ends: [t, u] } = setUp(2);
  await Promise.all(["1", "2", "3", "4"].map((body) => socket.send(wire(body))));
  assertEquals([...t!.bodies, ...u!.bodies].toSorted(), ["1", "2", "3", "4"]);
  assert(t!.bodies.length > 0 && u!.bodies.length > 0);
  const alone = setUp(1);
  await Promise.all(["1", "2", "3", "4"].map((body) => alone.socket.send(wire(body))));
  assertEquals([alone.ends[0]!.bodies, alone.ends[0]!.writes], [["1", "2", "3", "4"], [3, 9]]);
});

test("K51 K52 parts are joined: promises of parts resolve at once, the last one when written", async () => {
  const { kcm, socket, ends: [t] } = setUp(1);
  const part = await socket.send(wire("abcd").subarray(0, 3), { more: true });
  assertEquals([part.connection, part.length, t!.bodies], [undefined, 3, []]);
  assertEquals((await socket.send(wire("abcd").subarray(3))).length, 6);
  const seq = kcm.socket({ type: "seqpacket" });
  await seq.send(wire("ef").subarray(0, 3));
  await seq.send(wire("ef").subarray(3));
  await turns();
  assertEquals(t!.bodies, ["abcd"]);
  const last = await seq.send(new Uint8Array(0), { eor: true });
  assertEquals([last.length, last.connection?.id, t!.bodies], [4, 1, ["abcd", "ef"]]);
});

test("K53 K54 an empty message is nothing, and resolves", async () => {
  const { kcm, socket, ends: [t] } = setUp(1);
  assertEquals((await socket.send(new Uint8Array(0))).length, 0);
  assertEquals((await kcm.socket({ type: "seqpacket" }).send(new Uint8Array(0), { eor: true })).connection, undefined);
  assertEquals(t!.writes, []);
});

test("K55 a batch leaves when a message without the flag comes", async () => {
  const { socket, ends: [t, u] } = setUp(2);
  const all = ["1", "2"].map((body) => socket.send(wire(body), { batch: true }));
  assertEquals(await isSettled(Promise.race(all)), false);
  await Promise.all([...all, socket.send(wire("3"))]);
  assertEquals([t!.bodies, u!.bodies], [["1", "2", "3"], []]);
});

test("K73 messages wait for the first connection; with failWhenUnconnected they fail", async () => {
  const { kcm, socket } = setUp(0);
  const sent = socket.send(wire("a"));
  assertEquals(await isSettled(sent), false);
  const t = new Duplex();
  kcm.attach(t, { parser });
  await sent;
  assertEquals(t.bodies, ["a"]);
  const strict = setUp(0, { failWhenUnconnected: true });
  assertEquals(codeOf(await strict.socket.send(wire("a")).catch((error) => error)), "ENOTCONN");
});

test("K74 without room sends wait, in order, up to maxWaitingSends", async () => {
  const kcm = new Multiplexor({ clock: new ManualClock() });
  const t = new Duplex();
  t.isSlow = true;
  kcm.attach(t, { parser });
  const socket = kcm.socket({ sendBufferBytes: 5, maxWaitingSends: 2 });
  const sent = ["abc", "d", "e"].map((body) => socket.send(wire(body)));
  const error = await assertRejects(() => socket.send(wire("f")), KcmError, "maxWaitingSends 2");
  assertEquals([codeOf(error), socket.queuedBytes], ["ENOBUFS", 5]);
  t.isSlow = false;
  t.take();
  await Promise.all(sent);
  assertEquals(t.bodies, ["abc", "d", "e"]);
});

test("K88 via: the reply goes back on the connection that its request came on; an error once that is gone", async () => {
  const { socket, ends: [t, u] } = setUp(2);
  t!.send("ask t");
  u!.send("ask u");
  for (let i = 0; i < 2; i++) {
    const { message } = (await socket.receive())!;
    const { connection } = await socket.send(wire(`re ${bodyOf(message)}`), { via: message.connection });
    assertStrictEquals(connection, message.connection);
  }
  assertEquals([t!.bodies, u!.bodies], [["re ask t"], ["re ask u"]]);
  t!.send("gone");
  const { message } = (await socket.receive())!;
  t!.controller.close();
  await turns();
  const error = await assertRejects(() => socket.send(wire("late"), { via: message.connection }), KcmError);
  assertEquals([error.code, error.connection?.id], ["ENOTCONN", 1]);
});

test("K89 a write that fails: the promise rejects with the cause and what was written; `always` goes elsewhere", async () => {
  const { kcm, socket, ends: [t] } = setUp(1);
  const reason = Object.assign(new Error("reset"), { code: "ECONNRESET" });
  t!.failure = reason;
  const error = await assertRejects(() => socket.send(wire("abc")), KcmError);
  assertEquals([error.code, error.bytesWritten, error.bytesInFlight, error.connection?.id], ["ECONNRESET", 0, 5, 1]);
  assertStrictEquals(error.cause, reason);
  const [u, v] = [new Duplex(), new Duplex()];
  u.failure = reason;
  kcm.attach(u, { parser });
  const sent = socket.send(wire("again"), { retry: "always" });
  await turns();
  kcm.attach(v, { parser });
  const { connection, retries } = await sent;
  assertEquals([connection?.id, retries, v.bodies], [3, 1, ["again"]]);
});

test("a signal withdraws messages that have not begun; those that have go on", async () => {
  const { socket, ends: [t] } = setUp(1);
  t!.isSlow = true;
  const { signal, reason, abort } = aborting();
  const sent = ["begun", "not", "nor this"].map((body) => socket.send(wire(body), { signal }).catch((error) => error));
  const other = socket.send(wire("other"));
  abort();
  for (const one of sent) assertStrictEquals(await one, reason);
  await turns();
  t!.isSlow = false;
  t!.take();
  await other;
  assertEquals([t!.bodies, socket.queuedBytes], [["begun", "other"], 0]);
  assertStrictEquals(await socket.send(wire("x"), { signal }).catch((error) => error), reason);
});

test("a signal also withdraws sends that wait for room, and costs linear time", async () => {
  const { kcm } = setUp(0);
  const socket = kcm.socket({ sendBufferBytes: 1 });
  const first = socket.send(wire("first"));
  const { signal, abort } = aborting();
  const sent = Array.from({ length: 20_000 }, () => socket.send(wire("x"), { signal }).catch(() => "aborted"));
  const last = socket.send(wire("last"));
  abort();
  assertEquals(new Set(await Promise.all(sent)), new Set(["aborted"]));
  const t = new Duplex();
  kcm.attach(t, { parser });
  await Promise.all([first, last]);
  assertEquals(t.bodies, ["first", "last"]);
});

test("K92 writable: single messages and arrays; writes wait while there is no room", async () => {
  const { kcm, ends: [t, u] } = setUp(2);
  const socket = kcm.socket({ sendBufferBytes: 4 });
  const writer = socket.writable.getWriter();
  t!.isSlow = true;
  u!.isSlow = true;
  await writer.write([wire("1"), wire("2")]);
  const third = writer.write(wire("3"));
  assertEquals(await isSettled(third), false);
  assertEquals(await isSettled(writer.ready), false);
  t!.isSlow = false;
  u!.isSlow = false;
  t!.take();
  u!.take();
  await third;
  await writer.close();
  assertEquals([...t!.bodies, ...u!.bodies].toSorted(), ["1", "2", "3"]);
  assertEquals(socket.stats.txMessages, 3);
});

test("writable: objects may name the connection; closing it waits until everything is written, the socket stays", async () => {
  const { socket, ends: [t, u] } = setUp(2);
  u!.send("from u");
  const { message } = (await socket.receive())!;
  const writer = socket.writable.getWriter();
  u!.isSlow = true;
  await writer.write({ data: wire("to u"), via: message.connection });
  const closed = writer.close();
  assertEquals(await isSettled(closed), false);
  u!.take();
  await closed;
  assertEquals([t!.bodies, u!.bodies], [[], ["to u"]]);
  t!.send("more");
  assertEquals(bodyOf((await socket.receive())!.message), "more");
});

test("writable: a message that fails fails it, or with onSendError is told of and the writable goes on", async () => {
  const { kcm, socket, ends: [t] } = setUp(1);
  t!.failure = new Error("no");
  const writer = socket.writable.getWriter();
  await writer.write(wire("lost"));
  const error = await writer.closed.catch((reason) => reason);
  assertInstanceOf(error, KcmError);
  const told: unknown[] = [];
  const lenient = kcm.socket({ onSendError: ({ length }) => void told.push(length) });
  const u = new Duplex();
  u.failure = new Error("no");
  kcm.attach(u, { parser });
  const other = lenient.writable.getWriter();
  await other.write(wire("lost"));
  await turns();
  const v = new Duplex();
  kcm.attach(v, { parser });
  await other.write(wire("fine"));
  await other.close();
  assertEquals([told.length, v.bodies], [1, ["fine"]]);
});

test("writable: what is no message fails it with a TypeError; an abort withdraws what has not begun", async () => {
  const { socket, ends: [t] } = setUp(1);
  t!.isSlow = true;
  const writer = socket.writable.getWriter();
  await writer.write(["begun", "not", "nor this"].map((body) => wire(body)));
  const kept = socket.send(wire("kept"));
  await writer.abort("enough");
  t!.isSlow = false;
  t!.take();
  await kept;
  assertEquals(t!.bodies, ["begun", "kept"]);
  const other = setUp(1).socket.writable.getWriter();
  await assertRejects(() => other.write("text" as never), TypeError);
});

test("writable: an abort ends a write that waits for room, at once", async () => {
  const { kcm } = setUp(0);
  const socket = kcm.socket({ sendBufferBytes: 1 });
  const writer = socket.writable.getWriter();
  await writer.write(wire("1"));
  const waiting = writer.write([wire("2"), wire("3")]).catch((error) => error);
  await turns();
  assert(await isSettled(writer.abort("enough")));
  assertEquals([await waiting, socket.queuedBytes], ["enough", 0]);
  const t = new Duplex();
  kcm.attach(t, { parser });
  await socket.send(wire("4"));
  assertEquals(t.bodies, ["4"]);
});

test("K90 close with drain sends what was accepted, then closes; without it what has not begun fails", async () => {
  const { kcm, socket, ends: [t] } = setUp(1);
  const other = kcm.socket();
  t!.isSlow = true;
  const sent = ["1", "2"].map((body) => socket.send(wire(body)));
  const closed = socket.close({ drain: true });
  await assertRejects(() => socket.send(wire("late")), KcmError, "closed");
  assertEquals(await isSettled(closed), false);
  t!.isSlow = false;
  t!.take();
  await closed;
  await Promise.all(sent);
  assertEquals(t!.bodies, ["1", "2"]);
  t!.isSlow = true;
  const begun = other.send(wire("3"));
  const not = other.send(wire("4")).catch(codeOf);
  kcm.socket();
  await other.close();
  assertEquals(await not, "ECANCELED");
  t!.take();
  assertEquals((await begun).length, 3);
});

test("K90 close with drain and a deadline: then the rest fails with ETIMEDOUT", async () => {
  const clock = new ManualClock();
  const { kcm, socket } = setUp(0, { clock });
  kcm.socket();
  const sent = socket.send(wire("1")).catch(codeOf);
  const closed = socket.close({ drain: true, deadlineMs: 50 });
  clock.advance(49);
  assertEquals(await isSettled(closed), false);
  clock.advance(1);
  await closed;
  assertEquals(await sent, "ETIMEDOUT");
  assertThrows(() => void socket.close({ deadlineMs: -1 }), RangeError);
});

test("K91 a parser error ends both directions, with one event; what was to go out goes elsewhere", async () => {
  const { kcm, ends } = noting({ maxMessageLength: 10 });
  const socket = kcm.socket();
  const [t, u] = [new Duplex(), new Duplex()];
  kcm.attach(t, { parser });
  t.isSlow = true;
  const [begun, queued] = ["1", "2"].map((body) => socket.send(wire(body)).catch((error) => error));
  await turns();
  kcm.attach(u, { parser });
  t.send("much too long for it");
  const error = await begun;
  assertEquals([error.code, error.bytesInFlight], ["EMSGSIZE", 3]);
  assertEquals((await queued).connection.id, 2);
  assertEquals([ends.map(([id]) => id), codeOf(ends[0]![1]), u.bodies], [[1], "EMSGSIZE", ["2"]]);
  assertStrictEquals(t.cancelled?.reason, ends[0]![1]);
  t.take();
  await turns();
  assertStrictEquals(t.aborted?.reason, ends[0]![1]);
});

test("a connection whose peer ends is closed; halfOpen goes on sending until it is drained", async () => {
  const { kcm, socket, ends: [t] } = setUp(1);
  t!.controller.close();
  await turns();
  assertEquals([t!.isClosed, kcm.stats.connections], [true, 0]);
  const u = new Duplex();
  const attachment = kcm.attach(u, { parser, halfOpen: true });
  u.controller.close();
  await turns();
  await socket.send(wire("still"));
  assertEquals([u.bodies, u.isClosed], [["still"], false]);
  const { error, txMessages, txBytes } = await attachment.drain();
  await turns();
  assertEquals([error, txMessages, txBytes, u.isClosed], [undefined, 1, 7, true]);
});

test("a writable that fails while nobody writes ends its connection with its error", async () => {
  const { kcm, ends } = noting();
  kcm.socket();
  const t = new Duplex();
  kcm.attach(t, { parser });
  const reason = new Error("gone");
  t.writableController.error(reason);
  await turns();
  assertEquals(ends, [[1, reason]]);
  assertStrictEquals(t.cancelled?.reason, reason);
});

test("unattach gives a connection back alive: unread bytes, messages without a channel, both streams unlocked", async () => {
  const { kcm, ends } = noting({ highWaterMark: 1 });
  const socket = kcm.socket();
  const t = new Duplex();
  const attachment = kcm.attach(t, { parser });
  t.isSlow = true;
  const sent = ["begun", "other"].map((body) => socket.send(wire(body)));
  t.controller.enqueue(wire("1", "2", "3", "cut").subarray(0, 12));
  await turns();
  const taken = attachment.unattach();
  assertEquals(await isSettled(taken), false);
  t.isSlow = false;
  t.take();
  const { unread, messages } = await taken;
  assertEquals([messages.map(bodyOf), [...unread]], [["2"], [...wire("3"), ...wire("cut").subarray(0, 3)]]);
  assertEquals([t.bodies, t.cancelled, t.aborted, t.isClosed], [["begun"], undefined, undefined, false]);
  assertEquals([t.readable.locked, t.writable.locked, ends], [false, false, [[1, undefined]]]);
  assertEquals((await sent[0])!.connection?.id, 1);
  await assertRejects(() => attachment.unattach(), KcmError);
  // the same connection again, from where it was
  kcm.attach(t, { parser });
  assertEquals((await sent[1])!.connection?.id, 2);
});

test("unattach with a signal: a peer that does not read on is aborted", async () => {
  const { kcm, socket } = setUp(0);
  const t = new Duplex();
  const attachment = kcm.attach(t, { parser });
  t.isSlow = true;
  const sent = socket.send(wire("half")).catch(codeOf);
  await turns();
  const { signal, reason, abort } = aborting();
  const taken = attachment.unattach({ signal }).catch((error) => error);
  abort();
  assertStrictEquals(await taken, reason);
  assertEquals(await sent, "ECONNABORTED");
  assertStrictEquals((await attachment.ended).error, reason);
});

test("drain of the multiplexor: accepted messages are written, connections closed, channels ended", async () => {
  const { kcm, socket, ends: [t] } = setUp(1);
  t!.isSlow = true;
  const sent = socket.send(wire("1"));
  const drained = kcm.drain();
  const read = bodies(socket.readable);
  assertEquals(await isSettled(drained), false);
  t!.take();
  await Promise.all([sent, drained]);
  assertEquals([await read, t!.bodies, t!.isClosed], [[], ["1"], true]);
  const late = setUp(0, { clock: new ManualClock() });
  const lost = late.socket.send(wire("1")).catch(codeOf);
  await late.kcm.drain({ deadlineMs: 0 });
  assertEquals(await lost, "ENOTCONN");
});

test("K15 K30 K31 receive disable moves what was not read; enabling takes part again", async () => {
  const kcm = new Multiplexor();
  const [k0, k1] = [kcm.socket(), kcm.socket()];
  const t = new Feed();
  kcm.attach(t, { parser });
  t.send("1", "2", "3");
  await turns();
  k0.disableReceive();
  k0.disableReceive();
  assertEquals([k0.isReceiveDisabled, k0.tryReceive(), k0.stats.rxMessages], [true, undefined, 0]);
  assertEquals([1, 2, 3].map(() => bodyOf(k1.tryReceive()!.message)), ["2", "1", "3"]);
  k0.enableReceive();
  k1.disableReceive();
  t.send("4");
  assertEquals(bodyOf((await k0.receive())!.message), "4");
});

test("K2 clones have the same options and the smallest free number", async () => {
  const kcm = new Multiplexor();
  const k0 = kcm.socket({ batch: true, type: "seqpacket" });
  const [k1, k2] = [k0.clone(), k0.clone()];
  await k1.close();
  const again = k2.clone();
  assertEquals([k0.index, k2.index, again.index], [0, 2, 1]);
});

test("K24 to K28 receive: datagrams are cut, seqpackets go on, peeking changes nothing, empty says so", async () => {
  const kcm = new Multiplexor();
  const t = new Feed();
  const dgram = kcm.socket();
  kcm.attach(t, { parser });
  t.send("abcdef", "z");
  const peeked = (await dgram.receive({ peek: true, maxLength: 3 }))!;
  assertEquals([peeked.data.length, peeked.isEnd, peeked.isTruncated], [3, false, false]);
  const cut = dgram.tryReceive({ maxLength: 4 })!;
  assertEquals([[...cut.data], cut.isEnd, cut.isTruncated], [[...wire("abcdef").subarray(0, 4)], true, true]);
  const whole = dgram.tryReceive()!;
  assertEquals([[...whole.data], whole.isEnd, whole.isTruncated], [[...wire("z")], true, false]);
  assertEquals(dgram.tryReceive(), undefined);
  const seq = kcm.socket({ type: "seqpacket" });
  dgram.disableReceive();
  t.send("abcdef", "z");
  const parts = [(await seq.receive({ maxLength: 4 }))!, seq.tryReceive()!, seq.tryReceive()!];
  assertEquals(parts.map(({ data, isEnd, isTruncated }) => [data.length, isEnd, isTruncated]), [
    [4, false, false],
    [4, true, false],
    [3, true, false],
  ]);
  assertEquals([seq.bufferedBytes, kcm.bufferedBytes], [0, 0]);
});

test("K41 the rest of a message that was read in part goes to another channel, or to the readable", async () => {
  const kcm = new Multiplexor();
  const t = new Feed();
  const seq = kcm.socket({ type: "seqpacket" });
  kcm.attach(t, { parser });
  t.send("abcdef");
  await seq.receive({ maxLength: 6 });
  const other = seq.clone();
  await seq.close();
  assertEquals(new TextDecoder().decode(other.tryReceive()!.data), "ef");
  t.send("ghi");
  await other.receive({ maxLength: 2 });
  const { value } = await other.readable.getReader().read();
  assertEquals(new TextDecoder().decode(value!.data), "ghi");
});

test("beside a reader of readable receive is refused, as a socket's reads are; it works when the reader has let go", async () => {
  const { socket, ends: [t] } = setUp(1);
  const reader = socket.readable.getReader();
  t!.send("1", "2", "3");
  assertEquals(await socket.receive().catch(({ code }) => code), "EBUSY");
  assertEquals(assertThrows(() => socket.tryReceive(), KcmError).code, "EBUSY");
  assertEquals(bodyOf((await reader.read()).value!), "1");
  reader.releaseLock();
  assertEquals(bodyOf((await socket.receive())!.message), "2");
  assertEquals(bodyOf(socket.tryReceive()!.message), "3");
});

test("calls of receive are served in order, may be aborted, and end with the multiplexor", async () => {
  const { kcm, socket, ends: [t] } = setUp(1);
  const { signal, reason, abort } = aborting();
  const [first, second, third] = [socket.receive(), socket.receive({ signal }), socket.receive()];
  abort();
  assertStrictEquals(await second.catch((error) => error), reason);
  t!.send("1");
  assertEquals(bodyOf((await first)!.message), "1");
  kcm.close();
  t!.controller.close();
  assertEquals(await third, undefined);
  assertEquals(await socket.receive(), undefined);
  const cut = setUp(1);
  const failed = cut.socket.receive();
  cut.kcm.abort(reason);
  assertStrictEquals(await failed.catch((error) => error), reason);
});

test("signals end a connection and a multiplexor; disposing aborts", async () => {
  const { signal, reason, abort } = aborting();
  const kcm = new Multiplexor({ holdOpen: true });
  const t = new Duplex();
  const { ended } = kcm.attach(t, { parser, signal });
  abort();
  await ended;
  await turns();
  assertEquals([t.cancelled?.reason, t.aborted?.reason], [reason, reason]);
  const whole = aborting();
  const other = new Multiplexor({ signal: whole.signal });
  const socket = other.socket();
  const sent = socket.send(wire("1")).catch((error) => error);
  whole.abort();
  assertStrictEquals(await socket.receive().catch((error) => error), whole.reason);
  assert((await sent) instanceof KcmError);
  await other.finished;
  const disposed = setUp(1);
  await disposed.kcm[Symbol.asyncDispose]();
  await turns();
  assert(disposed.ends[0]!.aborted !== undefined);
});

test("an observer is told of connections, channels and messages that are retried or fail", async () => {
  const told: unknown[] = [];
  const kcm = new Multiplexor({
    observer: {
      attached: ({ id }) => told.push(["attached", id]),
      unattached: ({ id }, { error }) => told.push(["unattached", id, (error as Error)?.message]),
      refused: ({ id }) => told.push(["refused", id]),
      opened: (count) => told.push(["opened", count]),
      closed: (count) => told.push(["closed", count]),
      retried: ({ retries }) => told.push(["retried", retries]),
      failed: ({ length }) => told.push(["failed", length]),
    },
  });
  const socket = kcm.socket();
  const t = new Duplex();
  t.failure = new Error("no");
  kcm.attach(t, { parser });
  await socket.send(wire("1")).catch(() => {});
  await socket.close();
  assertEquals(told, [["opened", 1], ["attached", 1], ["unattached", 1, "no"], ["failed", 3], ["closed", 0]]);
});

test("no rejection is left unhandled, whatever ends first", async () => {
  const unhandled = await unhandledRejections(async () => {
    for (const order of ["abort", "close", "unattach", "fail", "cancel"]) {
      const { kcm, socket, ends: [t] } = setUp(1);
      t!.isSlow = true;
      const writer = socket.writable.getWriter();
      const writes = Promise.allSettled([writer.write(wire("1")), writer.write(wire("2")), writer.close()]);
      const attachment = kcm.attach(new Duplex(), { parser });
      if (order === "abort") kcm.abort(new Error("whatever"));
      if (order === "close") await socket.close();
      if (order === "unattach") await attachment.unattach();
      if (order === "fail") t!.controller.error(new Error("whatever"));
      if (order === "cancel") await socket.readable.cancel();
      t!.take();
      await turns();
      kcm.abort();
      await writes;
    }
  });
  assertEquals(unhandled, []);
});

function aborting(): { signal: AbortSignal; reason: Error; abort: () => void } {
  const controller = new AbortController();
  const reason = new Error("aborted");
  return { signal: controller.signal, reason, abort: () => controller.abort(reason) };
}
