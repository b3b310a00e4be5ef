/**
 * Steps of packet loads: big-endian, at an offset from the message's first byte. Outside of the message the function
 * ends at once with 0.
 *
 * @module
 */
import { packetOffset } from "../jit/packet_offset.ts";
import type { MakeStep, State } from "./state.ts";

function refuse(state: State): number {
  state.registers[0] = state.registers[1] = 0;
  return state.leaveFunction();
}

type Read = (bytes: Uint8Array, at: number) => number;

const reads: readonly (readonly [size: number, read: Read])[] = [
  [4, (bytes, at) => bytes[at]! << 24 | bytes[at + 1]! << 16 | bytes[at + 2]! << 8 | bytes[at + 3]!],
  [2, (bytes, at) => bytes[at]! << 8 | bytes[at + 1]!],
  [1, (bytes, at) => bytes[at]!],
];

/** Loads at constant offsets, by bits 3 and 4 of the opcode. */
export const absoluteSteps: readonly MakeStep[] = reads.map(
  ([size, read]): MakeStep => (state, _d, _s, next, { imm }) => {
    const offset = packetOffset(imm);
    const { registers: r } = state;
    if (offset < 0) return () => refuse(state);
    return () => {
      const at = state.start + offset;
      if (at + size > state.end) return refuse(state);
      r[0] = read(state.bytes, at);
      r[1] = 0;
      return next;
    };
  },
);

/** Loads at the offset in a register plus a constant, as 32 bits. */
export const indirectSteps: readonly MakeStep[] = reads.map(
  ([size, read]): MakeStep => (state, _d, s, next, { imm }) => {
    const { registers: r } = state;
    return () => {
      const offset = packetOffset((r[s]! + imm) | 0);
      const at = state.start + offset;
      if (offset < 0 || at + size > state.end) return refuse(state);
      r[0] = read(state.bytes, at);
      r[1] = 0;
      return next;
    };
  },
);
