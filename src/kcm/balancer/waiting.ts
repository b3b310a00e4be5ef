/**
 * Requests that wait for a backend: a line for each backend that requests are kept for, and one for those that any will do.
 * So what is busy is asked once, however many wait for it.
 *
 * @module
 */
import type { Backend } from "./backend.ts";
import { ChannelQueue, type Request } from "./request.ts";

/** All lines. */
export class WaitingLines {
  /** How many requests wait. */
  length = 0;
  readonly #lines = new Map<Backend | undefined, ChannelQueue>();

  /** Puts a request at the end of the line of {@linkcode Request.awaited}. */
  push(request: Request): void {
    this.#lineOf(request).push(request);
    this.length++;
  }

  /** Puts requests, in their order, in front of those that wait for the same. */
  putFirst(requests: readonly Request[]): void {
    for (let i = requests.length - 1; i >= 0; i--) this.#lineOf(requests[i]!).unshift(requests[i]!);
    this.length += requests.length;
  }

  /** Lets each line go on from its first: for as long as `place` has placed that, or has made it await another backend. */
  advance(place: (request: Request, awaited: Backend | undefined) => boolean): void {
    for (const [awaited, line] of [...this.#lines]) {
      for (let request = line.shift(); request !== undefined; request = line.shift()) {
        this.length--;
        if (place(request, awaited)) continue;
        if (request.awaited === awaited) {
          line.unshift(request);
          this.length++;
          break;
        }
        this.push(request);
      }
      if (line.length === 0) this.#lines.delete(awaited);
    }
  }

  /** Takes out those that `isOver` is true of. Looks at all: one that has changed lines may stand behind younger ones. */
  takeOver(isOver: (request: Request) => boolean): Request[] {
    const over: Request[] = [];
    for (const [awaited, line] of this.#lines) {
      for (let left = line.length; left > 0; left--) {
        const request = line.shift()!;
        if (isOver(request)) over.push(request);
        else line.push(request);
      }
      if (line.length === 0) this.#lines.delete(awaited);
    }
    this.length -= over.length;
    return over;
  }

  #lineOf({ awaited }: Request): ChannelQueue {
    let line = this.#lines.get(awaited);
    if (line === undefined) this.#lines.set(awaited, line = new ChannelQueue());
    return line;
  }
}
