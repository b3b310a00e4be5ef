import { assert, assertEquals, assertNotStrictEquals, assertStrictEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { test } from "node:test";
import { type Clock, systemClock } from "../../src/core/clock.ts";
import { ManualClock } from "../../src/sim/manual_clock.ts";
import { type Deadline, Deadlines } from "../../src/tsocket/deadlines.ts";

/** A clock that counts the timers that were ever set. */
class CountingClock extends ManualClock {
  timersSet = 0;

  override setTimer(at: number, callback: () => void): () => void {
    this.timersSet++;
    return super.setTimer(at, callback);
  }
}

function setup(): { clock: CountingClock; deadlines: Deadlines; missed: string[] } {
  const clock = new CountingClock();
  return { clock, deadlines: Deadlines.of(clock), missed: [] };
}

test("63: deadlines are called in order of time, those for the same time in the order they were set", () => {
  const { clock, deadlines, missed } = setup();
  for (const [at, name] of [[30, "c"], [10, "a1"], [20, "b"], [10, "a2"], [10, "a3"]] as const) {
    deadlines.set(at, () => missed.push(`${name} at ${clock.now()}`));
  }
  clock.advance(9);
  assertEquals(missed, []);
  clock.advance(21);
  assertEquals(missed, ["a1 at 10", "a2 at 10", "a3 at 10", "b at 20", "c at 30"]);
  assertEquals([deadlines.size, clock.timers], [0, 0]);
});

test("63: however many there are, there is one timer, and none without deadlines", () => {
  const { clock, deadlines } = setup();
  assertEquals(clock.timers, 0);
  const set = Array.from({ length: 1000 }, (_, i) => deadlines.set(1000 - i, () => {}));
  assertEquals([clock.timers, clock.nextAt, deadlines.size], [1, 1, 1000]);
  for (const deadline of set) deadlines.clear(deadline);
  assertEquals([clock.timers, deadlines.size], [0, 0]);
});

test("63: clearing the first one leaves the timer alone, which fires too early and is set again", () => {
  const { clock, deadlines, missed } = setup();
  const first = deadlines.set(10, () => missed.push("first"));
  deadlines.set(50, () => missed.push("second"));
  deadlines.clear(first);
  assertEquals([clock.timersSet, clock.nextAt], [1, 10]);
  clock.advance(10);
  assertEquals([missed, clock.timersSet, clock.nextAt], [[], 2, 50]);
  clock.advance(40);
  assertEquals([missed, clock.timers], [["second"], 0]);
});

test("63: an operation per tick with a deadline far away sets no timer each while another deadline is there", () => {
  const { clock, deadlines } = setup();
  deadlines.set(1_000_000, () => {});
  for (let i = 0; i < 1000; i++) deadlines.clear(deadlines.set(2_000_000 + i, () => {}));
  assertEquals([clock.timersSet, deadlines.size], [1, 1]);
});

test("63: a deadline that is past is called soon, not within set", () => {
  const { clock, deadlines, missed } = setup();
  clock.advance(100);
  deadlines.set(50, () => missed.push("past"));
  deadlines.set(-Infinity, () => missed.push("long past"));
  assertEquals(missed, []);
  clock.advance(0);
  assertEquals(missed, ["long past", "past"]);
});

test("63: a deadline that is never keeps no timer", () => {
  const { clock, deadlines } = setup();
  const never = deadlines.set(Infinity, () => {});
  assertEquals([clock.timers, deadlines.size], [0, 1]);
  const soon = deadlines.set(1, () => {});
  assertEquals(clock.timers, 1);
  deadlines.clear(soon);
  assertEquals([clock.timers, deadlines.size], [0, 1]);
  deadlines.clear(never);
  assertEquals(deadlines.size, 0);
});

test("63: clearing twice, after it was called, or elsewhere does nothing", () => {
  const { clock, deadlines, missed } = setup();
  const other = new Deadlines(clock);
  const a = deadlines.set(10, () => missed.push("a"));
  const b = deadlines.set(10, () => missed.push("b"));
  other.set(10, () => missed.push("other"));
  other.clear(b);
  other.clear({ at: 10 });
  deadlines.clear(a);
  deadlines.clear(a);
  clock.advance(10);
  deadlines.clear(b);
  assertEquals([missed, a.at], [["b", "other"], 10]);
});

test("63: callbacks may set and clear others, and what they set for the past waits for the next timer", () => {
  const { clock, deadlines, missed } = setup();
  let rounds = 0;
  const again = (): void => {
    rounds++;
    if (rounds < 5) deadlines.set(0, again);
  };
  deadlines.set(10, () => {
    missed.push("a");
    deadlines.clear(b);
    deadlines.set(10, () => missed.push("new"));
    deadlines.set(15, () => missed.push("later"));
  });
  const b = deadlines.set(10, () => missed.push("b"));
  deadlines.set(12, again);
  clock.advance(20);
  assertEquals([missed, rounds, clock.timers], [["a", "new", "later"], 5, 0]);
});

test("63: a callback that throws takes nobody else's deadline away", () => {
  const { clock, deadlines, missed } = setup();
  deadlines.set(10, () => {
    throw new Error("mine");
  });
  deadlines.set(10, () => missed.push("b"));
  deadlines.set(20, () => missed.push("c"));
  assertThrows(() => clock.advance(10), Error, "mine");
  clock.advance(10);
  assertEquals([missed, clock.timers], [["b", "c"], 0]);
});

test("63: users of one clock share its deadlines, users of another do not", () => {
  const clock = new ManualClock();
  assertStrictEquals(Deadlines.of(clock), Deadlines.of(clock));
  assertNotStrictEquals(Deadlines.of(clock), Deadlines.of(new ManualClock()));
});

test("63: what is no time is refused", () => {
  const { deadlines } = setup();
  for (const at of [NaN, undefined, "10"]) {
    assertThrows(() => deadlines.set(at as number, () => {}), RangeError, "a deadline must be a time");
  }
  assertEquals(deadlines.size, 0);
});

test("63: on the system's clock a deadline is called no sooner than it is due", async () => {
  const deadlines = Deadlines.of(systemClock);
  const at = systemClock.now() + 5;
  const cleared = deadlines.set(at - 3, () => assert(false, "was cleared"));
  const now = await new Promise<number>((resolve) => {
    deadlines.set(at, () => resolve(systemClock.now()));
    deadlines.clear(cleared);
  });
  assert(now >= at, `${now} is before ${at}`);
  assertEquals(deadlines.size, 0);
});

test("63: a timer that comes too early calls nothing and is set again", () => {
  const manual = new ManualClock();
  let early = 7;
  const hasty: Clock = {
    now: () => manual.now(),
    setTimer: (at, callback) => manual.setTimer(at - early, callback),
  };
  const deadlines = new Deadlines(hasty);
  let calledAt = -1;
  deadlines.set(10, () => calledAt = manual.now());
  early = 0;
  manual.advance(9);
  assertEquals([calledAt, manual.nextAt], [-1, 10]);
  manual.advance(5);
  assertEquals([calledAt, manual.timers], [10, 0]);
});

type Step = { set: number } | { clear: number } | { advance: number };

test("63: deadlines do what a sorted array does", () => {
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 4, arbitrary: fc.record({ set: fc.nat(60) }) },
    { weight: 2, arbitrary: fc.record({ clear: fc.nat(40) }) },
    { weight: 1, arbitrary: fc.record({ advance: fc.nat(15) }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120, size: "max" }), (steps) => {
      const { clock, deadlines } = setup();
      const called: number[] = [];
      const expected: number[] = [];
      const all: Deadline[] = [];
      let reference: { at: number; id: number }[] = [];
      for (const step of steps) {
        if ("set" in step) {
          const id = all.length;
          // some in the past
          const at = clock.now() + step.set - 10;
          all.push(deadlines.set(at, () => called.push(id)));
          reference.push({ at, id });
        } else if ("clear" in step) {
          const deadline = all[step.clear];
          if (deadline !== undefined) deadlines.clear(deadline);
          reference = reference.filter(({ id }) => id !== step.clear);
        } else {
          clock.advance(step.advance);
          reference.sort((a, b) => a.at - b.at || a.id - b.id);
          const due = reference.filter(({ at }) => at <= clock.now());
          expected.push(...due.map(({ id }) => id));
          reference = reference.filter(({ at }) => at > clock.now());
        }
        assertEquals(called, expected);
        assertEquals([deadlines.size, clock.timers], [reference.length, reference.length > 0 ? 1 : 0]);
      }
    }),
    { numRuns: 1000 },
  );
});
