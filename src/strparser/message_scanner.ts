/**
 * The inside of the engine: goes through chunks, finds messages, holds what is cut off. Internal.
 *
 * Theory. Between two chunks it holds nothing, or the bytes of exactly one unfinished message (`#holder`), whose length
 * is known (`#length`) or not (0), or it is in the middle of bytes to be swallowed (`#skip`). Messages that lie inside a
 * chunk are never copied or stored. `consume` goes through a chunk in steps, each of which takes some of it and returns
 * where the next one begins: `#swallow`, `#continueMessage`, and `#scan`, the hot loop, which leaves everything but
 * whole messages to `#meet`. Bytes that were held and turned out to be something else (only after a resync) are gone
 * through again, as a chunk of their own (`#backlog`), before the chunk. The life of the engine is in `stream_parser.ts`.
 *
 * @module
 */
import { baseOf } from "../bytes/known_base.ts";
import { concat } from "../bytes/concat.ts";
import type { Sink } from "../core/engine.ts";
import { Assembly, type Holder } from "./assembly.ts";
import {
  type Failure,
  headerTooLong,
  judge,
  type Limits,
  type Located,
  lostBytes,
  overBudget,
  threw,
  truncated,
} from "./failures.ts";
import { BudgetShare } from "./message_budget.ts";
import type { LinuxGate } from "./linux_gate.ts";
import type { MessageDeadlines } from "./message_deadlines.ts";
import { MessageForm } from "./message_form.ts";
import type { Parser } from "./parser.ts";
import { PartsAssembly } from "./parts_assembly.ts";
import { NOTHING } from "./pieces.ts";
import { Recovery, Skip } from "./recovery.ts";
import { headerLimit, type Settings } from "./settings.ts";
import type { Counts } from "./statistics.ts";

/** How much of a chunk is first joined to a held header; where that is not enough, four times as much, and so on. */
const FIRST_WINDOW = 1024;

/** Finds the messages in a stream of chunks. */
export class MessageScanner {
  /** How much of the chunk in work was taken. */
  taken = 0;
  /** Position in the stream of the first byte of the chunk in work. */
  position = 0;
  /** The time of the chunk in work. */
  now = 0;
  /** How long messages that begin now may take. */
  messageTimeoutMs: number;
  /** Set when there is no going on. */
  failed: Located | undefined;
  /** What had been taken of the message that failed, if that is to be kept. */
  consumed: Uint8Array | undefined;
  /** Paused, given up, or about to change the parser: the one thing to look at after each message. */
  isHalted = false;
  isPaused = false;
  isDone = false;
  /** Only in Linux's way. */
  readonly gate: LinuxGate | undefined;
  readonly #settings: Settings;
  readonly #sink: Sink<unknown>;
  readonly #counts: Counts;
  readonly #deadlines: MessageDeadlines;
  readonly #holder: Holder<unknown>;
  readonly #form: MessageForm;
  readonly #share: BudgetShare;
  readonly #limits: { -readonly [Name in keyof Limits]: Limits[Name] };
  #maxMessageLength = 0;
  #state: unknown;
  #nextParser: Parser | undefined;
  /** Length of the held message, 0 while it is unknown. */
  #length = 0;
  /** While the length is unknown: how many bytes the parser wants to see. */
  #wanted = 0;
  /** Bytes to be swallowed: of a message that is too long, or after a resync. */
  readonly #skip: Skip;
  readonly #recovery: Recovery;
  #backlog: Uint8Array | undefined;
  /** While the backlog is gone through: how much of the chunk in work is taken. */
  #takenBefore: number | undefined;

  constructor(
    settings: Settings,
    parser: Parser,
    sink: Sink<unknown>,
    counts: Counts,
    deadlines: MessageDeadlines,
    gate: LinuxGate | undefined,
  ) {
    this.#settings = settings;
    this.#sink = sink;
    this.#counts = counts;
    this.#deadlines = deadlines;
    this.gate = gate;
    this.#form = new MessageForm(settings.isInParts, settings.copyAt);
    this.#share = new BudgetShare(settings.budget);
    this.#skip = new Skip(counts);
    this.#recovery = new Recovery(settings.resync, counts);
    this.#holder = settings.isInParts ? new PartsAssembly(settings.copies) : new Assembly(settings.copies);
    this.messageTimeoutMs = settings.messageTimeoutMs;
    this.#limits = { parser, maxMessageLength: 0, maxHeaderBytes: 0, isLinux: settings.isLinux };
    this.setLimit(settings.maxMessageLength);
    this.#state = parser.start?.({ direction: settings.direction });
  }

