/**
 * One direction of a flow as a stream that is made when somebody asks for it.
 *
 * Part of the stage, not of the engine: gathers what one write brought into one batch, and counts it in the budget that
 * all flows of the stage share.
 *
 * @module
 */
import { concat } from "../bytes/concat.ts";
import type { FanOut } from "../stream/fan_out.ts";
import type { Batched, Outlet } from "../stream/outlet.ts";
import type { Patience } from "../stream/patience.ts";
import type { FlowRecord, FlowSideStats } from "./flow_record.ts";
import type { FlowSide } from "./sink.ts";

/** What a chunk weighs in the budget beyond its bytes, so that empty datagrams do not come for nothing. */
const CHUNK_WEIGHT = 64;

/** How many times as large as what they weigh in the budget the buffers may be that queued chunks lie in. */
const MAX_PINNED = 4;

/** What a direction needs of its stage. */
export interface DirectionOwner {
  /** The budget. */
  readonly fanOut: FanOut;
  /** Whether streams yield arrays. */
  readonly isBatch: boolean;
  /** What a reader of many directions tells about itself. Whoever reads them reads the flows as well. */
  patience: Patience | undefined;
  /** Somebody has asked for the stream of a direction that is not over. */
  claimed(): void;
  /** A direction that was claimed is over for the stage. */
  unclaimed(): void;
}

/** One direction of a {@linkcode Flow}: what one end sent. */
export interface FlowHalf<Batch extends boolean = false> {
  /**
   * The bytes in order, for UDP one chunk a datagram; arrays of chunks with `batch`. Made on first access. Fails with a
   * `FlowError`: `EGAP` when bytes were never captured, `ENOBUFS` when the flow was forgotten to stay within
   * `maxFlows`; or with a `LeatError` `ENOBUFS` when nobody read it while other readers starved.
   */
  readonly readable: ReadableStream<Batched<Uint8Array, Batch>>;
  /** Counters. */
  readonly stats: Readonly<FlowSideStats>;
  /** Says that nobody wants this direction, without making a stream for it: what it holds and what comes is dropped. */
  cancel(reason?: unknown): void;
  /**
   * For readers of many directions that have readers of their own, such as a multiplexor: while `patience` is patient,
   * waiting for this direction, or for the next flow, is not starving, and nothing gives way for it.
   */
  readWith(patience: Patience): void;
}

/** The stage's side of a direction. */
export class DirectionFeed<Batch extends boolean> implements FlowHalf<Batch> {
  /** Counters, as the engine keeps them. */
  readonly stats: Readonly<FlowSideStats>;
  readonly #owner: DirectionOwner;
  readonly #record: FlowRecord;
  readonly #side: FlowSide;
  readonly #abandon: () => void;
  #outlet: Outlet<Uint8Array, Batch> | undefined;
  #gathered: Uint8Array[] = [];
  #patience: Patience | undefined;
  #isClaimed = false;
  #isOver = false;
  #error: { reason: unknown } | undefined;

  /** `abandon` tells the engine that nobody wants the direction. */
  constructor(owner: DirectionOwner, record: FlowRecord, side: FlowSide, abandon: () => void) {
    this.#owner = owner;
    this.#record = record;
    this.#side = side;
    this.stats = record[side];
    this.#abandon = abandon;
  }

  /** The stream; made on first access. */
  get readable(): ReadableStream<Batched<Uint8Array, Batch>> {
    const outlet = this.#open();
    if (!this.#isClaimed) {
      this.#isClaimed = true;
      if (!this.#isOver) this.#owner.claimed();
    }
    return outlet.readable;
  }

  /** Says how urgent the reader's waiting is. */
  readWith(patience: Patience): void {
    this.#patience = patience;
    this.#owner.patience = patience;
  }

  /** Whether somebody has asked for the stream. */
  get isClaimed(): boolean {
    return this.#isClaimed;
  }

  /** Keeps a chunk for {@linkcode flush}. Returns whether it is the first since the last one. */
  gather(bytes: Uint8Array): boolean {
    if (this.#isOver) return false;
    if (this.#outlet?.isOver) {
      this.#stop();
      return false;
    }
    return this.#gathered.push(bytes) === 1;
  }

  /** Queues what was gathered, as one batch; a copy where it could keep much more alive for as long as nobody reads. */
  flush(): void {
    if (this.#gathered.length === 0) return;
    const items = this.#gathered;
    this.#gathered = [];
    let weight = items.length * CHUNK_WEIGHT;
    for (const item of items) weight += item.length;
    const outlet = this.#open();
    // who waits takes an array, or one chunk
    const isTaken = outlet.isStarving && (this.#owner.isBatch || items.length === 1);
    outlet.pushBatch(isTaken ? items : unpinned(items, weight), weight);
  }

  /** No more will come. */
  end(): void {
    this.flush();
    this.#over();
    this.#outlet?.end();
  }

  /** It went wrong; what came before is read first. */
  fail(reason: unknown): void {
    this.flush();
    this.#error = { reason };
    this.#over();
    this.#outlet?.fail(reason);
  }

  /** Drops everything; who asks for the stream later gets the reason. */
  drop(reason: unknown): void {
    if (this.#isOver) return;
    this.#error = { reason };
    this.#outlet?.abort(reason);
    this.#stop();
  }

  /** What the reader's cancel does. */
  cancel(reason?: unknown): void {
    if (this.#outlet === undefined) this.#stop();
    else this.#outlet.cancel(reason);
  }

  #open(): Outlet<Uint8Array, Batch> {
    if (this.#outlet !== undefined) return this.#outlet;
    const { fanOut, isBatch } = this.#owner;
    const outlet = fanOut.outlet<Uint8Array, Batch>(
      isBatch as Batch,
      () => this.#stop(),
      () => this.#patience,
      `flow ${this.#record.id}, ${this.#side}`,
    );
    this.#outlet = outlet;
    if (this.#error !== undefined) outlet.fail(this.#error.reason);
    else if (this.#isOver) outlet.end();
    return outlet;
  }

  #stop(): void {
    if (this.#isOver) return;
    this.#gathered = [];
    this.#over();
    this.#abandon();
  }

  #over(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.#isClaimed) this.#owner.unclaimed();
  }
}

/** Chunks that weigh so much together, so that they do not keep buffers alive which are much larger. */
function unpinned(chunks: Uint8Array[], weight: number): Uint8Array[] {
  if (chunks.every((chunk) => chunk.buffer.byteLength <= weight * MAX_PINNED)) return chunks;
  const joined = concat(chunks);
  let at = 0;
  return chunks.map((chunk) => joined.subarray(at, at += chunk.length));
}
