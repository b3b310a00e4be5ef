/**
 * The addresses of those who send us datagrams, made once each.
 *
 * @module
 */
import type { InetAddress } from "../../inet_address.ts";
import { fromNodeHost } from "./addresses.ts";

/** Senders remembered; with more the memory starts anew. */
export const MAX_SOURCES = 1024;

/** Addresses by what the runtime calls them. */
export class SourceCache {
  readonly #known = new Map<string, InetAddress | undefined>();
  #host = "";
  #port = -1;
  #last: InetAddress | undefined;

  /** Senders remembered. */
  get size(): number {
    return this.#known.size;
  }

  /** The address of a sender, an IPv4 one that came in over IPv6 as IPv4. */
  get(host: string, port: number): InetAddress | undefined {
    if (host === this.#host && port === this.#port) return this.#last;
    const key = `${port} ${host}`;
    let address = this.#known.get(key);
    if (address === undefined) {
      address = fromNodeHost(host, port);
      if (this.#known.size >= MAX_SOURCES) this.#known.clear();
      this.#known.set(key, address);
    }
    this.#host = host;
    this.#port = port;
    this.#last = address;
    return address;
  }
}
