/**
 * One attached connection between its streams and its port of the engine. Internal.
 *
 * @module
 */
import { concat } from "../bytes/concat.ts";
import type { ConnectionOutcome } from "./connection_outcome.ts";
import { type ByteSource, ConnectionReader, type ReaderOwner } from "./connection_reader_stream.ts";
import { type ByteTarget, ConnectionWriter, type WriterOwner } from "./connection_writer_stream.ts";
import { KcmError } from "./errors.ts";
import type { LowerEvents, LowerPort } from "./ports.ts";
import type { LowerRemains } from "./transmit_ports.ts";

/** The multiplexor, as its connections know it. */
export interface LinkOwner extends ReaderOwner, WriterOwner {
  /** The connection is over. */
  ended(link: ConnectionLink, outcome: ConnectionOutcome): void;
}

/** One attached connection. */
export class ConnectionLink implements LowerEvents {
  /** The port; set by whoever attached it. */
  port!: LowerPort;
  /** Told when it is over. */
  tell: ((outcome: ConnectionOutcome) => void) | undefined;
  readonly #owner: LinkOwner;
  readonly #reader: ConnectionReader;
  readonly #writer: ConnectionWriter | undefined;
  /** Present only for connections that can send. */
  readonly pullable?: (port: LowerPort) => void;
  /** Why it was taken away, if somebody did. */
  #reason: unknown;
  #isDetaching = false;
  /** Waits until what has begun to be written is. */
  #settled: (() => void) | undefined;

  /**
   * Locks the connection's streams.
   *
   * @throws {TypeError} when there is no readable
   */
  constructor(owner: LinkOwner, source: ByteSource) {
    this.#owner = owner;
    this.#reader = new ConnectionReader(owner, source);
    const target = targetOf(source);
    if (target === undefined) return;
    try {
      this.#writer = new ConnectionWriter(owner, target);
    } catch (error) {
      this.#reader.release();
      throw error;
    }
    const writer = this.#writer;
    this.pullable = (port) => writer.pullable(port);
  }

  /** Begins to read. */
  run(): void {
    void this.#reader.run(this.port);
    this.#writer?.watch(this.port);
  }

  /** Unlocks the streams. */
  release(): void {
    this.#reader.release();
    this.#writer?.release();
  }

  resumed(): void {
    this.#reader.resume();
  }

  unattached(error: unknown, outcome: ConnectionOutcome): void {
    if (this.#isDetaching) this.release();
    else {
      this.#reader.stop(error ?? this.#reason);
      this.#writer?.stop(error ?? this.#reason);
    }
    this.#owner.ended(this, outcome);
    this.#settled?.();
  }

  /** Bytes were written, or failed to be. */
  progressed(): void {
    if (this.port.backlogBytes === 0) this.#settled?.();
  }

  /** Takes the connection away. */
  abort(reason: unknown): void {
    this.#reason = reason;
    this.port.abort();
  }

  /** Takes the connection away, alive. */
  async unattach(signal: AbortSignal | undefined): Promise<LowerRemains> {
    signal?.throwIfAborted();
    if (this.port.isOver || this.#settled !== undefined) throw this.port.error ?? notAttached();
    this.#reader.detach();
    await this.#begunIsWritten(signal);
    if (this.port.isOver) throw this.port.error ?? notAttached();
    this.#isDetaching = true;
    const { unread, messages } = this.port.unattach();
    return { unread: concat([unread, ...this.#reader.takeRest()]), messages };
  }

  async #begunIsWritten(signal: AbortSignal | undefined): Promise<void> {
    const { port } = this;
    const aborted = (): void => port.fail(signal!.reason);
    signal?.addEventListener("abort", aborted);
    const settled = new Promise<void>((resolve) => this.#settled = resolve);
    if (this.#writer === undefined) this.#settled!();
    else {
      port.isSending = false;
      this.progressed();
    }
    await settled;
    signal?.removeEventListener("abort", aborted);
  }
}

/** Where a connection's messages go; `undefined` when it is only read. */
function targetOf(source: ByteSource): ByteTarget | undefined {
  if (typeof (source as { writev?: unknown }).writev === "function") return source as ByteTarget;
  return source.writable === undefined ? undefined : { writable: source.writable };
}

function notAttached(): KcmError {
  return new KcmError("the connection is not attached", { code: "ENOENT", blame: "local" });
}
