/** A host as scripts for FreeBSD expect it: sockets, `sysctl`, `sockstat`, `tcpdrop` and assertions on the state. */
import type { CallAction } from "./ast.ts";
import type { DrillStack } from "./drill_stack.ts";
import type { Host, Outcome } from "./runner.ts";
import { Sockets } from "./sockets.ts";

/** Names of states as `sockstat` and TCP_INFO write them, where they are not RFC 9293's. */
const OTHER_NAMES: Readonly<Record<string, string>> = { SYN_RCVD: "SYN-RECEIVED" };

export class BsdHost implements Host {
  readonly #stack: DrillStack;
  readonly #sockets: Sockets;

  constructor(stack: DrillStack) {
    this.#stack = stack;
    this.#sockets = new Sockets(stack);
  }

  push(packet: Uint8Array, now: number): void {
    this.#stack.push(packet, now);
  }

  transmit(now: number): Uint8Array[] {
    return this.#stack.transmit(now);
  }

  timeoutAt(): number {
    return this.#stack.timeoutAt();
  }

  onTimeout(now: number): void {
    this.#stack.onTimeout(now);
  }

  call(action: CallAction, now: number): Outcome | undefined {
    return this.#sockets.call(action, now);
  }

  poll(): Outcome | undefined {
    return this.#sockets.poll();
  }

  shell(command: string, now: number): string | undefined {
    const setting = /^sysctl -w ([\w.]+)=(\d+)$/.exec(command);
    if (setting !== null) {
      const isKnown = this.#stack.set(setting[1]!, Number(setting[2]));
      return isKnown ? undefined : `no option is called ${setting[1]}`;
    }
    const dropped = /^tcpdrop -s (\w+)$/.exec(command);
    if (dropped !== null) return void this.#stack.drop(stateName(dropped[1]!), now);
    const counted = /^sockstat .*grep -c (\w+) \| grep (\d+)$/.exec(command);
    return counted === null ? `unknown command ${command}` : this.#expectCount(counted[1]!, Number(counted[2]));
  }

  check(code: string): string | undefined {
    const found = /^assert tcpi_state == TCPI_(\w+)$/.exec(code);
    if (found === null) return `unknown assertion ${code}`;
    const state = this.#sockets.latestState;
    const wanted = stateName(found[1]!);
    return state === wanted ? undefined : `state: expected ${wanted}, got ${state}`;
  }

  /** A closed connection has no place in the stack any more, only a descriptor. */
  #expectCount(name: string, wanted: number): string | undefined {
    const state = stateName(name);
    const states = state === "CLOSED" ? this.#sockets.states : this.#stack.states();
    const count = states.filter((one) => one === state).length;
    return count === wanted ? undefined : `connections in ${state}: expected ${wanted}, got ${count}`;
  }
}

function stateName(name: string): string {
  return OTHER_NAMES[name] ?? name.replaceAll("_", "-");
}
