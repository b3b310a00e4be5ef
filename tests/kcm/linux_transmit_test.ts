// The kernel's way to send: the cases of its column that differ, and status words.
import { test } from "node:test";
import { assertEquals, assertThrows } from "@std/assert";
import { KcmError, MultiplexorEngine } from "../../src/kcm/mod.ts";
import { drain, Kernel } from "./linux.ts";
import { reset, Sender, Wire } from "./sending.ts";
import { wire } from "./support.ts";

test("K47 a message is written and counted, in the totals when the connection is given up", () => {
  const kernel = new Kernel();
  const k0 = kernel.socket();
  const t = kernel.attach();
  assertEquals(k0.sendmsg(wire("abc")), 5);
  assertEquals([t.bodies, k0.stats.tx_msgs, k0.stats.tx_bytes], [["abc"], 1, 5]);
  assertEquals(t.port.transmitStats, { txMessages: 1, txBytes: 5, reserved: 1, unreserved: 1, aborts: 0 });
  assertEquals([kernel.engine.stats.txMessages, kernel.engine.stats.txBytes], [1, 5]);
});

test("K48 without a connection a message waits", () => {
  const kernel = new Kernel();
  const k0 = kernel.socket();
  k0.sendmsg(wire("abc"));
  assertEquals(kernel.status("sockets", 0), ["TxWait", "RxWait"]);
  assertEquals([kernel.attach().bodies, kernel.status("sockets", 0)], [["abc"], ["RxWait"]]);
});

test("K49 K50 connections go to the end of the line", () => {
  const kernel = new Kernel();
  const k0 = kernel.socket();
  const [t, u, v] = [kernel.attach(), kernel.attach(), kernel.attach()];
  for (const body of ["1", "2", "3", "4"]) k0.sendmsg(wire(body));
  assertEquals([t.bodies, u.bodies, v.bodies], [["1", "4"], ["2"], ["3"]]);
});

test("K55 K57 a batch leaves on one connection, at the latest when the buffer is full", () => {
  const kernel = new Kernel();
  const k0 = kernel.socket({ sendBufferBytes: 6 });
  const [t, u] = [kernel.attach(), kernel.attach()];
  k0.sendmsg(wire("1"), { batch: true });
  k0.sendmsg(wire("2"), { batch: true });
  assertEquals([t.bodies, kernel.status("sockets", 0), k0.port.queuedMessages], [[], ["WMore", "RxWait"], 2]);
  assertThrows(() => k0.sendmsg(wire("3")), KcmError, "full");
  assertEquals([t.bodies, u.bodies, t.port.transmitStats.reserved], [["1", "2"], [], 1]);
});

test("K58 K59 K83 a connection stays reserved in the middle of a message, and totals lag", () => {
  const kernel = new Kernel();
  const k0 = kernel.socket();
  const t = kernel.attach({}, 3);
  assertEquals(k0.sendmsg(wire("abcdef")), 8);
  assertEquals([t.bytes.length, t.port.transmitStats.txBytes, t.port.transmitStats.unreserved], [3, 3, 0]);
  assertEquals([kernel.status("sockets", 0), kernel.status("connections", 0)], [["Psck-0", "RxWait"], ["Rsvd-0"]]);
  assertEquals([kernel.engine.stats.txMessages, kernel.engine.stats.txBytes], [0, 0]);
  t.more();
  assertEquals([t.bodies, t.port.transmitStats.unreserved], [["abcdef"], 1]);
  assertEquals([kernel.engine.stats.txMessages, kernel.engine.stats.txBytes], [1, 8]);
});

test("K60 K63 what is behind a blocked message waits, though another connection is free", () => {
  const kernel = new Kernel();
  const k0 = kernel.socket();
  const [t, u] = [kernel.attach({}, 3), kernel.attach()];
  for (const body of ["abcdef", "x", "y"]) k0.sendmsg(wire(body));
  assertEquals([u.bodies, k0.port.queuedMessages], [[], 3]);
  t.more();
  assertEquals([t.bodies, u.bodies, u.port.transmitStats.reserved], [["abcdef", "x", "y"], [], 0]);
});

