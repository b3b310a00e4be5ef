/**
 * Opening sockets with any runtime: what the `connect`, `listen` and `dgram` of each runtime's subpath do.
 *
 * All three return at once, as the WinterTC Sockets API has it: with a socket that is still opening, and may be used.
 * What is wrong with address or options throws; what goes wrong afterwards rejects `opened` and whatever was asked for.
 *
 * @module
 */
import { type Clock, systemClock } from "../core/clock.ts";
import { DgramSocket } from "./dgram_socket.ts";
import { ListenerSocket } from "./listener_socket.ts";
import { checkDgramOptions, checkedConnectOptions, checkListenOptions } from "./open_options.ts";
import { discardDgram, discardListener, discardStream, openWithin } from "./opening.ts";
import { toSocketTarget } from "./socket_target.ts";
import { StreamSocket } from "./stream_socket.ts";
import type { TsocketRuntime } from "./driver_types.ts";
import type { AnySocketAddress, ConnectOptions, DgramOptions, ListenOptions } from "./option_types.ts";
import type { TDgram, TListener, TStream } from "./types.ts";

/** What only tests say. */
export interface OpenInternals {
  /**
   * Clock of deadlines.
   *
   * @default {systemClock}
   */
  clock?: Clock | undefined;
}

/**
 * Connects to an address or a host name. Signal and deadline of the options end the opening only.
 *
 * @throws {TypeError} when the address is none (a {@linkcode SocketError}) or an option makes no sense
 * @throws {RangeError} when an option is out of its range
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { connectWith, listenWith, MemoryNetwork } from "@leat/streams/tsocket";
 *
 * const network = new MemoryNetwork();
 * const listener = listenWith(network, "127.0.0.1:7");
 * await listener.opened;
 * const client = connectWith(network, "127.0.0.1:7");
 * client.writev([new TextEncoder().encode("ping")]);
 * const server = await listener.accept();
 * const ping = new Uint8Array(4);
 * await server.readv([ping]);
 * assertEquals(new TextDecoder().decode(ping), "ping");
 * await Promise.all([client.close(), server.close(), listener.close()]);
 * ```
 */
export function connectWith(
  runtime: TsocketRuntime,
  to: AnySocketAddress,
  options: ConnectOptions = {},
  internals: OpenInternals = {},
): TStream {
  const target = toSocketTarget(to);
  const checked = checkedConnectOptions(target, options);
  const clock = internals.clock ?? systemClock;
  const open = (signal: AbortSignal) => runtime.connect(target, checked, signal);
  return new StreamSocket(openWithin(open, checked, clock, "connect", discardStream), checked, {
    clock,
    secureTransport: checked.secureTransport ?? "off",
  });
}

/**
 * Listens on an address; port 0 is any that is free. Signal and deadline of the options end the opening only.
 *
 * @throws {TypeError} when the address is none (a {@linkcode SocketError}) or an option makes no sense
 * @throws {RangeError} when an option is out of its range
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { connectWith, listenWith, MemoryNetwork } from "@leat/streams/tsocket";
 *
 * const network = new MemoryNetwork();
 * const listener = listenWith(network, "127.0.0.1:0");
 * const { localAddress } = await listener.opened;
 * const client = connectWith(network, localAddress);
 * for await (const connection of listener) {
 *   await connection.close();
 *   break;
 * }
 * assertEquals(await client.readSome(new Uint8Array(1)), null);
 * await Promise.all([client.close(), listener.close()]);
 * ```
 */
export function listenWith(
  runtime: TsocketRuntime,
  on: AnySocketAddress,
  options: ListenOptions = {},
  internals: OpenInternals = {},
): TListener {
  const target = toSocketTarget(on);
  checkListenOptions(target, options);
  const clock = internals.clock ?? systemClock;
  const open = (signal: AbortSignal) => runtime.listen(target, options, signal);
  return new ListenerSocket(openWithin(open, options, clock, "listen", discardListener), options, { clock });
}

/**
 * Opens a datagram socket, bound and connected as the options say. Signal and deadline end the opening only.
 *
 * @throws {TypeError} when an option makes no sense
 * @throws {RangeError} when an option is out of its range
 * @throws {SocketError} `EINVAL` when the addresses do not fit
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { dgramWith, InetAddress, MemoryNetwork } from "@leat/streams/tsocket";
 *
 * const network = new MemoryNetwork();
 * const server = dgramWith(network, { localAddress: InetAddress.parse("127.0.0.1:53") });
 * await server.opened;
 * const client = dgramWith(network, { remoteAddress: server.localAddress });
 * await client.sendto(Uint8Array.of(1, 2, 3));
 * const { data, source } = await server.recvfrom();
 * await server.sendto(data, source);
 * assertEquals((await client.recvfrom()).data, Uint8Array.of(1, 2, 3));
 * await Promise.all([client.close(), server.close()]);
 * ```
 */
export function dgramWith(
  runtime: TsocketRuntime,
  options: DgramOptions = {},
  internals: OpenInternals = {},
): TDgram {
  checkDgramOptions(options);
  const clock = internals.clock ?? systemClock;
  const open = (signal: AbortSignal) => runtime.dgram(options, signal);
  return new DgramSocket(openWithin(open, options, clock, "dgram", discardDgram), options, { clock });
}
