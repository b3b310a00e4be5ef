import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { type LowerPort, MultiplexorEngine } from "../../src/kcm/mod.ts";
import { Sender, Wire } from "./sending.ts";
import { parser, wire } from "./support.ts";

/** A connection whose driver pulls when it is told to. */
function attached(engine: MultiplexorEngine): LowerPort {
  return engine.attach({ parser }, { pullable: (port) => void port.pull(1) });
}

const lengths = (views: readonly Uint8Array[]): number[] => views.map((view) => view.length);

test("a pull begins no message in its second half that it would have to cut", () => {
  const engine = new MultiplexorEngine();
  const sender = new Sender(engine);
  const port = attached(engine);
  for (const length of [1, 40, 40, 60]) sender.port.send(new Uint8Array(length));
  port.written(1);
  assertEquals(lengths(port.pull(70)), [40]);
  port.written(40);
  assertEquals(lengths(port.pull(100)), [40, 60]);
  port.written(100);
  assertEquals(port.transmitStats.txMessages, 4);
});

test("a pull cuts a message that begins in its first half, and goes on with it", () => {
  const engine = new MultiplexorEngine();
  const sender = new Sender(engine);
  const port = attached(engine);
  for (const length of [1, 10, 100]) sender.port.send(new Uint8Array(length));
  port.written(1);
  assertEquals(lengths(port.pull(60)), [10, 50]);
  port.written(60);
  assertEquals(lengths(port.pull(60)), [50]);
});

test("a driver that asks for more than a connection is given gets what waits", () => {
  const engine = new MultiplexorEngine({ sendBufferBytes: 1 << 20 });
  const sender = new Sender(engine);
  const port = attached(engine);
  for (let i = 0; i < 11; i++) sender.port.send(new Uint8Array(20_000));
  port.written(1);
  assertEquals(lengths(port.pull(1 << 20)).reduce((sum, length) => sum + length, 0), 11 * 20_000 - 1);
});

test("K55 a batch stays together when its connection is taken from, and when its room is gone", () => {
  const engine = new MultiplexorEngine();
  const t = new Wire(engine);
  const sender = new Sender(engine);
  t.isSlow = true;
  sender.port.send(wire("0"));
  for (const body of ["1", "2", "3"]) sender.port.send(wire(body), { batch: body !== "3" });
  sender.port.send(wire("4"));
  const u = new Wire(engine);
  // half of four is two, but the batch has three
  sender.port.send(wire("5"), { via: u.port.connection });
  assertEquals(u.bodies.filter((body) => "123".includes(body)).length % 3, 0);
  t.isSlow = false;
  t.room = 0;
  t.land();
  t.more();
  const onT = t.bodies.filter((body) => "123".includes(body)).length;
  assertEquals([onT % 3, [...t.bodies, ...u.bodies].sort()], [0, ["0", "1", "2", "3", "4", "5"]]);
});

test("a draining connection takes messages with `via` until it has nothing more to write", () => {
  const engine = new MultiplexorEngine();
  const t = new Wire(engine);
  const u = new Wire(engine);
  const sender = new Sender(engine);
  t.isSlow = true;
  sender.port.send(wire("a"));
  const draining = t.port.connection;
  t.port.drain();
  sender.port.send(wire("b"), { via: draining });
  sender.port.send(wire("c"));
  t.isSlow = false;
  t.land();
  t.write();
  assertEquals([t.bodies, u.bodies, t.outcome?.error], [["a", "b"], ["c"], undefined]);
});

test("sockets that are closed with messages for no connection do not stay in line", () => {
  const engine = new MultiplexorEngine();
  const kept = new Sender(engine);
  kept.port.send(new Uint8Array(3));
  const ports = Array.from({ length: 100 }, () => {
    const { port } = new Sender(engine);
    port.send(new Uint8Array(1));
    port.close();
    return port as unknown as { readonly sending: { readonly isInLine: boolean } };
  });
  assertEquals(ports.filter(({ sending }) => sending.isInLine).length < 3, true);
  const port = attached(engine);
  port.written(1);
  assertEquals(lengths(port.pull(10)), [2]);
});
