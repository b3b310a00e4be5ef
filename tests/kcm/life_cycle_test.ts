import { test } from "node:test";
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { LeatError } from "../../src/core/errors.ts";
import { datagrams, KcmError, MultiplexorEngine } from "../../src/kcm/mod.ts";
import { lengthPrefix, type Parser, type StreamParserError } from "../../src/strparser/mod.ts";
import { parser, TestConnection, TestSocket, wire } from "./support.ts";

const nowhere = { message: () => {}, end: () => {} };

function codeOf(run: () => unknown): string {
  const error = assertThrows(run);
  assert(error instanceof KcmError, `${error}`);
  assertEquals(error.layer, "kcm");
  return error.code;
}

test("K2 sockets have the smallest free index", () => {
  const engine = new MultiplexorEngine();
  const sockets = [0, 1, 2].map(() => engine.socket(nowhere));
  assertEquals(sockets.map(({ index }) => index), [0, 1, 2]);
  sockets[1]!.close();
  assertEquals(engine.socket(nowhere).index, 1);
});

test("K6 a wrong option changes nothing", () => {
  const engine = new MultiplexorEngine();
  assertThrows(() => engine.attach({ parser: {} as Parser }), TypeError);
  assertThrows(() => engine.attach({ parser, maxMessageLength: 0 }), RangeError);
  assertThrows(() => engine.attach({ parser: datagrams, maxMessageLength: 0.5 }), RangeError);
  assertThrows(() => engine.attach({ parser, direction: "up" as "client" }), RangeError);
  assertEquals([engine.stats.attached, engine.stats.connections], [0, 0]);
  assertEquals([engine.attach({ parser }).connection.id, engine.stats.attached], [1, 1]);
});

test("K7 connections have the smallest free index, and a number of their own", () => {
  const engine = new MultiplexorEngine();
  const ports = [0, 1, 2].map(() => engine.attach({ parser }));
  assertEquals(ports.map(({ index }) => index), [0, 1, 2]);
  ports[1]!.abort();
  const again = engine.attach({ parser });
  assertEquals([again.index, again.connection.id], [1, 4]);
  assertEquals([engine.stats.attached, engine.stats.unattached], [4, 1]);
});

test("K8 the handle of a connection that is gone is stale, though its index is in use again", () => {
  const engine = new MultiplexorEngine();
  const old = engine.attach({ parser });
  assertStrictEquals(engine.portOf(old.handle), old);
  old.abort();
  old.abort();
  assertEquals(engine.portOf(old.handle), undefined);
  const fresh = engine.attach({ parser });
  assertEquals([fresh.index === old.index, fresh.handle === old.handle], [true, false]);
  assertEquals(engine.portOf(old.handle), undefined);
  assertEquals([old.push(wire("a"), 0), fresh.isOver, engine.stats.unattached], [0, false, 1]);
  const socket = engine.socket(nowhere);
  assertStrictEquals(engine.socketOf(socket.handle), socket);
  socket.close();
  socket.close();
  engine.socket(nowhere);
  assertEquals(engine.socketOf(socket.handle), undefined);
  for (const wrong of [-1, 0.5, NaN, 1e20]) assertEquals(engine.portOf(wrong), undefined);
});

test("K10 a connection that is taken away loses the part of a message it had", () => {
  const engine = new MultiplexorEngine();
  const k0 = new TestSocket(engine);
  const t = new TestConnection(engine);
  t.offer(wire("whole", "cut").subarray(0, 10));
  assertEquals(t.port.bytesHeld, 3);
  t.port.abort();
  assertEquals([k0.bodies, t.outcome, t.port.bytesHeld], [["whole"], { error: undefined }, 0]);
});

test("K12 the message that a connection keeps is not lost when it is taken away", () => {
  const engine = new MultiplexorEngine();
  const k0 = new TestSocket(engine, 4);
  const t = new TestConnection(engine);
  t.offer(wire("m1", "m2", "m3"));
  t.port.abort();
  assertEquals([k0.recv(), k0.recv(), k0.recv(), t.left.length], ["m1", "m2", undefined, 4]);
});

test("K35 with the last socket closed, messages wait for the next one", () => {
  const engine = new MultiplexorEngine();
  const k0 = new TestSocket(engine);
  const t = new TestConnection(engine);
  t.offer(wire("m1", "m2"));
  k0.close();
  assertEquals([engine.stats.heldMessages, engine.hasRoom, t.port.isOver], [2, false, false]);
  assertEquals(new TestSocket(engine).bodies, ["m1", "m2"]);
});

