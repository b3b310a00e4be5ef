/**
 * What is written to a stage of packets.
 *
 * @module
 */

/**
 * A chunk as an array of packets.
 *
 * @throws {TypeError} when it is neither one nor a packet
 */
export function packetsOf(chunk: Uint8Array | readonly Uint8Array[]): readonly Uint8Array[] {
  const packets = chunk instanceof Uint8Array ? [chunk] : chunk;
  if (Array.isArray(packets) && packets.every((packet) => packet instanceof Uint8Array)) return packets;
  throw new TypeError("a chunk must be a packet or an array of packets, each a Uint8Array");
}
