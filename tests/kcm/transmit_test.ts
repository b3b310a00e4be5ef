// Sending, without compat: cases K47 to K81, K83, K88 to K91.
import { test } from "node:test";
import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { KcmError, MultiplexorEngine, type MultiplexorLimits, sticky } from "../../src/kcm/mod.ts";
import { reset, Sender, Wire } from "./sending.ts";
import { TestSocket, wire } from "./support.ts";

function two(options: MultiplexorLimits = {}): { engine: MultiplexorEngine; t: Wire; u: Wire; k0: Sender } {
  const engine = new MultiplexorEngine(options);
  return { engine, t: new Wire(engine), u: new Wire(engine), k0: new Sender(engine) };
}

function send(sender: Sender, ...bodies: string[]): number[] {
  return bodies.map((body) => sender.port.send(wire(body), { tag: body }));
}

test("K47 a message is written at once, and counted everywhere", () => {
  const engine = new MultiplexorEngine();
  const t = new Wire(engine);
  const k0 = new Sender(engine);
  assertEquals(send(k0, "abc"), [5]);
  assertEquals([t.bodies, k0.events], [["abc"], ["written abc"]]);
  assertEquals([k0.port.stats.txMessages, k0.port.stats.txBytes], [1, 5]);
  assertEquals(t.port.transmitStats, { txMessages: 1, txBytes: 5, reserved: 1, unreserved: 1, aborts: 0 });
  assertEquals([engine.stats.txMessages, engine.stats.txBytes], [1, 5]);
});

test("K48 without a connection a message waits for the first", () => {
  const engine = new MultiplexorEngine();
  const k0 = new Sender(engine);
  assertEquals(send(k0, "abc"), [5]);
  assertEquals([k0.port.queuedMessages, k0.port.queuedBytes, engine.stats.sendBytes], [1, 5, 5]);
  const t = new Wire(engine);
  assertEquals([t.bodies, k0.events], [["abc"], ["written abc"]]);
  assertEquals([k0.port.queuedMessages, k0.port.queuedBytes, engine.stats.sendBytes], [0, 0, 0]);
});

test("K49 messages go out on the connections in turn", () => {
  const { t, u, k0 } = two();
  send(k0, "1", "2", "3", "4");
  assertEquals([t.bodies, u.bodies], [["1", "3"], ["2", "4"]]);
});

test("K50 a connection that was used goes to the end of the line", () => {
  const { engine, t, u, k0 } = two();
  const v = new Wire(engine);
  send(k0, "1", "2", "3", "4");
  assertEquals([t.bodies, u.bodies, v.bodies], [["1", "4"], ["2"], ["3"]]);
});

test("K51 a datagram socket joins what is sent with MORE", () => {
  const { t, k0 } = two();
  assertEquals(k0.port.send(Uint8Array.of(0, 2, 97), { more: true }), 3);
  assertEquals(t.bytes, []);
  assertEquals(k0.port.send(Uint8Array.of(98)), 1);
  assertEquals([t.bodies, k0.port.stats.txMessages, k0.port.stats.txBytes], [["ab"], 1, 4]);
});

test("K52 a seqpacket socket's message ends with EOR only", () => {
  const engine = new MultiplexorEngine();
  const t = new Wire(engine);
  const k0 = new Sender(engine, { type: "seqpacket" });
  k0.port.send(Uint8Array.of(0, 2, 97));
  k0.port.send(Uint8Array.of(98));
  assertEquals([t.bytes, k0.port.stats.txMessages], [[], 0]);
  assertEquals(k0.port.send(new Uint8Array(0), { eor: true }), 0);
  assertEquals([t.bodies, k0.port.stats.txMessages], [["ab"], 1]);
});

test("K53 K54 an empty send makes no message", () => {
  const engine = new MultiplexorEngine();
  const t = new Wire(engine);
  for (const type of ["seqpacket", "datagram"] as const) {
    const k0 = new Sender(engine, { type });
    assertEquals(k0.port.send(new Uint8Array(0), { eor: true }), 0);
    assertEquals([t.bytes, t.port.transmitStats.reserved, k0.events], [[], 0, []]);
  }
});

test("K55 a batch leaves together, on one connection", () => {
  const { t, u, k0 } = two();
  k0.port.send(wire("1"), { batch: true });
  k0.port.send(wire("2"), { batch: true });
  assertEquals([t.bytes, k0.port.queuedMessages], [[], 2]);
  k0.port.send(wire("3"));
  assertEquals([t.bodies, u.bodies, t.port.transmitStats.reserved], [["1", "2", "3"], [], 1]);
});

