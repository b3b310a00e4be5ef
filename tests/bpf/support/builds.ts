/**
 * Sample programs as machines: every build of every program, on every back end that there is.
 *
 * @module
 */
import { type BpfObject, loadObject } from "../../../src/bpf/bpf_object.ts";
import { availableBackends } from "../../../src/bpf/backends.ts";
import { BpfMachine, type BpfMachineOptions } from "../../../src/bpf/machine.ts";
import type { BpfKey, BpfValue } from "../../../src/bpf/maps/value_codec.ts";
import type { BpfProgram } from "../../../src/bpf/program.ts";
import type { BpfBackend } from "../../../src/bpf/runner.ts";
import { fromHex } from "../../../src/bytes/hex.ts";
import { objectFile, type RecordedRun, type RecordedVectors } from "./recordings.ts";

/** The back ends that cases are run on: all that are there and allowed. */
export const backends: readonly BpfBackend[] = availableBackends();

/** Runs that belong together: one content of the maps. */
export interface RunGroup {
  /** Content of the map `kcm_cfg`, where the program has it. */
  config: BpfValue | undefined;
  /** The runs. */
  runs: readonly RecordedRun[];
}

/** The groups of runs of a recorded program. */
export function groupsOf(vectors: RecordedVectors): RunGroup[] {
  const configs = vectors["configs"] as { cfg: BpfValue; runs: RecordedRun[] }[] | undefined;
  return configs?.map(({ cfg, runs }) => ({ config: cfg, runs })) ?? [{ config: undefined, runs: vectors.runs }];
}

/** Loads an object of the samples. */
export function sample(build: string, name: string): BpfObject {
  return loadObject(objectFile(build, name));
}

/** Makes the machine of a recorded program with its maps filled. */
export function recordedMachine(
  vectors: RecordedVectors,
  build: string,
  group: RunGroup,
  options: BpfMachineOptions,
): BpfMachine {
  const object = sample(build, vectors.object);
  const maps = (vectors["map"] ?? {}) as Record<string, Record<string, string | number>>;
  const targets = maps["parsers"];
  const programs = targets && { parsers: Object.values(targets).map((name) => object.program(String(name))) };
  const machine = new BpfMachine(object.program(vectors.program), { ...options, programs });
  if (group.config !== undefined) machine.map("kcm_cfg").set(0, group.config);
  for (const [name, entries] of Object.entries(maps)) {
    if (name === "parsers") continue;
    const map = machine.map(name);
    for (const [key, value] of Object.entries(entries)) map.set(keyOf(key, map.definition.keySize), value as number);
  }
  return machine;
}

function keyOf(text: string, size: number): BpfKey {
  return text.length === 2 * size ? fromHex(text) : Number(text);
}

/** A program of slots in hexadecimal; blanks are left out. */
export function program(hex: string, more: Partial<BpfProgram> = {}): BpfProgram {
  return { name: "main", code: fromHex(hex.replaceAll(/\s/g, "")), maps: [], license: "", ...more };
}