test("K61 another socket takes the free connection", () => {
  const kernel = new Kernel();
  const [k0, k1] = [kernel.socket(), kernel.socket()];
  const [t, u] = [kernel.attach({}, 3), kernel.attach()];
  k0.sendmsg(wire("abcdef"));
  k1.sendmsg(wire("x"));
  assertEquals([t.bodies, u.bodies], [["+3"], ["x"]]);
});

test("K62 sockets that wait for a connection are served in turn", () => {
  const kernel = new Kernel();
  const sockets = [kernel.socket(), kernel.socket(), kernel.socket()];
  const t = kernel.attach({}, 2);
  sockets.forEach((socket, i) => socket.sendmsg(wire(["AA", "BB", "CC"][i]!)));
  assertEquals(kernel.status("sockets", 1), ["TxWait", "RxWait"]);
  t.more();
  assertEquals(t.bodies, ["AA", "BB", "CC"]);
});

test("K64 a message whose connection fails is sent whole on another", () => {
  const kernel = new Kernel();
  const k0 = kernel.socket();
  const [t, u] = [kernel.attach({}, 3), kernel.attach()];
  k0.sendmsg(wire("abcdef"));
  t.failure = reset();
  t.write();
  assertEquals([t.bodies, u.bodies, t.port.takeError()], [["+3"], ["abcdef"], "EPIPE"]);
  assertEquals(t.port.transmitStats, { txMessages: 0, txBytes: 3, reserved: 1, unreserved: 1, aborts: 1 });
  const { retries, txMessages, txBytes } = kernel.engine.stats;
  assertEquals([retries, txMessages, txBytes, kernel.status("connections", 0)], [1, 1, 11, ["TxStop"]]);
});

test("K65 with no other it waits for one", () => {
  const kernel = new Kernel();
  const k0 = kernel.socket();
  const t = kernel.attach({}, 3);
  k0.sendmsg(wire("abcdef"));
  t.port.failSending(reset());
  assertEquals([kernel.status("sockets", 0), k0.port.queuedMessages], [["TxWait", "RxWait"], 1]);
  assertEquals(kernel.attach().bodies, ["abcdef"]);
});

test("K66 unattaching a reserved connection begins its message elsewhere", () => {
  const kernel = new Kernel();
  const k0 = kernel.socket();
  const [t, u] = [kernel.attach({}, 3), kernel.attach()];
  k0.sendmsg(wire("abcdef"));
  t.port.unattach();
  assertEquals([u.bodies, t.port.takeError()], [["abcdef"], "EPIPE"]);
  const { unattached, unattachedReserved, retries, connections } = kernel.engine.stats;
  assertEquals([unattached, unattachedReserved, retries, connections], [1, 1, 1, 1]);
});

test("K67 K68 unattaching an idle connection counts no retry and posts no error", () => {
  const kernel = new Kernel();
  const k0 = kernel.socket();
  const t = kernel.attach();
  k0.sendmsg(wire("abc"));
  t.port.unattach();
  assertEquals([kernel.engine.stats.retries, t.port.takeError()], [0, undefined]);
});

test("K69 closing a socket in the middle of a message gives the connection up for sending", () => {
  const kernel = new Kernel();
  const [k0, k1] = [kernel.socket(), kernel.socket()];
  const t = kernel.attach({}, 3);
  k0.sendmsg(wire("abcdef"));
  k1.sendmsg(wire("x"));
  k0.close();
  assertEquals([t.port.takeError(), kernel.status("connections", 0)], ["EPIPE", ["TxStop"]]);
  assertEquals([kernel.status("sockets", 1), t.outcome, kernel.engine.stats.connections], [
    ["TxWait", "RxWait"],
    undefined,
    1,
  ]);
});

test("K56 K70 an open message or batch is given up with its socket, without harm", () => {
  const kernel = new Kernel();
  const [k0, k1] = [kernel.socket(), kernel.socket()];
  const t = kernel.attach();
  k0.sendmsg(wire("abc"), { more: true });
  k1.sendmsg(wire("abc"), { batch: true });
  k0.close();
  k1.port.discard();
  assertEquals([t.bytes, t.port.takeError()], [[], undefined]);
});

