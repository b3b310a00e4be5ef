/**
 * What a UDP port may be asked to be.
 *
 * @module
 */
import { durationOption } from "../core/limits.ts";
import type { UdpOpenOptions } from "./datagram_sink.ts";
import { checkPort } from "./flow_ends.ts";

/**
 * Checks the options of a port.
 *
 * @throws {TypeError} or {@linkcode RangeError} for a wrong one
 */
export function checkUdpOpen(options: UdpOpenOptions): void {
  const { idleTimeoutMs, localAddress, localPort, remoteAddress, remotePort } = options;
  durationOption("idleTimeoutMs", idleTimeoutMs, Infinity);
  if ((remoteAddress === undefined) !== (remotePort === undefined)) {
    throw new RangeError("remoteAddress and remotePort go together");
  }
  if (remoteAddress !== undefined && localAddress === undefined) {
    throw new RangeError("a flow needs a localAddress too");
  }
  checkAddress("localAddress", localAddress);
  checkAddress("remoteAddress", remoteAddress);
  if (remoteAddress !== undefined && remoteAddress.length !== localAddress?.length) {
    throw new RangeError("both addresses must be of the same IP version");
  }
  checkPort("localPort", localPort);
  checkPort("remotePort", remotePort);
}

function checkAddress(name: string, address: Uint8Array | undefined): void {
  if (address === undefined || address.length === 4 || address.length === 16) return;
  throw new RangeError(`${name} must have 4 or 16 bytes, got ${address.length}`);
}
