/**
 * Puts the blocks of a function in an order in which every loop is contiguous and, loops aside, every jump goes
 * forward: what nested `block` and `loop` constructs need.
 *
 * Takes strongly connected components, and within each loop without its header takes them again. All of it iterative:
 * thirty thousand blocks must not exhaust the stack.
 *
 * @module
 */
import { ComponentFinder, type Successors } from "./components.ts";

/** A part of an order of blocks: positions from `start` to before `end`. */
export interface Span {
  /** First position. */
  readonly start: number;
  /** Position behind the last. */
  readonly end: number;
}

/** Blocks in order, with their loops. */
export interface FlowOrder {
  /** Block numbers by position; the first is block 0, the entry. */
  readonly order: readonly number[];
  /** Loops, inner ones before those around them; the first block of a loop is its header. */
  readonly loops: readonly Span[];
}

/** Nesting that no compiler makes costs time that grows with its square. */
const MAX_LOOP_DEPTH = 64;

/** What is still to do, last first: place a block, order a part of the graph, begin a loop, note that one ends. */
type Task =
  | { block: number }
  | { nodes: readonly number[]; roots: readonly number[]; depth: number }
  | { header: number; body: readonly number[]; depth: number }
  | { loopStart: number };

/**
 * Orders the blocks that block 0 leads to.
 *
 * @returns `undefined` where a loop has several entries (irreducible) or loops nest too deeply
 */
export function orderFlow(successors: Successors): FlowOrder | undefined {
  const entries = new EntryFinder(successors);
  const finder = new ComponentFinder(successors);
  const order: number[] = [];
  const loops: Span[] = [];
  const tasks: Task[] = [{ nodes: successors.map((_, block) => block), roots: [0], depth: 0 }];
  for (let task = tasks.pop(); task !== undefined; task = tasks.pop()) {
    if ("block" in task) {
      order.push(task.block);
    } else if ("loopStart" in task) {
      loops.push({ start: task.loopStart, end: order.length });
    } else if ("header" in task) {
      const { header, body, depth } = task;
      tasks.push({ loopStart: order.length }, { nodes: body, roots: successors[header]!, depth });
      order.push(header);
    } else {
      if (task.depth > MAX_LOOP_DEPTH) return undefined;
      for (const component of finder.find(task.nodes, task.roots).reverse()) {
        const part = taskFor(component, entries, successors, task.depth);
        if (part === undefined) return undefined;
        tasks.push(part);
      }
    }
  }
  return { order, loops };
}

function taskFor(
  component: readonly number[],
  entries: EntryFinder,
  successors: Successors,
  depth: number,
): Task | undefined {
  const first = component[0]!;
  if (component.length === 1 && !successors[first]!.includes(first)) return { block: first };
  const header = entries.only(component);
  if (header === undefined) return undefined;
  return { header, body: component.filter((block) => block !== header), depth: depth + 1 };
}

/** Finds where components are entered. */
class EntryFinder {
  readonly #predecessors: readonly number[][];
  readonly #member: Int32Array;
  #components = 0;

  constructor(successors: Successors) {
    this.#predecessors = successors.map(() => []);
    this.#member = new Int32Array(successors.length);
    successors.forEach((targets, block) => {
      for (const target of targets) this.#predecessors[target]!.push(block);
    });
  }

  /** The only block of a component that is reached from outside, if it is the only one. */
  only(component: readonly number[]): number | undefined {
    const mark = ++this.#components;
    for (const block of component) this.#member[block] = mark;
    const isEntry = (block: number) =>
      block === 0 || this.#predecessors[block]!.some((from) => this.#member[from] !== mark);
    const found = component.filter(isEntry);
    return found.length === 1 ? found[0] : undefined;
  }
}
