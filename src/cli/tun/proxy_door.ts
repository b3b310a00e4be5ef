/**
 * The door of `leat tun --proxy`: a peer that asks for a connection is answered once the server has answered, so that what the
 * server refuses is refused, not accepted and closed.
 *
 * @module
 */
import type { L3L4Request, L3L4Socket, Verdict } from "../../l3l4/mod.ts";
import type { InetAddress } from "../../tsocket/inet_address.ts";
import { connectWith } from "../../tsocket/mod.ts";
import type { TsocketRuntime } from "../../tsocket/driver_types.ts";
import type { TStream } from "../../tsocket/types.ts";

/** Connections to the server that wait for it, or for their peers to open; as many as a stack holds half open. */
const MAX_WAITING = 1024;

/** As long as a connection may stay half open. */
const PATIENCE_MS = 60_000;

/** What the door asks of its stack, and tells. */
export interface DoorHost {
  /** The answer to a request; `false` when that is gone. */
  decide(token: number, verdict: "accept" | "refuse"): boolean;
  /** The server has refused. */
  refused(request: L3L4Request, error: unknown): void;
}

interface Waiting {
  readonly upstream: TStream;
  readonly since: number;
}

/** Connects with the server before anybody is let in. */
export class ProxyDoor {
  readonly #runtime: TsocketRuntime;
  readonly #to: InetAddress;
  readonly #host: DoorHost;
  /** By the peer's end and ours; the oldest first. */
  readonly #waiting: Map<string, Waiting> = new Map();

  /** To `to`, by sockets of `runtime`. */
  constructor(runtime: TsocketRuntime, to: InetAddress, host: DoorHost) {
    this.#runtime = runtime;
    this.#to = to;
    this.#host = host;
  }

  /** A peer asks. */
  incoming(request: L3L4Request): Verdict {
    this.#giveUpOld();
    // it asks again, and finds room when the server answers others
    if (this.#waiting.size >= MAX_WAITING) return "ignore";
    const upstream = connectWith(this.#runtime, this.#to, { allowHalfOpen: true });
    const key = keyOf(request.remoteAddress, request.remotePort, request.localAddress, request.localPort);
    this.#waiting.get(key)?.upstream.abort();
    const waiting: Waiting = { upstream, since: performance.now() };
    this.#waiting.set(key, waiting);
    upstream.opened.then(
      () => this.#answer(key, waiting, request, "accept"),
      (error: unknown) => {
        if (this.#answer(key, waiting, request, "refuse")) this.#host.refused(request, error);
      },
    );
    return "later";
  }

  /** The connection with the server that was made for this one. */
  take(flow: L3L4Socket): TStream | undefined {
    const { remoteAddress: remote, localAddress: local } = flow;
    const key = keyOf(remote.address, remote.port, local.address, local.port);
    const waiting = this.#waiting.get(key);
    this.#waiting.delete(key);
    return waiting?.upstream;
  }

  /** Nobody is let in any more. */
  close(): void {
    for (const { upstream } of this.#waiting.values()) upstream.abort();
    this.#waiting.clear();
  }

  #answer(key: string, waiting: Waiting, { token }: L3L4Request, verdict: "accept" | "refuse"): boolean {
    if (this.#waiting.get(key) !== waiting) return false;
    const isThere = this.#host.decide(token, verdict);
    if (verdict === "accept" && isThere) return true;
    this.#waiting.delete(key);
    waiting.upstream.abort();
    return isThere;
  }

  /** Those whose peers have asked and gone: nobody tells of that. */
  #giveUpOld(): void {
    const before = performance.now() - PATIENCE_MS;
    for (const [key, { upstream, since }] of this.#waiting) {
      if (since > before) return;
      this.#waiting.delete(key);
      upstream.abort();
    }
  }
}

function keyOf(remoteAddress: string, remotePort: number, localAddress: string, localPort: number): string {
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
}
