/**
 * Options of an interface, checked.
 *
 * @module
 */
import { limitOption } from "../../core/limits.ts";
import { readPrefix } from "../../packet/address.ts";
import { MAX_INTERFACE_NAME } from "./ifreq.ts";
import type { TunOptions } from "./tun_types.ts";

/** An address with the length of its network. */
export interface NetworkAddress {
  /** As it was given. */
  readonly text: string;
  /** 4 or 16 bytes. */
  readonly bytes: Uint8Array;
  /** Bits that the network has in common. */
  readonly prefixLength: number;
}

/** {@linkcode TunOptions} with defaults. */
export interface TunSettings {
  /** Name, or a pattern of it. */
  readonly name: string;
  /** What a packet is. */
  readonly mode: "tun" | "tap";
  /** The system's own addresses. */
  readonly addresses: readonly NetworkAddress[];
  /** Longest packet; `undefined` leaves it as it is. */
  readonly mtu: number | undefined;
  /** Packets in a batch. */
  readonly maxBatchPackets: number;
  /** How the device is reached. */
  readonly via: "auto" | "native" | "socat";
  /** Ends the opening. */
  readonly signal: AbortSignal | undefined;
}

const DEFAULT_BATCH_PACKETS = 128;

/** Least and most that Linux takes. */
const MTU_RANGE = [68, 65_535] as const;

/**
 * Checks the options.
 *
 * @throws {TypeError | RangeError} when one is wrong
 */
export function tunSettings(options: TunOptions): TunSettings {
  const { name = "tun%d", mode = "tun", address = [], mtu, via = "auto", signal } = options;
  if (mode !== "tun" && mode !== "tap") throw new TypeError(`mode must be "tun" or "tap", got ${JSON.stringify(mode)}`);
  if (!["auto", "native", "socat"].includes(via)) {
    throw new TypeError(`via must be "auto", "native" or "socat", got ${JSON.stringify(via)}`);
  }
  checkMtu(mtu);
  return {
    name: interfaceName(name),
    mode,
    addresses: (typeof address === "string" ? [address] : address).map(networkAddress),
    mtu,
    maxBatchPackets: limitOption("maxBatchPackets", options.maxBatchPackets, DEFAULT_BATCH_PACKETS),
    via,
    signal,
  };
}

/**
 * Checks the longest packet of an interface; without one, it is the system's choice.
 *
 * @throws {RangeError} when Linux takes none such
 */
export function checkMtu(mtu: number | undefined): void {
  const [least, most] = MTU_RANGE;
  if (mtu === undefined || (Number.isInteger(mtu) && mtu >= least && mtu <= most)) return;
  throw new RangeError(`mtu must be from ${least} to ${most}, got ${mtu}`);
}

/**
 * Checks the name of an interface.
 *
 * @throws {TypeError | RangeError} when it cannot be one
 */
export function interfaceName(name: string): string {
  if (typeof name !== "string") throw new TypeError(`name must be a string, got ${typeof name}`);
  if (name.length > MAX_INTERFACE_NAME) {
    throw new RangeError(`name has at most ${MAX_INTERFACE_NAME} characters, got ${name.length}`);
  }
  // socat's options are parts of one word, so that commas and colons would mean something there
  if (!/^[A-Za-z0-9_.-]+(%d)?$/.test(name) || name === "." || name === "..") {
    throw new TypeError(`name must be of letters, digits, "_", "." and "-", got ${JSON.stringify(name)}`);
  }
  return name;
}

/**
 * Reads an address with the length of its network.
 *
 * @throws {TypeError | RangeError} when it is none, or has no length behind it
 */
export function networkAddress(text: string): NetworkAddress {
  const { address, length } = readPrefix(String(text));
  if (length === undefined) {
    throw new TypeError(`an address must have the length of its network behind it, as 192.0.2.1/24, got ${text}`);
  }
  return { text, bytes: address, prefixLength: length };
}
