/** Deno's sockets behind the library's, for what other runtimes do otherwise; on these: that they are refused. */
import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { tmpdir } from "node:os";
import { connect, dgram, listen } from "../../src/tsocket/drivers/deno/mod.ts";
import { denoRuntime } from "../../src/tsocket/drivers/deno/runtime.ts";
import { SocketError } from "../../src/tsocket/errors.ts";
import { InetAddress } from "../../src/tsocket/inet_address.ts";
import { UnixAddress, VirtualAddress } from "../../src/tsocket/local_address.ts";
import type { TListenerDriver, TStreamDriver } from "../../src/tsocket/driver_types.ts";
import type { ConnectOptions, SocketTarget } from "../../src/tsocket/option_types.ts";
import { AUTHORITY, OTHER_AUTHORITY, SERVER_CERTIFICATE, SERVER_KEY } from "./support/certificates.ts";
import { denoTest, runDeno } from "./support/deno_only.ts";
import { openThings, untilNoLeaks } from "./support/leaks.ts";

const ANY = InetAddress.from("127.0.0.1", 0);
const never: AbortSignal = new AbortController().signal;

async function codeOf(promise: Promise<unknown>): Promise<string> {
  return (await assertRejects(() => promise, SocketError)).code;
}

/** A listener for TLS, the first connection, and the first failure to accept one. */
async function tlsListener(alpn: readonly string[] = []) {
  const tls = { cert: SERVER_CERTIFICATE, key: SERVER_KEY, ...(alpn.length > 0 ? { alpn } : {}) };
  const listener: TListenerDriver = await denoRuntime.listen(ANY, { tls }, never);
  let failed: (error: SocketError) => void = () => {};
  const failure = new Promise<SocketError>((resolve) => failed = resolve);
  const connection = new Promise<TStreamDriver>((resolve) => {
    listener.start({ connection: resolve, acceptError: failed, broken: failed });
  });
  const { port } = listener.localAddress as InetAddress;
  return { listener, connection, failure, target: { hostname: "localhost", port } as SocketTarget };
}

function pass(from: TStreamDriver, to: TStreamDriver): Promise<number> {
  const into = new Uint8Array(65536);
  const reading = to.readInto!(into);
  return from.writev([Uint8Array.of(1, 2, 3)]).then(() => reading);
}

denoTest("62: what cannot be connected to says why, and an aborted connect its reason", async () => {
  const before = openThings();
  assertEquals(await codeOf(denoRuntime.connect(InetAddress.from("127.0.0.1", 1), {}, never)), "ECONNREFUSED");
  assertEquals(await codeOf(denoRuntime.connect(UnixAddress.from("/nowhere/at/all"), {}, never)), "ENOENT");
  assertEquals(await codeOf(denoRuntime.connect(VirtualAddress.from("x", "y"), {}, never)), "EPROTONOSUPPORT");
  const listener = await denoRuntime.listen(ANY, {}, never);
  const reason = new Error("not any more");
  const controller = new AbortController();
  const connecting = denoRuntime.connect(listener.localAddress, {}, controller.signal);
  controller.abort(reason);
  assertStrictEquals(await connecting.then(() => undefined, (thrown) => thrown), reason);
  await listener.close();
  assertEquals(await untilNoLeaks(before), []);
});

denoTest("57: an address is free again when closing the listener is over", async () => {
  const path = UnixAddress.from(`${tmpdir()}/leat-${crypto.randomUUID()}`);
  for (let i = 0; i < 3; i++) {
    const listener = listen(path);
    await listener.opened;
    assertEquals(await codeOf(denoRuntime.listen(path, {}, never)), "EADDRINUSE");
    await listener.close();
  }
});

denoTest("71: TLS with ALPN, and both sides know the protocol", async () => {
  const { listener, connection, target } = await tlsListener(["a", "b"]);
  const options: ConnectOptions = { secureTransport: "on", alpn: ["b"], tls: { ca: AUTHORITY } };
  const client = await denoRuntime.connect(target, options, never);
  const server = await connection;
  assertEquals([client.alpn, server.alpn, client.startTls], ["b", "b", undefined]);
  assertEquals([await pass(client, server), await pass(server, client)], [3, 3]);
  await Promise.all([client.close(), server.close(), listener.close()]);
});

denoTest("71: TLS with a certificate of one's own, and to another name than the host's", async () => {
  const own: ConnectOptions = { tls: { ca: AUTHORITY, cert: SERVER_CERTIFICATE, key: SERVER_KEY } };
  const named: ConnectOptions = { sni: "sock.test", tls: { ca: AUTHORITY } };
  for (const options of [own, named]) {
    const { listener, connection, target } = await tlsListener();
    const client = await denoRuntime.connect(target, { secureTransport: "on", ...options }, never);
    assertEquals(await pass(client, await connection), 3);
    await Promise.all([client.close(), (await connection).close(), listener.close()]);
  }
  const both: ConnectOptions = { secureTransport: "on", ...own, ...named, tls: own.tls };
  assertEquals(await codeOf(denoRuntime.connect({ hostname: "localhost", port: 1 }, both, never)), "EPROTONOSUPPORT");
});