test("K56 a batch that is not closed is given up with its socket", () => {
  const { t, k0 } = two();
  k0.port.send(wire("1"), { batch: true, tag: 1 });
  k0.port.close();
  assertEquals([t.bytes, t.outcome, k0.events], [[], undefined, ["failed 1 ECANCELED 0"]]);
});

test("K57 a full queue pushes the batch out first", () => {
  const engine = new MultiplexorEngine();
  const t = new Wire(engine);
  const k0 = new Sender(engine, { sendBufferBytes: 3 });
  k0.port.send(wire("1"), { batch: true, tag: 1 });
  assertEquals(k0.port.send(wire("2"), { tag: 2 }), 0);
  assertEquals([t.bodies, k0.events], [["1"], ["written 1", "writable"]]);
  assertEquals(k0.port.send(wire("2"), { tag: 2 }), 3);
  assertEquals(t.bodies, ["1", "2"]);
});

test("K58 K59 K83 a message that is half written waits for room, and totals are live", () => {
  const engine = new MultiplexorEngine();
  const t = new Wire(engine, 3);
  const k0 = new Sender(engine);
  assertEquals(send(k0, "abcdef"), [8]);
  assertEquals([t.bytes.length, k0.events, k0.port.queuedBytes], [3, [], 8]);
  assertEquals(t.port.transmitStats, { txMessages: 0, txBytes: 3, reserved: 1, unreserved: 0, aborts: 0 });
  t.more();
  assertEquals([t.bodies, k0.events], [["abcdef"], ["written abcdef"]]);
  assertEquals(t.port.transmitStats, { txMessages: 1, txBytes: 8, reserved: 1, unreserved: 1, aborts: 0 });
  assertEquals([engine.stats.txMessages, engine.stats.txBytes], [1, 8]);
});

test("K60 what has not begun does not wait behind a blocked connection", () => {
  const engine = new MultiplexorEngine();
  const [t, u] = [new Wire(engine, 3), new Wire(engine)];
  const k0 = new Sender(engine);
  send(k0, "abcdef", "x");
  assertEquals([t.bodies, u.bodies], [["+3"], ["x"]]);
});

test("K60 messages that a connection was given and cannot write go elsewhere", () => {
  const engine = new MultiplexorEngine();
  const t = new Wire(engine, 6);
  const k0 = new Sender(engine);
  const busy = new Sender(engine);
  t.room = 3;
  busy.onEvent = () => send(k0, "1", "2", "3");
  send(busy, "a");
  const u = new Wire(engine);
  assertEquals([t.bodies, u.bodies], [["a"], ["1", "2", "3"]]);
});

test("K60 what a connection's driver does not pull when it is told goes to one that does", () => {
  const engine = new MultiplexorEngine();
  const idle = engine.attach({ parser: { name: "none", parse: () => 0 } }, { pullable: () => {} });
  const k0 = new Sender(engine);
  send(k0, "1", "2");
  assertEquals([idle.backlogBytes, k0.events], [0, []]);
  assertEquals([new Wire(engine).bodies, k0.events], [["1", "2"], ["written 1", "written 2"]]);
});

test("K60 what stands behind a write that takes long goes to the first connection that is idle", () => {
  const engine = new MultiplexorEngine();
  const [t, u] = [new Wire(engine), new Wire(engine)];
  t.isSlow = u.isSlow = true;
  const k0 = new Sender(engine);
  send(k0, "1", "2", "3", "4");
  assertEquals([t.port.backlogBytes, u.port.backlogBytes], [6, 6]);
  u.isSlow = false;
  u.land();
  u.write();
  assertEquals([t.port.backlogBytes, u.bodies], [3, ["2", "4", "3"]]);
});

test("K61 another socket uses the free connection", () => {
  const engine = new MultiplexorEngine();
  const [t, u] = [new Wire(engine, 3), new Wire(engine)];
  send(new Sender(engine), "abcdef");
  send(new Sender(engine), "x");
  assertEquals([t.bodies, u.bodies], [["+3"], ["x"]]);
});

test("K62 sockets that wait are served in turn", () => {
  const engine = new MultiplexorEngine();
  const t = new Wire(engine, 2);
  const [k0, k1, k2] = [new Sender(engine), new Sender(engine), new Sender(engine)];
  send(k0, "AA");
  send(k1, "BB", "bb");
  send(k2, "CC");
  t.more();
  assertEquals(t.bodies, ["AA", "BB", "CC", "bb"]);
});

