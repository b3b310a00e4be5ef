/**
 * Operating systems as far as addresses differ between them. An argument everywhere, never found out here.
 *
 * @module
 */
import { choiceOption } from "../core/limits.ts";

/** What decides which local addresses exist and how long they may be; the BSDs count as `macos`. */
export type Platform = "linux" | "macos" | "windows";

const PLATFORMS: readonly Platform[] = ["linux", "macos", "windows"];

const BY_NAME: ReadonlyMap<string, Platform> = new Map([
  ["linux", "linux"],
  ["android", "linux"],
  ["win32", "windows"],
  ["windows", "windows"],
  ["cygwin", "windows"],
]);

/** The platform behind a name as runtimes have it (`darwin`, `win32`, `freebsd`). Unknown ones count as BSD. */
export function platformNamed(name: string): Platform {
  return BY_NAME.get(name) ?? "macos";
}

/**
 * Returns `platform`, or `fallback` where it is `undefined`.
 *
 * @throws {RangeError} when it is no platform
 */
export function platformOption(platform: Platform | undefined, fallback: Platform): Platform {
  return choiceOption("platform", platform, fallback, PLATFORMS);
}
