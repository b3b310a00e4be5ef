/**
 * The one timer of a stage: wakes its engine when the engine asked for it.
 *
 * @module
 */
import type { Clock } from "../core/clock.ts";
import type { Engine } from "../core/engine.ts";

/** Keeps one timer of the clock in step with `engine.timeoutAt()`. */
export class EngineTimer {
  readonly #clock: Clock;
  readonly #engine: Pick<Engine<never>, "timeoutAt" | "onTimeout">;
  readonly #after: () => void;
  readonly #failed: (thrown: unknown) => void;
  #armedAt = Infinity;
  #disarm: (() => void) | undefined;
  #isStopped = false;

  /**
   * `after` is called when the engine has run a timeout, to flush what came out; before it `failed` with what a callback
   * of the engine threw, which has no caller to go to.
   */
  constructor(
    clock: Clock,
    engine: Pick<Engine<never>, "timeoutAt" | "onTimeout">,
    after: () => void,
    failed: (thrown: unknown) => void,
  ) {
    this.#clock = clock;
    this.#engine = engine;
    this.#after = after;
    this.#failed = failed;
  }

  /** Whether the engine may have something to do: the timer is never later than what it wanted when last looked at. */
  isDue(now: number): boolean {
    return this.#armedAt <= now;
  }

  /** Looks at what the engine wants now. A timer that fires early only asks again, so later deadlines cost nothing. */
  update(): void {
    if (this.#isStopped) return;
    const at = this.#engine.timeoutAt();
    if (at >= this.#armedAt) return;
    this.#disarm?.();
    this.#armedAt = at;
    this.#disarm = this.#clock.setTimer(at, () => this.#fire());
  }

  /** Cancels the timer for good. */
  stop(): void {
    this.#isStopped = true;
    this.#disarm?.();
    this.#disarm = undefined;
  }

  #fire(): void {
    this.#armedAt = Infinity;
    this.#disarm = undefined;
    const now = this.#clock.now();
    if (now >= this.#engine.timeoutAt()) {
      try {
        this.#engine.onTimeout(now);
      } catch (thrown) {
        this.#failed(thrown);
      }
      this.#after();
    }
    this.update();
  }
}
