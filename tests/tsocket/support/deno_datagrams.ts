/** Run by a test in a Deno of its own, with `--unstable-net`: Deno's own datagram sockets behind the library's. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, dgram, listen } from "../../../src/tsocket/drivers/deno/mod.ts";
import { SocketError } from "../../../src/tsocket/errors.ts";
import { InetAddress } from "../../../src/tsocket/inet_address.ts";
import { UnixAddress } from "../../../src/tsocket/local_address.ts";

const any = InetAddress.from("127.0.0.1", 0);

async function udp(): Promise<void> {
  const server = dgram({ localAddress: any });
  await server.opened;
  const client = dgram({ remoteAddress: server.localAddress });
  await client.opened;
  assertEquals(client.localAddress?.kind, "inet");
  for (const length of [1, 0, 65507]) {
    await client.sendto(new Uint8Array(length).fill(7));
    const { data, source, truncated } = await server.recvfrom();
    assertEquals([data.length, truncated], [length, false]);
    await server.sendto(data, source);
    assertEquals((await client.recvfrom()).data.length, length);
  }
  const error = await assertRejects(() => client.sendto(new Uint8Array(65508)), SocketError);
  assertEquals(error.code, "EMSGSIZE");
  const sends = Array.from({ length: 100 }, (_, i) => client.sendto(Uint8Array.of(i)));
  for (let i = 0; i < 100; i++) assertEquals((await server.recvfrom()).data[0], i);
  await Promise.all(sends);
  await Promise.all([client.close(), server.close()]);
}

async function unix(folder: string): Promise<void> {
  const a = dgram({ localAddress: UnixAddress.from(join(folder, "a")) });
  const b = dgram({ localAddress: UnixAddress.from(join(folder, "b")) });
  await Promise.all([a.opened, b.opened]);
  await a.sendto([Uint8Array.of(1), Uint8Array.of(2)], b.localAddress);
  const { data, source } = await b.recvfrom();
  assertEquals([[...data], source], [[1, 2], a.localAddress]);
  for (let i = 0; i < 50; i++) {
    const sends = [a.sendto(Uint8Array.of(i), b.localAddress), b.sendto(Uint8Array.of(i), a.localAddress)];
    assertEquals([(await a.recvfrom()).data, (await b.recvfrom()).data], [Uint8Array.of(i), Uint8Array.of(i)]);
    await Promise.all(sends);
  }
  const nameless = dgram({ remoteAddress: b.localAddress });
  await nameless.sendto(new Uint8Array(200_000));
  const large = await b.recvfrom();
  assertEquals([large.data.length, large.truncated, large.source], [200_000, false, undefined]);
  const nobody = UnixAddress.from(join(folder, "nobody"));
  assertEquals((await assertRejects(() => a.sendto(data, nobody), SocketError)).code, "ENOENT");
  await Promise.all([a.close(), b.close(), nameless.close()]);
  assertEquals(readdirSync(folder), [], "the files of the sockets are gone");
}

async function sharedPort(): Promise<void> {
  const first = listen(any, { reusePort: true });
  const second = listen((await first.opened).localAddress as InetAddress, { reusePort: true });
  await second.opened;
  const client = connect(second.localAddress!);
  await client.opened;
  await Promise.all([client.close(), first.close(), second.close()]);
}

async function multicast(): Promise<void> {
  const socket = dgram({ localAddress: InetAddress.from("0.0.0.0", 0) });
  await socket.opened;
  const failures: string[] = [];
  socket.onIcmpError(({ code }) => failures.push(code));
  socket.joinMulticast("239.255.42.99", "127.0.0.1");
  socket.leaveMulticast("239.255.42.99", "127.0.0.1");
  await socket.close();
  assertEquals(failures, []);
}

const folder = mkdtempSync(join(tmpdir(), "leat-dgram-"));
try {
  assert("listenDatagram" in (globalThis as unknown as { Deno: object }).Deno, "--unstable-net is missing");
  await udp();
  await unix(folder);
  await sharedPort();
  await multicast();
  console.log("all is well");
} finally {
  rmSync(folder, { recursive: true, force: true });
}
