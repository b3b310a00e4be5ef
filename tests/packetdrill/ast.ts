/** What a packetdrill script says, as values. Times are whole microseconds. */

/** Where something stands, both counted from 1. */
export interface Place {
  line: number;
  column: number;
}

export type Time =
  | { kind: "absolute" | "relative"; at: number; to?: number }
  | { kind: "any" };

export type Expression =
  | { kind: "number"; value: number }
  | { kind: "string"; value: string }
  | { kind: "name"; name: string }
  | { kind: "any" }
  | { kind: "or"; parts: Expression[] }
  | { kind: "list"; items: Expression[] }
  | { kind: "struct"; fields: { name: string | undefined; value: Expression }[] }
  | { kind: "call"; name: string; args: Expression[] };

export interface CallAction {
  kind: "call";
  name: string;
  args: Expression[];
  /** For a call that blocks: when it returns. */
  until: Time | undefined;
  /** Undefined where the script does not care. */
  result: Expression | undefined;
  errno: string | undefined;
  note: string | undefined;
}

export interface SequenceRange {
  /** Undefined for `...`: whatever it is. */
  start: number | undefined;
  length: number;
  /** Marked by `!`: the number itself, not counted from the initial one. */
  isAbsolute: boolean;
}

export type TcpOption =
  | { kind: "nop" | "eol" | "sackOK" }
  | { kind: "mss" | "wscale"; value: number }
  | { kind: "TS"; value: number; echo: number }
  | { kind: "sack"; blocks: { start: number; end: number }[] }
  | { kind: "md5"; value: string }
  | { kind: "fastOpen"; isExperimental: boolean; cookie: string };

export interface TcpSpec {
  kind: "tcp";
  flags: string;
  sequence: SequenceRange;
  ack: number | undefined;
  window: number | undefined;
  urgent: number | undefined;
  /** `"any"` for `<...>`. */
  options: TcpOption[] | "any";
}

export interface IcmpSpec {
  kind: "icmp";
  type: string;
  code: string | undefined;
  mtu: number | undefined;
  /** Of the segment that is quoted. */
  quoted: SequenceRange | undefined;
}

export interface UdpSpec {
  kind: "udp";
  length: number;
}

export interface PacketAction {
  kind: "packet";
  direction: "in" | "out";
  /** `ttl`, `hlim`, `tos`, `class` and the like. */
  ip: { name: string; value: number }[];
  ecn: string | undefined;
  packet: TcpSpec | IcmpSpec | UdpSpec;
  encapsulation: { source: number; destination: number } | undefined;
}

export type Action =
  | CallAction
  | PacketAction
  | { kind: "shell"; command: string }
  | { kind: "code"; text: string };

export interface Event {
  place: Place;
  time: Time;
  action: Action;
}

export interface Script {
  options: { name: string; value: string; place: Place }[];
  events: Event[];
}

/** A script that is not one. */
export class ScriptError extends Error {
  readonly place: Place;

  constructor(place: Place, what: string, file = "script") {
    super(`${file}:${place.line}:${place.column}: ${what}`);
    this.name = "ScriptError";
    this.place = place;
  }
}
