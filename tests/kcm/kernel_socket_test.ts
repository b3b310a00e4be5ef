// Sockets with the kernel's calls, without its defects.
import { test } from "node:test";
import { assertEquals, assertThrows } from "@std/assert";
import { KCM_RECV_DISABLE, KernelSocket, MultiplexorEngine, SOL_KCM } from "../../src/kcm/mod.ts";
import { drain, told } from "./linux.ts";
import { Wire } from "./sending.ts";
import { TestConnection, wire } from "./support.ts";

test("K25 the rest of a seqpacket message that was read in part stays", () => {
  const engine = new MultiplexorEngine();
  const k0 = new KernelSocket(engine, { type: "seqpacket" });
  new TestConnection(engine).offer(wire("abcdef", "z"));
  assertEquals([4, 99, 99].map((length) => told(k0.recvmsg(length))), ["..ab", "cdef EOR", "..z EOR"]);
  assertEquals([k0.stats.rx_msgs, k0.stats.rx_bytes], [2, 11]);
});

test("K41 what is left of a message that was read in part moves with it", () => {
  const engine = new MultiplexorEngine();
  const k0 = new KernelSocket(engine, { type: "seqpacket" });
  new TestConnection(engine).offer(wire("abcdef"));
  k0.recvmsg(4);
  const k1 = k0.clone(engine);
  k0.close();
  assertEquals(told(k1.recvmsg(9)), "cdef EOR");
});

test("K22 K42 a full socket gets messages again at half, or at receiveLowBytes", () => {
  const engine = new MultiplexorEngine();
  const k0 = new KernelSocket(engine, { receiveBufferBytes: 16 });
  const t = new TestConnection(engine);
  t.offer(wire("m1", "m2", "m3", "m4", "m5"));
  assertEquals([k0.backlogMessages, t.port.isPaused], [4, true]);
  k0.recvmsg(9);
  k0.recvmsg(9);
  assertEquals([k0.backlogMessages, t.port.isPaused], [2, true]);
  k0.recvmsg(9);
  assertEquals([k0.backlogMessages, t.port.isPaused], [2, false]);
});

test("K24 K26 K27 a short read of a datagram cuts it off, a look does not", () => {
  const engine = new MultiplexorEngine();
  const k0 = new KernelSocket(engine);
  new TestConnection(engine).offer(wire("abcdef", "z"));
  assertEquals(told(k0.recvmsg(4, { peek: true })), "..ab");
  assertEquals([4, 0, 9].map((length) => told(k0.recvmsg(length))), ["..ab EOR TRUNC", " EOR TRUNC", "EAGAIN"]);
});

test("K30 K31 RECV_DISABLE gives messages back, and enabling gets them", () => {
  const engine = new MultiplexorEngine();
  const k0 = new KernelSocket(engine);
  const t = new TestConnection(engine);
  t.offer(wire("m1", "m2"));
  k0.setOption(SOL_KCM, KCM_RECV_DISABLE, 1);
  t.offer(wire("m3", "m4"));
  assertEquals([engine.stats.heldMessages, t.left.length, k0.backlogMessages], [2, 4, 0]);
  k0.setOption(SOL_KCM, KCM_RECV_DISABLE, 0);
  assertEquals(drain(k0), ["m1", "m2", "m3", "m4"]);
});

test("K28 who waits gets nothing when the socket is closed", () => {
  const k0 = new KernelSocket(new MultiplexorEngine());
  const got: string[] = [];
  k0.receive(9, 0, (received) => got.push(told(received)));
  assertEquals(k0.timeoutAt(), Infinity);
  k0.close();
  assertEquals(got, ["EAGAIN"]);
});

test("what is sent is copied", () => {
  const engine = new MultiplexorEngine();
  const k0 = new KernelSocket(engine);
  const bytes = wire("abc");
  k0.sendmsg(bytes);
  bytes.fill(0);
  assertEquals(new Wire(engine).bodies, ["abc"]);
});

test("wrong options are refused", () => {
  const engine = new MultiplexorEngine();
  assertThrows(() => new KernelSocket(engine, { receiveBufferBytes: 0 }), RangeError, "receiveBufferBytes");
  assertThrows(() => new KernelSocket(engine, { receiveLowBytes: 0 }), RangeError, "receiveLowBytes");
  assertThrows(() => new KernelSocket(engine, { receiveTimeoutMs: -1 }), RangeError, "receiveTimeoutMs");
  assertThrows(() => new KernelSocket(engine, { sendBufferBytes: 0 }), RangeError, "sendBufferBytes");
  assertThrows(() => new KernelSocket(engine, { retry: "x" as never }), RangeError, "retry");
  assertEquals(engine.stats.sockets, 0);
});

test("K14 the calls that the kernel refuses are not there", () => {
  const k0 = new KernelSocket(new MultiplexorEngine());
  for (const call of ["bind", "connect", "listen", "accept", "shutdown", "getsockname"]) {
    assertEquals(call in k0, false);
  }
});
