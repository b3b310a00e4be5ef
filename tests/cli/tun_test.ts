/** `leat tun`: its options, and what peers meet, over two stacks in one process. */
import { test } from "node:test";
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { UsageError } from "../../src/cli/io.ts";
import { runtimeName, runtimeSockets } from "../../src/cli/mux/runtime.ts";
import { parseOptions } from "../../src/cli/options.ts";
import { run } from "../../src/cli/run.ts";
import { stackFor } from "../../src/cli/tun/tun_session.ts";
import { serveDatagrams, serveFlow } from "../../src/cli/tun/services.ts";
import { tunCommandSettings, type TunService } from "../../src/cli/tun/tun_command_settings.ts";
import { TUN_OPTIONS } from "../../src/cli/tun/tun_options.ts";
import { ProxyDoor } from "../../src/cli/tun/proxy_door.ts";
import { L3L4, L3L4Error, type L3L4Request, type L3L4Socket } from "../../src/l3l4/mod.ts";
import { dgramWith, InetAddress, listenWith } from "../../src/tsocket/mod.ts";
import { ManualClock } from "../../src/sim/manual_clock.ts";
import type { TStream } from "../../src/tsocket/types.ts";
import { unhandledRejections } from "../support/unhandled.ts";
import { MemoryIo } from "./support/memory_io.ts";

const settings = (line: string) => tunCommandSettings(parseOptions(line.split(" "), TUN_OPTIONS).values);

test("defaults, and what the options mean", async () => {
  assertEquals(await settings("--echo"), {
    service: { kind: "echo" },
    tun: { name: undefined, address: ["10.99.0.1/24", "fd99::1/64"], mtu: undefined, via: undefined },
    impair: undefined,
    file: undefined,
  });
  const { service, tun, impair, file } = await settings(
    "--proxy 127.0.0.1:80 --name t%d --address 192.0.2.1/24 --mtu 1400 --via socat --write a.pcap --loss 1.5 --delay 20",
  );
  assertEquals(service, { kind: "proxy", to: InetAddress.parse("127.0.0.1:80") });
  assertEquals(tun, { name: "t%d", address: ["192.0.2.1/24"], mtu: 1400, via: "socat" });
  assertEquals([impair, file], [{ loss: 0.015, duplication: 0, reordering: 0, delayMs: 20 }, "a.pcap"]);
});

for (
  const [line, says] of [
    ["--mtu 1500", "one of --echo, --proxy HOST:PORT and --http"],
    ["--echo --http", "one of --echo, --proxy HOST:PORT and --http"],
    ["--proxy nowhere", "--proxy: HOST:PORT is wanted"],
    ["--echo --mtu 60", "--mtu must be a whole number of at least 68"],
    ["--echo --mtu 70000", "--mtu: mtu must be from 68 to 65535"],
    ["--echo --address 192.0.2.1", "--address: an address must have the length of its network"],
    ["--echo --address foo", "--address: "],
    ["--echo --name a/b", "--name: name must be of letters"],
    ["--echo --name abcdefghijklmnopq", "--name: name has at most 15 characters, got 17"],
    ["--echo --loss 101", "--loss must be a number from 0 to 100"],
    ["--echo --reorder some", "--reorder must be a number from 0 to 100"],
  ] as const
) {
  test(`refused: ${line}`, async () => {
    assertStringIncludes((await assertRejects(() => settings(line), UsageError)).message, says);
  });
}

test("an operand is refused, and an interface that cannot be had is a line and exit code 1", async () => {
  const io = new MemoryIo();
  assertEquals(await run(["tun", "--echo", "tun0"], io), 2);
  assertStringIncludes(io.stderr.text, "tun takes options only");
  const other = new MemoryIo();
  // no interface of this name can be made: it is the loopback's
  assertEquals(await run(["tun", "--echo", "--name", "lo", "--via", "native"], other), 1);
  assertStringIncludes(other.stderr.text, "leat: ");
});

/** A client's stack, joined to one that serves. */
async function served(service: TunService, work: (client: L3L4) => Promise<void>): Promise<void> {
  const client = new L3L4({ addresses: ["10.0.0.1", "fd00::1"] });
  const server = new L3L4({ closeGraceMs: 0 });
  client.readable.pipeTo(server.writable).catch(() => {});
  server.readable.pipeTo(client.writable).catch(() => {});
  const serving = (async () => {
    for await (const flow of server.flows) serveFlow(service, flow).catch(() => {});
  })();
  const datagrams = (async () => {
    for await (const flow of server.udpFlows) void serveDatagrams(service, flow);
  })();
  try {
    await work(client);
  } finally {
    await Promise.all([client.close(), server.close()]);
    await Promise.all([serving, datagrams]);
  }
}