denoTest("71: a certificate that is not trusted, or for another name, is EPROTO on both sides", async () => {
  const before = openThings();
  for (const options of [{ tls: { ca: OTHER_AUTHORITY } }, { tls: { ca: AUTHORITY }, sni: "other.test" }]) {
    const { listener, failure, target } = await tlsListener();
    const connecting = denoRuntime.connect(target, { secureTransport: "on", ...options }, never);
    assertEquals(await codeOf(connecting), "EPROTO");
    assertEquals((await failure).code, "EPROTO");
    await listener.close();
  }
  assertEquals(await untilNoLeaks(before), []);
});

denoTest("71: aborting ends a handshake that the peer never answers", async () => {
  const before = openThings();
  const listener = await denoRuntime.listen(ANY, {}, never);
  let arrived: (driver: TStreamDriver) => void = () => {};
  listener.start({ connection: (driver) => arrived(driver), acceptError() {}, broken() {} });
  const { port } = listener.localAddress as InetAddress;
  for (const tls of [{}, { cert: SERVER_CERTIFICATE, key: SERVER_KEY }]) {
    const controller = new AbortController();
    const arriving = new Promise<TStreamDriver>((resolve) => arrived = resolve);
    const options: ConnectOptions = { secureTransport: "on", tls };
    const connecting = denoRuntime.connect({ hostname: "127.0.0.1", port }, options, controller.signal);
    const server = await arriving;
    const reason = new Error("enough");
    controller.abort(reason);
    assertStrictEquals(await connecting.then(() => undefined, (thrown) => thrown), reason);
    server.abort();
  }
  await listener.close();
  assertEquals(await untilNoLeaks(before), []);
});

denoTest("71: TLS that is started later goes by the host's name", async () => {
  const { listener, connection, target } = await tlsListener(["a"]);
  const plain = await denoRuntime.connect(target, { secureTransport: "starttls", tls: { ca: AUTHORITY } }, never);
  plain.start({ readable() {}, broken() {} });
  plain.watch!();
  const client = await plain.startTls!({ alpn: ["a"] }, never);
  const server = await connection;
  assertEquals([client.alpn, await pass(client, server), await pass(server, client)], ["a", 3, 3]);
  assertEquals(plain.readSync(new Uint8Array(1)), -1);
  plain.abort();
  assertEquals(await pass(client, server), 3, "the old socket has let go of the connection");
  await Promise.all([client.close(), server.close(), listener.close()]);
});

denoTest("71: garbage instead of TLS fails that connection only", async () => {
  const { listener, connection, failure, target } = await tlsListener();
  const rude = await denoRuntime.connect(target, {}, never);
  await rude.writev([new TextEncoder().encode("GET / HTTP/1.0\r\n\r\n")]);
  assertEquals((await failure).code, "EPROTO");
  const client = await denoRuntime.connect(target, { secureTransport: "on", tls: { ca: AUTHORITY } }, never);
  assertEquals(await pass(client, await connection), 3);
  await Promise.all([rude.close(), client.close(), (await connection).close(), listener.close()]);
});

denoTest("Deno cannot listen on IPv6 alone, nor with TLS on unix sockets", async () => {
  const tls = { cert: SERVER_CERTIFICATE, key: SERVER_KEY };
  const on = InetAddress.from("::", 0);
  assertEquals(await codeOf(denoRuntime.listen(on, { ipv6Only: true }, never)), "EPROTONOSUPPORT");
  assertEquals(await codeOf(denoRuntime.listen(UnixAddress.from("/nowhere"), { tls }, never)), "EPROTONOSUPPORT");
  const one = await denoRuntime.listen(InetAddress.from("::1", 0), { ipv6Only: true }, never);
  await one.close();
  const taken = await denoRuntime.listen(ANY, {}, never);
  assertEquals(await codeOf(denoRuntime.listen(taken.localAddress, {}, never)), "EADDRINUSE");
  await taken.close();
});

denoTest("an address to connect from is taken by way of node:net", async () => {
  const listener = listen(ANY);
  const localAddress = InetAddress.from("127.0.0.2", 0);
  const client = connect((await listener.opened).localAddress, { localAddress });
  const server = await listener.accept();
  assertEquals((server.remoteAddress as InetAddress).address, "127.0.0.2");
  await Promise.all([client.close(), server.close(), listener.close()]);
});

denoTest("66: a listener survives running out of descriptors", async () => {
  assertEquals(await runDeno("deno_descriptors.ts", [], "-n 64"), { code: 0, output: "all is well\n" });
});

denoTest("67: what is not referenced lets the process end", async () => {
  assertEquals(await runDeno("deno_unref.ts", []), { code: 0, output: "all is well\n" });
});

denoTest("72, 76, 79: Deno's own datagram sockets, with --unstable-net", async () => {
  assertEquals(await runDeno("deno_datagrams.ts", ["--unstable-net"]), { code: 0, output: "all is well\n" });
});

denoTest("79: without --unstable-net there are no unix datagrams, and UDP goes by way of node:dgram", async () => {
  assertEquals(await codeOf(denoRuntime.dgram({ localAddress: UnixAddress.from("/s") }, never)), "EPROTONOSUPPORT");
  const server = dgram({ localAddress: ANY, recvBufferSize: 4 << 20 });
  await server.opened;
  const client = dgram({ remoteAddress: server.localAddress });
  await client.sendto(Uint8Array.of(1, 2, 3));
  assertEquals([...(await server.recvfrom()).data], [1, 2, 3]);
  await Promise.all([client.close(), server.close()]);
});
