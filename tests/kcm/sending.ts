/** What the tests of the send side share: a connection that takes so many bytes, and a socket that notes its events. */
import type {
  AttachOptions,
  ConnectionOutcome,
  KcmMessage,
  LowerPort,
  MultiplexorEngine,
  OutgoingMessage,
  SocketOptions,
  SocketPort,
  SocketSink,
} from "../../src/kcm/mod.ts";
import { bodyOf, bodyOfBytes, parser } from "./support.ts";

/** A connection whose peer takes as many bytes as it is told to, and then no more. */
export class Wire {
  port!: LowerPort;
  readonly bytes: number[] = [];
  /** How many more bytes it takes. */
  room: number;
  outcome: ConnectionOutcome | undefined;
  /** What the next write fails with. */
  failure: unknown;
  /** Whether writes stay in flight until `land`. */
  isSlow = false;
  #flying: Uint8Array = new Uint8Array(0);

  constructor(engine: MultiplexorEngine, room: number = Infinity, options: Partial<AttachOptions> = {}) {
    this.room = room;
    this.port = engine.attach({ parser, ...options }, {
      pullable: (port) => {
        this.port = port;
        this.write();
      },
      unattached: (_error, outcome) => {
        if (this.outcome !== undefined) throw new Error("unattached twice");
        this.outcome = outcome;
      },
    });
  }

  /** What was written, as bodies of messages, and the rest as it is. */
  get bodies(): string[] {
    return bodyOfBytes(Uint8Array.from(this.bytes));
  }

  /** The peer takes so many bytes more. */
  more(room: number = Infinity): void {
    this.room = room;
    this.write();
  }

  /** Writes what there is. */
  write(): void {
    while (!this.port.isOver) {
      if (this.failure !== undefined) {
        const failure = this.failure;
        this.failure = undefined;
        return this.port.failSending(failure);
      }
      const views = this.port.pull();
      if (views.length === 0) return;
      this.#flying = Uint8Array.from(views.flatMap((view) => [...view]));
      if (this.isSlow) return;
      if (!this.land()) return;
    }
  }

  /** The bytes in flight are written, as far as there is room; returns whether all were. */
  land(): boolean {
    const bytes = this.#flying;
    this.#flying = new Uint8Array(0);
    const count = Math.min(this.room, bytes.length);
    this.room -= count;
    this.bytes.push(...bytes.subarray(0, count));
    this.port.written(count);
    return count === bytes.length;
  }
}

/** A socket that notes what it is told. */
export class Sender implements SocketSink {
  readonly port: SocketPort;
  readonly events: string[] = [];
  readonly failures: { message: OutgoingMessage; error: unknown }[] = [];
  readonly received: string[] = [];
  ends = 0;
  /** Called for each event, after it was noted. */
  onEvent: (event: string) => void = () => {};

  constructor(engine: MultiplexorEngine, options: SocketOptions = {}) {
    this.port = engine.socket(this, options);
  }

  message(message: KcmMessage): void {
    this.received.push(bodyOf(message));
  }

  end(): void {
    this.ends++;
  }

  written(message: OutgoingMessage): void {
    this.#note(`written ${message.tag}`);
  }

  retried(message: OutgoingMessage): void {
    this.#note(`retried ${message.tag}`);
  }

  failed(message: OutgoingMessage, error: unknown): void {
    this.failures.push({ message, error });
    this.#note(`failed ${message.tag} ${(error as { code: string }).code} ${message.bytesWritten}`);
  }

  writable(): void {
    this.#note("writable");
  }

  drained(): void {
    this.#note("drained");
  }

  #note(event: string): void {
    this.events.push(event);
    this.onEvent(event);
  }
}

/** Something to fail with. */
export function reset(): Error {
  return Object.assign(new Error("connection reset"), { code: "ECONNRESET" });
}
