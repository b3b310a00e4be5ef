/**
 * A frame of the stack: which of its bytes were written, and which hold a value that is known.
 *
 * Bytes are kept in groups of 8. A group can hold one value of 8 bytes, or numbers in its halves. A frame is shared by
 * states until one of them writes to it.
 *
 * @module
 */
import { arithmetic } from "./scalar_arithmetic.ts";
import { constant, lowHalf, scalarOfBits } from "./scalar.ts";
import {
  type Identities,
  isPointer,
  type Joining,
  joinValues,
  type NumberValue,
  numberValue,
  type Value,
  valueWithin,
} from "./value.ts";

/** Bytes of a frame. */
export const frameBytes = 512;

const groups = frameBytes / 8;

/** Eight bytes: bit masks over them (bit 0 is the lowest address), and values. */
interface Group {
  /** Bytes that were written. */
  readonly written: number;
  /** Bytes that are known to be zero. */
  readonly zero: number;
  /** Value of all eight bytes. */
  readonly whole?: Value | undefined;
  /** Number in the four lower bytes. */
  readonly low?: NumberValue | undefined;
  /** Number in the four upper bytes. */
  readonly high?: NumberValue | undefined;
}

const nothing: Group = { written: 0, zero: 0 };
const zeroNumber = numberValue(constant(0n));

/** What reading finds: a value, or why there is none. */
export type Filled = { readonly value: Value; readonly isWritten: boolean } | { readonly problem: string };

function maskOf(from: number, to: number): number {
  return (1 << to) - (1 << from);
}

/** One frame. Offsets are negative, from the top. */
export class FrameStack {
  #groups: (Group | undefined)[];
  #isShared = false;

  private constructor(own: (Group | undefined)[]) {
    this.#groups = own;
  }

  /** A frame of which nothing was written. */
  static empty(): FrameStack {
    return new FrameStack([]);
  }

  /** A frame with the same content; neither sees what the other writes. */
  clone(): FrameStack {
    const copy = new FrameStack(this.#groups);
    copy.#isShared = this.#isShared = true;
    return copy;
  }

  #own(): (Group | undefined)[] {
    if (this.#isShared) this.#groups = this.#groups.slice();
    this.#isShared = false;
    return this.#groups;
  }

  /** Groups are counted from the top, so that a frame that is used little takes little. */
  #group(index: number): Group {
    return this.#groups[index] ?? nothing;
  }