test("K71 a connection that has failed for sending still receives", () => {
  const kernel = new Kernel();
  const k0 = kernel.socket();
  const t = kernel.attach();
  t.port.failSending(reset());
  t.arrive("in");
  assertEquals(drain(k0), ["in"]);
});

test("K72 the next send gets the error that a state change has posted, and goes elsewhere", () => {
  const kernel = new Kernel();
  const k0 = kernel.socket();
  const [t, u] = [kernel.attach(), kernel.attach()];
  t.port.end(0);
  t.arrive("late");
  assertEquals(drain(k0), ["late"]);
  k0.sendmsg(wire("out"));
  assertEquals([t.bodies, u.bodies, kernel.engine.stats.retries], [[], ["out"], 1]);
  assertEquals(kernel.status("connections", 0), ["TxStop"]);
});

test("K73 with all connections failed a message waits", () => {
  const kernel = new Kernel();
  const k0 = kernel.socket();
  kernel.attach().port.failSending(reset());
  assertEquals([k0.sendmsg(wire("x")), k0.port.queuedMessages], [3, 1]);
});

test("K74 a full send buffer says EAGAIN", () => {
  const kernel = new Kernel();
  const k0 = kernel.socket({ sendBufferBytes: 5 });
  kernel.attach({}, 0);
  assertEquals(k0.sendmsg(wire("abc")), 5);
  assertThrows(() => k0.sendmsg(wire("d")), KcmError, "full");
});

test("K78 a pull of a connection that nobody has reserved finds nothing", () => {
  assertEquals(new Kernel().attach().port.pull(), []);
});

test("a batch behind messages that wait goes along with them", () => {
  const kernel = new Kernel();
  const k0 = kernel.socket();
  k0.sendmsg(wire("a"));
  k0.sendmsg(wire("b"), { batch: true });
  assertEquals(kernel.status("sockets", 0), ["TxWait", "WMore", "RxWait"]);
  assertEquals([kernel.attach().bodies, kernel.status("sockets", 0)], [["a", "b"], ["RxWait"]]);
});

test("an empty batch waits for more, too", () => {
  const kernel = new Kernel();
  const k0 = kernel.socket();
  const t = kernel.attach();
  k0.sendmsg(new Uint8Array(0), { batch: true });
  assertEquals(kernel.status("sockets", 0), ["WMore", "RxWait"]);
  k0.sendmsg(wire("a"), { batch: true });
  assertEquals(t.bodies, []);
  k0.sendmsg(wire("b"));
  assertEquals([t.bodies, kernel.status("sockets", 0)], [["a", "b"], ["RxWait"]]);
});

test("a driver that says that nothing was written of nothing changes nothing", () => {
  const engine = new MultiplexorEngine({ compat: "linux" });
  const [t, one, two] = [new Wire(engine, 3), new Sender(engine), new Sender(engine)];
  t.port.written(0);
  one.port.send(wire("abcdef"), { tag: 1 });
  two.port.send(wire("x"), { tag: 2 });
  assertEquals([t.bytes.length, t.port.transmitStats.reserved, t.port.transmitStats.unreserved], [3, 1, 0]);
  t.more();
  assertEquals([t.bodies, one.events, two.events], [["abcdef", "x"], ["written 1"], ["written 2"]]);
});

test("a write that ends when its socket has closed meanwhile is no mistake of the driver", () => {
  const engine = new MultiplexorEngine({ compat: "linux" });
  const t = new Wire(engine);
  t.isSlow = true;
  const [sender, other] = [new Sender(engine), new Sender(engine)];
  sender.port.send(wire("abcdef"), { tag: 1 });
  sender.port.close();
  t.land();
  assertEquals([t.port.isOver, other.port.isClosed], [false, false]);
  assertEquals(sender.events, ["failed 1 ECANCELED 0"]);
  assertEquals(engine.stats.sendBytes, 0);
});
