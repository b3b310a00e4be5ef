/**
 * Options of an Ethernet port.
 *
 * @module
 */
import { choiceOption, durationOption, limitOption } from "../../core/limits.ts";
import type { FillRandom } from "../../core/random.ts";
import { AddressPrefix } from "./address_prefix.ts";
import { linkLocalAddress, type MacAddress, macOption } from "./mac_address.ts";
import { type VlanOption, vlanTags } from "./vlan_tags.ts";

/** Options of {@linkcode EthernetPort}. */
export interface EthernetPortOptions {
  /** The port's own MAC address. */
  readonly mac: MacAddress;
  /** Fills bytes with randomness, for timers that hosts must not run in step. */
  readonly random: FillRandom;
  /**
   * Addresses of the port with the lengths of their prefixes, like `192.0.2.1/24`: it answers for these, and the other
   * addresses of these networks are found on the link. An IPv6 link-local address is added when there is none.
   *
   * @default {[]}
   */
  readonly networks?: readonly string[] | undefined;
  /**
   * For which addresses it answers beside its own: `"any"` for all that are in none of `networks`, or prefixes. It never
   * answers for a neighbour that it knows, nor hinders anyone from taking such an address.
   *
   * @default {[]}
   */
  readonly answersFor?: "any" | readonly string[] | undefined;
  /**
   * Routers, one for each IP version: packets for other networks go there. Without one, all addresses are looked for on
   * the link.
   *
   * @default {[]}
   */
  readonly gateways?: readonly string[] | undefined;
  /** VLANs in which the port is, outermost first: identifiers, or whole tags. @default {[]} */
  readonly vlans?: readonly VlanOption[] | undefined;
  /** Whether frames for other stations are taken, too. @default {false} */
  readonly isPromiscuous?: boolean | undefined;
  /** Whether neighbours are told that it forwards packets (RFC 4861 section 4.4). @default {false} */
  readonly isRouter?: boolean | undefined;
  /**
   * How own addresses are taken: `"announce"` tells the neighbours, `"probe"` asks them first whether anyone has it and
   * sends nothing meanwhile (RFC 5227, RFC 4862 section 5.4), `"none"` is silent.
   *
   * @default {"announce"}
   */
  readonly claim?: "none" | "announce" | "probe" | undefined;
  /** Frames shorter than this are filled up with zeros. @default {60} */
  readonly minFrameBytes?: number | undefined;
  /** Neighbours that are remembered; the least used give way. @default {1024} */
  readonly maxNeighbors?: number | undefined;
  /** Packets that wait for one neighbour's address; the oldest give way. @default {16} */
  readonly maxWaitingPackets?: number | undefined;
  /** Bytes of packets that wait for any address; more are dropped. @default {1048576} */
  readonly maxWaitingBytes?: number | undefined;
  /** Questions, answers and announcements that wait to be sent; more are dropped. @default {64} */
  readonly maxControlFrames?: number | undefined;
  /** Questions for addresses in a second; more wait for their timers. @default {200} */
  readonly solicitationsPerSecond?: number | undefined;
  /** How long a neighbour counts as reachable after it answered, in milliseconds; half to one and a half of it. @default {30000} */
  readonly reachableMs?: number | undefined;
  /** Time between questions, in milliseconds. @default {1000} */
  readonly retransmitMs?: number | undefined;
  /** Questions before a neighbour is given up. @default {3} */
  readonly maxSolicitations?: number | undefined;
  /** How long a neighbour that was silent may be sent to before it is asked, in milliseconds. @default {5000} */
  readonly delayProbeMs?: number | undefined;
  /** How long an ARP answer holds against another one for the same address, in milliseconds. @default {1000} */
  readonly holdAnswerMs?: number | undefined;
}

