/**
 * A listening socket in memory, as a driver.
 *
 * @module
 */
import type { TListenerDriver, TListenerEvents, TStreamDriver } from "../../driver_types.ts";
import { Teller } from "../../teller.ts";
import type { TsocketAddress } from "../../types.ts";

/** A socket that accepts what connects through a {@linkcode MemoryNetwork}. */
export class MemoryListenerDriver implements TListenerDriver {
  /** Always `memory`. */
  readonly kind: string = "memory";
  readonly #backlog: number;
  readonly #freed: () => void;
  #localAddress: TsocketAddress;
  #waiting: TStreamDriver[] = [];
  readonly #teller: Teller<TListenerEvents> = new Teller((events) => this.#tell(events));
  #isClosed = false;

  /** A listener that keeps up to `backlog` connections waiting. */
  constructor(localAddress: TsocketAddress, backlog: number, freed: () => void) {
    this.#localAddress = localAddress;
    this.#backlog = backlog;
    this.#freed = freed;
  }

  /** Where it listens. */
  get localAddress(): TsocketAddress {
    return this.#localAddress;
  }

  /** Says which address it was given. */
  bound(address: TsocketAddress): void {
    this.#localAddress = address;
  }

  /** Names whom to tell. */
  start(events: TListenerEvents): void {
    this.#teller.start(events);
  }

  /** Whether there is room for one more connection. */
  get hasRoom(): boolean {
    return !this.#isClosed && this.#waiting.length < this.#backlog;
  }

  /** Takes a connection, for which there is room. */
  offer(driver: TStreamDriver): void {
    this.#waiting.push(driver);
    this.#teller.soon();
  }

  /** Stops listening; connections that nobody was told of are reset. */
  close(): Promise<void> {
    if (!this.#isClosed) {
      this.#isClosed = true;
      for (const driver of this.#waiting) driver.abort();
      this.#waiting = [];
      this.#freed();
    }
    return Promise.resolve();
  }

  #tell(events: TListenerEvents): void {
    // one that closes the listener has the others reset
    while (this.#waiting.length > 0) events.connection(this.#waiting.shift()!);
  }
}
