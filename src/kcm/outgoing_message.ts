/**
 * A message on its way out: its bytes, and how far it got. Internal; its sender sees an {@linkcode OutgoingMessage}.
 *
 * @module
 */
import { concat } from "../bytes/concat.ts";
import type { KcmConnection } from "./kcm_message.ts";
import type { KcmSock } from "./kcm_sock.ts";
import type { OutgoingMessage, ReplyMatcher, RetryPolicy } from "./outgoing.ts";
import type { SteeringKey, SteeringSubject } from "./steering_policy.ts";

/** What its sender is to be told. */
export type Fate = "written" | "retried" | "failed";

/** A message in more pieces is put together, so that finding where to go on costs little. */
const MAX_PIECES = 16;

/** A message on its way out. */
export class Outgoing implements OutgoingMessage, SteeringSubject {
  /** Who sends it. */
  readonly socket: KcmSock;
  tag: unknown;
  readonly key: SteeringKey | undefined;
  /** The only connection that it may go out on. */
  readonly via: KcmConnection | undefined;
  readonly retry: RetryPolicy;
  length = 0;
  connection: KcmConnection | undefined = undefined;
  bytesWritten = 0;
  retries = 0;
  /** Bytes of it in flight. */
  bytesOffered = 0;
  /** Whether its connection's driver has pulled any of it. */
  isTried = false;
  /** Whether it goes the same way as the one before it: a batch. */
  isJoined = false;
  /** Which reply its sender waits for, if any. */
  reply: ReplyMatcher | undefined = undefined;
  /** Whether that came before the driver said that it is written. */
  isAnswered = false;
  /** What is to be told to its sender, and why. */
  fate: Fate | undefined = undefined;
  cause: unknown = undefined;
  /** Most messages have one piece, and no list. */
  #piece: Uint8Array | undefined = undefined;
  #pieces: Uint8Array[] | undefined = undefined;

  /** Begins a message. */
  constructor(
    socket: KcmSock,
    retry: RetryPolicy,
    via: KcmConnection | undefined,
    key: SteeringKey | undefined,
    tag: unknown,
  ) {
    this.socket = socket;
    this.retry = retry;
    this.via = via;
    this.key = key;
    this.tag = tag;
  }

  get data(): Uint8Array {
    return this.#pieces?.[0] ?? this.#piece!;
  }

  get origin(): number {
    return this.socket.handle;
  }

  /** Whether any of it may have left. */
  get isStarted(): boolean {
    return this.bytesWritten + this.bytesOffered > 0;
  }

  /** Adds a piece. */
  add(bytes: Uint8Array): void {
    this.length += bytes.length;
    if (this.#pieces !== undefined) this.#pieces.push(bytes);
    else if (this.#piece === undefined) this.#piece = bytes;
    else this.#pieces = [this.#piece, bytes];
  }

  /** Nothing will be added. */
  complete(): void {
    if (this.#pieces === undefined || this.#pieces.length <= MAX_PIECES) return;
    this.#piece = concat(this.#pieces);
    this.#pieces = undefined;
  }

  /** Its bytes are needed no more. */
  release(): void {
    this.#piece = undefined;
    this.#pieces = undefined;
  }

  /** Puts what is not written yet in flight, at most `max` bytes, as views; returns how many. */
  offer(into: Uint8Array[], max: number): number {
    const skip = this.bytesWritten;
    const count = Math.min(max, this.length - skip);
    this.isTried = true;
    this.bytesOffered = count;
    if (this.#pieces !== undefined) offerOf(this.#pieces, skip, count, into);
    else into.push(count === this.length ? this.#piece! : this.#piece!.subarray(skip, skip + count));
    return count;
  }

  /** Begins anew, on another connection. */
  restart(): void {
    if (this.isTried) this.retries++;
    this.isTried = false;
    this.bytesWritten = 0;
    this.bytesOffered = 0;
    this.connection = undefined;
  }
}

/** Views of so many bytes behind the first `skip`. */
function offerOf(pieces: readonly Uint8Array[], from: number, count: number, into: Uint8Array[]): void {
  let skip = from;
  let left = count;
  for (const piece of pieces) {
    if (left === 0) break;
    const end = Math.min(piece.length, skip + left);
    if (end > skip) {
      into.push(skip === 0 && end === piece.length ? piece : piece.subarray(skip, end));
      left -= end - skip;
    }
    skip = Math.max(0, skip - piece.length);
  }
}
