/**
 * Sockets on Deno: TCP, TLS, unix sockets and datagrams behind one interface.
 *
 * What Deno cannot do is in `docs/runtimes.md`; the most important: a peer cannot be sent a reset, so that it takes an
 * abort for an orderly end. Where that matters, take the functions of `@leat/streams/node`, which run on Deno as well.
 *
 * @module
 */
import { connectWith, dgramWith, listenWith } from "../../open.ts";
import type { AnySocketAddress, ConnectOptions, DgramOptions, ListenOptions } from "../../option_types.ts";
import type { TDgram, TListener, TStream } from "../../types.ts";
import { denoRuntime } from "./runtime.ts";
import type { Tun, TunOptions } from "../../tun/tun_types.ts";
import { openTunDeno } from "./tun.ts";

export { securityCrypto } from "../node/security_crypto.ts";
export { denoRuntime } from "./runtime.ts";
export type { TsocketRuntime } from "../../driver_types.ts";
export type { AnySocketAddress, ConnectOptions, DgramOptions, ListenOptions } from "../../option_types.ts";
export type { Tun, TunOptions, TunStats } from "../../tun/tun_types.ts";
export type { TDgram, TListener, TStream } from "../../types.ts";

/**
 * Connects to an address or a host name, over TCP, TLS or a unix socket. Returns at once; the socket opens meanwhile.
 *
 * @throws {TypeError} when the address is none or an option makes no sense
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { connect, listen } from "@leat/streams/deno";
 *
 * const listener = listen("127.0.0.1:0");
 * const { localAddress } = await listener.opened;
 * const client = connect(localAddress);
 * const server = await listener.accept();
 * await client.writev([new TextEncoder().encode("ping")]);
 * const ping = new Uint8Array(4);
 * await server.readv([ping]);
 * assertEquals(new TextDecoder().decode(ping), "ping");
 * await Promise.all([client.close(), server.close(), listener.close()]);
 * ```
 */
export function connect(to: AnySocketAddress, options?: ConnectOptions): TStream {
  return connectWith(denoRuntime, to, options);
}

/**
 * Listens on an address; port 0 is any that is free. Returns at once.
 *
 * @throws {TypeError} when the address is none or an option makes no sense
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { connect, listen } from "@leat/streams/deno";
 *
 * const listener = listen("127.0.0.1:0");
 * const { localAddress } = await listener.opened;
 * const client = connect(localAddress);
 * for await (const connection of listener) {
 *   await connection.close();
 *   break;
 * }
 * assertEquals(await client.readSome(new Uint8Array(1)), null);
 * await Promise.all([client.close(), listener.close()]);
 * ```
 */
export function listen(on: AnySocketAddress, options?: ListenOptions): TListener {
  return listenWith(denoRuntime, on, options);
}

/**
 * Opens a datagram socket: UDP, or with `--unstable-net` unix datagrams. Returns at once.
 *
 * @throws {TypeError} when an option makes no sense
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { dgram } from "@leat/streams/deno";
 * import { InetAddress } from "@leat/streams/tsocket";
 *
 * const server = dgram({ localAddress: InetAddress.parse("127.0.0.1:0") });
 * await server.opened;
 * const client = dgram({ remoteAddress: server.localAddress });
 * await client.sendto(Uint8Array.of(1, 2, 3));
 * const { data, source } = await server.recvfrom();
 * await server.sendto(data, source);
 * assertEquals((await client.recvfrom()).data, Uint8Array.of(1, 2, 3));
 * await Promise.all([client.close(), server.close()]);
 * ```
 */
export function dgram(options?: DgramOptions): TDgram {
  return dgramWith(denoRuntime, options);
}

/**
 * Opens a network interface of Linux whose other end is this program: what the system sends through it is read here, and
 * what is written here the system receives. Needs root, or an interface that was made for this user before.
 *
 * With `--allow-ffi` through the C library, else through `socat`, for which `--allow-run` is needed.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @throws {SocketError} what the system has against it: `EPERM`, `EBUSY`, `ENOENT`; `EPROTONOSUPPORT` elsewhere than on Linux
 *
 * @example
 * ```ts ignore
 * import { openTun } from "@leat/streams/deno";
 *
 * const tun = await openTun({ address: "192.0.2.1/24" });
 * for await (const packets of tun.readable) {
 *   for (const packet of packets) console.log(tun.name, packet.length);
 * }
 * ```
 */
export async function openTun(options?: TunOptions): Promise<Tun> {
  return await openTunDeno(options);
}
