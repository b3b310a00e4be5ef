/**
 * The flow layer as a stage: segments in, connections out, each with two byte streams.
 *
 * Fans out, so it waits only on what all its streams hold together, never on one of them (`stream/fan_out.ts`).
 *
 * @module
 */
import { callbackOption, limitOption, needObject } from "../core/limits.ts";
import { randomSeed } from "../core/random.ts";
import { typeName } from "../core/words.ts";
import type { Segment } from "../packet/segment.ts";
import { EngineTime } from "../stream/engine_time.ts";
import { FanOut } from "../stream/fan_out.ts";
import type { Batched, Outlet } from "../stream/outlet.ts";
import type { Patience } from "../stream/patience.ts";
import type { StageOptions } from "../stream/stage.ts";
import type { StreamPair } from "../stream/stream_pair.ts";
import { breathe } from "../stream/turn.ts";
import { DirectionFeed, type DirectionOwner } from "./direction.ts";
import { FlowError } from "./errors.ts";
import { Flow } from "./flow.ts";
import type { FlowRecord } from "./flow_record.ts";
import { FlowTracker } from "./flow_tracker.ts";
import type { FlowTrackerOptions } from "./options.ts";
import type { FlowEnd, FlowSide, FlowSink, Gap } from "./sink.ts";
import type { FlowTrackerStats } from "./tracker_stats.ts";

/** Options of {@linkcode FlowStream}. */
export interface FlowStreamOptions<Batch extends boolean = false> extends FlowTrackerOptions, StageOptions<Batch> {
  /**
   * How many bytes all flows together may hold unread before writes have to wait; 64 are counted on top for each
   * chunk, and 512 for each flow that was not taken yet. Chunks that wait are copied out of buffers more than four
   * times as large as what they are counted for.
   *
   * @default {16777216}
   */
  highWaterMark?: number | undefined;
  /**
   * How long a reader may wait for its flow while others are not read and hold all of `highWaterMark`, in
   * milliseconds; then the largest queue fails with `ENOBUFS`. One that was never read fails at once.
   *
   * @default {1000}
   */
  starveMs?: number | undefined;
  /** Told of every gap that is skipped (with `gaps: "skip"`); where it lies in the stream, its `offset` says. */
  onGap?: ((flow: Flow<Batch>, side: FlowSide, gap: Gap) => void) | undefined;
}

/** Counters of a {@linkcode FlowStream}. */
export type FlowStreamStats = Readonly<
  FlowTrackerStats & {
    /** Streams that failed because nobody read them while other readers starved. */
    starved: number;
  }
>;

const DEFAULT_HIGH_WATER_MARK = 16 * 1024 * 1024;
const FLOW_WEIGHT = 512;
const ADVICE = "read both directions at once";

/**
 * {@linkcode Segment}s, one by one or in arrays, to {@linkcode Flow}s: every TCP connection and UDP conversation of a
 * capture, handed out at its first packet, each direction a stream that is made on first access.
 *
 * With `{ batch: true }`, yields arrays of flows, and their streams yield arrays of chunks. All flows share one budget.
 * A direction that nobody wants is best cancelled (`flow.server.cancel()`), at no cost; unread, its bytes stay in the
 * budget until another reader starves. Cancelling `readable` ends the stage, but directions whose stream was asked for
 * before are read to their end first. A wrong segment never fails the stream.
 *
 * @example
 * ```ts
 * import { FlowStream } from "@leat/streams/flow";
 * import { type Packet, LinkType, SegmentStream } from "@leat/streams/packet";
 * import { assertEquals } from "@std/assert";
 *
 * const bytes = new Uint8Array([
 *   0x45, 0, 0, 30, 0, 1, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2, // IPv4
 *   0x30, 0x39, 0, 53, 0, 10, 0, 0, 0x68, 0x69, // UDP
 * ]);
 * const time = { seconds: 0, nanoseconds: 0 };
 * const packet: Packet = { ...time, bytes, originalLength: 30, linkType: LinkType.RAW, number: 1, interfaceId: 0 };
 * const flows = ReadableStream.from([packet]).pipeThrough(new SegmentStream()).pipeThrough(new FlowStream());
 * for await (const flow of flows) {
 *   assertEquals(flow.key.server, { address: "192.0.2.2", port: 53 });
 *   assertEquals(await new Response(flow.client.readable).text(), "hi");
 * }
 * ```
 */
