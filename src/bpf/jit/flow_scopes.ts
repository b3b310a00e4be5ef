/**
 * Turns control flow into nested scopes, as JavaScript's labelled statements and WebAssembly's `block` and `loop` want
 * them: a jump forward leaves a scope that ends where it leads, a jump backward goes on with a loop.
 *
 * Where that cannot be done, the blocks stay in their order and one loop around a switch goes from each to the next.
 *
 * @module
 */
import type { FunctionFlow } from "../control_flow.ts";
import { type FlowOrder, orderFlow, type Span } from "./flow_order.ts";

/** A scope: its positions, and whether jumping to it goes on at its start (a loop) or behind its end. */
export interface Scope extends Span {
  /** Whether it is a loop. */
  readonly isLoop: boolean;
}

/** How the code of a function is laid out. */
export interface FlowLayout {
  /** `nested` scopes, or `dispatch`: a loop around a switch. */
  readonly form: "nested" | "dispatch";
  /** Block numbers by position. */
  readonly order: readonly number[];
  /** Position of each block. */
  readonly position: readonly number[];
  /** Scopes that begin at each position, outer ones first. Empty in the dispatch form. */
  readonly opening: readonly (readonly Scope[])[];
  /** Scopes that end before each position, inner ones first. */
  readonly closing: readonly (readonly Scope[])[];
  /** Whether a jump backward leads to the position: each turn of a loop passes one. */
  readonly isHeader: readonly boolean[];
}

/** Engines give up on deeper nesting; WebAssembly's `br_table` nests as well, but needs no parser's stack. */
const MAX_SCOPE_DEPTH = 400;

/** The form of control flow where a compiler is told of none. Tests set the other one, to try it on whole machines. */
export const usualForm: { form: FlowLayout["form"] } = { form: "nested" };

/** Lays out a function, nested if that is possible and not forbidden. */
export function layOut(flow: FunctionFlow, form: FlowLayout["form"] = "nested"): FlowLayout {
  const successors = flow.blocks.map(({ target, next }) =>
    target < 0 ? next < 0 ? [] : [next] : next < 0 ? [target] : [target, next]
  );
  const found = form === "nested" ? straightOrder(flow) ?? orderFlow(successors) : undefined;
  const nested = found === undefined ? undefined : nest(found, successors);
  return nested ?? dispatch(successors);
}

/** The order that the function has already, which is right where it has no loops. */
function straightOrder({ blocks, order, position }: FunctionFlow): FlowOrder | undefined {
  for (const { index, next, target } of blocks) {
    const at = position[index]!;
    if (next >= 0 && position[next]! <= at || target >= 0 && position[target]! <= at) return undefined;
  }
  return { order, loops: [] };
}

function dispatch(successors: readonly (readonly number[])[]): FlowLayout {
  const order = successors.map((_, block) => block);
  const isHeader = order.map(() => false);
  successors.forEach((targets, block) => {
    for (const target of targets) if (target <= block) isHeader[target] = true;
  });
  return {
    form: "dispatch",
    order,
    position: order,
    opening: [],
    closing: [],
    isHeader,
  };
}

function nest({ order, loops }: FlowOrder, successors: readonly (readonly number[])[]): FlowLayout | undefined {
  const position: number[] = [];
  for (let at = 0; at < order.length; at++) position[order[at]!] = at;
  const scopes = scopesOf(order, loops, position, successors);
  const opening: Scope[][] = order.map(() => []);
  for (const scope of scopes) opening[scope.start]!.push(scope);
  // Of two scopes that end together the loop is the inner one: whoever jumps to their end is in it.
  for (const list of opening) {
    if (list.length > 1) list.sort((a, b) => b.end - a.end || Number(a.isLoop) - Number(b.isLoop));
  }
  const closing: Scope[][] = [...order.map((): Scope[] => []), []];
  for (const scope of opening.flat().reverse()) closing[scope.end]!.push(scope);
  if (deepest(order.length, scopes) > MAX_SCOPE_DEPTH) return undefined;
  const isHeader = new Array<boolean>(order.length).fill(false);
  for (const { start } of loops) isHeader[start] = true;
  return { form: "nested", order, position, opening, closing, isHeader };
}

/** Loops, and for each target of a jump forward a block that encloses all who jump there, never across another scope. */
function scopesOf(
  order: readonly number[],
  loops: readonly Span[],
  position: readonly number[],
  successors: readonly (readonly number[])[],
): Scope[] {
  const earliest = new Int32Array(order.length).fill(-1);
  for (let at = 0; at < order.length; at++) {
    for (const target of successors[order[at]!]!) {
      const to = position[target]!;
      if (to > at + 1 && earliest[to] === -1) earliest[to] = at;
    }
  }
  const loopsEnding: (Span[] | undefined)[] = [];
  for (const loop of loops) (loopsEnding[loop.end] ??= []).push(loop);
  const covered = new Covered(order.length);
  const scopes: Scope[] = [];
  for (let end = 1; end <= order.length; end++) {
    for (const { start } of loopsEnding[end] ?? []) {
      covered.cover(start, end);
      scopes.push({ start, end, isLoop: true });
    }
    if (end === order.length || earliest[end] === -1) continue;
    const start = covered.startOf(earliest[end]!);
    covered.cover(start, end);
    scopes.push({ start, end, isLoop: false });
  }
  return scopes;
}

function deepest(positions: number, scopes: readonly Scope[]): number {
  const change = new Int32Array(positions + 1);
  for (const { start, end } of scopes) {
    change[start]!++;
    change[end]!--;
  }
  let depth = 0, most = 0;
  for (const by of change) most = Math.max(most, depth += by);
  return most;
}

/** Which positions lie in one scope; a scope that reaches into another must begin where that one begins. */
class Covered {
  readonly #before: Int32Array;

  constructor(positions: number) {
    this.#before = new Int32Array(positions);
    for (let at = 0; at < positions; at++) this.#before[at] = at;
  }

  /** Where the outermost scope around a position begins; the position itself where it is in none. */
  startOf(at: number): number {
    while (this.#before[at] !== at) {
      this.#before[at] = this.#before[this.#before[at]!]!;
      at = this.#before[at]!;
    }
    return at;
  }

  cover(start: number, end: number): void {
    for (let at = this.startOf(end - 1); at > start; at = this.startOf(at - 1)) this.#before[at] = at - 1;
  }
}
