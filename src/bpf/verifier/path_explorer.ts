/**
 * Judges a program way by way, as the kernel does: nothing is joined, so nothing is lost, and loops are gone through
 * turn by turn. A way ends where no more is known than on one that was gone before.
 *
 * @module
 */
import { blockOf, CallContext, isMeetingPoint } from "./call_contexts.ts";
import type { Effort } from "./effort.ts";
import { enterFunction, entryState, leaveFunction, runBlock } from "./interpret.ts";
import type { LoopRule } from "./facts.ts";
import type { Judge } from "./judge.ts";
import { MachineState } from "./state.ts";

/** States kept per place; the oldest give way. */
const maxStatesPerPlace = 16;

/** A state in which a way came by. */
interface Checkpoint {
  readonly state: MachineState;
  readonly parent: Checkpoint | undefined;
  /** Ways from here that have not ended. */
  openWays: number;
}

/** A way that is still to be gone. */
interface Way {
  readonly context: CallContext;
  readonly slot: number;
  readonly state: MachineState;
  readonly parent: Checkpoint | undefined;
  /** Whether the place is one where states are compared even though no ways meet: behind a call. */
  readonly isReturn: boolean;
}

/** The exploration of one program. */
export class PathExplorer {
  readonly #judge: Judge;
  readonly #effort: Effort;
  readonly #loops: LoopRule;
  readonly #checkpoints = new Map<CallContext, Map<number, Checkpoint[]>>();
  readonly #pending: Way[] = [];

  /** Takes the judge, the limits, and how loops are judged. */
  constructor(judge: Judge, effort: Effort, loops: LoopRule) {
    this.#judge = judge;
    this.#effort = effort;
    this.#loops = loops;
  }

  /**
   * Goes through the program.
   *
   * @throws {BpfError} where the program is refused, or too complex
   */
  run(): void {
    const context = new CallContext(this.#judge.flow.functions[0]!);
    const state = entryState(this.#judge, (frames) => new MachineState(frames));
    this.#push({ context, slot: 0, state, parent: undefined, isReturn: false });
    for (let way = this.#pending.pop(); way !== undefined; way = this.#pending.pop()) {
      this.#effort.keep(-1);
      this.#follow(way);
    }
  }

  #push(way: Way): void {
    this.#effort.keep(1);
    this.#pending.push(way);
  }

  #follow({ context, slot, state, parent, isReturn }: Way): void {
    const block = blockOf(context.flow, slot);
    let last = parent;
    if (isReturn || block.start === slot && isMeetingPoint(context.flow, block)) {
      const checkpoint = this.#checkpoint(context, slot, state, parent);
      if (checkpoint === undefined) return end(parent);
      last = checkpoint;
    }
    const outcome = runBlock(this.#judge, state, [slot, block.last], this.#effort.step, (aborted) => {
      if (last !== undefined) last.openWays++;
      this.#leave(context, aborted, block.last, last);
    });
    if (outcome.kind === "jump") {
      if (last !== undefined) last.openWays += outcome.ways.length - 1;
      // Pushed in reverse, so that the way that does not jump is gone first.
      for (const [target, next] of outcome.ways.toReversed()) {
        this.#push({ context, slot: target, state: next, parent: last, isReturn: false });
      }
    } else if (outcome.kind === "call") {
      enterFunction(state, outcome.callee);
      const callee = context.callee(outcome.slot, this.#judge.flow.functions[outcome.callee]!);
      this.#push({ context: callee, slot: callee.flow.start, state, parent: last, isReturn: false });
    } else {
      this.#leave(context, state, block.last, last);
    }
  }

  #leave(context: CallContext, state: MachineState, slot: number, parent: Checkpoint | undefined): void {
    leaveFunction(this.#judge, state, slot);
    if (context.parent === undefined) return end(parent);
    this.#push({ context: context.parent, slot: context.callSlot + 1, state, parent, isReturn: true });
  }

  /** Notes that a way comes by; `undefined` where it need not go on. */
  #checkpoint(
    context: CallContext,
    slot: number,
    state: MachineState,
    parent: Checkpoint | undefined,
  ): Checkpoint | undefined {
    const known = this.#checkpointsAt(context, slot);
    for (let index = known.length - 1; index >= 0; index--) {
      const old = known[index]!;
      // A checkpoint with open ways is one that this way has come by before.
      const isLoop = old.openWays > 0;
      if (isLoop && this.#loops === "refused") this.#judge.refuse("a loop leads back here", slot, state);
      if (!state.isWithin(old.state)) continue;
      if (!isLoop || this.#loops === "budget") return undefined;
      if (old.state.isWithin(state)) this.#judge.refuse("the loop around this instruction may never end", slot, state);
    }
    const made: Checkpoint = { state: state.clone(), parent, openWays: 1 };
    known.push(made);
    if (known.length > maxStatesPerPlace) known.shift();
    else this.#effort.keep(1);
    return made;
  }

  #checkpointsAt(context: CallContext, slot: number): Checkpoint[] {
    let places = this.#checkpoints.get(context);
    if (places === undefined) this.#checkpoints.set(context, places = new Map());
    let known = places.get(slot);
    if (known === undefined) places.set(slot, known = []);
    return known;
  }
}

/** A way has ended; so have those that led to it, when it was their last. */
function end(checkpoint: Checkpoint | undefined): void {
  let at = checkpoint;
  while (at !== undefined && --at.openWays === 0) at = at.parent;
}