test("K63 with one connection blocked the other takes the rest", () => {
  const engine = new MultiplexorEngine();
  const [t, u] = [new Wire(engine, 0), new Wire(engine)];
  const k0 = new Sender(engine);
  send(k0, "aa", "bb", "cc");
  t.more();
  assertEquals(u.bodies.concat(t.bodies).toSorted(), ["aa", "bb", "cc"]);
  assertEquals(u.bodies.includes("bb") && u.bodies.includes("cc"), true);
});

test("K64 with `always` a half-written message is sent whole on another connection", () => {
  const engine = new MultiplexorEngine();
  const [t, u] = [new Wire(engine, 3), new Wire(engine)];
  const k0 = new Sender(engine, { retry: "always" });
  send(k0, "abcdef");
  const error = reset();
  t.failure = error;
  t.write();
  assertEquals([t.bodies, u.bodies], [["+3"], ["abcdef"]]);
  assertEquals(k0.events, ["retried abcdef", "written abcdef"]);
  assertEquals([t.port.transmitStats.txMessages, t.port.transmitStats.txBytes, engine.stats.retries], [0, 3, 1]);
  assertEquals([engine.stats.txMessages, engine.stats.txBytes], [1, 8]);
  assertStrictEquals(t.outcome!.error, error);
});

test("K65 without another connection it waits for one", () => {
  const engine = new MultiplexorEngine();
  const t = new Wire(engine, 3);
  const k0 = new Sender(engine, { retry: "always" });
  send(k0, "abcdef");
  t.port.fail(reset());
  assertEquals(k0.port.queuedMessages, 1);
  assertEquals(new Wire(engine).bodies, ["abcdef"]);
});

test("K66 unattaching a connection in the middle of a message begins it again elsewhere", () => {
  const engine = new MultiplexorEngine();
  const [t, u] = [new Wire(engine, 3), new Wire(engine)];
  const k0 = new Sender(engine, { retry: "always" });
  send(k0, "abcdef");
  t.port.unattach();
  assertEquals([u.bodies, engine.stats.retries, engine.stats.connections], [["abcdef"], 1, 1]);
  assertEquals(t.outcome!.error, undefined);
});

test("K67 K68 an idle connection that goes is no retry", () => {
  const { engine, t, k0 } = two();
  t.port.unattach();
  assertEquals([engine.stats.retries, k0.events], [0, []]);
});

test("K69 closing a socket fails what has not begun and finishes what has", () => {
  const engine = new MultiplexorEngine();
  const t = new Wire(engine, 3);
  const [k0, k1] = [new Sender(engine), new Sender(engine)];
  send(k0, "abcdef", "gone");
  send(k1, "x");
  k0.port.close();
  assertEquals([k0.events, t.outcome], [["failed gone ECANCELED 0"], undefined]);
  t.more();
  assertEquals(t.bodies, ["abcdef", "x"]);
  assertEquals(k0.events, ["failed gone ECANCELED 0", "written abcdef"]);
});

test("K70 an open message is given up with its socket", () => {
  const { engine, t, k0 } = two();
  k0.port.send(wire("abc"), { more: true });
  k0.port.close();
  assertEquals([t.bytes, t.outcome, engine.stats.sendBytes], [[], undefined, 0]);
});

test("K71 K72 a connection that has failed is over in both directions", () => {
  const { engine, t, u, k0 } = two();
  t.port.failSending(reset());
  assertEquals(t.port.push(wire("in"), 0), 0);
  send(k0, "x");
  assertEquals([u.bodies, engine.stats.retries, k0.received], [["x"], 0, []]);
});

test("K73 failWhenUnconnected refuses what nobody could send, and fails what waits", () => {
  const engine = new MultiplexorEngine({ failWhenUnconnected: true });
  const k0 = new Sender(engine);
  assertThrows(() => k0.port.send(wire("x")), KcmError, "no connection");
  const t = new Wire(engine, 0);
  send(k0, "a", "b");
  t.port.fail(reset());
  assertEquals(k0.events, ["failed a ENOTCONN 0", "failed b ENOTCONN 0"]);
});

