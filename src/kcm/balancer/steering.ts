/**
 * Which backend is next: the policies.
 *
 * @module
 */
import type { Backend } from "./backend.ts";
import type { BalancerPolicy } from "./balancer_options.ts";
import type { ClientPort } from "./client_port.ts";
import { mix } from "./protocol.ts";

/** Chooses among candidates, of which there is at least one. */
export type Chooser = (
  candidates: readonly Backend[],
  client: ClientPort | undefined,
  keyHash: number,
  now: number,
) => Backend;

/** The chooser of a policy, with a memory of its own. */
export function chooserOf(policy: BalancerPolicy): Chooser {
  const roundRobin = makeRoundRobin();
  switch (policy) {
    case "round-robin":
      return roundRobin;
    case "least":
      return leastLoaded;
    case "sticky":
      return (candidates, client, keyHash, now) => {
        const home = client?.home;
        if (home !== undefined && candidates.includes(home)) return home;
        const backend = roundRobin(candidates, client, keyHash, now);
        if (client !== undefined) client.home = backend;
        return backend;
      };
    case "key":
      return (candidates, client, keyHash, now) =>
        keyHash < 0 ? roundRobin(candidates, client, keyHash, now) : byKey(candidates, keyHash);
  }
}

/** By turns; by weight where weights differ, as smoothly as that goes (as nginx does it). */
function makeRoundRobin(): Chooser {
  let turn = -1;
  return (candidates, _client, _keyHash, now) => {
    const { length } = candidates;
    const first = candidates[0]!;
    let isEven = true;
    for (let i = 0; i < length && isEven; i++) {
      isEven = candidates[i]!.weight === first.weight && !candidates[i]!.isSlow(now);
    }
    if (isEven) {
      turn = turn + 1 < length ? turn + 1 : 0;
      return candidates[turn]!;
    }
    return byCredit(candidates, now);
  };
}

function byCredit(candidates: readonly Backend[], now: number): Backend {
  let total = 0;
  let best = candidates[0]!;
  for (const backend of candidates) {
    const share = backend.share(now);
    total += share;
    backend.credit += share;
    if (backend.credit > best.credit) best = backend;
  }
  best.credit -= total;
  return best;
}

/** Fewest requests and sessions for its share; those that are equal by turns, since the winner gains one. */
function leastLoaded(candidates: readonly Backend[], _client: unknown, _keyHash: number, now: number): Backend {
  let best = candidates[0]!;
  let least = Infinity;
  for (const backend of candidates) {
    const load = (backend.outstanding + backend.sessions.size + 1) / backend.share(now);
    if (load > least || (load === least && backend.requests >= best.requests)) continue;
    least = load;
    best = backend;
  }
  return best;
}

/**
 * Rendezvous hashing: every backend draws a number for the key, the highest wins. Without a backend only its own keys
 * move. Weights by the logarithm of the draw, so that a share is what the weight says.
 */
function byKey(candidates: readonly Backend[], keyHash: number): Backend {
  let best = candidates[0]!;
  let highest = -Infinity;
  for (const backend of candidates) {
    const draw = (mix(keyHash ^ backend.seed) + 1) / 0x80000001;
    const score = -backend.weight / Math.log(draw);
    if (score <= highest) continue;
    highest = score;
    best = backend;
  }
  return best;
}
