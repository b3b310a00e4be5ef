/**
 * Names of link types and captures for people.
 *
 * @module
 */
import { LinkType } from "../packet/mod.ts";
import type { CaptureSummary } from "./pipeline.ts";

const NAMES: Readonly<Record<number, string>> = {
  [LinkType.NULL]: "BSD loopback",
  [LinkType.ETHERNET]: "Ethernet",
  [LinkType.RAW_12]: "raw IP",
  [LinkType.RAW_14]: "raw IP",
  [LinkType.RAW]: "raw IP",
  [LinkType.LOOP]: "OpenBSD loopback",
  [LinkType.LINUX_SLL]: "Linux cooked",
  [LinkType.IPV4]: "raw IPv4",
  [LinkType.IPV6]: "raw IPv6",
  [LinkType.LINUX_SLL2]: "Linux cooked v2",
};

/** Name of a LINKTYPE_ value. */
export function linkName(linkType: number): string {
  return NAMES[linkType] ?? `link type ${linkType}`;
}

/** Format and link types of a capture: `pcap, Ethernet`. */
export function describeCapture({ format, interfaces }: CaptureSummary): string {
  const names = new Set(interfaces.map((one) => linkName(one.linkType)));
  return [format ?? "empty", ...names].join(", ");
}
