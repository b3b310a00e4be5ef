/**
 * A writable stream of packets or frames, one or several a chunk. Internal.
 *
 * @module
 */
import { breathe } from "../../stream/turn.ts";
import { packetsOf } from "../packets_of.ts";

/** Who takes the packets. */
export interface InletOwner {
  /** A chunk has come. */
  packets(batch: readonly Uint8Array[]): void;
  /** Whether the next chunk may come; if not, `goOn` has to be called. */
  hasRoom(): boolean;
  /** No more come. */
  closed(): void;
  /** No more come, for this reason. */
  aborted(reason: unknown): void;
}

/** The stream. */
export class PacketInlet {
  /** Where packets are written. */
  readonly writable: WritableStream<Uint8Array | readonly Uint8Array[]>;
  readonly #owner: InletOwner;
  #controller!: WritableStreamDefaultController;
  #resume: (() => void) | undefined;

  /** Makes one for its owner. */
  constructor(owner: InletOwner) {
    this.#owner = owner;
    this.writable = new WritableStream<Uint8Array | readonly Uint8Array[]>({
      start: (controller) => {
        this.#controller = controller;
        // an abort waits for the write under way, which may wait for a reader that never comes
        controller.signal.addEventListener("abort", () => this.goOn());
      },
      write: (chunk) => this.#write(chunk),
      close: () => owner.closed(),
      abort: (reason) => owner.aborted(reason),
    }, { highWaterMark: 1 });
  }

  /** There is room again. */
  goOn(): void {
    const resume = this.#resume;
    this.#resume = undefined;
    resume?.();
  }

  /** Takes no more, for this reason. */
  fail(reason: unknown): void {
    this.#controller.error(reason);
    this.goOn();
  }

  #write(chunk: Uint8Array | readonly Uint8Array[]): Promise<void> | undefined {
    let packets: readonly Uint8Array[];
    try {
      packets = packetsOf(chunk);
    } catch (error) {
      this.#owner.aborted(error);
      throw error;
    }
    this.#owner.packets(packets);
    if (this.#owner.hasRoom() || this.#controller.signal.aborted) return breathe();
    return new Promise((resolve) => {
      this.#resume = resolve;
    });
  }
}
