/** What an `AbortSignal` does to a call, and what the network's reports do through a socket. */
import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { test } from "node:test";
import { type RxCallStream, RxEndpoint, RxrpcError } from "../../src/rxrpc/mod.ts";
import { dgramPair } from "../../src/tsocket/drivers/memory/pairs.ts";
import { InetAddress } from "../../src/tsocket/inet_address.ts";

const to = InetAddress.parse("192.0.2.1:7000");

async function ends(): Promise<{ client: RxEndpoint; server: RxEndpoint }> {
  const [left, right] = dgramPair({ addresses: [InetAddress.parse("192.0.2.2:7001"), to] });
  return { client: await RxEndpoint.open(left), server: await RxEndpoint.open(right, { reachCheck: "never" }) };
}

test("76: a signal that counts always: the server is told -6, the caller its reason", async () => {
  const { client, server } = await ends();
  const listener = server.listen({ services: [147] });
  const reason = new Error("no longer wanted");
  const control = new AbortController();
  const call = client.call({ to, service: 147, signal: control.signal });
  await call.write(new Uint8Array(5000));
  const incoming = (await listener.accept())!;
  control.abort(reason);
  assertStrictEquals(await assertRejects(() => call.closed), reason);
  assertEquals((await assertRejects(() => incoming.closed, RxrpcError)).abortCode, -6);
  await Promise.all([client.close(), server.close()]);
});

test("76: a signal that counts in the queue: a call that waits is dropped, one that runs goes on", async () => {
  const { client, server } = await ends();
  const listener = server.listen({ services: [147] });
  const make = (): { call: RxCallStream; control: AbortController } => {
    const control = new AbortController();
    const call = client.call({ to, service: 147, signal: control.signal, signalPhase: "queue" });
    call.closed.catch(() => {});
    return { call, control };
  };
  const calls = Array.from({ length: 17 }, make);
  const [first, waiting] = [calls[0]!, calls[16]!];
  await first.call.opened;
  const reason = new Error("too late");
  first.control.abort(reason);
  waiting.control.abort(reason);
  assertStrictEquals(await assertRejects(() => waiting.call.closed), reason);
  const reply = first.call.bytes();
  await first.call.write(Uint8Array.of(7));
  await first.call.end();
  const incoming = (await listener.accept())!;
  await incoming.write(await incoming.bytes());
  await incoming.end();
  assertEquals(await reply, Uint8Array.of(7));
  assertEquals(client.stats.clientCalls, 17);
  await Promise.all([client.close(), server.close()]);
});

test("3.13: nobody listens there: the call ends when the socket hears of it, the endpoint lives", async () => {
  const { client, server } = await ends();
  await server.close();
  const error = await assertRejects(() => client.request({ to, service: 147, body: new Uint8Array(1) }), RxrpcError);
  assertEquals([error.code, error.blame], ["ECONNREFUSED", "remote"]);
  const again = client.call({ to, service: 147 });
  again.closed.catch(() => {});
  assertEquals(again.service, 147);
  await client.close();
});

test("3.13: networkFailed: what somebody else was told ends calls and questions to there, and to nowhere else", async () => {
  const endpoint = new RxEndpoint();
  const elsewhere = InetAddress.parse("192.0.2.9:7000");
  const closed: string[] = [];
  const call = (address: InetAddress): RxCallStream => {
    const made = endpoint.call({ to: address, service: 147 });
    made.closed.catch((error: RxrpcError) => closed.push(`${address.address} ${error.code} ${error.blame}`));
    made.end(Uint8Array.of(1)).catch(() => {});
    return made;
  };
  const [here] = [call(to), call(elsewhere)];
  const version = endpoint.version(to);
  const reader = endpoint.readable.getReader();
  for (let i = 0; i < 3; i++) await reader.read();
  // there was no room for something: that is no news of the other end
  endpoint.networkFailed({ code: "ENOBUFS", to });
  endpoint.networkFailed({ code: "ECONNREFUSED", to });
  assertEquals((await assertRejects(() => here.closed, RxrpcError)).code, "ECONNREFUSED");
  assertEquals((await assertRejects(() => version, RxrpcError)).code, "ECONNREFUSED");
  assertEquals(closed, ["192.0.2.1 ECONNREFUSED remote"]);
  reader.releaseLock();
  await endpoint.close();
  endpoint.networkFailed({ code: "ECONNREFUSED", to: elsewhere });
  assertEquals(closed, ["192.0.2.1 ECONNREFUSED remote", "192.0.2.9 ESHUTDOWN local"]);
});

