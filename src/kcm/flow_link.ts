/**
 * One direction of a flow on its way into a port, when it comes by call and cannot be made to wait. Internal.
 *
 * @module
 */
import type { ConnectionOutcome } from "./connection_outcome.ts";
import { KcmError } from "./errors.ts";
import { Fifo } from "./fifo.ts";
import type { LowerEvents, LowerPort } from "./ports.ts";

/** What a chunk weighs beyond its bytes: about what its object takes. */
const CHUNK_WEIGHT = 128;

/** What all links together may hold. */
export interface LinkBudget {
  /** Bytes held, with what their chunks weigh on top. */
  heldBytes: number;
  /** Most bytes. */
  readonly maxQueuedBytes: number;
}

/** Keeps what the port does not take, up to a limit, and offers it again. */
export class FlowLink implements LowerEvents {
  /** The port; set by whoever attached it, before anything else. */
  port: LowerPort | undefined;
  readonly #budget: LinkBudget;
  readonly #unattached: (link: FlowLink, outcome: ConnectionOutcome) => void;
  readonly #queue: Fifo<Uint8Array> = new Fifo();
  #heldBytes = 0;
  #outcome: { readonly error: unknown } | undefined;
  #now = 0;

  /** A link that tells `unattached` when its connection is over. */
  constructor(budget: LinkBudget, unattached: (link: FlowLink, outcome: ConnectionOutcome) => void) {
    this.#budget = budget;
    this.#unattached = unattached;
  }

  /** Takes the direction's next bytes. */
  push(bytes: Uint8Array, now: number): void {
    this.#now = now;
    const taken = this.#queue.length > 0 ? 0 : this.port!.push(bytes, now);
    if (taken < bytes.length) this.#keep(bytes, taken);
  }

  /** The direction is over, with an error or (`undefined`) well; what is kept goes first. */
  end(error: unknown, now: number): void {
    this.#now = now;
    this.#outcome ??= { error };
    if (this.#queue.length === 0) this.#settle();
  }

  /** There is room again. */
  resumed(): void {
    const port = this.port!;
    while (this.#queue.length > 0) {
      const bytes = this.#queue.shift()!;
      this.#held(-bytes.length - CHUNK_WEIGHT);
      const taken = port.push(bytes, this.#now);
      if (port.isOver) return;
      if (taken < bytes.length) {
        this.#queue.unshift(bytes.subarray(taken));
        this.#held(bytes.length - taken + CHUNK_WEIGHT);
        return;
      }
    }
    this.#settle();
  }

  /** The connection is over. */
  unattached(_error: unknown, outcome: ConnectionOutcome): void {
    this.#queue.takeAll();
    this.#held(-this.#heldBytes);
    this.#unattached(this, outcome);
  }

  #keep(bytes: Uint8Array, taken: number): void {
    const port = this.port!;
    if (port.isOver) return;
    const weight = bytes.length - taken + CHUNK_WEIGHT;
    const { maxQueuedBytes } = this.#budget;
    if (this.#budget.heldBytes + weight > maxQueuedBytes) {
      const message = `no socket has room, and maxQueuedBytes ${maxQueuedBytes} is full`;
      port.fail(new KcmError(message, { code: "ENOBUFS", blame: "local", connection: port.connection }));
      return;
    }
    // a copy, because a few bytes of a packet would keep the whole chunk of the capture that it came in
    this.#queue.push(new Uint8Array(bytes.subarray(taken)));
    this.#held(weight);
  }

  #settle(): void {
    if (this.#outcome === undefined) return;
    if (this.#outcome.error === undefined) this.port!.end(this.#now);
    else this.port!.fail(this.#outcome.error);
  }

  #held(bytes: number): void {
    this.#heldBytes += bytes;
    this.#budget.heldBytes += bytes;
  }
}
