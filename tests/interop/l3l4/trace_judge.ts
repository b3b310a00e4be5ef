/** Wireshark's judgement of a trace. */
import { execFileSync } from "node:child_process";
import { assert, assertEquals } from "@std/assert";
import { ackedUnseen, FIELDS, isSyn, type TcpFrame, unbegun } from "./trace_rules.ts";

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
 * Checks a trace: nothing that is wrong, no connection that began unseen, and no flags but those that `expected` explains.
 * `known` holds the connections of the traces before, see {@linkcode unbegun}. Returns its frames with TCP.
 */
export function judge(path: string, expected: RegExp, known: Set<string>): TcpFrame[] {
  const all = tcpFrames(path);
  assert(all.some(isSyn), `${path} has no connection that begins`);
  assertEquals(frames(path, WRONG, ["frame.number", "_ws.col.Info"], CHECKS), [], path);
  assertEquals(unbegun(all, known), [], path);
  assertEquals(ackedUnseen(all), [], path);
  const flags = analysisFlags(all);
  const unexplained = [...flags.keys()].filter((flag) => !flag.startsWith(UNSEEN) && !expected.test(flag));
  assertEquals(unexplained, [], `${path}: ${[...flags].map(([flag, count]) => `${flag} ${count}`).join("; ")}`);
  return all;
}
