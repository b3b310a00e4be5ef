/** Policies, filters and callbacks of users that throw, or answer what they must not: nothing is lost by it. */
import { test } from "node:test";
import { assertEquals, assertThrows } from "@std/assert";
import { type LowerPort, MultiplexorEngine, type Steering, type SteeringPolicy } from "../../src/kcm/mod.ts";
import { reset, Sender, Wire } from "./sending.ts";
import { parser, TestSocket, wire } from "./support.ts";

const policyOf = (steering: Steering, waits = false): SteeringPolicy => ({ name: "own", waits, start: () => steering });
const fail = (what: string) => (): never => {
  throw new Error(what);
};

for (const waits of [false, true]) {
  test(`a send policy whose joined and left throw: messages have their fate (waits: ${waits})`, () => {
    const steering: Steering = { choose: () => undefined };
    const engine = new MultiplexorEngine({ sendPolicy: policyOf(steering, waits) });
    const sender = new Sender(engine);
    const first = new Wire(engine, 3);
    sender.port.send(wire("abcdef"), { tag: 1 });
    sender.port.send(wire("x"), { tag: 2 });
    steering.joined = fail("joined");
    assertThrows(() => new Wire(engine), Error, "joined");
    // nobody could ever take it away
    assertEquals(engine.stats.connections, 1);
    steering.left = fail("left");
    assertThrows(() => first.port.fail(reset()), Error, "left");
    assertEquals(first.outcome?.error, first.port.error);
    assertEquals([engine.stats.connections, sender.events.at(-1)], [0, "failed 1 ECONNRESET 3"]);
    assertEquals(engine.stats.sendBytes, sender.port.queuedBytes);
  });
}

test("a receive policy whose callbacks throw: sockets open and close, and nothing is lost", () => {
  const steering: Steering = { choose: (_, [first]) => first };
  const engine = new MultiplexorEngine({ policy: policyOf(steering, true) });
  const one = new TestSocket(engine, 4);
  const port = engine.attach({ parser });
  port.push(wire("aa", "bb"), 0);
  steering.joined = fail("joined");
  assertThrows(() => new TestSocket(engine), Error, "joined");
  assertEquals(engine.stats.sockets, 1);
  steering.left = fail("left");
  const unread = one.queue.splice(0);
  assertThrows(() => one.port.close(unread), Error, "left");
  steering.originLeft = fail("origin");
  assertThrows(() => port.abort(), Error, "origin");
  const { connections, sockets } = engine.stats;
  assertEquals({ connections, sockets }, { connections: 0, sockets: 0 });
  delete steering.joined;
  delete steering.left;
  delete steering.originLeft;
  assertEquals(new TestSocket(engine).bodies, ["aa", "bb"]);
});

test("a receive policy that chooses a socket without room is told so, and another takes the message", () => {
  const all: Set<unknown> = new Set();
  const steering: Steering = {
    choose: () => [...all][0] as never,
    joined: (target) => void all.add(target),
  };
  const engine = new MultiplexorEngine({ policy: policyOf(steering) });
  const [one, two] = [new TestSocket(engine), new TestSocket(engine)];
  one.port.pause();
  const port = engine.attach({ parser });
  assertThrows(() => port.push(wire("aa"), 0), TypeError, "must choose one of the targets");
  assertEquals([one.bodies, two.bodies], [[], ["aa"]]);
});

test("a target that is taken out of service twice has left once", () => {
  const log: string[] = [];
  const steering: Steering = {
    choose: () => undefined,
    joined: ({ index }) => void log.push(`joined ${index}`),
    left: ({ index }) => void log.push(`left ${index}`),
  };
  const engine = new MultiplexorEngine({ sendPolicy: policyOf(steering) });
  const slow = new Wire(engine, 3);
  new Sender(engine).port.send(wire("abcdef"));
  slow.port.isSending = false;
  slow.port.drain();
  slow.port.isSending = true;
  slow.port.drain();
  slow.more();
  assertEquals(log, ["joined 0", "left 0"]);
});

test("a filter of messages to give up is asked once for each, those of an open batch included", () => {
  const engine = new MultiplexorEngine();
  const sender = new Sender(engine);
  sender.port.send(wire("a"), { tag: 1 });
  sender.port.send(wire("b"), { tag: 2, batch: true });
  const asked: unknown[] = [];
  sender.port.discard(reset(), ({ tag }) => asked.push(tag) > 0);
  assertEquals([asked.sort(), sender.events.sort()], [[1, 2], ["failed 1 ECONNRESET 0", "failed 2 ECONNRESET 0"]]);
});

test("a filter that throws gives up nothing by that, and its error comes out", () => {
  const engine = new MultiplexorEngine();
  const sender = new Sender(engine);
  for (const tag of [1, 2, 3]) sender.port.send(wire(String(tag)), { tag, batch: tag === 3 });
  assertThrows(
    () =>
      sender.port.discard(reset(), ({ tag }) => {
        if (tag === 2) throw new Error("filter");
        return tag === 1;
      }),
    Error,
    "filter",
  );
  assertEquals(sender.events, ["failed 1 ECONNRESET 0"]);
  const free = new Wire(engine);
  sender.port.send(wire("4"), { tag: 4 });
  assertEquals(free.bodies, ["2", "3", "4"]);
});

test("a callback that throws keeps nobody else from being told, nor connections from being woken", () => {
  const engine = new MultiplexorEngine();
  const sender = new Sender(engine);
  const slow = new Wire(engine, 0);
  for (const tag of [1, 2, 3]) sender.port.send(wire(String(tag)), { tag });
  sender.onEvent = fail("callback");
  assertThrows(() => slow.more(), Error, "callback");
  assertEquals(sender.events, ["written 1", "written 2", "written 3"]);

  const events: string[] = [];
  const socket = new TestSocket(engine, 4);
  const port: LowerPort = engine.attach({ parser }, { resumed: () => void events.push("resumed") });
  socket.onMessage = fail("message");
  sender.port.close();
  assertThrows(() => port.push(wire("aa"), 0), Error, "message");
  socket.onMessage = () => {};
  port.push(wire("bb"), 0);
  assertEquals(port.isPaused, true);
  socket.onMessage = fail("message");
  assertThrows(() => socket.recv(), Error, "message");
  assertEquals([port.isPaused, events], [false, ["resumed"]]);
});

test("an observer of connections that throws: the connection's own driver is told all the same", () => {
  const engine = new MultiplexorEngine({ onUnattached: fail("observer") });
  const one = new Wire(engine);
  assertThrows(() => one.port.fail(reset()), Error, "observer");
  assertEquals([(one.outcome?.error as { code: string }).code, engine.stats.connections], ["ECONNRESET", 0]);
});

test("what is sent when all is over fails: no connection will come", () => {
  const engine = new MultiplexorEngine();
  const sender = new Sender(engine);
  const wireOne = new Wire(engine);
  engine.close();
  wireOne.port.unattach();
  assertEquals([engine.isFinished, sender.ends], [true, 1]);
  sender.port.send(wire("late"), { tag: 1 });
  assertEquals([sender.events, sender.port.queuedMessages], [["failed 1 ENOTCONN 0"], 0]);
});
