/** The queue of timers against the simplest one there is. */
import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { type Timed, TimerQueue } from "../../src/core/timer_queue.ts";
import { SeededRandom } from "../../src/sim/mod.ts";

class Item implements Timed {
  queuedAt = Infinity;
  queueIndex = -1;
  at = Infinity;
  readonly #rang: string[];
  readonly #name: string;

  constructor(name: string, rang: string[]) {
    this.#name = name;
    this.#rang = rang;
  }

  timeoutAt(): number {
    return this.at;
  }

  onTimeout(now: number): void {
    this.#rang.push(`${this.#name} at ${this.at} by ${now}`);
    this.at = Infinity;
  }
}

test("property: everything rings at its time, whatever was changed before, and nothing stays that is due never more", () => {
  for (let seed = 1; seed <= 50; seed++) {
    const random = new SeededRandom(seed);
    const queue = new TimerQueue();
    const rang: string[] = [];
    const items = Array.from({ length: 40 }, (_, at) => new Item(String(at), rang));
    for (let now = 0; now < 500; now++) {
      for (let i = random.below(10); i > 0; i--) {
        const item = random.pick(items);
        item.at = random.chance(0.2) ? Infinity : now + 1 + random.below(60);
        queue.update(item);
      }
      const due = items.filter(({ at }) => at <= now).length;
      const first = Math.min(...items.map(({ at }) => at));
      assertEquals(queue.nextAt <= first, true);
      const before = rang.length;
      queue.run(now);
      assertEquals(rang.length - before, due, `seed ${seed}`);
      assertEquals(queue.size, items.filter(({ at }) => at !== Infinity).length);
    }
  }
});
