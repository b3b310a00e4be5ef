// The life of a datagram socket over a driver by hand: receiving, closing, breaking, opening.
import { test } from "node:test";
import { inspect } from "node:util";
import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { ManualClock } from "../../src/sim/mod.ts";
import { DgramSocket } from "../../src/tsocket/dgram_socket.ts";
import { SocketError } from "../../src/tsocket/errors.ts";
import { InetAddress } from "../../src/tsocket/inet_address.ts";
import { UnixAddress, VirtualAddress } from "../../src/tsocket/local_address.ts";
import type { TDgramDriver } from "../../src/tsocket/driver_types.ts";
import type { TDgramOptions } from "../../src/tsocket/option_types.ts";
import type { DatagramError } from "../../src/tsocket/types.ts";
import { isSettled, turns } from "../support/turns.ts";
import { unhandledRejections } from "../support/unhandled.ts";
import { FakeDgramDriver, type FakeDgramOptions } from "./support/fake_dgram_driver.ts";
import { failsWith, never, reasonOf } from "./support/settled.ts";

const friend = InetAddress.from("192.0.2.1", 53);

function open(options: FakeDgramOptions = {}, socketOptions: TDgramOptions = {}) {
  const clock = new ManualClock(1000);
  const driver = new FakeDgramDriver(options);
  return { clock, driver, socket: new DgramSocket(driver, socketOptions, { clock }) };
}

function bytes(...values: number[]): Uint8Array {
  return Uint8Array.of(...values);
}

test("an open driver makes an open socket: addresses and opened at once", async () => {
  const { socket, driver } = open({ maxDatagramSize: 1200, remoteAddress: friend });
  assertEquals([driver.starts, socket.maxDatagramSize], [1, 1200]);
  assertEquals([String(socket.localAddress), socket.remoteAddress], ["ipv4:127.0.0.1:5000", friend]);
  assertEquals(await socket.opened, {
    localAddress: "127.0.0.1",
    localPort: 5000,
    remoteAddress: "192.0.2.1",
    remotePort: 53,
  });
});

test("opened names paths without a port, and zones", async () => {
  const unix = open({ localAddress: UnixAddress.from("/a"), remoteAddress: UnixAddress.from("/b") }).socket;
  assertEquals(await unix.opened, { localAddress: "/a", localPort: null, remoteAddress: "/b", remotePort: null });
  const { socket } = open({ localAddress: InetAddress.from("fe80::1", 9, "eth0") });
  assertEquals((await socket.opened).localAddress, "fe80::1%eth0");
  const nowhere = await open({ localAddress: undefined }).socket.opened;
  assertEquals([nowhere.localAddress, nowhere.localPort, nowhere.remoteAddress], [null, null, null]);
});

test("console.log shows where a socket is and what it has counted", () => {
  const { socket, driver } = open({ remoteAddress: friend });
  driver.come(bytes(1), friend);
  assertEquals(
    inspect(socket),
    'DgramSocket { local: "127.0.0.1:5000", remote: "192.0.2.1:53", received: 1, sent: 0, droppedIncoming: 0 }',
  );
});

test("72: an empty datagram is a datagram and wedges nothing", async () => {
  const { socket, driver } = open();
  const first = socket.recvfrom();
  for (const data of [bytes(), bytes(1), bytes()]) driver.come(data, friend);
  assertEquals((await first).data.length, 0);
  assertEquals((await socket.recvfrom()).data, bytes(1));
  assertEquals((await socket.recvfrom()).data.length, 0);
  assertEquals(socket.stats.received, 3);
});

test("72: a socket of both families shows IPv4 senders as such and writes them mapped", async () => {
  const { socket, driver } = open({ localAddress: InetAddress.from("::", 5000) });
  driver.come(bytes(1), InetAddress.from("::ffff:192.0.2.1", 53));
  const { source } = await socket.recvfrom();
  assertEquals(source!.key, friend.key);
  await socket.sendto(bytes(2), source);
  await socket.sendto(bytes(2), source);
  await socket.sendMany([{ data: bytes(3), to: source }, { data: bytes(4), to: InetAddress.from("::1", 7) }]);
  assertEquals(driver.sends.map(({ to }) => String(to)), [
    "ipv6:[::ffff:192.0.2.1]:53",
    "ipv6:[::ffff:192.0.2.1]:53",
    "ipv6:[::ffff:192.0.2.1]:53",
    "ipv6:[::1]:7",
  ]);
});

