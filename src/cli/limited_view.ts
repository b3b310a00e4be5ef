/**
 * `--limit`: a view that passes on so many items of one kind, and then no more.
 *
 * @module
 */
import type { Packet, Segment } from "../packet/mod.ts";
import {
  SHOW_KINDS,
  type ShowKind,
  type TraceCall,
  type TraceData,
  type TraceFlow,
  type TraceMessage,
  type TraceProblem,
  type TraceView,
} from "./trace_view.ts";

/** Counts the most detailed kind that is shown; pieces of unreadable flows count as messages. */
export class LimitedView implements TraceView {
  readonly #view: TraceView;
  readonly #kind: ShowKind | undefined;
  readonly #reached: () => void;
  #left: number;

  /** Passes on `limit` items to `view`, then calls `reached`, once. */
  constructor(view: TraceView, show: ReadonlySet<ShowKind>, limit: number, reached: () => void) {
    this.#view = view;
    this.#kind = SHOW_KINDS.find((kind) => show.has(kind));
    this.#left = limit;
    this.#reached = reached;
  }

  /** Whether all that was wanted has been passed on. */
  get isFull(): boolean {
    return this.#left === 0;
  }

  packet(packet: Packet): void {
    if (!this.isFull) this.#view.packet(packet);
    this.#passed("packets");
  }

  segment(segment: Segment): void {
    if (!this.isFull) this.#view.segment(segment);
    this.#passed("segments");
  }

  flowOpened(flow: TraceFlow): void {
    if (!this.isFull) this.#view.flowOpened(flow);
    this.#passed("flows");
  }

  flowDecided(flow: TraceFlow): void {
    this.#view.flowDecided(flow);
  }

  message(message: TraceMessage): void {
    if (!this.isFull) this.#view.message(message);
    this.#passed("messages");
  }

  data(data: TraceData): void {
    if (!this.isFull) this.#view.data(data);
    this.#passed("messages");
  }

  call(call: TraceCall): void {
    if (!this.isFull) this.#view.call(call);
    this.#passed("calls");
  }

  flowClosed(flow: TraceFlow): void {
    this.#view.flowClosed(flow);
  }

  problem(problem: TraceProblem): void {
    if (!this.isFull) this.#view.problem(problem);
  }

  #passed(kind: ShowKind): void {
    if (kind !== this.#kind || this.isFull) return;
    this.#left--;
    if (this.isFull) this.#reached();
  }
}
