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
  readonly backend: Backend;
  /** Whether the connection stands. */
  isOpen = false;
  /** Which try it is. */
  readonly attempt: number;
  /** When connecting began. */
  readonly since: number;
  readonly #host: BalancerHost;

  /** A connection that is being made; after one that could not be, it takes over what that one was to send. */
  constructor(client: ClientPort, backend: Backend, host: BalancerHost, before?: SessionChannel) {
    super();
    this.attempt = (before?.attempt ?? 0) + 1;
    this.isShut = before?.isShut ?? false;
    for (const piece of before?.out.take() ?? []) this.out.append(piece);
    this.client = client;
    this.backend = backend;
    this.#host = host;
    this.since = host.now;
  }

  get wantsInput(): boolean {
    return this.client.bytesUnwritten < HIGH_WATER;
  }

  /** Whether the client may go on sending. */
  get hasRoom(): boolean {
    return this.bytesUnwritten < HIGH_WATER;
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
    super.wrote(now);
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
