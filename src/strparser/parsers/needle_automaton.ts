/**
 * An automaton that finds the first end of any of several byte strings, one table look-up a byte (Aho and Corasick,
 * "Efficient string matching", 1975, with the failure transitions filled in). Internal.
 *
 * @module
 */

/** What all byte strings together may have: the table takes 512 bytes for each of them. */
const LARGEST = 4096;

/** The automaton; node 0 is where nothing of a byte string was seen. */
export class NeedleAutomaton {
  /** The next node, by `node << 8 | byte`. */
  readonly next: Uint16Array;
  /** 1 where a byte string ends in the node. */
  readonly isEnd: Uint8Array;
  /** By node: how many bytes are missing at least until a byte string can end. */
  readonly missing: Uint16Array;

  /** Makes one for byte strings none of which is empty. */
  constructor(needles: readonly Uint8Array[]) {
    const total = needles.reduce((sum, needle) => sum + needle.length, 0);
    if (total > LARGEST) throw new RangeError(`delimiters of ${total} bytes together; at most ${LARGEST} are possible`);
    this.next = new Uint16Array((total + 1) << 8);
    this.isEnd = new Uint8Array(total + 1);
    this.missing = new Uint16Array(total + 1).fill(LARGEST);
    let nodes = 1;
    for (const needle of needles) nodes = this.#add(needle, nodes);
    this.#link(nodes);
  }

  #add(needle: Uint8Array, nodes: number): number {
    let node = 0;
    let count = nodes;
    needle.forEach((byte, depth) => {
      this.missing[node] = Math.min(this.missing[node]!, needle.length - depth);
      const at = node << 8 | byte;
      node = this.next[at]! || (this.next[at] = count++);
    });
    this.isEnd[node] = 1;
    return count;
  }

  /** Breadth first: a node's failure node is nearer to the root and so complete already. */
  #link(nodes: number): void {
    const { next, isEnd, missing } = this;
    const failure = new Uint16Array(nodes);
    const queue: number[] = [];
    for (let byte = 0; byte < 256; byte++) if (next[byte] !== 0) queue.push(next[byte]!);
    for (const node of queue) {
      const other = failure[node]!;
      isEnd[node]! |= isEnd[other]!;
      missing[node] = Math.min(missing[node]!, missing[other]!);
      for (let byte = 0; byte < 256; byte++) {
        const at = node << 8 | byte;
        const onward = next[other << 8 | byte]!;
        if (next[at] === 0) {
          next[at] = onward;
        } else {
          failure[next[at]!] = onward;
          queue.push(next[at]!);
        }
      }
    }
  }
}
