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

/** A policy at work on backends. `keyHash` is below 0 for what is about no key. */
export interface Chooser {
  /** Chooses among candidates, of which there is at least one. */
  choose(candidates: readonly Backend[], client: ClientPort | undefined, keyHash: number): Backend;
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

  choose(candidates: readonly Backend[], _client: ClientPort | undefined, keyHash: number): Backend {
    this.#subject.key = keyHash;
    return (this.#steering.choose(this.#subject, candidates) ?? candidates[0]) as Backend;
  }

  left(backend: Backend): void {
    this.#steering.left?.(backend);
  }
}

/** By turns where all shares are the same, which needs no look at all of them twice; else by weight. */
class RoundRobin implements Chooser {
  readonly #weighted = new ByPolicy(weighted());
  #turn = -1;

  choose(candidates: readonly Backend[], client: ClientPort | undefined, keyHash: number): Backend {
    const { length } = candidates;
    const { share } = candidates[0]!;
    for (let i = 0; i < length; i++) {
      const backend = candidates[i]!;
      if (backend.share !== share || backend.isSlow) return this.#weighted.choose(candidates, client, keyHash);
    }
    this.#turn = this.#turn + 1 < length ? this.#turn + 1 : 0;
    return candidates[this.#turn]!;
  }

  left(backend: Backend): void {
    this.#weighted.left(backend);
  }
}

/** The backend that a client had last, as long as it is there. */
class Sticky implements Chooser {
  readonly #first = new RoundRobin();

  choose(candidates: readonly Backend[], client: ClientPort | undefined, keyHash: number): Backend {
    const home = client?.home;
    if (home !== undefined && candidates.includes(home)) return home;
    const backend = this.#first.choose(candidates, client, keyHash);
    if (client !== undefined) client.home = backend;
    return backend;
  }

  left(backend: Backend): void {
    this.#first.left(backend);
  }
}

/** One backend for each key; what is about none goes by turns. */
class ByKey implements Chooser {
  readonly #keyed = new ByPolicy(keyAffinity());
  readonly #others = new RoundRobin();

  choose(candidates: readonly Backend[], client: ClientPort | undefined, keyHash: number): Backend {
    return (keyHash < 0 ? this.#others : this.#keyed).choose(candidates, client, keyHash);
  }

  left(backend: Backend): void {
    this.#others.left(backend);
  }
}
