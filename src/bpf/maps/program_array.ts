/**
 * Arrays of programs, the targets of tail calls. They are filled when the machine is made.
 *
 * @module
 */
import type { BpfMemory } from "../memory.ts";
import type { MapDefinition } from "../program.ts";
import type { BpfRunner } from "../runner.ts";
import { BpfMap } from "./bpf_map.ts";
import { ERRNO } from "./errno.ts";

/** An array of programs. It has no values that could be read or written. */
export class ProgramArray extends BpfMap {
  readonly #runners: (BpfRunner | undefined)[];

  /** Makes one without programs. */
  constructor(definition: MapDefinition, memory: BpfMemory) {
    super(definition, memory);
    this.#runners = Array.from({ length: definition.maxEntries }, () => undefined);
  }

  get size(): number {
    return this.#runners.filter((runner) => runner !== undefined).length;
  }

  lookup(_key: number): number {
    return 0;
  }

  update(_key: number, _value: number, _flags: number): number {
    return -ERRNO.EINVAL;
  }

  remove(_key: number): number {
    return -ERRNO.EINVAL;
  }

  *keys(): IterableIterator<number> {
    for (const [index, runner] of this.#runners.entries()) if (runner !== undefined) yield index;
  }

  /** Sets a target. */
  setRunner(index: number, runner: BpfRunner): void {
    this.#runners[index] = runner;
  }

  /** The target at an index. */
  runner(index: number): BpfRunner | undefined {
    return this.#runners[index];
  }
}
