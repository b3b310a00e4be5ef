/** `send` that waits for the reply: issue 6, demand 3. */
import { test } from "node:test";
import { assertEquals, assertRejects } from "@std/assert";
import {
  KcmError,
  type KcmSocket,
  Multiplexor,
  type MultiplexorOptions,
  receiveSocket,
  type ReplyMatcher,
} from "../../src/kcm/mod.ts";
import { ManualClock } from "../../src/sim/manual_clock.ts";
import { isSettled, turns } from "../support/turns.ts";
import { Duplex } from "./duplex.ts";
import { bodyOf, parser, wire } from "./support.ts";

function setUp(
  count = 1,
  options: MultiplexorOptions = {},
): { kcm: Multiplexor; socket: KcmSocket; clock: ManualClock; ends: Duplex[]; t: Duplex } {
  const clock = new ManualClock();
  const kcm = new Multiplexor({ clock, ...options });
  const socket = kcm.socket();
  const ends = Array.from({ length: count }, () => new Duplex());
  for (const end of ends) kcm.attach(end, { parser });
  return { kcm, socket, clock, ends, t: ends[0]! };
}

async function ask(socket: KcmSocket, body: string, reply: ReplyMatcher, signal?: AbortSignal): Promise<string> {
  const receipt = await socket.send(wire(body), { reply, signal });
  return bodyOf(receipt.reply!);
}

const codeOf = (error: unknown): unknown => (error as { code?: unknown }).code;

test("next: replies come in the order of requests, to whoever asked and to no channel", async () => {
  const { kcm, socket, t } = setUp();
  const other = kcm.socket();
  const asked = ["a", "b", "c"].map((body) => ask(socket, body, "next"));
  await turns();
  assertEquals([t.bodies, await isSettled(asked[0]!)], [["a", "b", "c"], false]);
  t.send("re a", "re b");
  assertEquals(await Promise.all(asked.slice(0, 2)), ["re a", "re b"]);
  t.send("re c", "not asked for");
  assertEquals([await asked[2], bodyOf((await socket.receive())!.message)], ["re c", "not asked for"]);
  assertEquals([other.tryReceive(), kcm.stats.answered, kcm.stats.awaitedReplies], [undefined, 3, 0]);
  assertEquals(kcm.stats.rxMessages, 1);
});

test("a pattern or a function finds the reply among others, whatever their order; the rest is steered", async () => {
  const { socket, t } = setUp();
  const one = ask(socket, "1?", { offset: 2, bytes: new TextEncoder().encode("1") });
  const two = ask(socket, "2?", (message) => bodyOf(message).startsWith("2"));
  await turns();
  t.send("3 news", "2 yes", "1 no", "1 again");
  assertEquals(await Promise.all([one, two]), ["1 no", "2 yes"]);
  assertEquals(bodyOf((await socket.receive())!.message), "3 news");
  assertEquals(bodyOf((await socket.receive())!.message), "1 again");
});

test("each connection has its own line: a reply answers what went out on its connection", async () => {
  const { socket, ends: [t, u] } = setUp(2);
  const asked = Promise.all(["a", "b"].map((body) => ask(socket, body, "next")));
  await turns();
  assertEquals([t!.bodies.length, u!.bodies.length], [1, 1]);
  u!.send(`re ${u!.bodies[0]}`);
  t!.send(`re ${t!.bodies[0]}`);
  assertEquals(await asked, ["re a", "re b"]);
});

test("a reply that comes before the driver says that the request was written answers it all the same", async () => {
  const { kcm, socket, t } = setUp();
  t.isSlow = true;
  const asked = ask(socket, "a", "next");
  await turns();
  t.send("re a");
  assertEquals(await asked, "re a");
  t.failure = Object.assign(new Error("reset"), { code: "ECONNRESET" });
  t.take();
  await turns();
  assertEquals([kcm.stats.failedMessages, kcm.stats.retries, kcm.stats.awaitedReplies], [0, 0, 0]);
});

