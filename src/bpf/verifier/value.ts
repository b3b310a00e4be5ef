/**
 * What a register holds, as far as it is known: nothing, a number, or an address in one of the program's regions.
 *
 * @module
 */
import type { MapDefinition } from "../program.ts";
import {
  constant,
  joinScalars,
  type Scalar,
  scalarWithin,
  showScalar,
  signedConstantOf,
  widenScalar,
} from "./scalar.ts";

/** Nothing that may be read. */
export interface Unset {
  /** Tells kinds apart. */
  readonly kind: "unset";
}

/** A number. */
export interface NumberValue {
  /** Tells kinds apart. */
  readonly kind: "number";
  /** What is known of it. */
  readonly scalar: Scalar;
  /** Registers and stack slots with the same identity, unless it is 0, hold the same number. */
  readonly id: number;
}

/** An address. */
export interface Pointer {
  /** Of the context, of a frame, of a map's value, of a socket; or a reference to a map, which is no address. */
  readonly kind: "context" | "stack" | "value" | "socket" | "map";
  /** Offset from the beginning of the region; of a frame: from its top. */
  readonly offset: Scalar;
  /** Depth of the frame, where it is one. */
  readonly frame: number;
  /** Index of the map, where there is one. */
  readonly map: number;
  /** Whether it may be null. */
  readonly isMaybeNull: boolean;
  /** Pointers with the same identity are null together. */
  readonly id: number;
}

/** What a register holds. */
export type Value = Unset | NumberValue | Pointer;

/** Nothing that may be read. */
export const unset: Unset = { kind: "unset" };

const noOffset = constant(0n);

/** A number. */
export function numberValue(scalar: Scalar, id = 0): NumberValue {
  return { kind: "number", scalar, id };
}

/** An address at the beginning of its region. */
export function pointer(kind: Pointer["kind"], parts: Partial<Pointer> = {}): Pointer {
  return { kind, offset: noOffset, frame: -1, map: -1, isMaybeNull: false, id: 0, ...parts };
}

/** Whether it is an address. */
export function isPointer(value: Value): value is Pointer {
  return value.kind !== "unset" && value.kind !== "number";
}

/** Which identities of two states stand for each other, while the states are compared. */
export class Identities {
  #pairs: Map<number, number> | undefined;

  /** Notes that `own` stands for `other`; tells whether that agrees with what was noted before. */
  agree(own: number, other: number): boolean {
    if (own === 0) return true;
    // Made when first needed: most comparisons end before.
    const pairs = this.#pairs ??= new Map<number, number>();
    const known = pairs.get(own);
    if (known === undefined) pairs.set(own, other);
    return other !== 0 && (known === undefined || known === other);
  }
}

function isSameRegion(a: Pointer, b: Pointer): boolean {
  return a.kind === b.kind && a.frame === b.frame && a.map === b.map && a.isMaybeNull === b.isMaybeNull;
}

/** Whether all that `inner` may be `outer` may be too. */
export function valueWithin(inner: Value, outer: Value, identities: Identities): boolean {
  if (outer.kind === "unset") return true;
  if (outer.kind === "number") {
    return inner.kind === "number" && scalarWithin(inner.scalar, outer.scalar) && identities.agree(outer.id, inner.id);
  }
  return isPointer(inner) && isSameRegion(inner, outer) && scalarWithin(inner.offset, outer.offset) &&
    (!outer.isMaybeNull || identities.agree(outer.id, inner.id));
}

/** How two states are joined. */
export interface Joining {
  /** Identities of the older state and what they are in the newer one. */
  readonly identities: Identities;
  /** Makes an identity that nothing has. */
  readonly newId: () => number;
  /** Whether to give up what grows. */
  readonly isWidening: boolean;
}

function joinNumbers(old: Scalar, added: Scalar, isWidening: boolean): Scalar {
  const joined = joinScalars(old, added);
  return isWidening ? widenScalar(old, joined) : joined;
}

/** What is known where it may be either. */
export function joinValues(old: Value, added: Value, joining: Joining): Value {
  if (old.kind === "number" && added.kind === "number") {
    const id = joining.identities.agree(old.id, added.id) ? old.id : 0;
    const scalar = joinNumbers(old.scalar, added.scalar, joining.isWidening);
    return scalar === old.scalar && id === old.id ? old : numberValue(scalar, id);
  }
  if (!isPointer(old) || !isPointer(added)) return unset;
  if (!isSameRegion(old, added)) {
    const isNullJoin = old.kind === added.kind && old.map === added.map && old.kind === "value";
    if (!isNullJoin) return unset;
    const offset = joinNumbers(old.offset, added.offset, joining.isWidening);
    if (signedConstantOf(offset) !== 0n) return unset;
    return { ...old, offset, isMaybeNull: true, id: joining.newId() };
  }
  const offset = joinNumbers(old.offset, added.offset, joining.isWidening);
  const isSameId = !old.isMaybeNull || joining.identities.agree(old.id, added.id);
  if (offset === old.offset && isSameId) return old;
  return { ...old, offset, id: isSameId ? old.id : joining.newId() };
}

const regionNames = {
  context: "the context",
  stack: "the stack",
  value: "a value of map",
  socket: "a socket",
  map: "map",
} as const;

/** Shows what is known, for messages; maps by name. */
export function showValue(value: Value, maps: readonly MapDefinition[]): string {
  if (value.kind === "unset") return "unset";
  if (value.kind === "number") return showScalar(value.scalar);
  const at = signedConstantOf(value.offset);
  const offset = at === 0n
    ? ""
    : at === undefined
    ? ` plus ${showScalar(value.offset)}`
    : at > 0n
    ? ` + ${at}`
    : ` - ${-at}`;
  const map = value.map < 0 ? "" : ` ${maps[value.map]?.name || value.map}`;
  return `${regionNames[value.kind]}${map}${offset}${value.isMaybeNull ? ", or null" : ""}`;
}
