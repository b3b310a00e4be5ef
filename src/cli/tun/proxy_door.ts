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
import { type Clock, systemClock } from "../../core/clock.ts";

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
  readonly #clock: Clock;
  #disarm: (() => void) | undefined;

  /** To `to`, by sockets of `runtime`. */
  constructor(runtime: TsocketRuntime, to: InetAddress, host: DoorHost, clock: Clock = systemClock) {
    this.#runtime = runtime;
    this.#to = to;
    this.#host = host;
    this.#clock = clock;
  }

  /** Connections to the server for peers that have not been let in. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** A peer asks. */
  incoming(request: L3L4Request): Verdict {
    // it asks again, and finds room when the server answers others
    if (this.#waiting.size >= MAX_WAITING) return "ignore";
    const upstream = connectWith(this.#runtime, this.#to, { allowHalfOpen: true });
    const key = keyOf(request.remoteAddress, request.remotePort, request.localAddress, request.localPort);
    this.#waiting.get(key)?.upstream.abort();
    // one that asks again comes last again
    this.#waiting.delete(key);
    const waiting: Waiting = { upstream, since: this.#clock.now() };
    this.#waiting.set(key, waiting);
    if (this.#disarm === undefined) this.#giveUpOld();
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
    this.#disarm?.();
    this.#disarm = undefined;
    for (const { upstream } of this.#waiting.values()) upstream.abort();
    this.#waiting.clear();
  }

  #answer(key: string, waiting: Waiting, { token }: L3L4Request, verdict: "accept" | "refuse"): boolean {
    if (this.#waiting.get(key) !== waiting) return false;
    const isThere = this.#decide(token, verdict);
    if (verdict === "accept" && isThere) return true;
    this.#waiting.delete(key);
    waiting.upstream.abort();
    return isThere;
  }

  #decide(token: number, verdict: "accept" | "refuse"): boolean {
    try {
      return this.#host.decide(token, verdict);
    } catch {
      // the stack is over, and nobody waits any more
      return false;
    }
  }

  /** Those whose peers have asked and gone: nobody tells of that. Looks again when the next one is that old. */
  #giveUpOld(): void {
    this.#disarm = undefined;
    const now = this.#clock.now();
    for (const [key, { upstream, since }] of this.#waiting) {
      if (since + PATIENCE_MS > now) {
        this.#disarm = this.#clock.setTimer(since + PATIENCE_MS, () => this.#giveUpOld());
        return;
      }
      this.#waiting.delete(key);
      upstream.abort();
    }
  }
}

function keyOf(remoteAddress: string, remotePort: number, localAddress: string, localPort: number): string {
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
}