/** As `served`, with the door of a proxy before it; what was said of refusals. */
async function servedByDoor(to: InetAddress, work: (client: L3L4, server: L3L4) => Promise<void>): Promise<string[]> {
  const io = new MemoryIo();
  const service: TunService = { kind: "proxy", to };
  const client = new L3L4({ addresses: ["10.0.0.1", "fd00::1"] });
  const { stack: server, door } = await stackFor({ service }, 1500, {}, io);
  client.readable.pipeTo(server.writable).catch(() => {});
  server.readable.pipeTo(client.writable).catch(() => {});
  const serving = (async () => {
    for await (const flow of server.flows) serveFlow(service, flow, door).catch(() => {});
  })();
  try {
    await work(client, server);
  } finally {
    door!.close();
    await Promise.all([client.close(), server.close()]);
    await serving;
  }
  return io.stderr.lines;
}

/** Sends all, ends, and reads to the end. */
async function ask(socket: L3L4Socket, bytes: Uint8Array): Promise<Uint8Array> {
  const reading = new Response(socket.readable).arrayBuffer();
  const writer = socket.writable.getWriter();
  await writer.write(bytes);
  await writer.close();
  const reply = new Uint8Array(await reading);
  await socket.closed;
  return reply;
}

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const pattern = Uint8Array.from({ length: 100_000 }, (_, i) => i * 7);

test("--echo: a connection of each IP version, to any address and port, and datagrams", async () => {
  await served({ kind: "echo" }, async (client) => {
    assertEquals(await ask(client.connect("10.0.0.2:7"), pattern), pattern);
    assertEquals(await ask(client.connect("[fd00::77]:4711"), pattern), pattern);
    const socket = client.udp({ remoteAddress: "10.9.9.9:53" });
    await socket.sendto(utf8("echo"));
    assertEquals((await socket.recvfrom()).data, utf8("echo"));
    await socket.close();
  });
});

test("--http: a page, so many bytes, the length of a body, and what is not there", async () => {
  await served({ kind: "http" }, async (client) => {
    const get = async (request: string): Promise<string> =>
      new TextDecoder("latin1").decode(await ask(client.connect("10.0.0.2:80"), utf8(request)));
    const page = await get("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assertStringIncludes(page, "HTTP/1.1 200 OK\r\n");
    assertStringIncludes(page, "you are 10.0.0.1:");
    assertStringIncludes(page, "you asked 10.0.0.2:80\n");
    const [head, body] = (await get("GET /bytes/100100 HTTP/1.1\r\n\r\n")).split("\r\n\r\n", 2) as [string, string];
    assertStringIncludes(head, "Content-Length: 100100");
    assertEquals([body.length, body.charCodeAt(100_099)], [100_100, 100_099 & 255]);
    assertStringIncludes(await get("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello"), "\r\n\r\n5\n");
    assertStringIncludes(await get("POST / HTTP/1.1\r\n\r\n"), "HTTP/1.1 411 ");
    assertStringIncludes(await get("DELETE / HTTP/1.1\r\n\r\n"), "HTTP/1.1 405 ");
    assertStringIncludes(await get("GET /else HTTP/1.1\r\n\r\n"), "HTTP/1.1 404 ");
    assertEquals((await get("HEAD / HTTP/1.1\r\n\r\n")).endsWith("\r\n\r\n"), true);
    assertEquals(await get("GET / HT"), "");
    assertEquals(await get(`GET /${"x".repeat(20_000)}`), "");
  });
});

test("--proxy: an answer of a server that closes first arrives whole, however slowly it is read", async () => {
  const listener = listenWith(await runtimeSockets(), "127.0.0.1:0");
  await listener.opened;
  const upstream = (async () => {
    const connection = await listener.accept();
    await connection.readable.getReader().read();
    const writer = connection.writable.getWriter();
    for (let i = 0; i < 8; i++) await writer.write(pattern);
    await writer.close();
    await connection.closed;
  })();
  await served({ kind: "proxy", to: listener.localAddress as InetAddress }, async (client) => {
    const socket = client.connect("10.0.0.2:80");
    const writer = socket.writable.getWriter();
    await writer.write(utf8("GET"));
    let length = 0;
    for await (const chunk of socket.readable) {
      length += chunk.length;
      await new Promise((done) => setImmediate(done));
    }
    assertEquals(length, 8 * pattern.length);
    await writer.close();
    await socket.closed;
  });
  await upstream;
  await listener.close();
});

test("--proxy: bytes and ends both ways, datagrams, and a place where nobody listens", async () => {
  const runtime = await runtimeSockets();
  const listener = listenWith(runtime, "127.0.0.1:0");
  await listener.opened;
  const upstream = (async () => {
    const connection = await listener.accept();
    await connection.readable.pipeTo(connection.writable);
  })();
  const to = listener.localAddress as InetAddress;
  await served({ kind: "proxy", to }, async (client) => {
    assertEquals(await ask(client.connect("10.0.0.2:80"), pattern), pattern);
    await upstream;
    await listener.close();
    await assertRejects(() => ask(client.connect("10.0.0.2:80"), pattern));
  });
  const echo = dgramWith(runtime, { localAddress: InetAddress.parse("127.0.0.1:0") });
  await echo.opened;
  await served({ kind: "proxy", to: echo.localAddress as InetAddress }, async (client) => {
    const socket = client.udp({ remoteAddress: "[fd00::53]:53" });
    await socket.sendto(utf8("question"));
    const { data, source } = await echo.recvfrom();
    await echo.sendto(data, source);
    assertEquals((await socket.recvfrom()).data, utf8("question"));
    await socket.close();
  });
  await echo.close();
});

test("--proxy: a connection that the server refuses is refused; one that it takes carries bytes both ways", async () => {
  const listener = listenWith(await runtimeSockets(), "127.0.0.1:0");
  await listener.opened;
  const upstream = (async () => {
    const connection = await listener.accept();
    await connection.readable.pipeTo(connection.writable);
  })();
  const lines = await servedByDoor(listener.localAddress as InetAddress, async (client, server) => {
    assertEquals(await ask(client.connect("[fd00::2]:80"), pattern), pattern);
    await upstream;
    await listener.close();
    for (const to of ["10.0.0.2:80", "[fd00::2]:80"]) {
      const { code } = await assertRejects(() => client.connect(to).opened, L3L4Error);
      assertEquals(code, "ECONNREFUSED");
    }
    assertEquals([server.stats.passiveOpens, server.stats.requestsRefused], [1, 2]);
  });
  assertEquals(lines.map((line) => line.replace(/(1\]?):\d+ to/, "$1:N to").replace(/refused: .*/, "refused")), [
    "leat: 10.0.0.1:N to 10.0.0.2:80: refused",
    "leat: [fd00::1]:N to [fd00::2]:80: refused",
  ]);
});

