/**
 * Finds the parts of a stack frame that can live in local variables: bytes that are only accessed at constant offsets,
 * always in the same pieces, and whose address no one keeps.
 *
 * @module
 */
import { helperTable } from "../helper_table.ts";
import type { MapDefinition } from "../program.ts";
import type { Operand } from "./operations.ts";
import { type KnownBlock, valuesAfter } from "./value_flow.ts";
import { maxOf, mayBeFrame, type Value, type Values } from "./values.ts";

/** Bytes of a frame. */
const FRAME = 512;
/** A helper that fills more at once is called, not compiled. */
export const MOST_FILLED = 64;

/** A part of the frame that lives in a variable. */
export interface FrameField {
  /** Offset from r10: negative. */
  readonly offset: number;
  /** Bytes: 1, 2 or 4. Eight bytes are two fields. */
  readonly size: number;
}

/** What lives where in a frame. */
export interface FrameFields {
  /** The fields that live in variables. */
  readonly fields: readonly FrameField[];
  /** Whether the access of `size` bytes at the offset is to one field, or with 8 bytes to two. */
  has(offset: number, size: number): boolean;
  /** Offsets among `size` from `offset` whose bytes live in memory. */
  inMemory(offset: number, size: number): number[];
}

/** A frame of which all lives in memory. */
export const noFields: FrameFields = { fields: [], has: () => false, inMemory: (offset, size) => allOf(offset, size) };

function allOf(offset: number, size: number): number[] {
  return Array.from({ length: size }, (_, at) => offset + at);
}

/** Finds the fields of a function's frame. */
export function findFields(blocks: readonly KnownBlock[], maps: readonly MapDefinition[]): FrameFields {
  if (!blocks.some(({ operands }) => operands.some(mayTouchMemory))) return noFields;
  const survey = new Survey(maps);
  for (const { operands, values } of blocks) {
    let before = values;
    for (const at of operands) {
      survey.visit(before, at);
      if (survey.isLost) return noFields;
      before = valuesAfter(before, at);
    }
  }
  return survey.result();
}

/** The constant bytes that a call of `skb_load_bytes` fills in the frame, when it is to be compiled in place. */
export function filledBytes(values: Values): FrameField | undefined {
  const to = values[3]!, size = maxOf(values[4]!);
  if (values[4]!.kind !== "constant" || to.kind !== "frame" || size < 1 || size > MOST_FILLED) return undefined;
  return to.offset >= -FRAME && to.offset + size <= 0 ? { offset: to.offset, size } : undefined;
}

/** The array whose element a call of `map_lookup_elem` takes, when it is to be compiled in place. */
export function lookedUpArray(values: Values, maps: readonly MapDefinition[]): number | undefined {
  const map = values[1]!;
  if (map.kind !== "map" || values[2]!.kind !== "frame") return undefined;
  const type = maps[map.index]?.type;
  return type === 2 || type === 6 ? map.index : undefined;
}

/** Whether an instruction accesses memory at a register plus its offset; which register that is. */
function baseOf({ group, dst, src }: Operand): number | undefined {
  if (group === "load") return src;
  return group === "store" || group === "atomic" ? dst : undefined;
}

/** Whether an instruction may access memory. */
function mayTouchMemory({ group }: Operand): boolean {
  return group === "load" || group === "store" || group === "atomic" || group === "call";
}

class Survey {
  /** Whether an address in the frame went where it can't be followed. */
  isLost = false;
  readonly #maps: readonly MapDefinition[];
  /** By byte from the frame's lowest: the piece that it belongs to, 0 none, -1 memory. */
  readonly #piece = new Int32Array(FRAME);
  /** Pieces whose bytes are accessed otherwise as well. */
  readonly #broken = new Set<number>();
  /** Pieces of one access of eight bytes: both live in variables, or none. */
  readonly #pairs: [number, number][] = [];
  readonly #fills: FrameField[] = [];

  constructor(maps: readonly MapDefinition[]) {
    this.#maps = maps;
  }

  visit(values: Values, at: Operand): void {
    if (at.operation === "call") return this.#call(values, at);
    const base = baseOf(at);
    if (base === undefined) return;
    const address = values[base]!;
    if (at.operation !== "st" && at.operation !== "ldx" && at.operation !== "ldxs" && this.#keeps(values, at)) return;
    if (address.kind === "mixed") this.isLost = true;
    if (address.kind !== "frame") return;
    const offset = address.offset + at.offset, size = at.bits >> 3;
    const isPlain = at.operation === "ldx" || at.operation === "ldxs" || at.operation === "st" ||
      at.operation === "stx";
    if (isPlain) this.#access(offset, size);
    else this.#memory(offset, size);
  }

  /** Whether an address in the frame is stored, or added to memory. */
  #keeps(values: Values, at: Operand): boolean {
    const isLoad = at.operation === "load_acquire";
    if (!isLoad && mayBeFrame(values[at.src]!)) this.isLost = true;
    if (at.operation === "cmpxchg" && mayBeFrame(values[0]!)) this.isLost = true;
    return this.isLost;
  }

