/**
 * Helpers on maps.
 *
 * @module
 */
import { ListMap } from "../maps/list_map.ts";
import { ERRNO } from "../maps/errno.ts";
import { type HelperHost, type MakeHelper, result } from "./helper_host.ts";

function list(host: HelperHost, handle: number): ListMap | undefined {
  const map = host.mapOf(handle);
  return map instanceof ListMap ? map : undefined;
}

/** Flags have 64 bits; those of the high half are unknown ones. */
function flagsOf(low: number, high: number): number {
  return high === 0 ? low : -1;
}

/** By number. */
export const mapHelpers: readonly (readonly [number: number, make: MakeHelper])[] = [
  [1, (host) => (map, _m, key) => result(host, host.mapOf(map).lookup(key))],
  [2, (host) => (map, _m, key, _k, value, _v, flags, flagsHigh) => {
    return result(host, host.mapOf(map).update(key, value, flagsOf(flags, flagsHigh)));
  }],
  [3, (host) => (map, _m, key) => result(host, host.mapOf(map).remove(key))],
  [87, (host) => (map, _m, value, _v, flags, flagsHigh) => {
    return result(host, list(host, map)?.push(value, flagsOf(flags, flagsHigh)) ?? -ERRNO.EINVAL);
  }],
  [88, (host) => (map, _m, value) => result(host, list(host, map)?.pop(value) ?? -ERRNO.EINVAL)],
  [89, (host) => (map, _m, value) => result(host, list(host, map)?.peek(value) ?? -ERRNO.EINVAL)],
];
