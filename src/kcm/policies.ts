/**
 * Steering policies.
 *
 * Each may be given to either direction of a multiplexor. What they cost is told where it grows with the number of
 * targets.
 *
 * @module
 */
import { callbackOption, limitOption } from "../core/limits.ts";
import type { Steering, SteeringKey, SteeringPolicy, SteeringSubject, SteeringTarget } from "./steering_policy.ts";

/** The default policy; see {@linkcode fifo}. */
export interface FifoPolicy extends SteeringPolicy {
  /** How many messages of one run a socket gets. */
  readonly messagesPerTurn: number;
}

/**
 * First in line first: the target that had its turn goes to the end of the line. For messages that come in a turn is
 * `messagesPerTurn` messages of what one connection brings at a time; `Infinity`, the kernel's way, gives all that was
 * pushed at once to one socket.
 *
 * @throws {TypeError | RangeError} when it is no such number
 *
 * @example
 * ```ts
 * import { fifo, Multiplexor } from "@leat/streams/kcm";
 *
 * const kcm = new Multiplexor({ policy: fifo(Infinity) });
 * kcm.abort();
 * ```
 */
export function fifo(messagesPerTurn: number = 1): FifoPolicy {
  limitOption("messagesPerTurn", messagesPerTurn, 1);
  return { name: "fifo", messagesPerTurn, start: () => ({ choose: () => undefined }) };
}

/**
 * All messages of one origin go to one target, so that their order holds beyond it: messages of a connection to the same
 * socket, those of a socket to the same connection. Origins are dealt out in turn; those of a target that goes are
 * dealt out again.
 *
 * @example
 * ```ts
 * import { Multiplexor, sticky } from "@leat/streams/kcm";
 *
 * const kcm = new Multiplexor({ policy: sticky() });
 * kcm.abort();
 * ```
 */
export function sticky(): SteeringPolicy {
  return { name: "sticky", waits: true, start: () => new Sticky() };
}

class Sticky implements Steering {
  readonly #places: Map<number, SteeringTarget> = new Map();
  #next = 0;

  choose(subject: SteeringSubject, targets: readonly SteeringTarget[]): SteeringTarget {
    const place = this.#places.get(subject.origin);
    if (place !== undefined) return place;
    const target = targets[this.#next++ % targets.length]!;
    this.#places.set(subject.origin, target);
    return target;
  }

  left(target: SteeringTarget): void {
    for (const [origin, place] of this.#places) {
      if (place === target) this.#places.delete(origin);
    }
  }

  originLeft(origin: number): void {
    this.#places.delete(origin);
  }
}

/**
 * Messages with the same key go to the same target; when a target comes or goes, only keys that it gets or had move
 * (rendezvous hashing, by weight). The key is what the sender gave (`key` of `send`), else what `keyOf` makes of the
 * message: a field of it, or a value of a map that a BPF parser program has just set. It must leave the message as it
 * is. It is asked again when a message is steered anew because its socket was closed; a map has the value of a later
 * message by then. What has neither, as all that is received without `keyOf`, is dealt out in turn. Looks at all targets
 * for each message.
 *
 * @throws {TypeError} when `keyOf` is no function
 *
 * @example
 * ```ts
 * import { keyAffinity, MultiplexorEngine } from "@leat/streams/kcm";
 * import { lengthPrefix } from "@leat/streams/strparser";
 * import { assertEquals } from "@std/assert";
 *
 * const engine = new MultiplexorEngine({ policy: keyAffinity(({ data }) => data[1]!) });
 * const got: number[][] = [[], [], []];
 * for (const mine of got) engine.socket({ message: ({ data }) => void mine.push(data[1]!), end: () => {} });
 * engine.attach({ parser: lengthPrefix(1) }).push(Uint8Array.of(1, 7, 1, 7, 1, 7), 0);
 * assertEquals(got.filter((mine) => mine.length > 0), [[7, 7, 7]]);
 * ```
 */
export function keyAffinity(keyOf?: (subject: SteeringSubject) => SteeringKey): SteeringPolicy {
  callbackOption("keyOf", keyOf);
  return {
    name: "key",
    waits: true,
    start: () => ({
      choose: (subject, targets) => {
        const key = subject.key ?? keyOf?.(subject);
        return key === undefined ? undefined : rendezvous(hashOf(key), targets);
      },
    }),
  };
}

/** The target with the highest score for a hash; a score depends on nothing but the hash, the target and its weight. */
function rendezvous(hash: number, targets: readonly SteeringTarget[]): SteeringTarget {
  let best = targets[0]!;
  let bestScore = -Infinity;
  for (const target of targets) {
    const unit = (mix(hash ^ mix(target.index + 1)) + 0.5) / 0x100000000;
    const score = -target.weight / Math.log(unit);
    if (score > bestScore) {
      best = target;
      bestScore = score;
    }
  }
  return best;
}

/** FNV-1a over the key's text, so that it is the same everywhere. */
function hashOf(key: SteeringKey): number {
  const text = String(key);
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return mix(hash);
}

function mix(value: number): number {
  let z = value >>> 0;
  z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
  z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
  return (z ^ (z >>> 16)) >>> 0;
}

/**
 * Each target gets its share by weight, spread evenly: of weights 5, 1, 1 seven messages go a a b a c a a (smooth
 * weighted round robin). Looks at all targets with room for each message.
 *
 * @example
 * ```ts
 * import { Multiplexor, weighted } from "@leat/streams/kcm";
 *
 * const kcm = new Multiplexor({ sendPolicy: weighted() });
 * kcm.abort();
 * ```
 */
export function weighted(): SteeringPolicy {
  return { name: "weighted", start: () => new Weighted() };
}

class Weighted implements Steering {
  readonly #credits: Map<SteeringTarget, number> = new Map();

  choose(_subject: SteeringSubject, targets: readonly SteeringTarget[]): SteeringTarget {
    let best = targets[0]!;
    let bestCredit = -Infinity;
    let total = 0;
    for (const target of targets) {
      const credit = (this.#credits.get(target) ?? 0) + target.weight;
      total += target.weight;
      this.#credits.set(target, credit);
      if (credit > bestCredit) {
        best = target;
        bestCredit = credit;
      }
    }
    this.#credits.set(best, bestCredit - total);
    return best;
  }

  left(target: SteeringTarget): void {
    this.#credits.delete(target);
  }
}

/**
 * The target with the least load, then with the fewest bytes waiting, both relative to its weight; among equals, each in
 * turn. Looks at all targets with room for each message.
 *
 * @example
 * ```ts
 * import { leastLoaded, Multiplexor } from "@leat/streams/kcm";
 *
 * const kcm = new Multiplexor({ policy: leastLoaded() });
 * kcm.abort();
 * ```
 */
export function leastLoaded(): SteeringPolicy {
  return { name: "least-loaded", start: () => new LeastLoaded() };
}

class LeastLoaded implements Steering {
  #next = 0;

  choose(_subject: SteeringSubject, targets: readonly SteeringTarget[]): SteeringTarget {
    const from = this.#next++ % targets.length;
    let best = targets[from]!;
    for (let i = 1; i < targets.length; i++) {
      const target = targets[(from + i) % targets.length]!;
      const byLoad = target.load / target.weight - best.load / best.weight;
      if (byLoad < 0) best = target;
      else if (byLoad === 0 && target.backlogBytes / target.weight < best.backlogBytes / best.weight) best = target;
    }
    return best;
  }
}
