/**
 * A connection that is made to see whether a backend is there, and with a probe whether it answers.
 *
 * @module
 */
import type { Sink } from "../../core/engine.ts";
import type { LeatError } from "../../core/errors.ts";
import { StreamParser } from "../../strparser/stream_parser.ts";
import { KcmError } from "../errors.ts";
import type { Backend } from "./backend.ts";
import type { BalancerHost } from "./balancer_host.ts";
import { BasePort } from "./line_port.ts";

/** A check under way. */
export class CheckChannel extends BasePort {
  /** What it is. */
  readonly kind = "check";
  /** What is checked. */
  readonly backend: Backend;
  /** When it began. */
  readonly since: number;
  readonly #host: BalancerHost;
  readonly #parser: StreamParser;

  /** A connection that is being made. */
  constructor(backend: Backend, host: BalancerHost) {
    super();
    const { protocol, maxMessageLength } = host.settings;
    this.backend = backend;
    this.since = host.now;
    this.#host = host;
    const sink: Sink<Uint8Array> = {
      // whatever it says, somebody is there who speaks the protocol
      item: () => this.#finish(true, undefined),
      error: (error: LeatError) => this.#finish(false, error),
      end: () => {},
    };
    this.#parser = new StreamParser(
      { parser: protocol.parser, direction: "server", maxMessageLength, copy: true },
      sink,
    );
  }

  get wantsInput(): boolean {
    return true;
  }

  /** The connection stands. */
  opened(now: number): void {
    this.#host.now = now;
    const { probe } = this.#host.settings;
    if (probe === undefined) return this.#finish(true, undefined);
    this.out.append(probe);
    this.#host.attend(this);
  }

  push(bytes: Uint8Array, now: number): void {
    this.#host.now = now;
    if (!this.isOver) this.#parser.push(bytes, now);
  }

  end(now: number): void {
    this.fail(new KcmError("the backend has ended the connection", { code: "EOF", blame: "remote" }), now);
  }

  fail(error: unknown, now: number): void {
    this.#host.now = now;
    this.#finish(false, error);
  }

  /** Gives up when it takes too long. */
  checkTime(now: number): void {
    const { connectTimeoutMs } = this.#host.settings;
    if (now - this.since < connectTimeoutMs) return;
    const message = `a check took more than ${connectTimeoutMs} ms`;
    this.fail(new KcmError(message, { code: "ETIMEDOUT", blame: "remote" }), now);
  }

  /** Nobody wants to know any more. */
  abort(): void {
    this.isOver = this.isAborted = true;
    this.#host.attend(this);
  }

  #finish(isWell: boolean, error: unknown): void {
    if (this.isOver) return;
    this.isOver = this.isShut = true;
    this.isAborted = !isWell;
    this.#host.attend(this);
    this.#host.checked(this, isWell, error);
  }
}
