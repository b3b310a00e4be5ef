/** What the numbers of a script are on the wire: the initial sequence number and timestamp of the stack are its own. */
import type { PacketAction, SequenceRange, TcpOption, TcpSpec } from "./ast.ts";
import { icmpNumbers } from "./icmp_names.ts";
import { optionText, packetText, putU32, readTcp, type TcpPacket, wrapInIp, writeTcp } from "./tcp_packet.ts";

/** The port that scripts bind and connect to. */
export const SCRIPT_PORT = 8080;
/** The port of the peer where it connects. */
export const PEER_PORT = 49_152;
const ICMP = 1;
/** Bits of the IP header (RFC 3168 section 5); `ect01` is either of two. */
const ECN_MARKS: Readonly<Record<string, number | undefined>> = { noecn: 0, ect1: 1, ect0: 2, ce: 3 };
const ICMPV6 = 58;

export class Conversation {
  readonly local: Uint8Array;
  readonly remote: Uint8Array;
  #localPort: number | undefined = SCRIPT_PORT;
  #remotePort = PEER_PORT;
  /** Wire minus script, of the stack's sequence numbers and timestamps. */
  #offset: number | undefined;
  #timeOffset: number | undefined;
  /** Whether the next SYN of the stack may bring a new initial sequence number. */
  #isFresh = true;
  #lastSyn: number | undefined;

  constructor(version: 4 | 6) {
    const address = (last: number): Uint8Array => {
      if (version === 4) return new Uint8Array([192, 0, 2, last]);
      return new Uint8Array([0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last]);
    };
    this.local = address(1);
    this.remote = address(2);
  }

  /** The stack is about to connect. */
  connects(): void {
    this.#remotePort = SCRIPT_PORT;
    this.#localPort = undefined;
    this.#isFresh = true;
  }

