/** The datagram driver for Deno over a socket that the test plays, on every runtime. */
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { test } from "node:test";
import {
  DenoDgramDriver,
  type DenoDgramOptions,
  MAX_GROUPS,
  MAX_RECEIVE_FAILURES,
  UDP_BUFFER_BYTES,
  UNIX_BUFFER_BYTES,
} from "../../src/tsocket/drivers/deno/dgram_driver.ts";
import type { DenoAddress, DenoInterface } from "../../src/tsocket/drivers/deno/deno_api.ts";
import { ipv4Interface, ipv6Interface } from "../../src/tsocket/drivers/deno/multicast_interface.ts";
import { UnixDatagramConn } from "../../src/tsocket/drivers/deno/unix_datagram_conn.ts";
import { SocketError } from "../../src/tsocket/errors.ts";
import { InetAddress } from "../../src/tsocket/inet_address.ts";
import { UnixAddress } from "../../src/tsocket/local_address.ts";
import { turns } from "../support/turns.ts";
import { denoThrows, FakeDatagramConn } from "./support/fake_deno.ts";

function played(conn: FakeDatagramConn = new FakeDatagramConn(), options: DenoDgramOptions = {}) {
  const driver = new DenoDgramDriver(conn, options);
  const told: string[] = [];
  driver.start({
    datagram: (data, source, isCut) => told.push(`${data.length}${isCut ? " cut" : ""} from ${source?.toHostPort()}`),
    writable() {},
    icmpError: ({ code }) => told.push(code),
    broken: ({ code }) => told.push(`broken ${code}`),
  });
  return { conn, driver, told };
}

function unixConn(path: string | null): FakeDatagramConn {
  const conn = new FakeDatagramConn();
  conn.addr = { transport: "unixpacket", path };
  return conn;
}

test("72: one receive at a time, empty datagrams included", async () => {
  const { conn, told } = played();
  for (const length of [3, 0, 65507]) {
    assertEquals(conn.receives.open, 1);
    conn.bring(length);
    await turns();
  }
  assertEquals(told, ["3", "0", "65507"].map((length) => `${length} from 127.0.0.1:2000`));
});

test("73: what fills the buffer counts as cut, which UDP never does", async () => {
  const udp = played();
  assertEquals(udp.conn.receives.all[0]!.argument.length, UDP_BUFFER_BYTES);
  const unix = played(unixConn("/s"));
  unix.conn.bring(UNIX_BUFFER_BYTES, { transport: "unixpacket", path: null });
  await turns();
  assertEquals(unix.told, [`${UNIX_BUFFER_BYTES} cut from undefined`]);
});

test("77: a full ring stops the receiving", async () => {
  const { conn, driver, told } = played();
  driver.setReading(false);
  conn.bring(1);
  await turns();
  assertEquals([told.length, conn.receives.open], [1, 0]);
  driver.setReading(true);
  driver.setReading(true);
  assertEquals(conn.receives.open, 1);
});

test("75: a failed receive is reported and passed by; MAX_RECEIVE_FAILURES in a row break the socket", async () => {
  const { conn, told } = played();
  for (let i = 1; i < MAX_RECEIVE_FAILURES; i++) {
    conn.receives.next().reject(denoThrows("ConnectionRefused", "ECONNREFUSED"));
    await turns(1);
  }
  conn.bring(1);
  await turns(1);
  assertEquals(told.length, MAX_RECEIVE_FAILURES);
  for (let i = 0; i < MAX_RECEIVE_FAILURES; i++) {
    conn.receives.next().reject(denoThrows("ConnectionRefused", "ECONNREFUSED"));
    await turns(1);
  }
  assertEquals([told.at(-1), conn.receives.open], ["broken ECONNREFUSED", 0]);
});

