/**
 * A virtual Ethernet switch whose ports are pairs of streams: for the network cards of virtual machines, in a browser or
 * not, and for whatever speaks Ethernet to them.
 *
 * @module
 */
import { type Clock, systemClock } from "../../core/clock.ts";
import { limitOption } from "../../core/limits.ts";
import { Outlet } from "../../stream/outlet.ts";
import type { StreamPair } from "../../stream/stream_pair.ts";
import { L3L4Error } from "../errors.ts";
import { PacketInlet } from "./packet_inlet_stream.ts";
import { packetWeight } from "./packet_queues.ts";
import { SwitchEngine, type SwitchPort, type SwitchStats } from "./switch_engine.ts";
import type { SwitchOptions, SwitchPortOptions } from "./switch_settings.ts";

const MAX_QUEUED_BYTES = 2 * 1024 * 1024;

/** Options of a {@linkcode VirtualSwitch}. */
export interface VirtualSwitchOptions extends SwitchOptions {
  /** Time, for ageing. @default {systemClock} */
  readonly clock?: Pick<Clock, "now"> | undefined;
}

/** Options of a {@linkcode VirtualSwitchPort}. */
export interface VirtualSwitchPortOptions extends SwitchPortOptions {
  /**
   * Bytes of frames that wait to be read, each counted as 256 bytes at least; frames for which there is no room are
   * dropped, as on any switch.
   *
   * @default {2097152}
   */
  readonly maxQueuedBytes?: number | undefined;
}

/**
 * A switch. It learns who is behind which port, and knows VLANs.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { VirtualSwitch } from "@leat/streams/l3l4";
 *
 * const lan = new VirtualSwitch();
 * const [a, b] = [lan.port(), lan.port()];
 * const frame = new Uint8Array(60).fill(0xff, 0, 6); // to all
 * frame[6] = 2; // from 02:00:00:00:00:00
 * const writer = a.writable.getWriter();
 * writer.write(frame);
 * const { value } = await b.readable.getReader().read();
 * assertEquals(value, [frame]);
 * ```
 */
export class VirtualSwitch {
  readonly #engine: SwitchEngine;
  readonly #clock: Pick<Clock, "now">;
  readonly #touched: Set<VirtualSwitchPort> = new Set();

  /**
   * Makes a switch without ports.
   *
   * @throws {TypeError | RangeError} when an option is wrong
   */
  constructor(options: VirtualSwitchOptions = {}) {
    this.#clock = options.clock ?? systemClock;
    this.#engine = new SwitchEngine(options, {
      frame: (port, bytes) => {
        const stream = port.context as PortStreams;
        if (stream.take(bytes)) this.#touched.add(stream);
      },
    });
  }

  /**
   * Adds a port.
   *
   * @throws {TypeError | RangeError} when an option is wrong, or there are `maxPorts` already
   */
  port(options: VirtualSwitchPortOptions = {}): VirtualSwitchPort {
    const maxQueuedBytes = limitOption("maxQueuedBytes", options.maxQueuedBytes, MAX_QUEUED_BYTES);
    return new PortStreams(this.#engine.attach(options), maxQueuedBytes, (port, batch) => this.#push(port, batch));
  }

  /** Counters so far. */
  get stats(): Readonly<SwitchStats> {
    return this.#engine.stats;
  }

  /** Each port gets the frames of a chunk as one chunk. */
  #push(port: SwitchPort, batch: readonly Uint8Array[]): void {
    const now = this.#clock.now();
    for (const frame of batch) port.push(frame, now);
    for (const stream of this.#touched) (stream as PortStreams).flush();
    this.#touched.clear();
  }
}

/** A port of a {@linkcode VirtualSwitch}: frames are written and read, several a chunk. They must not be changed any more. */
export interface VirtualSwitchPort extends StreamPair<Uint8Array[], Uint8Array | readonly Uint8Array[]> {
  /** Frames that were dropped because nobody read. */
  readonly framesDropped: number;
  /** Takes the port away: what waits can still be read. So do closing `writable` and cancelling `readable`. */
  close(): void;
}

class PortStreams implements VirtualSwitchPort {
  framesDropped = 0;
  readonly #port: SwitchPort;
  readonly #maxQueuedBytes: number;
  readonly #inlet: PacketInlet;
  readonly #outlet: Outlet<Uint8Array, true>;
  #batch: Uint8Array[] = [];
  #batchBytes = 0;
  #isOver = false;

  constructor(
    port: SwitchPort,
    maxQueuedBytes: number,
    push: (port: SwitchPort, batch: readonly Uint8Array[]) => void,
  ) {
    port.context = this;
    this.#port = port;
    this.#maxQueuedBytes = maxQueuedBytes;
    this.#outlet = new Outlet<Uint8Array, true>(true, { cancelled: (reason) => this.#cancelled(reason) });
    this.#inlet = new PacketInlet({
      packets: (batch) => push(port, batch),
      hasRoom: () => true,
      closed: () => this.#over(undefined),
      aborted: (reason) => this.#over({ reason }),
    });
  }

  get readable(): ReadableStream<Uint8Array[]> {
    return this.#outlet.readable;
  }

  get writable(): WritableStream<Uint8Array | readonly Uint8Array[]> {
    return this.#inlet.writable;
  }

  close(): void {
    if (this.#isOver) return;
    this.#over(undefined);
    this.#inlet.fail(new L3L4Error("the port was closed", { code: "ENETDOWN", blame: "local" }));
  }

  /** A frame leaves here: whether it is the first of its chunk. */
  take(frame: Uint8Array): boolean {
    const weight = packetWeight(frame);
    if (this.#outlet.heldBytes + this.#batchBytes + weight > this.#maxQueuedBytes) {
      this.framesDropped++;
      return false;
    }
    this.#batch.push(frame);
    this.#batchBytes += weight;
    return this.#batch.length === 1;
  }

  /** The chunk is over. */
  flush(): void {
    const batch = this.#batch;
    const bytes = this.#batchBytes;
    this.#batch = [];
    this.#batchBytes = 0;
    this.#outlet.pushBatch(batch, bytes);
  }

  #cancelled(reason: unknown): void {
    if (this.#isOver) return;
    this.#over(undefined);
    this.#inlet.fail(reason);
  }

  #over(failure: { readonly reason: unknown } | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#port.detach();
    if (failure === undefined) this.#outlet.end();
    else this.#outlet.fail(failure.reason);
  }
}
