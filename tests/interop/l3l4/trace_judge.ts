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
    timeout: 60_000,
  });
  return output.split("\n").filter((line) => line !== "");
}

/** Flags of TCP's analysis in a trace, with how often each is there. */
export function analysisFlags(path: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const line of frames(path, "tcp.analysis.flags", ["_ws.expert.message"])) {
    for (const message of line.split(",")) counts.set(message, (counts.get(message) ?? 0) + 1);
  }
  return counts;
}

/** A flag that {@linkcode ackedUnseen} knows better about. */
const UNSEEN = "ACKed segment that wasn't captured";

/**
 * Frames that acknowledge what the other side has not sent. Wireshark's own flag for that also stands on frames of
 * connections with much reordering where nothing is missing.
 */
function ackedUnseen(path: string): string[] {
  const fields = ["frame.number", "tcp.stream", "tcp.srcport", "tcp.dstport", "tcp.nxtseq", "tcp.ack"];
  const sent = new Map<string, number>();
  return frames(path, "tcp", fields).filter((line) => {
    const [, stream, from, to, end, ack] = line.split("\t");
    sent.set(`${stream} ${from}`, Math.max(sent.get(`${stream} ${from}`) ?? 0, Number(end)));
    return Number(ack) > (sent.get(`${stream} ${to}`) ?? 0);
  });
}

/** Checks a trace: nothing that is wrong, and no flags but those that `expected` explains. Returns the flags. */
export function judge(path: string, expected: RegExp): Map<string, number> {
  assert(frames(path, "tcp.flags.syn == 1", ["frame.number"]).length > 0, `${path} has no TCP`);
  assertEquals(frames(path, WRONG, ["frame.number", "_ws.col.Info"], CHECKS), [], path);
  assertEquals(ackedUnseen(path), [], path);
  const flags = analysisFlags(path);
  const unexplained = [...flags.keys()].filter((flag) => !flag.startsWith(UNSEEN) && !expected.test(flag));
  assertEquals(unexplained, [], `${path}: ${[...flags].map(([flag, count]) => `${flag} ${count}`).join("; ")}`);
  return flags;
}

/**
 * Checks that what the station with this MAC address has sent again were probes of tails (RFC 8985 section 7): the last segment
 * that it had sent, and nothing before that. On a wire that loses nothing there is no other reason to send again.
 */
export function onlyProbes(path: string, mac: string): void {
  const fields = ["tcp.stream", "tcp.nxtseq", "tcp.analysis.retransmission"];
  const ends = new Map<string, number>();
  for (const line of frames(path, `eth.src == ${mac} && (tcp.len > 0 || tcp.flags.fin == 1)`, fields)) {
    const [stream = "", end = "", isAgain = ""] = line.split("\t");
    const last = ends.get(stream) ?? 0;
    assert(
      isAgain === "" || Number(end) === last,
      `${path}, stream ${stream}: sent again up to ${end}, last was ${last}`,
    );
    ends.set(stream, Math.max(last, Number(end)));
  }
}