test("78: closing says nothing, and removes the file of a unix socket", async () => {
  const removed: string[] = [];
  const removeFile = (path: string) => {
    removed.push(path);
    throw denoThrows("NotFound", "ENOENT");
  };
  for (const path of ["/s", "\0abstract", null]) {
    const { driver, told } = played(unixConn(path), { removeFile });
    await driver.close();
    await driver.close();
    await turns();
    assertEquals(told, []);
  }
  assertEquals(removed, ["/s"]);
});

test("74: a connected socket sends to its peer, in the form that it can reach", async () => {
  const remoteAddress = InetAddress.from("192.0.2.1", 9);
  const plain = played(undefined, { remoteAddress });
  await plain.driver.send([Uint8Array.of(1), Uint8Array.of(2, 3)], undefined);
  assertEquals(plain.conn.sends[0]?.to, { transport: "udp", hostname: "192.0.2.1", port: 9 });
  assertEquals([...plain.conn.sends[0]!.bytes], [1, 2, 3]);
  const conn = new FakeDatagramConn();
  conn.addr = { transport: "udp", hostname: "::", port: 1000 };
  const both = played(conn, { remoteAddress });
  await both.driver.send(new Uint8Array(), undefined);
  assertEquals(conn.sends[0]?.to, { transport: "udp", hostname: "::ffff:192.0.2.1", port: 9 });
});

test("79: a unix socket without a name does not receive", () => {
  const { conn, driver } = played(unixConn(null));
  driver.setReading(true);
  assertEquals(conn.receives.open, 0);
});

test("79: unix datagrams go to paths, and nothing goes where no socket can send", async () => {
  const { conn, driver } = played(unixConn(null));
  await driver.send(Uint8Array.of(1), UnixAddress.from("/to"));
  assertEquals(conn.sends[0]?.to, { transport: "unixpacket", path: "/to" });
  const { code } = await assertRejects(() => driver.send(Uint8Array.of(1), undefined), SocketError);
  assertEquals(code, "EDESTADDRREQ");
});

test("79: a unix socket sends although a receive is under way, and the word that ends it is nobody's datagram", async () => {
  const conn = unixConn("/s");
  const waker = unixConn(null);
  let wakers = 0;
  const unix = new UnixDatagramConn(conn, () => {
    wakers++;
    return waker;
  });
  const to: DenoAddress = { transport: "unixpacket", path: "/to" };
  const from: DenoAddress = { transport: "unixpacket", path: null };
  const into = new Uint8Array(64);
  const received = unix.receive(into).then(([bytes]) => [...bytes]);
  for (let i = 0; i < 3; i++) {
    const sending = unix.send(Uint8Array.of(i), to);
    await turns();
    assertEquals([conn.sends.length, waker.sends.length], [i, i + 1], "the receive has to end first");
    const word = waker.sends[i]!.bytes;
    assertEquals([word.length, waker.sends[i]!.to], [16, { transport: "unixpacket", path: "/s" }]);
    into.set(word);
    conn.receives.next().resolve([into.subarray(0, word.length), from]);
    assertEquals(await sending, 1);
    await turns();
    assertEquals(conn.receives.open, 1, "receiving goes on");
  }
  into.set(waker.sends[0]!.bytes);
  conn.receives.next().resolve([into.subarray(0, 16), from]);
  assertEquals(await received, [...waker.sends[0]!.bytes], "only the word that was sent is dropped");
  assertEquals(wakers, 1);
});

test("79: a datagram may end the receive before the word does", async () => {
  const conn = unixConn("/s");
  const waker = unixConn(null);
  const unix = new UnixDatagramConn(conn, () => waker);
  const from: DenoAddress = { transport: "unixpacket", path: "/from" };
  const into = new Uint8Array(64);
  const first = unix.receive(into);
  const sending = unix.send(Uint8Array.of(1), from);
  await turns();
  conn.receives.next().resolve([into.subarray(0, 3), from]);
  assertEquals([(await first)[0].length, await sending], [3, 1]);
  const second = unix.receive(into);
  await turns();
  const again = unix.send(Uint8Array.of(2), from);
  await turns();
  assertEquals(waker.sends.length, 1, "the word is still on its way");
  into.set(waker.sends[0]!.bytes);
  conn.receives.next().resolve([into.subarray(0, 16), { transport: "unixpacket", path: null }]);
  assertEquals(await again, 1);
  await turns();
  conn.receives.next().reject(denoThrows("Interrupted", "EINTR"));
  await assertRejects(() => second);
  unix.close();
});

