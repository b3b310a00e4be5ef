/**
 * What the frames of a trace say about who sent them: rules over values, which need neither Wireshark nor a machine. The
 * trace is one of our end of the wire: what we sent is there in the order sent, whatever the wire did to it afterwards.
 */

/** What is looked at of a frame with TCP, by Wireshark's names. */
export const FIELDS = {
  number: "frame.number",
  seconds: "frame.time_relative",
  from: "eth.src",
  stream: "tcp.stream",
  fromPort: "tcp.srcport",
  toPort: "tcp.dstport",
  flags: "tcp.flags",
  start: "tcp.seq",
  end: "tcp.nxtseq",
  acknowledgment: "tcp.ack",
  payload: "tcp.payload",
  isFlagged: "tcp.analysis.flags",
  messages: "_ws.expert.message",
} as const;

/** A frame with TCP; what it has not is empty. Sequence numbers count from the start of the connection. */
export type TcpFrame = Readonly<Record<keyof typeof FIELDS, string>>;

const FIN = 1;
const SYN = 2;
const ACK = 16;
const has = (frame: TcpFrame, flag: number): boolean => (Number(frame.flags) & flag) !== 0;

/** Whether a connection begins with this frame. */
export const isSyn = (frame: TcpFrame): boolean => has(frame, SYN);

/**
 * Says which streams have no SYN, and were not begun in an earlier trace either: of these nothing else could be judged.
 * `known` holds the connections that have begun so far, by their ports, and is added to: the last frames of one that has
 * ended may come when the next trace has begun.
 */
export function unbegun(all: readonly TcpFrame[], known: Set<string>): string[] {
  const connection = ({ fromPort, toPort }: TcpFrame): string => [fromPort, toPort].sort().join(" ");
  for (const frame of all) if (isSyn(frame)) known.add(connection(frame));
  const streams = new Map(all.map((frame) => [frame.stream, frame]));
  return [...streams.values()].filter((frame) => !known.has(connection(frame))).map(({ stream }) =>
    `stream ${stream}: no SYN`
  );
}

/**
 * Frames that acknowledge what the other side has not sent, of connections that begin in the trace. Wireshark's own flag for
 * that also stands on frames of connections with much reordering where nothing is missing.
 */
export function ackedUnseen(all: readonly TcpFrame[]): string[] {
  const begun = new Set(all.filter(isSyn).map(({ stream }) => stream));
  const sent = new Map<string, number>();
  const faults: string[] = [];
  for (const { stream, number, fromPort, toPort, end, acknowledgment } of all) {
    const [own, other] = [`${stream} ${fromPort}`, `${stream} ${toPort}`];
    sent.set(own, Math.max(sent.get(own) ?? 0, Number(end)));
    const last = sent.get(other) ?? 0;
    if (!begun.has(stream) || Number(acknowledgment) <= last) continue;
    faults.push(`stream ${stream}, frame ${number}: acknowledges ${acknowledgment}, last was ${last}`);
  }
  return faults;
}

/** No retransmission timeout is shorter than this, whatever the round trip is. */
const MIN_TIMEOUT_SECONDS = 0.2;

/**
 * A frame is in the trace before the stack has seen it: what was acknowledged no longer ago than this may be sent again yet.
 */
const ACK_ON_ITS_WAY_SECONDS = 0.05;

/** What one stream has sent to the other end, and how much of that has come to it. */
class Sender {
  #last = 0;
  #acked = 0;
  /** When `#acked` rose last, or data were first in flight, or the last timeout was. */
  #movedAt = 0;
  /** All up to here may be sent again after a timeout, until it is acknowledged. */
  #excused = 0;
  /** Acknowledgments that the stack may not have seen yet, and the last one that it has. */
  readonly #acks: { upTo: number; at: number }[] = [];
  #seen = 0;
  /** The bytes sent, as hex digits. */
  #sent = "";

  acknowledged(upTo: number, at: number): void {
    if (upTo <= this.#acked) return;
    this.#acked = upTo;
    this.#movedAt = at;
    this.#acks.push({ upTo, at });
  }

  /** Takes a segment that is there, and says what is wrong with it. */
  take(start: number, end: number, payload: string, at: number): string | undefined {
    const fault = start < this.#last ? this.#again(start, end, at) : undefined;
    if (this.#acked >= this.#last && end > this.#last) this.#movedAt = at;
    this.#last = Math.max(this.#last, end);
    return fault ?? this.#bytes(start, payload);
  }

  #again(start: number, end: number, at: number): string | undefined {
    while (this.#acks[0] !== undefined && at - this.#acks[0].at >= ACK_ON_ITS_WAY_SECONDS) {
      this.#seen = this.#acks.shift()?.upTo ?? 0;
    }
    if (start === this.#acked && at - this.#movedAt >= MIN_TIMEOUT_SECONDS) {
      this.#excused = this.#last;
      this.#movedAt = at;
      return undefined;
    }
    const isAllowed = end > this.#seen && (end === this.#last || end <= this.#excused);
    return isAllowed ? undefined : `sent again up to ${end}, last was ${this.#last}, acknowledged ${this.#acked}`;
  }

  /** The first byte has number 1: the SYN is 0. */
  #bytes(start: number, payload: string): string | undefined {
    if (payload === "") return undefined;
    const at = (start - 1) * 2;
    const before = this.#sent.slice(at, at + payload.length);
    if (!payload.startsWith(before)) return `other bytes sent again from ${start}`;
    this.#sent = this.#sent.padEnd(at) + payload.slice(before.length);
    return undefined;
  }
}

/**
 * Says what the station with this MAC address has sent again without need. On a wire that loses nothing it may send again
 *
 * * the last segment that it has sent, a probe of the tail (RFC 8985 section 7), and
 * * when the other end has acknowledged nothing for the time of a timeout, as it does on a machine that is busy with other
 *   things, the first segment that is not acknowledged, and then what had been sent behind it,
 *
 * nothing of it once it is acknowledged, and always the same bytes.
 */
export function onlyProbes(all: readonly TcpFrame[], mac: string): string[] {
  const senders = new Map<string, Sender>();
  const faults: string[] = [];
  for (const frame of all) {
    const { stream, number, from, payload } = frame;
    const [start, end, seconds] = [Number(frame.start), Number(frame.end), Number(frame.seconds)];
    const sender = senders.get(stream) ?? new Sender();
    senders.set(stream, sender);
    if (from !== mac) {
      if (has(frame, ACK)) sender.acknowledged(Number(frame.acknowledgment), seconds);
    } else if (end !== start || has(frame, FIN)) {
      const fault = sender.take(start, end, payload, seconds);
      if (fault !== undefined) faults.push(`stream ${stream}, frame ${number}: ${fault}`);
    }
  }
  return faults;
}
