// The kernel's way to receive: the cases of its column that differ, and those that are the same.
import { test } from "node:test";
import { assertEquals, assertThrows } from "@std/assert";
import { bpfParser } from "../../src/bpf/mod.ts";
import { KCM_RECV_DISABLE, KcmError, Multiplexor, SOL_KCM } from "../../src/kcm/mod.ts";
import { drain, Kernel, told } from "./linux.ts";
import { parser, wire } from "./support.ts";

const disable = (socket: { setOption(level: number, name: number, value: number): void }, value: number): void =>
  socket.setOption(SOL_KCM, KCM_RECV_DISABLE, value);

test("K2 clones have the smallest free index and the same type", () => {
  const kernel = new Kernel();
  const k0 = kernel.socket({ type: "seqpacket" });
  const [k1, k2] = [k0.clone(kernel.engine), k0.clone(kernel.engine)];
  assertEquals([k0, k1, k2].map(({ port }) => port.index), [0, 1, 2]);
  k1.close();
  const again = k0.clone(kernel.engine);
  assertEquals([again.port.index, again.type], [1, "seqpacket"]);
});

test("K1 a type that there is not is refused", () => {
  assertThrows(() => new Kernel().socket({ type: "stream" as never }), RangeError, "type");
});

test("K7 K84 attach, unattach, attach again: indexes, counts, and sums that stay", () => {
  const kernel = new Kernel();
  const k0 = kernel.socket();
  const [t, u, v] = [kernel.attach(), kernel.attach(), kernel.attach()];
  assertEquals([t, u, v].map(({ port }) => port.index), [0, 1, 2]);
  u.arrive("abc");
  u.port.unattach();
  const again = kernel.attach();
  const { multiplexor, totals } = kernel.engine.report();
  assertEquals([again.port.index, multiplexor.attached, multiplexor.unattached], [1, 4, 1]);
  assertEquals([totals.parser.messages, totals.parser.bytes, drain(k0)], [1, 5, ["abc"]]);
});

test("K8 unattaching twice does nothing", () => {
  const t = new Kernel().attach();
  t.port.unattach();
  assertEquals(t.port.unattach().unread.length, 0);
});

test("K10 K11 unattaching loses the part of a message that was taken", () => {
  const kernel = new Kernel();
  kernel.socket();
  const t = kernel.attach();
  t.arriveBytes(wire("abcde").subarray(0, 4));
  const { unread, messages } = t.port.unattach();
  assertEquals([unread.length, messages.length, kernel.engine.stats.readyDrops], [0, 0, 0]);
});

test("K12 unattaching drops the message that waits, and gives back what was not read", () => {
  const kernel = new Kernel();
  const k0 = kernel.socket({ receiveBufferBytes: 4 });
  const t = kernel.attach();
  t.arrive("m1", "m2", "m3");
  const { unread } = t.port.unattach();
  assertEquals([drain(k0), kernel.engine.stats.readyDrops, unread], [["m1"], 1, wire("m3")]);
});

test("K15 the option RECV_DISABLE", () => {
  const k0 = new Kernel().socket();
  assertEquals(k0.getOption(SOL_KCM, KCM_RECV_DISABLE), 0);
  disable(k0, 7);
  disable(k0, 7);
  assertEquals(k0.getOption(SOL_KCM, KCM_RECV_DISABLE), 1);
  assertThrows(() => k0.setOption(1, 1, 1), KcmError, "no option 1 at level 1");
  assertThrows(() => k0.getOption(SOL_KCM, 2), KcmError, "no option");
  assertThrows(() => disable(k0, 0.5), KcmError, "integer");
});

test("K16 a message with its end; what was read is counted", () => {
  const kernel = new Kernel();
  const k0 = kernel.socket();
  kernel.attach().arrive("abc");
  assertEquals([told(k0.recvmsg(100)), k0.stats], ["..abc EOR", { rx_msgs: 1, rx_bytes: 5, tx_msgs: 0, tx_bytes: 0 }]);
});

test("K17 all messages of one readiness go to one socket, which goes to the end of the line", () => {
  const kernel = new Kernel();
  const [k0, k1] = [kernel.socket(), kernel.socket()];
  const t = kernel.attach();
  t.arrive("m1", "m2");
  t.arrive("m3");
  assertEquals([drain(k0), drain(k1)], [["m1", "m2"], ["m3"]]);
});

test("K18 K40 readinesses go round the sockets", () => {
  const kernel = new Kernel();
  const sockets = [kernel.socket(), kernel.socket(), kernel.socket()];
  const t = kernel.attach();
  for (const body of ["m1", "m2", "m3", "m4", "m5"]) t.arrive(body);
  assertEquals(sockets.map(drain), [["m1", "m4"], ["m2", "m5"], ["m3"]]);
});

