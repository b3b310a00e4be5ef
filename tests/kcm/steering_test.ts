import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { MultiplexorEngine } from "../../src/kcm/mod.ts";
import { bodyOf, parser, TestConnection, TestSocket, wire } from "./support.ts";

test("K16 a message goes to the only socket, header included, and is counted", () => {
  const engine = new MultiplexorEngine();
  const k0 = new TestSocket(engine);
  const t = new TestConnection(engine);
  t.offer(wire("abc"));
  assertEquals(k0.bodies, ["abc"]);
  assertEquals(k0.queue[0]!.data, Uint8Array.of(0, 3, 97, 98, 99));
  assertEquals([k0.port.stats.rxMessages, k0.port.stats.rxBytes], [1, 5]);
});

test("K17 two messages of one readiness go to two sockets: the round is by message here", () => {
  const engine = new MultiplexorEngine();
  const [k0, k1] = [new TestSocket(engine), new TestSocket(engine)];
  const t = new TestConnection(engine);
  t.offer(wire("1", "2"));
  assertEquals([k0.bodies, k1.bodies], [["1"], ["2"]]);
});

test("K18 five readinesses go round three sockets", () => {
  const engine = new MultiplexorEngine();
  const sockets = [new TestSocket(engine), new TestSocket(engine), new TestSocket(engine)];
  const t = new TestConnection(engine);
  for (const body of ["1", "2", "3", "4", "5"]) t.offer(wire(body));
  assertEquals(sockets.map((socket) => socket.bodies), [["1", "4"], ["2", "5"], ["3"]]);
});

test("K19 a full socket is passed over", () => {
  const engine = new MultiplexorEngine();
  const [k0, k1] = [new TestSocket(engine, 4), new TestSocket(engine)];
  const t = new TestConnection(engine);
  t.offer(wire("m1", "m2", "m3", "m4"));
  assertEquals([k0.bodies, k1.bodies], [["m1"], ["m2", "m3", "m4"]]);
  assertEquals([k0.port.hasRoom, k1.port.hasRoom], [false, true]);
});

test("K20 with no room the connection keeps one message and takes no more", () => {
  const engine = new MultiplexorEngine();
  const k0 = new TestSocket(engine, 4);
  const t = new TestConnection(engine);
  t.offer(wire("m1", "m2", "m3"));
  assertEquals(k0.bodies, ["m1"]);
  assertEquals([t.port.isPaused, t.left.length], [true, 4]);
  assertEquals([t.port.stats.messages, t.port.stats.bytes], [2, 8]);
  assertEquals(engine.stats.readyMessages, 1);
  assertEquals(t.port.push(t.left, 0), 0);
});

test("K21 a read moves the kept message, and the next one is kept", () => {
  const engine = new MultiplexorEngine();
  const k0 = new TestSocket(engine, 4);
  const t = new TestConnection(engine);
  t.offer(wire("m1", "m2", "m3"));
  assertEquals(k0.recv(), "m1");
  assertEquals([k0.bodies, t.port.isPaused, t.left.length], [["m2"], true, 0]);
  assertEquals(engine.stats.readyMessages, 1);
});

test("K22 a socket that waits until it is empty gets nothing before", () => {
  const engine = new MultiplexorEngine();
  const k0 = new TestSocket(engine, 8);
  const t = new TestConnection(engine);
  t.offer(wire("m1", "m2", "m3", "m4"));
  k0.recv();
  assertEquals([k0.bodies, k0.port.hasRoom], [["m2"], false]);
  k0.recv();
  assertEquals([k0.bodies, t.left.length], [["m3", "m4"], 0]);
});

test("K42 a socket says itself when it has room again, empty or not", () => {
  const engine = new MultiplexorEngine();
  const k0 = new TestSocket(engine, 8);
  const t = new TestConnection(engine);
  t.offer(wire("m1", "m2", "m3"));
  k0.queue.shift();
  k0.port.resume();
  assertEquals([k0.bodies, t.port.isPaused], [["m2", "m3"], false]);
});

test("K23 the message that fills a socket may exceed its limit", () => {
  const engine = new MultiplexorEngine();
  const k0 = new TestSocket(engine, 5);
  const t = new TestConnection(engine);
  t.offer(wire("x".repeat(50)));
  assertEquals([k0.bytes, k0.port.hasRoom], [52, false]);
});

test("K29 a message without a body is a message", () => {
  const engine = new MultiplexorEngine();
  const k0 = new TestSocket(engine);
  new TestConnection(engine).offer(wire("", "a"));
  assertEquals(k0.queue.map(({ data }) => data.length), [2, 3]);
});

