/**
 * Whether a packet was made by somebody who has the connection's key.
 *
 * @module
 */
import type { RxHeader } from "./header.ts";
import { dataPackets } from "./jumbo.ts";
import type { PacketProtection } from "./security/protection.ts";

/** Whether the seal of the first packet in a datagram fits. */
export function isGenuine(protection: PacketProtection, header: RxHeader, datagram: Uint8Array): boolean {
  const [first] = dataPackets(header, datagram) ?? [];
  if (first === undefined) return false;
  try {
    protection.open(header, header.checksum, first.body);
    return true;
  } catch {
    return false;
  }
}