test("K19 a socket that is full in the middle of a readiness is left, and waits no more", () => {
  const kernel = new Kernel();
  const [k0, k1] = [kernel.socket({ receiveBufferBytes: 8 }), kernel.socket()];
  kernel.attach().arrive("m1", "m2", "m3", "m4");
  assertEquals([kernel.status("sockets", 0), kernel.status("sockets", 1)], [[], ["RxWait"]]);
  assertEquals([drain(k0), drain(k1)], [["m1", "m2"], ["m3", "m4"]]);
});

test("K20 K21 without room the connection keeps one message and reads no more", () => {
  const kernel = new Kernel();
  const k0 = kernel.socket({ receiveBufferBytes: 4 });
  const t = kernel.attach();
  t.arrive("m1", "m2", "m3");
  assertEquals([k0.backlogMessages, t.left, t.port.stats.messages, t.port.stats.bytes], [1, 4, 2, 8]);
  assertEquals(kernel.status("connections", 0), ["RxPause", "RdyRx"]);
  assertEquals(told(k0.recvmsg(9)), "..m1 EOR");
  assertEquals([k0.backlogMessages, t.left, kernel.status("connections", 0)], [1, 0, ["RxPause", "RdyRx"]]);
  assertEquals(drain(k0), ["m2", "m3"]);
});

test("K22 a full socket gets nothing until it is empty", () => {
  const kernel = new Kernel();
  const k0 = kernel.socket({ receiveBufferBytes: 8 });
  const t = kernel.attach();
  t.arrive("m1", "m2", "m3", "m4");
  k0.recvmsg(9);
  assertEquals([k0.backlogMessages, kernel.status("sockets", 0)], [1, []]);
  k0.recvmsg(9);
  assertEquals([k0.backlogMessages, t.left, kernel.status("sockets", 0)], [2, 0, ["RxWait"]]);
});

test("K23 one message may exceed the buffer", () => {
  const kernel = new Kernel();
  const k0 = kernel.socket({ receiveBufferBytes: 5 });
  kernel.attach().arrive("x".repeat(50));
  assertEquals(k0.backlogBytes, 52);
});

test("K24 a datagram that does not fit is cut off", () => {
  const kernel = new Kernel();
  const k0 = kernel.socket();
  kernel.attach().arrive("abcdef", "z");
  assertEquals([4, 99, 99].map((length) => told(k0.recvmsg(length))), ["..ab EOR TRUNC", "..z EOR", "EAGAIN"]);
  assertEquals([k0.stats.rx_msgs, k0.stats.rx_bytes], [2, 7]);
});

test("K25 the rest of a seqpacket message that was read in part is lost, without a flag", () => {
  const kernel = new Kernel();
  const k0 = kernel.socket({ type: "seqpacket" });
  kernel.attach().arrive("abcdef", "z");
  assertEquals([4, 99, 99].map((length) => told(k0.recvmsg(length))), ["..ab", "..z EOR", "EAGAIN"]);
  assertEquals([k0.stats.rx_msgs, k0.stats.rx_bytes], [1, 7]);
});

test("K26 a look changes nothing and tells no flags", () => {
  const kernel = new Kernel();
  const k0 = kernel.socket();
  kernel.attach().arrive("abc");
  assertEquals([told(k0.recvmsg(3, { peek: true })), told(k0.recvmsg(99)), k0.stats.rx_msgs], ["..a", "..abc EOR", 1]);
});

test("K27 reading nothing takes a datagram and leaves a seqpacket message", () => {
  const kernel = new Kernel();
  const datagram = kernel.socket();
  kernel.attach().arrive("abc");
  assertEquals([told(datagram.recvmsg(0)), datagram.stats.rx_msgs, datagram.stats.rx_bytes], [" EOR TRUNC", 1, 0]);
  const other = new Kernel();
  const seqpacket = other.socket({ type: "seqpacket" });
  other.attach().arrive("abc");
  assertEquals([told(seqpacket.recvmsg(0)), told(seqpacket.recvmsg(9))], ["", "..abc EOR"]);
});

test("K28 an empty socket says EAGAIN, at once or when receiveTimeoutMs has passed", () => {
  const kernel = new Kernel();
  const k0 = kernel.socket({ receiveTimeoutMs: 50 });
  assertEquals(told(k0.recvmsg(9)), "EAGAIN");
  const got: string[] = [];
  k0.receive(9, 0, (received) => got.push(told(received)));
  k0.receive(9, 10, (received) => got.push(told(received)));
  assertEquals(k0.timeoutAt(), 50);
  k0.onTimeout(50);
  assertEquals([got, k0.timeoutAt()], [["EAGAIN"], 60]);
  kernel.attach().arrive("abc");
  assertEquals([got, k0.timeoutAt()], [["EAGAIN", "..abc EOR"], Infinity]);
});