test("3.13: networkFailed: a server that was heard is believed to be gone at the second report in a row", async () => {
  const { client, server } = await ends();
  const listener = server.listen({ services: [147] });
  const reply = client.request({ to, service: 147, body: new Uint8Array(1) });
  await (await listener.accept())!.end();
  await reply;
  const call = client.call({ to, service: 147 });
  await call.write(new Uint8Array(3000));
  let error: unknown;
  call.closed.catch((why: unknown) => error = why);
  // the server has what was written, and has said so
  await (await listener.accept())!.readable.getReader().read();
  client.networkFailed({ code: "EHOSTUNREACH", to });
  await Promise.resolve();
  assertEquals(error, undefined);
  client.networkFailed({ code: "EHOSTUNREACH", to });
  assertEquals((await assertRejects(() => call.closed, RxrpcError)).code, "EHOSTUNREACH");
  await Promise.all([client.close(), server.close()]);
});

for (const how of ["writer", "pipe", "close"] as const) {
  test(`193: an abort does not wait for a write that waits: ${how}`, async () => {
    const { client, server } = await ends();
    const listener = server.listen({ services: [147] });
    const control = new AbortController();
    // a pipe tells its end of an abort only once that has taken what was written
    const call = client.call({ to, service: 147, ...how === "pipe" && { signal: control.signal } });
    const reason = new Error("enough");
    // more than the window holds: nobody reads it
    const large = new Uint8Array(5_000_000);
    let over: Promise<unknown>[];
    let abort: () => void;
    if (how === "pipe") {
      const source = new ReadableStream<Uint8Array>({ start: (controller) => controller.enqueue(large) });
      over = [assertRejects(() => source.pipeTo(call.writable, { signal: control.signal }))];
      abort = () => control.abort(reason);
    } else {
      const writer = call.writable.getWriter();
      over = [assertRejects(() => writer.write(large)), assertRejects(() => writer.closed)];
      if (how === "close") over.push(assertRejects(() => writer.close()));
      abort = () => over.push(writer.abort(reason).then(() => reason));
    }
    const incoming = (await listener.accept())!;
    abort();
    assertStrictEquals(await assertRejects(() => call.closed), reason);
    assertEquals((await Promise.all(over)).every((why) => why === reason), true);
    assertEquals((await assertRejects(() => incoming.closed, RxrpcError)).abortCode, -6);
    await Promise.all([client.close(), server.close()]);
  });
}

test("193: a writer that aborts between writes ends the call with its reason, and the abort itself is none", async () => {
  const { client, server } = await ends();
  const call = client.call({ to, service: 147 });
  const reason = new Error("enough");
  const writer = call.writable.getWriter();
  writer.closed.catch(() => {});
  await writer.write(new Uint8Array(1));
  await writer.abort(reason);
  assertStrictEquals(await assertRejects(() => call.closed), reason);
  await Promise.all([client.close(), server.close()]);
});

test("193: without a reason a call that nobody wants fails with its abort, and so does what waits to be written", async () => {
  const { client, server } = await ends();
  const listener = server.listen({ services: [147] });
  const call = client.call({ to, service: 147 });
  await call.write(new Uint8Array(5000));
  const incoming = (await listener.accept())!;
  const waiting = incoming.write(new Uint8Array(3));
  for await (const _ of incoming.readable) break;
  for (const one of [waiting, incoming.closed]) {
    assertEquals((await assertRejects(() => one, RxrpcError)).abortCode, -6);
  }
  const other = client.call({ to, service: 147 });
  await other.writable.abort();
  assertEquals((await assertRejects(() => other.closed, RxrpcError)).abortCode, -6);
  await Promise.all([client.close(), server.close()]);
});
