/**
 * Judges a program by joining what is known where ways meet, until nothing new comes: time is polynomial, loops are
 * cut short by giving up numbers that keep growing.
 *
 * @module
 */
import { blockOf, CallContext, isLoopHead, isMeetingPoint } from "./call_contexts.ts";
import type { Effort } from "./effort.ts";
import { enterFunction, entryState, leaveFunction, runBlock } from "./interpret.ts";
import type { Judge } from "./judge.ts";
import { PriorityQueue } from "./priority_queue.ts";
import { MachineState } from "./state.ts";

/** How often a loop may bring something new before its growing numbers are given up. */
const visitsBeforeWidening = 8;

/** A place where ways meet, with what is known there. */
interface Meeting {
  readonly context: CallContext;
  readonly slot: number;
  readonly priority: number;
  readonly isLoopHead: boolean;
  state: MachineState;
  visits: number;
  isQueued: boolean;
}

/** The exploration of one program. */
export class JoinExplorer {
  readonly #judge: Judge;
  readonly #effort: Effort;
  readonly #queue = new PriorityQueue<Meeting>();
  readonly #meetings = new Map<CallContext, Map<number, Meeting>>();

  /** Takes the judge and the limits. */
  constructor(judge: Judge, effort: Effort) {
    this.#judge = judge;
    this.#effort = effort;
  }

  /**
   * Goes through the program.
   *
   * @throws {BpfError} where the program is refused, or too complex
   */
  run(): void {
    const main = new CallContext(this.#judge.flow.functions[0]!);
    this.#arrive(main, 0, entryState(this.#judge, (frames) => new MachineState(frames)));
    for (let meeting = this.#queue.pop(); meeting !== undefined; meeting = this.#queue.pop()) {
      meeting.isQueued = false;
      this.#goOn(meeting.context, meeting.slot, meeting.state.clone());
    }
  }

  /** Goes on from a meeting to the next ones on every way. */
  #goOn(context: CallContext, slot: number, state: MachineState): void {
    const pending: [number, MachineState][] = [[slot, state]];
    for (let way = pending.pop(); way !== undefined; way = pending.pop()) {
      const [from, current] = way;
      const { last } = blockOf(context.flow, from);
      const abort = (aborted: MachineState) => this.#leave(context, aborted, last);
      const outcome = runBlock(this.#judge, current, [from, last], this.#effort.step, abort);
      if (outcome.kind === "jump") {
        for (const [target, next] of outcome.ways) {
          if (isMeetingPoint(context.flow, blockOf(context.flow, target))) this.#arrive(context, target, next);
          else pending.push([target, next]);
        }
      } else if (outcome.kind === "call") {
        enterFunction(current, outcome.callee);
        const callee = context.callee(outcome.slot, this.#judge.flow.functions[outcome.callee]!);
        this.#arrive(callee, callee.flow.start, current);
      } else {
        this.#leave(context, current, last);
      }
    }
  }

  #leave(context: CallContext, state: MachineState, slot: number): void {
    leaveFunction(this.#judge, state, slot);
    if (context.parent !== undefined) this.#arrive(context.parent, context.callSlot + 1, state);
  }

  #arrive(context: CallContext, slot: number, state: MachineState): void {
    const meetings = this.#meetingsOf(context);
    const known = meetings.get(slot);
    if (known === undefined) {
      this.#effort.keep(1);
      const meeting = newMeeting(context, slot, state);
      meetings.set(slot, meeting);
      this.#enqueue(meeting);
      return;
    }
    if (state.isWithin(known.state)) return;
    known.visits++;
    known.state.join(state, this.#judge.newId, known.isLoopHead && known.visits > visitsBeforeWidening);
    this.#enqueue(known);
  }

  #meetingsOf(context: CallContext): Map<number, Meeting> {
    const known = this.#meetings.get(context);
    if (known !== undefined) return known;
    const made = new Map<number, Meeting>();
    this.#meetings.set(context, made);
    return made;
  }

  #enqueue(meeting: Meeting): void {
    if (meeting.isQueued) return;
    meeting.isQueued = true;
    this.#queue.push(meeting.priority, meeting);
  }
}

/** Callees first, then in the order in which ways flow: a place is seen when all that leads to it has been. */
function newMeeting(context: CallContext, slot: number, state: MachineState): Meeting {
  const block = blockOf(context.flow, slot);
  const isHead = block.start === slot && isLoopHead(context.flow, block);
  const place = context.flow.position[block.index]! * 2 ** 20 + (slot - block.start);
  const priority = place - context.depth * 2 ** 40;
  return { context, slot, priority, isLoopHead: isHead, state, visits: 1, isQueued: false };
}
