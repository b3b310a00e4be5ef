/**
 * Ports for connections of ours (RFC 6056 section 3.3.4, double hash): hard to guess for others, and not used again soon.
 *
 * @module
 */
import type { TcpKey } from "./tcp_key.ts";
import type { TcpSecrets } from "./tcp_secrets.ts";

/** The dynamic ports of IANA, and as many again below them (RFC 6056 section 3.2). */
const FIRST_PORT = 32_768;
const PORTS = 32_768;

/** Counters: connections to the same peer share one, those to others mostly don't. */
const COUNTERS = 1024;

/** Chooses ports. */
export class EphemeralPorts {
  readonly #secrets: TcpSecrets;
  readonly #counters = new Uint16Array(COUNTERS);

  /** Offsets come from `secrets`. */
  constructor(secrets: TcpSecrets) {
    this.#secrets = secrets;
  }

  /** Sets `key.localPort` to a port for which `isFree` says yes; `false` when there is none. */
  choose(key: TcpKey, isFree: (key: TcpKey) => boolean): boolean {
    const offset = this.#secrets.portOffset(key);
    const counter = (offset >>> 16) % COUNTERS;
    for (let tries = 0; tries < PORTS; tries++) {
      key.localPort = FIRST_PORT + (offset + this.#counters[counter]!) % PORTS;
      this.#counters[counter] = this.#counters[counter]! + 1;
      if (isFree(key)) return true;
    }
    return false;
  }
}