test("73: what the driver cut off says so", async () => {
  const { socket, driver } = open();
  driver.come(bytes(1, 2), friend, true);
  driver.come(bytes(3), friend, false);
  assertEquals([(await socket.recvfrom()).truncated, (await socket.recvfrom()).truncated], [true, false]);
});

test("74: a connected socket drops what strangers send", async () => {
  const { socket, driver } = open({ remoteAddress: friend });
  const strangers = [friend.withPort(54), InetAddress.from("192.0.2.2", 53), UnixAddress.from("/x"), undefined];
  for (const stranger of strangers) driver.come(bytes(9), stranger);
  driver.come(bytes(1), InetAddress.from("192.0.2.1", 53));
  driver.come(bytes(2), InetAddress.from("::ffff:192.0.2.1", 53));
  for (const value of [1, 2]) assertEquals((await socket.recvfrom()).data, bytes(value));
  assertEquals([socket.stats.received, socket.stats.strangers, socket.stats.droppedIncoming], [6, 4, 0]);
});

test("74: a zone that a runtime lost makes no stranger, another zone does", async () => {
  const peer = InetAddress.from("fe80::1", 53, "eth0");
  const { socket, driver } = open({ localAddress: InetAddress.from("::", 1), remoteAddress: peer });
  driver.come(bytes(9), InetAddress.from("fe80::1", 53, "eth1"));
  driver.come(bytes(1), InetAddress.from("fe80::1", 53));
  driver.come(bytes(2), InetAddress.from("fe80::1", 53, "eth0"));
  for (const value of [1, 2]) assertEquals((await socket.recvfrom()).data, bytes(value));
  assertEquals(socket.stats.strangers, 1);
});

test("75: errors of the network are told and counted, and end nothing", async () => {
  const { socket, driver } = open();
  const seen: DatagramError[] = [];
  const error: DatagramError = { code: "ECONNREFUSED", destination: friend };
  const received = socket.recvfrom();
  driver.report(error);
  const first = socket.onIcmpError((told) => seen.push(told));
  const second = socket.onIcmpError((told) => seen.push(told));
  driver.report(error);
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  driver.report(error);
  second[Symbol.dispose]();
  driver.report(error);
  assertEquals([seen.length, socket.stats.icmpErrors], [3, 4]);
  assertStrictEquals(seen[0], error);
  driver.come(bytes(1), friend);
  assertEquals((await received).data, bytes(1));
  assertThrows(() => socket.onIcmpError(undefined as never), TypeError);
});

test("77: a second read is EBUSY, also of another kind, and the first goes on", async () => {
  const { socket, driver } = open();
  const first = socket.recvfrom();
  await failsWith(socket.recvfrom(), "EBUSY");
  await failsWith(socket.recvMany(3), "EBUSY");
  driver.come(bytes(1), friend);
  assertEquals((await first).data, bytes(1));
  const many = socket.recvMany(3);
  await failsWith(socket.recvfrom(), "EBUSY");
  driver.come(bytes(2), friend);
  assertEquals((await many).length, 1);
});

test("77: the next read may start in the then of the last", async () => {
  const { socket, driver } = open();
  const both = socket.recvfrom().then(async (first) => [first, await socket.recvfrom()]);
  driver.come(bytes(1), friend);
  driver.come(bytes(2), friend);
  assertEquals((await both).map(({ data }) => data[0]), [1, 2]);
});

