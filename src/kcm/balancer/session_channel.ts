/**
 * A connection to a backend that belongs to one client: whatever one side says the other hears, byte by byte.
 *
 * @module
 */
import type { Backend } from "./backend.ts";
import type { BalancerHost } from "./balancer_host.ts";
import type { ClientPort } from "./client_port.ts";
import { BasePort } from "./line_port.ts";

/** Bytes that may wait on one side before the other is not read. */
const HIGH_WATER = 256 * 1024;

/** A connection of one client's own. */
export class SessionChannel extends BasePort {
  /** What it is. */
  readonly kind = "session";
  /** Whose it is. */
  readonly client: ClientPort;
  /** Where it goes. */
  backend: Backend;
  /** Whether the connection stands. */
  isOpen = false;
  /** Backends tried. */
  attempts = 1;
  /** When connecting began. */
  since: number;
  readonly #host: BalancerHost;

  /** A connection that is being made. */
  constructor(client: ClientPort, backend: Backend, host: BalancerHost) {
    super();
    this.client = client;
    this.backend = backend;
    this.#host = host;
    this.since = host.now;
  }

  get wantsInput(): boolean {
    return this.client.out.bytes < HIGH_WATER;
  }

  /** Whether the client may go on sending. */
  get hasRoom(): boolean {
    return this.out.bytes < HIGH_WATER;
  }

  /** The connection stands. */
  opened(now: number): void {
    this.#host.now = now;
    this.isOpen = true;
    this.backend.succeeded();
    this.#host.attend(this);
  }

  /** Takes what the client sent. */
  send(bytes: Uint8Array): void {
    this.out.append(bytes);
    this.#host.attend(this);
  }

  /** The client has ended its side. */
  shut(): void {
    this.isShut = true;
    this.#host.attend(this);
  }

  override wrote(now: number): void {
    this.#host.now = now;
    this.#host.attend(this.client);
  }

  push(bytes: Uint8Array, now: number): void {
    this.#host.now = now;
    this.bytesIn += bytes.length;
    if (!this.isOver) this.client.fromSession(bytes);
  }

  end(now: number): void {
    this.#host.now = now;
    if (this.isOver) return;
    this.#close();
    this.client.sessionEnded();
  }

  fail(error: unknown, now: number): void {
    this.#host.now = now;
    if (this.isOver) return;
    if (!this.isOpen) return this.#host.sessionFailed(this, error);
    this.abort();
    this.client.sessionBroke();
  }

  /** Gives the connection up. */
  abort(): void {
    if (this.isOver) return;
    this.isAborted = true;
    this.#close();
  }

  /** The client has gone: what it sent is still delivered. */
  finish(): void {
    if (!this.isOver) this.#close();
  }

  #close(): void {
    this.isOver = this.isShut = true;
    this.#host.sessionClosed(this);
    this.#host.attend(this);
  }
}
