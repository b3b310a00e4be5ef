// The web streams in front of a datagram socket.
import { test } from "node:test";
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { DgramSocket } from "../../src/tsocket/dgram_socket.ts";
import { SocketError } from "../../src/tsocket/errors.ts";
import { InetAddress } from "../../src/tsocket/inet_address.ts";
import { UnixAddress, VirtualAddress } from "../../src/tsocket/local_address.ts";
import type { TDgramDriver } from "../../src/tsocket/driver_types.ts";
import type { TsocketAddress, UdpMessage } from "../../src/tsocket/types.ts";
import { isSettled, turns } from "../support/turns.ts";
import { unhandledRejections } from "../support/unhandled.ts";
import { FakeDgramDriver, type FakeDgramOptions } from "./support/fake_dgram_driver.ts";
import { failsWith, reasonOf } from "./support/settled.ts";

const friend = InetAddress.from("192.0.2.1", 53);
const toFriend = { remoteAddress: "192.0.2.1", remotePort: 53 };

function open(options: FakeDgramOptions = {}) {
  const driver = new FakeDgramDriver(options);
  return { driver, socket: new DgramSocket(driver) };
}

function bytes(...values: number[]): Uint8Array {
  return Uint8Array.of(...values);
}

test("readable and writable are made once", () => {
  const { socket } = open();
  assertStrictEquals(socket.readable, socket.readable);
  assertStrictEquals(socket.writable, socket.writable);
});

test("messages name their sender; on a connected socket they do not", async () => {
  const { socket, driver } = open();
  const reader = socket.readable.getReader();
  driver.come(bytes(1), friend);
  driver.come(bytes(2), InetAddress.from("fe80::1", 9, "eth0"));
  driver.come(bytes(3), undefined);
  assertEquals((await reader.read()).value, { data: bytes(1), ...toFriend });
  assertEquals((await reader.read()).value, { data: bytes(2), remoteAddress: "fe80::1%eth0", remotePort: 9 });
  assertEquals((await reader.read()).value, { data: bytes(3), remoteAddress: undefined, remotePort: undefined });
  const connected = open({ remoteAddress: friend });
  const read = connected.socket.readable.getReader().read();
  connected.driver.come(bytes(4), friend);
  assertEquals((await read).value, { data: bytes(4) });
});

test("69: the stream reads nothing ahead: recvfrom finds everything that no reader asked for", async () => {
  const { socket, driver } = open();
  const { readable } = socket;
  driver.come(bytes(1), friend);
  await turns(1);
  assertEquals((await socket.recvfrom()).data, bytes(1));
  const reader = readable.getReader();
  await failsWith(socket.recvfrom(), "EBUSY");
  await failsWith(socket.recvMany(1), "EBUSY");
  const read = reader.read();
  driver.come(bytes(2), friend);
  driver.come(bytes(3), friend);
  assertEquals((await read).value!.data, bytes(2));
  reader.releaseLock();
  assertEquals((await socket.recvfrom()).data, bytes(3));
});

test("69: a reader that leaves with its read pending leaves no datagram behind in the stream", async () => {
  const { socket, driver } = open();
  const first = socket.readable.getReader();
  const pending = reasonOf(first.read());
  await turns(1);
  first.releaseLock();
  await pending;
  driver.come(bytes(1), friend);
  assertEquals((await socket.recvfrom()).data, bytes(1));
  driver.come(bytes(2), friend);
  const second = socket.readable.getReader();
  assertEquals((await second.read()).value!.data, bytes(2));
  const read = second.read();
  driver.come(bytes(3), friend);
  assertEquals((await read).value!.data, bytes(3));
});

test("69: a recvfrom that waits is served before a reader that came later", async () => {
  for (const kind of ["recvfrom", "recvMany"] as const) {
    const { socket, driver } = open();
    const received = kind === "recvfrom" ? socket.recvfrom() : socket.recvMany(1);
    const read = socket.readable.getReader().read();
    await turns(1);
    driver.come(bytes(1), friend);
    driver.come(bytes(2), friend);
    const first = await received;
    assertEquals((Array.isArray(first) ? first[0]! : first).data, bytes(1));
    assertEquals((await read).value!.data, bytes(2));
  }
});

test("a gathering read that is cancelled leaves what came to the reader", async () => {
  const { socket, driver } = open();
  const controller = new AbortController();
  const received = reasonOf(socket.recvMany(5, { signal: controller.signal }));
  const read = socket.readable.getReader().read();
  await turns(1);
  driver.come(bytes(1), friend);
  controller.abort("never mind");
  assertEquals([await received, (await read).value!.data], ["never mind", bytes(1)]);
});

test("cancelling the readable ends nothing but itself", async () => {
  const { socket, driver } = open();
  const seen: number[] = [];
  driver.come(bytes(1), friend);
  driver.come(bytes(2), friend);
  for await (const { data } of socket.readable) {
    seen.push(data[0]!);
    break;
  }
  assertEquals([seen, await isSettled(socket.closed)], [[1], false]);
  assertEquals((await socket.recvfrom()).data, bytes(2));
  driver.come(bytes(3), friend);
  assertEquals((await socket.recvfrom()).data, bytes(3));
  await socket.close();
});

