/**
 * Looks for what tests left open: descriptors of sockets (where the system shows them, on Linux) and what the runtime
 * counts as active (on Node).
 */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import process from "node:process";
import { turns } from "../../support/turns.ts";

const DESCRIPTORS = "/proc/self/fd";

/** What is open, by kind: `socket` for descriptors, else the runtime's own name for it. */
export type OpenThings = ReadonlyMap<string, number>;

function countInto(counts: Map<string, number>, kind: string): void {
  counts.set(kind, (counts.get(kind) ?? 0) + 1);
}

/** Names of descriptors by number, `socket:[12345]`; empty where the system does not show them. */
export function openDescriptors(): Map<string, string> {
  const found = new Map<string, string>();
  let names: string[];
  try {
    names = readdirSync(DESCRIPTORS);
  } catch {
    return found;
  }
  for (const name of names) {
    try {
      found.set(name, readlinkSync(`${DESCRIPTORS}/${name}`));
    } catch { /* the one that listed the folder is gone */ }
  }
  return found;
}

/** Inodes of unix sockets without a name: runtimes wake themselves through pairs of such, and make them when they like. */
function namelessSockets(): Set<string> {
  const lines = readFileSync("/proc/net/unix", "utf8").trimEnd().split("\n").slice(1);
  const fields = lines.map((line) => line.trim().split(/\s+/));
  return new Set(fields.filter((line) => line.length < 8).map((line) => `socket:[${line[6]}]`));
}

/**
 * How many sockets this process has open; `undefined` where the system does not say. Of unix sockets only those count
 * that have a name, as the accepted end of each connection has.
 */
export function openSockets(): number | undefined {
  const descriptors = openDescriptors();
  if (descriptors.size === 0) return undefined;
  const nameless = namelessSockets();
  return [...descriptors.values()].filter((name) => name.startsWith("socket:") && !nameless.has(name)).length;
}

/** Everything of ours that is open now. */
export function openThings(): OpenThings {
  const counts = new Map<string, number>();
  const sockets = openSockets();
  if (sockets !== undefined) counts.set("socket", sockets);
  const { getActiveResourcesInfo } = process as { getActiveResourcesInfo?: () => string[] };
  for (const name of getActiveResourcesInfo?.call(process) ?? []) {
    if (/TCP|UDP|Pipe|TLS|Timeout/.test(name)) countInto(counts, name);
  }
  return counts;
}

/** What is open now beyond what was open `before`, as lines: empty when nothing leaked. */
export function leaked(before: OpenThings): string[] {
  const lines: string[] = [];
  for (const [kind, count] of openThings()) {
    const more = count - (before.get(kind) ?? 0);
    if (more > 0) lines.push(`${kind}: ${more} more than before`);
  }
  return lines;
}

/**
 * Waits until nothing is open beyond what was open `before`, and says what stays open all the same. Systems and runtimes
 * close a little later, some of them in threads of their own, and no event tells when: that is why this looks again and
 * again, and gives up only after `patienceMs`.
 */
export async function untilNoLeaks(before: OpenThings, patienceMs = 10_000): Promise<string[]> {
  for (let i = 0; i < 100 && leaked(before).length > 0; i++) await turns(1);
  const until = performance.now() + patienceMs;
  while (leaked(before).length > 0 && performance.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return leaked(before);
}