test("the connection is over before the reply came: an error that says what it failed with; it is not sent again", async () => {
  const { socket, ends: [t, u] } = setUp(2);
  const reason = Object.assign(new Error("reset"), { code: "ECONNRESET" });
  const asked = socket.send(wire("a"), { reply: "next", retry: "always" }).catch((error) => error);
  await turns();
  t!.controller.error(reason);
  const error = await asked;
  assertEquals([codeOf(error), error.bytesWritten, error.cause, error.connection.id], ["ECONNRESET", 3, reason, 1]);
  const ended = ask(socket, "b", "next").catch(codeOf);
  await turns();
  u!.controller.close();
  assertEquals([await ended, u!.bodies], ["ECONNABORTED", ["b"]]);
});

test("half open: no reply can come once the peer has ended", async () => {
  const kcm = new Multiplexor({ clock: new ManualClock(), holdOpen: true });
  const socket = kcm.socket();
  const t = new Duplex();
  kcm.attach(t, { parser, halfOpen: true });
  const before = ask(socket, "a", "next").catch(codeOf);
  await turns();
  t.controller.close();
  assertEquals(await before, "ECONNABORTED");
  assertEquals(await ask(socket, "b", "next").catch(codeOf), "ECONNABORTED");
  assertEquals((await socket.send(wire("c"))).reply, undefined);
  assertEquals(t.bodies, ["a", "b", "c"]);
});

test("a signal ends the wait; by order the late reply is nobody else's, and goes to a channel", async () => {
  const { kcm, socket, t } = setUp();
  const controller = new AbortController();
  const given = ask(socket, "slow", "next", controller.signal).catch((reason) => reason);
  const never = ask(socket, "x", () => false, controller.signal).catch((reason) => reason);
  const next = ask(socket, "fast", "next");
  await turns();
  controller.abort("enough");
  assertEquals(await Promise.all([given, never]), ["enough", "enough"]);
  await turns();
  assertEquals(kcm.stats.awaitedReplies, 2);
  t.send("re slow", "re fast");
  assertEquals([await next, bodyOf((await socket.receive())!.message)], ["re fast", "re slow"]);
  assertEquals(kcm.stats.awaitedReplies, 0);
});

test("a signal while the request is being written ends the wait for the reply as well", async () => {
  const { kcm, socket, t } = setUp();
  t.isSlow = true;
  const controller = new AbortController();
  const given = ask(socket, "a", () => true, controller.signal).catch((reason) => reason);
  await turns();
  controller.abort("enough");
  t.take();
  await turns();
  assertEquals([await given, t.bodies, kcm.stats.awaitedReplies], ["enough", ["a"], 0]);
  t.send("re a");
  assertEquals(bodyOf((await socket.receive())!.message), "re a");
});

test("closing the socket ends its waits; others on the connection still get their own replies", async () => {
  const { kcm, socket, t } = setUp();
  const other = kcm.socket();
  const mine = ask(socket, "mine", "next").catch(codeOf);
  const theirs = ask(other, "theirs", "next");
  await turns();
  await socket.close();
  assertEquals(await mine, "ECANCELED");
  t.send("re mine", "re theirs");
  assertEquals([await theirs, bodyOf((await other.receive())!.message)], ["re theirs", "re mine"]);
});

test("closing while the request is being written: the wait ends when it is written", async () => {
  const { kcm, socket, t } = setUp();
  kcm.socket();
  t.isSlow = true;
  const mine = ask(socket, "mine", "next").catch(codeOf);
  await turns();
  await socket.close();
  t.take();
  assertEquals([await mine, t.bodies], ["ECANCELED", ["mine"]]);
});

test("draining a socket or the multiplexor waits for replies, until the deadline", async () => {
  const { socket, t } = setUp();
  const asked = ask(socket, "a", "next");
  const closed = socket.close({ drain: true });
  await turns();
  assertEquals(await isSettled(closed), false);
  t.send("re a");
  assertEquals(await asked, "re a");
  await closed;
  const all = setUp();
  const second = ask(all.socket, "b", "next");
  const over = all.kcm.drain();
  await turns();
  assertEquals(all.t.isClosed, false);
  all.t.send("re b");
  assertEquals(await second, "re b");
  await over;
  await turns();
  assertEquals(all.t.isClosed, true);
  const late = setUp();
  const third = ask(late.socket, "c", "next").catch(codeOf);
  const given = late.socket.close({ drain: true, deadlineMs: 50 });
  await turns();
  late.clock.advance(50);
  await given;
  assertEquals(await third, "ETIMEDOUT");
});

