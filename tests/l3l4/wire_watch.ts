/**
 * Looks at the packets of two hosts and complains about everything that TCP does not do: bytes other than those written,
 * beyond the window that the other end offered, behind an end; acknowledgments of what was never sent; windows that shrink.
 */
import { readU16, readU32 } from "../../src/bytes/integers.ts";
import { decodeTcpOptions } from "../../src/packet/tcp_options.ts";
import { TcpFlag } from "../../src/packet/tcp.ts";
import { foldSum, Summer } from "../../src/bytes/summer.ts";
import { isPattern } from "./pattern.ts";

/** One direction of a connection, as the wire shows it. Sequence numbers count from the SYN's on. */
interface Half {
  initial: number;
  hasSyn: boolean;
  /** Behind the last byte that was sent. */
  sentEnd: number;
  /** Right edge that this end has offered, and the one that the other end knows of. */
  offered: number;
  known: number;
  shift: number;
  hasScale: boolean;
  finAt: number;
  isReset: boolean;
}

function newHalf(): Half {
  return {
    initial: 0,
    hasSyn: false,
    sentEnd: 0,
    offered: 0,
    known: 0,
    shift: 0,
    hasScale: false,
    finAt: Infinity,
    isReset: false,
  };
}

/** Fields of a TCP packet. */
interface Seen {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly sequence: number;
  readonly acknowledgment: number;
  readonly flags: number;
  readonly window: number;
  readonly scale: number | undefined;
  readonly payload: Uint8Array;
}

function look(packet: Uint8Array): Seen {
  const at = packet[0]! >>> 4 === 4 ? 20 : 40;
  const dataAt = at + (packet[at + 12]! >>> 4) * 4;
  const flags = packet[at + 13]!;
  let scale: number | undefined;
  if ((flags & TcpFlag.SYN) !== 0) {
    for (const option of decodeTcpOptions(packet.subarray(at + 20, dataAt))) {
      if (option.kind === "windowScale") scale = option.shift;
    }
  }
  return {
    sourcePort: readU16(packet, at),
    destinationPort: readU16(packet, at + 2),
    sequence: readU32(packet, at + 4),
    acknowledgment: readU32(packet, at + 8),
    flags,
    window: readU16(packet, at + 14),
    scale,
    payload: packet.subarray(dataAt),
  };
}

const summer = new Summer();

function hasRightSum(packet: Uint8Array): boolean {
  const [addressesAt, payloadAt] = packet[0]! >>> 4 === 4 ? [12, 20] : [8, 40];
  return foldSum(summer.add(6 + packet.length - payloadAt, packet, addressesAt, packet.length)) === 0xffff;
}

/** Number of the stream that an end of the connection with this port writes. */
export function streamNumber(clientPort: number, isClient: boolean): number {
  return 2 * clientPort + (isClient ? 0 : 1);
}

/** All connections between two hosts, by the port of the first one. */
export class WireWatch {
  readonly #flows = new Map<number, [Half, Half]>();
  readonly #serverPort: number;

  /** Nothing seen yet. */
  constructor(serverPort: number) {
    this.#serverPort = serverPort;
  }

  /** A host has sent a packet. */
  sent(from: 0 | 1, packet: Uint8Array): void {
    // a damaged version makes another protocol of a packet, which is answered with an error
    if (packet[packet[0]! >>> 4 === 4 ? 9 : 6] !== 6) return;
    const seen = look(packet);
    const clientPort = from === 0 ? seen.sourcePort : seen.destinationPort;
    check((from === 0 ? seen.destinationPort : seen.sourcePort) === this.#serverPort, "ports", seen);
    const halves = this.#halves(clientPort, from, seen);
    this.#judge(halves[from], halves[1 - from]!, streamNumber(clientPort, from === 0), seen);
  }

  /** A host gets a packet: it knows the window that it offers from now on. */
  delivered(to: 0 | 1, packet: Uint8Array): void {
    if (!hasRightSum(packet)) return;
    const seen = look(packet);
    const halves = this.#flows.get(to === 1 ? seen.sourcePort : seen.destinationPort);
    if (halves === undefined || (seen.flags & TcpFlag.ACK) === 0) return;
    const [sender, other] = [halves[1 - to]!, halves[to]!];
    if (!other.hasSyn) return;
    const edge = relative(seen.acknowledgment, other, other.sentEnd) + seen.window * this.#unit(sender, other, seen);
    sender.known = Math.max(sender.known, edge);
  }

  #halves(clientPort: number, from: 0 | 1, seen: Seen): [Half, Half] {
    let halves = this.#flows.get(clientPort);
    const isSyn = (seen.flags & TcpFlag.SYN) !== 0;
    if (halves === undefined || (isSyn && from === 0 && halves[0].hasSyn && halves[0].initial !== seen.sequence)) {
      halves = [newHalf(), newHalf()];
      this.#flows.set(clientPort, halves);
    }
    return halves;
  }

