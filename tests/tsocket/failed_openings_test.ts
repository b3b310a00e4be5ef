/** What could not be made a socket of is freed. */
import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { Socket } from "node:dgram";
import { test } from "node:test";
import { dgramBun } from "../../src/tsocket/drivers/bun/dgram_driver.ts";
import { dgramNode } from "../../src/tsocket/drivers/node/dgram_driver.ts";
import { fromSocket, streamFrom, type WinterTcSocket } from "../../src/tsocket/drivers/web/mod.ts";
import { InetAddress } from "../../src/tsocket/inet_address.ts";
import { failsWith, reasonOf } from "./support/settled.ts";

const anyPort = InetAddress.from("127.0.0.1", 0);
const never = new AbortController().signal;

interface Patched {
  setBroadcast(isAllowed: boolean): void;
  close(...args: never[]): unknown;
}

/** Runs `body` while the class refuses to broadcast; returns how often one of it was closed. */
async function closedWhileRefusing(prototype: Patched, body: () => Promise<void>): Promise<number> {
  const { setBroadcast, close } = prototype;
  let closed = 0;
  prototype.setBroadcast = () => {
    throw Object.assign(new Error("setBroadcast EPERM"), { code: "EPERM", syscall: "setBroadcast" });
  };
  prototype.close = function (...args: never[]): unknown {
    closed++;
    return close.apply(this, args);
  };
  try {
    await body();
  } finally {
    Object.assign(prototype, { setBroadcast, close });
  }
  return closed;
}

test("a datagram socket that may not broadcast is closed", async () => {
  const closed = await closedWhileRefusing(Socket.prototype, async () => {
    await failsWith(dgramNode({ localAddress: anyPort, broadcast: true }, never), "EPERM");
  });
  assertEquals(closed, 1);
});

test("Bun: a datagram socket that may not broadcast is closed", async () => {
  let closed = 0;
  const udpSocket = () =>
    Promise.resolve({
      address: { address: "127.0.0.1", port: 4 },
      setBroadcast() {
        throw Object.assign(new Error("EPERM"), { code: "EPERM" });
      },
      close: () => void closed++,
    });
  const opening = dgramBun({ localAddress: anyPort, broadcast: true }, never, { udpSocket } as never);
  await failsWith(opening, "EPERM");
  assertEquals(closed, 1);
});

/** A WinterTC socket, and why it was closed, if it was. */
function winterTc(opened?: Promise<Record<string, string>>): { socket: WinterTcSocket; closed: () => number } {
  let closed = 0;
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const close = (): Promise<void> => {
    closed++;
    return Promise.reject(new Error("streams are locked"));
  };
  return { socket: { readable, writable, opened, close }, closed: () => closed };
}

test("a WinterTC socket with a locked stream is refused and closed, also when it is locked meanwhile", async () => {
  for (const isEarly of [true, false]) {
    let open!: () => void;
    const { socket, closed } = winterTc(new Promise((resolve) => open = () => resolve({})));
    if (isEarly) socket.readable.getReader();
    const driver = fromSocket(socket);
    socket.writable.getWriter();
    open();
    await assertRejects(() => driver, TypeError, "unlocked");
    assertEquals(closed(), 1);
  }
});

test("a WinterTC socket that nobody wants any more is closed before it is open, and so is one that never opens", async () => {
  const gone = new AbortController();
  const early = winterTc(Promise.resolve({}));
  const reason = new Error("changed my mind");
  gone.abort(reason);
  assertStrictEquals(await reasonOf(fromSocket(early.socket, gone.signal)), reason);
  const failed = winterTc(Promise.reject(new Error("no route")));
  await failsWith(fromSocket(failed.socket), "ECONNREFUSED");
  assertEquals([early.closed(), failed.closed()], [1, 1]);
});

test("streamFrom over a socket whose stream is locked while it opens fails to open, and closes it", async () => {
  let open!: () => void;
  const { socket, closed } = winterTc(new Promise((resolve) => open = () => resolve({})));
  const stream = streamFrom(socket);
  socket.readable.getReader();
  open();
  await assertRejects(() => stream.opened, TypeError, "unlocked");
  await assertRejects(() => stream.closed, TypeError, "unlocked");
  assertEquals(closed(), 1);
});