  #eachPart(offset: number, size: number, visit: (index: number, mask: number) => void): void {
    for (let at = offset; at < offset + size;) {
      const index = -1 - at >> 3;
      const base = -8 * (index + 1);
      const end = Math.min(offset + size, base + 8);
      visit(index, maskOf(at - base, end - base));
      at = end;
    }
  }

  /** Whether all these bytes were written. */
  isWritten(offset: number, size: number): boolean {
    let isWritten = true;
    this.#eachPart(offset, size, (index, mask) => {
      if ((this.#group(index).written & mask) !== mask) isWritten = false;
    });
    return isWritten;
  }

  /** Whether any of these bytes belongs to an address. */
  hasPointer(offset: number, size: number): boolean {
    let found = false;
    this.#eachPart(offset, size, (index) => {
      const { whole } = this.#group(index);
      if (whole !== undefined && isPointer(whole)) found = true;
    });
    return found;
  }

  /** Writes a value of 1, 2, 4 or 8 bytes, aligned to its size. */
  write(offset: number, size: number, value: Value): void {
    const index = -1 - offset >> 3;
    const at = offset + 8 * (index + 1);
    const mask = maskOf(at, at + size);
    const old = this.#group(index);
    const isZero = value.kind === "number" && value.scalar.bits.value === 0n && value.scalar.bits.mask === 0n;
    const common = { written: old.written | mask, zero: isZero ? old.zero | mask : old.zero & ~mask };
    this.#own()[index] = size === 8 ? { ...common, whole: value } : {
      ...common,
      low: at < 4 ? this.#half(size, value) : halfOf(old, "low"),
      high: at >= 4 ? this.#half(size, value) : halfOf(old, "high"),
    };
  }

  #half(size: number, value: Value): NumberValue | undefined {
    if (size !== 4 || value.kind !== "number") return undefined;
    const isNarrow = value.scalar.wide.umax <= 0xffff_ffffn;
    return isNarrow ? value : numberValue(lowHalf(value.scalar));
  }

  /** Writes bytes of which nothing is known. */
  writeBytes(offset: number, size: number): void {
    const own = this.#own();
    this.#eachPart(offset, size, (index, mask) => {
      const old = this.#group(index);
      own[index] = {
        written: old.written | mask,
        zero: old.zero & ~mask,
        low: (mask & 0x0f) === 0 ? halfOf(old, "low") : undefined,
        high: (mask & 0xf0) === 0 ? halfOf(old, "high") : undefined,
      };
    });
  }

  /** Forgets values of bytes of which some may have been written. */
  blur(offset: number, size: number): void {
    const own = this.#own();
    this.#eachPart(offset, size, (index, mask) => {
      const { written, zero } = this.#group(index);
      own[index] = { written, zero: zero & ~mask };
    });
  }

  /** Reads 1, 2, 4 or 8 bytes, aligned to their size. */
  read(offset: number, size: number): Filled {
    const index = -1 - offset >> 3;
    const at = offset + 8 * (index + 1);
    const mask = maskOf(at, at + size);
    const group = this.#group(index);
    const isWritten = (group.written & mask) === mask;
    if (size === 8 && group.whole !== undefined) return { value: group.whole, isWritten };
    if (group.whole !== undefined && isPointer(group.whole)) {
      return { problem: `reads ${size} of the 8 bytes of an address on the stack` };
    }
    if ((group.zero & mask) === mask) return { value: zeroNumber, isWritten };
    const half = at === 0 ? "low" : at === 4 ? "high" : undefined;
    const known = size === 4 && half !== undefined ? halfOf(group, half) : undefined;
    return { value: known ?? numberValue(scalarOfBits(size * 8)), isWritten };
  }

  /** Changes every value that is kept. */
  replace(change: (value: Value) => Value): void {
    for (let index = 0; index < this.#groups.length; index++) {
      const group = this.#groups[index];
      if (group === undefined || (group.whole ?? group.low ?? group.high) === undefined) continue;
      const changed = replaceIn(group, change);
      if (changed !== group) this.#own()[index] = changed;
    }
  }

  /** Whether all that this frame may be `outer` may be too. */
  isWithin(outer: FrameStack, identities: Identities): boolean {
    if (this.#groups === outer.#groups) return true;
    for (let index = 0; index < outer.#groups.length; index++) {
      const [inner, other] = [this.#group(index), outer.#group(index)];
      if (inner !== other && !groupWithin(inner, other, identities)) return false;
    }
    return true;
  }

  /** Takes what may be in either frame. */
  join(added: FrameStack, joining: Joining): void {
    if (this.#groups === added.#groups) return;
    const most = Math.min(groups, this.#groups.length);
    for (let index = 0; index < most; index++) {
      const old = this.#groups[index];
      if (old === undefined || old === added.#groups[index]) continue;
      this.#own()[index] = joinGroups(old, added.#group(index), joining);
    }
  }

  /** Shows what is known, for messages. */
  *entries(): Generator<readonly [offset: number, written: number, value: Value | undefined]> {
    for (let index = 0; index < this.#groups.length; index++) {
      const group = this.#groups[index];
      if (group === undefined || group.written === 0) continue;
      yield [-8 * (index + 1), group.written, group.whole ?? group.low ?? group.high];
    }
  }
}

function halfOf(group: Group, half: "low" | "high"): NumberValue | undefined {
  const { whole } = group;
  if (whole === undefined) return group[half];
  if (whole.kind !== "number") return undefined;
  if (half === "low") return whole.scalar.wide.umax <= 0xffff_ffffn ? whole : numberValue(lowHalf(whole.scalar));
  return numberValue(arithmetic("rsh", 64, whole.scalar, constant(32n)));
}

function replaceIn(group: Group, change: (value: Value) => Value): Group {
  const whole = group.whole && change(group.whole);
  const low = group.low && change(group.low);
  const high = group.high && change(group.high);
  if (whole === group.whole && low === group.low && high === group.high) return group;
  return { written: group.written, zero: group.zero, whole, low: numberOf(low), high: numberOf(high) };
}

function numberOf(value: Value | undefined): NumberValue | undefined {
  return value?.kind === "number" ? value : undefined;
}

function groupWithin(inner: Group, outer: Group, identities: Identities): boolean {
  if (outer.written === 0) return true;
  if ((outer.written & ~inner.written) !== 0 || (outer.zero & ~inner.zero) !== 0) return false;
  if (outer.whole !== undefined) {
    return inner.whole !== undefined && valueWithin(inner.whole, outer.whole, identities);
  }
  // Bytes of an address are more than bytes: to read them is refused.
  if (inner.whole !== undefined && isPointer(inner.whole)) return false;
  return (["low", "high"] as const).every((half) => {
    const [own, other] = [halfOf(inner, half), outer[half]];
    return other === undefined || own !== undefined && valueWithin(own, other, identities);
  });
}

function joinGroups(old: Group, added: Group, joining: Joining): Group {
  const written = old.written & added.written;
  const zero = old.zero & added.zero;
  if (old.whole !== undefined && added.whole !== undefined) {
    const whole = joinValues(old.whole, added.whole, joining);
    // Where one path has an address and the other has not, nobody may read these bytes.
    return whole.kind === "unset" ? { written: 0, zero: 0 } : { written, zero, whole };
  }
  const hasPointer = [old, added].some(({ whole }) => whole !== undefined && isPointer(whole));
  if (hasPointer) return { written: 0, zero: 0 };
  const join = (half: "low" | "high") => {
    const [first, second] = [halfOf(old, half), halfOf(added, half)];
    return first && second && numberOf(joinValues(first, second, joining));
  };
  return { written, zero, low: join("low"), high: join("high") };
}
