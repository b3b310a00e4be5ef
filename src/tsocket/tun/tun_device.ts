/**
 * The streams of an interface, around what a runtime has of it.
 *
 * @module
 */
import { breathe } from "../../stream/turn.ts";
import { closedError } from "../errors.ts";
import type { ConfiguredInterface } from "./configure.ts";
import type { TunSettings } from "./tun_settings.ts";
import type { Tun, TunPort, TunStats } from "./tun_types.ts";

/** The longest packet that IP has; a shorter place would cut packets without a word. */
const LONGEST_PACKET = 65_535;

/** Packets of some batches lie in one buffer, so that making buffers costs little beside reading. */
const SLAB_BYTES = 256 * 1024;

/** An open interface. */
export class TunDevice implements Tun {
  /** What the system sends. */
  readonly readable: ReadableStream<Uint8Array[]>;
  /** What the system receives. */
  readonly writable: WritableStream<Uint8Array | readonly Uint8Array[]>;
  /** Name of the interface. */
  readonly name: string;
  /** Longest packet that the system sends. */
  readonly mtu: number;
  readonly #port: TunPort;
  readonly #maxBatchPackets: number;
  readonly #stats: TunStats = {
    packetsRead: 0,
    bytesRead: 0,
    batchesRead: 0,
    packetsWritten: 0,
    bytesWritten: 0,
    packetsRefused: 0,
  };
  #slab: Uint8Array = new Uint8Array(SLAB_BYTES);
  #used = 0;
  /** Whether the last batch took all that was there, so that there is no use in reading before the system says so. */
  #isDrained = true;
  #closing: Promise<void> | undefined;
  #reader!: ReadableStreamDefaultController<Uint8Array[]>;
  #writer!: WritableStreamDefaultController;

  /** Takes the port over. */
  constructor(port: TunPort, { name, mtu }: ConfiguredInterface, { maxBatchPackets }: TunSettings) {
    this.#port = port;
    this.name = name;
    this.mtu = mtu;
    this.#maxBatchPackets = maxBatchPackets;
    this.readable = new ReadableStream<Uint8Array[]>({
      start: (controller) => void (this.#reader = controller),
      pull: (controller) => this.#pull(controller),
      cancel: () => this.close(),
    }, { highWaterMark: 0 });
    this.writable = new WritableStream<Uint8Array | readonly Uint8Array[]>({
      start: (controller) => void (this.#writer = controller),
      write: (chunk) => this.#write(chunk),
      abort: () => this.close(),
      close: () => this.close(),
    });
  }

  /** Counters so far. */
  get stats(): Readonly<TunStats> {
    return this.#stats;
  }

  /** Gives the interface back. */
  close(): Promise<void> {
    if (this.#closing !== undefined) return this.#closing;
    this.#closing = this.#port.close();
    try {
      this.#reader.close();
    } catch {
      // it was cancelled, or has failed
    }
    this.#writer.error(closedError("write"));
    return this.#closing;
  }

  /** The same. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #pull(controller: ReadableStreamDefaultController<Uint8Array[]>): Promise<void> {
    for (;;) {
      if (this.#isDrained) await this.#port.ready();
      if (this.#closing !== undefined) return;
      const batch = this.#readBatch();
      if (batch.length === 0) continue;
      controller.enqueue(batch);
      return await breathe();
    }
  }

  #readBatch(): Uint8Array[] {
    const batch: Uint8Array[] = [];
    this.#isDrained = false;
    while (batch.length < this.#maxBatchPackets) {
      if (this.#slab.length - this.#used < LONGEST_PACKET) {
        // the packets of a batch lie in one buffer
        if (batch.length > 0) break;
        this.#slab = new Uint8Array(SLAB_BYTES);
        this.#used = 0;
      }
      const length = this.#port.read(this.#slab, this.#used);
      if (length === 0) {
        this.#isDrained = true;
        break;
      }
      batch.push(this.#slab.subarray(this.#used, this.#used + length));
      // headers at multiples of 4 are summed up faster
      this.#used += (length + 3) & ~3;
      this.#stats.bytesRead += length;
    }
    this.#stats.packetsRead += batch.length;
    if (batch.length > 0) this.#stats.batchesRead++;
    return batch;
  }

  #write(chunk: Uint8Array | readonly Uint8Array[]): Promise<void> | undefined {
    if (chunk instanceof Uint8Array) this.#writePacket(chunk);
    else for (const packet of chunk) this.#writePacket(packet);
    return breathe();
  }

  #writePacket(packet: Uint8Array): void {
    if (!(packet instanceof Uint8Array)) throw new TypeError("a packet must be a Uint8Array");
    if (this.#port.write(packet)) {
      this.#stats.packetsWritten++;
      this.#stats.bytesWritten += packet.length;
    } else this.#stats.packetsRefused++;
  }
}
