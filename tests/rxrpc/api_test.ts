/** Endpoints, calls and listeners as streams, over sockets in memory. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { test } from "node:test";
import { RxEndpoint, type RxEndpointOptions, RxrpcError } from "../../src/rxrpc/mod.ts";
import { dgramPair, InetAddress } from "../../src/tsocket/mod.ts";

const to = InetAddress.parse("127.0.0.1:7000");

async function pair(options: RxEndpointOptions = {}): Promise<[RxEndpoint, RxEndpoint]> {
  const [left, right] = dgramPair({ addresses: [InetAddress.parse("127.0.0.1:7001"), to] });
  return [await RxEndpoint.open(left), await RxEndpoint.open(right, options)];
}

async function closeAll(endpoints: readonly RxEndpoint[]): Promise<void> {
  await Promise.all(endpoints.map((endpoint) => endpoint.close()));
}

/** Answers every call with what it asked. */
async function echo(server: RxEndpoint): Promise<void> {
  for await (const call of server.listen({ services: [147], backlog: 1000 })) {
    call.bytes().then((request) => call.end(request)).catch(() => {});
  }
}

for (const how of ["cancel", "abort", "signal"] as const) {
  test(`193: ${how} ends both sides once, with the reason here and -6 there`, async () => {
    const ends = await pair();
    const listener = ends[1].listen({ services: [147] });
    const reason = new Error("enough");
    const controller = new AbortController();
    const call = ends[0].call({ to, service: 147, signal: controller.signal });
    await call.write(new Uint8Array(3000));
    const served = (await listener.accept())!;
    if (how === "cancel") await call.readable.cancel(reason);
    else if (how === "abort") await call.writable.abort(reason);
    else controller.abort(reason);
    assertEquals(await call.closed.catch((why) => why), reason);
    const there = await assertRejects(() => served.closed, RxrpcError);
    assertEquals([there.code, there.blame, there.abortCode], ["ECONNABORTED", "remote", -6]);
    await closeAll(ends);
  });
}

