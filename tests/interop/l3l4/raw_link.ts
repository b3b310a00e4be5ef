/** Raw Ethernet frames to and from a virtual machine: one UDP datagram is one frame. All are kept for a capture. */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { LinkType, type Packet } from "../../../src/packet/packet.ts";
import { CaptureWriter } from "../../../src/pcap/mod.ts";
import { ImpairStream } from "../../../src/sim/mod.ts";
import type { LinkOptions } from "../../../src/sim/link.ts";

/** The end of the wire that we have. */
export class RawLink {
  readonly readable: ReadableStream<Uint8Array[]>;
  readonly writable: WritableStream<readonly Uint8Array[]>;
  readonly #socket: Socket;
  readonly #toPort: number;
  readonly #impair: WritableStreamDefaultWriter<Uint8Array | readonly Uint8Array[]>[] = [];
  #frames: Packet[] = [];
  #controller!: ReadableStreamDefaultController<Uint8Array[]>;
  #came: Uint8Array[] = [];
  readonly #counters = { came: 0, cameAt: 0, went: 0, wentAt: 0, isWriting: false };

  private constructor(socket: Socket, toPort: number) {
    this.#socket = socket;
    this.#toPort = toPort;
    this.readable = new ReadableStream<Uint8Array[]>({
      start: (controller) => {
        this.#controller = controller;
      },
    }, { highWaterMark: 0 });
    this.writable = new WritableStream<readonly Uint8Array[]>({ write: (batch) => this.#write(batch) });
    socket.on("message", (frame: Uint8Array) => this.#message(frame));
  }

  /** Binds two ports: ours, and for a moment the machine's, to know that it is free. */
  static async open(): Promise<{ link: RawLink; settings: Record<string, string> }> {
    const [ours, theirs] = [createSocket("udp4"), createSocket("udp4")];
    for (const one of [ours, theirs]) {
      one.bind(0, "127.0.0.1");
      await once(one, "listening");
    }
    const theirPort = theirs.address().port;
    theirs.close();
    ours.setRecvBufferSize(4 << 20);
    const settings = { RAW: "udp", RAWL: String(theirPort), RAWR: String(ours.address().port) };
    return { link: new RawLink(ours, theirPort), settings };
  }

  /** From now on, frames to the machine go over a bad wire; `undefined`: over a good one. */
  impair(options: LinkOptions | undefined): void {
    this.#impair.pop()?.close().catch(() => {});
    if (options === undefined) return;
    const bad = new ImpairStream({ ...options, batch: true });
    this.#impair.push(bad.writable.getWriter());
    bad.readable.pipeTo(new WritableStream({ write: (batch) => this.#send(batch) })).catch(() => {});
  }

  /** Writes all frames since the last time to a file, as they were seen at our end of the wire. */
  capture(path: string): number {
    const parts: Uint8Array[] = [];
    const writer = new CaptureWriter({}, {
      item: (bytes) => void parts.push(bytes),
      error: (error) => {
        throw error;
      },
      end: () => {},
    });
    const count = this.#frames.length;
    for (const frame of this.#frames) writer.push(frame, 0);
    writer.end(0);
    this.#frames = [];
    writeFileSync(path, Buffer.concat(parts));
    return count;
  }

  /** Frames so far, how long ago the last ones were, and whether some are on their way into the wire. */
  get counters(): Record<string, number | boolean> {
    const { came, cameAt, went, wentAt, isWriting } = this.#counters;
    const ago = (at: number): number => Math.round(performance.now() - at);
    return { came, cameMsAgo: ago(cameAt), went, wentMsAgo: ago(wentAt), isWriting, isBad: this.#impair.length > 0 };
  }

  close(): void {
    this.#socket.close();
  }

  #message(frame: Uint8Array): void {
    this.#keep(frame);
    this.#counters.came++;
    this.#counters.cameAt = performance.now();
    if (this.#came.push(frame) > 1) return;
    // what is there already becomes one batch
    setImmediate(() => {
      const batch = this.#came;
      this.#came = [];
      this.#controller.enqueue(batch);
    });
  }

  async #write(batch: readonly Uint8Array[]): Promise<void> {
    for (const frame of batch) this.#keep(frame);
    this.#counters.went += batch.length;
    this.#counters.wentAt = performance.now();
    this.#counters.isWriting = true;
    const [bad] = this.#impair;
    if (bad === undefined) this.#send(batch);
    else await bad.write(batch);
    // the machine is slow, and its socket short
    await new Promise((resolve) => setImmediate(resolve));
    this.#counters.isWriting = false;
  }

  #send(batch: readonly Uint8Array[]): void {
    for (const frame of batch) this.#socket.send(frame, this.#toPort, "127.0.0.1");
  }

  #keep(bytes: Uint8Array): void {
    const ms = performance.timeOrigin + performance.now();
    const seconds = Math.floor(ms / 1000);
    this.#frames.push({
      bytes,
      originalLength: bytes.length,
      linkType: LinkType.ETHERNET,
      seconds,
      nanoseconds: Math.floor((ms - seconds * 1000) * 1e6),
      number: this.#frames.length + 1,
      interfaceId: 0,
    });
  }
}
