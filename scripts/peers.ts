/**
 * The programs that interop tests talk to. Debian's packages of them are in `install_peers.sh`.
 *
 * @module
 */
import { existsSync } from "node:fs";
import process from "node:process";

/** Programs that must be there. */
export const peers: readonly string[] = [
  "tshark",
  "tcpflow",
  "redis-server",
  "redis-cli",
  "nginx",
  "nghttp",
  "dig",
  "dnsmasq",
  "tcpdump",
  "openssl",
  "curl",
  "ip",
  "psql",
  "haproxy",
  "memcached",
  "chromium",
  "qemu-system-x86_64",
  "busybox",
  "cpio",
  "lz4",
  "xz",
  "gcc",
  "objcopy",
  "ptserver",
  "vlserver",
  "pts",
  "vos",
  "bos",
  "rxdebug",
  "udebug",
  "unshare",
  "perl",
  "socat",
  "iperf3",
  "nc.openbsd",
  "ping",
  "traceroute",
  "sysctl",
];

/** Folders that hold servers but are on no user's PATH. */
const more = ["/usr/sbin", "/sbin", "/usr/local/sbin", "/usr/lib/openafs"];

/** Where a program is, or undefined. */
export function findProgram(name: string): string | undefined {
  const folders = [...(process.env["PATH"] ?? "").split(":"), ...more];
  return folders.map((folder) => `${folder}/${name}`).find((path) => existsSync(path));
}

/** The PATH with the folders of servers. */
export function pathWithServers(): string {
  return [process.env["PATH"] ?? "", ...more].join(":");
}