export class FlowStream<Batch extends boolean = false>
  implements StreamPair<Batched<Flow<Batch>, Batch>, Segment | readonly Segment[]> {
  /** Flows, or arrays of them with `batch`. */
  readonly readable: ReadableStream<Batched<Flow<Batch>, Batch>>;
  /** Segments, or arrays of them. Anything else fails the stream with a `TypeError`. */
  readonly writable: WritableStream<Segment | readonly Segment[]>;
  readonly #driver: FlowDriver<Batch>;

  /**
   * Makes a stage.
   *
   * @throws {TypeError} when an option has the wrong type
   * @throws {RangeError} when an option is out of range
   */
  constructor(options: FlowStreamOptions<Batch> = {}) {
    this.#driver = new FlowDriver(options);
    this.readable = this.#driver.flows.readable;
    this.writable = this.#driver.writable;
  }

  /** Counters so far. */
  get stats(): FlowStreamStats {
    return this.#driver.stats;
  }
}

/** What the driver keeps of a flow that goes on. */
interface OpenFlow<Batch extends boolean> {
  readonly flow: Flow<Batch>;
  readonly client: DirectionFeed<Batch>;
  readonly server: DirectionFeed<Batch>;
  close(): void;
}

class FlowDriver<Batch extends boolean> implements FlowSink, DirectionOwner {
  readonly flows: Outlet<Flow<Batch>, Batch>;
  readonly writable: WritableStream<Segment | readonly Segment[]>;
  readonly fanOut: FanOut;
  readonly isBatch: boolean;
  patience: Patience | undefined;
  #onGap: FlowStreamOptions<Batch>["onGap"];
  readonly #tracker: FlowTracker;
  readonly #time: EngineTime<Segment>;
  readonly #open: Set<OpenFlow<Batch>> = new Set();
  #fresh: Flow<Batch>[] = [];
  #gathering: DirectionFeed<Batch>[] = [];
  #claims = 0;
  /** `draining`: the flows were cancelled, but streams that were asked for before are still read. */
  #state: "running" | "draining" | "over" = "running";
  /** Why the flows were cancelled. */
  #cancelReason: unknown;
  /** Why open streams fail: the engine is ended early, or a callback threw. */
  #failure: { reason: unknown } | undefined;
  /** Whether the engine is running, which must not be called from its own callbacks. */
  #isPushing = false;
  #controller: WritableStreamDefaultController | undefined;

  constructor(options: FlowStreamOptions<Batch>) {
    needObject("options", options);
    const maxBytes = limitOption("highWaterMark", options.highWaterMark, DEFAULT_HIGH_WATER_MARK);
    this.isBatch = options.batch ?? false;
    this.#onGap = callbackOption("onGap", options.onGap);
    const { starveMs, clock } = options;
    this.fanOut = new FanOut("flow", { maxBytes, starveMs, clock, budgetName: "highWaterMark", advice: ADVICE });
    this.#tracker = new FlowTracker({ ...options, hashSeed: options.hashSeed ?? randomSeed() }, this);
    this.#time = new EngineTime(this.#tracker, NO_CLOCK);
    this.flows = this.fanOut.outlet(
      this.isBatch as Batch,
      (reason) => this.#cancel(reason),
      () => this.patience,
      "flows",
    );
    this.writable = new WritableStream<Segment | readonly Segment[]>({
      start: (controller) => {
        this.#controller = controller;
        // an abort waits for the write under way, which may wait for readers that never come
        controller.signal.addEventListener("abort", () => this.fanOut.close());
      },
      write: (chunk) => this.#write(chunk),
      close: () => this.#close(),
      abort: (reason) => this.#finish({ reason }),
    }, { highWaterMark: 1 });
  }

