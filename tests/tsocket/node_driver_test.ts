import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { createServer, type Server } from "node:net";
import process from "node:process";
import { test } from "node:test";
import { canReusePort } from "../../src/tsocket/drivers/node/capabilities.ts";
import { connectNode } from "../../src/tsocket/drivers/node/connect.ts";
import { codeOf, nodeError } from "../../src/tsocket/drivers/node/error_codes.ts";
import {
  CHUNK_OVERHEAD,
  Inbox,
  LARGE_READ_BYTES,
  READ_AHEAD_BYTES,
  SMALL_READ_BYTES,
} from "../../src/tsocket/drivers/node/inbox.ts";
import { listenNode, NodeListenerDriver } from "../../src/tsocket/drivers/node/listener_driver.ts";
import { JOIN_BYTES } from "../../src/tsocket/drivers/node/stream_driver.ts";
import type { SocketError } from "../../src/tsocket/errors.ts";
import { InetAddress } from "../../src/tsocket/inet_address.ts";
import { PipeAddress, UnixAddress, VirtualAddress } from "../../src/tsocket/local_address.ts";
import { READ_AGAIN, READ_END } from "../../src/tsocket/driver_types.ts";
import type { TsocketAddress } from "../../src/tsocket/types.ts";
import { turns } from "../support/turns.ts";
import { unhandledRejections } from "../support/unhandled.ts";
import { AUTHORITY, OTHER_AUTHORITY, SERVER_CERTIFICATE, SERVER_KEY } from "./support/certificates.ts";
import { openThings, untilNoLeaks } from "./support/leaks.ts";
import { anyPort, codeFrom, freshPath, Listening, never, Started, withPair } from "./support/node_pair.ts";
import { removeSocketPathsAfter } from "./support/socket_paths.ts";

removeSocketPathsAfter();

const SERVER_TLS = { cert: SERVER_CERTIFICATE, key: SERVER_KEY };
const isDeno = "Deno" in globalThis;
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const bytes = (words: string): Uint8Array => new TextEncoder().encode(words);

const places: [string, () => TsocketAddress][] = [
  ["TCP", () => anyPort],
  ["TCP over IPv6", () => InetAddress.from("::1", 0)],
  ["a unix socket", freshPath],
];
if (process.platform === "linux") {
  places.push(["an abstract name", () => UnixAddress.from(`\0leat-node-driver-${process.pid}`)]);
}

for (const [name, place] of places) {
  test(`54: over ${name} the reply after our end arrives, and both addresses are known`, () =>
    withPair(place(), async (client, server) => {
      await client.driver.writev([bytes("ask"), new Uint8Array(0), bytes("ing")]);
      await client.driver.shutdown();
      assertEquals(text(await server.read(100)), "asking");
      assertEquals(await server.told(), ["EOF"]);
      assertEquals(server.driver.readError, undefined);
      await server.driver.writev([bytes("late")]);
      await server.driver.shutdown();
      assertEquals(text(await client.read(100)), "late");
      const { localAddress, remoteAddress } = client.driver;
      assertEquals(String(remoteAddress), String(server.driver.localAddress));
      if (remoteAddress?.kind === "inet") assertEquals(String(server.driver.remoteAddress), String(localAddress));
      assertEquals(await codeFrom(client.driver.writev([bytes("x")])), "EPIPE");
    }));
}

test("40: a reader that stalls leaves no more than the limit and a chunk, on either side", () =>
  withPair(anyPort, async (client, server) => {
    for (const [from, to] of [[client, server], [server, client]] as const) {
      let sent = 0;
      const sending = (async () => {
        for (let i = 0; i < 24; i++) {
          await from.driver.writev([new Uint8Array(1024 * 1024)]);
          sent++;
        }
      })();
      sending.catch(() => {});
      assertEquals(to.driver.readSync(new Uint8Array(1)), READ_AGAIN);
      while (to.driver.pendingBytes === 0) await turns(1);
      await turns(50);
      assert(sent < 24, "the writer must wait");
      assert(to.driver.pendingBytes <= READ_AHEAD_BYTES + LARGE_READ_BYTES, String(to.driver.pendingBytes));
      let total = 0;
      while (total < 24 * 1024 * 1024) total += (await to.read(256 * 1024)).length;
      await sending;
    }
  }));

