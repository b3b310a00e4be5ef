/** What an endpoint takes from its callers and tells them: destinations, signals, its end, what it holds. */
import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { type RxCallStream, RxEndpoint, type RxEndpointOptions, RxrpcError } from "../../src/rxrpc/mod.ts";
import { dgramPair, InetAddress, MemoryNetwork, SocketError, type TDgram } from "../../src/tsocket/mod.ts";
import { dgramWith } from "../../src/tsocket/open.ts";
import { pattern } from "./world.ts";

const to = InetAddress.parse("127.0.0.1:7000");

async function pair(options: RxEndpointOptions = {}): Promise<[RxEndpoint, RxEndpoint, TDgram]> {
  const [left, right] = dgramPair({ addresses: [InetAddress.parse("127.0.0.1:7001"), to] });
  return [await RxEndpoint.open(left, options), await RxEndpoint.open(right), left];
}

/** The same over sockets that reach others, too. */
async function unconnected(options: RxEndpointOptions = {}): Promise<[RxEndpoint, RxEndpoint]> {
  const network = new MemoryNetwork();
  const localAddress = InetAddress.parse("127.0.0.1:7001");
  return [
    await RxEndpoint.open(dgramWith(network, { localAddress }), options),
    await RxEndpoint.open(dgramWith(network, { localAddress: to })),
  ];
}

async function echo(server: RxEndpoint): Promise<void> {
  for await (const call of server.listen({ services: [147] })) {
    call.bytes().then((request) => call.end(request)).catch(() => {});
  }
}

const body = Uint8Array.of(1, 2, 3);

test("4.1: whom a call is for: an address, its parts, a text; the endpoint's usual one when nothing is said", async () => {
  const [client, server] = await unconnected({ to: "127.0.0.1:7000" });
  const serving = echo(server);
  const destinations = [to, { address: "127.0.0.1", port: 7000 }, "127.0.0.1:7000", undefined];
  for (const one of destinations) {
    assertEquals(await client.request({ to: one, service: 147, body }), body);
    assertEquals(await client.version(one), "leat");
  }
  // one that is named wins over the usual one
  const call = client.call({ to: "127.0.0.1:7007", service: 147 });
  assertEquals(call.remote.port, 7007);
  call.abort();
  await Promise.all([client.close(), server.close()]);
  await serving;
});

test("4.1: over a connected socket the usual one is its peer", async () => {
  const network = new MemoryNetwork();
  const server = await RxEndpoint.open(dgramWith(network, { localAddress: to }));
  const client = await RxEndpoint.open(dgramWith(network, { remoteAddress: to }));
  const serving = echo(server);
  assertEquals(await client.request({ service: 147, body }), body);
  await Promise.all([client.close(), server.close()]);
  await serving;
});

test("destinations that are none are refused at once, each by what it is", async () => {
  const [client, server] = await pair();
  const stage = new RxEndpoint();
  const none = assertThrows(() => stage.call({ service: 147 }), RxrpcError);
  assertEquals((await assertRejects(() => stage.version(), RxrpcError)).code, "EDESTADDRREQ");
  assertEquals([none.code, none.blame], ["EDESTADDRREQ", "local"]);
  for (const text of ["localhost:7000", "", "127.0.0.1:70000"]) {
    assertEquals(assertThrows(() => client.call({ to: text, service: 147 }), SocketError).code, "EINVAL", text);
  }
  for (
    const [wrong, name] of [[5, "number"], [null, "null"], [{ hostname: "localhost", port: 1 }, "object"]] as const
  ) {
    assertThrows(() => client.call({ to: wrong as never, service: 147 }), TypeError, `got ${name}`);
    await assertRejects(() => client.version(wrong as never), TypeError, `got ${name}`);
    await assertRejects(() => client.debug(wrong as never).stats(), TypeError, `got ${name}`);
  }
  assertThrows(() => client.call({ to: "127.0.0.1", service: 147 }), RangeError, "to must have a port");
  assertThrows(() => new RxEndpoint({ to: "localhost:1" }), SocketError);
  assertEquals(client.snapshot().connections, []);
  await Promise.all([client.close(), server.close()]);
});

test("a socket for an endpoint with a wrong option is closed, whether it is there already or comes or fails", async () => {
  const wrong = { to: "localhost:7000" };
  const [left, right] = dgramPair({ addresses: [InetAddress.parse("127.0.0.1:7001"), to] });
  assertEquals((await assertRejects(() => RxEndpoint.open(left, wrong), SocketError)).code, "EINVAL");
  await left.closed;
  let come = (_: TDgram): void => {};
  const coming = new Promise<TDgram>((resolve) => come = resolve);
  await assertRejects(() => RxEndpoint.open(coming, { maxHeldBytes: -1 }), RangeError);
  come(right);
  await right.closed;
  const failed = Promise.reject(new Error("the socket could not be opened"));
  await assertRejects(() => RxEndpoint.open(failed, wrong), SocketError);
  await assertRejects(() => RxEndpoint.open(failed), Error, "the socket could not be opened");
});