test("K37 nothing but pausing, resuming and closing is allowed in a callback", () => {
  const engine = new MultiplexorEngine();
  const codes: string[] = [];
  const k0 = new TestSocket(engine);
  const [t, u] = [new TestConnection(engine), new TestConnection(engine)];
  k0.onMessage = () => {
    codes.push(codeOf(() => t.port.push(wire("x"), 0)), codeOf(() => u.port.push(wire("x"), 0)));
    codes.push(codeOf(() => u.port.end(0)), codeOf(() => engine.attach({ parser })));
    codes.push(codeOf(() => engine.socket(nowhere)), codeOf(() => engine.close()));
    k0.port.pause();
    k0.port.resume();
    u.port.abort();
  };
  t.offer(wire("a"));
  assertEquals(codes, Array(6).fill("EBUSY"));
  k0.onMessage = () => {};
  t.offer(wire("b"));
  assertEquals([k0.bodies, u.port.isOver, engine.isClosed], [["a", "b"], true, false]);
});

test("K37 a parser cannot call back either", () => {
  const engine = new MultiplexorEngine();
  let code = "";
  const u = engine.attach({ parser });
  const t = engine.attach({
    parser: {
      name: "caller",
      parse: () => {
        code = codeOf(() => u.push(wire("x"), 0));
        return 1;
      },
    },
  });
  t.push(Uint8Array.of(1), 0);
  assertEquals([code, t.isPaused], ["EBUSY", true]);
});

test("K39 a socket closed from within its own callback gives back what it was just given", () => {
  const engine = new MultiplexorEngine();
  const k0 = new TestSocket(engine);
  const k1 = new TestSocket(engine);
  const t = new TestConnection(engine);
  k0.onMessage = () => k0.close();
  t.offer(wire("1", "2", "3"));
  assertEquals([k0.bodies, k1.bodies.toSorted()], [[], ["1", "2", "3"]]);
  assertEquals(engine.stats.sockets, 1);
});

test("K43 a message over the limit ends its connection only", () => {
  const engine = new MultiplexorEngine({ maxMessageLength: 5 });
  const k0 = new TestSocket(engine);
  const [t, u] = [new TestConnection(engine), new TestConnection(engine)];
  t.offer(wire("abc", "abcd", "a"));
  u.offer(wire("u"));
  assertEquals(k0.bodies, ["abc", "u"]);
  const error = t.outcome!.error as StreamParserError;
  assertEquals([error.code, error.layer, error.offset, t.port.error], ["EMSGSIZE", "strparser", 5, error]);
  assertEquals([t.left.length, t.port.isOver, u.port.isOver], [9, true, false]);
  assertEquals(engine.failures.toJSON(), { EMSGSIZE: 1 });
  assertEquals([engine.stats.connections, engine.stats.unattached], [1, 1]);
});

test("maxMessageLength can be set for one connection", () => {
  const engine = new MultiplexorEngine({ maxMessageLength: 5 });
  const k0 = new TestSocket(engine);
  new TestConnection(engine, { maxMessageLength: 100 }).offer(wire("much longer"));
  assertEquals(k0.bodies, ["much longer"]);
});

test("copy and maxHeaderBytes of a connection reach its parser", () => {
  const engine = new MultiplexorEngine();
  const socket = new TestSocket(engine);
  const [copying, viewing] = [true, false].map((copy) => engine.attach({ parser, copy }));
  const bytes = wire("one");
  copying!.push(bytes, 0);
  viewing!.push(bytes, 0);
  assertEquals(socket.queue.map(({ data }) => data.buffer === bytes.buffer), [false, true]);
  const short = engine.attach({ parser: lengthPrefix(4), maxHeaderBytes: 3 });
  short.push(new Uint8Array(4), 0);
  assertEquals((short.error as KcmError).code, "EMSGSIZE");
});

test("K45 an end inside a message is reported with counts, what came before is delivered", () => {
  const engine = new MultiplexorEngine();
  const k0 = new TestSocket(engine);
  const t = new TestConnection(engine);
  t.offer(wire("abc", "abcde").subarray(0, 9));
  t.end();
  const error = t.outcome!.error as StreamParserError;
  assertEquals([error.code, error.bytesHeld, error.bytesMissing], ["ETRUNCATED", 4, 3]);
  assertEquals([k0.bodies, engine.failures.get("ETRUNCATED")], [["abc"], 1]);
});