test("40: nothing is read before somebody asks", () =>
  withPair(anyPort, async (client, server) => {
    await client.driver.writev([new Uint8Array(1000)]);
    await turns(10);
    assertEquals(server.driver.pendingBytes, 0);
    server.driver.watch?.();
    while (server.driver.pendingBytes < 1000) await turns(1);
  }));

test("38: views are written as one, joined when they are small, whatever their number", () =>
  withPair(anyPort, async (client, server) => {
    const many = Array.from({ length: 3000 }, (_, i) => Uint8Array.of(i & 0xff, i >> 8));
    const large = [new Uint8Array(JOIN_BYTES).fill(1), new Uint8Array(JOIN_BYTES).fill(2), Uint8Array.of(3)];
    await client.driver.writev(many);
    await client.driver.writev(large);
    const got = await server.read(6000 + 2 * JOIN_BYTES + 1);
    assertEquals(got.subarray(5998, 6000), Uint8Array.of(2999 & 0xff, 2999 >> 8));
    assertEquals([got[6000], got[6000 + JOIN_BYTES], got.at(-1)], [1, 2, 3]);
  }));

test("23: data and a reset at once: the data, then ECONNRESET, never an end in order", async () => {
  for (let round = 0; round < 5; round++) {
    await withPair(anyPort, async (client, server) => {
      await client.driver.writev([bytes("last words")]);
      client.driver.abort();
      assertEquals(text(await server.read(100)), "last words");
      assertEquals(server.driver.readSync(new Uint8Array(1)), READ_END);
      assertEquals(server.driver.readError?.code, "ECONNRESET");
      assertEquals(await server.told(), ["ECONNRESET"]);
      assertEquals(await codeFrom(server.driver.writev([bytes("x")])), "ECONNRESET");
    });
  }
});

test("44: a write that waits rejects when either side aborts, and none hangs after the peer is gone", async () => {
  const flood = (): Uint8Array[] => [new Uint8Array(16_000_000), new Uint8Array(16_000_000)];
  await withPair(anyPort, async (client) => {
    const writing = codeFrom(client.driver.writev(flood()));
    await turns(2);
    client.driver.abort();
    assertEquals(await writing, "ECONNABORTED");
    assertEquals(client.broken, []);
  });
  await withPair(anyPort, async (client, server) => {
    const writing = codeFrom(client.driver.writev(flood()));
    await turns(2);
    server.driver.abort();
    assert(["ECONNRESET", "EPIPE"].includes(await writing));
    for (let i = 0; i < 3; i++) assert(await codeFrom(client.driver.writev([bytes("x")])) !== "resolved");
    assertEquals((await client.told()).length, 1);
  });
  await withPair(anyPort, async (client, server) => {
    await server.driver.close();
    let code = "resolved";
    while (code === "resolved") code = await codeFrom(client.driver.writev([bytes("x")]));
    assert(["ECONNRESET", "EPIPE"].includes(code), code);
  });
});

test("58: after close everything is ECONNABORTED; close and abort may come in any order and number", async () => {
  assertEquals(
    await unhandledRejections(() =>
      withPair(anyPort, async (client, server) => {
        await client.driver.writev([bytes("bye")]);
        await Promise.all([client.driver.close(), client.driver.close()]);
        client.driver.abort();
        assertEquals(await codeFrom(client.driver.writev([bytes("x")])), "ECONNABORTED");
        assertEquals(await codeFrom(client.driver.shutdown()), "ECONNABORTED");
        assertEquals(text(await server.read(10)), "bye");
        server.driver.abort();
        await server.driver.close();
        assertEquals(client.broken, []);
      })
    ),
    [],
  );
});