  #call(values: Values, { src, imm }: Operand): void {
    const given = src === 0 ? helperTable.get(imm)?.arguments ?? [] : [1, 2, 3, 4, 5].map(() => undefined);
    const filled = src === 0 && imm === 26 ? filledBytes(values) : undefined;
    given.forEach((kind, index) => {
      const value = values[index + 1]!;
      if (!mayBeFrame(value) || kind === "scalar") return;
      if (kind === "memory-out" && filled !== undefined) {
        this.#fills.push(filled);
        return;
      }
      if (kind === "key" && imm === 1 && value.kind === "frame" && lookedUpArray(values, this.#maps) !== undefined) {
        this.#access(value.offset, 4);
        return;
      }
      const size = this.#sizeOf(kind, values, index);
      if (size === undefined || value.kind !== "frame") this.isLost = true;
      else this.#memory(value.offset, size);
    });
  }

  /** Bytes behind an argument that is an address; `undefined` where that is not known. */
  #sizeOf(kind: string | undefined, values: Values, index: number): number | undefined {
    const map: Value = values[1]!;
    const definition = map.kind === "map" ? this.#maps[map.index] : undefined;
    if (kind === "key") return definition?.keySize;
    if (kind === "value" || kind === "value-out") return definition?.valueSize;
    if (kind === "result") return 8;
    if (kind !== "memory" && kind !== "memory-out") return undefined;
    const size = maxOf(values[index + 2]!);
    return size <= FRAME ? size : undefined;
  }

  #access(offset: number, size: number): void {
    if (offset < -FRAME || offset + size > 0) return this.#lose();
    if (size === 8) {
      this.#access(offset, 4);
      this.#access(offset + 4, 4);
      this.#pairs.push([pieceAt(offset, 4), pieceAt(offset + 4, 4)]);
      return;
    }
    const piece = pieceAt(offset, size);
    for (let byte = offset + FRAME; byte < offset + FRAME + size; byte++) {
      const other = this.#piece[byte]!;
      if (other !== 0 && other !== piece) this.#broken.add(other).add(piece);
      if (other === 0) this.#piece[byte] = piece;
    }
  }

  #memory(offset: number, size: number): void {
    if (offset < -FRAME || offset + size > 0) return this.#lose();
    for (let byte = offset + FRAME; byte < offset + FRAME + size; byte++) {
      if (this.#piece[byte]! > 0) this.#broken.add(this.#piece[byte]!);
      this.#piece[byte] = -1;
    }
  }

  #lose(): void {
    this.isLost = true;
  }

  result(): FrameFields {
    const known = new Set<number>();
    for (const piece of this.#piece) if (piece > 0 && !known.has(piece) && this.#isWhole(piece)) known.add(piece);
    for (let before = -1; before !== known.size;) {
      before = known.size;
      for (const [a, b] of this.#pairs) {
        if (!known.has(a)) known.delete(b);
        if (!known.has(b)) known.delete(a);
      }
    }
    const fields = [...known].map((piece) => ({ offset: (piece >> 3) - FRAME, size: piece & 7 }));
    const isField = (offset: number, size: number) => known.has(pieceAt(offset, size));
    const touched = this.#piece;
    return {
      fields,
      has: (offset, size) => isField(offset, Math.min(size, 4)) && (size < 8 || isField(offset + 4, 4)),
      inMemory: (offset, size) =>
        allOf(offset, size).filter((at) => touched[at + FRAME] !== 0 && !known.has(touched[at + FRAME]!)),
    };
  }

  /** Whether all bytes of a piece belong to it and to nothing else. */
  #isWhole(piece: number): boolean {
    const start = piece >> 3, end = start + (piece & 7);
    if (this.#broken.has(piece) || this.#fills.some((fill) => cuts(fill, start - FRAME, end - FRAME))) return false;
    for (let byte = start; byte < end; byte++) if (this.#piece[byte] !== piece) return false;
    return true;
  }
}

/** A piece as a number: where it begins, and its bytes. */
function pieceAt(offset: number, size: number): number {
  return (offset + FRAME) << 3 | size;
}

/** Whether a fill takes some bytes of a piece and leaves others. */
function cuts({ offset, size }: FrameField, start: number, end: number): boolean {
  const isApart = end <= offset || start >= offset + size;
  return !isApart && (start < offset || end > offset + size);
}