  get stats(): FlowStreamStats {
    return { ...this.#tracker.stats, starved: this.fanOut.starved };
  }

  open(record: FlowRecord): void {
    const side = (name: FlowSide): DirectionFeed<Batch> =>
      new DirectionFeed(this, record, name, () => this.#tracker.abort(record, name));
    const client = side("client");
    const server = side("server");
    let close = (): void => {};
    const flow = new Flow<Batch>(record, client, server, (closed) => {
      close = closed;
    });
    const entry = { flow, client, server, close };
    record.user = entry;
    this.#open.add(entry);
    if (this.#state === "running" && !this.flows.isOver) this.#fresh.push(flow);
    else flow.cancel();
  }

  data(record: FlowRecord, side: FlowSide, bytes: Uint8Array): void {
    const feed = this.#entry(record)[side];
    if (feed.gather(bytes)) this.#gathering.push(feed);
  }

  gap(record: FlowRecord, side: FlowSide, gap: Gap): void {
    try {
      this.#onGap?.(this.#entry(record).flow, side, gap);
    } catch (thrown) {
      // not through the engine, which could not hand out the rest and end its flows then
      this.#onGap = undefined;
      this.#failure ??= { reason: thrown };
    }
  }

  end(record: FlowRecord, side: FlowSide): void {
    const feed = this.#entry(record)[side];
    if (this.#failure === undefined) feed.end();
    else feed.fail(this.#failure.reason);
  }

  error(record: FlowRecord, side: FlowSide, error: FlowError): void {
    this.#entry(record)[side].fail(this.#failure === undefined ? error : this.#failure.reason);
  }

  close(record: FlowRecord, _reason: FlowEnd): void {
    const entry = this.#entry(record);
    this.#open.delete(entry);
    record.user = undefined;
    entry.close();
  }

  finish(): void {}

  claimed(): void {
    this.#claims++;
  }

  unclaimed(): void {
    this.#claims--;
    this.#stopIfUnwanted();
  }

  #entry(record: FlowRecord): OpenFlow<Batch> {
    return record.user as OpenFlow<Batch>;
  }

  #write(chunk: Segment | readonly Segment[]): Promise<void> | undefined {
    this.#isPushing = true;
    try {
      if (Array.isArray(chunk)) {
        for (const segment of chunk as readonly Segment[]) this.#push(segment);
      } else {
        this.#push(chunk as Segment);
      }
    } catch (thrown) {
      this.#finish({ reason: thrown });
      throw thrown;
    } finally {
      this.#isPushing = false;
    }
    this.#flush();
    if (this.#state === "running" && this.flows.isOver) this.#cancel(starvedOut());
    this.#stopIfUnwanted();
    return this.fanOut.room() ?? breathe();
  }

  #push(segment: Segment): void {
    // `bytes` is what packets have too
    if (typeof segment?.datagramOffset !== "number") {
      throw new TypeError(`chunk must be a Segment or an array of them, got ${typeName(segment)}`);
    }
    if (this.#state === "over") return;
    this.#time.push(segment);
    if (this.#failure !== undefined) throw this.#failure.reason;
  }

  #flush(): void {
    if (this.#fresh.length > 0) {
      const fresh = this.#fresh;
      this.#fresh = [];
      this.flows.pushBatch(fresh, fresh.length * FLOW_WEIGHT);
    }
    const gathering = this.#gathering;
    this.#gathering = [];
    for (const feed of gathering) feed.flush();
  }

  #close(): void {
    this.#finish(undefined);
    if (this.#failure !== undefined) throw this.#failure.reason;
  }

  /** The input is over, well or with a reason: everything that is open ends or fails with it. */
  #finish(failure: { reason: unknown } | undefined): void {
    if (this.#state === "over") return;
    this.#failure ??= failure;
    this.#state = "over";
    this.#tracker.end(this.#time.now());
    this.#flush();
    if (this.#failure === undefined) this.flows.end();
    else this.flows.fail(this.#failure.reason);
    this.fanOut.close();
  }

  /** Nobody wants more flows: what nobody has asked the stream of is dropped, the rest goes on. */
  #cancel(reason: unknown): void {
    if (this.#state !== "running") return;
    this.#state = "draining";
    this.#cancelReason = reason;
    this.#fresh = [];
    for (const { client, server } of this.#open) {
      if (!client.isClaimed) client.drop(reason ?? cancelled());
      if (!server.isClaimed) server.drop(reason ?? cancelled());
    }
    this.#stopIfUnwanted();
  }

  /** Once nothing is wanted any more, the source is told. */
  #stopIfUnwanted(): void {
    if (this.#state !== "draining" || this.#claims > 0 || this.#isPushing) return;
    this.#finish({ reason: this.#cancelReason });
    this.#controller!.error(this.#cancelReason);
  }
}

/** The engine lives on capture time and never asks a clock. */
const NO_CLOCK = { now: (): number => 0 };

function cancelled(): FlowError {
  return new FlowError("the flows were cancelled before anybody asked for this stream", {
    code: "ECANCELED",
    blame: "local",
  });
}

function starvedOut(): FlowError {
  return new FlowError("the flows were dropped: nobody took them while other readers waited", {
    code: "ENOBUFS",
    blame: "local",
  });
}
