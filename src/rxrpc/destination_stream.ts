/**
 * Where a call or a question goes, as its caller says it.
 *
 * @module
 */
import { typeName } from "../core/words.ts";
import { InetAddress } from "../tsocket/inet_address.ts";
import { RxrpcError } from "./errors.ts";
import type { RxAddress } from "./ports.ts";

/** A numeric address and a port, as one text or apart; {@linkcode InetAddress} is such an object. */
export type RxDestination = RxAddress | string;

/**
 * The address that is meant.
 *
 * @throws {TypeError} when it is no address
 * @throws {RangeError} for a text without a port
 * @throws {SocketError} `EINVAL` for a text that is none; names are not looked up
 * @throws {RxrpcError} `EDESTADDRREQ` for nothing, where nothing is usual
 */
export function destinationOf(to: RxDestination | undefined, usual?: RxAddress): RxAddress {
  if (to === undefined) {
    if (usual !== undefined) return usual;
    throw new RxrpcError("to is needed: the endpoint has no usual one", { code: "EDESTADDRREQ", blame: "local" });
  }
  if (typeof to === "string") {
    const address = InetAddress.parse(to);
    if (address.port === 0) throw new RangeError(`to must have a port from 1 to 65535, got "${to}"`);
    return address;
  }
  if (typeof (to as RxAddress | null)?.address === "string") return to;
  throw new TypeError(`to must be { address, port } or a text like "192.0.2.1:7000", got ${typeName(to)}`);
}
