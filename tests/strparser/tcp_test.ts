/** The parser that reads a socket itself, over this runtime's TCP: pauses, the end, and a takeover by the application. */
import { assertEquals } from "@std/assert";
import process from "node:process";
import { test } from "node:test";
import { StreamParserSocket } from "../../src/strparser/mod.ts";
import type { AnySocketAddress, ConnectOptions, ListenOptions } from "../../src/tsocket/option_types.ts";
import type { TListener, TStream } from "../../src/tsocket/types.ts";
import { join, L2, M, parserOf, seeded } from "./support.ts";

interface Sockets {
  connect(to: AnySocketAddress, options?: ConnectOptions): TStream;
  listen(on: AnySocketAddress, options?: ListenOptions): TListener;
}

const { deno, bun } = process.versions as Record<string, string | undefined>;
const runtime = deno !== undefined ? "deno" : bun !== undefined ? "bun" : "node";
const sockets: Sockets = await import(`../../src/tsocket/drivers/${runtime}/mod.ts`);

async function overTcp(body: (client: TStream, server: TStream) => Promise<void>): Promise<void> {
  const listener = sockets.listen("127.0.0.1:0");
  const client = sockets.connect((await listener.opened).localAddress);
  const server = await listener.accept();
  try {
    await body(client, server);
  } finally {
    await Promise.all([client.close(), server.close(), listener.close()]);
  }
}

test("TCP: ten thousand messages, the reader pausing now and then, all in order", async () => {
  const random = seeded(5);
  const sizes = Array.from({ length: 10_000 }, () => Math.floor(random() ** 4 * 5000));
  await overTcp(async (client, server) => {
    let count = 0;
    const parser = new StreamParserSocket(server, { parser: L2 }, {
      receiveMessage(message) {
        assertEquals(message.length, sizes[count]! + 2);
        if (message.length > 2) assertEquals(message[2], count & 0xff);
        if (++count % 100 !== 0) return;
        parser.pause();
        Promise.resolve().then(() => parser.unpause());
      },
    });
    for (let i = 0; i < sizes.length; i += 50) {
      await client.writev(sizes.slice(i, i + 50).map((size, k) => M(size, i + k)));
    }
    await client.shutdown();
    await parser.ended;
    assertEquals([count, parser.stats.messages, parser.bytesHeld], [10_000, 10_000, 0]);
  });
});
test("TCP: handed over in mid-stream, the application goes on where the parser stopped", async () => {
  const untilFf = parserOf((b) =>
    b[0] === 0xff ? { code: "ESTRPIPE", reason: "upgrade" } : b.length < 2 ? 0 : 2 + b[1]!
  );
  await overTcp(async (client, server) => {
    const messages: Uint8Array[] = [];
    const parser = new StreamParserSocket(server, { parser: untilFf }, {
      receiveMessage: (message) => messages.push(message),
    });
    const other = Uint8Array.from({ length: 100_000 }, (_, i) => i % 251);
    other[0] = 0xff;
    const written = client.writev([M(3), M(7), other]);
    assertEquals(await parser.ended.catch((error) => error.code), "ESTRPIPE");
    const first = await parser.takeover();
    const rest = new Uint8Array(other.length - first.length);
    if (rest.length > 0) await server.readv([rest]);
    await written;
    assertEquals([messages, join(first, rest)], [[M(3), M(7)], other]);
    await server.writev([M(1)]);
    const answer = new Uint8Array(3);
    await client.readv([answer]);
    assertEquals(answer, M(1));
  });
});