test("a connection that ends while it keeps a message is over, and the message still comes", () => {
  const engine = new MultiplexorEngine();
  const t = new TestConnection(engine);
  t.offer(wire("m1"));
  t.end();
  engine.close();
  assertEquals([t.outcome, engine.stats.connections, engine.stats.readyMessages], [{ error: undefined }, 0, 1]);
  const k0 = new TestSocket(engine);
  assertEquals([k0.bodies, k0.ends], [["m1"], 1]);
});

test("a connection that its driver gives up is counted by the code of its error", () => {
  const engine = new MultiplexorEngine();
  const [t, u] = [new TestConnection(engine), new TestConnection(engine)];
  const error = new LeatError("hole", { code: "EGAP", layer: "flow", blame: "remote" });
  t.port.fail(error);
  t.port.fail(new Error("again"));
  u.port.fail("no error at all");
  assertStrictEquals(t.outcome!.error, error);
  assertEquals(u.outcome, { error: "no error at all" });
  assertEquals(engine.failures.toJSON(), { EGAP: 1, EIO: 1 });
});

test("K84 totals keep what connections brought that are gone", () => {
  const engine = new MultiplexorEngine();
  new TestSocket(engine);
  const t = new TestConnection(engine);
  t.offer(wire("abc"));
  t.end();
  assertEquals([engine.stats.rxMessages, engine.stats.rxBytes, engine.stats.connections], [1, 5, 0]);
});

test("sockets end once everything is over: closed, every connection ended, every message delivered", () => {
  const engine = new MultiplexorEngine();
  const [k0, k1] = [new TestSocket(engine, 3), new TestSocket(engine, 3)];
  const [t, u] = [new TestConnection(engine), new TestConnection(engine)];
  t.offer(wire("a", "b", "c"));
  const ends = (): number[] => [k0.ends, k1.ends];
  engine.close();
  engine.close();
  t.end();
  assertEquals(ends(), [0, 0]);
  u.end();
  assertEquals([ends(), engine.stats.connections, engine.stats.readyMessages], [[0, 0], 0, 1]);
  k0.recv();
  assertEquals([ends(), k0.bodies], [[1, 1], ["c"]]);
  k0.recv();
  assertEquals(ends(), [1, 1]);
});

test("a multiplexor without connections ends its sockets when it is closed, and new ones at once", () => {
  const engine = new MultiplexorEngine();
  const k0 = new TestSocket(engine);
  const closed = new TestSocket(engine);
  closed.close();
  engine.close();
  assertEquals([k0.ends, closed.ends, new TestSocket(engine).ends], [1, 0, 1]);
});

test("a socket that is closed while the others are told the end is not told", () => {
  const engine = new MultiplexorEngine();
  const ends: string[] = [];
  const first = engine.socket({
    message: () => {},
    end: () => {
      ends.push("first");
      second.close();
    },
  });
  const second = engine.socket({ message: () => {}, end: () => ends.push("second") });
  engine.close();
  assertEquals([ends, first.isClosed, second.isClosed], [["first"], false, true]);
});

test("nothing can be attached to a closed multiplexor", () => {
  const engine = new MultiplexorEngine();
  engine.close();
  const error = assertThrows(() => engine.attach({ parser, label: "late" }), KcmError);
  assertEquals([error.code, error.connection?.label, engine.stats.refused], ["EPIPE", "late", 1]);
});

test("abort takes every connection away and ends the sockets when they have what came before", () => {
  const engine = new MultiplexorEngine();
  const k0 = new TestSocket(engine, 3);
  const [t, u] = [new TestConnection(engine), new TestConnection(engine)];
  t.offer(wire("a", "b", "c"));
  const reason = new Error("enough");
  engine.abort(reason);
  assertEquals([t.outcome, u.outcome], [{ error: reason }, { error: reason }]);
  assertEquals([k0.recv(), k0.recv(), k0.recv(), k0.ends], ["a", "b", undefined, 1]);
});

test("abort is allowed in a callback", () => {
  const engine = new MultiplexorEngine();
  const k0 = new TestSocket(engine);
  const t = new TestConnection(engine);
  k0.onMessage = () => engine.abort();
  t.offer(wire("a", "b"));
  assertEquals([k0.bodies, k0.ends, t.outcome], [["a"], 1, { error: undefined }]);
});

test("maxConnections refuses the next connection, counted, until one has ended", () => {
  const engine = new MultiplexorEngine({ maxConnections: 2 });
  const t = engine.attach({ parser });
  engine.attach({ parser });
  const error = assertThrows(() => engine.attach({ parser }), KcmError, "maxConnections 2");
  assertEquals([error.code, error.connection?.id], ["ENFILE", 3]);
  assertEquals([engine.stats.refused, engine.stats.attached], [1, 2]);
  t.end(0);
  assertEquals(engine.attach({ parser }).connection.id, 4);
});

