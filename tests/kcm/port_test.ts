/** Channels on the other end of a port, without a worker, so that both ends can be looked at. */
import { test } from "node:test";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  fifo,
  type HandedSocket,
  KcmError,
  type KcmSocket,
  Multiplexor,
  type MultiplexorOptions,
  type PortLike,
  receiveSocket,
  sticky,
} from "../../src/kcm/mod.ts";
import type { KcmSocketOptions } from "../../src/kcm/mod.ts";
import { isSettled, turns } from "../support/turns.ts";
import { Duplex } from "./duplex.ts";
import { bodies } from "./feed.ts";
import { bodyOf, parser, wire } from "./support.ts";

/** Two ends by call: what is posted arrives in a microtask, cloned. */
class Line implements PortLike {
  peer!: Line;
  isClosed = false;
  /** Whether what comes here waits. */
  isStopped = false;
  readonly posted: unknown[] = [];
  readonly #listeners: ((event: { data?: unknown }) => void)[] = [];
  readonly #early: unknown[] = [];
  readonly #closeListeners: (() => void)[] = [];

  static pair(): [Line, Line] {
    const [a, b] = [new Line(), new Line()];
    a.peer = b;
    b.peer = a;
    return [a, b];
  }

  postMessage(value: unknown, transfer: ArrayBuffer[]): void {
    if (this.isClosed) return;
    const data = structuredClone(value, { transfer });
    this.posted.push(data);
    queueMicrotask(() => this.peer.#deliver(data));
  }

  addEventListener(type: string, listener: (event: { data?: unknown }) => void): void {
    if (type === "close") this.#closeListeners.push(() => listener({}));
    if (type !== "message") return;
    this.#listeners.push(listener);
    for (const data of this.#early.splice(0)) listener({ data });
  }

  close(): void {
    this.isClosed = true;
  }

  /** The runtime says that the other end is closed. */
  tellClosed(): void {
    for (const closed of this.#closeListeners) closed();
  }

  /** What came while `isStopped` arrives. */
  goOn(): void {
    this.isStopped = false;
    for (const data of this.#early.splice(0)) this.#deliver(data);
  }

  #deliver(data: unknown): void {
    if (this.isStopped || this.#listeners.length === 0) return void this.#early.push(data);
    for (const listener of this.#listeners) listener({ data });
  }
}

interface SetUp {
  kcm: Multiplexor;
  handed: HandedSocket;
  socket: KcmSocket;
  t: Duplex;
  line: Line;
  far: Line;
}

async function setUp(
  options: Omit<KcmSocketOptions, "batch"> = {},
  multiplexorOptions: MultiplexorOptions = {},
): Promise<SetUp> {
  const kcm = new Multiplexor({ holdOpen: true, ...multiplexorOptions });
  const [line, far] = Line.pair();
  const handed = kcm.hand(line, options);
  const socket = await receiveSocket(far);
  const t = new Duplex();
  kcm.attach(t, { parser, label: "t" });
  return { kcm, handed, socket, t, line, far };
}

const codeOf = (error: unknown): unknown => (error as { code?: unknown }).code;

test("messages come with their connection, one object for all of them, and their sequence", async () => {
  const { socket, t, kcm } = await setUp();
  t.send("1", "2");
  const parts = [(await socket.receive())!, (await socket.receive())!];
  assertEquals(parts.map(({ message }) => [bodyOf(message), message.sequence]), [["1", 0], ["2", 1]]);
  const [a, b] = parts.map(({ message }) => message.connection);
  assertEquals([a === b, a!.id, a!.label], [true, 1, "t"]);
  await turns();
  assertEquals([socket.stats.rxMessages, kcm.bufferedBytes], [2, 0]);
});

test("what is under way is bounded by highWaterMark, and its connection waits; reading lets more come", async () => {
  const { handed, socket, t, kcm } = await setUp({ highWaterMark: 400 });
  for (let i = 0; i < 20; i++) t.send(`${i}`);
  await turns();
  assert(handed.bufferedBytes <= 400 + 200, `${handed.bufferedBytes}`);
  assert(kcm.stats.rxMessages < 6);
  const got: string[] = [];
  while (got.length < 20) got.push(bodyOf((await socket.receive())!.message));
  assertEquals(got, Array.from({ length: 20 }, (_, i) => `${i}`));
  await turns();
  assertEquals([handed.bufferedBytes, kcm.bufferedBytes], [0, 0]);
});

test("send resolves when written, names the connection, and goes back by via; errors come with their counts", async () => {
  const { socket, t, kcm } = await setUp();
  const u = new Duplex();
  kcm.attach(u, { parser });
  u.send("ask");
  const { message } = (await socket.receive())!;
  const { connection, length } = await socket.send(wire("reply"), { via: message.connection });
  assertEquals([connection?.id, length, u.bodies, t.bodies], [2, 7, ["reply"], []]);
  u.failure = Object.assign(new Error("reset"), { code: "ECONNRESET" });
  const error = await assertRejects(() => socket.send(wire("lost"), { via: message.connection }), KcmError);
  assertEquals([error.code, error.bytesWritten, error.bytesInFlight], ["ECONNRESET", 0, 6]);
  await turns();
  const gone = await assertRejects(() => socket.send(wire("late"), { via: message.connection }), KcmError);
  assertEquals(gone.code, "ENOTCONN");
});

test("parts are joined; a message that is too long fails alone; without room sends wait", async () => {
  const { socket, t } = await setUp({ sendBufferBytes: 6 }, { maxSendLength: 10 });
  await socket.send(wire("abcd").subarray(0, 3), { more: true });
  await socket.send(wire("abcd").subarray(3));
  assertEquals(t.bodies, ["abcd"]);
  assertEquals(codeOf(await socket.send(wire("much too long")).catch((error) => error)), "EMSGSIZE");
  t.isSlow = true;
  const all = ["12345", "6", "7"].map((body) => socket.send(wire(body)));
  assertEquals(socket.queuedBytes, 7);
  t.isSlow = false;
  await turns();
  t.take();
  await Promise.all(all);
  assertEquals(t.bodies, ["abcd", "12345", "6", "7"]);
});

test("the writable works there, and closing it waits until everything is written", async () => {
  const { socket, t } = await setUp();
  const writer = socket.writable.getWriter();
  t.isSlow = true;
  await writer.write([wire("1"), wire("2")]);
  const closed = writer.close();
  assertEquals(await isSettled(closed), false);
  t.isSlow = false;
  t.take();
  await closed;
  assertEquals(t.bodies, ["1", "2"]);
});

test("a signal withdraws what has not begun; close fails it, close with drain sends it", async () => {
  const { socket, t } = await setUp();
  t.isSlow = true;
  const controller = new AbortController();
  const begun = socket.send(wire("begun"));
  const not = socket.send(wire("not"), { signal: controller.signal }).catch((error) => error);
  await turns();
  controller.abort("enough");
  assertEquals(await not, "enough");
  const drained = socket.send(wire("drained"));
  const closed = socket.close({ drain: true });
  t.isSlow = false;
  await turns();
  t.take();
  await Promise.all([begun, drained, closed]);
  assertEquals(t.bodies, ["begun", "drained"]);
});

test("disabled: what was not read, and what is under way, goes to others; nothing is lost or doubled", async () => {
  const { kcm, socket, t, handed } = await setUp();
  t.send("1", "2", "3");
  assertEquals(bodyOf((await socket.receive())!.message), "1");
  const other = kcm.socket();
  socket.disableReceive();
  t.send("4", "5");
  const got: string[] = [];
  while (got.length < 4) got.push(bodyOf((await other.receive())!.message));
  assertEquals(got.toSorted(), ["2", "3", "4", "5"]);
  await other.close();
  socket.enableReceive();
  t.send("6");
  assertEquals(bodyOf((await socket.receive())!.message), "6");
  await turns();
  assertEquals([handed.bufferedBytes, kcm.bufferedBytes], [0, 0]);
});

test("the rest of a message that was read in part goes to another channel", async () => {
  const { kcm, socket, t } = await setUp({ type: "seqpacket" });
  t.send("abcdef", "next");
  await socket.receive({ maxLength: 6 });
  await socket.close();
  const other = kcm.socket();
  const rest = (await other.receive())!;
  assertEquals([new TextDecoder().decode(rest.data), bodyOf((await other.receive())!.message)], ["ef", "next"]);
});

test("close of the other side: the worker's sends are written first; abort gives everything unread to others", async () => {
  const { handed, socket, t, kcm } = await setUp();
  t.isSlow = true;
  const sent = socket.send(wire("last"));
  await turns();
  const closed = handed.close();
  assertEquals(await isSettled(closed), false);
  t.take();
  await Promise.all([sent, closed, socket.closed]);
  const second = await setUp();
  second.t.send("1", "2");
  await turns();
  second.handed.abort();
  const other = second.kcm.socket();
  assertEquals([1, 2].map(() => bodyOf(other.tryReceive()!.message)), ["1", "2"]);
  assertEquals([kcm.stats.sockets, second.line.isClosed], [0, true]);
});

test("the end and failures of the multiplexor arrive, after every message", async () => {
  const { kcm, socket, t } = await setUp();
  t.send("1", "2");
  t.controller.close();
  kcm.close();
  assertEquals(await bodies(socket.readable), ["1", "2"]);
  await kcm.finished;
  const failing = await setUp();
  failing.kcm.abort(Object.assign(new Error("enough"), { code: "EWHATEVER" }));
  const error = await failing.socket.receive().catch((reason) => reason);
  assertEquals([codeOf(error), error.message], ["EWHATEVER", "enough"]);
});

test("a peer that does not speak the language is closed, and what it had goes to others", async () => {
  for (
    const nonsense of [null, { type: "what" }, { type: "read", weight: 1e9 }, { type: "send", bytes: 1, messages: 2 }]
  ) {
    const { handed, kcm, t, far } = await setUp();
    t.send("1");
    await turns();
    far.postMessage(nonsense, []);
    await handed.closed;
    assertEquals(bodyOf(kcm.socket().tryReceive()!.message), "1");
  }
  const [line, far] = Line.pair();
  line.postMessage({ type: "what" }, []);
  assertEquals(codeOf(await receiveSocket(far).catch((error) => error)), "EPROTO");
});

test("a port that is closed before the channel came rejects; later it fails all that is under way", async () => {
  const [, far] = Line.pair();
  const waiting = receiveSocket(far).catch(codeOf);
  far.tellClosed();
  assertEquals(await waiting, "ECONNABORTED");
  const { kcm, socket, t, far: end } = await setUp();
  t.isSlow = true;
  const [first, sent, asked] = [
    socket.receive(),
    socket.send(wire("a")).catch((error) => [error.code, error.blame]),
    socket.send(wire("b"), { reply: "next" }).catch(codeOf),
  ];
  t.send("1", "2");
  assertEquals(bodyOf((await first)!.message), "1");
  await turns();
  end.tellClosed();
  assertEquals([await sent, await asked], [["ECONNABORTED", "remote"], "ECONNABORTED"]);
  await socket.closed;
  // the multiplexor has given message 2 to others, or is gone
  assertEquals(await socket.receive().catch(codeOf), "ECONNABORTED");
  assertEquals(await socket.send(wire("c")).catch(codeOf), "ECONNABORTED");
  assertEquals(await bodies(socket.readable).catch(codeOf), "ECONNABORTED");
  end.tellClosed();
  kcm.abort();
});

test("a worker that sends more than there is room for, or messages of no length, is closed", async () => {
  const frame = { id: 1, length: 8, via: undefined, batch: undefined, key: undefined, retry: undefined };
  for (const [length, bytes] of [[8, 8], [0, 0], [8, 7], [-1, 8]] as const) {
    const { handed, kcm, t, far } = await setUp({ sendBufferBytes: 30 }, { maxSendLength: 20 });
    t.isSlow = true;
    let sent = 0;
    while (!(far.peer.isClosed || sent > 100)) {
      sent++;
      far.postMessage({ type: "send", bytes: new Uint8Array(bytes), messages: [{ ...frame, id: sent, length }] }, []);
      await turns(1);
    }
    // 4 of 8 bytes in the engine, 6 waiting
    assertEquals(sent, length === bytes && length > 0 ? 11 : 1);
    await handed.closed;
    kcm.abort();
  }
});

test("a signal ends the wait for a channel that does not come, and closes the port; later it does nothing", async () => {
  const gone = AbortSignal.abort("gone");
  const [, early] = Line.pair();
  assertEquals([await receiveSocket(early, { signal: gone }).catch((reason) => reason), early.isClosed], [
    "gone",
    true,
  ]);
  const [line, far] = Line.pair();
  const controller = new AbortController();
  const waiting = receiveSocket(far, { signal: controller.signal }).catch((reason) => reason);
  controller.abort("enough");
  assertEquals([await waiting, far.isClosed, line.isClosed], ["enough", true, false]);
  const kcm = new Multiplexor({ holdOpen: true });
  const [here, there] = Line.pair();
  kcm.hand(here);
  const later = new AbortController();
  const socket = await receiveSocket(there, { signal: later.signal });
  later.abort();
  assertEquals([there.isClosed, await isSettled(socket.closed)], [false, false]);
  kcm.abort();
});

test("a reply that arrives when its sender has ended the wait goes to a channel, as without a worker", async () => {
  for (const policy of [fifo(), sticky()]) {
    const { kcm, socket, t, far } = await setUp({}, { policy });
    const controller = new AbortController();
    const [asked, other] = [
      socket.send(wire("a?"), { reply: "next", signal: controller.signal }).catch((reason) => reason),
      socket.send(wire("b?"), { reply: "next" }),
    ];
    await turns();
    // both are answered; the worker does not know when it ends its wait for the first
    far.isStopped = true;
    t.send("a!", "b!");
    await turns();
    controller.abort("enough");
    assertEquals([await asked, kcm.stats.answered], ["enough", 2]);
    far.goOn();
    assertEquals(bodyOf((await other).reply!), "b!");
    assertEquals(bodyOf((await socket.receive())!.message), "a!");
    assertEquals([kcm.stats.answered, kcm.stats.awaitedReplies, kcm.stats.rxMessages], [1, 0, 1]);
    kcm.abort();
  }
});

test("replies that a worker did not come to read go to others when it is gone", async () => {
  const { kcm, handed, socket, t, far } = await setUp();
  const asked = socket.send(wire("a?"), { reply: "next" }).catch(codeOf);
  await turns();
  // from now on it says nothing
  far.isClosed = true;
  t.send("a!");
  await turns();
  handed.abort();
  assertEquals(bodyOf(kcm.socket().tryReceive()!.message), "a!");
  assertEquals([kcm.stats.answered, kcm.stats.awaitedReplies], [0, 0]);
  far.tellClosed();
  await asked;
  kcm.abort();
});

test("a worker that does not say what became of its replies gets no more of them than it may hold", async () => {
  const { kcm, t, far } = await setUp({ highWaterMark: 400 });
  const frame = { via: undefined, batch: undefined, key: undefined, retry: undefined, reply: "next" as const };
  const ask = async (id: number) => {
    const bytes = wire("?");
    far.postMessage({ type: "send", bytes, messages: [{ ...frame, id, length: bytes.length }] }, []);
    await turns(1);
    if (kcm.stats.awaitedReplies > 0) t.send("!");
    await turns(1);
  };
  for (let id = 0; id < 50; id++) await ask(id);
  const { answered } = kcm.stats;
  assert(answered > 0 && answered < 20, `${answered} answers`);
  assert(kcm.bufferedBytes >= 400, `${kcm.bufferedBytes} bytes`);
  // what had to wait is asked once there is room
  far.postMessage({ type: "replies", wanted: Array.from({ length: answered }, (_, id) => id), unwanted: [] }, []);
  await turns();
  t.send("!");
  await turns();
  assertEquals(kcm.stats.answered, answered + 1);
  kcm.abort();
});

test("a worker that speaks of replies it never got is closed", async () => {
  for (const ids of [{ wanted: [1], unwanted: [] }, { wanted: [], unwanted: [7] }, { wanted: 1, unwanted: 2 }]) {
    const { handed, kcm, far } = await setUp();
    far.postMessage({ type: "replies", ...ids }, []);
    await handed.closed;
    kcm.abort();
  }
});

test("wrong options of receive reject", async () => {
  const { kcm, socket } = await setUp();
  await assertRejects(() => socket.receive({ maxLength: -1 }), RangeError);
  await assertRejects(() => socket.receive({ maxLength: "1" as unknown as number }), TypeError);
  kcm.abort();
});

test("what cannot be done there says so; weight and load are told", async () => {
  const { kcm, socket } = await setUp();
  assertEquals(codeOf(assertThrows(() => void socket.clone(), KcmError)), "EOPNOTSUPP");
  assertThrows(() => socket.weight = 0, RangeError);
  socket.weight = 3;
  socket.load = 4;
  assertEquals([socket.weight, socket.load, socket.index], [3, 4, 0]);
  await turns();
  kcm.abort();
});
