/**
 * Connections of this end to others, and the calls that wait for them.
 *
 * @module
 */
import { RxBundle } from "./bundle.ts";
import type { RxCall } from "./call.ts";
import type { RxConnection } from "./connection.ts";
import { RxrpcError } from "./errors.ts";
import { IdleLine } from "./idle_line.ts";
import type { RxAddress, RxCallOptions } from "./ports.ts";
import type { ClientSecurity } from "./security/protection.ts";
import type { RxSnapshotBundle } from "./snapshot.ts";

/** Bits of a connection's number that are not its channel. */
const CID_STEP = 4;

/** Where connections come from. */
export interface ClientTableHost {
  readonly maxConnectionsPerBundle: number;
  readonly maxQueuedCalls: number;
  /** Makes a connection with this number for calls like this one. */
  connect(cid: number, options: RxCallOptions, security: ClientSecurity): RxConnection;
}

/** The table. */
export class ClientTable {
  /** Connections in the order in which they were used. */
  readonly idle: IdleLine = new IdleLine();
  readonly #host: ClientTableHost;
  readonly #connections: Map<number, RxConnection> = new Map();
  readonly #bundles: Map<string, RxBundle> = new Map();
  readonly #bundleOf: Map<RxConnection, { key: string; bundle: RxBundle }> = new Map();
  #nextCid: number;
  #exclusives = 0;

  /**
   * Makes an empty table.
   *
   * @param firstCid random: numbers must not be used again soon
   */
  constructor(host: ClientTableHost, firstCid: number) {
    this.#host = host;
    this.#nextCid = (firstCid & ~3) >>> 0;
  }

  /** How many connections there are. */
  get size(): number {
    return this.#connections.size;
  }

  /** How many calls wait for a channel. */
  get waiting(): number {
    let waiting = 0;
    for (const bundle of this.#bundles.values()) waiting += bundle.waiting.length;
    return waiting;
  }

  /** The connections. */
  connections(): Iterable<RxConnection> {
    return this.#connections.values();
  }

  /** What belongs together, as it is now. */
  bundles(): RxSnapshotBundle[] {
    return Array.from(this.#bundles.values(), ({ connections, waiting }) => ({
      cids: connections.map(({ cid }) => cid),
      waitingCalls: waiting.length,
    }));
  }

  /** Where they lead. */
  *servers(): Iterable<RxAddress> {
    for (const { peer } of this.#connections.values()) yield peer.address;
  }

  /** Calls that wait. */
  queued(): RxCall[] {
    return [...this.#bundles.values()].flatMap((bundle) => bundle.waiting);
  }

  /** The connection that a packet is for. */
  find(cid: number): RxConnection | undefined {
    return this.#connections.get((cid & ~3) >>> 0);
  }

  /**
   * Puts a call into its line.
   *
   * @throws {RxrpcError} `ENOBUFS` when too many wait
   * @throws what its security throws when a connection is to be made; the call is in no line then
   */
  add(call: RxCall, options: RxCallOptions, security: ClientSecurity, now: number): void {
    if (this.waiting >= this.#host.maxQueuedCalls) {
      const what = `no more than maxQueuedCalls ${this.#host.maxQueuedCalls} may wait`;
      throw new RxrpcError(what, { code: "ENOBUFS", blame: "local" });
    }
    const { to, service, isExclusive = false, mayUpgrade = false } = options;
    const key = isExclusive
      ? `exclusive ${this.#exclusives++}`
      : `${to.port} ${service} ${security.index} ${mayUpgrade} ${to.address.length} ${to.address}${security.bundleKey}`;
    const bundle = this.#bundles.get(key) ?? this.#bundle(key, options, security);
    bundle.waiting.push(call);
    try {
      bundle.pump(now, call);
    } finally {
      this.#forgetEmpty(key, bundle);
    }
    if (isExclusive) { for (const connection of bundle.connections) connection.isRetired = true; }
  }

  /** A call of the connection is over: a channel is free. */
  ended(connection: RxConnection, now: number): void {
    this.pump(connection, now);
    if (!connection.isForgotten) this.idle.used(connection);
  }

  /** A channel of the connection is free, or will not come. */
  pump(connection: RxConnection, now: number): void {
    this.#bundleOf.get(connection)?.bundle.pump(now);
  }

  /** The connection is not used any more. */
  remove(connection: RxConnection, now: number): void {
    this.#connections.delete(connection.cid);
    this.idle.remove(connection);
    const found = this.#bundleOf.get(connection);
    if (found === undefined) return;
    this.#bundleOf.delete(connection);
    const { key, bundle } = found;
    bundle.connections.splice(bundle.connections.indexOf(connection), 1);
    bundle.pump(now);
    this.#forgetEmpty(key, bundle);
  }

  #forgetEmpty(key: string, bundle: RxBundle): void {
    if (bundle.isEmpty) this.#bundles.delete(key);
  }

  #bundle(key: string, options: RxCallOptions, security: ClientSecurity): RxBundle {
    const bundle = new RxBundle({
      maxConnections: options.isExclusive ? 1 : this.#host.maxConnectionsPerBundle,
      connect: () => {
        const connection = this.#host.connect(this.#freeCid(), options, security);
        this.#connections.set(connection.cid, connection);
        this.#bundleOf.set(connection, { key, bundle });
        return connection;
      },
    });
    this.#bundles.set(key, bundle);
    return bundle;
  }

  #freeCid(): number {
    do {
      this.#nextCid = (this.#nextCid + CID_STEP) >>> 0;
    } while (this.#nextCid === 0 || this.#connections.has(this.#nextCid));
    return this.#nextCid;
  }
}
