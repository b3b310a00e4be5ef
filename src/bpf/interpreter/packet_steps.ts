/**
 * Steps of packet loads: big-endian, at an offset from the message's first byte. Outside of the message the function
 * ends at once with 0.
 *
 * Written out for each size and kind: a call for the place or the bytes costs as much as all the rest.
 *
 * @module
 */
import { packetOffset } from "../jit/packet_offset.ts";
import type { MakeStep, State } from "./state.ts";

function refuse(state: State): number {
  state.registers[0] = state.registers[1] = 0;
  return state.leaveFunction();
}

/** Where a load at a constant offset begins; one that is outside of every message is behind its end. */
function constantOffset(imm: number): number {
  const offset = packetOffset(imm);
  return offset < 0 ? Infinity : offset;
}

/** Loads at constant offsets, by bits 3 and 4 of the opcode. */
export const absoluteSteps: readonly MakeStep[] = [
  (state, _d, _s, next, { imm }) => {
    const { registers: r, packet } = state;
    const offset = constantOffset(imm);
    return () => {
      const at = packet.start + offset;
      if (at + 4 > packet.end) return refuse(state);
      const { bytes } = packet;
      r[0] = bytes[at]! << 24 | bytes[at + 1]! << 16 | bytes[at + 2]! << 8 | bytes[at + 3]!;
      r[1] = 0;
      return next;
    };
  },
  (state, _d, _s, next, { imm }) => {
    const { registers: r, packet } = state;
    const offset = constantOffset(imm);
    return () => {
      const at = packet.start + offset;
      if (at + 2 > packet.end) return refuse(state);
      const { bytes } = packet;
      r[0] = bytes[at]! << 8 | bytes[at + 1]!;
      r[1] = 0;
      return next;
    };
  },
  (state, _d, _s, next, { imm }) => {
    const { registers: r, packet } = state;
    const offset = constantOffset(imm);
    return () => {
      const at = packet.start + offset;
      if (at + 1 > packet.end) return refuse(state);
      r[0] = packet.bytes[at]!;
      r[1] = 0;
      return next;
    };
  },
];

/** Loads at the offset in a register plus a constant, as 32 bits. */
export const indirectSteps: readonly MakeStep[] = [
  (state, _d, s, next, { imm }) => {
    const { registers: r, packet } = state;
    return () => {
      const offset = packetOffset((r[s]! + imm) | 0);
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
      const offset = packetOffset((r[s]! + imm) | 0);
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
      const offset = packetOffset((r[s]! + imm) | 0);
      const at = packet.start + offset;
      if (offset < 0 || at + 1 > packet.end) return refuse(state);
      r[0] = packet.bytes[at]!;
      r[1] = 0;
      return next;
    };
  },
];
