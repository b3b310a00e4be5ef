/** Drivers of Node on real sockets, without the socket around them. */
import { connectNode } from "../../../src/tsocket/drivers/node/connect.ts";
import { type ListenInternals, listenNode } from "../../../src/tsocket/drivers/node/listener_driver.ts";
import { SocketError } from "../../../src/tsocket/errors.ts";
import { InetAddress } from "../../../src/tsocket/inet_address.ts";
import { UnixAddress } from "../../../src/tsocket/local_address.ts";
import { READ_AGAIN, READ_END, type TListenerDriver, type TStreamDriver } from "../../../src/tsocket/driver_types.ts";
import type { ConnectOptions, ListenOptions } from "../../../src/tsocket/option_types.ts";
import type { TsocketAddress } from "../../../src/tsocket/types.ts";
import { freshSocketPath } from "./socket_paths.ts";

/** A signal that nobody aborts. */
export const never: AbortSignal = new AbortController().signal;

/** Any port of loopback. */
export const anyPort: InetAddress = InetAddress.from("127.0.0.1", 0);

/** A path where a socket can be. */
export function freshPath(): UnixAddress {
  return UnixAddress.from(freshSocketPath());
}

/** A driver that was started, with what it tells. */
export class Started {
  readonly driver: TStreamDriver;
  readonly broken: SocketError[] = [];
  #wake: () => void = () => {};

  constructor(driver: TStreamDriver) {
    this.driver = driver;
    driver.start({
      readable: () => this.#wake(),
      broken: (error) => {
        this.broken.push(error);
        this.#wake();
      },
    });
  }

  /** Up to `length` bytes, fewer at the end. */
  async read(length: number): Promise<Uint8Array> {
    const into = new Uint8Array(length);
    let at = 0;
    while (at < length) {
      const woken = new Promise<void>((resolve) => this.#wake = resolve);
      const taken = this.driver.readSync(into.subarray(at));
      if (taken === READ_END) break;
      if (taken === READ_AGAIN) await woken;
      else at += taken;
    }
    return into.subarray(0, at);
  }

  /** Until `count` errors have been told. */
  async told(count = 1): Promise<string[]> {
    while (this.broken.length < count) await new Promise<void>((resolve) => this.#wake = resolve);
    return this.broken.map((error) => error.code);
  }
}

/** A listener with the connections that came. */
export class Listening {
  readonly driver: TListenerDriver;
  readonly errors: SocketError[] = [];
  readonly #came: TStreamDriver[] = [];
  #wake: () => void = () => {};

  constructor(driver: TListenerDriver) {
    this.driver = driver;
    driver.start({
      connection: (connection) => {
        this.#came.push(connection);
        this.#wake();
      },
      acceptError: (error) => {
        this.errors.push(error);
        this.#wake();
      },
      broken: (error) => {
        this.errors.push(error);
        this.#wake();
      },
    });
  }

  static async at(on: TsocketAddress, options: ListenOptions = {}, internals?: ListenInternals): Promise<Listening> {
    return new Listening(await listenNode(on, options, never, internals));
  }

  async accept(): Promise<Started> {
    while (this.#came.length === 0) await new Promise<void>((resolve) => this.#wake = resolve);
    return new Started(this.#came.shift()!);
  }

  /** Until `count` errors have been told. */
  async failed(count = 1): Promise<string[]> {
    while (this.errors.length < count) await new Promise<void>((resolve) => this.#wake = resolve);
    return this.errors.map((error) => error.code);
  }
}

/** Two connected drivers and their listener; all are freed after `body`. */
export async function withPair(
  on: TsocketAddress,
  body: (client: Started, server: Started) => Promise<void>,
  options: ConnectOptions = {},
  listenOptions: ListenOptions = {},
): Promise<void> {
  const listener = await Listening.at(on, listenOptions);
  const accepting = listener.accept();
  const client = new Started(await connectNode(listener.driver.localAddress, options, never));
  const server = await accepting;
  try {
    await body(client, server);
  } finally {
    client.driver.abort();
    server.driver.abort();
    await Promise.all([client.driver.close(), server.driver.close(), listener.driver.close()]);
  }
}

/** Code of what a promise rejects with; `resolved` if it does not. */
export function codeFrom(promise: Promise<unknown>): Promise<string> {
  return promise.then(() => "resolved", (error) => error instanceof SocketError ? error.code : `not ours: ${error}`);
}
