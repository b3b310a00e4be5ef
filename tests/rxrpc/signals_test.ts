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
