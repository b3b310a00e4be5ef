/** A host that does what a script says, to test what runs scripts: all is well with it until something is changed. */
import type { CallAction, Event, PacketAction, Script, TcpSpec } from "./ast.ts";
import { PEER_PORT, SCRIPT_PORT } from "./conversation.ts";
import { describe, type Host, type HostOptions, OPTION_VALUE, type Outcome } from "./runner.ts";
import { type TcpPacket, writeTcp } from "./tcp_packet.ts";

const START_US = 1_000_000_000;
const ISN = 0xfff0_1234;
const FIRST_TIME = 0x7fff_0000;
const OWN_PORT = 50_001;

export class OracleHost implements Host {
  /** Whether it keeps the values of options to itself. */
  isSilent = false;
  readonly #options: HostOptions;
  readonly #due: { at: number; bytes: Uint8Array }[] = [];
  readonly #calls: { action: CallAction; until: number | undefined }[] = [];
  #blocked: { until: number; outcome: Outcome } | undefined;
  #isActive = false;
  #hasSyn = false;

  /** `change` may alter what is sent for the given line, `lateUs` when. */
  constructor(script: Script, options: HostOptions, change?: {
    line: number;
    packet?: (packet: TcpPacket) => TcpPacket;
    lateUs?: number;
  }) {
    this.#options = options;
    let last = START_US;
    for (const event of script.events) {
      last = timeOf(event, last);
      const { action } = event;
      if (action.kind === "call") {
        const until = action.until?.kind === "absolute" ? action.until.at + START_US : undefined;
        this.#calls.push({ action, until });
        if (action.name === "connect") this.#isActive = true;
      }
      if (action.kind !== "packet" || action.direction === "in") continue;
      const changed = change?.line === event.place.line ? change : undefined;
      const isSyn = (action.packet as TcpSpec).flags.includes("S");
      this.#hasSyn ||= isSyn;
      const packet = this.#packet(action, this.#isActive);
      this.#due.push({
        at: last + (changed?.lateUs ?? 0),
        bytes: writeTcp(changed?.packet?.(packet) ?? packet),
      });
    }
  }

  #packet({ packet, ip }: PacketAction, isActive: boolean): TcpPacket {
    const { flags, sequence, ack, window, urgent, options } = packet as TcpSpec;
    const offset = this.#hasSyn && !sequence.isAbsolute ? ISN : 0;
    const field = (...names: string[]) => ip.find(({ name }) => names.includes(name))?.value;
    return {
      source: this.#options.local,
      destination: this.#options.remote,
      sourcePort: isActive ? OWN_PORT : SCRIPT_PORT,
      destinationPort: isActive ? SCRIPT_PORT : PEER_PORT,
      flags,
      sequence: ((sequence.start ?? 777) + offset) >>> 0,
      ack: ack ?? 0,
      window: window ?? 100,
      urgent: urgent ?? 0,
      options: options === "any"
        ? []
        : options.map((option) => option.kind === "TS" ? { ...option, value: option.value + FIRST_TIME } : option),
      length: sequence.length,
      hopLimit: field("ttl", "hlim") ?? 64,
      trafficClass: field("tos", "class") ?? 0,
    };
  }

  push(): void {}

  transmit(now: number): Uint8Array[] {
    const ready: Uint8Array[] = [];
    while (this.#due.length > 0 && this.#due[0]!.at <= now * 1000) ready.push(this.#due.shift()!.bytes);
    return ready;
  }

  timeoutAt(): number {
    return Math.min(this.#due[0]?.at ?? Infinity, this.#blocked?.until ?? Infinity) / 1000;
  }

  onTimeout(): void {}

  call(action: CallAction): Outcome | undefined {
    const next = this.#calls.shift();
    if (next?.action !== action) throw new Error("calls out of order");
    const { result, errno } = action;
    const outcome: Outcome = { result: result?.kind === "number" ? result.value : 0 };
    if (errno !== undefined) outcome.errno = errno === "EWOULDBLOCK" ? "EAGAIN" : errno;
    const value = action.args[OPTION_VALUE];
    if (action.name === "getsockopt" && value?.kind === "list" && !this.isSilent) {
      outcome.outputs = [{ argument: OPTION_VALUE, value: describe(value).slice(1, -1) }];
    }
    if (next.until === undefined) return outcome;
    this.#blocked = { until: next.until, outcome };
    return undefined;
  }

  poll(now: number): Outcome | undefined {
    if (this.#blocked === undefined || this.#blocked.until > now * 1000) return undefined;
    const { outcome } = this.#blocked;
    this.#blocked = undefined;
    return outcome;
  }

  shell(): undefined {}
  check(): undefined {}
}

function timeOf({ time }: Event, last: number): number {
  if (time.kind === "any") return last + 3_000_000;
  return time.at + (time.kind === "relative" ? last : START_US);
}