test("194, 195: a reader that does not read holds the writer up, and lets it go on", async () => {
  const ends = await pair();
  const listener = ends[1].listen({ services: [147] });
  const call = ends[0].call({ to, service: 147 });
  let written = 0;
  const writing = (async () => {
    for (; written < 200; written++) await call.write(new Uint8Array(14_120));
    await call.end();
  })();
  const served = (await listener.accept())!;
  for (let before = -1; before !== written;) {
    before = written;
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
  assert(written < 80, `${written} of 200 writes went through`);
  let bytes = 0;
  for await (const chunk of served.readable) bytes += chunk.length;
  await writing;
  assertEquals(bytes, 200 * 14_120);
  await closeAll(ends);
});

test("195: a writer is not ready while the window is full, and is once the other end has read", async () => {
  const ends = await pair();
  const listener = ends[1].listen({ services: [147] });
  const call = ends[0].call({ to, service: 147 });
  const writer = call.writable.getWriter();
  const writes = Array.from({ length: 20 }, () => writer.write(new Uint8Array(100_000)));
  let isReady = false;
  const whenReady = writer.ready.then(() => isReady = true);
  const served = (await listener.accept())!;
  assert(!isReady && writer.desiredSize! <= 0, `${writer.desiredSize} bytes of room`);
  let bytes = 0;
  const reading = (async () => {
    for await (const chunk of served.readable) bytes += chunk.length;
  })();
  await whenReady;
  await Promise.all(writes);
  await writer.close();
  await reading;
  assertEquals(bytes, 2_000_000);
  await closeAll(ends);
});

test("196, 197: closed says that the ends are done; what was not read by then still is there, then the end", async () => {
  const ends = await pair();
  const serving = echo(ends[1]);
  const tag = {};
  const call = ends[0].call({ to, service: 147, tag });
  await call.write(Uint8Array.of(1));
  await call.end();
  await call.closed;
  const chunks: number[] = [];
  for await (const chunk of call.readable) chunks.push(chunk.length);
  assertEquals([chunks, call.tag === tag], [[1], true]);
  await closeAll(ends);
  await serving;
});

test("196: of a call that failed, what was not read is lost", async () => {
  const ends = await pair();
  const listener = ends[1].listen({ services: [147] });
  const call = ends[0].call({ to, service: 147 });
  await call.end();
  const served = (await listener.accept())!;
  await served.bytes();
  await served.write(new Uint8Array(3000));
  served.flush();
  await new Promise((resolve) => setTimeout(resolve, 20));
  served.abort(42);
  assertEquals((await assertRejects(() => call.closed, RxrpcError)).abortCode, 42);
  assertEquals((await assertRejects(() => call.readable.getReader().read(), RxrpcError)).abortCode, 42);
  await closeAll(ends);
});

test("198: requests with bodies of 0 bytes, 1 byte and 10 MB", async () => {
  const ends = await pair();
  const serving = echo(ends[1]);
  for (const length of [0, 1, 10_000_000]) {
    const body = Uint8Array.from({ length }, (_, at) => at * 7);
    const reply = await ends[0].request({ to, service: 147, body });
    assertEquals(reply.length, length);
    assert(reply.every((byte, at) => byte === body[at]), "the same bytes");
  }
  await closeAll(ends);
  await serving;
});

test("199: a loop that is left takes no more calls; the one that runs ends well, and a drain waits for it", async () => {
  const ends = await pair();
  const listener = ends[1].listen({ services: [147] });
  const reply = ends[0].request({ to, service: 147, body: new Uint8Array(2) });
  for await (const call of listener) {
    setTimeout(() => call.bytes().then((bytes) => call.write(bytes)).then(() => call.end()), 10);
    break;
  }
  const refused = await assertRejects(() => ends[0].request({ to, service: 147, body: new Uint8Array(1) }), RxrpcError);
  assertEquals(refused.abortCode, -2);
  assertEquals((await reply).length, 2);
  await listener.close({ drain: true });
  await closeAll(ends);
});

test("104: refuses: calls are looked at before they are taken: busy, a number, or taken", async () => {
  const ends = await pair();
  const verdicts: ("busy" | number | undefined)[] = ["busy", 5, undefined];
  const seen: unknown[] = [];
  const listener = ends[1].listen({
    services: [147],
    refuses: ({ service, remote }) => {
      seen.push([service, remote.port]);
      return verdicts[seen.length - 1];
    },
  });
  const ask = (failsWhenBusy = true): Promise<Uint8Array> =>
    ends[0].request({ to, service: 147, body: Uint8Array.of(1), failsWhenBusy });
  assertEquals((await assertRejects(() => ask(), RxrpcError)).code, "EBUSY");
  assertEquals((await assertRejects(() => ask(), RxrpcError)).abortCode, 5);
  const reply = ask();
  await (await listener.accept())!.end(Uint8Array.of(2));
  assertEquals([await reply, seen], [Uint8Array.of(2), [[147, 7001], [147, 7001], [147, 7001]]]);
  await closeAll(ends);
});

test("what refuses throws closes the listener and comes out of accept, and the endpoint goes on", async () => {
  const ends = await pair();
  const broken = ends[1].listen({
    services: [147],
    refuses: () => {
      throw new Error("no list of clients");
    },
  });
  const accepting = assertRejects(() => broken.accept(), Error, "no list of clients");
  const ask = (): Promise<Uint8Array> => ends[0].request({ to, service: 147, body: Uint8Array.of(1) });
  assertEquals((await assertRejects(ask, RxrpcError)).abortCode, -2);
  await accepting;
  await assertRejects(() => broken.accept(), Error, "no list of clients");
  const listener = ends[1].listen({ services: [147] });
  const reply = ask();
  await (await listener.accept())!.end(Uint8Array.of(2));
  assertEquals(await reply, Uint8Array.of(2));
  await closeAll(ends);
});

test("104: a call that refuses aborts is not taken, and nothing waits for its end", async () => {
  const ends = await pair();
  let count = 0;
  const listener = ends[1].listen({ services: [147], refuses: (call) => void (++count === 1 && call.abort(5, 0)) });
  const ask = (): Promise<Uint8Array> => ends[0].request({ to, service: 147, body: Uint8Array.of(1) });
  assertEquals((await assertRejects(ask, RxrpcError)).abortCode, 5);
  const reply = ask();
  await (await listener.accept())!.end(Uint8Array.of(2));
  assertEquals(await reply, Uint8Array.of(2));
  await listener.close({ drain: true });
  await closeAll(ends);
});

test("callbacks that are none are refused at once, and the endpoint goes on", async () => {
  const ends = await pair();
  const bad = 1 as never;
  assertThrows(() => ends[1].listen({ services: [147], refuses: bad }), TypeError, "refuses must be a function");
  assertThrows(() => ends[0].call({ to, service: 147, onBusy: bad }), TypeError, "onBusy must be a function");
  const serving = echo(ends[1]);
  assertEquals(await ends[0].request({ to, service: 147, body: Uint8Array.of(1) }), Uint8Array.of(1));
  await closeAll(ends);
  await serving;
});

test("3.12: onBusy: a call that goes on trying is told that the server is busy, and is served in the end", async () => {
  const ends = await pair();
  let refusals = 0;
  const listener = ends[1].listen({ services: [147], refuses: () => refusals++ === 0 ? "busy" : undefined });
  let busy = 0;
  const reply = ends[0].request({ to, service: 147, body: Uint8Array.of(1), onBusy: () => busy++ });
  await (await listener.accept())!.end(Uint8Array.of(2));
  assertEquals([await reply, busy], [Uint8Array.of(2), 1]);
  await closeAll(ends);
});

test("what onBusy throws ends its call", async () => {
  const ends = await pair();
  ends[1].listen({ services: [147], refuses: () => "busy" });
  const onBusy = (): never => {
    throw new Error("no patience");
  };
  const ask = ends[0].request({ to, service: 147, body: Uint8Array.of(1), onBusy });
  await assertRejects(() => ask, Error, "no patience");
  await closeAll(ends);
});

test("refuses that says what it may not closes the listener", async () => {
  const ends = await pair();
  for (const said of ["later", NaN, 1.5, true] as unknown as number[]) {
    const listener = ends[1].listen({ services: [147], refuses: () => said });
    const asked = ends[0].request({ to, service: 147, body: Uint8Array.of(1) });
    await assertRejects(() => listener.accept(), TypeError, `not ${said}`);
    assertEquals((await assertRejects(() => asked, RxrpcError)).abortCode, -2);
  }
  await closeAll(ends);
});

test("backlog: calls that ended before somebody asked for them take no room, and are not given out", async () => {
  const ends = await pair();
  const listener = ends[1].listen({ services: [147], backlog: 2 });
  for (let i = 0; i < 3; i++) {
    const call = ends[0].call({ to, service: 147 });
    await call.write(Uint8Array.of(i));
    call.flush();
    // what was sent before has come
    await ends[0].version(to);
    assertEquals(ends[1].stats.serviceCalls, i + 1);
    call.abort();
    await ends[0].version(to);
  }
  const reply = ends[0].request({ to, service: 147, body: Uint8Array.of(9), failsWhenBusy: true });
  const served = (await listener.accept())!;
  await served.end(await served.bytes());
  assertEquals(await reply, Uint8Array.of(9));
  await closeAll(ends);
});

test("listen: a service that is offered, or can't be, also as what one is upgraded to: nothing is offered", async () => {
  const ends = await pair();
  const listener = ends[1].listen({ services: [5, { id: 6, upgradeTo: 7 }] });
  for (const one of [5, 7, { id: 1, upgradeTo: 5 }, { id: 1, upgradeTo: 7 }]) {
    assertThrows(() => ends[1].listen({ services: [2, one] }), RangeError, "is offered already");
  }
  for (const wrong of [70_000, 0, 1.5]) {
    assertThrows(() => ends[1].listen({ services: [1, wrong] }), RangeError, "service must be an integer");
    const services = [1, { id: 2, upgradeTo: wrong }];
    assertThrows(() => ends[1].listen({ services }), RangeError, "upgradeTo must be an integer");
  }
  assertThrows(() => ends[1].listen({ services: [1, "2" as never] }), TypeError);
  assertThrows(() => ends[1].listen({ services: [1, { id: 2, upgradeTo: "3" as never }] }), TypeError);
  const ask = (service: number): Promise<Uint8Array> => ends[0].request({ to, service, body: Uint8Array.of(service) });
  for (const service of [1, 2]) assertEquals((await assertRejects(() => ask(service), RxrpcError)).abortCode, -2);
  assertEquals(ends[1].snapshot().connections, []);
  const reply = ask(5);
  await (await listener.accept())!.end(Uint8Array.of(50));
  assertEquals(await reply, Uint8Array.of(50));
  await closeAll(ends);
});

test("200: closing an endpoint aborts its calls with -1, and everything that waits is told", async () => {
  const ends = await pair();
  const listener = ends[1].listen({ services: [147] });
  const call = ends[0].call({ to, service: 147 });
  await call.write(new Uint8Array(3000));
  const served = (await listener.accept())!;
  const waiting = [listener.accept(), listener.accept()];
  await ends[1].close();
  assertEquals(await Promise.all(waiting), [undefined, undefined]);
  assertEquals((await assertRejects(() => served.closed, RxrpcError)).code, "ESHUTDOWN");
  assertEquals((await assertRejects(() => call.closed, RxrpcError)).abortCode, -1);
  await ends[0].close();
  await assertRejects(() => ends[0].request({ to, service: 147, body: new Uint8Array(1) }), RxrpcError, "closed");
});

test("200: a client that is closed as soon as it has its reply still acknowledges it", async () => {
  const ends = await pair();
  const listener = ends[1].listen({ services: [147] });
  const reply = ends[0].request({ to, service: 147, body: new Uint8Array(8) });
  const served = (await listener.accept())!;
  await served.bytes();
  await served.write(new Uint8Array(3000));
  await served.end();
  await reply;
  await ends[0].close();
  const startedAt = performance.now();
  await served.closed;
  // without, it would wait for as long as half the time of silence
  assert(performance.now() - startedAt < 1000);
  await closeAll(ends);
});

test("201: a snapshot stays as it was", async () => {
  const ends = await pair();
  const serving = echo(ends[1]);
  const before = ends[0].snapshot();
  await ends[0].request({ to, service: 147, body: new Uint8Array(1) });
  const { connections, stats } = ends[0].snapshot();
  assertEquals([before.connections.length, before.stats.clientCalls], [0, 0]);
  assertEquals([connections.length, connections[0]?.channels[0]?.callNumber, stats.clientCalls], [1, 1, 1]);
  await closeAll(ends);
  await serving;
});

test("180: DEBUG is answered to whom it may be, record by record", async () => {
  const ends = await pair({ answersDebug: ({ address }) => address === "127.0.0.1" });
  const serving = echo(ends[1]);
  await ends[0].request({ to, service: 147, body: new Uint8Array(1) });
  const debug = ends[0].debug(to);
  assertEquals((await debug.stats()).callsExecuted, 1);
  const all = [];
  for await (const connection of debug.connections({ all: true })) all.push(connection);
  assertEquals([all.length, all[0]?.address, all[0]?.port, all[0]?.isServer], [1, "127.0.0.1", 7001, true]);
  await closeAll(ends);
  await serving;
});

test("180: nobody is told anything unless the endpoint was made so; whoever asks can stop waiting", async () => {
  const ends = await pair();
  const controller = new AbortController();
  const stats = ends[0].debug(to, { signal: controller.signal }).stats().catch((why) => why);
  assertEquals(await ends[0].version(to), "leat");
  controller.abort("enough");
  assertEquals([await stats, ends[1].drops.get("DEBUG")], ["enough", 1]);
  await closeAll(ends);
});