test("77: a cancelled read takes no datagram, whenever the signal fires", async () => {
  const { socket, driver } = open();
  const reason = new Error("not now");
  assertStrictEquals(await reasonOf(socket.recvfrom({ signal: AbortSignal.abort(reason) })), reason);
  for (const kind of ["recvfrom", "recvMany"] as const) {
    const read = (signal: AbortSignal) =>
      kind === "recvfrom" ? socket.recvfrom({ signal }) : socket.recvMany(9, { signal });
    const before = new AbortController();
    const cancelled = reasonOf(read(before.signal));
    before.abort(reason);
    driver.come(bytes(1), friend);
    assertStrictEquals(await cancelled, reason);
    assertEquals((await socket.recvfrom()).data, bytes(1));

    const after = new AbortController();
    const read2 = read(after.signal).then((value) => value, () => undefined);
    driver.come(bytes(2), friend);
    after.abort(reason);
    const got = await read2 ?? await socket.recvfrom();
    assertEquals((Array.isArray(got) ? got[0]! : got).data, bytes(2));
  }
  assertEquals(await isSettled(socket.recvfrom()), false);
});

test("77: what waits to be read is bounded in number; the newest are dropped and counted", async () => {
  const { socket, driver } = open();
  for (let i = 0; i < 5000; i++) driver.come(bytes(i & 255), friend);
  assertEquals([socket.stats.received, socket.stats.droppedIncoming], [5000, 5000 - 4096]);
  const datagrams = await socket.recvMany(Infinity);
  assertEquals(datagrams.length, 4096);
  assert(datagrams.every(({ data }, i) => data[0] === (i & 255)), "the oldest stay, in order");
});

test("77: what waits to be read is bounded in bytes; one datagram alone may be larger", async () => {
  const { socket, driver } = open({}, { maxQueuedBytes: 10 });
  driver.come(new Uint8Array(20), friend);
  driver.come(new Uint8Array(0), friend);
  assertEquals((await socket.recvMany(9)).map(({ data }) => data.length), [20]);
  for (const length of [6, 5, 4, 1]) driver.come(new Uint8Array(length), friend);
  assertEquals((await socket.recvMany(9)).map(({ data }) => data.length), [6, 4]);
  assertEquals(socket.stats.droppedIncoming, 3);
});

test("77: a datagram that waits keeps no larger buffer alive", async () => {
  const { socket, driver } = open();
  driver.come(new Uint8Array(65536).subarray(10, 30), friend);
  driver.come(new Uint8Array(40).subarray(10), friend);
  const kept = await socket.recvMany(2);
  assertEquals(kept.map(({ data }) => [data.length, data.buffer.byteLength]), [[20, 20], [30, 40]]);
});

test("77: what a gathering read is about to get is not copied, and what it leaves is", async () => {
  const { socket, driver } = open();
  const read = socket.recvMany(2);
  for (let i = 0; i < 100; i++) driver.come(new Uint8Array(1000).fill(i, 10, 20).subarray(10, 20), friend);
  const [first, second] = await read;
  assertEquals([first, second].map((one) => [one!.data[0], one!.data.buffer.byteLength]), [[0, 1000], [1, 1000]]);
  const left = await socket.recvMany(Infinity);
  assertEquals(
    left.map(({ data }) => [data[0], data.length, data.buffer.byteLength]),
    left.map((_, i) => [i + 2, 10, 10]),
  );
  assertEquals(left.length, 98);
});

test("77: what a gathering read would have got is copied when the read was cancelled", async () => {
  const { socket, driver } = open();
  const abort = new AbortController();
  const read = socket.recvMany(2, { signal: abort.signal });
  driver.come(new Uint8Array(1000).subarray(10, 20), friend);
  abort.abort(new Error("enough"));
  await assertRejects(() => read, Error, "enough");
  await turns();
  const [datagram] = await socket.recvMany(2);
  assertEquals(datagram!.data.buffer.byteLength, 10);
});

test("77: a gathering read gets so many as its driver finds worth handing over, before all that is there has come", async () => {
  const { socket, driver } = open({ gatherLimit: 3 });
  const first = socket.recvMany(2);
  for (let i = 0; i < 5; i++) driver.come(new Uint8Array(1000).fill(i, 10, 20).subarray(10, 20), friend);
  assertEquals((await first).map(({ data }) => [data[0], data.buffer.byteLength]), [[0, 1000], [1, 1000]]);
  const rest = await socket.recvMany(9);
  assertEquals(rest.map(({ data }) => [data[0], data.buffer.byteLength]), [[2, 10], [3, 10], [4, 10]]);
  const next = socket.recvMany(9);
  for (let i = 5; i < 9; i++) driver.come(bytes(i), friend);
  assertEquals([...await next, ...await socket.recvMany(9)].map(({ data }) => data[0]), [5, 6, 7, 8]);
  const few = socket.recvMany(9);
  driver.come(bytes(9), friend);
  assertEquals((await few).length, 1);
});

