/**
 * The options of `leat tun`, as a table.
 *
 * @module
 */
import type { OptionSpec } from "../options.ts";

/** Options of `leat tun`. */
export const TUN_OPTIONS: readonly OptionSpec[] = [
  { name: "echo", help: "Send back what comes, TCP and UDP, on every port" },
  { name: "proxy", argument: "HOST:PORT", help: "Connect every TCP connection and every UDP flow with this one place" },
  {
    name: "http",
    help: "Answer HTTP on every TCP port: / says who asks whom, /bytes/N gives N bytes, a POST is told its length",
  },
  { name: "name", argument: "NAME", help: "Name of the interface, %d for a number (default tun%d)" },
  {
    name: "address",
    argument: "A/N,...",
    help: "The system's own addresses on it (default 10.99.0.1/24,fd99::1/64); all others of these networks are ours",
  },
  { name: "mtu", argument: "BYTES", help: "Longest packet (default 1500)" },
  {
    name: "via",
    argument: "HOW",
    choices: ["auto", "native", "socat"],
    help: "How the interface is reached: native, or by the program socat (default auto: socat where nothing else goes)",
  },
  { name: "write", argument: "FILE", help: "Write all packets as a capture file, pcapng for .pcapng, else pcap" },
  { name: "loss", argument: "PERCENT", help: "Lose so many of the packets, both ways, to see what that does" },
  { name: "duplicate", argument: "PERCENT", help: "Deliver so many of them twice" },
  { name: "reorder", argument: "PERCENT", help: "Let so many of them be overtaken" },
  { name: "delay", argument: "MS", help: "Deliver them so much later" },
  { name: "json", short: "j", help: "One JSON object for each connection instead of a line" },
];

/** What the help says besides. */
export const TUN_DETAILS: readonly string[] = [
  "  leat tun --echo &",
  "  ping 10.99.0.2; nc 10.99.0.77 4711; curl telnet://10.99.0.3:7",
  "",
  "The interface is there as long as the command runs. Needs root, or an interface",
  "made for this user: ip tuntap add mode tun user NAME. Linux only.",
  "",
];