test("K74 K75 K76 sendBufferBytes is looked at before a message begins", () => {
  const engine = new MultiplexorEngine({ sendBufferBytes: 5 });
  const t = new Wire(engine, 0);
  const k0 = new Sender(engine);
  assertEquals(send(k0, "abc", "d"), [5, 0]);
  assertEquals(k0.port.canSend, false);
  t.more();
  assertEquals(k0.events, ["written abc", "writable"]);
  t.room = 0;
  assertEquals(send(k0, "x".repeat(12)), [14]);
  t.more();
  t.room = 0;
  assertEquals([k0.port.send(Uint8Array.of(0, 7), { more: true }), k0.port.send(new Uint8Array(7))], [2, 7]);
});

test("K77 K79 parts of two senders' messages do not interleave", () => {
  const { engine, t, u, k0 } = two();
  const k1 = new Sender(engine);
  k0.port.send(Uint8Array.of(0, 2, 97), { more: true });
  k1.port.send(Uint8Array.of(0, 2, 120), { more: true });
  k0.port.send(Uint8Array.of(98));
  k1.port.send(Uint8Array.of(121));
  assertEquals([t.bodies, u.bodies], [["ab"], ["xy"]]);
});

test("K78 a pull with nothing to write finds nothing", () => {
  const { t } = two();
  t.write();
  assertEquals([t.port.pull(), t.port.transmitStats.reserved], [[], 0]);
});

test("K80 K81 a message beyond maxSendLength is dropped whole, open parts included", () => {
  const engine = new MultiplexorEngine({ maxSendLength: 8 });
  const t = new Wire(engine);
  const k0 = new Sender(engine);
  k0.port.send(wire("abcd"), { more: true });
  assertThrows(() => k0.port.send(new Uint8Array(3)), KcmError, "message of 9 bytes or more exceeds maxSendLength 8");
  assertEquals([t.bytes, k0.port.queuedBytes, engine.stats.sendBytes], [[], 0, 0]);
  assertEquals(send(k0, "next"), [6]);
  assertEquals(t.bodies, ["next"]);
});

test("K88 a reply goes to the connection of its request, and fails when that is gone", () => {
  const { engine, t, u, k0 } = two();
  const k1 = new TestSocket(engine);
  k0.port.pause();
  u.port.push(wire("request"), 0);
  const { connection } = k1.queue[0]!;
  for (const tag of ["1", "2"]) k0.port.send(wire(tag), { via: connection, tag });
  assertEquals([t.bodies, u.bodies], [[], ["1", "2"]]);
  u.room = 0;
  k0.port.send(wire("3"), { via: connection, tag: "3", retry: "always" });
  u.port.fail(reset());
  assertEquals([k0.events.at(-1), t.bodies], ["failed 3 ECONNRESET 0", []]);
  assertThrows(() => k0.port.send(wire("4"), { via: connection }), KcmError, "gone");
});

test("K89 the retry policy decides about messages whose connection has failed", () => {
  const outcome = (retry: "never" | "ifUnstarted" | "always", room: number): string[] => {
    const engine = new MultiplexorEngine();
    const t = new Wire(engine, room);
    t.isSlow = true;
    const k0 = new Sender(engine, { retry });
    send(k0, "abcdef");
    t.land();
    t.failure = reset();
    t.write();
    const u = new Wire(engine);
    return [...k0.events, ...u.bodies];
  };
  assertEquals(outcome("never", 3), ["failed abcdef ECONNRESET 3"]);
  assertEquals(outcome("never", 0), ["failed abcdef ECONNRESET 0"]);
  assertEquals(outcome("ifUnstarted", 3), ["failed abcdef ECONNRESET 3"]);
  assertEquals(outcome("ifUnstarted", 0), ["written abcdef", "abcdef"]);
  assertEquals(outcome("always", 3), ["retried abcdef", "written abcdef", "abcdef"]);
});

test("K89 bytes in flight when a connection fails may have been written", () => {
  const engine = new MultiplexorEngine();
  const [t, u] = [new Wire(engine), new Wire(engine)];
  t.isSlow = true;
  const k0 = new Sender(engine);
  send(k0, "a");
  const error = reset();
  t.port.fail(error);
  assertEquals([k0.events, u.bodies], [["failed a ECONNRESET 0"], []]);
  assertStrictEquals((k0.failures[0]!.error as KcmError).cause, error);
  assertEquals(k0.failures[0]!.message.bytesOffered, 3);
});

