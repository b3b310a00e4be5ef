/**
 * The error of the packet layer.
 *
 * @module
 */
import { LeatError, type LeatErrorOptions } from "../core/errors.ts";

/**
 * Bytes that are not the packet they claim to be. Codes: `EPROTO` (a field contradicts the protocol or the length),
 * `ETRUNCATED` (the bytes end within a header), `EMSGSIZE` (more than the protocol can say).
 *
 * @example
 * ```ts
 * import { assertThrows } from "@std/assert";
 * import { decodeUdp, PacketError } from "@leat/streams/packet";
 *
 * assertThrows(() => decodeUdp(new Uint8Array(3)), PacketError, "truncated");
 * ```
 */
export class PacketError extends LeatError {
  /** Name of the class. */
  override readonly name: string = "PacketError";

  /** Makes an error of the packet layer; the peer is to blame unless said otherwise. */
  constructor(
    message: string,
    options: Omit<LeatErrorOptions, "layer" | "blame"> & Partial<Pick<LeatErrorOptions, "blame">>,
  ) {
    super(message, { blame: "remote", ...options, layer: "packet" });
  }
}
