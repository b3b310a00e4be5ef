/** The stream socket around drivers that do what real ones rarely do: open never or late, take no room, hand out the end early. */
import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { fromSocket, streamDriverPair, streamPair, type WinterTcSocket } from "../../src/tsocket/mod.ts";
import type { TStreamDriver } from "../../src/tsocket/driver_types.ts";
import { StreamSocket } from "../../src/tsocket/stream_socket.ts";
import type { NextVector, TlsOptions } from "../../src/tsocket/types.ts";
import { isSettled, turns } from "../support/turns.ts";
import { failsWith, never, reasonOf } from "./support/settled.ts";

const bytes = (count: number): Uint8Array => new Uint8Array(count).fill(7);

/** A driver of which nobody reads the other end, and what it was told. */
function spied(capacityBytes = 16): { driver: TStreamDriver; peer: TStreamDriver; told: string[] } {
  const [driver, peer] = streamDriverPair({ capacityBytes });
  const told: string[] = [];
  for (const name of ["abort", "close", "writev"] as const) {
    const method = driver[name].bind(driver) as (...args: unknown[]) => never;
    Object.assign(driver, {
      [name]: (...args: unknown[]) => {
        told.push(name);
        return method(...args);
      },
    });
  }
  return { driver, peer, told };
}

test("30: a callback that hands out something else than a vector is a TypeError, and the next read may start", async () => {
  const [a, b] = streamPair();
  await a.writev([bytes(8)]);
  const wrong: unknown[] = [bytes(4), [4], ["header"], "header", { length: 1, 0: bytes(1) }];
  for (const vector of wrong) {
    let calls = 0;
    const next = (() => ++calls > 3 ? [] : vector) as NextVector;
    await assertRejects(() => b.readvPdu(next), TypeError, "next");
    assertEquals(calls, 1);
  }
  const late = b.readvPdu((({ total }) => total === 0 ? [bytes(12)] : [3]) as NextVector);
  await a.writev([bytes(4)]);
  await assertRejects(() => late, TypeError);
  const read = b.readv([bytes(1)]);
  await a.writev([bytes(1)]);
  assertEquals(await read, 1);
  a.abort();
  b.abort();
});

test("60: the end counts as read whoever took the last bytes before it", async () => {
  const takers: Record<string, (b: StreamSocket) => unknown> = {
    tryReadv: (b) => assert(b.tryReadv([bytes(4)])),
    "a PDU whose callback throws": (b) =>
      reasonOf(b.readvPdu(({ total }) => {
        if (total > 0) throw new Error("no such message");
        return [bytes(4)];
      })),
  };
  for (const [name, taker] of Object.entries(takers)) {
    const [left, right] = streamDriverPair();
    const a = new StreamSocket(left);
    const b = new StreamSocket(right);
    const closed = b.closed;
    await a.writev([bytes(4)]);
    await a.shutdown();
    await turns();
    await taker(b);
    assert(await isSettled(closed), name);
    await Promise.all([a.close(), b.close()]);
  }
});

test("56: close has its place in a full queue of writes, and sends what is in it", async () => {
  const [left, right] = streamDriverPair({ capacityBytes: 4 });
  const a = new StreamSocket(left, { maxQueuedWrites: 1 });
  const b = new StreamSocket(right, { allowHalfOpen: true });
  const writes = [a.writev([bytes(8)]), a.writev([bytes(8)])];
  await failsWith(a.writev([bytes(8)]), "ENOBUFS");
  const closing = a.close();
  const all = bytes(16).fill(0);
  await b.readv([all]);
  assertEquals(all, bytes(16));
  assertEquals(await b.readSome(all), null);
  assertEquals(await Promise.all(writes), [8, 8]);
  await closing;
  await a.closed;
  await b.close();
});

test("49: a socket whose queue of writes was destroyed can still be closed, and ends when its peer does", async () => {
  const reason = new Error("enough");
  const { driver, told } = spied();
  const socket = new StreamSocket(driver);
  socket.writeQueue.destroy(reason);
  await socket.close().catch(() => {});
  assert(await isSettled(socket.closed));
  assert(told.includes("abort") || told.includes("close"), told.join());

  const [a, b] = streamPair();
  b.writeQueue.destroy(reason);
  const closed = b.closed;
  await a.shutdown();
  assert(await isSettled(closed), "after the end of the peer");
  await a.close();
});

test("57: close while opening settles everything, even if the opening heeds no signal", async () => {
  const socket = new StreamSocket(() => never<TStreamDriver>());
  const all = [socket.opened, socket.writev([bytes(1)]), socket.readv([bytes(1)]), socket.shutdown()];
  for (const one of all) one.catch(() => {});
  await socket.close();
  for (const one of all) await failsWith(one, "ECONNABORTED");
});

test("57: a driver that comes too late is started and aborted", async () => {
  const { driver, told } = spied();
  let open!: (driver: TStreamDriver) => void;
  const socket = new StreamSocket(() => new Promise((resolve) => open = resolve));
  const reason = new Error("not wanted");
  socket.abort(reason);
  assertStrictEquals(await reasonOf(socket.opened), reason);
  const start = driver.start.bind(driver);
  driver.start = (events) => {
    told.push("start");
    start(events);
  };
  open(driver);
  await turns();
  assertEquals(told, ["start", "abort"]);
});