test("--proxy: connections to the server whose peers have gone are given up, also when nobody asks any more", async () => {
  const clock = new ManualClock();
  const listener = listenWith(await runtimeSockets(), "127.0.0.1:0");
  await listener.opened;
  const host = { decide: () => true, refused: () => {} };
  const door = new ProxyDoor(await runtimeSockets(), listener.localAddress as InetAddress, host, clock);
  const ask = async (remotePort: number): Promise<TStream> => {
    const path = { localAddress: "10.0.0.2", localPort: 80, remoteAddress: "10.0.0.1", remotePort, token: remotePort };
    assertEquals(door.incoming(path as L3L4Request), "later");
    return await listener.accept();
  };
  // reset, or where a runtime cannot do that, ended
  const over = (upstream: TStream): Promise<void> => upstream.readable.pipeTo(new WritableStream()).catch(() => {});
  const first = await ask(1);
  clock.advance(10_000);
  const second = await ask(2);
  clock.advance(40_000);
  // it has asked anew, which must not keep the second
  const again = await ask(1);
  await over(first);
  clock.advance(20_000);
  assertEquals(door.waiting, 1);
  await over(second);
  clock.advance(40_000);
  assertEquals(door.waiting, 0);
  await over(again);
  await listener.close();
});

test("--proxy: an answer of the server that comes when the stack is over is none", async () => {
  const listener = listenWith(await runtimeSockets(), "127.0.0.1:0");
  await listener.opened;
  const server = new L3L4();
  await server.close();
  const host = {
    decide: (token: number, verdict: "accept" | "refuse") => server.decide(token, verdict),
    refused: () => {},
  };
  const door = new ProxyDoor(await runtimeSockets(), listener.localAddress as InetAddress, host);
  const unhandled = await unhandledRejections(async () => {
    door.incoming({ localAddress: "10.0.0.2", localPort: 80, remoteAddress: "10.0.0.1", remotePort: 1 } as L3L4Request);
    const accepted = await listener.accept();
    await accepted.readable.pipeTo(new WritableStream()).catch(() => {});
  });
  assertEquals([unhandled, door.waiting], [[], 0]);
  door.close();
  await listener.close();
});

test("--proxy: datagrams that reach nobody are answered so, and their flow begins anew", async () => {
  // which is never told of dead ports
  if (runtimeName() === "deno") return;
  const gone = dgramWith(await runtimeSockets(), { localAddress: InetAddress.parse("127.0.0.1:0") });
  await gone.opened;
  const to = gone.localAddress as InetAddress;
  await gone.close();
  const client = new L3L4({ addresses: ["10.0.0.1", "fd00::1"] });
  const server = new L3L4();
  client.readable.pipeTo(server.writable).catch(() => {});
  server.readable.pipeTo(client.writable).catch(() => {});
  const codes: string[] = [];
  const serving = (async () => {
    for await (const flow of server.udpFlows) {
      void serveDatagrams({ kind: "proxy", to }, flow, (flow, code) => {
        codes.push(code);
        server.refuseUdp(flow);
      });
    }
  })();
  for (const remoteAddress of ["10.0.0.2:53", "[fd00::2]:53"]) {
    const socket = client.udp({ remoteAddress });
    const told = new Promise<string>((resolve) => socket.onIcmpError(({ code }) => resolve(code)));
    await socket.sendto(utf8("question"));
    assertEquals(await told, "ECONNREFUSED");
    await socket.close();
  }
  assertEquals([codes, server.stats.icmpErrorsSent], [["ECONNREFUSED", "ECONNREFUSED"], 2]);
  await Promise.all([client.close(), server.close()]);
  await serving;
});
