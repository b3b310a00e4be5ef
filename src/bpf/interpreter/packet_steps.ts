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

/** Where a load begins: a constant offset, or one in a register and a constant. */
function offsetOf(state: State, src: number, imm: number, isIndirect: boolean): number {
  return packetOffset(isIndirect ? (state.registers[src]! + imm) | 0 : imm);
}

/** The loads by bits 3 and 4 of the opcode. Written out for each size: a call for the bytes costs as much as the rest. */
function loads(isIndirect: boolean): readonly MakeStep[] {
  return [
    (state, _d, s, next, { imm }) => {
      const { registers: r, packet } = state;
      return () => {
        const offset = offsetOf(state, s, imm, isIndirect);
        const at = packet.start + offset;
        if (offset < 0 || at + 4 > packet.end) return refuse(state);
        const { bytes } = packet;
        r[0] = bytes[at]! << 24 | bytes[at + 1]! << 16 | bytes[at + 2]! << 8 | bytes[at + 3]!;
        r[1] = 0;
        return next;
      };
    },
    (state, _d, s, next, { imm }) => {
      const { registers: r, packet } = state;
      return () => {
        const offset = offsetOf(state, s, imm, isIndirect);
        const at = packet.start + offset;
        if (offset < 0 || at + 2 > packet.end) return refuse(state);
        const { bytes } = packet;
        r[0] = bytes[at]! << 8 | bytes[at + 1]!;
        r[1] = 0;
        return next;
      };
    },
    (state, _d, s, next, { imm }) => {
      const { registers: r, packet } = state;
      return () => {
        const offset = offsetOf(state, s, imm, isIndirect);
        const at = packet.start + offset;
        if (offset < 0 || at + 1 > packet.end) return refuse(state);
        r[0] = packet.bytes[at]!;
        r[1] = 0;
        return next;
      };
    },
  ];
}

/** Loads at constant offsets. */
export const absoluteSteps: readonly MakeStep[] = loads(false);

/** Loads at the offset in a register plus a constant, as 32 bits. */
export const indirectSteps: readonly MakeStep[] = loads(true);
