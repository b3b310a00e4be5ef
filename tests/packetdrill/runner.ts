/**
 * Runs scripts against a host (a stack with sockets) in virtual time.
 *
 * Packets out are compared in the order in which they came, each at the time that it came at. As in packetdrill, what
 * comes after the last that is expected is not looked at.
 */
import type { CallAction, Event, Expression, PacketAction, Script, Time } from "./ast.ts";
import { Conversation } from "./conversation.ts";

/** What a call gave. */
export interface Outcome {
  result: number;
  errno?: string;
  /** What it wrote to arguments that are lists of one: `SO_ERROR` and the like. */
  outputs?: { argument: number; value: number | string }[];
}

/** The stack under test, with sockets and commands. All times in milliseconds. */
export interface Host {
  push(packet: Uint8Array, now: number): void;
  /** The packets that are to be sent. */
  transmit(now: number): Uint8Array[];
  timeoutAt(): number;
  onTimeout(now: number): void;
  /** Undefined when the call blocks; {@linkcode poll} tells its outcome then. */
  call(action: CallAction, now: number): Outcome | undefined;
  poll(now: number): Outcome | undefined;
  /** Why the command or the assertion fails; undefined when it does not. */
  shell(command: string, now: number): string | undefined;
  check(code: string, now: number): string | undefined;
}

export interface HostOptions {
  version: 4 | 6;
  local: Uint8Array;
  remote: Uint8Array;
  mtu: number;
}

/** A script that did not go as written. */
export class ScriptFailure extends Error {
  readonly line: number;

  constructor(file: string, line: number, source: string, what: string) {
    super(`${file}:${line}: ${source.trim()}\n    ${what}`);
    this.name = "ScriptFailure";
    this.line = line;
  }
}

/** Virtual time starts here, so that no stack takes it for zero. */
const START_US = 1_000_000_000;
const MAX_WAIT_US = 600_000_000;
const MAX_TIMEOUTS = 100_000;

/** Runs a script; throws a {@linkcode ScriptFailure} where it does not go as written. */
export function runScript(script: Script, makeHost: (options: HostOptions) => Host, text = "", file = "script"): void {
  new Runner(script, makeHost, text.split("\n"), file).run();
}

/** The argument of `getsockopt` that the value comes out in. */
export const OPTION_VALUE = 3;

class Runner {
  readonly #script: Script;
  readonly #host: Host;
  readonly #conversation: Conversation;
  readonly #toleranceUs: number;
  readonly #lines: string[];
  readonly #file: string;
  #nowUs = START_US;
  #lastUs = START_US;
  readonly #sent: { at: number; bytes: Uint8Array }[] = [];
  #blocked: { event: Event; action: CallAction; until: number } | undefined;
  #event: Event | undefined;

  constructor(script: Script, makeHost: (options: HostOptions) => Host, lines: string[], file: string) {
    const option = (name: string): string | undefined => script.options.find((one) => one.name === name)?.value;
    const version = option("ip_version") === "ipv6" ? 6 : 4;
    this.#script = script;
    this.#lines = lines;
    this.#file = file;
    this.#toleranceUs = Number(option("tolerance_usecs") ?? 4000);
    this.#conversation = new Conversation(version);
    const { local, remote } = this.#conversation;
    this.#host = makeHost({ version, local, remote, mtu: Number(option("mtu") ?? 1500) });
  }

  run(): void {
    for (const event of this.#script.events) {
      this.#event = event;
      this.#runEvent(event);
    }
    this.#finishBlocked();
  }