test("close ends a waiting reader in order, and fails the writable", async () => {
  const { socket } = open();
  const read = socket.readable.getReader().read();
  const writer = socket.writable.getWriter();
  await turns(1);
  await socket.close();
  assertEquals((await read).done, true);
  await failsWith(writer.closed, "ECONNABORTED");
  const late = open().socket;
  await late.close();
  assertEquals((await late.readable.getReader().read()).done, true);
  await late.readable.pipeTo(new WritableStream()).catch(() => {});
  await failsWith(late.writable.getWriter().write({ data: bytes(1) }), "ECONNABORTED");
});

test("a broken socket fails a waiting reader, after what came before", async () => {
  const error = new SocketError("gone", { code: "ENETDOWN" });
  const waiting = open();
  const read = reasonOf(waiting.socket.readable.getReader().read());
  await turns(1);
  waiting.driver.break(error);
  assertStrictEquals(await read, error);
  const { socket, driver } = open();
  const reader = socket.readable.getReader();
  driver.come(bytes(1), friend);
  driver.break(error);
  assertEquals((await reader.read()).value!.data, bytes(1));
  assertStrictEquals(await reasonOf(reader.read()), error);
});

test("written messages go to the address that they name, on a connected socket to the peer", async () => {
  const { socket, driver } = open();
  const writer = socket.writable.getWriter();
  await writer.write({ data: bytes(1), ...toFriend });
  await writer.write({ data: bytes(2).buffer as unknown as Uint8Array, ...toFriend });
  await writer.write({ data: new DataView(bytes(3).buffer) as unknown as Uint8Array, ...toFriend });
  assertEquals([driver.taken, driver.sends.map(({ to }) => to!.key)], [[1, 2, 3], new Array(3).fill(friend.key)]);
  const connected = open({ remoteAddress: friend });
  await connected.socket.writable.getWriter().write({ data: bytes(1) });
  assertEquals(connected.driver.sends.map(({ to }) => to), [undefined]);
});

test("what a message's address is depends on the socket: paths, names, zones", async () => {
  const cases: [TsocketAddress, Partial<UdpMessage>, string][] = [
    [InetAddress.from("::", 1), { remoteAddress: "fe80::1%eth0", remotePort: 5 }, "ipv6:[fe80::1%eth0]:5"],
    [UnixAddress.from("/a"), { remoteAddress: "/b" }, "unix:/b"],
    [VirtualAddress.from("memory", "a"), { remoteAddress: "memory:b" }, "virtual:memory:b"],
    [VirtualAddress.from("memory", "a"), { remoteAddress: "b" }, "virtual:memory:b"],
  ];
  for (const [localAddress, message, expected] of cases) {
    const { socket, driver } = open({ localAddress });
    await socket.writable.getWriter().write({ data: bytes(1), ...message });
    assertEquals(String(driver.sends[0]!.to), expected);
  }
});

test("messages written while opening wait for the socket to know its kind of address", async () => {
  const driver = new FakeDgramDriver({ localAddress: UnixAddress.from("/a") });
  let bring!: (driver: TDgramDriver) => void;
  const socket = new DgramSocket(() => new Promise((resolve) => bring = resolve));
  const written = socket.writable.getWriter().write({ data: bytes(1), remoteAddress: "/b" });
  await turns(1);
  bring(driver);
  await written;
  assertEquals(String(driver.sends[0]!.to), "unix:/b");
});

test("a message that makes no sense fails the writable, and nothing else", async () => {
  const wrong: [unknown, string][] = [
    [undefined, "message"],
    [{ data: "text", ...toFriend }, "message"],
    [{ data: bytes(1), remotePort: 5 }, "remoteAddress"],
    [{ data: bytes(1), remoteAddress: "192.0.2.1" }, "remotePort"],
    [{ data: bytes(1), remoteAddress: "example.com", remotePort: 5 }, "example.com"],
    [{ data: bytes(1) }, "not connected"],
    [{ data: new Uint8Array(65508), ...toFriend }, "maxDatagramSize"],
  ];
  for (const [message, expected] of wrong) {
    const { socket } = open();
    const reason = await reasonOf(socket.writable.getWriter().write(message as UdpMessage));
    assert(reason instanceof TypeError && reason.message.includes(expected), String(reason));
    assertEquals(await socket.sendto(bytes(1), friend), 1);
  }
});

test("75: a datagram that got lost fails no stream", async () => {
  const { socket, driver } = open({ holdsSends: true });
  const writer = socket.writable.getWriter();
  const first = writer.write({ data: bytes(1), ...toFriend });
  await turns(1);
  driver.sends[0]!.fail(new SocketError("dead", { code: "ECONNREFUSED" }));
  await first;
  const second = writer.write({ data: bytes(2), ...toFriend });
  await turns(1);
  driver.sends[1]!.done();
  await second;
  assertEquals([socket.stats.sent, socket.stats.sendErrors], [1, 1]);
});

test("neither closing nor aborting the writable does anything to the socket", async () => {
  for (const end of ["close", "abort"] as const) {
    const { socket } = open();
    await socket.writable[end]();
    assertEquals(await socket.sendto(bytes(1), friend), 1);
    assertEquals(await isSettled(socket.closed), false);
    await socket.close();
  }
});

test("61: streams that nobody watches leave no rejection behind", async () => {
  const unhandled = await unhandledRejections(async () => {
    const { socket, driver } = open();
    socket.readable.getReader();
    socket.writable.getWriter();
    driver.break(new SocketError("gone", { code: "EIO" }));
    await turns(2);
    const closed = open().socket;
    closed.readable.getReader();
    closed.writable.getWriter();
    await closed.close();
  });
  assertEquals(unhandled, []);
});
