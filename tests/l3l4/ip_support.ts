/** What the tests of IP share: packets in and what is read of them, packets out. */
import { IpInput, type IpInputOptions, IpOutcome } from "../../src/l3l4/ip_input.ts";
import { Summer } from "../../src/bytes/summer.ts";
import type { PacketOut } from "../../src/l3l4/packet_out.ts";

export const IP_OPTIONS: IpInputOptions = {
  hasLoopback: false,
  maxFragmentBytes: 1 << 22,
  maxFragmentDatagrams: 1024,
  maxFragmentsPerDatagram: 512,
  v4TimeoutMs: 30_000,
  v6TimeoutMs: 60_000,
};

/** What became of a packet, with what was read of it. */
export interface Read {
  /** `"dropped"` with the reason, `"held"`, or what was read. */
  outcome: string;
  payload?: Uint8Array;
  protocol?: number;
  problem?: readonly [code: number, pointer: number];
}

/** An input that remembers what it gave up. */
export class Reader {
  readonly input: IpInput;
  readonly timedOut: Uint8Array[] = [];

  constructor(options: Partial<IpInputOptions> = {}) {
    const all = { ...IP_OPTIONS, ...options };
    this.input = new IpInput(all, new Summer(), ({ bytes, end }) => this.timedOut.push(bytes.slice(0, end)));
  }

  read(bytes: Uint8Array, now = 0, isTrusted = false): Read {
    const { input } = this;
    const before = input.drops.toJSON();
    const outcome = input.read(bytes, now, isTrusted);
    const after = Object.entries(input.drops.toJSON());
    const reasons = after.filter(([name, count]) => count !== (before[name] ?? 0)).map(([name]) => name);
    if (outcome === IpOutcome.DATAGRAM) {
      const { packet } = input;
      const payload = packet.bytes.slice(packet.payloadAt, packet.end);
      return { outcome: reasons.join() || "datagram", payload, protocol: packet.protocol };
    }
    if (outcome === IpOutcome.NOTHING) return { outcome: reasons.join() || "held" };
    return { outcome: reasons.join(), problem: [input.problem.code, input.problem.pointer] };
  }
}

/** An output of so many packets that keeps what it gets. */
export class Packets implements PacketOut {
  readonly all: Uint8Array[] = [];
  room: number;
  #buffer = new Uint8Array(0);

  constructor(room: number = Infinity) {
    this.room = room;
  }

  alloc(size: number): Uint8Array | null {
    if (this.room <= 0) return null;
    this.#buffer = new Uint8Array(size + 7).fill(0xa5).subarray(5, size + 5);
    return this.#buffer;
  }

  commit(length: number): void {
    this.room--;
    this.all.push(this.#buffer.slice(0, length));
  }

  /** Takes everything out. */
  take(): Uint8Array[] {
    return this.all.splice(0);
  }
}

/** Bytes that are not random: each call goes on counting. */
export function countingRandom(): (into: Uint8Array) => void {
  let next = 1;
  return (into) => {
    for (let i = 0; i < into.length; i++) into[i] = (next = (next * 75 + 74) % 65_537) & 0xff;
  };
}