test("77: a full ring stops the driver, a half empty one lets it go on", async () => {
  const { socket, driver } = open({}, { maxQueuedDatagrams: 4 });
  for (let i = 0; i < 3; i++) driver.come(bytes(i), friend);
  assertEquals(driver.calls, []);
  for (let i = 3; i < 6; i++) driver.come(bytes(i), friend);
  assertEquals(driver.calls, ["reading false"]);
  await socket.recvfrom();
  assertEquals(driver.calls, ["reading false"]);
  await socket.recvfrom();
  assertEquals(driver.calls, ["reading false", "reading true"]);
  assertEquals((await socket.recvMany(9)).map(({ data }) => data[0]), [2, 3]);
});

test("76: recvMany gathers what comes in one go, and no more than asked for", async () => {
  const { socket, driver } = open();
  const first = socket.recvMany(3);
  for (let i = 0; i < 5; i++) driver.come(bytes(i), friend);
  assertEquals((await first).map(({ data }) => data[0]), [0, 1, 2]);
  assertEquals((await socket.recvMany(Infinity)).map(({ data }) => data[0]), [3, 4]);
  for (const max of [0, -1, 1.5, NaN, "2" as unknown as number]) {
    assert(await reasonOf(socket.recvMany(max)) instanceof RangeError);
  }
});

test("78: a deadline is ETIMEDOUT, the next datagram is received, and no timer stays", async () => {
  const { socket, driver, clock } = open();
  await failsWith(socket.recvfrom({ deadlineAt: 1000 }), "ETIMEDOUT");
  assert(await reasonOf(socket.recvfrom({ deadlineAt: NaN })) instanceof TypeError);
  const late = failsWith(socket.recvfrom({ deadlineAt: 1010 }), "ETIMEDOUT");
  clock.advance(9);
  assertEquals(clock.timers, 1);
  clock.advance(1);
  await late;
  driver.come(bytes(1), friend);
  assertEquals((await socket.recvfrom({ deadlineAt: 2000 })).data, bytes(1));
  const inTime = socket.recvfrom({ deadlineAt: 2000 });
  driver.come(bytes(2), friend);
  assertEquals((await inTime).data, bytes(2));
  assertEquals(clock.timers, 0);
});

test("78: close ends a pending read, and everything after it, with ECONNABORTED", async () => {
  for (const kind of ["recvfrom", "recvMany"] as const) {
    const { socket, driver } = open();
    const pending = failsWith(kind === "recvfrom" ? socket.recvfrom() : socket.recvMany(2), "ECONNABORTED");
    const closing = socket.close();
    assertStrictEquals(socket.close(), closing);
    assertEquals((await pending).blame, "local");
    await closing;
    await socket.closed;
    await socket[Symbol.asyncDispose]();
    assertEquals(driver.closes, 1);
    await failsWith(socket.recvfrom(), "ECONNABORTED");
    await failsWith(socket.recvMany(1), "ECONNABORTED");
    await failsWith(socket.sendto(bytes(1), friend), "ECONNABORTED");
    await failsWith(socket.sendMany([{ data: bytes(1), to: friend }]), "ECONNABORTED");
    assertThrows(() => socket.joinMulticast("224.0.0.1"), SocketError, "closed");
    driver.come(bytes(1), friend);
    driver.report({ code: "ECONNREFUSED", destination: friend });
    assertEquals([socket.stats.received, socket.stats.icmpErrors], [0, 0]);
  }
});

