import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { test } from "node:test";
import { JobQueue } from "../../src/tsocket/job_queue.ts";
import { turns } from "../support/turns.ts";

const KINDS = ["job", "signal job", "quick", "failing", "lock", "flush", "block"] as const;

type Kind = typeof KINDS[number];

type Step =
  | { do: "add"; kind: Kind }
  | { do: "finish"; pick: number }
  | { do: "abort"; pick: number }
  | { do: "stop" | "start" | "destroy" };

/** What can be seen of a queue: what has begun, in order, and how things ended, in order. */
interface Seen {
  begun: string[];
  ended: string[];
  length: number;
  running: boolean;
}

/** The queue as an array. */
class Reference {
  places: { id: string; kind: Kind; isStarted: boolean; isTold: boolean }[] = [];
  begun: string[] = [];
  ended: string[] = [];
  isStopped = false;
  isDestroyed = false;
  /** Which place the last "finish" or "abort" was about. */
  target: string | undefined;

  apply(step: Step, id: string): Seen {
    if (step.do === "add") this.#add(step.kind, id);
    else if (step.do === "stop") this.isStopped = true;
    else if (step.do === "start") this.isStopped = false;
    else if (step.do === "finish") this.#finish(step.pick);
    else if (step.do === "abort") this.#abort(step.pick);
    else this.#destroy();
    this.#advance();
    const { begun, ended } = this;
    return { begun, ended, length: this.places.length, running: !this.isStopped && !this.isDestroyed };
  }

  #add(kind: Kind, id: string): void {
    if (this.isDestroyed) {
      if (kind !== "block") this.ended.push(`${id} destroyed`);
    } else if (kind === "flush" && this.places.length === 0) {
      this.begun.push(id);
      this.ended.push(`${id} done`);
    } else {
      this.places.push({ id, kind, isStarted: false, isTold: false });
    }
  }

  /** What holds the queue ends, and blockers wherever they are. */
  #finish(pick: number): void {
    const can = this.places.filter(({ kind, isStarted }) => isStarted || kind === "block");
    const place = can[pick % can.length];
    this.target = place?.id;
    if (place === undefined) return;
    this.places = this.places.filter((other) => other !== place);
    if (place.kind === "job" || place.kind === "signal job") this.ended.push(`${place.id} done`);
  }

  /** A place that waits ends; one that was reached is only told. */
  #abort(pick: number): void {
    const can = this.places.filter(({ kind }) => kind !== "block");
    const place = can[pick % can.length];
    this.target = place?.id;
    if (place === undefined) return;
    if (place.isStarted) {
      if (place.kind === "signal job" && !place.isTold) this.ended.push(`${place.id} told`);
      place.isTold = true;
    } else {
      this.places = this.places.filter((other) => other !== place);
      this.ended.push(`${place.id} aborted`);
    }
  }

  #destroy(): void {
    if (this.isDestroyed) return;
    this.isDestroyed = true;
    for (const place of this.places) {
      if (!place.isStarted && place.kind !== "block") this.ended.push(`${place.id} destroyed`);
      place.isTold = true;
    }
    this.places = this.places.filter(({ isStarted }) => isStarted);
  }

  #advance(): void {
    for (let head = this.places[0]; head !== undefined; head = this.places[0]) {
      if (head.isStarted || this.isStopped || this.isDestroyed) return;
      head.isStarted = true;
      if (head.kind !== "block") this.begun.push(head.id);
      if (head.kind === "lock") this.ended.push(`${head.id} done`);
      if (head.kind !== "quick" && head.kind !== "failing" && head.kind !== "flush") return;
      this.ended.push(`${head.id} ${head.kind === "failing" ? "failed" : "done"}`);
      this.places.shift();
    }
  }
}

interface RealPlace {
  readonly id: string;
  readonly kind: Kind;
  readonly controller: AbortController;
  /** Ends it, once it was reached. */
  finish?: () => void;
}

/** The same steps done to the real one. */
class Real {
  readonly queue: JobQueue = new JobQueue();
  readonly #places: Map<string, RealPlace> = new Map();
  readonly #begun: string[] = [];
  readonly #ended: string[] = [];
  #isDestroyed = false;

  async apply(step: Step, id: string, target: string | undefined): Promise<Seen> {
    if (step.do === "add") this.#add(step.kind, id);
    else if (step.do === "stop") this.queue.stop();
    else if (step.do === "start") this.queue.start();
    else if (step.do === "destroy") this.#destroy();
    else if (step.do === "finish") this.#places.get(target ?? "")?.finish?.();
    else this.#places.get(target ?? "")?.controller.abort("aborted");
    // one turn runs all microtasks
    await turns(1);
    return { begun: this.#begun, ended: this.#ended, length: this.queue.length, running: this.queue.running };
  }

  #destroy(): void {
    this.#isDestroyed = true;
    this.queue.destroy("destroyed");
  }

  #add(kind: Kind, id: string): void {
    const place: RealPlace = { id, kind, controller: new AbortController() };
    if (kind === "block" && this.#isDestroyed) return;
    this.#places.set(id, place);
    if (kind === "block") return this.#finishBy(place, this.queue.block());
    // each promise has its reaction right here, so that the order of what ended is the queue's own
    this.#promiseOf(place).then(
      (hold) => {
        if (kind === "lock" || kind === "flush") this.#begun.push(id);
        if (kind === "lock") this.#finishBy(place, hold as Disposable);
        this.#ended.push(`${id} done`);
      },
      (reason) => this.#ended.push(`${id} ${reason}`),
    );
  }

  #finishBy(place: RealPlace, hold: Disposable): void {
    place.finish = () => hold[Symbol.dispose]();
  }

  #promiseOf(place: RealPlace): Promise<unknown> {
    const { id, kind } = place;
    const options = { signal: place.controller.signal };
    const begin = () => this.#begun.push(id);
    if (kind === "lock") return this.queue.acquire(options);
    if (kind === "flush") return this.queue.flushed(options);
    if (kind === "quick") return this.queue.run(begin, options);
    const held = () =>
      new Promise<void>((resolve) => {
        begin();
        place.finish = resolve;
      });
    if (kind === "job") return this.queue.run(held, options);
    if (kind === "signal job") {
      return this.queue.run((signal) => {
        signal.addEventListener("abort", () => {
          if (signal.reason === "aborted") this.#ended.push(`${id} told`);
        });
        return held();
      }, options);
    }
    return this.queue.run(() => {
      begin();
      throw "failed";
    }, options);
  }
}

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant("add" as const), kind: fc.constantFrom(...KINDS) }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant("finish" as const), pick: fc.nat(20) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("abort" as const), pick: fc.nat(20) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom("stop" as const, "start" as const, "start" as const) }) },
);

async function compare(steps: readonly Step[]): Promise<void> {
  const reference = new Reference();
  const real = new Real();
  for (const [i, step] of steps.entries()) {
    const expected = reference.apply(step, `${i}`);
    assertEquals(await real.apply(step, `${i}`, reference.target), expected);
  }
}

test("46-51: a queue does what an array of places does, whatever comes in whatever order", async () => {
  await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 40 }), compare), { numRuns: 300 });
});

test("49: the same when it is destroyed in between", async () => {
  const steps = fc.tuple(fc.array(step, { maxLength: 25 }), fc.array(step, { maxLength: 8 }));
  await fc.assert(
    fc.asyncProperty(steps, ([before, after]) => compare([...before, { do: "destroy" }, ...after])),
    { numRuns: 200 },
  );
});