test("K31 messages that wait come in order when there is room: given back, then kept, then not taken", () => {
  const engine = new MultiplexorEngine();
  const t = new TestConnection(engine);
  const gone = new TestSocket(engine);
  t.offer(wire("m1", "m2"));
  gone.close();
  assertEquals(engine.stats.heldMessages, 2);
  t.offer(wire("m3", "m4"));
  assertEquals([engine.stats.readyMessages, t.left.length], [1, 4]);
  const k0 = new TestSocket(engine);
  assertEquals(k0.bodies, ["m1", "m2", "m3", "m4"]);
  assertEquals([engine.stats.heldMessages, engine.stats.readyMessages, t.left.length], [0, 0, 0]);
});

test("K32 a new socket gets what waits", () => {
  const engine = new MultiplexorEngine();
  const k0 = new TestSocket(engine);
  const t = new TestConnection(engine);
  t.offer(wire("m1"));
  k0.close();
  t.offer(wire("m2"));
  const clone = new TestSocket(engine);
  assertEquals([clone.bodies, engine.stats.heldMessages], [["m1", "m2"], 0]);
});

test("K30 a closed socket's messages go to the others before later ones, and it counts them no more", () => {
  const engine = new MultiplexorEngine();
  const k0 = new TestSocket(engine);
  const t = new TestConnection(engine);
  t.offer(wire("m1", "m2"));
  const k1 = new TestSocket(engine);
  k0.close();
  t.offer(wire("m3"));
  assertEquals([k0.bodies, k1.bodies], [[], ["m1", "m2", "m3"]]);
  assertEquals([k0.port.stats.rxMessages, k0.port.stats.rxBytes], [0, 0]);
  assertEquals([k1.port.stats.rxMessages, k1.port.stats.rxBytes], [3, 12]);
  assertEquals([engine.stats.requeued, engine.stats.rxMessages], [2, 3]);
});

test("K33 what the others have no room for is held until they have", () => {
  const engine = new MultiplexorEngine();
  const k0 = new TestSocket(engine);
  const t = new TestConnection(engine);
  t.offer(wire("m1", "m2", "m3"));
  const k1 = new TestSocket(engine, 5);
  k0.close();
  assertEquals([k1.bodies, engine.stats.heldMessages], [["m1", "m2"], 1]);
  assertEquals([k1.recv(), k1.recv()], ["m1", "m2"]);
  assertEquals([k1.bodies, engine.stats.heldMessages], [["m3"], 0]);
});

test("K34 a closed socket's messages go round the others, in order", () => {
  const engine = new MultiplexorEngine();
  const k0 = new TestSocket(engine);
  const t = new TestConnection(engine);
  t.offer(wire("1", "2", "3"));
  const [k1, k2] = [new TestSocket(engine), new TestSocket(engine)];
  k0.close();
  assertEquals([k1.bodies, k2.bodies], [["1", "3"], ["2"]]);
});

test("K36 connections that wait are served in the order in which they began to, one message each", () => {
  const engine = new MultiplexorEngine();
  const k0 = new TestSocket(engine, 4);
  const [t, u] = [new TestConnection(engine), new TestConnection(engine)];
  t.offer(wire("t1"));
  t.offer(wire("t2"));
  u.offer(wire("u1"));
  t.offer(wire("t3"));
  assertEquals([k0.recv(), k0.recv(), k0.recv(), k0.recv(), k0.recv()], ["t1", "t2", "u1", "t3", undefined]);
});

test("K40 messages of one connection are spread over the sockets", () => {
  const engine = new MultiplexorEngine();
  const [k0, k1] = [new TestSocket(engine), new TestSocket(engine)];
  const t = new TestConnection(engine);
  t.offer(wire("1"));
  t.offer(wire("2"));
  assertEquals([k0.bodies, k1.bodies], [["1"], ["2"]]);
  assertEquals([...k0.queue, ...k1.queue].map(({ sequence }) => sequence), [0, 1]);
});

test("K46 with one full socket every connection keeps one message", () => {
  const engine = new MultiplexorEngine();
  new TestSocket(engine, 1);
  const connections = [1, 2, 3].map(() => new TestConnection(engine));
  connections[0]!.offer(wire("first"));
  connections.forEach((connection, i) => connection.offer(wire(`a${i}`, `b${i}`)));
  assertEquals(connections.map(({ port, left }) => [port.isPaused, left.length]), [[true, 4], [true, 4], [true, 4]]);
  assertEquals(engine.stats.readyMessages, 3);
});