  /** Position in the stream behind what was taken, also in the middle of a chunk. */
  get reached(): number {
    return this.position + (this.#takenBefore ?? this.taken);
  }

  /** Whether the next byte begins a message. */
  get isBetweenMessages(): boolean {
    return this.#isAtBoundary && this.#backlog === undefined;
  }

  /** Bytes held. */
  get held(): number {
    return this.#holder.held + (this.#backlog?.length ?? 0);
  }

  /** Bytes missing of what has begun, as far as known. */
  get missing(): number {
    if (this.#skip.left > 0) return this.#skip.left;
    const { held } = this.#holder;
    if (held === 0) return 0;
    return (this.#length > 0 ? this.#length : this.#wanted) - held;
  }

  /** Bytes of the unfinished message that have come, held or not. */
  get arrived(): number {
    return this.#skip.left > 0 ? this.#skip.total - this.#skip.left : this.#holder.held;
  }

  /** Sets the longest message, within the parser's own bound. */
  setLimit(maxMessageLength: number): void {
    const { parser } = this.#limits;
    this.#maxMessageLength = maxMessageLength;
    const limit = Math.min(maxMessageLength, parser.maxMessageLength ?? Infinity);
    this.#limits.maxMessageLength = limit;
    this.#limits.maxHeaderBytes = headerLimit(this.#settings, parser, limit);
  }

  /** Changes the parser, now or when the message in work is out. */
  setParser(parser: Parser, isAtWork: boolean): void {
    this.#nextParser = parser;
    if (isAtWork) this.isHalted = true;
    else this.#switchParser();
  }

  /** Looks again whether to go on. */
  halt(): void {
    this.isHalted = this.isPaused || this.isDone || (this.#nextParser !== undefined && this.#isAtBoundary);
  }

  /** Whether the parser may be changed. */
  get #isAtBoundary(): boolean {
    return this.#holder.held === 0 && this.#skip.left === 0;
  }

  /** Takes what it can of a chunk: see `taken` and `failed`. */
  consume(chunk: Uint8Array): void {
    const end = chunk.length;
    this.taken = 0;
    try {
      for (let at = 0; at < end && !this.isHalted && this.failed === undefined;) {
        if (chunk.length !== end) at = this.#fail(lostBytes(), at, 0);
        else if (this.#backlog !== undefined) this.#rescan(this.#backlog);
        else at = this.#step(chunk, at);
        if (this.#nextParser !== undefined) this.#switchParser();
      }
    } finally {
      if (this.#nextParser !== undefined) this.#switchParser();
    }
  }

  /** No more will come: what is unfinished has failed. Bytes that nobody has looked at yet are judged first. */
  end(): void {
    this.taken = 0;
    if (this.#holder.isLost) this.failHeld(lostBytes());
    while (this.failed === undefined && !this.isDone) {
      // who pauses now has nothing to wait for
      this.isPaused = false;
      this.halt();
      if (this.#backlog !== undefined) {
        this.#rescan(this.#backlog);
        continue;
      }
      const { held } = this.#holder;
      if (held === 0 || this.#recovery.lost !== undefined || this.#length > 0 || held >= this.#wanted) break;
      const verdict = this.#ask(held);
      if (typeof verdict === "number") {
        if (verdict > 0) this.#length = verdict;
        else this.#wanted = Math.max(-verdict, held + 1);
        break;
      }
      this.#loseHeld(verdict, 0, held);
    }
    if (this.failed !== undefined || this.isDone || this.isBetweenMessages) return;
    const length = this.#skip.left > 0 ? this.#skip.total : this.#length;
    this.failHeld(this.#recovery.lost ?? truncated(this.arrived, this.missing, length));
  }

  /** Fails with the message that is unfinished. */
  failHeld(failure: Failure): void {
    this.#fail(failure, 0, this.arrived);
  }

  /** What is held, a copy; frees everything. */
  takeHeld(): Uint8Array {
    const rest = this.#backlog?.subarray(this.#takenBefore === undefined ? 0 : this.taken) ?? NOTHING;
    const held = this.consumed ?? concat([this.#holder.copyFirst(this.#holder.held), rest]);
    this.consumed = undefined;
    this.free();
    return held;
  }

  /** Frees what is held. */
  free(): void {
    this.#holder.clear();
    this.#share.hold(0);
    if (this.gate !== undefined) this.gate.awaited = 0;
    this.#length = 0;
    this.#wanted = 0;
    this.#skip.left = 0;
    this.#backlog = undefined;
    this.#recovery.lost = undefined;
  }

  /** Begins anew, with the parser that was to come if there is one; the one in use forgets what it remembers. */
  restart(): void {
    this.#useParser(this.#nextParser ?? this.#limits.parser);
    this.halt();
  }

  #step(chunk: Uint8Array, at: number): number {
    if (this.#skip.left > 0) return this.#swallow(at, chunk.length);
    return this.#holder.held > 0 ? this.#continueMessage(chunk, at) : this.#scan(chunk, at);
  }

  /** Walks through the messages that lie whole inside the chunk. This is the hot loop. */
  #scan(chunk: Uint8Array, from: number): number {
    const { maxMessageLength } = this.#limits, { makeAt } = this.#form;
    const end = chunk.length;
    let at = from;
    let answer = this.#answer(chunk, at, end);
    let length = typeof answer === "number" ? answer | 0 : 0; // whole, below 2^31, or `#meet` looks closer
    // asking for the buffer takes 28 ns, so not where the first message is all there is, or cut off
    if (length <= makeAt || length !== answer || length >= end - at || length > maxMessageLength || this.isDone) {
      return this.#meet(chunk, at, end, answer);
    }
    const { buffer, offset } = baseOf(chunk), sink = this.#sink, counts = this.#counts;
    do {
      // 14 ns a view on Node 20, `subarray` 29
      const message = new Uint8Array(buffer, offset + at, length);
      at += length;
      counts.messages++;
      this.taken = at;
      sink.item(message);
      // or the sink has transferred the chunk, or shrunk it
      if (this.isHalted || chunk.length !== end || at === end) return at;
      answer = this.#answer(chunk, at, end);
      length = typeof answer === "number" ? answer | 0 : 0;
    } while (length > makeAt && length === answer && length <= end - at && length <= maxMessageLength && !this.isDone);
    return this.#meet(chunk, at, end, answer);
  }

  /** What the parser says about the message at `at` of the chunk. */
  #answer(chunk: Uint8Array, at: number, end: number): unknown {
    const { parser, maxHeaderBytes } = this.#limits;
    try {
      return parser.parse(chunk, at, end - at > maxHeaderBytes ? at + maxHeaderBytes : end, this.#state);
    } catch (thrown) {
      this.#fail(threw(`parser ${parser.name}`, thrown), at, 0);
      return undefined;
    }
  }

  /** Deals with anything that is no whole message: mostly holds what the chunk's end has cut off. */
  #meet(chunk: Uint8Array, at: number, end: number, answer: unknown): number {
    if (this.isDone || this.failed !== undefined) return at;
    if (chunk.length !== end) return this.#fail(lostBytes(), at, 0);
    const verdict = judge(answer, 0, this.#limits, this.#takenBefore === undefined ? 0 : end - at);
    if (typeof verdict !== "number") return this.#lose(verdict, chunk, at);
    if (verdict > 0) {
      if (verdict <= end - at) return this.#deliver(this.#form.ofChunk(chunk, at, at + verdict), at + verdict);
      this.#length = verdict;
      this.#holder.expect(verdict);
      this.#holder.fill(chunk, at, end);
      return this.#hold(at, end, 0);
    }
    if (end - at > this.#limits.maxHeaderBytes) return this.#lose(headerTooLong(this.#limits), chunk, at);
    this.#counts.needMoreHeader++;
    this.#holder.append(chunk, at, end);
    this.#wanted = Math.max(-verdict, end - at + 1);
    return this.#hold(at, end, 0);
  }

  /** Adds to the held message; returns where in the chunk the next one begins. */
  #continueMessage(chunk: Uint8Array, from: number): number {
    const holder = this.#holder;
    const before = holder.held;
    if (holder.isLost) return this.#fail(lostBytes(), from, before);
    let at = from;
    if (this.#length === 0) {
      at = this.#continueHeader(chunk, from);
      if (this.#length === 0) return at;
    }
    const length = this.#length;
    if (holder.held < length) {
      const to = Math.min(chunk.length, at + length - holder.held);
      holder.fill(chunk, at, to);
      if (holder.held < length) return this.#hold(from, to, before);
    }
    const message = holder.finish(length);
    this.#share.hold(0);
    this.#length = 0;
    this.#deadlines.finish();
    if (this.gate !== undefined) this.gate.awaited = 0;
    if (message === undefined) return this.#fail(lostBytes(), from, before);
    return this.#deliver(this.#form.ofHeld(message, length), from + length - before);
  }

  /** Adds to a held message of unknown length and asks for the length; returns how much of the chunk it has copied. */
  #continueHeader(chunk: Uint8Array, from: number): number {
    const holder = this.#holder;
    const before = holder.held;
    const end = chunk.length;
    let window = FIRST_WINDOW;
    for (let at = from;;) {
      const room = this.#limits.maxHeaderBytes - holder.held;
      if (room <= 0) return this.#loseHeld(this.#recovery.lost ?? headerTooLong(this.#limits), from, before);
      const to = Math.min(end, at + Math.min(room, Math.max(window, this.#wanted - holder.held)));
      holder.append(chunk, at, to);
      at = to;
      if (holder.held >= this.#wanted) {
        const verdict = this.#recovery.lost ?? this.#ask(before);
        if (this.isDone) return from;
        if (typeof verdict !== "number") {
          this.#loseHeld(verdict, from, before);
          if (this.#recovery.lost === undefined) return from;
        } else if (verdict > 0) {
          this.#length = verdict;
          if (verdict > holder.held) holder.expect(verdict);
          return at;
        } else {
          this.#wanted = Math.max(-verdict, holder.held + 1);
        }
      }
      if (at === end) break;
      window *= 4;
    }
    if (this.#recovery.lost === undefined) this.#counts.needMoreHeader++;
    return this.#hold(from, end, before);
  }

  /** Asks the parser about the held bytes, of which `before` came before this chunk. */
  #ask(before: number): number | Failure {
    const { slab, start, held } = this.#holder;
    const { parser } = this.#limits;
    try {
      return judge(parser.parse(slab, start, start + held, this.#state), before, this.#limits);
    } catch (thrown) {
      return threw(`parser ${parser.name}`, thrown);
    }
  }

  #deliver(message: unknown, next: number): number {
    this.#counts.messages++;
    this.taken = next;
    this.#sink.item(message);
    return next;
  }

  /** The chunk is used up to `to`, and the message is not complete; `before` bytes of it were held already. */
  #hold(from: number, to: number, before: number): number {
    const { held } = this.#holder;
    if (!this.#share.hold(held)) return this.#fail(overBudget(held, this.#settings.budget!.maxBytes), from, before);
    this.taken = to;
    // the kernel times headers, and bodies only while it waits for the rest to lie in the socket
    const isTimed = this.gate === undefined || this.gate.hold(this.#length, before, to - from) || this.#length === 0;
    const laterMs = this.gate === undefined ? this.messageTimeoutMs : Infinity;
    if (before > 0) this.#deadlines.progress(this.now, this.#length > 0, laterMs);
    else if (isTimed) this.#deadlines.begin(this.now, this.#length > 0, this.messageTimeoutMs);
    return to;
  }

  /** Something is wrong with the message at `at` of the chunk. */
  #lose(failure: Failure, chunk: Uint8Array, at: number): number {
    if (this.#discards(failure, 0)) {
      if (this.#skip.left > chunk.length - at) this.#deadlines.begin(this.now, true, this.messageTimeoutMs);
      return at;
    }
    const { maxHeaderBytes } = this.#limits;
    const end = Math.min(chunk.length, at + maxHeaderBytes);
    const answer = this.#recovery.ask(chunk, at, end, failure, end - at < maxHeaderBytes);
    if (typeof answer !== "number") return this.#fail(answer, at, 0);
    if (answer > 0) {
      this.#resume(answer, 0);
      return at;
    }
    this.#recovery.lost = failure;
    this.#holder.append(chunk, at, end);
    this.#wanted = end - at + 1;
    return this.#hold(at, end, 0);
  }

  /** Something is wrong with the held message, of which `before` bytes came before `from`. */
  #loseHeld(failure: Failure, from: number, before: number): number {
    this.#recovery.lost = undefined;
    if (this.#discards(failure, before)) {
      this.#dropHeld();
      this.#deadlines.progress(this.now, true, this.messageTimeoutMs);
      return from;
    }
    const { slab, start, held } = this.#holder;
    const answer = this.#recovery.ask(slab, start, start + held, failure, held < this.#limits.maxHeaderBytes);
    if (typeof answer !== "number") return this.#fail(answer, from, before);
    if (answer === 0) {
      this.#recovery.lost = failure;
      this.#wanted = held + 1;
      return from;
    }
    const rest = answer < before ? slab.slice(start + answer, start + before) : undefined;
    this.#dropHeld();
    this.#deadlines.finish();
    this.#resume(answer, before);
    this.#backlog = rest;
    return from;
  }

  /** Whether a message is swallowed, `before` bytes of which are here. */
  #discards(failure: Failure, before: number): boolean {
    const { length } = failure;
    if (length === undefined || length <= before || !this.#settings.discardsOversize) return false;
    this.#counts.messageTooBig++;
    this.#counts.discarded++;
    this.#skip.begin(length, before, "discardedBytes");
    return true;
  }

  /** After a resync: skips bytes of which `before` are here, then begins anew. */
  #resume(count: number, before: number): void {
    this.#skip.begin(count, before, "skippedBytes");
    this.#wanted = 0;
    this.#useParser(this.#nextParser ?? this.#limits.parser);
  }

  #dropHeld(): void {
    this.#holder.clear();
    this.#share.hold(0);
    this.#wanted = 0;
  }

  #swallow(at: number, end: number): number {
    const next = at + this.#skip.take(end - at);
    this.taken = next;
    if (this.#skip.left === 0) this.#deadlines.finish();
    else this.#deadlines.progress(this.now, true, this.messageTimeoutMs);
    return next;
  }

  /** Goes through bytes again that were held. They were taken already, so `taken` must not see them. */
  #rescan(bytes: Uint8Array): void {
    const { taken } = this;
    this.taken = 0;
    this.#takenBefore = taken;
    try {
      for (let at = 0; at < bytes.length && !this.isHalted && this.failed === undefined;) at = this.#step(bytes, at);
    } finally {
      const isLeft = this.taken < bytes.length && this.failed === undefined && !this.isDone;
      this.#backlog = isLeft ? bytes.subarray(this.taken) : undefined;
      this.#takenBefore = undefined;
      this.taken = taken;
    }
    if (this.#nextParser !== undefined) this.#switchParser();
  }

  #switchParser(): void {
    if (this.#isAtBoundary) this.#useParser(this.#nextParser!);
    this.halt();
  }

  #useParser(parser: Parser): void {
    this.#nextParser = undefined;
    this.#limits.parser = parser;
    this.setLimit(this.#maxMessageLength);
    this.#state = parser.start?.({ direction: this.#settings.direction });
  }

  /** The one place where it fails: with the message of which `before` bytes came before `at`. */
  #fail(failure: Failure, at: number, before: number): number {
    const backlog = this.#takenBefore === undefined ? NOTHING : this.#backlog ?? NOTHING;
    this.failed ??= { failure, offset: this.position + (this.#takenBefore ?? 0) - backlog.length + at - before };
    if (this.#settings.keepsConsumed) this.consumed = concat([this.#holder.copyFirst(before), backlog.subarray(at)]);
    this.free();
    return at;
  }
}