  /** The packet on the wire that the script describes. */
  incoming({ packet, ip, ecn, encapsulation }: PacketAction): Uint8Array {
    if (packet.kind === "udp" || encapsulation !== undefined) {
      throw new Error("UDP and encapsulation are not supported");
    }
    const field = (...names: string[]): number | undefined => ip.find(({ name }) => names.includes(name))?.value;
    const hopLimit = field("ttl", "hlim") ?? 64;
    const trafficClass = field("tos", "class") ?? (ecn === undefined ? 0 : ECN_MARKS[ecn] ?? 0);
    if (packet.kind === "icmp") {
      const quoted = this.#quoted(packet.quoted ?? { start: 0, length: 0, isAbsolute: false });
      return this.#icmp(packet.type, packet.code, packet.mtu, quoted);
    }
    const { flags, sequence, ack, window, urgent, options } = packet;
    if (sequence.start === undefined || options === "any") throw new Error("... in a packet that is to be sent");
    if (flags.includes("S") && this.#lastSyn !== sequence.start) {
      this.#isFresh = true;
      this.#lastSyn = sequence.start;
    }
    return writeTcp({
      source: this.remote,
      destination: this.local,
      sourcePort: this.#remotePort,
      destinationPort: this.#port,
      flags,
      sequence: sequence.start >>> 0,
      ack: ack === undefined ? 0 : this.#toWire(ack),
      window: window ?? 0,
      urgent: urgent ?? 0,
      options: options.map((option) => this.#optionToWire(option)),
      length: sequence.length,
      hopLimit,
      trafficClass,
    });
  }

  /** What of a packet that was sent is not as the script has it; empty when all is. */
  differences({ packet: spec, ip, ecn }: PacketAction, bytes: Uint8Array, toleranceMs: number): string[] {
    if (spec.kind !== "tcp") return [`packets of ${spec.kind} cannot be expected`];
    let got: TcpPacket;
    try {
      got = readTcp(bytes);
    } catch (error) {
      return [`malformed packet: ${(error as Error).message}`];
    }
    this.#learn(spec, got);
    const wanted: [string, string | number | undefined, string | number][] = [
      ["source", this.local.join("."), got.source.join(".")],
      ["destination", this.remote.join("."), got.destination.join(".")],
      ["source port", this.#localPort, got.sourcePort],
      ["destination port", this.#remotePort, got.destinationPort],
      ["flags", sorted(spec.flags), sorted(got.flags)],
      ["sequence", spec.sequence.start, spec.sequence.isAbsolute ? got.sequence : this.#toScript(got.sequence)],
      ["length", spec.sequence.length, got.length],
      ["ack", spec.ack, got.ack],
      ["win", spec.window, got.window],
      ["urg", spec.urgent, got.urgent],
      ["ecn", ecn === undefined ? undefined : ECN_MARKS[ecn], got.trafficClass & 3],
      ...ip.map(({ name, value }): [string, number, number] => {
        return [name, value, name === "ttl" || name === "hlim" ? got.hopLimit : got.trafficClass];
      }),
    ];
    const found = wanted.filter(([, value, seen]) => value !== undefined && value !== seen)
      .map(([name, value, seen]) => `${name}: expected ${value}, got ${seen}`);
    if (spec.options !== "any") found.push(...this.#optionDifferences(spec.options, got.options, toleranceMs));
    return found;
  }

  /** A packet that was sent, in the script's numbers where they are known. */
  text(bytes: Uint8Array): string {
    try {
      const packet = readTcp(bytes);
      const options = packet.options.map((option): TcpOption => {
        return option.kind === "TS" ? { ...option, value: (option.value - (this.#timeOffset ?? 0)) >>> 0 } : option;
      });
      return packetText({ ...packet, sequence: this.#toScript(packet.sequence), options });
    } catch (error) {
      return `${bytes.length} bytes (${(error as Error).message})`;
    }
  }

  /** A SYN of the stack tells its initial sequence number, port and timestamp. */
  #learn(spec: TcpSpec, got: TcpPacket): void {
    if (!got.flags.includes("S")) return;
    this.#localPort ??= got.sourcePort;
    if (!this.#isFresh && spec.sequence.start !== undefined) return;
    this.#isFresh = false;
    this.#offset = (got.sequence - (spec.sequence.start ?? 0)) >>> 0;
    this.#timeOffset = undefined;
  }

  #optionDifferences(spec: TcpOption[], got: TcpOption[], toleranceMs: number): string[] {
    const wantedTime = spec.find((option) => option.kind === "TS");
    const time = got.find((option) => option.kind === "TS");
    let seen = got;
    if (wantedTime?.kind === "TS" && time?.kind === "TS") {
      this.#timeOffset ??= (time.value - wantedTime.value) >>> 0;
      const value = (time.value - this.#timeOffset) >>> 0;
      const isNear = Math.abs((value - wantedTime.value) | 0) <= Math.max(toleranceMs, 1);
      seen = got.map((option) =>
        option.kind === "TS" ? { ...option, value: isNear ? wantedTime.value : value } : option
      );
    }
    const wanted = spec.map(optionText).join(",");
    const text = seen.map(optionText).join(",");
    return wanted === text ? [] : [`options: expected <${wanted}>, got <${text}>`];
  }

  get #port(): number {
    if (this.#localPort === undefined) throw new Error("a packet before the stack has sent its SYN");
    return this.#localPort;
  }

  #toWire(number: number): number {
    return (number + (this.#offset ?? 0)) >>> 0;
  }

  #toScript(number: number): number {
    return (number - (this.#offset ?? 0)) >>> 0;
  }

  #optionToWire(option: TcpOption): TcpOption {
    if (option.kind === "TS") {
      return { ...option, echo: option.echo === 0 ? 0 : (option.echo + (this.#timeOffset ?? 0)) >>> 0 };
    }
    if (option.kind !== "sack") return option;
    const blocks = option.blocks.map(({ start, end }) => ({ start: this.#toWire(start), end: this.#toWire(end) }));
    return { kind: "sack", blocks };
  }

  /** The segment of the stack that an ICMP error quotes: its IP header and 20 bytes of TCP. */
  #quoted({ start, length, isAbsolute }: SequenceRange): Uint8Array {
    const bytes = writeTcp({
      source: this.local,
      destination: this.remote,
      sourcePort: this.#port,
      destinationPort: this.#remotePort,
      flags: "",
      sequence: isAbsolute ? start! : this.#toWire(start ?? 0),
      ack: 0,
      window: 0,
      urgent: 0,
      options: [],
      length,
      hopLimit: 64,
      trafficClass: 0,
    });
    return bytes.subarray(0, bytes.length - length);
  }

  #icmp(type: string, code: string | undefined, mtu: number | undefined, quoted: Uint8Array): Uint8Array {
    const isV4 = this.local.length === 4;
    const numbers = icmpNumbers(isV4 ? 4 : 6, type, code);
    const message = new Uint8Array(8 + quoted.length);
    message[0] = numbers.type;
    message[1] = numbers.code;
    putU32(message, 4, mtu ?? 0);
    message.set(quoted, 8);
    const protocol = isV4 ? ICMP : ICMPV6;
    return wrapInIp(message, protocol, 2, { source: this.remote, destination: this.local });
  }
}

function sorted(flags: string): string {
  return [...flags].sort().join("");
}
