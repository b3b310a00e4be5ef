/**
 * What `--write` writes: chosen packets as a capture file of their own.
 *
 * @module
 */
import type { Packet } from "../packet/mod.ts";
import { type CaptureInterface, CaptureWriter } from "../pcap/mod.ts";
import type { FileOutput } from "./io.ts";

/** A capture file that is being written. */
export class CaptureOutput {
  readonly #path: string;
  readonly #file: FileOutput;
  #writer: CaptureWriter | undefined;
  #packets: Packet[] = [];
  #chunks: Uint8Array[] = [];
  #failure: string | undefined;

  /** Writes to `file`; its name decides on the format: pcapng for `.pcapng`, else pcap. */
  constructor(path: string, file: FileOutput) {
    this.#path = path;
    this.#file = file;
  }

  /** Why the packets cannot be written any more, once that is so. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** Takes a packet; it is written with the next {@linkcode CaptureOutput.flush}. */
  push(packet: Packet): void {
    this.#packets.push(packet);
  }

  /** Writes what was taken; `interfaces` are those of the capture that the packets come from. */
  async flush(interfaces: readonly CaptureInterface[]): Promise<void> {
    if (this.#packets.length === 0) return;
    this.#writer ??= this.#makeWriter(interfaces);
    const packets = this.#packets;
    this.#packets = [];
    this.#writer.pushBatch(packets, 0);
    await this.#drain();
  }

  /** Ends the file; one without packets gets the link type of `interfaces`. */
  async close(interfaces: readonly CaptureInterface[]): Promise<void> {
    try {
      await this.flush(interfaces);
      this.#writer ??= this.#makeWriter(interfaces);
      this.#writer.end(0);
      await this.#drain();
    } finally {
      await this.#file.close();
    }
  }

  async #drain(): Promise<void> {
    const chunks = this.#chunks;
    this.#chunks = [];
    for (const chunk of chunks) await this.#file.write(chunk);
  }

  #makeWriter(interfaces: readonly CaptureInterface[]): CaptureWriter {
    const isFine = interfaces.some(({ resolution }) => resolution.base === 2 || resolution.exponent > 6);
    const options = {
      format: this.#path.endsWith(".pcapng") ? "pcapng" : "pcap",
      resolution: isFine ? "ns" : "us",
      linkType: interfaces[0]?.linkType,
    } as const;
    return new CaptureWriter(options, {
      item: (chunk) => this.#chunks.push(chunk),
      error: (error) => this.#failure = error.message,
      end: () => {},
    });
  }
}
