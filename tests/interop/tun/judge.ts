/**
 * tshark as the judge of a capture.
 *
 * @module
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Checks that are off by default. */
const CHECKS = ["ip.check_checksum", "tcp.check_checksum", "udp.check_checksum"].flatMap((
  one,
) => ["-o", `${one}:TRUE`]);

/** Packets that are wrong in themselves, whatever a network did to them. */
const WRONG = '_ws.malformed || _ws.expert.severity == "Error" || ip.checksum.status == "Bad" || ' +
  'tcp.checksum.status == "Bad" || udp.checksum.status == "Bad" || icmp.checksum.status == "Bad" || ' +
  'icmpv6.checksum.status == "Bad"';

/** The lines of packets that fit a filter. */
export async function fitting(file: string, filter: string): Promise<string[]> {
  const { stdout } = await run("tshark", ["-n", "-r", file, ...CHECKS, "-Y", filter], { maxBuffer: 1 << 26 });
  return stdout.split("\n").filter((line) => line !== "");
}

/** A filter for packets that the kernel did not send from its own addresses. */
export function notFrom(kernel: readonly string[]): string {
  return kernel.map((address) => `!(${address.includes(":") ? "ipv6" : "ip"}.src == ${address})`).join(" && ");
}

/** The lines of packets of ours that are malformed or have wrong checksums. */
export function wrongPackets(file: string, kernel: readonly string[]): Promise<string[]> {
  return fitting(file, `${notFrom(kernel)} && (${WRONG})`);
}
