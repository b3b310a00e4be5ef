/**
 * A DATA packet that is kept until the peer has it for good.
 *
 * @module
 */

/** One packet. Its header is written anew for each transmission. */
export interface SendPacket {
  readonly seq: number;
  readonly body: Uint8Array;
  readonly isLast: boolean;
  readonly checksum: number;
  /** Serial number of the latest transmission. */
  serial: number;
  /** Serial number of the first one. */
  firstSerial: number;
  /** Time of the latest transmission. */
  sentAt: number;
  /** Time of the first one. */
  firstSentAt: number;
  /** Which transmission of the call the latest one was, from 0; -1 before the first. */
  order: number;
  /** How often it was sent. */
  transmissions: number;
  /** The peer has it, and may throw it away yet. */
  isAcked: boolean;
  /** The latest transmission did not come. */
  isLost: boolean;
}
