// Random schedules against a tiny model: what goes in comes out, once each, whatever happens in between.
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { MultiplexorEngine } from "../../src/kcm/mod.ts";
import { TestConnection, TestSocket, wire } from "./support.ts";

/** One step: what to do, on which of the things there are, and how much of it. */
const step = fc.tuple(fc.constantFrom("arrive", "recv", "open", "close", "attach", "end"), fc.nat(99), fc.nat(12));

/** Runs a schedule with at most `maxSockets` open at a time; returns all that was received, in order, and all that was sent. */
function run(steps: [string, number, number][], maxSockets: number): { received: string[]; sent: string[][] } {
  const engine = new MultiplexorEngine({ maxSockets });
  const connections: TestConnection[] = [];
  const buffers: number[][] = [];
  const sent: string[][] = [];
  const sockets: TestSocket[] = [];
  const received: string[] = [];
  const receive = (socket: TestSocket): void => {
    const body = socket.recv();
    if (body !== undefined) received.push(body);
  };
  const arrive = (i: number, count: number): void => {
    connections[i]!.offer(Uint8Array.from(buffers[i]!.splice(0, count)));
  };
  const actions: Record<string, (which: number, amount: number) => void> = {
    attach: () => {
      const i = connections.push(new TestConnection(engine)) - 1;
      sent.push(Array.from({ length: 6 }, (_, n) => `${i}.${n}.${"x".repeat((i * 7 + n * 3) % 11)}`));
      buffers.push([...wire(...sent[i]!)]);
    },
    arrive: (which, amount) => {
      if (connections.length > 0) arrive(which % connections.length, amount + 1);
    },
    recv: (which) => {
      if (sockets.length > 0) receive(sockets[which % sockets.length]!);
    },
    open: (_, amount) => {
      if (sockets.length < maxSockets) sockets.push(new TestSocket(engine, amount * 3 + 1));
    },
    close: (which) => {
      if (sockets.length > 0) sockets.splice(which % sockets.length, 1)[0]!.close();
    },
    end: (which) => {
      const i = which % Math.max(connections.length, 1);
      if (i >= connections.length || connections[i]!.outcome !== undefined) return;
      arrive(i, Infinity);
      connections[i]!.end();
    },
  };
  for (const [name, which, amount] of steps) {
    actions[name]!(which, amount);
    const { readyMessages, heldMessages } = engine.stats;
    assert(!engine.hasRoom || readyMessages + heldMessages === 0, "a message waits although there is room");
    assert(readyMessages <= connections.length);
    for (const { port } of connections) assert(port.isPaused || !port.isOver || port.bytesHeld === 0);
  }
  connections.forEach((connection, i) => {
    arrive(i, Infinity);
    connection.end();
  });
  engine.close();
  if (sockets.length === 0) sockets.push(new TestSocket(engine, 5));
  for (let i = 0; sockets.some(({ queue }) => queue.length > 0); i++) receive(sockets[i % sockets.length]!);
  assertEquals(sockets.map(({ ends }) => ends), sockets.map(() => 1));
  assertEquals(connections.map(({ outcome }) => outcome), connections.map(() => ({ error: undefined })));
  assertEquals(engine.stats.rxMessages, sent.flat().length);
  return { received, sent };
}

test("no schedule loses, doubles or makes up a message", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const { received, sent } = run(steps, 4);
      assertEquals(received.toSorted(), sent.flat().toSorted());
    }),
    { numRuns: 300 },
  );
});

test("with one socket at a time each connection's messages stay in order, even if sockets come and go", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const { received, sent } = run(steps, 1);
      const perConnection = sent.map((_, i) => received.filter((body) => body.startsWith(`${i}.`)));
      assertEquals(perConnection, sent);
    }),
    { numRuns: 300 },
  );
});

test("what a socket gives back goes before what an earlier one gave back and it had no room for", () => {
  const { received, sent } = run([
    ["attach", 0, 0],
    ["open", 0, 2],
    ["end", 0, 0],
    ["close", 0, 0],
    ["open", 0, 0],
    ["close", 0, 0],
  ], 1);
  assertEquals(received, sent.flat());
});

test("sockets with room get the same number of messages each, but for one", () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 7 }), fc.array(fc.nat(3), { maxLength: 60 }), (count, arrivals) => {
    const engine = new MultiplexorEngine();
    const sockets = Array.from({ length: count }, () => new TestSocket(engine));
    const connections = [0, 1, 2, 3].map(() => new TestConnection(engine));
    arrivals.forEach((which, i) => connections[which]!.offer(wire(String(i))));
    const order = arrivals.map((_, i) => sockets[i % count]!.bodies[Math.floor(i / count)]);
    assertEquals(order, arrivals.map((_, i) => String(i)));
  }));
});