test("maxAwaitedReplies: more are refused before anything is sent; what makes no sense as well", async () => {
  const { socket, t } = setUp(1, { maxAwaitedReplies: 2 });
  const asked = [ask(socket, "a", "next"), ask(socket, "b", "next")];
  const error = await assertRejects(() => ask(socket, "c", "next"), KcmError, "maxAwaitedReplies 2");
  assertEquals(codeOf(error), "ENOBUFS");
  await turns();
  t.send("re a", "re b");
  await Promise.all(asked);
  assertEquals([t.bodies, await isSettled(ask(socket, "d", "next"))], [["a", "b"], false]);
  for (const wrong of ["first", 1, {}, { offset: -1, bytes: wire("") }, { offset: 0, bytes: "a" }]) {
    await assertRejects(() => ask(socket, "e", wrong as ReplyMatcher), TypeError, "reply must be");
  }
  const linux = setUp(1, { compat: "linux" });
  assertEquals(await ask(linux.socket, "a", "next").catch(codeOf), "EOPNOTSUPP");
});

test("parts: the one that ends the message says which reply; a refused one takes the whole message along", async () => {
  const { socket, t } = setUp(1, { maxAwaitedReplies: 1 });
  await socket.send(wire("abcd").subarray(0, 3), { more: true });
  const asked = socket.send(wire("abcd").subarray(3), { reply: "next" });
  await socket.send(wire("ef").subarray(0, 3), { more: true });
  assertEquals(await socket.send(wire("ef").subarray(3), { reply: "next" }).catch(codeOf), "ENOBUFS");
  await socket.send(wire("g"));
  t.send("re");
  assertEquals([bodyOf((await asked).reply!), t.bodies, socket.queuedBytes], ["re", ["abcd", "g"], 0]);
});

test("a function that throws ends its own wait with that, and nothing else", async () => {
  for (const isSlow of [false, true]) {
    const { kcm, socket, t } = setUp();
    const mine = new Error("mine");
    t.isSlow = isSlow;
    const asked = ask(socket, "a", () => {
      throw mine;
    }).catch((error) => error);
    await turns();
    t.send("b");
    assertEquals([await asked, bodyOf((await socket.receive())!.message)], [mine, "b"]);
    t.take();
    await turns();
    assertEquals([kcm.stats.answered, kcm.stats.awaitedReplies, kcm.stats.connections], [0, 0, 1]);
    assertEquals(t.bodies, ["a"]);
  }
});

test("in a worker: by order and by pattern, signals, ends of connections; functions cannot go there", async () => {
  const kcm = new Multiplexor({ holdOpen: true });
  const { port1, port2 } = new MessageChannel();
  const handed = kcm.hand(port1);
  const socket = await receiveSocket(port2);
  const [t, u] = [new Duplex(), new Duplex()];
  kcm.attach(t, { parser, label: "t" });
  const asked = socket.send(wire("a"), { reply: "next" });
  const pattern = socket.send(wire("b"), { reply: { offset: 2, bytes: new TextEncoder().encode("B") } });
  while (t.bodies.length < 2) await turns();
  t.send("re a", "other", "B!");
  const { reply, connection } = await asked;
  assertEquals([bodyOf(reply!), connection?.label, reply!.connection === connection], ["re a", "t", true]);
  assertEquals([bodyOf((await pattern).reply!), bodyOf((await socket.receive())!.message)], ["B!", "other"]);
  assertEquals(await socket.send(wire("c"), { reply: () => true }).catch(codeOf), "EOPNOTSUPP");
  const controller = new AbortController();
  const given = socket.send(wire("d"), { reply: () => true, signal: controller.signal }).catch(codeOf);
  assertEquals(await given, "EOPNOTSUPP");
  const waiting = socket.send(wire("e"), { reply: "next" }).catch(codeOf);
  while (t.bodies.length < 3) await turns();
  t.controller.error(Object.assign(new Error("reset"), { code: "ECONNRESET" }));
  assertEquals(await waiting, "ECONNRESET");
  kcm.attach(u, { parser });
  const last = socket.send(wire("f"), { reply: "next" });
  const closed = socket.close({ drain: true });
  while (u.bodies.length < 1) await turns();
  u.send("re f");
  assertEquals(bodyOf((await last).reply!), "re f");
  await Promise.all([closed, handed.closed]);
  assertEquals([kcm.stats.awaitedReplies, kcm.stats.answered], [0, 3]);
  kcm.abort();
});