test("43: a write that waits for the opening can be taken back and harms nothing", async () => {
  for (const onAbort of ["abort", "finish"] as const) {
    const [driver, far] = streamDriverPair();
    let open!: (driver: TStreamDriver) => void;
    const socket = new StreamSocket(() => new Promise((resolve) => open = resolve));
    const peer = new StreamSocket(far);
    const controller = new AbortController();
    const reason = new Error("changed my mind");
    const write = reasonOf(socket.writev([bytes(1)], { signal: controller.signal, onAbort }));
    const next = socket.writev([bytes(2).fill(2)]);
    controller.abort(reason);
    assert(await isSettled(write), onAbort);
    assertStrictEquals(await write, reason);
    open(driver);
    assertEquals(await next, 2);
    const into = bytes(2);
    await peer.readv([into]);
    assertEquals(into, bytes(2).fill(2));
    await Promise.all([socket.close(), peer.close()]);
  }
});

test("56: a direct read is over only when nobody fills its view any more", async () => {
  const [left, right] = streamDriverPair({ capacityBytes: 1024 });
  const a = new StreamSocket(left);
  const b = new StreamSocket(right, { allowHalfOpen: true });
  const into = new Uint8Array(65536);
  const read = reasonOf(a.readv([into]));
  const write = a.writev([bytes(4096)]);
  const closing = a.close();
  const atFailure = read.then(() => into.slice());
  await turns();
  await b.writev([bytes(100)]);
  await failsWith(a.readv([new Uint8Array(8)]), "ECONNABORTED");
  await b.readv([new Uint8Array(4096)]);
  assertEquals(await write, 4096);
  await closing;
  const error = await read;
  assertEquals((error as { code?: string }).code, "ECONNABORTED");
  assertEquals(await atFailure, into);
  await b.close();
});

test("70: chunks behind one that is no bytes do not keep the socket from ending after its peer", async () => {
  const [a, b] = streamPair();
  const writer = b.writable.getWriter();
  const writes = [writer.write("text" as never), writer.write(bytes(1)), writer.write(bytes(1))];
  for (const write of writes) await failsWith(write, "EINVAL");
  const closed = b.closed;
  await a.shutdown();
  assertEquals(await b.readSome(bytes(1)), null);
  assert(await isSettled(closed));
  await Promise.all([a.close(), b.close()]);
});

/** A socket that can start TLS, or what stands for it here. */
function upgradable(capacityBytes = 16): ReturnType<typeof spied> & { secured: TStreamDriver; far: TStreamDriver } {
  const all = spied(capacityBytes);
  const [secured, far] = streamDriverPair();
  Object.assign(all.driver, {
    startTls: (_options: TlsOptions) => {
      all.told.push("startTls");
      return Promise.resolve(secured);
    },
  });
  return { ...all, secured, far };
}

test("71: a socket that waits for TLS to be started takes no more bytes, and cannot start it again", async () => {
  const { driver, told } = upgradable();
  let open!: (driver: TStreamDriver) => void;
  const plain = new StreamSocket(() => new Promise((resolve) => open = resolve));
  const tls = plain.startTls();
  const late = [plain.writev([bytes(1)]), plain.readv([bytes(1)]), plain.shutdown()];
  for (const one of late) await failsWith(one, "ECONNABORTED");
  assertThrows(() => plain.startTls(), TypeError, "closed");
  await plain.close();
  open(driver);
  await tls.opened;
  assertEquals(told, ["startTls"]);
  await plain.closed;
  tls.abort();
});

test("71: aborting TLS before it was started frees the connection", async () => {
  const opening = new StreamSocket((signal) =>
    new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)))
  );
  const reason = new Error("not wanted");
  const early = opening.startTls();
  early.abort(reason);
  assertStrictEquals(await reasonOf(early.opened), reason);
  assert(await isSettled(opening.closed), "while opening");

  const { driver, told } = upgradable(4);
  const plain = new StreamSocket(driver);
  const write = reasonOf(plain.writev([bytes(8)]));
  const tls = plain.startTls();
  await turns();
  tls.abort(reason);
  assertStrictEquals(await reasonOf(tls.opened), reason);
  assert(await isSettled(write), "the write before it");
  assert(await isSettled(plain.closed), "while flushing");
  assertEquals(told.filter((what) => what !== "writev"), ["abort"]);
});

test("71: TLS is started although the queue of writes is full, and keeps what ref and unref said", async () => {
  const { driver, peer, told, secured } = upgradable(4);
  const refs: boolean[] = [];
  Object.assign(secured, { setRef: (isRef: boolean) => refs.push(isRef) });
  const plain = new StreamSocket(driver, { maxQueuedWrites: 1 });
  plain.unref();
  const writes = [plain.writev([bytes(8)]), plain.writev([bytes(8)])];
  const tls = plain.startTls();
  peer.start({ readable() {}, broken() {} });
  const read = new StreamSocket(peer, { allowHalfOpen: true }).readv([bytes(16)]);
  assertEquals(await Promise.all(writes), [8, 8]);
  await read;
  await tls.opened;
  assertEquals(told.at(-1), "startTls");
  assertEquals(refs, [false]);
  tls.abort();
});

test("71: a WinterTC socket is told the options of TLS", async () => {
  const [left] = streamPair();
  const [secure] = streamPair();
  const told: unknown[] = [];
  const socket: WinterTcSocket = {
    readable: left.readable,
    writable: left.writable,
    startTls: (options) => {
      told.push(options);
      return secure;
    },
  };
  const options: TlsOptions = { sni: "example.org", alpn: ["h2"] };
  const tls = new StreamSocket(await fromSocket(socket)).startTls(options);
  await tls.opened;
  assertEquals(told, [options]);
  tls.abort();
  left.abort();
});
