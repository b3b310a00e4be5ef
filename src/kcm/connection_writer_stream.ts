/**
 * Writes what a port of the engine has to send into a connection's writable. Internal.
 *
 * One write at a time, of whatever has gathered meanwhile; small messages are joined, because what a write costs does not
 * depend on its length.
 *
 * @module
 */
import { concat } from "../bytes/concat.ts";
import type { TStream } from "../tsocket/types.ts";
import { KcmError } from "./errors.ts";
import type { LowerPort } from "./ports.ts";

/** Where bytes go: what the writable of a connection is, or a socket, which takes several views at a time. */
export type ByteTarget =
  | { readonly writable: WritableStream<Uint8Array> }
  | Pick<TStream, "writable" | "writev" | "close" | "abort">;

/** The multiplexor, as its writers know it: the port's methods, and then what they make necessary. */
export interface WriterOwner {
  /** Bytes were written. */
  wrote(port: LowerPort, count: number): void;
  /** Writing has failed. */
  failSending(port: LowerPort, error: unknown): void;
}

/** What a writer needs of a target. */
interface Outlet {
  write(views: readonly Uint8Array[]): Promise<unknown>;
  /** Rejects when it fails. */
  readonly broken?: Promise<unknown>;
  /** Nothing more is written. */
  end(): Promise<unknown>;
  abort(reason: unknown): unknown;
  release(): void;
}

/** One loop of writes. */
export class ConnectionWriter {
  readonly #owner: WriterOwner;
  readonly #outlet: Outlet;
  #isWriting = false;
  #isOver = false;

  /** Locks the writable, unless it is a socket's. */
  constructor(owner: WriterOwner, target: ByteTarget) {
    this.#owner = owner;
    this.#outlet = "writev" in target ? socketOutlet(target) : streamOutlet(target.writable);
  }

  /** There is something to write. */
  pullable(port: LowerPort): void {
    if (this.#isWriting || this.#isOver) return;
    const views = port.pull();
    if (views.length > 0) void this.#run(port, views);
  }

  /** The port is over: with an error at once, else in order. */
  stop(error: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (error === undefined && !this.#isWriting) this.#outlet.end().catch(() => {});
    else void ignoring(() => this.#outlet.abort(error ?? cutOff()));
  }

  /** Tells when the target fails that nobody writes to. */
  watch(port: LowerPort): void {
    this.#outlet.broken?.catch((error) => {
      if (!this.#isOver && !port.isOver) this.#owner.failSending(port, error);
    });
  }

  /** Unlocks the writable. */
  release(): void {
    this.#isOver = true;
    this.#outlet.release();
  }

  async #run(port: LowerPort, first: readonly Uint8Array[]): Promise<void> {
    this.#isWriting = true;
    try {
      for (let views = first; views.length > 0; views = port.isOver ? [] : port.pull()) {
        await this.#outlet.write(views);
        this.#isWriting = false;
        if (port.isOver) return;
        this.#owner.wrote(port, lengthOf(views));
        // somebody else may have pulled from within
        if (this.#isWriting || this.#isOver) return;
        this.#isWriting = true;
      }
      this.#isWriting = false;
    } catch (error) {
      this.#isWriting = false;
      if (!port.isOver) this.#owner.failSending(port, error);
    }
  }
}

function lengthOf(views: readonly Uint8Array[]): number {
  let length = 0;
  for (const view of views) length += view.length;
  return length;
}

async function ignoring(run: () => unknown): Promise<void> {
  try {
    await run();
  } catch {
    // it is over either way
  }
}

function cutOff(): KcmError {
  return new KcmError("the connection is over", { code: "ECONNABORTED", blame: "remote" });
}

function socketOutlet(socket: Pick<TStream, "writev" | "close" | "abort">): Outlet {
  return {
    write: (views) => socket.writev(views),
    end: () => socket.close(),
    abort: (reason) => socket.abort(reason),
    release: () => {},
  };
}

function streamOutlet(writable: WritableStream<Uint8Array>): Outlet {
  const writer = writable.getWriter();
  writer.closed.catch(() => {});
  writer.ready.catch(() => {});
  return {
    broken: writer.closed,
    write: (views) => writer.write(views.length === 1 ? views[0]! : concat(views)),
    end: () => writer.close(),
    abort: (reason) => writer.abort(reason),
    release: () => writer.releaseLock(),
  };
}