test("K89 maxRetries ends a message that every connection fails with", () => {
  const engine = new MultiplexorEngine({ maxRetries: 2 });
  const k0 = new Sender(engine, { retry: "always" });
  send(k0, "abc");
  for (let i = 0; i < 3; i++) new Wire(engine, 1).port.fail(reset());
  assertEquals(k0.events, ["retried abc", "retried abc", "failed abc ECONNRESET 1"]);
});

test("K90 a drained socket is closed once all is written", () => {
  const engine = new MultiplexorEngine();
  const t = new Wire(engine, 0);
  const k0 = new Sender(engine);
  send(k0, "1", "2");
  k0.port.drain(50);
  assertThrows(() => k0.port.send(wire("3")), KcmError, "closed");
  assertEquals([engine.timeoutAt(), k0.port.isClosed], [50, false]);
  t.more();
  assertEquals([t.bodies, k0.events], [["1", "2"], ["written 1", "written 2", "drained"]]);
  assertEquals([k0.port.isClosed, engine.timeoutAt()], [true, Infinity]);
});

test("K90 at its deadline a drained socket gives up", () => {
  const engine = new MultiplexorEngine();
  new Wire(engine, 0);
  const k0 = new Sender(engine);
  send(k0, "1");
  k0.port.drain(0);
  engine.onTimeout(0);
  assertEquals([k0.events, k0.port.isClosed], [["drained", "failed 1 ETIMEDOUT 0"], true]);
});

test("K90 a drained connection finishes what has begun and gets nothing new", () => {
  const engine = new MultiplexorEngine();
  const [t, u] = [new Wire(engine, 3), new Wire(engine, 0)];
  const k0 = new Sender(engine);
  send(k0, "abcdef", "x");
  t.port.drain();
  assertEquals(t.outcome, undefined);
  t.more();
  assertEquals([t.bodies, t.outcome!.error, t.outcome!.txMessages], [["abcdef"], undefined, 1]);
  u.more();
  assertEquals(u.bodies, ["x"]);
});

test("K90 a drained connection that does not finish fails at its deadline", () => {
  const engine = new MultiplexorEngine();
  const t = new Wire(engine, 3);
  const k0 = new Sender(engine);
  send(k0, "abcdef");
  t.port.drain(10);
  engine.onTimeout(9);
  assertEquals(t.outcome, undefined);
  engine.onTimeout(10);
  assertEquals([(t.outcome!.error as KcmError).code, k0.events], ["ETIMEDOUT", ["failed abcdef ETIMEDOUT 3"]]);
});

test("K90 a drained multiplexor sends everything, then its connections and sockets end", () => {
  const engine = new MultiplexorEngine();
  const t = new Wire(engine, 3);
  const k0 = new Sender(engine);
  send(k0, "abcdef", "x");
  engine.drain(100);
  assertThrows(() => k0.port.send(wire("3")), KcmError, "closed");
  assertThrows(() => engine.attach({ parser: { name: "none", parse: () => 0 } }), KcmError, "closed");
  t.more();
  assertEquals([t.bodies, k0.ends, engine.isFinished, engine.timeoutAt()], [["abcdef", "x"], 1, true, Infinity]);
});

test("K90 at its deadline a drained multiplexor fails what is left", () => {
  const engine = new MultiplexorEngine();
  new Wire(engine, 3);
  const k0 = new Sender(engine);
  send(k0, "abcdef", "x");
  engine.drain(100);
  engine.onTimeout(100);
  assertEquals([k0.events, engine.isFinished], [["failed abcdef ETIMEDOUT 3", "failed x ENOTCONN 0"], true]);
});

test("K91 a parser's error ends sending too; what waits goes elsewhere, and the event has everything", () => {
  const seen: unknown[][] = [];
  const engine = new MultiplexorEngine({
    maxMessageLength: 10,
    onUnattached: (port, { error, messages, unread }) =>
      seen.push([port.index, (error as KcmError).code, messages, unread.length]),
  });
  const [t, u] = [new Wire(engine, 0), new Wire(engine, 0)];
  const k0 = new Sender(engine);
  send(k0, "x");
  t.port.push(wire("ok"), 0);
  t.port.push(Uint8Array.of(0), 0);
  t.port.push(Uint8Array.of(99), 0);
  assertEquals(seen, [[0, "EMSGSIZE", 1, 1]]);
  u.more();
  assertEquals([u.bodies, k0.received], [["x"], ["ok"]]);
});

