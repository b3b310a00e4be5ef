/**
 * Where packet loads read.
 *
 * @module
 */

/**
 * Offsets from here count from the network header, which for us is the message. Those below count from the link header,
 * which a message has not: as in the kernel, where a socket's data has none, such a load fails.
 */
export const SKF_NET_OFF = -0x100000;
/** The offset in the message that an absolute load means; negative where there is none. */
export function packetOffset(imm: number): number {
  if (imm >= 0) return imm;
  return imm >= SKF_NET_OFF ? imm - SKF_NET_OFF : -1;
}