/** Options with nothing left out. */
export interface EthernetSettings {
  /** See {@linkcode EthernetPortOptions}. */
  readonly mac: Uint8Array;
  /** See {@linkcode EthernetPortOptions}. */
  readonly random: FillRandom;
  /** See {@linkcode EthernetPortOptions}. */
  readonly networks: readonly AddressPrefix[];
  /** See {@linkcode EthernetPortOptions}. */
  readonly answersFor: "any" | readonly AddressPrefix[];
  /** See {@linkcode EthernetPortOptions}. */
  readonly gateways: readonly Uint8Array[];
  /** Tag protocol and control of each VLAN tag. */
  readonly tags: readonly (readonly [protocol: number, control: number])[];
  /** See {@linkcode EthernetPortOptions}. */
  readonly isPromiscuous: boolean;
  /** See {@linkcode EthernetPortOptions}. */
  readonly isRouter: boolean;
  /** See {@linkcode EthernetPortOptions}. */
  readonly claim: "none" | "announce" | "probe";
  /** See {@linkcode EthernetPortOptions}. */
  readonly minFrameBytes: number;
  /** See {@linkcode EthernetPortOptions}. */
  readonly maxNeighbors: number;
  /** See {@linkcode EthernetPortOptions}. */
  readonly maxWaitingPackets: number;
  /** See {@linkcode EthernetPortOptions}. */
  readonly maxWaitingBytes: number;
  /** See {@linkcode EthernetPortOptions}. */
  readonly maxControlFrames: number;
  /** See {@linkcode EthernetPortOptions}. */
  readonly solicitationsPerSecond: number;
  /** See {@linkcode EthernetPortOptions}. */
  readonly reachableMs: number;
  /** See {@linkcode EthernetPortOptions}. */
  readonly retransmitMs: number;
  /** See {@linkcode EthernetPortOptions}. */
  readonly maxSolicitations: number;
  /** See {@linkcode EthernetPortOptions}. */
  readonly delayProbeMs: number;
  /** See {@linkcode EthernetPortOptions}. */
  readonly holdAnswerMs: number;
}

/**
 * Checks the options and fills in what is missing.
 *
 * @throws {TypeError | RangeError} when one is wrong
 */
export function ethernetSettings(options: EthernetPortOptions): EthernetSettings {
  const mac = macOption("mac", options.mac);
  if (typeof options.random !== "function") throw new TypeError("random must be a function that fills bytes");
  const answersFor = options.answersFor ?? [];
  return {
    mac,
    random: options.random,
    networks: ownNetworks(options.networks ?? [], mac),
    answersFor: answersFor === "any" ? "any" : prefixes("answersFor", answersFor),
    gateways: prefixes("gateways", options.gateways ?? []).map((one) => one.address),
    tags: vlanTags(options.vlans ?? []),
    isPromiscuous: options.isPromiscuous ?? false,
    isRouter: options.isRouter ?? false,
    claim: choiceOption("claim", options.claim, "announce", ["none", "announce", "probe"]),
    minFrameBytes: limitOption("minFrameBytes", options.minFrameBytes, 60, 0),
    maxNeighbors: limitOption("maxNeighbors", options.maxNeighbors, 1024),
    maxWaitingPackets: limitOption("maxWaitingPackets", options.maxWaitingPackets, 16),
    maxWaitingBytes: limitOption("maxWaitingBytes", options.maxWaitingBytes, 1 << 20),
    maxControlFrames: limitOption("maxControlFrames", options.maxControlFrames, 64),
    solicitationsPerSecond: limitOption("solicitationsPerSecond", options.solicitationsPerSecond, 200),
    reachableMs: durationOption("reachableMs", options.reachableMs, 30_000),
    retransmitMs: durationOption("retransmitMs", options.retransmitMs, 1000),
    maxSolicitations: limitOption("maxSolicitations", options.maxSolicitations, 3),
    delayProbeMs: durationOption("delayProbeMs", options.delayProbeMs, 5000),
    holdAnswerMs: durationOption("holdAnswerMs", options.holdAnswerMs, 1000),
  };
}

function prefixes(name: string, texts: readonly string[]): AddressPrefix[] {
  if (!Array.isArray(texts)) throw new TypeError(`${name} must be an array of addresses`);
  return texts.map((text) => new AddressPrefix(text));
}

function ownNetworks(texts: readonly string[], mac: Uint8Array): AddressPrefix[] {
  const networks = prefixes("networks", texts);
  const linkLocal = new AddressPrefix("fe80::/64");
  if (!networks.some(({ address }) => linkLocal.contains(address, 0, address.length))) {
    linkLocal.address.set(linkLocalAddress(mac));
    networks.push(linkLocal);
  }
  return networks;
}