  #unit(self: Half, other: Half, seen: Seen): number {
    const isScaled = self.hasScale && other.hasScale && (seen.flags & TcpFlag.SYN) === 0;
    return isScaled ? 2 ** self.shift : 1;
  }

  #judge(self: Half, other: Half, stream: number, seen: Seen): void {
    const { flags, payload } = seen;
    if ((flags & TcpFlag.SYN) !== 0) {
      check(!self.hasSyn || self.initial === seen.sequence, "another SYN", seen);
      self.hasSyn = true;
      self.initial = seen.sequence;
      self.sentEnd = Math.max(self.sentEnd, 1);
      // SYNs that are sent again may go without; what the other answers tells which one it got
      self.hasScale ||= seen.scale !== undefined;
      if (seen.scale !== undefined) self.shift = Math.min(14, seen.scale);
    }
    // a host that knows nothing of a connection resets it with numbers of the other's choice
    if ((flags & TcpFlag.RST) !== 0) {
      check(payload.length === 0, "a reset with data", seen);
      self.isReset = true;
      return;
    }
    check(self.hasSyn, "no SYN first", seen);
    this.#judgeAck(self, other, seen);
    this.#judgeData(self, other, stream, seen);
  }

  #judgeAck(self: Half, other: Half, seen: Seen): void {
    if ((seen.flags & TcpFlag.ACK) === 0) {
      check((seen.flags & TcpFlag.SYN) !== 0, "no ACK", seen);
      return;
    }
    const acked = relative(seen.acknowledgment, other, other.sentEnd);
    check(acked >= 1 && acked <= other.sentEnd, `acknowledges ${acked} of ${other.sentEnd}`, seen);
    const unit = this.#unit(self, other, seen);
    const edge = acked + seen.window * unit;
    check(edge > self.offered - unit, `window shrinks from ${self.offered} to ${edge}`, seen);
    self.offered = Math.max(self.offered, edge);
  }

  #judgeData(self: Half, other: Half, stream: number, seen: Seen): void {
    const { flags, payload } = seen;
    const isSyn = (flags & TcpFlag.SYN) !== 0;
    const start = relative(seen.sequence, self, self.sentEnd) + (isSyn ? 1 : 0);
    const end = start + payload.length;
    if (payload.length > 0) {
      check(!self.isReset, "data after a reset", seen);
      check(start >= 1 && start <= self.sentEnd, `leaves out bytes from ${self.sentEnd} on`, seen);
      check(isPattern(stream, start - 1, payload), `wrong bytes at ${start - 1}`, seen);
      check(end <= self.finAt, "data behind the end", seen);
      // a probe of a closed window lies one byte beyond it (RFC 9293 section 3.8.6.1)
      check(end <= other.known || payload.length === 1, `${end} is beyond the window, ${other.known}`, seen);
      check(end <= other.known + 1, `${end} is beyond the window, ${other.known}`, seen);
    }
    self.sentEnd = Math.max(self.sentEnd, end);
    if ((flags & TcpFlag.FIN) === 0) return;
    check(self.finAt === Infinity || self.finAt === end, `another end: ${end} after ${self.finAt}`, seen);
    self.finAt = end;
    self.sentEnd = Math.max(self.sentEnd, end + 1);
  }
}

/** Distance of a sequence number from the SYN's, near to what was sent last. */
function relative(sequence: number, half: Half, near: number): number {
  return near + ((sequence - half.initial - near) | 0);
}

function check(isRight: boolean, complaint: string, { payload, ...seen }: Seen): void {
  if (!isRight) throw new Error(`${complaint}: ${JSON.stringify({ ...seen, length: payload.length })}`);
}
