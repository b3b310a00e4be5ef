// Sending through a datagram socket over a driver by hand: order, checks, limits, cancelling.
import { test } from "node:test";
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { ManualClock } from "../../src/sim/mod.ts";
import { DgramSocket } from "../../src/tsocket/dgram_socket.ts";
import { SocketError } from "../../src/tsocket/errors.ts";
import { InetAddress } from "../../src/tsocket/inet_address.ts";
import { UnixAddress } from "../../src/tsocket/local_address.ts";
import type { TDgramOptions } from "../../src/tsocket/option_types.ts";
import type { OutDatagram } from "../../src/tsocket/types.ts";
import { isSettled, turns } from "../support/turns.ts";
import { FakeDgramDriver, type FakeDgramOptions } from "./support/fake_dgram_driver.ts";
import { failsWith, reasonOf } from "./support/settled.ts";

const friend = InetAddress.from("192.0.2.1", 53);

function open(options: FakeDgramOptions = {}, socketOptions: TDgramOptions = {}) {
  const clock = new ManualClock(1000);
  const driver = new FakeDgramDriver(options);
  return { clock, driver, socket: new DgramSocket(driver, socketOptions, { clock }) };
}

function bytes(...values: number[]): Uint8Array {
  return Uint8Array.of(...values);
}

function list(count: number, first = 0): OutDatagram[] {
  return Array.from({ length: count }, (_, i) => ({ data: bytes(first + i), to: friend }));
}

test("72: a vector is one datagram, and an empty one is sent as well", async () => {
  const { socket, driver } = open();
  const vector = [bytes(1, 2), bytes(), bytes(3)];
  assertEquals(await socket.sendto(vector, friend), 3);
  assertStrictEquals(driver.sends[0]!.data, vector);
  assertEquals([await socket.sendto(bytes(), friend), await socket.sendto([], friend)], [0, 0]);
  assertEquals([driver.sends.length, socket.stats.sent], [3, 3]);
});

test("72: what is too long is EMSGSIZE before the driver sees it", async () => {
  const { socket, driver } = open({ maxDatagramSize: 10 });
  assertEquals(await socket.sendto(new Uint8Array(10), friend), 10);
  const error = await failsWith(socket.sendto([new Uint8Array(10), bytes(1)], friend), "EMSGSIZE");
  assertEquals(error.blame, "local");
  assert(error.message.includes("11 bytes") && error.message.includes("10"), error.message);
  const many = [{ data: bytes(1), to: friend }, { data: new Uint8Array(11), to: friend }];
  await failsWith(socket.sendMany(many), "EMSGSIZE");
  assertEquals([driver.sends.length, socket.stats.sent, socket.stats.sendErrors], [1, 1, 2]);
});

test("74: an address is EISCONN when connected, none is EDESTADDRREQ when not", async () => {
  const connected = open({ remoteAddress: friend });
  await failsWith(connected.socket.sendto(bytes(1), friend), "EISCONN");
  await failsWith(connected.socket.sendMany([{ data: bytes(1) }, { data: bytes(2), to: friend }]), "EISCONN");
  assertEquals(await connected.socket.sendto(bytes(1)), 1);
  const { socket, driver } = open();
  await failsWith(socket.sendto(bytes(1)), "EDESTADDRREQ");
  await failsWith(socket.sendMany([...list(1), { data: bytes(2) }]), "EDESTADDRREQ");
  assertEquals([driver.sends.length, socket.stats.sendErrors], [0, 2]);
});

test("an address that the socket cannot reach is EAFNOSUPPORT on every runtime", async () => {
  const { socket } = open();
  await failsWith(socket.sendto(bytes(1), InetAddress.from("::1", 1)), "EAFNOSUPPORT");
  await failsWith(socket.sendto(bytes(1), UnixAddress.from("/x")), "EAFNOSUPPORT");
});

test("wrong arguments are a TypeError", async () => {
  const { socket, driver } = open();
  const wrong = "x" as never;
  const outcomes = [
    socket.sendto(wrong, friend),
    socket.sendto([wrong], friend),
    socket.sendto(bytes(1), wrong),
    socket.sendMany(wrong),
    socket.sendMany([{ data: wrong, to: friend }]),
    socket.sendMany([{ data: bytes(1), to: wrong }]),
    socket.sendto(bytes(1), friend, { deadlineAt: wrong }),
  ];
  for (const outcome of outcomes) {
    const reason = await reasonOf(outcome);
    assert(reason instanceof TypeError && !(reason instanceof SocketError), String(reason));
  }
  assertEquals([driver.sends.length, await socket.sendto(bytes(1), friend)], [0, 1]);
});

test("76: 500 sends without awaiting reach the driver in order, one at a time", async () => {
  const { socket, driver } = open();
  const sends = Array.from({ length: 250 }, (_, i) => socket.sendto(bytes(i), friend));
  const many = socket.sendMany(list(5, 250));
  sends.push(socket.sendto(bytes(255), friend));
  assertEquals(await Promise.all(sends), new Array<number>(251).fill(1));
  assertEquals([await many, driver.taken, driver.mostInFlight], [5, Array.from({ length: 256 }, (_, i) => i), 1]);
  assertEquals(socket.stats.sent, 256);
});

