/**
 * Counts what judging a program costs, against its limits.
 *
 * @module
 */
import { BpfError } from "../errors.ts";

/** Steps taken and states kept. */
export class Effort {
  /** Instructions looked at. */
  steps = 0;
  #states = 0;
  readonly #maxSteps: number;
  readonly #maxStates: number;

  /** Takes the limits. */
  constructor(maxSteps: number, maxStates: number) {
    this.#maxSteps = maxSteps;
    this.#maxStates = maxStates;
  }

  /** Counts a step. */
  readonly step = (): void => {
    if (++this.steps > this.#maxSteps) this.#stop(`after maxSteps ${this.#maxSteps} instructions`);
  };

  /** Counts states that are kept, or are no more. */
  keep(count: number): void {
    this.#states += count;
    if (this.#states > this.#maxStates) this.#stop(`with more than maxStates ${this.#maxStates} states`);
  }

  /** Forgets all states. */
  release(): void {
    this.#states = 0;
  }

  #stop(when: string): never {
    throw new BpfError(`the program is too complex: ${when} its verification has not ended`, { code: "E2BIG" });
  }
}
