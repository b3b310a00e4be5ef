import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  fifo,
  keyAffinity,
  leastLoaded,
  MultiplexorEngine,
  type MultiplexorLimits,
  sticky,
  weighted,
} from "../../src/kcm/mod.ts";
import { assemble, BpfMachine, bpfParser } from "../../src/bpf/mod.ts";
import { Sender, Wire } from "./sending.ts";
import { TestConnection, TestSocket, wire } from "./support.ts";

function three(options: MultiplexorLimits, limit?: number): { engine: MultiplexorEngine; sockets: TestSocket[] } {
  const engine = new MultiplexorEngine(options);
  return { engine, sockets: [0, 1, 2].map(() => new TestSocket(engine, limit)) };
}

const bodies = (sockets: TestSocket[]): string[][] => sockets.map((socket) => socket.bodies);

test("K17 fifo with a turn of many messages gives a readiness to one socket", () => {
  const { engine, sockets } = three({ policy: fifo(Infinity) });
  const t = new TestConnection(engine);
  t.offer(wire("1", "2"));
  t.offer(wire("3"));
  assertEquals(bodies(sockets), [["1", "2"], ["3"], []]);
});

test("fifo with a turn of two messages", () => {
  const { engine, sockets } = three({ policy: fifo(2) });
  new TestConnection(engine).offer(wire("1", "2", "3", "4", "5"));
  assertEquals(bodies(sockets), [["1", "2"], ["3", "4"], ["5"]]);
});

test("K40 sticky: a connection's messages stay on one socket, and wait for it", () => {
  const { engine, sockets } = three({ policy: sticky() }, 6);
  const [t, u] = [new TestConnection(engine), new TestConnection(engine)];
  t.offer(wire("t1", "t2", "t3", "t4"));
  u.offer(wire("u1"));
  assertEquals([bodies(sockets), t.port.isPaused], [[["t1", "t2"], ["u1"], []], true]);
  assertEquals([sockets[0]!.recv(), sockets[0]!.recv()], ["t1", "t2"]);
  assertEquals(bodies(sockets), [["t3", "t4"], ["u1"], []]);
});

test("sticky: with its socket gone a connection gets another, and keeps its order", () => {
  const { engine, sockets } = three({ policy: sticky() }, 6);
  const t = new TestConnection(engine);
  t.offer(wire("1", "2", "3", "4"));
  sockets[0]!.close();
  const rest = sockets.slice(1);
  const got: string[] = [];
  for (let body = ""; body !== undefined;) {
    body = rest.map((socket) => socket.recv()).find((one) => one !== undefined)!;
    if (body !== undefined) got.push(body);
  }
  assertEquals(got, ["1", "2", "3", "4"]);
});

/** The length is in front, in two bytes; the first byte of the body is left in a map. */
const NOTING = `
  .map kind array 4 4 1
  r6 = r1
  r0 = *(u16 *)skb[0]
  r7 = r0
  r7 += 2
  r0 = *(u8 *)skb[2]
  r8 = r0
  r1 = 0
  *(u32 *)(r10 - 4) = r1
  r2 = r10
  r2 += -4
  r1 = map[kind] ll
  call 1
  if r0 == 0 goto done
  *(u32 *)(r0 + 0) = r8
done:
  r0 = r7
  exit
`;

test("keyAffinity: by a value of a map that a BPF program sets while it parses", () => {
  const machine = new BpfMachine(assemble(NOTING));
  const kind = machine.map("kind");
  const { engine, sockets } = three({ policy: keyAffinity(() => Number(kind.get(0))) });
  const t = engine.attach({ parser: bpfParser(machine) });
  const letters = "abcdefghijklmnopqrst".split("");
  const all = wire(...letters.map((letter) => `${letter}1`), ...letters.map((letter) => `${letter}2`));
  for (let at = 0; at < all.length; at += 3) t.push(all.subarray(at, at + 3), 0);
  for (const socket of sockets) assert(socket.bodies.length > 0);
  for (const letter of letters) {
    const whose = sockets.filter((socket) => socket.bodies.some((body) => body.startsWith(letter)));
    assertEquals([whose.length, whose[0]!.bodies.filter((body) => body.startsWith(letter))], [1, [
      `${letter}1`,
      `${letter}2`,
    ]]);
  }
});

