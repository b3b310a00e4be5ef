/**
 * Limits of the loader.
 *
 * @module
 */
import { limitOption } from "../../core/limits.ts";

/** What an object may have at most. A larger one is refused with `E2BIG`. */
export interface LoaderLimits {
  /** Bytes of the file. */
  readonly maxObjectBytes: number;
  /** Sections. */
  readonly maxSections: number;
  /** Symbols. */
  readonly maxSymbols: number;
  /** Relocations of one section. */
  readonly maxRelocations: number;
  /** Types of the BTF section. */
  readonly maxTypes: number;
  /** Members of structures and variables of sections that are looked at, each time that one is. */
  readonly maxMembers: number;
  /** Maps. */
  readonly maxMaps: number;
  /** Slots of one program with all functions it calls. */
  readonly maxSlots: number;
}

/** Options: the limits that are to be other than the default. */
export type LoaderLimitOptions = { [Name in keyof LoaderLimits]?: number | undefined };

const defaults: LoaderLimits = {
  maxObjectBytes: 16 * 1024 * 1024,
  maxSections: 1024,
  maxSymbols: 65_536,
  maxRelocations: 65_536,
  maxTypes: 65_536,
  maxMembers: 16_384,
  maxMaps: 64,
  maxSlots: 65_536,
};

/** The limits, those that were not given by default. */
export function loaderLimits(options: LoaderLimitOptions): LoaderLimits {
  const limits: Record<string, number> = { ...defaults };
  for (const name in defaults) {
    const key = name as keyof LoaderLimits;
    limits[name] = limitOption(name, options[key], defaults[key]);
  }
  return limits as unknown as LoaderLimits;
}
