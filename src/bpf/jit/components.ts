/**
 * Strongly connected components of parts of a graph, in topological order, without recursion (Tarjan, with a stack of
 * its own).
 *
 * @module
 */

/** A graph: for each node the nodes that its edges lead to. */
export type Successors = readonly (readonly number[])[];

/** Finds components of parts of one graph, one part after the other. */
export class ComponentFinder {
  readonly #successors: Successors;
  /** Which part a node is in; parts are numbered as they come. */
  readonly #part: Int32Array;
  readonly #number: Int32Array;
  readonly #low: Int32Array;
  readonly #edge: Int32Array;
  readonly #isOpen: Uint8Array;
  #parts = 0;

  /** Takes the graph. */
  constructor(successors: Successors) {
    const nodes = successors.length;
    this.#successors = successors;
    this.#part = new Int32Array(nodes);
    this.#number = new Int32Array(nodes);
    this.#low = new Int32Array(nodes);
    this.#edge = new Int32Array(nodes);
    this.#isOpen = new Uint8Array(nodes);
  }

  /**
   * Components of the part of the graph that `nodes` make, as far as `roots` lead to them; a component comes before all
   * that it leads to. Of a node's edges the first are explored first, so what the last leads to comes soonest.
   */
  find(nodes: readonly number[], roots: readonly number[]): number[][] {
    const part = ++this.#parts;
    for (const node of nodes) {
      this.#part[node] = part;
      this.#number[node] = 0;
      this.#edge[node] = 0;
    }
    const found: number[][] = [];
    const open: number[] = [];
    let count = 0;
    for (const root of roots) {
      if (this.#part[root] !== part || this.#number[root] !== 0) continue;
      count = this.#walk(root, part, count, open, found);
    }
    return found.reverse();
  }

  #walk(root: number, part: number, count: number, open: number[], found: number[][]): number {
    const path = [root];
    while (path.length > 0) {
      const node = path[path.length - 1]!;
      if (this.#number[node] === 0) {
        this.#number[node] = this.#low[node] = ++count;
        this.#isOpen[node] = 1;
        open.push(node);
      }
      const next = this.#nextEdge(node, part);
      if (next >= 0) {
        path.push(next);
        continue;
      }
      path.pop();
      if (path.length > 0) this.#lower(path[path.length - 1]!, this.#low[node]!);
      if (this.#low[node] === this.#number[node]) found.push(this.#close(node, open));
    }
    return count;
  }

  /** Follows edges of a node until one leads to a node that was not seen; -1 when all are done. */
  #nextEdge(node: number, part: number): number {
    const edges = this.#successors[node]!;
    while (this.#edge[node]! < edges.length) {
      const target = edges[this.#edge[node]!++]!;
      if (this.#part[target] !== part) continue;
      if (this.#number[target] === 0) return target;
      if (this.#isOpen[target] === 1) this.#lower(node, this.#number[target]!);
    }
    return -1;
  }

  #lower(node: number, to: number): void {
    if (to < this.#low[node]!) this.#low[node] = to;
  }

  #close(node: number, open: number[]): number[] {
    const component = open.splice(open.lastIndexOf(node));
    for (const member of component) this.#isOpen[member] = 0;
    return component;
  }
}
