/** Blocks of pcapng spelled out in hex, the way that the draft draws them; no code of the library makes these. */
import { concat, fromHex } from "../../../src/bytes/mod.ts";

/** Section header, version 1.0, length unknown. */
export const SHB_BIG = "0a0d0d0a 0000001c 1a2b3c4d 0001 0000 ffffffffffffffff 0000001c";
export const SHB_LITTLE = "0a0d0d0a 1c000000 4d3c2b1a 0100 0000 ffffffffffffffff 1c000000";
/** Ethernet, snap length 65535, no options: microseconds. */
export const IDB_BIG = "00000001 00000014 0001 0000 0000ffff 00000014";
export const IDB_LITTLE = "01000000 14000000 0100 0000 ffff0000 14000000";
/** 3 bytes of 60 from interface 0 at 0x0005f5e1_00000002 units. */
export const EPB_BIG = `00000006 00000024 00000000 0005f5e1 00000002 00000003 0000003c aabbcc00 00000024`;
export const EPB_LITTLE = `06000000 24000000 00000000 e1f50500 02000000 03000000 3c000000 aabbcc00 24000000`;

/** Joins pieces of hex. */
export function hex(...pieces: string[]): Uint8Array {
  return concat(pieces.map(fromHex));
}

/** An interface description, big-endian, with the given options (hex, padded); `linkType` is hex of 16 bits. */
export function idbBig(options: string, linkType = "0001", snapLength = "0000ffff"): string {
  const length = u32(20 + fromHex(options).length);
  return `00000001 ${length} ${linkType} 0000 ${snapLength} ${options} ${length}`;
}

/** An enhanced packet, big-endian, of no bytes, at the given time. */
export function epbAt(high: string, low: string, interfaceId = "00000000"): string {
  return `00000006 00000020 ${interfaceId} ${high} ${low} 00000000 00000000 00000020`;
}

/** Any block, big-endian, around a body (hex, padded). */
export function blockBig(type: string, body: string): string {
  const length = u32(12 + fromHex(body).length);
  return `${type} ${length} ${body} ${length}`;
}

/** 32 bits as big-endian hex. */
export function u32(value: number): string {
  return value.toString(16).padStart(8, "0");
}
