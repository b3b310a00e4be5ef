/**
 * One end of a memory stream, as a driver.
 *
 * The reference for what the contract of {@linkcode TStreamDriver} means: nothing here waits for a runtime, so every
 * order of events can be had, and had again.
 *
 * @module
 */
import { limitOption } from "../../../core/limits.ts";
import { closedError, SocketError } from "../../errors.ts";
import { READ_AGAIN, READ_END, type TStreamDriver, type TStreamEvents } from "../../driver_types.ts";
import { Teller } from "../../teller.ts";
import type { TsocketAddress, Vector } from "../../types.ts";
import { BytePipe, type Refusal } from "./byte_pipe.ts";
import { pairAddresses } from "./addresses.ts";
import { type ForSides, ofSide, type StreamFaults, streamFaultSettings } from "./faults.ts";

/** Bytes that one direction of a memory stream holds by default. */
export const CAPACITY_BYTES = 65536;

/** How a memory stream behaves. */
export interface MemoryStreamOptions {
  /**
   * Bytes that each direction holds; a write waits until all of it is held.
   *
   * @default {65536}
   */
  capacityBytes?: number | undefined;
  /** What goes wrong: the same for both directions, or from left to right and from right to left. */
  faults?: ForSides<StreamFaults> | undefined;
  /** Addresses of the left and of the right end; `memory:left` and `memory:right` by default. */
  addresses?: readonly [TsocketAddress | undefined, TsocketAddress | undefined] | undefined;
  /**
   * Whether the drivers offer {@linkcode TStreamDriver.readInto}.
   *
   * @default {true}
   */
  canReadInto?: boolean | undefined;
  /**
   * Notice the peer's end only when it is read, or somebody watches: as runtimes do that cannot look ahead.
   *
   * @default {false}
   */
  isEndNoticedLate?: boolean | undefined;
}

/** What the two ends of a memory stream have in common. */
interface EndSettings {
  readonly localAddress: TsocketAddress | undefined;
  readonly remoteAddress: TsocketAddress | undefined;
  readonly canReadInto: boolean;
  readonly isEndNoticedLate: boolean;
}

const CLOSED_HERE: Refusal = { code: "ECONNABORTED", message: "the socket was closed here" };
const PEER_CLOSED: Refusal = { code: "EPIPE", message: "the peer has closed the connection" };
const PEER_RESET: Refusal = { code: "ECONNRESET", message: "the peer reset the connection" };
const SHUT_DOWN: Refusal = { code: "EPIPE", message: "this side has ended its direction", blame: "local" };

/**
 * Two connected drivers: what one writes the other reads. Both have full half-close, and resets.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { streamDriverPair } from "@leat/streams/tsocket";
 *
 * const [left, right] = streamDriverPair({ capacityBytes: 16 });
 * left.start({ readable() {}, broken() {} });
 * right.start({ readable() {}, broken() {} });
 * await left.writev([Uint8Array.of(1, 2), Uint8Array.of(3)]);
 * const into = new Uint8Array(8);
 * assertEquals(right.readSync(into), 3);
 * await left.close();
 * assertEquals(right.readSync(into), -1);
 * ```
 *
 * @throws {TypeError} when an option is of a wrong type
 * @throws {RangeError} when one is out of its range
 */
export function streamDriverPair(options: MemoryStreamOptions = {}): [TStreamDriver, TStreamDriver] {
  return memoryPair(options, 0, () => {});
}

/** {@linkcode streamDriverPair} whose faults depend on its `number` too, and that calls `freed` when both ends are closed. */
export function memoryPair(
  options: MemoryStreamOptions,
  number: number,
  freed: () => void,
): [TStreamDriver, TStreamDriver] {
  const capacity = limitOption("capacityBytes", options.capacityBytes, CAPACITY_BYTES);
  const right = new BytePipe(capacity, streamFaultSettings(ofSide(options.faults, 0)), 2 * number);
  const left = new BytePipe(capacity, streamFaultSettings(ofSide(options.faults, 1)), 2 * number + 1);
  const resetBoth = (): void => {
    for (const pipe of [right, left]) pipe.reset(PEER_RESET, resetError());
  };
  const [leftAddress, rightAddress] = options.addresses ?? pairAddresses();
  let open = 2;
  const make = (
    incoming: BytePipe,
    outgoing: BytePipe,
    localAddress: TsocketAddress | undefined,
    remoteAddress: TsocketAddress | undefined,
  ): TStreamDriver => {
    const { canReadInto = true, isEndNoticedLate = false } = options;
    const settings: EndSettings = { localAddress, remoteAddress, canReadInto, isEndNoticedLate };
    return new MemoryStreamDriver(incoming, outgoing, settings, resetBoth, () => {
      if (--open === 0) freed();
    });
  };
  return [make(left, right, leftAddress, rightAddress), make(right, left, rightAddress, leftAddress)];
}

