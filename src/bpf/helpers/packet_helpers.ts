/**
 * Helpers on the message.
 *
 * @module
 */
import { ERRNO } from "../maps/errno.ts";
import { type HelperHost, type MakeHelper, result } from "./helper_host.ts";

/**
 * Copies bytes of the message to memory. Where they are not all there it fills with zeros, as the kernel does: programs
 * that don't look at the result then see a header of zeros.
 */
function load(host: HelperHost, offset: number, to: number, length: number): number {
  const { bytes, start, end } = host.packet;
  const target = host.memory.bytes;
  if (offset < 0 || length < 0 || offset + length > end - start) {
    target.fill(0, to, to + (length >>> 0));
    return result(host, -ERRNO.EFAULT);
  }
  const from = start + offset;
  // A loop: `set` of a view costs more for the few bytes of a header.
  if (length <= 64) { for (let i = 0; i < length; i++) target[to + i] = bytes[from + i]!; }
  else target.set(bytes.subarray(from, from + length), to);
  return result(host, 0);
}

/** By number. Of 64-bit offsets and lengths the low halves count. */
export const packetHelpers: readonly (readonly [number: number, make: MakeHelper])[] = [
  [26, (host) => (_c, _ch, offset, _o, to, _t, length) => load(host, offset, to, length)],
  [68, (host) => (_c, _ch, offset, _o, to, _t, length, _l, startHeader) => {
    // 0 is the link header, 1 the network header: a message has neither, it begins where they would.
    return load(host, startHeader === 0 || startHeader === 1 ? offset : -1, to, length);
  }],
];
