/** The stream driver for Deno over a connection that the test plays, on every runtime. */
import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { test } from "node:test";
import { denoErrorCode } from "../../src/tsocket/drivers/deno/errors.ts";
import { JOIN_BELOW_BYTES, JOINED_BYTES } from "../../src/tsocket/drivers/deno/join_views.ts";
import { DenoStreamDriver, READ_BUFFER_BYTES } from "../../src/tsocket/drivers/deno/stream_driver.ts";
import { SocketError } from "../../src/tsocket/errors.ts";
import { READ_AGAIN, READ_END } from "../../src/tsocket/driver_types.ts";
import { turns } from "../support/turns.ts";
import { unhandledRejections } from "../support/unhandled.ts";
import { denoThrows, FakeConn } from "./support/fake_deno.ts";

interface Played {
  readonly conn: FakeConn;
  readonly driver: DenoStreamDriver;
  readonly told: string[];
}

function played(): Played {
  const conn = new FakeConn();
  const driver = new DenoStreamDriver(conn);
  const told: string[] = [];
  driver.start({ readable: () => told.push("readable"), broken: ({ code }) => told.push(code) });
  return { conn, driver, told };
}

function read(driver: DenoStreamDriver, length: number): number[] {
  const into = new Uint8Array(length);
  const count = driver.readSync(into);
  return count > 0 ? [...into.subarray(0, count)] : [count];
}

test("13: a direct read fills the caller's own view", async () => {
  const { conn, driver } = played();
  const into = new Uint8Array(4);
  assertEquals(driver.readSync(into), READ_AGAIN);
  const reading = driver.readInto(into);
  await turns();
  assertEquals(conn.reads.open, 1, "nothing is read into a buffer besides");
  assertStrictEquals(conn.reads.all[0]!.argument, into);
  conn.bring(1, 2);
  assertEquals([await reading, driver.pendingBytes], [2, 0]);
});

test("64: bytes for a read that nobody waits for any more stay", async () => {
  const { conn, driver, told } = played();
  assertEquals(read(driver, 12), [READ_AGAIN]);
  assertEquals(read(driver, 12), [READ_AGAIN]);
  await turns();
  assertEquals(conn.reads.open, 1, "one read at a time");
  conn.bring(1, 2, 3, 4, 5);
  await turns();
  assertEquals([told, driver.pendingBytes], [["readable"], 5]);
  assertEquals([read(driver, 3), read(driver, 3)], [[1, 2, 3], [4, 5]]);
  await turns();
  assertEquals(conn.reads.open, 0, "nobody asked for more");
});

test("64: a direct read waits for the read under way and takes what it brings", async () => {
  const { conn, driver } = played();
  assertEquals(read(driver, 1), [READ_AGAIN]);
  await turns();
  const into = new Uint8Array(2);
  const reading = driver.readInto(into);
  conn.bring(7, 8, 9);
  assertEquals([await reading, ...into], [2, 7, 8]);
  assertEquals(conn.reads.all.length, 1);
  assertEquals(read(driver, 5), [9]);
});

test("24: a reset is told once by Deno and for ever by the driver", async () => {
  const { conn, driver, told } = played();
  read(driver, 1);
  await turns();
  conn.reads.next().reject(denoThrows("ConnectionReset", "ECONNRESET"));
  await turns();
  assertEquals([read(driver, 1), driver.readError?.code], [[READ_END], "ECONNRESET"]);
  assertEquals(read(driver, 1), [READ_END]);
  assertEquals(told, ["ECONNRESET", "readable"]);
  assertEquals(conn.reads.open, 0, "Deno is not asked again: it would say that the peer ended in order");
});

test("24: a reset that a write was told of is what reads end with", async () => {
  const { conn, driver, told } = played();
  const writing = driver.writev([Uint8Array.of(1)]);
  conn.writes.next().reject(denoThrows("ConnectionReset", "ECONNRESET"));
  const error = await assertRejects(() => writing, SocketError);
  assertEquals(error.code, "ECONNRESET");
  const reading = driver.readInto(new Uint8Array(9));
  conn.reads.next().resolve(null);
  assertEquals([await reading, driver.readError?.code, told], [READ_END, "ECONNRESET", ["ECONNRESET"]]);
});

