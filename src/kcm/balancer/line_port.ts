/**
 * One connection as its driver sees it, and what all of the balancer's share.
 *
 * @module
 */
import { OutBuffer } from "./out_buffer.ts";

/** A connection of a client or to a backend: bytes in, bytes out, and how it ends. */
export interface LinePort {
  /** Whether it takes input; where not, the driver stops reading until it is attended to again. */
  readonly wantsInput: boolean;
  /** Bytes held of an unfinished message, which may be views of what was pushed. */
  readonly bytesHeld: number;
  /** Nothing more will be written: the driver ends its side once all is. */
  readonly isShut: boolean;
  /** The connection is done with: the driver closes it once all is written. */
  readonly isOver: boolean;
  /** It is to be given up at once, whatever is to be written. */
  readonly isAborted: boolean;
  /** Takes all of the bytes; they may be changed afterwards if {@linkcode bytesHeld} is 0. */
  push(bytes: Uint8Array, now: number): void;
  /** The peer has ended its side. */
  end(now: number): void;
  /** The connection broke, or was never made. */
  fail(error: unknown, now: number): void;
  /** What is to be written, which counts as handed over. */
  take(): Uint8Array[] | undefined;
  /** What was taken is written: there is room. */
  wrote(now: number): void;
  /** Goes on with what it has put off. Called by the balancer's `flush` only. */
  advance(now: number): void;
}

/** What ports tell the balancer. */
export interface Attendant {
  /** Whatever the port has for its driver is looked at in this turn. */
  attend(port: BasePort): void;
}

/** The part that does not differ. */
export abstract class BasePort implements LinePort {
  /** What waits to be written. */
  readonly out: OutBuffer = new OutBuffer();
  /** Anything of the driver's. */
  handle: unknown;
  /** Bytes that came. */
  bytesIn = 0;
  /** Bytes that were handed out. */
  bytesOut = 0;
  /** Those of them that are not written yet. */
  bytesInFlight = 0;
  /** What the balancer has put on its account. */
  bytesAccounted = 0;
  isShut = false;
  isOver = false;
  isAborted = false;
  /** Whether it is in the list of those to be looked at. */
  isAttended = false;
  /** What it is. */
  abstract readonly kind: "client" | "session" | "shared" | "check";
  abstract readonly wantsInput: boolean;

  get bytesHeld(): number {
    return 0;
  }

  /** Bytes that wait to be written, those included that were handed out. */
  get bytesUnwritten(): number {
    return this.out.bytes + this.bytesInFlight;
  }

  /** All that it keeps of the process's memory for one client. */
  get bytesOwed(): number {
    return this.isAborted ? 0 : this.bytesUnwritten;
  }

  take(): Uint8Array[] | undefined {
    this.bytesOut += this.out.bytes;
    this.bytesInFlight += this.out.bytes;
    return this.out.take();
  }

  /** It is over, and the peer does not take what is left. */
  abandon(): void {
    this.isAborted = true;
    this.out.clear();
  }

  abstract push(bytes: Uint8Array, now: number): void;
  abstract end(now: number): void;
  abstract fail(error: unknown, now: number): void;
  wrote(_now: number): void {
    this.bytesInFlight = 0;
  }
  advance(_now: number): void {}
}