test("79: a send fails when the receive before it cannot be ended", async () => {
  const waker = unixConn(null);
  waker.send = () => Promise.reject(denoThrows("NotFound", "ENOENT"));
  const unix = new UnixDatagramConn(unixConn("/s"), () => waker);
  const receiving = unix.receive(new Uint8Array(1));
  for (let i = 0; i < 2; i++) {
    const error = await assertRejects(() => unix.send(Uint8Array.of(1), { transport: "unixpacket", path: "/to" }));
    assertEquals((error as { code?: string }).code, "ENOENT");
  }
  unix.close();
  await assertRejects(() => receiving);
});

test("multicast: groups are joined once, at most MAX_GROUPS, and a failure is reported", async () => {
  const { conn, driver, told } = played();
  driver.joinMulticast("239.1.2.3", undefined);
  driver.joinMulticast("ff02::1:2", "3");
  assertEquals(conn.joins.all.map(({ argument }) => argument), ["239.1.2.3 on 0.0.0.0", "ff02::1:2 on 3"]);
  const refused = (join: () => void) => assertThrows(join, SocketError).code;
  assertEquals(refused(() => driver.joinMulticast("239.1.2.3", undefined)), "EADDRINUSE");
  assertEquals(refused(() => driver.joinMulticast("ff02::1:2", "none0")), "EADDRNOTAVAIL");
  assertEquals(refused(() => driver.leaveMulticast("239.1.2.4", undefined)), "EADDRNOTAVAIL");
  let left = 0;
  conn.joins.next().resolve({ leave: () => Promise.resolve(void left++) });
  driver.leaveMulticast("239.1.2.3", undefined);
  conn.joins.next().reject(denoThrows("Error", "ENODEV"));
  await turns();
  assertEquals([left, told], [1, ["ENODEV"]]);
  for (let i = 0; i < MAX_GROUPS; i++) driver.joinMulticast(`239.2.${i >> 8}.${i & 255}`, undefined);
  assertEquals(refused(() => driver.joinMulticast("239.1.2.3", undefined)), "ENOBUFS");
});

test("multicast: interfaces go by address, by name, or by number", () => {
  const interfaces = (): DenoInterface[] => [
    { name: "lo", family: "IPv6", address: "::1", scopeid: null },
    { name: "eth0", family: "IPv4", address: "192.0.2.2", scopeid: null },
    { name: "eth0", family: "IPv6", address: "fd00::2", scopeid: 0 },
    { name: "eth0", family: "IPv6", address: "fe80::2", scopeid: 4 },
  ];
  assertEquals(["192.0.2.9", "eth0", undefined].map((wanted) => ipv4Interface(wanted, interfaces)), [
    "192.0.2.9",
    "192.0.2.2",
    "0.0.0.0",
  ]);
  assertEquals(["7", "eth0", "fd00::2", undefined].map((wanted) => ipv6Interface(wanted, interfaces)), [7, 4, 4, 0]);
  for (const choose of [ipv4Interface, ipv6Interface]) {
    assertEquals(assertThrows(() => choose("lo", interfaces), SocketError).code, "EADDRNOTAVAIL");
  }
});

test("67: unref and ref reach the datagram socket", () => {
  const { conn, driver } = played();
  driver.setRef(false);
  assertEquals(conn.isRef, false);
  driver.setRef(true);
  assertEquals(conn.isRef, true);
});