test("maxSockets refuses the next socket until one was closed", () => {
  const engine = new MultiplexorEngine({ maxSockets: 1 });
  const k0 = engine.socket(nowhere);
  assertEquals(codeOf(() => engine.socket(nowhere)), "ENFILE");
  k0.close();
  engine.socket(nowhere);
});

test("maxPartialBytes bounds unfinished messages of all connections; the one that goes beyond fails", () => {
  const engine = new MultiplexorEngine({ maxPartialBytes: 10 });
  const k0 = new TestSocket(engine);
  const [t, u, v] = [new TestConnection(engine), new TestConnection(engine), new TestConnection(engine)];
  t.offer(wire("whole", "unfinished").subarray(0, 7 + 6));
  u.offer(wire("more").subarray(0, 4));
  assertEquals([engine.stats.partialBytes, t.port.isOver, u.port.isOver], [10, false, false]);
  v.offer(wire("v", "too much").subarray(0, 3 + 1));
  const error = v.outcome!.error as KcmError;
  assertEquals([error.code, error.connection, v.port.isOver], ["ENOBUFS", v.port.connection, true]);
  assertEquals([k0.bodies, engine.stats.partialBytes, engine.failures.get("ENOBUFS")], [["whole", "v"], 10, 1]);
  u.offer(wire("more").subarray(4));
  assertEquals([k0.bodies.at(-1), engine.stats.partialBytes], ["more", 6]);
  t.port.abort();
  assertEquals(engine.stats.partialBytes, 0);
});

test("partialBytes is what connections hold, however they end", () => {
  const engine = new MultiplexorEngine({ maxMessageLength: 100 });
  const k0 = new TestSocket(engine, 3);
  const ways: ((t: TestConnection) => void)[] = [
    (t) => t.end(),
    (t) => t.port.fail(new Error("gone")),
    (t) => t.offer(wire("x".repeat(99)).subarray(1)),
    () => engine.abort(),
  ];
  for (const way of ways) {
    const t = new TestConnection(engine);
    t.offer(wire("1", "xx").subarray(0, 4));
    while (k0.recv() !== undefined);
    assertEquals([engine.stats.partialBytes, t.port.bytesHeld], [1, 1]);
    way(t);
    assertEquals([engine.stats.partialBytes, t.port.isOver], [0, true]);
  }
});

test("wrong limits are refused at once", () => {
  for (const name of ["maxConnections", "maxSockets", "maxMessageLength", "maxPartialBytes"]) {
    assertThrows(() => new MultiplexorEngine({ [name]: 0 }), RangeError, name);
    assertThrows(() => new MultiplexorEngine({ [name]: "1" }), TypeError, name);
  }
});

test("a callback that throws leaves the multiplexor in order", () => {
  const engine = new MultiplexorEngine();
  const k0 = new TestSocket(engine);
  const t = new TestConnection(engine);
  k0.onMessage = () => {
    throw new Error("mine");
  };
  assertThrows(() => t.port.push(wire("a", "b"), 0), Error, "mine");
  k0.onMessage = () => {};
  assertEquals([k0.bodies, t.port.stats.bytes], [["a"], 3]);
  t.offer(wire("b"));
  assertEquals(k0.bodies, ["a", "b"]);
});

test("each datagram is a message, whatever its size; one that is too long is dropped and counted", () => {
  const engine = new MultiplexorEngine({ maxMessageLength: 70_000 });
  const k0 = new TestSocket(engine);
  const t = engine.attach({ parser: datagrams });
  for (const length of [1, 70_000, 70_001, 0, 3]) assertEquals(t.push(new Uint8Array(length), 0), length);
  t.end(0);
  assertEquals(k0.queue.map(({ data, sequence }) => [data.length, sequence]), [[1, 0], [70_000, 1], [3, 2]]);
  assertEquals([engine.stats.dropped, engine.failures.total], [1, 0]);
});

test("a datagram that is not taken is offered again whole", () => {
  const engine = new MultiplexorEngine();
  const k0 = new TestSocket(engine, 1);
  const t = engine.attach({ parser: datagrams });
  assertEquals([t.push(wire("a"), 0), t.push(wire("b"), 0), t.push(wire("c"), 0)], [3, 3, 0]);
  k0.recv();
  assertEquals([k0.bodies, t.push(wire("c"), 0)], [["b"], 3]);
});
