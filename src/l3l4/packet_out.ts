/**
 * Where engines put the packets that they send.
 *
 * @module
 */

/** Takes finished IP packets (or frames), built in place. */
export interface PacketOut {
  /** A buffer of at least so many bytes, or `null` when there is no room now. */
  alloc(size: number): Uint8Array | null;
  /**
   * The first `length` bytes of the last buffer are a packet. With `segmentSize` it is a TCP super-segment, which whoever
   * carries it may cut into segments of so many bytes of payload.
   */
  commit(length: number, segmentSize?: number): void;
}