test("K29 a message without a body", () => {
  const kernel = new Kernel();
  const k0 = kernel.socket();
  kernel.attach().arrive("");
  assertEquals(k0.recvmsg(9)!.data, Uint8Array.of(0, 0));
});

test("K30 a disabled socket's messages go to the others, and it counts none", () => {
  const kernel = new Kernel();
  const k0 = kernel.socket();
  const t = kernel.attach();
  t.arrive("m1");
  t.arrive("m2");
  const k1 = kernel.socket();
  disable(k0, 1);
  t.arrive("m3");
  assertEquals([drain(k1), drain(k0), k0.stats.rx_msgs], [["m1", "m2", "m3"], [], 0]);
});

test("K31 with no socket left messages are held and the connection pauses, until it is enabled", () => {
  const kernel = new Kernel();
  const k0 = kernel.socket();
  const t = kernel.attach();
  t.arrive("m1", "m2");
  disable(k0, 1);
  t.arrive("m3", "m4");
  assertEquals([kernel.engine.stats.heldMessages, t.port.isPaused, t.left], [2, true, 4]);
  disable(k0, 0);
  assertEquals(drain(k0), ["m1", "m2", "m3", "m4"]);
});

test("K32 a clone gets what is held, then what is ready", () => {
  const kernel = new Kernel();
  const k0 = kernel.socket();
  const t = kernel.attach();
  t.arrive("m1");
  disable(k0, 1);
  t.arrive("m2");
  const clone = k0.clone(kernel.engine);
  assertEquals([drain(clone), kernel.engine.stats.heldMessages], [["m1", "m2"], 0]);
});

test("K33 what does not fit when a socket is closed is held", () => {
  const kernel = new Kernel();
  const k0 = kernel.socket();
  const t = kernel.attach();
  t.arrive("m1", "m2", "m3");
  const k1 = kernel.socket({ receiveBufferBytes: 5 });
  k0.close();
  assertEquals([k1.backlogMessages, kernel.engine.stats.heldMessages], [2, 1]);
  k1.recvmsg(9);
  k1.recvmsg(9);
  assertEquals([drain(k1), kernel.engine.stats.heldMessages], [["m3"], 0]);
});

test("K34 a closed socket's messages all go to the first in line", () => {
  const kernel = new Kernel();
  const k0 = kernel.socket();
  kernel.attach().arrive("m1", "m2", "m3");
  const [k1, k2] = [kernel.socket(), kernel.socket()];
  k0.close();
  assertEquals([drain(k1), drain(k2)], [["m1", "m2", "m3"], []]);
});

test("K35 with the last socket its messages are lost and connections are let go, unharmed", () => {
  const kernel = new Kernel();
  const k0 = kernel.socket();
  const t = kernel.attach();
  t.arrive("m1", "m2");
  k0.close();
  assertEquals([t.outcome!.error, t.port.takeError(), kernel.engine.isFinished], [undefined, undefined, true]);
});

test("K36 K46 connections that wait hold one message each, and are served in turn", () => {
  const kernel = new Kernel();
  const k0 = kernel.socket({ receiveBufferBytes: 4 });
  const [t, u] = [kernel.attach(), kernel.attach()];
  t.arrive("t1");
  t.arrive("t2");
  u.arrive("u1");
  t.arrive("t3");
  assertEquals([t.port.isPaused, u.port.isPaused], [true, true]);
  assertEquals(drain(k0), ["t1", "t2", "u1", "t3"]);
});

test("K38 K39 what is given back during a readiness moves when that is over", () => {
  for (const close of [true, false]) {
    const kernel = new Kernel();
    const [k0, k1] = [kernel.socket(), kernel.socket()];
    const t = kernel.attach();
    k0.receive(9, 0, () => close ? k0.close() : disable(k0, 1));
    t.arrive("m1", "m2", "m3");
    assertEquals([drain(k0), drain(k1)], [[], ["m2", "m3"]]);
  }
});

test("K41 K42 a low-water mark lets a socket take messages before it is empty", () => {
  const kernel = new Kernel();
  const k0 = kernel.socket({ receiveBufferBytes: 8, receiveLowBytes: 6 });
  kernel.attach().arrive("m1", "m2", "m3");
  k0.recvmsg(9);
  assertEquals([k0.backlogBytes, drain(k0)], [8, ["m2", "m3"]]);
});

test("K43 a message over the limit is EMSGSIZE on the connection; sending goes on once that was read", () => {
  const kernel = new Kernel();
  const k0 = kernel.socket();
  const t = kernel.attach({ maxMessageLength: 10 });
  t.arrive("x".repeat(9));
  assertEquals([k0.backlogMessages, kernel.status("connections", 0)], [0, ["RxStop", "RxWait"]]);
  assertEquals([t.port.takeError(), t.port.takeError()], ["EMSGSIZE", undefined]);
  k0.sendmsg(wire("out"));
  assertEquals(t.bodies, ["out"]);
  assertEquals(t.port.unattach().unread, wire("x".repeat(9)));
});

