/**
 * Which clients have to prove that their addresses are real.
 *
 * @module
 */
import { readU32 } from "../bytes/integers.ts";
import type { FillRandom } from "../core/random.ts";
import type { RxConnection } from "./connection.ts";
import type { RxEndpointEngineOptions } from "./endpoint_options.ts";

/**
 * Whether the client has yet to prove that its address is its own, or who it is: its calls wait for that, and it gets no
 * more than three times what it sent.
 */
export function mustProve(
  { isClient, isSecuring, securityIndex, peer }: RxConnection,
  check: RxEndpointEngineOptions["reachCheck"],
  now: number,
): boolean {
  if (isClient || peer.isValidated(now)) return false;
  if (securityIndex !== 0) return isSecuring;
  return check !== "never" && (check === "always" || !isThisMachine(peer.address.address));
}

/**
 * Whether a call runs in this channel, under this number, that has begun, which it does once its client has proved what it
 * has to: that holds until the call ends.
 */
export function isOfProved({ isSecuring, channels }: RxConnection, channel: number, callNumber: number): boolean {
  const { call } = channels[channel & 3]!;
  return !isSecuring && call?.place?.callNumber === callNumber && !call.isGated;
}

/**
 * What the serial numbers of a connection to this end begin behind. An address proves that it is real by the number of the
 * PING that went there, so whoever has not seen that must not know it; low enough that the other end takes the first packet
 * for a later one, and an ABORT behind it for plausible.
 */
export function firstSerial(random: FillRandom): number {
  const bytes = new Uint8Array(4);
  random(bytes);
  return readU32(bytes, 0) >>> 3;
}

function isThisMachine(address: string): boolean {
  return address.startsWith("127.") || address === "::1" || address.startsWith("::ffff:127.");
}