test("maxSendBytes bounds all sockets together", () => {
  const engine = new MultiplexorEngine({ maxSendBytes: 6 });
  const t = new Wire(engine, 0);
  const [k0, k1] = [new Sender(engine), new Sender(engine)];
  assertEquals([send(k0, "a", "b"), send(k1, "c")], [[3, 3], [0]]);
  t.more();
  assertEquals(k1.events, ["writable"]);
  assertEquals(send(k1, "c"), [3]);
});

test("a half-open connection goes on sending after the peer's end", () => {
  const engine = new MultiplexorEngine();
  const t = new Wire(engine, Infinity, { halfOpen: true });
  const k0 = new Sender(engine);
  t.port.end(0);
  send(k0, "x");
  assertEquals([t.bodies, t.outcome], [["x"], undefined]);
  t.port.drain();
  assertEquals(t.outcome!.error, undefined);
});

test("isSending false keeps new messages off a connection", () => {
  const { t, u, k0 } = two();
  t.port.isSending = false;
  send(k0, "1", "2");
  t.port.isSending = true;
  u.port.isSending = false;
  send(k0, "3");
  assertEquals([t.bodies, u.bodies], [["3"], ["1", "2"]]);
});

test("a callback may send; it goes out when the engine is done", () => {
  const { t, u, k0 } = two();
  let left = 3;
  k0.onEvent = () => {
    if (left-- > 0) send(k0, `n${left}`);
  };
  send(k0, "first");
  assertEquals([...t.bodies, ...u.bodies].toSorted(), ["first", "n0", "n1", "n2"]);
});

test("a closed multiplexor fails what nobody will send", () => {
  const engine = new MultiplexorEngine();
  const k0 = new Sender(engine);
  send(k0, "x");
  engine.close();
  assertEquals([k0.events, k0.ends], [["failed x ENOTCONN 0"], 1]);
});

test("with a sticky send policy a socket's messages keep their order on one connection", () => {
  const { t, u, k0, engine } = two({ sendPolicy: sticky() });
  const k1 = new Sender(engine);
  t.room = 0;
  send(k0, "1", "2");
  send(k1, "a", "b");
  t.more();
  assertEquals([t.bodies, u.bodies], [["1", "2"], ["a", "b"]]);
  t.room = 1;
  send(k0, "3", "4");
  t.port.fail(reset());
  assertEquals([k0.events.at(-2), u.bodies], ["failed 3 ECONNRESET 1", ["a", "b", "4"]]);
});

test("wrong arguments are refused", () => {
  const { t, k0 } = two();
  assertThrows(() => k0.port.send("x" as never), TypeError);
  assertThrows(() => t.port.written(1), RangeError, "0 bytes in flight");
  assertThrows(() => t.port.weight = 0, RangeError);
  assertThrows(() => new MultiplexorEngine({ sendPolicy: {} as never }), TypeError, "sendPolicy");
});

/** 0 is written to a connection; of 1, 2 and 3, which were tried together and of which 2 must not be tried again, nothing is. */
function triedTogether(t: Wire, k0: Sender): void {
  t.isSlow = true;
  send(k0, "0");
  k0.port.send(wire("1"), { tag: "1", retry: "always" });
  k0.port.send(wire("2"), { tag: "2", retry: "never" });
  k0.port.send(wire("3"), { tag: "3", retry: "always" });
  t.land();
  t.write();
  t.land();
  t.port.isSending = false;
}

test("what was sent before a message that must not be tried again stays before it", () => {
  for (const sendPolicy of [undefined, sticky()]) {
    const engine = new MultiplexorEngine({ sendPolicy });
    const t = new Wire(engine, 3);
    const k0 = new Sender(engine);
    triedTogether(t, k0);
    t.port.isSending = true;
    t.isSlow = false;
    t.more();
    assertEquals(t.bodies, ["0", "1", "2", "3"]);
  }
});

test("what stayed before such a message goes as soon as there is another connection", () => {
  for (const isThere of [false, true]) {
    const engine = new MultiplexorEngine();
    const t = new Wire(engine, 3);
    const early = isThere ? new Wire(engine) : undefined;
    if (early !== undefined) early.port.isSending = false;
    const k0 = new Sender(engine);
    triedTogether(t, k0);
    const u = early ?? new Wire(engine);
    u.port.isSending = true;
    assertEquals([t.bodies, u.bodies], [["0"], ["1", "3"]]);
    t.port.isSending = true;
    t.isSlow = false;
    t.more();
    assertEquals([t.bodies, u.bodies], [["0", "2"], ["1", "3"]]);
  }
});
