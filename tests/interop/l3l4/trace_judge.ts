/** Wireshark's judgement of a trace. */
import { execFileSync } from "node:child_process";
import { assert, assertEquals } from "@std/assert";

const CHECKS = ["ip.check_checksum", "tcp.check_checksum", "udp.check_checksum"].flatMap((
  one,
) => ["-o", `${one}:TRUE`]);

/**
 * What no packet may be of a stack that does things right, whatever the wire does. One TCP checksum in 65,536 is 0, for
 * which Linux writes 0xffff: Wireshark calls that wrong, and leaves such packets out when it follows the connection.
 */
const WRONG = [
  "_ws.malformed",
  "ip.checksum.status == 0",
  "tcp.checksum.status == 0 && !tcp.checksum.ffff",
  "udp.checksum.status == 0",
  "icmp.checksum.status == 0",
  "icmpv6.checksum.status == 0",
  "arp.duplicate-address-detected",
].map((one) => `(${one})`).join(" || ");

function frames(path: string, filter: string, fields: readonly string[], options: readonly string[] = []): string[] {
  const args = ["-r", path, ...options, "-Y", filter, "-T", "fields", ...fields.flatMap((field) => ["-e", field])];
  const output = execFileSync("tshark", args, {
    encoding: "utf8",
    maxBuffer: 1 << 28,
    stdio: ["ignore", "pipe", "ignore"],
    // a busy machine takes half a minute
    timeout: 100_000,
  });
  return output.split("\n").filter((line) => line !== "");
}

/** What is looked at of a frame with TCP, by Wireshark's names. */
const FIELDS = {
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
  isFlagged: "tcp.analysis.flags",
  isAgain: "tcp.analysis.retransmission",
  messages: "_ws.expert.message",
} as const;

/** A frame with TCP; what it has not is empty. */
export type TcpFrame = Readonly<Record<keyof typeof FIELDS, string>>;

const FIN = 1;
const SYN = 2;
const has = (frame: TcpFrame, flag: number): boolean => (Number(frame.flags) & flag) !== 0;

function tcpFrames(path: string): TcpFrame[] {
  const names = Object.keys(FIELDS);
  return frames(path, "tcp", Object.values(FIELDS)).map((line) => {
    const values = line.split("\t");
    return Object.fromEntries(names.map((name, i) => [name, values[i] ?? ""])) as TcpFrame;
  });
}

/** Flags of TCP's analysis, with how often each is there. */
function analysisFlags(all: readonly TcpFrame[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { messages } of all.filter(({ isFlagged }) => isFlagged !== "")) {
    for (const message of messages.split(",")) counts.set(message, (counts.get(message) ?? 0) + 1);
  }
  return counts;
}

/** A flag that {@linkcode ackedUnseen} knows better about. */
const UNSEEN = "ACKed segment that wasn't captured";

/**
 * Frames that acknowledge what the other side has not sent, of connections that begin in the trace. Wireshark's own flag for
 * that also stands on frames of connections with much reordering where nothing is missing.
 */
function ackedUnseen(all: readonly TcpFrame[]): TcpFrame[] {
  const begun = new Set(all.filter((frame) => has(frame, SYN)).map(({ stream }) => stream));
  const sent = new Map<string, number>();
  return all.filter(({ stream, fromPort, toPort, end, acknowledgment }) => {
    const [own, other] = [`${stream} ${fromPort}`, `${stream} ${toPort}`];
    sent.set(own, Math.max(sent.get(own) ?? 0, Number(end)));
    return begun.has(stream) && Number(acknowledgment) > (sent.get(other) ?? 0);
  });
}

/** Checks a trace: nothing that is wrong, and no flags but those that `expected` explains. Returns its frames with TCP. */
export function judge(path: string, expected: RegExp): TcpFrame[] {
  const all = tcpFrames(path);
  assert(all.some((frame) => has(frame, SYN)), `${path} has no TCP`);
  assertEquals(frames(path, WRONG, ["frame.number", "_ws.col.Info"], CHECKS), [], path);
  assertEquals(ackedUnseen(all), [], path);
  const flags = analysisFlags(all);
  const unexplained = [...flags.keys()].filter((flag) => !flag.startsWith(UNSEEN) && !expected.test(flag));
  assertEquals(unexplained, [], `${path}: ${[...flags].map(([flag, count]) => `${flag} ${count}`).join("; ")}`);
  return all;
}

/** No retransmission timeout is shorter than this, whatever the round trip is. */
const MIN_TIMEOUT_SECONDS = 0.2;

/**
 * Checks that what the station with this MAC address has sent again were probes of tails (RFC 8985 section 7): the last
 * segment that it had sent, and nothing before that. On a wire that loses nothing there is no other reason to send again, but
 * that the other end has said nothing for the time of a timeout, as it does on a machine that is busy with other things.
 */
export function onlyProbes(all: readonly TcpFrame[], mac: string): void {
  /** By stream: what was sent up to, and up to where all of that may be sent again after a timeout. */
  const ends = new Map<string, { last: number; excused: number }>();
  const sentAt = new Map<string, number>();
  const isData = (frame: TcpFrame): boolean => frame.end !== frame.start || has(frame, FIN);
  for (const frame of all.filter((one) => one.from === mac && isData(one))) {
    const { stream, start, isAgain } = frame;
    const [end, seconds] = [Number(frame.end), Number(frame.seconds)];
    const { last, excused } = ends.get(stream) ?? { last: 0, excused: 0 };
    const isTimeout = seconds - (sentAt.get(`${stream} ${start}`) ?? Infinity) >= MIN_TIMEOUT_SECONDS;
    assert(
      isAgain === "" || end === last || isTimeout || end <= excused,
      `stream ${stream}, frame ${frame.number}: sent again up to ${end}, last was ${last}`,
    );
    ends.set(stream, { last: Math.max(last, end), excused: isAgain !== "" && isTimeout ? last : excused });
    sentAt.set(`${stream} ${start}`, seconds);
  }
}
