/**
 * Which calls have to wait until the address of their client has proved to be real.
 *
 * @module
 */
import type { RxCall } from "./call.ts";
import type { RxEndpointEngineOptions } from "./endpoint_options.ts";

/** Whether the call has to wait until its address has answered. */
export function mustProve(call: RxCall, check: RxEndpointEngineOptions["reachCheck"], now: number): boolean {
  if (check === "never" || call.place!.connection.securityIndex !== 0 || call.peer.isValidated(now)) return false;
  return check === "always" || !isThisMachine(call.remote.address);
}

function isThisMachine(address: string): boolean {
  return address.startsWith("127.") || address === "::1" || address.startsWith("::ffff:127.");
}
