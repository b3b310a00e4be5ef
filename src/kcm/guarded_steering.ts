/**
 * A policy at work, as steering tells it who comes and goes: each target once, and what the policy throws keeps nobody
 * from what is to be done then. Internal.
 *
 * @module
 */
import type { Steering, SteeringTarget } from "./steering_policy.ts";

/** The callbacks of a policy. */
export class GuardedSteering {
  readonly #steering: Steering;
  readonly #threw: (thrown: unknown) => void;
  /** Targets that it was told of. */
  readonly #known: Set<SteeringTarget> = new Set();

  /** What `steering` throws goes to `threw`. */
  constructor(steering: Steering, threw: (thrown: unknown) => void) {
    this.#steering = steering;
    this.#threw = threw;
  }

  /** A target has come, if it was not there. */
  joined(target: SteeringTarget): void {
    if (this.#known.has(target)) return;
    this.#known.add(target);
    this.#try(() => this.#steering.joined?.(target));
  }

  /** A target is gone, if it was there. */
  left(target: SteeringTarget): void {
    if (this.#known.delete(target)) this.#try(() => this.#steering.left?.(target));
  }

  /** A connection or socket that messages came from is gone. */
  originLeft(origin: number): void {
    this.#try(() => this.#steering.originLeft?.(origin));
  }

  #try(run: () => void): void {
    try {
      run();
    } catch (thrown) {
      this.#threw(thrown);
    }
  }
}