  /** One call at a time: the next waits for the one before it. */
  #finishBlocked(): void {
    for (let blocked = this.#blocked; blocked !== undefined; blocked = this.#blocked) {
      this.#advance(Math.min(this.#nextUs(), blocked.until + this.#toleranceUs + 1));
    }
  }

  #runEvent({ time, action }: Event): void {
    if (action.kind === "packet" && action.direction === "out") return this.#expectPacket(time, action);
    if (action.kind === "call") this.#finishBlocked();
    const at = this.#resolve(time);
    if (at < this.#nowUs - this.#toleranceUs) {
      this.#fail(`is due at ${this.#seconds(at)}, but it is ${this.#seconds()}`);
    }
    this.#advance(at);
    this.#lastUs = Math.max(at, this.#lastUs);
    if (action.kind === "packet") this.#inject(action);
    else if (action.kind === "call") this.#call(action);
    else this.#command(action.kind, action.kind === "shell" ? action.command : action.text);
    this.#collect();
  }

  #resolve(time: Time): number {
    if (time.kind === "any") return this.#lastUs;
    return time.at + (time.kind === "relative" ? this.#lastUs : START_US);
  }

  #inject(action: PacketAction): void {
    let bytes: Uint8Array;
    try {
      bytes = this.#conversation.incoming(action);
    } catch (error) {
      return this.#fail((error as Error).message);
    }
    this.#host.push(bytes, this.#nowMs);
  }

  #command(kind: "shell" | "code", text: string): void {
    const problem = kind === "shell" ? this.#host.shell(text, this.#nowMs) : this.#host.check(text, this.#nowMs);
    if (problem !== undefined) this.#fail(problem);
  }

  #call(action: CallAction): void {
    if (action.name === "connect") this.#conversation.connects();
    const outcome = this.#host.call(action, this.#nowMs);
    const { until } = action;
    const startUs = this.#nowUs;
    const untilUs = until === undefined ? startUs : this.#resolve(until);
    if (outcome === undefined) {
      this.#blocked = { event: this.#event!, action, until: untilUs };
    } else if (until !== undefined && untilUs - startUs > this.#toleranceUs) {
      this.#fail(`returned at once, not at ${this.#seconds(untilUs)}`);
    } else this.#judge(action, outcome);
  }

  #judge(action: CallAction, outcome: Outcome): void {
    const { result, errno } = action;
    const wanted = result === undefined ? undefined : describe(result);
    const got = `${outcome.result}`;
    const wantedErrno = errno === "EWOULDBLOCK" ? "EAGAIN" : errno;
    if (wanted !== undefined && (wanted !== got || wantedErrno !== outcome.errno)) {
      this.#fail(`expected ${wanted} ${wantedErrno ?? ""}, got ${got} ${outcome.errno ?? ""}`);
    }
    for (const { argument, value } of outcome.outputs ?? []) {
      const expected = action.args[argument];
      if (expected === undefined || expected.kind === "any") continue;
      if (describe(expected) !== `[${value}]`) this.#fail(`expected ${describe(expected)}, got [${value}]`);
    }
    this.#judgeSilence(action, outcome);
  }

  /** What a script says comes out must come out: a host that gives nothing has not passed. */
  #judgeSilence({ name, args }: CallAction, { errno, outputs = [] }: Outcome): void {
    const expected = args[OPTION_VALUE];
    if (name !== "getsockopt" || errno !== undefined || expected?.kind !== "list") return;
    if (outputs.some(({ argument }) => argument === OPTION_VALUE)) return;
    this.#fail(`expected ${describe(expected)}, and nothing came out`);
  }

  #expectPacket(time: Time, action: PacketAction): void {
    const from = this.#resolve(time);
    const to = time.kind === "any" ? this.#nowUs + MAX_WAIT_US : from + (time.to ?? time.at) - time.at;
    this.#collect();
    while (this.#sent.length === 0) {
      const next = this.#nextUs();
      if (next > to + this.#toleranceUs) this.#fail(`no packet until ${this.#seconds(to + this.#toleranceUs)}`);
      this.#advance(next);
    }
    const { at, bytes } = this.#sent.shift()!;
    const differences = this.#conversation.differences(action, bytes, this.#toleranceUs / 1000);
    const got = `got ${this.#conversation.text(bytes)} at ${this.#seconds(at)}`;
    if (differences.length > 0) this.#fail(`${got}\n    ${differences.join("\n    ")}`);
    const isInTime = time.kind === "any" || (at >= from - this.#toleranceUs && at <= to + this.#toleranceUs);
    if (!isInTime) this.#fail(`${got}\n    time: expected ${this.#seconds(from)}`);
    this.#lastUs = time.kind === "any" || time.to !== undefined ? at : from;
  }

  /** Lets time pass up to `to`, with all that is due on the way. */
  #advance(to: number): void {
    for (let rounds = 0; this.#nextUs() <= to; rounds++) {
      if (rounds > MAX_TIMEOUTS) this.#fail("timers do not come to rest");
      this.#nowUs = Math.max(this.#nowUs, this.#nextUs());
      this.#host.onTimeout(this.#nowMs);
      this.#collect();
    }
    this.#nowUs = Math.max(this.#nowUs, to);
    this.#collect();
  }

  /** Takes what the host sends, and the outcome of a call that blocked. */
  #collect(): void {
    for (const bytes of this.#host.transmit(this.#nowMs)) this.#sent.push({ at: this.#nowUs, bytes });
    const blocked = this.#blocked;
    if (blocked === undefined) return;
    const outcome = this.#host.poll(this.#nowMs);
    if (outcome === undefined && this.#nowUs <= blocked.until + this.#toleranceUs) return;
    const event = this.#event;
    this.#event = blocked.event;
    if (outcome === undefined) return this.#fail(`still blocks at ${this.#seconds()}`);
    this.#blocked = undefined;
    if (Math.abs(this.#nowUs - blocked.until) > this.#toleranceUs) this.#fail(`returned at ${this.#seconds()}`);
    this.#judge(blocked.action, outcome);
    this.#event = event;
  }

  #nextUs(): number {
    return Math.ceil(this.#host.timeoutAt() * 1000 - 0.001);
  }

  get #nowMs(): number {
    return this.#nowUs / 1000;
  }

  #seconds(us = this.#nowUs): string {
    return ((us - START_US) / 1e6).toFixed(6);
  }

  #fail(what: string): never {
    const line = this.#event?.place.line ?? 0;
    throw new ScriptFailure(this.#file, line, this.#lines[line - 1] ?? "", what);
  }
}

/** An expression as it is compared. */
export function describe(expression: Expression): string {
  switch (expression.kind) {
    case "number":
      return `${expression.value}`;
    case "name":
      return expression.name;
    case "list":
      return `[${expression.items.map(describe).join(", ")}]`;
    default:
      return expression.kind;
  }
}
