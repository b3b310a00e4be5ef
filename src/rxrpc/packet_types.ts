/**
 * Types and flags of Rx packets, and why an ACK is sent, under the names of the protocol's documents.
 *
 * @module
 */

/** Packet types; the ones between are reserved. */
export const RxPacketType = {
  DATA: 1,
  ACK: 2,
  BUSY: 3,
  ABORT: 4,
  ACKALL: 5,
  CHALLENGE: 6,
  RESPONSE: 7,
  DEBUG: 8,
  PARAMS: 9,
  VERSION: 13,
} as const;

/** Flags of the header. Bit 0x20 is `JUMBO_PACKET` in DATA and `SLOW_START_OK` in ACK. */
export const RxFlag = {
  CLIENT_INITIATED: 0x01,
  REQUEST_ACK: 0x02,
  LAST_PACKET: 0x04,
  MORE_PACKETS: 0x08,
  JUMBO_PACKET: 0x20,
  SLOW_START_OK: 0x20,
} as const;

/** Reasons of an ACK. */
export const RxAckReason = {
  REQUESTED: 1,
  DUPLICATE: 2,
  OUT_OF_SEQUENCE: 3,
  EXCEEDS_WINDOW: 4,
  NOSPACE: 5,
  PING: 6,
  PING_RESPONSE: 7,
  DELAY: 8,
  IDLE: 9,
} as const;

/** Reasons whose serial number is that of a packet that was answered at once, so that both tell how far it is. */
export const TIMED_REASONS: ReadonlySet<number> = new Set([
  RxAckReason.REQUESTED,
  RxAckReason.DUPLICATE,
  RxAckReason.OUT_OF_SEQUENCE,
  RxAckReason.PING_RESPONSE,
  RxAckReason.IDLE,
]);

/** The names of numbers, by them. */
export function namesOf(numbers: Readonly<Record<string, number>>): ReadonlyMap<number, string> {
  return new Map(Object.entries(numbers).map(([name, number]) => [number, name]));
}
