/** Options that can't be are refused at once, by name: none shows only when somebody comes. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { test } from "node:test";
import { RxEndpoint, type RxEndpointOptions, rxkadServer, type RxkadServerOptions } from "../../src/rxrpc/mod.ts";
import { dgramPair, InetAddress, type TDgram } from "../../src/tsocket/mod.ts";

const to = InetAddress.parse("127.0.0.1:7000");
const body = Uint8Array.of(1);

function sockets(): readonly [TDgram, TDgram] {
  return dgramPair({ addresses: [InetAddress.parse("127.0.0.1:7001"), to] });
}

/** A client and a server that still work when `use` is done. */
async function afterwards(use: (client: RxEndpoint, server: RxEndpoint) => unknown): Promise<void> {
  const [left, right] = sockets();
  const [client, server] = [await RxEndpoint.open(left), await RxEndpoint.open(right)];
  await use(client, server);
  const listener = server.listen({
    services: [147, { id: 148, security: [], upgradeTo: 149, timeouts: { hardMs: 5 } }],
  });
  const reply = client.request({ to, service: 147, body });
  const call = (await listener.accept())!;
  await call.end(await call.bytes());
  assertEquals(await reply, body);
  await Promise.all([client.close(), server.close()]);
}

type Wrong = readonly [options: unknown, kind: typeof TypeError | typeof RangeError, message: string];

const security = { index: 2, bundleKey: "", connect: () => {} };
const listens: readonly Wrong[] = [
  [undefined, TypeError, "options must be an object, got undefined"],
  [147, TypeError, "options must be an object, got number"],
  [{}, TypeError, "services must be a list, got undefined"],
  [{ services: 147 }, TypeError, "services must be a list, got number"],
  [{ services: "147" }, TypeError, "services must be a list, got string"],
  [{ services: ["147"] }, TypeError, "a service must be an object, got string"],
  [{ services: [null] }, TypeError, "a service must be an object, got null"],
  [{ services: [{}] }, TypeError, "service must be a number, got undefined"],
  [{ services: [{ id: "147" }] }, TypeError, "service must be a number, got string"],
  [{ services: [147, 0] }, RangeError, "service must be an integer from 1 to 65535, got 0"],
  [{ services: [147, { id: 147 }] }, RangeError, "service 147 is named twice"],
  [{ services: [{ id: 147, upgradeTo: "148" }] }, TypeError, "upgradeTo must be a number, got string"],
  [{ services: [{ id: 147, upgradeTo: 65_536 }] }, RangeError, "upgradeTo must be an integer from 1 to 65535"],
  [{ services: [{ id: 147, security: {} }] }, TypeError, "security must be a list, got object"],
  [{ services: [{ id: 147, security: [undefined] }] }, TypeError, "security must be none(), rxkadServer()"],
  [{ services: [{ id: 147, security: [security] }] }, TypeError, "or a class with challenge(), got object"],
  [{ services: [{ id: 147, timeouts: { hard: 5 } }] }, TypeError, 'timeouts must have no "hard"'],
  [{ services: [147], backlog: -1 }, RangeError, "backlog must be at least 1, got -1"],
  [{ services: [147], backlog: "5" }, TypeError, "backlog must be a number, got string"],
  [{ services: [147], refuses: "busy" }, TypeError, "refuses must be a function, got string"],
];

test("listen: options that can't be; nothing is offered then", async () => {
  await afterwards((_client, server) => {
    for (const [options, kind, message] of listens) {
      assertThrows(() => server.listen(options as never), kind, message);
    }
  });
});