test("78: close drops what was not read, and sends what is queued first", async () => {
  const { socket, driver } = open({ holdsSends: true });
  driver.come(bytes(1), friend);
  const sends = [1, 2, 3].map((value) => socket.sendto(bytes(value), friend));
  const closing = socket.close();
  await failsWith(socket.recvfrom(), "ECONNABORTED");
  await failsWith(socket.sendto(bytes(4), friend), "ECONNABORTED");
  for (let i = 0; i < 3; i++) {
    assertEquals([await isSettled(closing), driver.closes], [false, 0]);
    driver.sends[i]!.done();
    await turns(1);
  }
  await closing;
  assertEquals([await Promise.all(sends), driver.taken, driver.closes], [[1, 1, 1], [1, 2, 3], 1]);
});

test("65: disposal waits for queued sends no longer than closeGraceMs", async () => {
  const { socket, driver, clock } = open({ holdsSends: true }, { closeGraceMs: 50 });
  const [first, second] = [socket.sendto(bytes(1), friend), socket.sendto(bytes(2), friend)];
  const disposed = socket[Symbol.asyncDispose]();
  const lost = failsWith(second, "ECONNABORTED");
  clock.advance(49);
  assertEquals(await isSettled(disposed), false);
  clock.advance(1);
  await disposed;
  await lost;
  await socket.closed;
  assertEquals([driver.closes, clock.timers], [1, 0]);
  driver.sends[0]!.done();
  assertEquals(await first, 1);

  const quick = open();
  await quick.socket[Symbol.asyncDispose]();
  assertEquals(quick.clock.timers, 0);
});

test("a broken socket hands out what came before, then fails with what broke it", async () => {
  const { socket, driver } = open({ holdsSends: true });
  const error = new SocketError("the interface is gone", { code: "ENETDOWN" });
  const sends = [socket.sendto(bytes(1), friend), socket.sendto(bytes(2), friend)];
  driver.come(bytes(1), friend);
  driver.break(error);
  driver.break(new SocketError("again", { code: "EIO" }));
  assertStrictEquals(await reasonOf(socket.closed), error);
  assertStrictEquals(await reasonOf(sends[1]!), error);
  driver.sends[0]!.fail(error);
  assertStrictEquals(await reasonOf(sends[0]!), error);
  assertEquals((await socket.recvfrom()).data, bytes(1));
  assertStrictEquals(await reasonOf(socket.recvfrom()), error);
  assertStrictEquals(await reasonOf(socket.sendto(bytes(3), friend)), error);
  assertStrictEquals(await reasonOf(socket.readable.getReader().read()), error);
  assertStrictEquals(await reasonOf(socket.writable.getWriter().closed), error);
  await socket.close();
  assertEquals(driver.closes, 1);
});

test("breaking fails a pending read, and while closing only what is still to be sent", async () => {
  const error = new SocketError("the interface is gone", { code: "ENETDOWN" });
  const broken = open();
  const pending = reasonOf(broken.socket.recvfrom());
  broken.driver.break(error);
  assertStrictEquals(await pending, error);

  const { socket, driver } = open({ holdsSends: true });
  const sends = [socket.sendto(bytes(1), friend), socket.sendto(bytes(2), friend)];
  const lost = reasonOf(sends[1]!);
  const closing = socket.close();
  driver.break(error);
  driver.sends[0]!.fail(error);
  assertStrictEquals(await reasonOf(sends[0]!), error);
  assertStrictEquals(await lost, error);
  await closing;
  await socket.closed;
});

test("what is asked for while opening is done when the driver comes", async () => {
  const driver = new FakeDgramDriver({ remoteAddress: friend });
  let bring!: (driver: TDgramDriver) => void;
  const socket = new DgramSocket(() => new Promise((resolve) => bring = resolve));
  socket.unref();
  assertEquals([socket.localAddress, socket.remoteAddress, socket.maxDatagramSize], [undefined, undefined, 65507]);
  const sends = [socket.sendto(bytes(1)), socket.sendMany([{ data: bytes(2) }, { data: bytes(3) }])];
  const refused = failsWith(socket.sendto(bytes(4), friend), "EISCONN");
  const read = socket.recvfrom();
  assertThrows(() => socket.joinMulticast("224.0.0.1"), SocketError, "opened");
  assertEquals(await isSettled(socket.opened), false);
  bring(driver);
  assertEquals((await socket.opened).remotePort, 53);
  assertEquals([await Promise.all(sends), driver.taken], [[1, 2], [1, 2, 3]]);
  await refused;
  driver.come(bytes(5), friend);
  assertEquals((await read).data, bytes(5));
  socket.ref();
  assertEquals(driver.calls, ["ref false", "ref true"]);
});