test("keyAffinity: the same key, the same socket; only keys of a socket that goes move", () => {
  const keyOf = ({ data }: { data: Uint8Array }): number => data[2]!;
  const { engine, sockets } = three({ policy: keyAffinity(keyOf) });
  const t = new TestConnection(engine);
  const letters = "abcdefghijklmnopqrst".split("");
  t.offer(wire(...letters, ...letters));
  for (const socket of sockets) {
    assert(socket.bodies.length > 0);
    for (const body of socket.bodies) assertEquals(socket.bodies.filter((one) => one === body).length, 2);
  }
  const mine = sockets.map((socket) => new Set(socket.bodies));
  sockets[2]!.queue.length = 0;
  sockets[2]!.close();
  t.offer(wire(...letters));
  for (const [i, socket] of sockets.slice(0, 2).entries()) {
    for (const body of socket.bodies.slice(mine[i]!.size * 2)) {
      assert(mine[i]!.has(body) || mine[2]!.has(body));
    }
  }
});

test("keyAffinity: the key of a sender counts first", () => {
  const engine = new MultiplexorEngine({ sendPolicy: keyAffinity() });
  const wires = [0, 1, 2].map(() => new Wire(engine));
  const k0 = new Sender(engine);
  for (let i = 0; i < 30; i++) k0.port.send(wire(String(i % 5)), { key: i % 5 });
  for (const key of ["0", "1", "2", "3", "4"]) {
    assertEquals(wires.filter((one) => one.bodies.includes(key)).length, 1);
  }
});

test("weighted: shares by weight, spread evenly, for sockets and connections", () => {
  const { engine, sockets } = three({ policy: weighted(), sendPolicy: weighted() });
  sockets[0]!.port.weight = 5;
  const t = new TestConnection(engine);
  t.offer(wire("1", "2", "3", "4", "5", "6", "7"));
  assertEquals(bodies(sockets), [["1", "2", "4", "6", "7"], ["3"], ["5"]]);
  const wires = [new Wire(engine, Infinity, { weight: 2 }), new Wire(engine)];
  const k0 = new Sender(engine);
  for (const body of ["a", "b", "c", "d", "e", "f"]) k0.port.send(wire(body));
  assertEquals(wires.map((one) => one.bodies.length), [4, 2]);
});

test("leastLoaded: by load, then by what waits", () => {
  const engine = new MultiplexorEngine({ sendPolicy: leastLoaded() });
  const wires = [0, 1, 2].map(() => new Wire(engine));
  wires[0]!.port.load = 5;
  wires[1]!.port.load = 1;
  const k0 = new Sender(engine);
  for (let i = 0; i < 4; i++) k0.port.send(wire("x"));
  assertEquals(wires.map((one) => one.bodies.length), [0, 0, 4]);
  wires[2]!.port.load = 2;
  k0.port.send(wire("x"));
  assertEquals(wires.map((one) => one.bodies.length), [0, 1, 4]);
});

test("a policy that does not wait passes over sockets without room", () => {
  const { engine, sockets } = three({ policy: leastLoaded() }, 3);
  const t = new TestConnection(engine);
  t.offer(wire("1", "2", "3", "4", "5"));
  assertEquals([bodies(sockets).flat().toSorted(), t.port.isPaused], [["1", "2", "3"], true]);
  const [first] = sockets;
  assertEquals([first!.recv() !== undefined, first!.bodies], [true, ["4"]]);
});

test("a policy of one's own; what it throws comes out, and nothing is lost", () => {
  const choose = (_: unknown, targets: readonly { index: number }[]): never => {
    if (targets.length > 2) throw new Error("no idea");
    return targets[targets.length - 1] as never;
  };
  const policy = { name: "last", start: () => ({ choose }) };
  const { engine, sockets } = three({ policy });
  const t = new TestConnection(engine);
  assertThrows(() => t.offer(wire("1", "2")), Error, "no idea");
  assertEquals(bodies(sockets).flat().toSorted(), ["1", "2"]);
  sockets[2]!.close();
  t.left = new Uint8Array(0);
  t.offer(wire("3"));
  assert(sockets[1]!.bodies.includes("3"));
});

test("a policy that chooses what is no target is told so", () => {
  const policy = { name: "bad", start: () => ({ choose: () => ({}) as never }) };
  const engine = new MultiplexorEngine({ policy, sendPolicy: policy });
  const k0 = new Sender(engine);
  const t = new Wire(engine);
  assertThrows(() => t.port.push(wire("1"), 0), TypeError, "one of the targets");
  assertThrows(() => k0.port.send(wire("2")), TypeError, "one of the targets");
  assertEquals([k0.received, t.bodies], [["1"], ["2"]]);
});

test("wrong policies are refused", () => {
  assertThrows(() => new MultiplexorEngine({ policy: {} as never }), TypeError, "policy");
  assertThrows(() => fifo(0), RangeError, "messagesPerTurn");
});

test("key affinity by something that is no function is refused at once", () => {
  for (const bad of ["x", { key: 1 }, null] as unknown as (() => number)[]) {
    assertThrows(() => keyAffinity(bad), TypeError, "keyOf must be a function");
  }
});