const calls: readonly Wrong[] = [
  [undefined, TypeError, "options must be an object, got undefined"],
  [null, TypeError, "options must be an object, got null"],
  [{ to }, TypeError, "service must be a number, got undefined"],
  [{ to, service: "147" }, TypeError, "service must be a number, got string"],
  [{ to: 7000, service: 147 }, TypeError, "to must be { address, port } or a text"],
  [{ to: { address: "127.0.0.1" }, service: 147 }, TypeError, "port must be a number, got undefined"],
  [{ to: "127.0.0.1", service: 147 }, RangeError, 'to must have a port from 1 to 65535, got "127.0.0.1"'],
  [{ to, service: 147, security: null }, TypeError, "security must be none(), rxkadClient()"],
  [{ to, service: 147, security: {} }, TypeError, "security must be none(), rxkadClient()"],
  [{ to, service: 147, security: "none" }, TypeError, "security must be none(), rxkadClient()"],
  [{ to, service: 147, length: "5" }, RangeError, "length must be a count of bytes, got 5"],
  [{ to, service: 147, length: -1 }, RangeError, "length must be a count of bytes, got -1"],
  [{ to, service: 147, timeouts: 5 }, TypeError, "timeouts must be an object, got number"],
  [{ to, service: 147, timeouts: { hardMs: "5" } }, TypeError, "timeouts.hardMs must be a number, got string"],
  [{ to, service: 147, signal: {} }, TypeError, "signal must be an AbortSignal, got object"],
  [{ to, service: 147, signalPhase: "begin" }, RangeError, "signalPhase must be one of any, queue, got begin"],
  [{ to, service: 147, onBusy: true }, TypeError, "onBusy must be a function, got boolean"],
];

test("call and request: options that can't be; nothing is sent then", async () => {
  await afterwards(async (client) => {
    for (const [options, kind, message] of calls) {
      assertThrows(() => client.call(options as never), kind, message);
      await assertRejects(() => client.request(options as never), kind, message);
    }
    await assertRejects(
      () => client.request({ to, service: 147, body: "x" as never }),
      TypeError,
      "body must be a Uint8",
    );
    await assertRejects(() => client.version(to, null as never), TypeError, "options must be an object, got null");
    assertEquals([client.stats.sent, client.snapshot().waitingCalls, client.snapshot().bundles], [0, 0, []]);
  });
});

test("call: a tag may be anything", async () => {
  await afterwards((client) => {
    for (const tag of [undefined, null, Symbol("tag"), () => {}, 5n]) {
      const call = client.call({ to, service: 147, tag });
      assertEquals(call.tag === tag, true);
      call.abort();
    }
  });
});

const opens: readonly Wrong[] = [
  [null, TypeError, "options must be an object, got null"],
  [{ to: 5 }, TypeError, "to must be { address, port } or a text"],
  [{ to: { address: "127.0.0.1" } }, TypeError, "port must be a number, got undefined"],
  [{ random: 5 }, TypeError, "random must be a function, got number"],
  [{ clock: 5 }, TypeError, "clock must be an object, got number"],
  [{ wallMs: 5 }, TypeError, "wallMs must be a function, got number"],
  [{ version: 5 }, TypeError, "version must be a text, got number"],
  [{ reachCheck: true }, RangeError, "reachCheck must be one of always, never, remote, got true"],
  [{ answersDebug: true }, TypeError, "answersDebug must be a function, got boolean"],
  [{ deadMs: "5" }, TypeError, "deadMs must be a number, got string"],
  [{ receiveWindow: 256 }, RangeError, "receiveWindow must be at most 255, got 256"],
];

test("open: options that can't be; the socket is closed then, which nobody else may know", async () => {
  for (const [options, kind, message] of opens) {
    const [socket] = sockets();
    await assertRejects(() => RxEndpoint.open(socket, options as RxEndpointOptions), kind, message);
    await socket.closed;
  }
});

test("open: a socket that is none", async () => {
  for (const socket of [undefined, null, {}, 5, Promise.resolve("socket")]) {
    await assertRejects(() => RxEndpoint.open(socket as never), TypeError, "socket must be a datagram socket, got ");
  }
  const failed = await RxEndpoint.open(Promise.reject(new Error("no port"))).catch((why) => why);
  assert(failed instanceof Error && failed.message === "no port");
});

test("rxkadServer: options that are none are refused at once, not when a client comes", () => {
  const keys = () => [];
  const wrong: readonly Wrong[] = [
    [undefined, TypeError, "options must be an object, got undefined"],
    [{}, TypeError, "keys must be a function, got undefined"],
    [{ keys: [] }, TypeError, "keys must be a function, got object"],
    [{ keys, random: 5 }, TypeError, "random must be a function, got number"],
    [{ keys, minLevel: 3 }, RangeError, "minLevel must be 0, 1 or 2, got 3"],
  ];
  for (const [options, kind, message] of wrong) {
    assertThrows(() => rxkadServer(options as RxkadServerOptions), kind, message);
  }
  rxkadServer({ keys });
});
