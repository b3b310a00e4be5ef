/**
 * What is known at one place of a program on the ways that lead there: registers and stack of every frame.
 *
 * @module
 */
import type { MapDefinition } from "../program.ts";
import { FrameStack } from "./stack.ts";
import { Identities, isPointer, type Joining, joinValues, showValue, unset, type Value, valueWithin } from "./value.ts";

const registers = 11;

/** One frame. */
export interface Frame {
  /** Index of the function that it belongs to. */
  readonly functionIndex: number;
  /** Registers r0 to r10. */
  readonly registers: Value[];
  /** Its stack. */
  stack: FrameStack;
}

/** A frame that was just entered. */
export function newFrame(functionIndex: number): Frame {
  return { functionIndex, registers: new Array<Value>(registers).fill(unset), stack: FrameStack.empty() };
}

function frameWithin(inner: Frame, outer: Frame | undefined, identities: Identities): boolean {
  if (outer === undefined) return false;
  for (let index = 0; index < registers; index++) {
    if (!valueWithin(inner.registers[index]!, outer.registers[index]!, identities)) return false;
  }
  return inner.stack.isWithin(outer.stack, identities);
}

/** State of all frames. */
export class MachineState {
  /** Frames, the entry function's first. */
  readonly frames: Frame[];

  /** Makes a state of frames. */
  constructor(frames: Frame[]) {
    this.frames = frames;
  }

  /** Depth of the frame that runs. */
  get depth(): number {
    return this.frames.length - 1;
  }

  /** The frame that runs. */
  get frame(): Frame {
    return this.frames[this.frames.length - 1]!;
  }

  /** Registers of the frame that runs. */
  get registers(): Value[] {
    return this.frame.registers;
  }

  /** A state that changes on its own. */
  clone(): MachineState {
    return new MachineState(
      this.frames.map(({ functionIndex, registers, stack }) => ({
        functionIndex,
        registers: registers.slice(),
        stack: stack.clone(),
      })),
    );
  }

  /** Changes every value of every frame. */
  replace(change: (value: Value) => Value): void {
    for (const { registers, stack } of this.frames) {
      for (let index = 0; index < registers.length; index++) registers[index] = change(registers[index]!);
      stack.replace(change);
    }
  }

  /** Whether all that this state may be `outer` may be too. */
  isWithin(outer: MachineState): boolean {
    const identities = new Identities();
    for (let depth = 0; depth < this.frames.length; depth++) {
      if (!frameWithin(this.frames[depth]!, outer.frames[depth], identities)) return false;
    }
    return true;
  }

  /** Takes what may be in either state. */
  join(added: MachineState, newId: () => number, isWidening: boolean): void {
    const joining: Joining = { identities: new Identities(), newId, isWidening };
    this.frames.forEach(({ registers, stack }, depth) => {
      const other = added.frames[depth]!;
      for (let index = 0; index < registers.length; index++) {
        registers[index] = joinValues(registers[index]!, other.registers[index]!, joining);
      }
      stack.join(other.stack, joining);
    });
  }

  /** Forgets addresses in a frame that is left. */
  dropFrame(): void {
    const depth = this.depth;
    this.frames.pop();
    this.replace((value) => isPointer(value) && value.kind === "stack" && value.frame >= depth ? unset : value);
  }

  /** Shows registers and stack of the frame that runs, for messages; maps by name. */
  show(maps: readonly MapDefinition[]): string {
    const parts: string[] = [];
    this.registers.forEach((value, index) => {
      if (value.kind !== "unset" && index < 10) parts.push(`r${index} = ${showValue(value, maps)}`);
    });
    for (const [offset, written, value] of this.frame.stack.entries()) {
      if (parts.length > 24) break;
      const bytes = written === 0xff ? "" : ` (bytes ${written.toString(2).padStart(8, "0")})`;
      parts.push(`[r10${offset}]${bytes} = ${value === undefined ? "bytes" : showValue(value, maps)}`);
    }
    return parts.join("; ");
  }
}