test("56: closing over bytes that nobody read takes nothing from the peer", () =>
  withPair(anyPort, async (client, server) => {
    await client.driver.writev([new Uint8Array(50_000)]);
    await server.driver.writev([bytes("reply")]);
    await server.driver.close();
    assertEquals(text(await client.read(10)), "reply");
    assertEquals(client.driver.readError, undefined);
  }));

test("59: an abort while the end is being sent frees the descriptor", async () => {
  const before = openThings();
  await withPair(anyPort, async (client, server) => {
    const ending = codeFrom(client.driver.shutdown());
    client.driver.abort();
    await ending;
    await client.driver.close();
    await server.read(1);
  });
  assertEquals(await untilNoLeaks(before), []);
});

test("62: connecting can be ended at every stage with the signal's reason, and frees the socket", async () => {
  const before = openThings();
  const silent = createServer((socket) => socket.on("error", () => {}).resume());
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  const { port } = silent.address() as { port: number };
  const target = InetAddress.from("127.0.0.1", port);
  const reason = new Error("enough");
  assertStrictEquals(await connectNode(target, {}, AbortSignal.abort(reason)).catch((error) => error), reason);
  for (const to of [target, { hostname: "name.invalid", port: 1 }]) {
    const controller = new AbortController();
    const connecting = connectNode(to, {}, controller.signal).catch((error) => error);
    controller.abort(reason);
    assertStrictEquals(await connecting, reason);
  }
  const controller = new AbortController();
  const reached = new Promise((resolve) => silent.once("connection", resolve));
  const options = { secureTransport: "on", sni: "localhost" } as const;
  const connecting = connectNode(target, options, controller.signal).catch((error) => error);
  await reached;
  await turns(4);
  controller.abort(reason);
  assertStrictEquals(await connecting, reason);
  await new Promise((resolve) => silent.close(resolve));
  assertEquals(await untilNoLeaks(before), []);
});

test("62: what cannot be connected to says why", async () => {
  assertEquals(await codeFrom(connectNode(InetAddress.from("127.0.0.1", 1), {}, never)), "ECONNREFUSED");
  assertEquals(await codeFrom(connectNode(freshPath(), {}, never)), "ENOENT");
  assertEquals(await codeFrom(connectNode(VirtualAddress.from("x", "y"), {}, never)), "EAFNOSUPPORT");
  // a file of that name in the current folder is nobody's pipe
  const pipe = PipeAddress.from("\\\\.\\pipe\\leat");
  assertEquals(await codeFrom(listenNode(pipe, {}, never)), "EAFNOSUPPORT");
  assertEquals(await codeFrom(connectNode(pipe, {}, never)), "EAFNOSUPPORT");
  const elsewhere = await codeFrom(listenNode(InetAddress.from("203.0.113.1", 0), {}, never));
  assertEquals(elsewhere, isDeno ? "EINVAL" : "EADDRNOTAVAIL");
});

test("71: TLS: what the certificate says is checked, and a failed handshake is EPROTO with its cause", async () => {
  const listener = await Listening.at(anyPort, { tls: { ...SERVER_TLS, alpn: ["a/1"] } });
  const to = listener.driver.localAddress;
  const attempts: [string, string | null, string | undefined, string[] | undefined][] = [
    [OTHER_AUTHORITY, "localhost", "EPROTO", undefined],
    [AUTHORITY, "other.test", "EPROTO", undefined],
    [AUTHORITY, "localhost", "EPROTO", ["b/2"]],
    [AUTHORITY, "localhost", undefined, ["a/1"]],
  ];
  for (const [ca, sni, code, alpn] of attempts) {
    const connecting = connectNode(to, { secureTransport: "on", sni, alpn, tls: { ca } }, never);
    if (code === undefined) {
      const driver = await connecting;
      assertEquals(driver.alpn, "a/1");
      driver.abort();
      continue;
    }
    const error = await connecting.catch((thrown) => thrown) as SocketError;
    assertEquals([error.code, error.blame, error.syscall], [code, "remote", "handshake"]);
    assert(error.cause !== undefined);
  }
  await listener.driver.close();
  assertEquals(await codeFrom(listenNode(anyPort, { tls: {} }, never)), "EINVAL");
  // Deno looks at the key when the first client comes
  if (isDeno) return;
  const unusable = { tls: { cert: SERVER_CERTIFICATE, key: "no key" } };
  const refused = await listenNode(anyPort, unusable, never).catch((thrown) => thrown) as SocketError;
  assertEquals([refused.code, refused.blame], ["EINVAL", "local"]);
});

