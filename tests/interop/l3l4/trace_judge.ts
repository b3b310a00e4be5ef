/** Wireshark's judgement of a trace. */
import { execFileSync } from "node:child_process";
import { assert, assertEquals } from "@std/assert";

const CHECKS = ["ip.check_checksum", "tcp.check_checksum", "udp.check_checksum"].flatMap((
  one,
) => ["-o", `${one}:TRUE`]);

/** One packet in 65,536 has a TCP checksum of 0. Linux writes 0xffff for it; Wireshark calls that wrong. */
const LINUX_ZERO = "TCP Checksum 0xffff instead of 0x0000 (see RFC 1624)";

/** What must be in no trace of a stack that does things right, whatever the wire does. */
const NEVER = [
  "_ws.malformed",
  "ip.checksum.status == 0",
  "tcp.checksum.status == 0 && !tcp.checksum.ffff",
  "udp.checksum.status == 0",
  "icmp.checksum.status == 0",
  "icmpv6.checksum.status == 0",
  "arp.duplicate-address-detected",
  "tcp.analysis.ack_lost_segment",
];

function frames(path: string, filter: string, ...fields: string[]): string[] {
  const args = ["-r", path, ...CHECKS, "-Y", filter, "-T", "fields", ...fields.flatMap((field) => ["-e", field])];
  const output = execFileSync("tshark", args, {
    encoding: "utf8",
    maxBuffer: 1 << 28,
    stdio: ["ignore", "pipe", "ignore"],
  });
  return output.split("\n").filter((line) => line !== "");
}

/** Flags of TCP's analysis in a trace, with how often each is there. */
export function analysisFlags(path: string): Map<string, number> {
  const counts = new Map<string, number>();
  const messages = frames(path, "tcp.analysis.flags", "_ws.expert.message").flatMap((line) => line.split(","));
  for (const one of messages) if (one !== LINUX_ZERO) counts.set(one, (counts.get(one) ?? 0) + 1);
  return counts;
}

/** Checks a trace: nothing that is wrong, and no flags but those that `expected` explains. Returns the flags. */
export function judge(path: string, expected: RegExp): Map<string, number> {
  assert(frames(path, "tcp.flags.syn == 1", "frame.number").length > 0, `${path} has no TCP`);
  const wrong = NEVER.map((one) => `(${one})`).join(" || ");
  assertEquals(frames(path, wrong, "frame.number", "_ws.col.Info"), [], path);
  const flags = analysisFlags(path);
  const unexplained = [...flags.keys()].filter((flag) => !expected.test(flag));
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
  for (const line of frames(path, `eth.src == ${mac} && (tcp.len > 0 || tcp.flags.fin == 1)`, ...fields)) {
    const [stream = "", end = "", isAgain = ""] = line.split("\t");
    const last = ends.get(stream) ?? 0;
    assert(
      isAgain === "" || Number(end) === last,
      `${path}, stream ${stream}: sent again up to ${end}, last was ${last}`,
    );
    ends.set(stream, Math.max(last, Number(end)));
  }
}
