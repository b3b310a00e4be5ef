/** Makes the checksums of a damaged packet right, so that what is damaged gets past them. */
import { internetChecksum } from "../../src/bytes/checksum.ts";
import { readU16, writeU16 } from "../../src/bytes/integers.ts";
import { pseudoHeaderSum } from "../../src/packet/checksums.ts";
import { checksumAdd, checksumFinish } from "../../src/bytes/checksum.ts";

/** Where the checksum lies, by protocol. */
const CHECKSUM_AT: Readonly<Record<number, number>> = { 1: 2, 6: 16, 17: 6, 58: 2 };

/** Changes `packet` in place, as far as it can be read at all. */
export function repairChecksums(packet: Uint8Array): Uint8Array {
  const version = packet.length > 0 ? packet[0]! >>> 4 : 0;
  if (version === 4 && packet.length >= 20) repairV4(packet);
  else if (version === 6 && packet.length >= 40) {
    repairTransport(packet, packet[6]!, 40, Math.min(packet.length, readU16(packet, 4) + 40), 8);
  }
  return packet;
}

function repairV4(packet: Uint8Array): void {
  const headerLength = (packet[0]! & 0x0f) * 4;
  if (headerLength < 20 || headerLength > packet.length) return;
  if ((readU16(packet, 6) & 0x3fff) === 0) {
    repairTransport(packet, packet[9]!, headerLength, Math.min(packet.length, readU16(packet, 2)), 12);
  }
  writeU16(packet, 10, 0);
  writeU16(packet, 10, internetChecksum(packet, 0, headerLength));
}

function repairTransport(packet: Uint8Array, protocol: number, at: number, end: number, addressesAt: number): void {
  const checksumAt = CHECKSUM_AT[protocol];
  if (checksumAt === undefined || at + checksumAt + 2 > end) return;
  const length = protocol === 17 && at + 6 <= end ? Math.min(end - at, readU16(packet, at + 4)) : end - at;
  const addressesEnd = addressesAt === 12 ? 20 : 40;
  const pseudo = protocol === 1 ? 0 : pseudoHeaderSum(packet, addressesAt, addressesEnd, protocol, length);
  writeU16(packet, at + checksumAt, 0);
  writeU16(packet, at + checksumAt, checksumFinish(checksumAdd(pseudo, packet, at, at + length)));
}