test("K88 every message names its connection and its place in it", () => {
  const engine = new MultiplexorEngine();
  const k0 = new TestSocket(engine);
  const t = engine.attach({ parser: { name: "bytes", parse: () => 1 }, direction: "server", label: "t" });
  const u = new TestConnection(engine);
  t.push(Uint8Array.of(1, 2), 0);
  u.offer(wire("u"));
  assertEquals(k0.queue.map(({ connection, sequence }) => [connection.id, connection.label, sequence]), [
    [1, "t", 0],
    [1, "t", 1],
    [2, undefined, 0],
  ]);
  assertEquals(k0.queue.map(({ connection }) => connection === t.connection), [true, true, false]);
  assertEquals([t.connection.direction, u.port.connection.direction], ["server", undefined]);
  assertEquals(t.connection.flow, undefined);
});

test("K82 totals are exact at any time", () => {
  const engine = new MultiplexorEngine();
  new TestSocket(engine);
  const t = new TestConnection(engine);
  t.offer(wire("abc"));
  assertEquals([engine.stats.rxMessages, engine.stats.rxBytes], [1, 5]);
  t.offer(wire("de"));
  assertEquals([engine.stats.rxMessages, engine.stats.rxBytes], [2, 9]);
});

test("a socket that makes room from within a callback is served after those that wait, in order", () => {
  const engine = new MultiplexorEngine();
  const [k0, k1] = [new TestSocket(engine, 1), new TestSocket(engine, 1)];
  const [t, u] = [new TestConnection(engine), new TestConnection(engine)];
  u.offer(wire("x", "y", "u1"));
  assertEquals([k0.bodies, k1.bodies, engine.stats.readyMessages], [["x"], ["y"], 1]);
  // when k0 gets u1, k1 becomes free: t2 must not overtake anything
  k0.onMessage = () => {
    k1.queue.length = 0;
    k1.port.resume();
  };
  t.offer(wire("t1", "t2"));
  k0.recv();
  assertEquals([k0.bodies, k1.bodies], [["u1"], ["t1"]]);
  assertEquals([t.left.length, t.port.isPaused], [0, true]);
});

test("messages that come in while others wait line up behind them, even if a callback made the room", () => {
  const engine = new MultiplexorEngine();
  const order: string[] = [];
  let isOpen = false;
  const socket = engine.socket({
    message: (message) => {
      order.push(bodyOf(message));
      if (!isOpen) socket.pause();
    },
    end: () => {},
  });
  const other = engine.socket({
    message: (message) => {
      order.push(bodyOf(message));
      isOpen = true;
      socket.resume();
      other.pause();
    },
    end: () => {},
  }, { paused: true });
  const [t, u] = [new TestConnection(engine), new TestConnection(engine)];
  t.offer(wire("1", "2"));
  assertEquals([order, t.port.isPaused], [["1"], true]);
  socket.resume();
  assertEquals(order, ["1", "2"]);
  t.offer(wire("3"));
  u.offer(wire("4", "5"));
  other.resume();
  assertEquals(order, ["1", "2", "3", "4", "5"]);
});

test("what a socket gives back that is closed from within another's callback goes before later messages", () => {
  const engine = new MultiplexorEngine();
  const [k0, k1] = [new TestSocket(engine), new TestSocket(engine)];
  const t = new TestConnection(engine);
  t.offer(wire("a", "b"));
  k0.onMessage = () => k1.close();
  t.offer(wire("c", "d"));
  assertEquals(k0.bodies, ["a", "c", "b", "d"]);
});

test("a connection that is over by the time it could go on is not told to", () => {
  const engine = new MultiplexorEngine();
  const told: string[] = [];
  const attach = (name: string, resumed: () => void) =>
    engine.attach({ parser }, {
      resumed: () => {
        told.push(name);
        resumed();
      },
      unattached: () => told.push(`${name} over`),
    });
  const second = attach("second", () => {});
  const first = attach("first", () => second.abort());
  for (const port of [first, second]) port.push(wire("1", "2"), 0);
  const over = attach("third", () => {});
  over.push(wire("3"), 0);
  over.abort();
  assertEquals(new TestSocket(engine).bodies, ["1", "1", "3"]);
  assertEquals(told, ["third over", "first", "second over"]);
});

test("very many connections that go on at once need no deep stack", () => {
  const engine = new MultiplexorEngine();
  const k0 = new TestSocket(engine, 1);
  const count = 20_000;
  const connections = Array.from({ length: count }, () => new TestConnection(engine));
  for (const connection of connections) connection.offer(wire("a", "b"));
  k0.recv();
  const all = new TestSocket(engine);
  assertEquals(all.queue.length + k0.queue.length, 2 * count - 1);
  assertEquals(connections.filter(({ left }) => left.length > 0), []);
});
