/**
 * Where packet loads read.
 *
 * @module
 */

/** Offsets from here count from the network header, which for us is the message. */
const SKF_NET_OFF = -0x100000;
/** Offsets from here count from the link header: the same. */
const SKF_LL_OFF = -0x200000;

/** The offset in the message that an absolute load means; negative where there is none. */
export function packetOffset(imm: number): number {
  if (imm >= 0) return imm;
  return imm >= SKF_NET_OFF ? imm - SKF_NET_OFF : imm >= SKF_LL_OFF ? imm - SKF_LL_OFF : -1;
}