test("76: with nothing before it a send is given to the driver at once", () => {
  const { socket, driver } = open();
  void socket.sendto(bytes(1), friend);
  assertEquals(driver.sends.length, 1);
  const batch = open({ sendMany: (count) => count });
  void batch.socket.sendMany(list(3));
  assertEquals(batch.driver.taken, [0, 1, 2]);
});

test("76: sendMany is one call of a driver that can, and goes on where that had no room", async () => {
  let room = 400;
  const { socket, driver } = open({
    sendMany: (count) => {
      const taken = Math.min(count, room);
      room -= taken;
      return taken;
    },
  });
  const first = socket.sendMany(list(1000));
  const behind = socket.sendto(bytes(77), friend);
  assertEquals([driver.calls, socket.stats.sent], [["sendMany 1000"], 400]);
  room = 1000;
  driver.drain();
  assertEquals([await first, await behind], [1000, 1]);
  driver.drain();
  assertEquals(driver.calls, ["sendMany 1000", "sendMany 600"]);
  assertEquals([driver.taken.length, driver.taken.at(-1), socket.stats.sent], [1001, 77, 1001]);
});

test("76: when the driver refuses one of many, the error says how many were sent before", async () => {
  const cause = new SocketError("no", { code: "EPERM", bytesTransferred: 2, address: friend });
  let calls = 0;
  const { socket, driver } = open({
    sendMany: () => {
      if (calls++ === 0) return 3;
      throw cause;
    },
  });
  const sent = socket.sendMany(list(9));
  const next = socket.sendMany([]);
  driver.drain();
  const error = await failsWith(sent, "EPERM");
  assertEquals([error.bytesTransferred, error.cause, error.address, error.syscall], [5, cause, friend, "sendMany"]);
  assertEquals([socket.stats.sent, socket.stats.sendErrors, await next], [5, 1, 0]);

  const slow = open({ holdsSends: true });
  const many = failsWith(slow.socket.sendMany(list(3)), "EPERM");
  slow.driver.sends[0]!.done();
  await turns(1);
  slow.driver.sends[1]!.fail(new SocketError("no", { code: "EPERM" }));
  assertEquals((await many).bytesTransferred, 1);
  assertEquals([slow.driver.sends.length, slow.socket.stats.sent, slow.socket.stats.sendErrors], [2, 1, 1]);
});

test("what a driver throws instead of rejecting, or that is no SocketError, wedges nothing", async () => {
  const { socket, driver } = open();
  const error = new Error("raw");
  const { send } = driver;
  driver.send = () => {
    throw error;
  };
  assertStrictEquals(await reasonOf(socket.sendto(bytes(1), friend)), error);
  const many = await failsWith(socket.sendMany(list(2)), "EIO");
  assertEquals([many.cause, many.bytesTransferred], [error, 0]);
  driver.send = send;
  assertEquals(await socket.sendto(bytes(1), friend), 1);
});

test("a failed send does not hold up the next ones", async () => {
  const { socket, driver } = open({ holdsSends: true });
  const sends = [1, 2, 3].map((value) => socket.sendto(bytes(value), friend));
  const lost = failsWith(sends[1]!, "ECONNREFUSED");
  driver.sends[0]!.done();
  await turns(1);
  driver.sends[1]!.fail(new SocketError("dead", { code: "ECONNREFUSED" }));
  await lost;
  driver.sends[2]!.done();
  assertEquals([await sends[0], await sends[2], driver.taken], [1, 1, [1, 3]]);
});

test("a send may start in the then of another", async () => {
  const { socket, driver } = open();
  await socket.sendto(bytes(1), friend).then(() => socket.sendto(bytes(2), friend));
  await socket.sendMany(list(1, 3)).then(() => socket.sendMany(list(1, 4)));
  assertEquals([driver.taken, driver.mostInFlight], [[1, 2, 3, 4], 1]);
});

test("maxQueuedSends: what waits to be sent is bounded, beyond that is ENOBUFS; one call alone may have more", async () => {
  const { socket, driver } = open({ holdsSends: true }, { maxQueuedSends: 3 });
  const sends = [1, 2, 3, 4].map((value) => socket.sendto(bytes(value), friend));
  const error = await failsWith(socket.sendto(bytes(5), friend), "ENOBUFS");
  assert(error.message.includes("maxQueuedSends is 3"), error.message);
  await failsWith(socket.sendMany(list(2)), "ENOBUFS");
  assertEquals(socket.stats.sendErrors, 3);
  for (let i = 0; i < 4; i++) {
    driver.sends[i]!.done();
    await turns(1);
  }
  assertEquals(await Promise.all(sends), [1, 1, 1, 1]);
  const many = socket.sendMany(list(10));
  await failsWith(socket.sendto(bytes(5), friend), "ENOBUFS");
  for (let i = 4; i < 14; i++) {
    driver.sends[i]!.done();
    await turns(1);
  }
  assertEquals(await many, 10);
});

