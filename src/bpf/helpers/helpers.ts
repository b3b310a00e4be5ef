/**
 * What the helpers do. Their arguments have been proven by the verifier: addresses are inside of the program's memory,
 * map references are such.
 *
 * Tail calls (12) are not here: they end the program, so the back ends make them themselves.
 *
 * @module
 */
import type { HelperFunction } from "../runner.ts";
import type { HelperHost, MakeHelper } from "./helper_host.ts";
import { mapHelpers } from "./map_helpers.ts";
import { packetHelpers } from "./packet_helpers.ts";
import { stringHelpers } from "./string_helpers.ts";
import { systemHelpers } from "./system_helpers.ts";

const makers: ReadonlyMap<number, MakeHelper> = new Map([
  ...mapHelpers,
  ...packetHelpers,
  ...stringHelpers,
  ...systemHelpers,
]);

/** The helpers of one machine, each made when it is first asked for. */
export function makeHelpers(host: HelperHost): (number: number) => HelperFunction | undefined {
  const made = new Map<number, HelperFunction>();
  return (number) => {
    const helper = made.get(number) ?? makers.get(number)?.(host);
    if (helper !== undefined) made.set(number, helper);
    return helper;
  };
}