test("57: close while opening tells the opener, rejects opened, and closes a driver that comes too late", async () => {
  const driver = new FakeDgramDriver();
  let bring!: (driver: TDgramDriver) => void;
  let seen!: AbortSignal;
  const socket = new DgramSocket((signal) => {
    seen = signal;
    return new Promise((resolve) => bring = resolve);
  });
  const outcomes = [socket.opened, socket.recvfrom(), socket.sendto(bytes(1), friend)].map(reasonOf);
  await socket.close();
  await socket.closed;
  assertEquals([seen.aborted, (seen.reason as SocketError).code], [true, "ECONNABORTED"]);
  for (const reason of await Promise.all(outcomes)) assertEquals((reason as SocketError).code, "ECONNABORTED");
  bring(driver);
  await turns(1);
  assertEquals([driver.starts, driver.closes], [1, 1]);
});

test("an opening that fails rejects everything with its reason", async () => {
  const reason = new SocketError("the address is taken", { code: "EADDRINUSE" });
  const openers = [() => Promise.reject(reason), () => {
    throw reason;
  }];
  for (const opener of openers) {
    const socket = new DgramSocket(opener);
    const outcomes = [socket.opened, socket.closed, socket.recvfrom(), socket.sendto(bytes(1), friend)];
    for (const outcome of outcomes) assertStrictEquals(await reasonOf(outcome), reason);
    assertStrictEquals(await reasonOf(socket.recvfrom()), reason);
    await socket.close();
    assertStrictEquals(await reasonOf(socket.closed), reason);
  }
});

test("61: nothing of this leaves a rejection that nobody handled", async () => {
  const unhandled = await unhandledRejections(async () => {
    const failed = new DgramSocket(() => Promise.reject(new Error("no")));
    const abandoned = new DgramSocket(() => never());
    await abandoned.close();
    const { socket, driver } = open();
    void socket.readable;
    void socket.writable;
    driver.break(new SocketError("gone", { code: "EIO" }));
    await failed.close();
    await socket[Symbol.asyncDispose]();
  });
  assertEquals(unhandled, []);
});

test("multicast: the driver joins and leaves, or there is EPROTONOSUPPORT; groups are checked", () => {
  const { socket, driver } = open({ hasMulticast: true });
  socket.joinMulticast("224.0.0.251", "192.0.2.9");
  socket.leaveMulticast("239.1.2.3");
  socket.joinMulticast("ff02::fb");
  assertEquals(driver.calls, ["join 224.0.0.251 192.0.2.9", "leave 239.1.2.3 undefined", "join ff02::fb undefined"]);
  for (const group of ["192.0.2.1", "fe80::1", "::", "240.0.0.1", "223.255.255.255", "all"]) {
    const error = assertThrows(() => socket.joinMulticast(group), SocketError);
    assertEquals((error as SocketError).code, "EINVAL");
  }
  for (const method of ["joinMulticast", "leaveMulticast"] as const) {
    const error = assertThrows(() => open().socket[method]("224.0.0.251"), SocketError);
    assertEquals((error as SocketError).code, "EPROTONOSUPPORT");
  }
});

test("limits are checked at once", () => {
  const names = ["maxQueuedDatagrams", "maxQueuedBytes", "maxQueuedSends"] as const;
  for (const name of names) {
    assertThrows(() => open({}, { [name]: 0 }), RangeError, name);
    assertThrows(() => open({}, { [name]: "1" } as unknown as TDgramOptions), TypeError, name);
  }
  assertThrows(() => open({}, { closeGraceMs: -1 }), RangeError, "closeGraceMs");
});

test("a virtual address needs no port", async () => {
  const { socket, driver } = open({ localAddress: VirtualAddress.from("memory", "a") });
  await socket.sendto(bytes(1), VirtualAddress.from("memory", "b"));
  assertEquals(String(driver.sends[0]!.to), "virtual:memory:b");
});