function resetError(): SocketError {
  return new SocketError(PEER_RESET.message, { code: PEER_RESET.code });
}

class MemoryStreamDriver implements TStreamDriver {
  readonly kind: string = "memory";
  readonly localAddress: TsocketAddress | undefined;
  readonly remoteAddress: TsocketAddress | undefined;
  readonly alpn: string | null = null;
  readonly readInto?: (into: Uint8Array) => Promise<number>;
  readonly #incoming: BytePipe;
  readonly #outgoing: BytePipe;
  readonly #freed: () => void;
  readonly #teller: Teller<TStreamEvents> = new Teller((events) => this.#tell(events));
  /** Whether a read was answered with {@linkcode READ_AGAIN} and nobody was told since. */
  #isAsked = false;
  #isClosed = false;
  #hasEnded = false;
  #isReset = false;
  /** What is still to be told of how the connection ended. */
  #untold: SocketError[] = [];
  /** Whether the end may be told: always, or once it was read or somebody watches. */
  #isWatched: boolean;

  constructor(
    incoming: BytePipe,
    outgoing: BytePipe,
    settings: EndSettings,
    faulted: () => void,
    freed: () => void,
  ) {
    this.#incoming = incoming;
    this.#outgoing = outgoing;
    this.#freed = freed;
    this.localAddress = settings.localAddress;
    this.remoteAddress = settings.remoteAddress;
    this.#isWatched = !settings.isEndNoticedLate;
    if (settings.canReadInto) this.readInto = (into) => this.#readInto(into);
    incoming.listen({
      arrived: () => this.#teller.soon(),
      ended: (error) => this.#ended(error),
      faulted,
    });
  }

  get pendingBytes(): number {
    return this.#isClosed ? 0 : this.#incoming.pendingBytes;
  }

  get readError(): SocketError | undefined {
    return this.#isClosed ? closedError("readv") : this.#incoming.end?.error;
  }

  start(events: TStreamEvents): void {
    this.#teller.start(events);
  }

  readSync(into: Uint8Array): number {
    if (this.#isClosed) return READ_END;
    const count = this.#incoming.read(into);
    this.#isAsked = false;
    if (count > 0) return count;
    if (this.#incoming.end !== undefined) {
      this.watch();
      return READ_END;
    }
    this.#isAsked = true;
    return READ_AGAIN;
  }

  watch(): void {
    this.#isWatched = true;
    this.#teller.soon();
  }

  writev(vector: Vector): Promise<void> {
    if (this.#isClosed) return Promise.reject(closedError("writev"));
    return this.#outgoing.write(vector);
  }

  shutdown(): Promise<void> {
    if (this.#isClosed) return Promise.reject(closedError("shutdown"));
    this.#outgoing.finish(SHUT_DOWN);
    return Promise.resolve();
  }

  close(): Promise<void> {
    if (!this.#isClosed) {
      this.#outgoing.finish(CLOSED_HERE);
      this.#free(PEER_CLOSED);
    }
    return Promise.resolve();
  }

  abort(): void {
    if (this.#isClosed) return;
    this.#outgoing.reset(CLOSED_HERE, resetError());
    this.#free(PEER_RESET);
  }

  #free(refusal: Refusal): void {
    this.#isClosed = true;
    this.#untold = [];
    this.#incoming.discard(refusal);
    this.#freed();
  }

  #readInto(into: Uint8Array): Promise<number> {
    const count = this.readSync(into);
    if (count !== READ_AGAIN) return Promise.resolve(count);
    // the promise tells, so the event need not
    this.#isAsked = false;
    return this.#incoming.lend(into).then((count) => {
      if (count === READ_END) this.watch();
      return count;
    });
  }

  #ended(error: SocketError | undefined): void {
    if (this.#isClosed || (error === undefined ? this.#hasEnded : this.#isReset)) return;
    if (error === undefined) this.#hasEnded = true;
    else this.#isReset = true;
    if (error !== undefined) this.#outgoing.refuse(PEER_RESET);
    this.#untold.push(error ?? new SocketError("the peer has ended the connection", { code: "EOF" }));
    this.#teller.soon();
  }

  #tell(events: TStreamEvents): void {
    if (this.#isAsked && !this.#isClosed && (this.#incoming.pendingBytes > 0 || this.#incoming.end !== undefined)) {
      this.#isAsked = false;
      events.readable();
    }
    while (this.#untold.length > 0 && this.#isWatched) {
      events.broken(this.#untold.shift()!);
    }
  }
}
