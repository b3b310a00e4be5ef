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
  readonly #closing: Set<StackUser> = new Set();
  #allClosed: (() => void) | undefined;

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
  turn(): void {
    this.#driver.turn();
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
    this.#closing.add(user);
  }

  /** It is done. */
  left(user: StackUser): void {
    this.#users.delete(user);
    if (this.#closing.delete(user) && this.#closing.size === 0) this.#allClosed?.();
  }

  /** Resolves when all that have closed their side have left, and after `graceMs` in any case. */
  async allClosed(graceMs: number): Promise<void> {
    if (this.#closing.size === 0 || this.#driver.isOver) return;
    await new Promise<void>((resolve) => {
      const disarm = this.#clock.setTimer(this.#clock.now() + graceMs, resolve);
      this.#allClosed = () => {
        disarm();
        resolve();
      };
    });
  }

  /** The stack is over. */
  over(error: unknown, isReset: boolean): void {
    this.isClosed = true;
    for (const user of this.#users) user.gone(error, isReset);
    this.#users.clear();
    this.#allClosed?.();
  }
}
