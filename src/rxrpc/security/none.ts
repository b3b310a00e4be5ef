/**
 * Security class 0: none. Whoever can send a packet is believed.
 *
 * @module
 */
import type { ClientProtection, ClientSecurity, PacketProtection, ServerSecurity } from "./protection.ts";
import type { PacketPlace } from "./rxkad/packet_seal.ts";

/** Leaves packets as they are. */
export const unprotected: PacketProtection = {
  changesBody: false,
  capacity: (bytes: number): number => bytes,
  sealedLength: (bytes: number): number => bytes,
  seal(_place: PacketPlace, data: Uint8Array, into: Uint8Array): number {
    into.set(data);
    return data.length;
  },
  checksum: (): number => 0,
  open: (_place: PacketPlace, _checksum: number, body: Uint8Array): Uint8Array => body,
};

const clientProtection: ClientProtection = {
  ...unprotected,
  respond(): Uint8Array {
    throw new TypeError("there is no challenge without security");
  },
};

/** No security, at both ends. */
export function none(): ClientSecurity & ServerSecurity {
  return { index: 0, bundleKey: "none", connect: () => clientProtection, challenge: () => undefined };
}
