/**
 * Network interfaces as Deno wants them for multicast: an IPv4 address, or a number. Callers may say a name, or an address
 * that the interface has.
 *
 * @module
 */
import { SocketError } from "../../errors.ts";
import type { DenoInterface } from "./deno_api.ts";

/** Lists the addresses of all interfaces. */
export type DenoInterfaces = () => readonly DenoInterface[];

/** The IPv4 address of an interface; the system chooses one by default. */
export function ipv4Interface(wanted: string | undefined, interfaces: DenoInterfaces): string {
  if (wanted === undefined) return "0.0.0.0";
  if (/^[\d.]+$/.test(wanted)) return wanted;
  const found = addressesOf(wanted, interfaces).find(({ family }) => family === "IPv4");
  if (found === undefined) throw noInterface(wanted, "an IPv4 address");
  return found.address;
}

/** The number of an interface; the system chooses one by default. */
export function ipv6Interface(wanted: string | undefined, interfaces: DenoInterfaces): number {
  if (wanted === undefined) return 0;
  if (/^\d+$/.test(wanted)) return Number(wanted);
  // only link-local addresses say the number
  const found = addressesOf(wanted, interfaces).find(({ scopeid }) => scopeid !== null && scopeid > 0);
  if (found === undefined) throw noInterface(wanted, "a number that Deno tells");
  return found.scopeid!;
}

function addressesOf(wanted: string, interfaces: DenoInterfaces): DenoInterface[] {
  const all = interfaces();
  const name = all.find(({ address }) => address === wanted)?.name ?? wanted;
  return all.filter((one) => one.name === name);
}

function noInterface(wanted: string, what: string): SocketError {
  return new SocketError(`there is no interface ${JSON.stringify(wanted)} with ${what} for multicast`, {
    code: "EADDRNOTAVAIL",
    syscall: "joinMulticast",
  });
}
