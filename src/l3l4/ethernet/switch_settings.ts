/**
 * Options of a virtual switch and its ports.
 *
 * @module
 */
import { limitOption } from "../../core/limits.ts";
import { checkVlan } from "./vlan_tags.ts";

/** Options of a switch. */
export interface SwitchOptions {
  /** MAC addresses that it remembers; it learns no more when there are so many. @default {4096} */
  readonly maxAddresses?: number | undefined;
  /** How long it remembers a station that is silent, in milliseconds. @default {300000} */
  readonly ageingMs?: number | undefined;
  /** Ports at a time; more are refused. @default {256} */
  readonly maxPorts?: number | undefined;
}

/** Options of one port of a switch. */
export interface SwitchPortOptions {
  /** The VLAN of frames without a tag, both ways. @default {1} */
  readonly vlan?: number | undefined;
  /** VLANs whose frames have tags of IEEE 802.1Q on this port, both ways. @default {[]} */
  readonly taggedVlans?: "all" | readonly number[] | undefined;
  /** Whether it exchanges no frames with other isolated ports: what the machines of strangers are attached to. @default {false} */
  readonly isIsolated?: boolean | undefined;
  /** MAC addresses that may be behind it; no more are learnt. @default {1024} */
  readonly maxAddresses?: number | undefined;
  /** Longest frame, without tag; longer ones are dropped. @default {65549} */
  readonly maxFrameBytes?: number | undefined;
  /** Frames from this port in a second that go to all others: to groups, or to nobody knows where. @default {20000} */
  readonly floodsPerSecond?: number | undefined;
}

/** Options of a switch with nothing left out. */
export interface SwitchSettings {
  /** See {@linkcode SwitchOptions}. */
  readonly maxAddresses: number;
  /** See {@linkcode SwitchOptions}. */
  readonly ageingMs: number;
  /** See {@linkcode SwitchOptions}. */
  readonly maxPorts: number;
}

/** Options of a port with nothing left out. */
export interface SwitchPortSettings {
  /** See {@linkcode SwitchPortOptions}. */
  readonly vlan: number;
  /** See {@linkcode SwitchPortOptions}. */
  readonly taggedVlans: "all" | ReadonlySet<number>;
  /** See {@linkcode SwitchPortOptions}. */
  readonly isIsolated: boolean;
  /** See {@linkcode SwitchPortOptions}. */
  readonly maxAddresses: number;
  /** See {@linkcode SwitchPortOptions}. */
  readonly maxFrameBytes: number;
  /** See {@linkcode SwitchPortOptions}. */
  readonly floodsPerSecond: number;
}

/**
 * Checks the options of a switch and fills in what is missing.
 *
 * @throws {TypeError | RangeError} when one is wrong
 */
export function switchSettings(options: SwitchOptions): SwitchSettings {
  return {
    maxAddresses: limitOption("maxAddresses", options.maxAddresses, 4096),
    ageingMs: limitOption("ageingMs", options.ageingMs, 300_000),
    maxPorts: limitOption("maxPorts", options.maxPorts, 256),
  };
}

/**
 * Checks the options of a port and fills in what is missing.
 *
 * @throws {TypeError | RangeError} when one is wrong
 */
export function switchPortSettings(options: SwitchPortOptions): SwitchPortSettings {
  const tagged = options.taggedVlans ?? [];
  if (tagged !== "all" && !Array.isArray(tagged)) throw new TypeError("taggedVlans must be an array of VLANs, or all");
  return {
    vlan: checkVlan("vlan", options.vlan ?? 1),
    taggedVlans: tagged === "all" ? tagged : new Set(tagged.map((id: number) => checkVlan("id of a VLAN", id))),
    isIsolated: options.isIsolated ?? false,
    maxAddresses: limitOption("maxAddresses", options.maxAddresses, 1024),
    maxFrameBytes: limitOption("maxFrameBytes", options.maxFrameBytes, 65_549, 14),
    floodsPerSecond: limitOption("floodsPerSecond", options.floodsPerSecond, 20_000),
  };
}