test("signals that are none are refused at once", async () => {
  const [client, server] = await pair();
  for (const [wrong, name] of [[5, "number"], [null, "null"], [{}, "object"]] as const) {
    const signal = wrong as never;
    assertThrows(() => client.call({ to, service: 147, signal }), TypeError, `must be an AbortSignal, got ${name}`);
    await assertRejects(() => client.version(to, { signal }), TypeError, "must be an AbortSignal");
    await assertRejects(() => client.debug(to, { signal }).stats(), TypeError, "must be an AbortSignal");
  }
  assertEquals(client.stats.clientCalls, 0);
  await Promise.all([client.close(), server.close()]);
});

test("closed: resolves once the endpoint is closed, and its calls are over by then", async () => {
  const [client, server] = await pair();
  let isClosed = false;
  const closed = client.closed.then(() => isClosed = true);
  const call = client.call({ to, service: 147 });
  await call.write(body);
  assertEquals(isClosed, false);
  await client.close();
  await closed;
  assertEquals((await assertRejects(() => call.closed, RxrpcError)).code, "ESHUTDOWN");
  await server.close();
  await server.closed;
});

test("closed: rejects with what broke the socket, and calls end; closing is no error then", async () => {
  const [client, server, socket] = await pair();
  const call = client.call({ to, service: 147 });
  const reason = await (async () => {
    await socket.close();
    return await assertRejects(() => client.closed, SocketError);
  })();
  assertEquals(typeof reason.code, "string");
  assertEquals((await assertRejects(() => call.closed, RxrpcError)).code, "ESHUTDOWN");
  await Promise.all([client.close(), server.close()]);
});

test("closed: of a stage, resolves at its end, rejects with the reason that its datagrams were aborted with", async () => {
  const ended = new RxEndpoint();
  await ended.writable.close();
  await ended.closed;
  const aborted = new RxEndpoint();
  const reason = new Error("the tunnel is gone");
  await aborted.writable.abort(reason);
  assertStrictEquals(await assertRejects(() => aborted.closed), reason);
  const cancelled = new RxEndpoint();
  await cancelled.readable.cancel(reason);
  await cancelled.closed;
});

test("closed: nobody has to handle it", async () => {
  const [client, server, socket] = await pair();
  await socket.close();
  await client.close();
  await server.close();
});

test("questions that wait when the endpoint is closed fail with that, not with a timeout", async () => {
  const [client, server] = await unconnected();
  const silent = "127.0.0.1:7777";
  const asked = [client.version(silent), client.debug(silent).stats()];
  const failures = asked.map((one) => assertRejects(() => one, RxrpcError));
  await client.close();
  for (const error of await Promise.all(failures)) assertEquals([error.code, error.blame], ["ESHUTDOWN", "local"]);
  await server.close();
});

test("197: a server's call has a tag, too: whatever whoever accepts it gives it", async () => {
  const [client, server] = await pair();
  const listener = server.listen({ services: [147] });
  const reply = client.request({ to, service: 147, body });
  const call = (await listener.accept())!;
  assertEquals(call.tag, undefined);
  call.tag = "first";
  const tags: unknown[] = [];
  const handle = async (one: RxCallStream): Promise<void> => {
    tags.push(one.tag);
    await one.end(await one.bytes());
  };
  await handle(call);
  assertEquals([await reply, tags], [body, ["first"]]);
  await Promise.all([client.close(), server.close()]);
});

test("201: opened tells connection, channel and number; a snapshot, which connections belong together", async () => {
  const [client, server] = await pair();
  const calls = Array.from({ length: 6 }, () => client.call({ to, service: 147 }));
  const exclusive = client.call({ to, service: 147, isExclusive: true });
  for (const call of [...calls, exclusive]) call.closed.catch(() => {});
  const places = await Promise.all(calls.map(({ opened }) => opened));
  assertEquals(places.map(({ channel }) => channel), [0, 1, 2, 3, 0, 1]);
  assert(places.every(({ cid, channel, callNumber }) => (cid & 3) === channel && callNumber === 1));
  const { bundles, connections, waitingCalls } = client.snapshot();
  assertEquals(bundles.map(({ cids, waitingCalls: waiting }) => [cids.length, waiting]), [[2, 0], [1, 0]]);
  assertEquals([bundles.flatMap(({ cids }) => cids).length, waitingCalls], [connections.length, 0]);
  await Promise.all([client.close(), server.close()]);
});

test("a socket that is wrapped may send datagrams long after it has said so: they stay what they were", async () => {
  const [left, right] = dgramPair({ addresses: [InetAddress.parse("127.0.0.1:7001"), to] });
  const sendMany = left.sendMany.bind(left);
  left.sendMany = async (datagrams) => {
    (async () => {
      for (let turn = 0; turn < 200; turn++) await undefined;
      await sendMany(datagrams);
    })().catch(() => {});
    return await Promise.resolve(datagrams.length);
  };
  const [client, server] = [await RxEndpoint.open(left), await RxEndpoint.open(right)];
  const listener = server.listen({ services: [147] });
  const serving = (async () => {
    for await (const call of listener) call.bytes().then((request) => call.end(request)).catch(() => {});
  })();
  await Promise.all(Array.from({ length: 32 }, async (_, seed) => {
    const body = pattern(20_000 + seed, seed);
    const reply = await client.request({ to, service: 147, body });
    assert(reply.length === body.length && reply.every((byte, at) => byte === body[at]), `reply ${seed}`);
  }));
  await Promise.all([client.close(), server.close()]);
  await serving;
});
