/**
 * What `--write` writes: chosen packets as a capture file of their own.
 *
 * @module
 */
import type { Packet } from "../packet/mod.ts";
import { type CaptureInterface, CaptureWriter } from "../pcap/mod.ts";
import { type FileOutput, systemMessage } from "./io.ts";

/** A capture file that is being written, made when it is needed. A failure is told once, and ends the writing. */
export class CaptureOutput {
  readonly #path: string;
  readonly #create: () => Promise<FileOutput>;
  readonly #complain: (what: string) => void;
  #file: FileOutput | undefined;
  #writer: CaptureWriter | undefined;
  #packets: Packet[] = [];
  #chunks: Uint8Array[] = [];
  #interfaces: readonly CaptureInterface[] = [];
  #hasFailed = false;
  #written = 0;

  /** Writes to what `create` makes; the name decides on the format: pcapng for `.pcapng`, else pcap. */
  constructor(path: string, create: () => Promise<FileOutput>, complain: (what: string) => void) {
    this.#path = path;
    this.#create = create;
    this.#complain = complain;
  }

  /** Makes the file, if that was not done; returns whether it can be written to. */
  async open(): Promise<boolean> {
    if (this.#file === undefined && !this.#hasFailed) {
      await this.#try(async () => {
        this.#file = await this.#create();
      });
    }
    return !this.#hasFailed;
  }

  /** How many packets are in the file; `undefined` where there is none, or none that is whole. */
  get written(): number | undefined {
    return this.#file === undefined || this.#hasFailed ? undefined : this.#written;
  }

  /** Takes a packet; it is written with the next {@linkcode CaptureOutput.flush}. */
  push(packet: Packet): void {
    if (!this.#hasFailed) this.#packets.push(packet);
  }

  /** Writes what was taken; `interfaces` are those of the capture that the packets come from. */
  async flush(interfaces: readonly CaptureInterface[]): Promise<void> {
    // a file that stays without packets has their link type
    if (this.#interfaces.length === 0) this.#interfaces = interfaces;
    const packets = this.#packets;
    if (packets.length === 0) return;
    this.#packets = [];
    await this.#try(() => {
      this.#writer ??= this.#makeWriter();
      this.#writer.pushBatch(packets, 0);
      this.#written += packets.length;
      return this.#drain();
    });
  }

  /** Ends the file, if it was made. */
  async close(): Promise<void> {
    const file = this.#file;
    if (file === undefined) return;
    await this.#try(() => {
      this.#writer ??= this.#makeWriter();
      this.#writer.end(0);
      return this.#drain();
    });
    await this.#try(() => file.close());
  }

  /** Runs `work` unless something has failed before; what it throws is told. */
  async #try(work: () => Promise<void>): Promise<void> {
    if (this.#hasFailed) return;
    try {
      await work();
    } catch (error) {
      this.#fail(systemMessage(error));
    }
  }

  #fail(what: string): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    this.#packets = [];
    this.#complain(what);
  }

  async #drain(): Promise<void> {
    const chunks = this.#chunks;
    this.#chunks = [];
    for (const chunk of chunks) await this.#file!.write(chunk);
  }

  #makeWriter(): CaptureWriter {
    const interfaces = this.#interfaces;
    const isFine = interfaces.some(({ resolution }) => resolution.base === 2 || resolution.exponent > 6);
    const options = {
      format: this.#path.endsWith(".pcapng") ? "pcapng" : "pcap",
      resolution: isFine ? "ns" : "us",
      linkType: interfaces[0]?.linkType,
    } as const;
    return new CaptureWriter(options, {
      item: (chunk) => this.#chunks.push(chunk),
      error: (error) => this.#fail(error.message),
      end: () => {},
    });
  }
}