test("71: startTls on both sides of a plain connection, with the client's hello already there", () =>
  withPair(anyPort, async (client, server) => {
    const upgrading = client.driver.startTls!({ ca: AUTHORITY, sni: "localhost" }, never);
    // read ahead, so that it has to be handed back
    server.driver.watch?.();
    while (server.driver.pendingBytes === 0) await turns(1);
    const upgraded = server.driver.startTls!(SERVER_TLS, never);
    const [a, b] = (await Promise.all([upgrading, upgraded])).map((driver) => new Started(driver)) as [
      Started,
      Started,
    ];
    await a.driver.writev([bytes("secret")]);
    assertEquals(text(await b.read(6)), "secret");
    assertEquals(await codeFrom(client.driver.writev([bytes("x")])), "ECONNABORTED");
    assertEquals(await codeFrom(a.driver.startTls!({}, never)), "EINVAL");
    await Promise.all([a.driver.close(), b.driver.close()]);
  }, { secureTransport: "starttls" }));

test("71: plain bytes slipped in before the handshake never count as what TLS protects", () =>
  withPair(anyPort, async (client, server) => {
    await server.driver.writev([bytes("220 injected\r\n")]);
    client.driver.watch?.();
    while (client.driver.pendingBytes === 0) await turns(1);
    const upgrading = codeFrom(client.driver.startTls!({ ca: AUTHORITY, sni: "localhost" }, never));
    const answering = server.driver.startTls!(SERVER_TLS, never).then((driver) => driver.abort(), () => {});
    assert(["EPROTO", "ECONNRESET"].includes(await upgrading), await upgrading);
    await answering;
  }, { secureTransport: "starttls" }));

test("57: handshakes that are too many or too slow are ended and reported, and listening goes on", async () => {
  // long enough for a good handshake on a machine that has much else to do
  const limits = { maxHandshakes: 1, handshakeTimeoutMs: 1000 };
  const listener = await Listening.at(anyPort, { tls: SERVER_TLS }, limits);
  const to = listener.driver.localAddress;
  const mute = await Promise.all([0, 1].map(() => connectNode(to, {}, never)));
  assertEquals((await listener.failed(2)).sort(), ["ENOBUFS", "ETIMEDOUT"]);
  const options = { secureTransport: "on", sni: "localhost", tls: { ca: AUTHORITY } } as const;
  const good = await connectNode(to, options, never);
  await listener.accept().then(({ driver }) => driver.abort());
  for (const driver of [...mute, good]) driver.abort();
  await listener.driver.close();
});

test("66: running out of descriptors is reported and listening goes on; other errors end it", async () => {
  const server: Server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const address = InetAddress.from("127.0.0.1", port);
  const listener = new Listening(new NodeListenerDriver(server, address, undefined, {}));
  server.emit("error", Object.assign(new Error("accept"), { code: "EMFILE" }));
  assertEquals(await listener.failed(), ["EMFILE"]);
  const client = await connectNode(address, {}, never);
  const accepted = await listener.accept();
  accepted.driver.abort();
  client.abort();
  server.emit("error", Object.assign(new Error("accept"), { code: "EINVAL" }));
  assertEquals(await listener.failed(2), ["EMFILE", "EINVAL"]);
  assertEquals(await codeFrom(connectNode(address, {}, never)), "ECONNREFUSED");
});

