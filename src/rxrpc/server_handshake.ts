/**
 * A server asks a client who it is: the challenge, repeated until it is answered, and the packets that wait for that.
 *
 * @module
 */
import type { RxHeader } from "./header.ts";
import type { AcceptedConnection, ServerProtection } from "./security/protection.ts";

const REPEAT_MS = 2000;
const MAX_CHALLENGES = 8;
/** How long a bad answer goes without one. */
const FAILURE_DELAY_MS = 1000;

interface Parked {
  readonly header: RxHeader;
  readonly datagram: Uint8Array;
}

/** The handshake of one connection, at the server. */
export class ServerHandshake {
  /** Whether the client has proved who it is. */
  isDone = false;
  /** What was wrong with its answer; to be said when {@linkcode timeoutAt} has come. */
  failure: { readonly code: number; readonly error: unknown } | undefined;
  readonly #protection: ServerProtection;
  readonly #hold: (bytes: number) => boolean;
  #parked: Parked[] = [];
  #bytes = 0;
  #nextAt = Infinity;
  #asked = 0;

  /** Nothing was asked yet. What waits is held as far as `hold` allows, which gives back what is negative. */
  constructor(protection: ServerProtection, hold: (bytes: number) => boolean) {
    this.#protection = protection;
    this.#hold = hold;
  }

  /** Whether a challenge waits for its answer. */
  get isWaiting(): boolean {
    return this.#asked > 0 && !this.isDone && this.failure === undefined;
  }

  /** When something has to be done. */
  timeoutAt(): number {
    return this.#nextAt;
  }

  /** Something waits: whether the client has to be asked. */
  begin(now: number): boolean {
    if (this.#nextAt !== Infinity || this.isDone) return false;
    return this.again(now);
  }

  /** Whether it is to be asked (again). */
  again(now: number): boolean {
    if (this.failure !== undefined || this.#asked >= MAX_CHALLENGES) return false;
    this.#asked++;
    this.#nextAt = now + REPEAT_MS;
    return true;
  }

  /** What to ask. */
  challenge(): Uint8Array {
    return this.#protection.challenge();
  }

  /** Takes an answer; `undefined` when it was wrong. */
  respond(response: Uint8Array, wallMs: number, now: number): AcceptedConnection | undefined {
    try {
      const accepted = this.#protection.accept(response, wallMs);
      this.isDone = true;
      this.#nextAt = Infinity;
      return accepted;
    } catch (error) {
      const code = (error as { abortCode?: unknown } | null)?.abortCode;
      if (typeof code !== "number") throw error;
      this.failure = { code, error };
      this.#nextAt = now + FAILURE_DELAY_MS;
      return undefined;
    }
  }

  /** Keeps a packet until the answer has come; `false` when there are too many. */
  park(header: RxHeader, datagram: Uint8Array, maxPackets: number): boolean {
    if (this.#parked.length >= maxPackets || !this.#hold(datagram.length)) return false;
    this.#bytes += datagram.length;
    this.#parked.push({ header, datagram: datagram.slice() });
    return true;
  }

  /** Gives back what waited. */
  unpark(): readonly Parked[] {
    const parked = this.#parked;
    this.#parked = [];
    this.#hold(-this.#bytes);
    this.#bytes = 0;
    return parked;
  }

  /** Nobody waits any more. The next packet asks anew. */
  stop(): void {
    this.unpark();
    this.#nextAt = Infinity;
    this.#asked = 0;
  }
}
