/**
 * Addresses of what has none by nature.
 *
 * @module
 */
import { VirtualAddress } from "../../local_address.ts";

/** The left and the right end of a pair. */
export function pairAddresses(): readonly [VirtualAddress, VirtualAddress] {
  return [VirtualAddress.from("memory", "left"), VirtualAddress.from("memory", "right")];
}
