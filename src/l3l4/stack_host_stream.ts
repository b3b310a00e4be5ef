/**
 * What a stack lends to those who use its ports: the time, turns of its engine, and who they are when it ends. Internal.
 *
 * @module
 */
import type { Clock } from "../core/clock.ts";
import type { InetAddress } from "../tsocket/inet_address.ts";
import type { StackUser } from "./flow_user.ts";
import type { StackDriver } from "./stack_driver_stream.ts";
import type { TcpSideHost } from "./tcp_side_stream.ts";
import type { UdpHost } from "./udp_side_stream.ts";

/** One for each stack. */
export class StackHost implements TcpSideHost, UdpHost {
  /** Whether nothing new is begun any more. */
  isClosed = false;
  readonly #clock: Clock;
  readonly #driver: StackDriver;
  readonly #sourceFor: (to: InetAddress) => InetAddress | undefined;
  readonly #users: Set<StackUser> = new Set();
  /** Those that have closed their side, and until when they are waited for: for ever until the peer has acknowledged that. */
  readonly #closing: Map<StackUser, number> = new Map();
  #undelivered = 0;
  #wait: { readonly latestAt: number; readonly done: () => void; disarm: () => void } | undefined;

  /** Nobody uses anything. */
  constructor(clock: Clock, driver: StackDriver, sourceFor: (to: InetAddress) => InetAddress | undefined) {
    this.#clock = clock;
    this.#driver = driver;
    this.#sourceFor = sourceFor;
  }

  /** The time. */
  now(): number {
    return this.#driver.now();
  }

  /** Something was done to a port. */
  turn(now?: number): void {
    this.#driver.turn(now);
  }

  /** A callback of the user's threw. */
  threw(error: unknown): void {
    this.#driver.threw(error);
  }

  /** The address to connect or send from. */
  sourceFor(to: InetAddress): InetAddress | undefined {
    return this.#sourceFor(to);
  }

  /** There is one more. */
  joined(user: StackUser): void {
    this.#users.add(user);
  }

  /** It has closed its side. */
  closing(user: StackUser): void {
    if (this.#closing.has(user)) return;
    this.#closing.set(user, Infinity);
    this.#undelivered++;
    const wait = this.#wait;
    if (wait === undefined) return;
    // it is waited for as well: not only for as long as those whose bytes had arrived
    wait.disarm();
    wait.disarm = this.#clock.setTimer(wait.latestAt, wait.done);
  }

  /** See {@linkcode FlowHost}. */
  delivered(user: StackUser, waitMs: number): void {
    if (this.#closing.get(user) !== Infinity) return;
    this.#closing.set(user, this.now() + waitMs);
    this.#arrived();
  }

  /** It is done. */
  left(user: StackUser): void {
    this.#users.delete(user);
    const until = this.#closing.get(user);
    if (until === undefined) return;
    this.#closing.delete(user);
    if (until === Infinity) this.#arrived();
    else if (this.#closing.size === 0) this.#wait?.done();
  }

  /**
   * Resolves when all that have closed their side have left, or at least what they have sent has arrived and their peers
   * had the time to end as well; and after `graceMs` in any case.
   */
  async allClosed(graceMs: number): Promise<void> {
    if (this.#closing.size === 0 || this.#driver.isOver) return;
    const latestAt = this.#clock.now() + graceMs;
    await new Promise<void>((done) => {
      this.#wait = { latestAt, done, disarm: this.#clock.setTimer(latestAt, done) };
      if (this.#undelivered === 0) this.#waitForEnds();
    });
    this.#wait?.disarm();
    this.#wait = undefined;
  }

  /** The stack is over. */
  over(error: unknown, isReset: boolean): void {
    this.isClosed = true;
    for (const user of this.#users) user.gone(error, isReset);
    this.#users.clear();
    this.#wait?.done();
  }

  /** There is one fewer whose bytes are under way. */
  #arrived(): void {
    if (--this.#undelivered > 0 || this.#wait === undefined) return;
    if (this.#closing.size === 0) this.#wait.done();
    else this.#waitForEnds();
  }

  #waitForEnds(): void {
    const wait = this.#wait!;
    let until = 0;
    for (const at of this.#closing.values()) until = Math.max(until, at);
    wait.disarm();
    wait.disarm = this.#clock.setTimer(Math.min(until, wait.latestAt), wait.done);
  }
}
