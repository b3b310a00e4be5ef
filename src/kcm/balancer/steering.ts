/**
 * Which backend is next: the policies of the multiplexor, for backends.
 *
 * @module
 */
import { keyAffinity, leastLoaded, weighted } from "../policies.ts";
import type { SteeringKey, SteeringPolicy } from "../steering_policy.ts";
import type { Backend } from "./backend.ts";
import type { BalancerPolicy } from "./balancer_options.ts";
import type { ClientPort } from "./client_port.ts";

/** Who may be chosen. */
export interface Candidates {
  /** Those that are not down, whether they have room or not. */
  readonly up: readonly Backend[];
  /** Those of them that have room. */
  readonly ready: readonly Backend[];
}

/** A policy at work on backends. `keyHash` is below 0 for what is about no key. */
export interface Chooser {
  /**
   * Chooses a backend that has room, or the one that keeps together what belongs together: that is worth waiting for.
   * `undefined` where there is neither.
   */
  choose(candidates: Candidates, client: ClientPort | undefined, keyHash: number): Backend | undefined;
  /** A backend was taken away. */
  left(backend: Backend): void;
}

/** The chooser of a policy, with a memory of its own. */
export function chooserOf(policy: BalancerPolicy): Chooser {
  switch (policy) {
    case "round-robin":
      return new RoundRobin();
    case "least":
      return new ByPolicy(leastLoaded());
    case "sticky":
      return new Sticky();
    case "key":
      return new ByKey();
  }
}

const NOTHING = new Uint8Array(0);

/** A policy of the multiplexor. The subject is one object for all, since nobody keeps it. */
class ByPolicy implements Chooser {
  readonly #steering: ReturnType<SteeringPolicy["start"]>;
  readonly #subject = { data: NOTHING, origin: 0, key: undefined as SteeringKey | undefined };

  constructor(policy: SteeringPolicy) {
    this.#steering = policy.start();
  }

  choose({ ready }: Candidates, _client: ClientPort | undefined, keyHash: number): Backend | undefined {
    return this.among(ready, keyHash);
  }

  among(targets: readonly Backend[], keyHash: number): Backend | undefined {
    if (targets.length === 0) return undefined;
    this.#subject.key = keyHash;
    return (this.#steering.choose(this.#subject, targets) ?? targets[0]) as Backend;
  }

  left(backend: Backend): void {
    this.#steering.left?.(backend);
  }
}

/** By turns where all shares are the same, which needs no look at all of them twice; else by weight. */
class RoundRobin implements Chooser {
  readonly #weighted = new ByPolicy(weighted());
  #turn = -1;

  choose({ ready }: Candidates, _client: ClientPort | undefined, keyHash: number): Backend | undefined {
    const { length } = ready;
    for (let i = 0; i < length; i++) {
      const backend = ready[i]!;
      if (backend.share !== ready[0]!.share || backend.isSlow) return this.#weighted.among(ready, keyHash);
    }
    this.#turn = this.#turn + 1 < length ? this.#turn + 1 : 0;
    return ready[this.#turn];
  }

  left(backend: Backend): void {
    this.#weighted.left(backend);
  }
}

/** The backend that a client had last, as long as it is not down. */
class Sticky implements Chooser {
  readonly #first = new RoundRobin();

  choose(candidates: Candidates, client: ClientPort | undefined, keyHash: number): Backend | undefined {
    const home = client?.home;
    if (home !== undefined && candidates.up.includes(home)) return home;
    const backend = this.#first.choose(candidates, client, keyHash);
    if (client !== undefined) client.home = backend;
    return backend;
  }

  left(backend: Backend): void {
    this.#first.left(backend);
  }
}

/** One backend for each key, which moves when that is down and not when it is busy; what is about none goes by turns. */
class ByKey implements Chooser {
  readonly #keyed = new ByPolicy(keyAffinity());
  readonly #others = new RoundRobin();

  choose(candidates: Candidates, client: ClientPort | undefined, keyHash: number): Backend | undefined {
    if (keyHash < 0) return this.#others.choose(candidates, client, keyHash);
    return this.#keyed.among(candidates.up, keyHash);
  }

  left(backend: Backend): void {
    this.#others.left(backend);
  }
}
