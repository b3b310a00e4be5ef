/** Tests that wait for another machine: none for ever, and one that waits in vain says what is known of both ends. */
import { test } from "node:test";

/** Limits the tests of a file. */
export class LimitedTests {
  readonly #limitMs: number;
  readonly #state: () => Promise<string>;
  #hanging: string | undefined;

  /** Each test ends within `limitMs`; `state` tells what would explain that one has not. */
  constructor(limitMs: number, state: () => Promise<string>) {
    this.#limitMs = limitMs;
    this.#state = state;
  }

  /** A test; not run when one before it hangs, for that has the machine to itself. */
  test(name: string, body: () => Promise<void>): void {
    // the runner's own limit is for a state that cannot be told
    test(name, { timeout: 2 * this.#limitMs }, async () => {
      if (this.#hanging !== undefined) throw new Error(`not run, because another one hangs: ${this.#hanging}`);
      try {
        await this.#limited(name, body());
      } catch (error) {
        const { name, message } = error as Error;
        if (name === "AssertionError") throw error;
        throw new Error(`${message}\n${await this.#state()}`, { cause: error });
      }
    });
  }

  async #limited(name: string, ended: Promise<void>): Promise<void> {
    let timer: ReturnType<typeof setTimeout>;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        this.#hanging = name;
        reject(new Error(`not done after ${this.#limitMs / 1000} s`));
      }, this.#limitMs);
    });
    await Promise.race([ended, late]).finally(() => clearTimeout(timer));
  }
}
