/** Endpoints over the runtime's own UDP sockets. */
import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { RxEndpoint } from "../../src/rxrpc/mod.ts";
import type { DgramOptions, TDgram } from "../../src/tsocket/mod.ts";
import { InetAddress } from "../../src/tsocket/mod.ts";
import { pattern } from "./world.ts";

async function sockets(): Promise<{ dgram(options?: DgramOptions): TDgram }> {
  if ("Deno" in globalThis) return await import("../../src/tsocket/drivers/deno/mod.ts");
  if ("Bun" in globalThis) return await import("../../src/tsocket/drivers/bun/mod.ts");
  return await import("../../src/tsocket/drivers/node/mod.ts");
}

for (const host of ["127.0.0.1", "::1"]) {
  test(`202: calls over UDP at ${host}: small ones one after the other, many at a time, a large one`, async () => {
    const { dgram } = await sockets();
    const open = (): Promise<RxEndpoint> => RxEndpoint.open(dgram({ localAddress: InetAddress.from(host, 0) }));
    const [client, server] = [await open(), await open()];
    const listener = server.listen({ services: [147] });
    const serving = (async () => {
      for await (const call of listener) call.bytes().then((request) => call.end(request)).catch(() => {});
    })();
    const to = { address: host, port: server.localAddress!.port };
    const echo = async (body: Uint8Array): Promise<void> =>
      assertEquals(await client.request({ to, service: 147, body }), body);
    for (let i = 0; i < 20; i++) await echo(pattern(i, i));
    await Promise.all(Array.from({ length: 16 }, (_, i) => echo(pattern(3000, i))));
    await echo(pattern(100_000));
    assertEquals(client.stats.clientCalls, 37);
    await Promise.all([client.close(), server.close()]);
    await serving;
  });
}