test("22: what came before the end is handed out first", async () => {
  const { conn, driver, told } = played();
  driver.watch();
  conn.bring(1, 2);
  await turns();
  conn.reads.next().resolve(null);
  await turns();
  assertEquals(told, ["EOF"]);
  assertEquals([read(driver, 9), read(driver, 9)], [[1, 2], [READ_END]]);
  assertEquals(driver.readError, undefined);
});

test("39: what Deno did not take is written again", async () => {
  const { conn, driver } = played();
  const writing = driver.writev([Uint8Array.of(), Uint8Array.of(1, 2, 3, 4, 5), Uint8Array.of()]);
  const written: number[][] = [];
  for (const count of [1, 3, 1]) {
    await turns(1);
    const { argument, resolve } = conn.writes.next();
    written.push([...argument]);
    resolve(count);
  }
  await writing;
  assertEquals(written, [[1, 2, 3, 4, 5], [2, 3, 4, 5], [5]]);
});

test("39: a write that fails says how much was taken", async () => {
  const { conn, driver } = played();
  const writing = driver.writev([new Uint8Array(10_000), new Uint8Array(10_000)]);
  conn.writes.next().resolve(10_000);
  await turns();
  conn.writes.next().resolve(7);
  await turns();
  conn.writes.next().reject(denoThrows("BrokenPipe", "EPIPE"));
  const { code, bytesTransferred } = await assertRejects(() => writing, SocketError);
  assertEquals([code, bytesTransferred], ["EPIPE", 10_007]);
});

test("53: small views are written together, large ones as they are", async () => {
  const { conn, driver } = played();
  const small = Array.from({ length: 3000 }, (_, i) => new Uint8Array(64).fill(i));
  const large = new Uint8Array(JOIN_BELOW_BYTES);
  const writing = driver.writev([...small, large, Uint8Array.of(1), large]);
  const written: Uint8Array[] = [];
  for (let left = 3000 * 64 + 2 * large.length + 1; left > 0;) {
    await turns(1);
    const { argument, resolve } = conn.writes.next();
    written.push(argument);
    left -= argument.length;
    resolve(argument.length);
  }
  await writing;
  assertEquals(written.map(({ length }) => length), [
    JOINED_BYTES,
    JOINED_BYTES,
    60_928,
    large.length,
    1,
    large.length,
  ]);
  assertStrictEquals(written[3], large);
  assert(small.every((view, i) => written[Math.floor(i / 1024)]![(i % 1024) * 64] === view[0]), "in order");
});

test("READ_BUFFER_BYTES: a watched connection is read ahead no further than the buffer goes", async () => {
  const { conn, driver, told } = played();
  driver.watch();
  conn.reads.next().resolve(READ_BUFFER_BYTES - 10);
  await turns();
  assertEquals(conn.reads.all[1]!.argument.length, 10);
  conn.reads.next().resolve(10);
  await turns();
  assertEquals([conn.reads.open, driver.pendingBytes], [0, READ_BUFFER_BYTES]);
  assertEquals(driver.readSync(new Uint8Array(READ_BUFFER_BYTES - 1)), READ_BUFFER_BYTES - 1);
  assertEquals(conn.reads.all[2]!.argument.length, READ_BUFFER_BYTES - 1, "there is room again");
  conn.reads.next().resolve(null);
  await turns();
  assertEquals(told, ["EOF"], "nobody was told to ask again");
});

test("behind a large view little is read ahead, once, so that the next one is filled without a copy", async () => {
  const { conn, driver } = played();
  const asked = (): number[] => conn.reads.all.map(({ argument }) => argument.length);
  const read = async (length: number, count: number): Promise<void> => {
    driver.readSync(new Uint8Array(length));
    await turns();
    conn.reads.next().resolve(count);
    await turns();
  };
  await read(4, READ_BUFFER_BYTES);
  driver.readSync(new Uint8Array(4));
  driver.readSync(new Uint8Array(32767));
  driver.readSync(new Uint8Array(READ_BUFFER_BYTES));
  const rest = driver.readInto(new Uint8Array(READ_BUFFER_BYTES - 32765));
  conn.reads.next().resolve(READ_BUFFER_BYTES - 32765);
  await rest;
  await read(4, 512);
  driver.readSync(new Uint8Array(65536));
  const direct = driver.readInto(new Uint8Array(65028));
  conn.reads.next().resolve(65028);
  assertEquals(await direct, 65028);
  await read(4, 4);
  driver.readSync(new Uint8Array(4));
  await read(4, 4);
  driver.readSync(new Uint8Array(4));
  await read(4, 4);
  assertEquals(asked().slice(0, 5), [READ_BUFFER_BYTES, READ_BUFFER_BYTES - 32765, 512, 65028, 512]);
  assertEquals(asked()[5], READ_BUFFER_BYTES);
  driver.abort();
});

