/**
 * A listening socket of Deno's as a listener driver: the loop that accepts.
 *
 * Deno's accept throws when descriptors run out, and would do so again at once; the loop waits and goes on. With TLS a
 * connection is told of when its handshake is done, and handshakes of many go on at once.
 *
 * @module
 */
import type { Clock } from "../../../core/clock.ts";
import { type Deadline, Deadlines } from "../../deadlines.ts";
import { SocketError } from "../../errors.ts";
import type { TListenerDriver, TListenerEvents } from "../../driver_types.ts";
import type { SocketTarget } from "../../option_types.ts";
import type { TsocketAddress } from "../../types.ts";
import { fromDenoAddress } from "./addresses.ts";
import type { DenoConn, DenoListener, DenoTlsConn } from "./deno_api.ts";
import { denoError } from "./errors.ts";
import { closeQuietly, DenoStreamDriver } from "./stream_driver.ts";
import { handshakeError } from "./tls.ts";

/** How long accepting rests after a failure, in milliseconds; twice as long after each further one in a row. */
export const MIN_ACCEPT_REST_MS = 5;

/** How long accepting rests at most, in milliseconds. */
export const MAX_ACCEPT_REST_MS = 1000;

/** Handshakes that may be under way; further connections are closed at once. */
export const MAX_HANDSHAKES = 1024;

/** How long a handshake may take, in milliseconds. */
export const HANDSHAKE_TIMEOUT_MS = 30_000;

/** What a listener is told. */
export interface DenoListenerOptions {
  readonly clock: Clock;
  /** Where it was meant to listen, which may have a zone that Deno drops. */
  readonly target?: SocketTarget;
  /** Send small writes of accepted connections at once. */
  readonly isNoDelay?: boolean;
}

/** One listening socket. */
export class DenoListenerDriver implements TListenerDriver {
  readonly kind: string = "deno";
  readonly localAddress: TsocketAddress;
  readonly #listener: DenoListener;
  readonly #isNoDelay: boolean;
  readonly #clock: Clock;
  readonly #deadlines: Deadlines;
  readonly #handshakes: Set<DenoTlsConn> = new Set();
  #events: TListenerEvents | undefined;
  #isClosed = false;
  #accepting: Promise<void> | undefined;
  #rest: { readonly deadline: Deadline; readonly end: () => void } | undefined;

  /** Takes a listener over. */
  constructor(listener: DenoListener, { clock, target, isNoDelay = true }: DenoListenerOptions) {
    this.#listener = listener;
    this.#isNoDelay = isNoDelay;
    this.#clock = clock;
    this.#deadlines = Deadlines.of(clock);
    this.localAddress = fromDenoAddress(listener.addr, target);
  }

  start(events: TListenerEvents): void {
    this.#events = events;
    this.#accepting = this.#acceptAll(events);
  }

  /** Resolves when the address is free again, which it is not while Deno's accept is under way. */
  async close(): Promise<void> {
    if (!this.#isClosed) this.#end();
    await this.#accepting;
  }

  #end(): void {
    this.#isClosed = true;
    closeQuietly(this.#listener);
    for (const conn of this.#handshakes) closeQuietly(conn);
    this.#handshakes.clear();
    if (this.#rest !== undefined) {
      this.#deadlines.clear(this.#rest.deadline);
      this.#rest.end();
    }
  }

  setRef(isRef: boolean): void {
    if (isRef) this.#listener.ref();
    else this.#listener.unref();
  }

  async #acceptAll(events: TListenerEvents): Promise<void> {
    let restMs = MIN_ACCEPT_REST_MS;
    while (!this.#isClosed) {
      let conn: DenoConn;
      try {
        conn = await this.#listener.accept();
      } catch (thrown) {
        if (this.#isClosed) return;
        const error = denoError(thrown, { syscall: "accept", address: this.localAddress });
        if (isGone(thrown)) return events.broken(error);
        events.acceptError(error);
        await this.#restFor(restMs);
        restMs = Math.min(2 * restMs, MAX_ACCEPT_REST_MS);
        continue;
      }
      restMs = MIN_ACCEPT_REST_MS;
      this.#accepted(conn, events);
    }
  }

  #restFor(restMs: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.#isClosed) return resolve();
      const end = (): void => {
        this.#rest = undefined;
        resolve();
      };
      this.#rest = { deadline: this.#deadlines.set(this.#clock.now() + restMs, end), end };
    });
  }

  #accepted(conn: DenoConn, events: TListenerEvents): void {
    if (this.#isClosed) return closeQuietly(conn);
    if (isTls(conn)) return void this.#shakeHands(conn, events);
    try {
      if (this.#isNoDelay) conn.setNoDelay?.(true);
    } catch { /* the peer may be gone already; reading will tell */ }
    events.connection(new DenoStreamDriver(conn));
  }

  async #shakeHands(conn: DenoTlsConn, events: TListenerEvents): Promise<void> {
    if (this.#handshakes.size >= MAX_HANDSHAKES) {
      closeQuietly(conn);
      const message = `accept: ${MAX_HANDSHAKES} TLS handshakes are under way already`;
      return events.acceptError(new SocketError(message, { code: "ENOBUFS", syscall: "accept" }));
    }
    let isLate = false;
    const deadline = this.#deadlines.set(this.#clock.now() + HANDSHAKE_TIMEOUT_MS, () => {
      isLate = true;
      closeQuietly(conn);
    });
    this.#handshakes.add(conn);
    try {
      const { alpnProtocol } = await conn.handshake();
      if (this.#isClosed) return closeQuietly(conn);
      events.connection(new DenoStreamDriver(conn, { alpn: alpnProtocol }));
    } catch (thrown) {
      closeQuietly(conn);
      if (!this.#isClosed) events.acceptError(isLate ? lateError(thrown) : handshakeError(thrown));
    } finally {
      this.#handshakes.delete(conn);
      this.#deadlines.clear(deadline);
    }
  }
}

function lateError(cause: unknown): SocketError {
  const message = `handshake: the peer did not finish it within ${HANDSHAKE_TIMEOUT_MS} ms`;
  return new SocketError(message, { code: "ETIMEDOUT", syscall: "handshake", cause });
}

function isTls(conn: DenoConn): conn is DenoTlsConn {
  return "handshake" in conn;
}

/** Whether the listener itself is closed, which Deno says in its own words rather than by an errno. */
function isGone(thrown: unknown): boolean {
  return thrown instanceof Error && (thrown.name === "BadResource" || thrown.name === "Interrupted");
}