test("K44 a message that takes too long is ETIMEDOUT on the connection", () => {
  const kernel = new Kernel();
  kernel.socket();
  const t = kernel.attach({ messageTimeoutMs: 100 });
  t.arriveBytes(Uint8Array.of(0));
  assertEquals(kernel.engine.timeoutAt(), 100);
  kernel.engine.onTimeout(100);
  assertEquals([t.port.takeError(), t.port.stats.timeouts, kernel.engine.timeoutAt()], ["ETIMEDOUT", 1, Infinity]);
});

test("K45 the peer's end posts EPIPE; whole messages are delivered, a part is lost silently", () => {
  const kernel = new Kernel();
  const k0 = kernel.socket();
  const t = kernel.attach();
  t.arriveBytes(Uint8Array.of(...wire("abc"), ...wire("abcde").subarray(0, 4)));
  t.port.end(0);
  assertEquals([t.port.takeError(), drain(k0), t.outcome, t.port.stats.truncated], ["EPIPE", ["abc"], undefined, 0]);
});

test("the peer's end is unread while nobody reads up to it", () => {
  const kernel = new Kernel();
  const k0 = kernel.socket({ receiveBufferBytes: 4 });
  const [t, u] = [kernel.attach(), kernel.attach()];
  u.arriveBytes(wire("abcd").subarray(0, 3));
  u.port.end(0);
  assertEquals(kernel.status("connections", 1), ["RxWait=3"]);
  t.arrive("m1", "m2");
  t.port.end(0);
  assertEquals(kernel.status("connections", 0), ["RxPause", "RdyRx"]);
  drain(k0);
  assertEquals(kernel.status("connections", 0), []);
});

test("what a program returns is the connection's error", () => {
  const codes = [-1, -5, -71, -4096].map((value) => {
    const code = Uint8Array.of(
      0xb7,
      0,
      0,
      0,
      ...new Uint8Array(Int32Array.of(value).buffer),
      0x95,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
    );
    const parser = bpfParser({ name: "fails", code, maps: [], license: "" });
    const kernel = new Kernel();
    kernel.socket();
    const t = kernel.attach({ parser });
    t.arriveBytes(Uint8Array.of(1));
    return t.port.takeError();
  });
  assertEquals(codes, ["EPERM", "EIO", "EPROTO", "E4096"]);
});

test("K82 the multiplexor's totals lag", () => {
  const kernel = new Kernel();
  kernel.socket();
  const t = kernel.attach();
  const seen = (): number[] => [kernel.engine.stats.rxMessages, kernel.engine.stats.rxBytes];
  t.arrive("abc");
  assertEquals(seen(), [1, 0]);
  t.arrive("de");
  assertEquals([...seen(), t.port.stats.messages, t.port.stats.bytes], [2, 5, 2, 9]);
});

test("K87 a body that is not all there is awaited below", () => {
  const kernel = new Kernel();
  kernel.socket();
  const t = kernel.attach();
  t.arriveBytes(wire("abcde").subarray(0, 3));
  t.arriveBytes(wire("abcde").subarray(3, 5));
  assertEquals([kernel.status("connections", 0), t.left], [["RxWait=4"], 2]);
  t.arriveBytes(wire("abcde").subarray(5));
  assertEquals([t.left, t.port.stats.messages, t.port.stats.bytes], [0, 1, 10]);
});

test("receiveQueueBytes bounds what waits to be parsed", () => {
  const kernel = new Kernel();
  const k0 = kernel.socket({ receiveBufferBytes: 1 });
  let resumed = 0;
  const port = kernel.engine.attach({ parser: { name: "one", parse: () => 1 }, receiveQueueBytes: 4 }, {
    resumed: () => resumed++,
  });
  assertEquals([port.push(new Uint8Array(3), 0), port.push(new Uint8Array(9), 0)], [3, 3]);
  assertEquals(port.push(new Uint8Array(6), 0), 0);
  k0.recvmsg(1);
  assertEquals(resumed, 1);
});

test("K3 K5 what is no connection is refused at once, and nothing is attached", () => {
  const kcm = new Multiplexor();
  for (const source of [undefined, {}, { readable: {} }]) {
    assertThrows(() => kcm.attach(source as never, { parser }), TypeError, "readable");
  }
  assertEquals(kcm.stats.attached, 0);
  kcm.abort();
});

test("K13 after unattaching what arrives is the application's again", () => {
  const kernel = new Kernel();
  const k0 = kernel.socket();
  const t = kernel.attach();
  t.port.unattach();
  assertEquals([t.port.push(wire("mine"), 0), k0.backlogMessages, t.outcome!.error], [0, 0, undefined]);
});