test("a large view that takes what is in the buffer, as a stream's does, lets the buffer be filled whole again", async () => {
  const { conn, driver } = played();
  const into = new Uint8Array(READ_BUFFER_BYTES);
  for (const bytes of [1, 700, 65_536, 3]) {
    assertEquals(driver.readSync(into), READ_AGAIN);
    await turns();
    const { argument, resolve } = conn.reads.next();
    assertEquals(argument.length, READ_BUFFER_BYTES);
    resolve(bytes);
    await turns();
    assertEquals(driver.readSync(into), bytes);
  }
});

test("58: after abort everything is ECONNABORTED, and nothing is told or left unhandled", async () => {
  const unhandled = await unhandledRejections(async () => {
    const { conn, driver, told } = played();
    const reading = driver.readInto(new Uint8Array(1));
    const writing = driver.writev([new Uint8Array(1)]);
    driver.abort();
    driver.abort();
    await driver.close();
    assertEquals([await reading, conn.closes], [READ_END, 1]);
    for (const failing of [() => writing, () => driver.writev([Uint8Array.of(1)]), () => driver.shutdown()]) {
      assertEquals((await assertRejects(failing, SocketError)).code, "ECONNABORTED");
    }
    assertEquals([read(driver, 1), driver.readError?.code, told], [[READ_END], "ECONNABORTED", []]);
  });
  assertEquals(unhandled, []);
});

test("67: unref and ref reach the connection", () => {
  const { conn, driver } = played();
  driver.setRef(false);
  assertEquals(conn.isRef, false);
  driver.setRef(true);
  assertEquals(conn.isRef, true);
});

test("71: TLS is not started over bytes that came before it, nor over a read under way", async () => {
  for (const isBuffered of [true, false]) {
    const conn = new FakeConn();
    const driver = new DenoStreamDriver(conn, { startTls: () => Promise.reject(new Error("was started")) });
    driver.start({ readable() {}, broken() {} });
    driver.watch();
    assertEquals(conn.reads.open, 0, "watching would be in the way of TLS");
    driver.readSync(new Uint8Array(1));
    await turns();
    if (isBuffered) conn.bring(1);
    await turns();
    const starting = driver.startTls!({}, new AbortController().signal);
    const { code } = await assertRejects(() => starting, SocketError);
    assertEquals([code, conn.closes], [isBuffered ? "EPROTO" : "EBUSY", 1]);
  }
});

test("errors: Deno's classes and words have the codes of all runtimes", () => {
  const table: [Error, string][] = [
    [denoThrows("Interrupted", "EINTR"), "ECONNABORTED"],
    [denoThrows("BadResource"), "ECONNABORTED"],
    [denoThrows("ConnectionReset", "ECONNRESET"), "ECONNRESET"],
    [denoThrows("ConnectionReset"), "ECONNRESET"],
    [denoThrows("BrokenPipe"), "EPIPE"],
    [denoThrows("NotConnected", "ENOTCONN"), "ECONNRESET"],
    [denoThrows("AddrInUse", "EADDRINUSE"), "EADDRINUSE"],
    [denoThrows("Error", "EMFILE"), "EMFILE"],
    [denoThrows("Error", "EMSGSIZE"), "EMSGSIZE"],
    [denoThrows("Error", undefined, "failed to lookup address information: Name or service not known"), "ENOTFOUND"],
    [denoThrows("NotFound", "ENOENT"), "ENOENT"],
    [denoThrows("NotCapable"), "EACCES"],
    [denoThrows("InvalidData"), "EPROTO"],
    [denoThrows("UnexpectedEof"), "EUNEXPECTEDEOF"],
    [denoThrows("Http"), "EIO"],
  ];
  for (const [thrown, code] of table) assertEquals(denoErrorCode(thrown), code);
  assertEquals(denoErrorCode("no error at all"), "EIO");
});
