/**
 * How much of a packet rxkad protects.
 *
 * @module
 */

/** The levels, by their names in AFS. A connection has one, chosen by its client. */
export const RxkadLevel = {
  /** The header's checksum only: who calls is known, what is said can be read and changed. */
  clear: 0,
  /** The length is sealed as well. */
  auth: 1,
  /** All data are enciphered. */
  crypt: 2,
} as const;

/** One of the levels. */
export type RxkadLevel = (typeof RxkadLevel)[keyof typeof RxkadLevel];

/** Whether a number is a level. */
export function isRxkadLevel(level: number): level is RxkadLevel {
  return level === 0 || level === 1 || level === 2;
}

/** The index of rxkad in the header of packets. */
export const RXKAD_INDEX = 2;