test("a send that waits can be taken back; its neighbours do not notice", async () => {
  const { socket, driver, clock } = open({ holdsSends: true }, { maxQueuedSends: 3 });
  const reason = new Error("not this one");
  const controller = new AbortController();
  const sends = [1, 2, 3, 4].map((value) =>
    socket.sendto(
      bytes(value),
      friend,
      value === 2 ? { signal: controller.signal } : value === 3 ? { deadlineAt: 1010 } : {},
    )
  );
  const [aborted, late] = [reasonOf(sends[1]!), failsWith(sends[2]!, "ETIMEDOUT")];
  controller.abort(reason);
  clock.advance(10);
  assertStrictEquals(await aborted, reason);
  await late;
  const more = socket.sendMany(list(2, 5));
  for (let i = 0; i < 4; i++) {
    driver.sends[i]!.done();
    await turns(1);
  }
  assertEquals([await sends[0], await sends[3], await more, driver.taken], [1, 1, 2, [1, 4, 5, 6]]);
  assertEquals([clock.timers, socket.stats.sendErrors], [0, 0]);
});

test("a signal that has fired, or a deadline that has passed, sends nothing", async () => {
  const { socket, driver } = open();
  const reason = new Error("never");
  const options = { signal: AbortSignal.abort(reason) };
  assertStrictEquals(await reasonOf(socket.sendto(bytes(1), friend, options)), reason);
  assertStrictEquals(await reasonOf(socket.sendMany(list(1), options)), reason);
  await failsWith(socket.sendto(bytes(1), friend, { deadlineAt: 1000 }), "ETIMEDOUT");
  assertEquals([driver.sends.length, socket.stats.sendErrors], [0, 0]);
});

test("what the driver has already cannot be taken back and counts as sent", async () => {
  const { socket, driver } = open({ holdsSends: true });
  const controller = new AbortController();
  const { signal } = controller;
  const sends = [socket.sendto(bytes(1), friend, { signal }), socket.sendto(bytes(2), friend, { signal })];
  driver.sends[0]!.done();
  await turns(1);
  controller.abort();
  driver.sends[1]!.done();
  assertEquals(await Promise.all(sends), [1, 1]);
});

test("sendMany that is cancelled stops: at once while it waits for room, else when the driver is done with one", async () => {
  const reason = new SocketError("mine", { code: "ECANCELED" });
  const blocked = open({ sendMany: () => 2 });
  const controller = new AbortController();
  const many = reasonOf(blocked.socket.sendMany(list(9), { signal: controller.signal }));
  controller.abort(reason);
  assertStrictEquals(await many, reason);
  const late = blocked.socket.sendMany(list(2));
  blocked.driver.drain();
  assertEquals([await late, blocked.socket.stats.sent], [2, 4]);

  const { socket, driver, clock } = open({ holdsSends: true });
  const slow = failsWith(socket.sendMany(list(9), { deadlineAt: 1010 }), "ETIMEDOUT");
  driver.sends[0]!.done();
  await turns(1);
  clock.advance(10);
  assertEquals(await isSettled(slow), false);
  driver.sends[1]!.done();
  assertEquals((await slow).bytesTransferred, 2);
  assertEquals([driver.taken, driver.sends.length], [[0, 1], 2]);
});

test("a deadline while waiting for room says how many were sent", async () => {
  const { socket, clock } = open({ sendMany: () => 2 });
  const many = failsWith(socket.sendMany(list(9), { deadlineAt: 1010 }), "ETIMEDOUT");
  const one = failsWith(socket.sendto(bytes(1), friend, { deadlineAt: 1010 }), "ETIMEDOUT");
  clock.advance(10);
  assertEquals((await many).bytesTransferred, 2);
  const { syscall, bytesTransferred } = await one;
  assertEquals([syscall, bytesTransferred], ["sendto", undefined]);
  await socket.close();
});

test("78: close waits for what found no room", async () => {
  const { socket, driver } = open({ sendMany: () => 2 });
  const many = socket.sendMany(list(4));
  const closing = socket.close();
  assertEquals(await isSettled(closing), false);
  driver.drain();
  await closing;
  assertEquals([await many, driver.closes], [4, 1]);
});

test("sending and receiving without end lets timers run", async () => {
  const { socket, driver } = open({ sendMany: (count) => count });
  let isTime = false;
  const timer = (): void => {
    setTimeout(() => isTime = true, 0);
    isTime = false;
  };
  const until = async (act: () => Promise<unknown>): Promise<void> => {
    timer();
    for (let i = 0; !isTime; i++) {
      assert(i < 5_000_000, "the timer never ran");
      await act();
    }
  };
  await until(() => socket.sendMany(list(10)));
  await until(() => socket.sendto(bytes(1), friend));
  await until(() => {
    const received = socket.recvfrom();
    driver.come(bytes(1), friend);
    return received;
  });
  await until(() => {
    driver.come(bytes(1), friend);
    return socket.recvfrom();
  });
});
