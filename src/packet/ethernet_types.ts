/**
 * The numbers of protocols in Ethernet and cooked headers.
 *
 * @module
 */

/** Values of the type field of Ethernet II, by the names of the IANA "IEEE 802 Numbers" registry. */
export const EtherType = {
  /** RFC 894. */
  IPV4: 0x0800,
  /** RFC 826. */
  ARP: 0x0806,
  /** RFC 2464. */
  IPV6: 0x86dd,
  /** Customer tag, IEEE 802.1Q. */
  VLAN: 0x8100,
  /** Service tag, IEEE 802.1ad (QinQ). */
  QINQ: 0x88a8,
  /** Outer tag of QinQ before it was standardised. */
  QINQ_OLD: 0x9100,
} as const;

/** Whether the type says that a VLAN tag follows. */
export function isVlanTag(type: number): boolean {
  return type === EtherType.VLAN || type === EtherType.QINQ || type === EtherType.QINQ_OLD;
}

/** Largest value of the field that is a length (IEEE 802.3), not a type. */
export const MAX_802_3_LENGTH = 1500;

/** DSAP, SSAP and control of LLC that say that a SNAP header follows (RFC 1042). */
export const LLC_SNAP = 0xaaaa03;