test("57: reusePort shares a port, or is refused where the runtime would ignore it", async () => {
  if (!canReusePort()) {
    assertEquals(await codeFrom(listenNode(anyPort, { reusePort: true }, never)), "EPROTONOSUPPORT");
    return;
  }
  const first = await listenNode(anyPort, { reusePort: true }, never);
  const second = await listenNode(first.localAddress, { reusePort: true }, never);
  await Promise.all([first.close(), second.close()]);
});

test("4.4: codes of the runtimes become ours, the first of several counts", () => {
  const coded = (code: string): Error => Object.assign(new Error(code), { code });
  const table = {
    ECONNREFUSED: "ECONNREFUSED",
    ERR_STREAM_WRITE_AFTER_END: "EPIPE",
    ERR_STREAM_DESTROYED: "ECONNABORTED",
    ECANCELED: "ECONNABORTED",
    ERR_SOCKET_CLOSED: "ECONNABORTED",
    ERR_SOCKET_DGRAM_NOT_RUNNING: "ECONNABORTED",
    EAI_AGAIN: "ENOTFOUND",
    ERR_SSL_WRONG_VERSION_NUMBER: "EPROTO",
    SOMETHING_ELSE: "EIO",
  };
  for (const [theirs, ours] of Object.entries(table)) assertEquals(codeOf(coded(theirs)), ours);
  assertEquals(codeOf(new AggregateError([coded("ENETUNREACH"), coded("ECONNREFUSED")])), "ENETUNREACH");
  assertEquals(codeOf(new Error("Socket is closed")), "ECONNABORTED");
  assertEquals(codeOf(undefined), "EIO");
  const cause = coded("ECONNRESET");
  const error = nodeError(cause, { syscall: "read", address: UnixAddress.from("\0name") });
  assertEquals(error.message, "SocketError: read @name: the peer reset the connection (ECONNRESET)");
  assertStrictEquals(error.cause, cause);
  assertStrictEquals(nodeError(error, { syscall: "x" }), error);
});

test("READ_AHEAD_BYTES: tiny chunks count more than their bytes", () => {
  const inbox = new Inbox();
  let count = 0;
  for (; !inbox.isFull; count++) inbox.push(Uint8Array.of(count & 0xff));
  assertEquals(count, Math.ceil(READ_AHEAD_BYTES / (CHUNK_OVERHEAD + 1)));
  assertEquals(inbox.takeAll(), Uint8Array.from({ length: count }, (_, i) => i & 0xff));
  assertEquals([inbox.length, inbox.isFull, inbox.hasRoom], [0, false, true]);
});

test("SMALL_READ_BYTES, LARGE_READ_BYTES: the buffer grows when it was filled and shrinks when little comes", () => {
  const inbox = new Inbox();
  let arrived = 0;
  inbox.onArrival = () => arrived++;
  const small = inbox.nextBuffer();
  assertEquals(small.length, SMALL_READ_BYTES);
  inbox.pushRead(small, 3);
  // a small read was copied, so the buffer is used again
  assertStrictEquals(inbox.nextBuffer(), small);
  inbox.pushRead(small, small.length);
  const large = inbox.nextBuffer();
  assertEquals(large.length, LARGE_READ_BYTES);
  inbox.pushRead(large.fill(7), large.length);
  assertEquals(inbox.isFull, true);
  assertEquals(inbox.takeAll().length, 3 + small.length + large.length);
  const again = inbox.nextBuffer();
  assertStrictEquals(again.buffer, large.buffer);
  inbox.pushRead(again, 10);
  assertEquals(inbox.nextBuffer().length, SMALL_READ_BYTES);
  assertEquals(inbox.takeAll(), new Uint8Array(10).fill(7));
  assertEquals(arrived, 4);
  inbox.push(new Uint8Array(5));
  inbox.clear();
  assertEquals(inbox.read(new Uint8Array(5)), 0);
});
