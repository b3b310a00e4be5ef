/** Two connected sockets and everything that may be done to them, in random order: all of it settles in the end. */
import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { SeededRandom } from "../../src/sim/seeded_random.ts";
import { type MemoryStreamOptions, streamDriverPair } from "../../src/tsocket/drivers/memory/stream_driver.ts";
import { fromStreams } from "../../src/tsocket/drivers/web/stream_driver.ts";
import type { TStreamDriver } from "../../src/tsocket/driver_types.ts";
import { StreamSocket } from "../../src/tsocket/stream_socket.ts";
import { turns } from "../support/turns.ts";
import { unhandledRejections } from "../support/unhandled.ts";

const SEEDS = 300;
const STEPS = 30;
/** Turns after which all has settled, with the delays of below. */
const LAST_TURNS = 40;

/** One life of a connection. */
class Life {
  readonly random: SeededRandom;
  readonly done: string[] = [];
  readonly #open = new Map<Promise<unknown>, string>();
  readonly #sockets: readonly StreamSocket[];
  readonly #cancellers: AbortController[] = [];
  readonly #readers: ReadableStreamDefaultReader<Uint8Array>[] = [];
  readonly #writers: WritableStreamDefaultWriter<Uint8Array>[] = [];

  constructor(seed: number) {
    this.random = new SeededRandom(seed);
    this.#sockets = this.#drivers(seed).map((driver) => this.#socket(driver));
  }

  #drivers(seed: number): TStreamDriver[] {
    const { random } = this;
    const options: MemoryStreamOptions = {
      capacityBytes: random.between(1, 40_000),
      isEndNoticedLate: random.chance(0.5),
      canReadInto: random.chance(0.5),
      ...random.chance(0.5) && { faults: { seed, shortReads: 0.3, shortWrites: 0.2, delayTurns: random.below(3) } },
    };
    const drivers = streamDriverPair(options);
    if (random.chance(0.7)) return drivers;
    return drivers.map((driver) => fromStreams(new StreamSocket(driver, { allowHalfOpen: true })));
  }

  #socket(driver: TStreamDriver): StreamSocket {
    const { random } = this;
    const late = random.below(4);
    const open = (): Promise<TStreamDriver> => turns(late).then(() => driver);
    return new StreamSocket(random.chance(0.3) ? open : driver, {
      allowHalfOpen: random.chance(0.5),
      failEarly: random.chance(0.25),
      maxQueuedWrites: random.pick([2, 100]),
    });
  }

  /** Remembers what has to settle. */
  #watch(what: string, promise: Promise<unknown>): void {
    this.done.push(what);
    this.#open.set(promise, what);
    promise.catch(() => {}).then(() => this.#open.delete(promise));
  }

  #options(): { signal?: AbortSignal } {
    if (this.random.chance(0.5)) return {};
    const canceller = new AbortController();
    this.#cancellers.push(canceller);
    return { signal: canceller.signal };
  }

  #pdu(socket: StreamSocket, length: number): Promise<number> {
    return socket.readvPdu(({ total }) => {
      if (this.random.chance(0.03)) socket.abort();
      if (this.random.chance(0.05)) throw new Error("no such message");
      return total < 2 * length ? [new Uint8Array(length)] : null;
    }, this.#options());
  }

  /** What may be done, each as often as it stands here. */
  #acts(socket: StreamSocket, length: number): [string, () => Promise<unknown> | void][] {
    const { random } = this;
    const bytes = new Uint8Array(length);
    const reader = this.#readers.length > 0 ? random.pick(this.#readers) : undefined;
    const writer = this.#writers.length > 0 ? random.pick(this.#writers) : undefined;
    const onAbort = random.pick(["abort", "finish"] as const);
    const rarely = (act: () => Promise<unknown> | void) => () => random.chance(0.2) ? act() : undefined;
    return [
      ["readv", () => socket.readv([bytes], this.#options())],
      ["readSome", () => socket.readSome(bytes, this.#options())],
      ["readvPdu", () => this.#pdu(socket, length)],
      ["tryReadv", () => void socket.tryReadv([bytes])],
      ["writev", () => socket.writev([bytes], { ...this.#options(), onAbort })],
      ["writev", () => socket.writev([bytes, bytes], { copy: true })],
      ["shutdown", rarely(() => socket.shutdown(this.#options()))],
      ["close", rarely(() => socket.close())],
      ["abort", rarely(() => socket.abort(random.pick([new Error("enough"), undefined])))],
      ["cancel", () => this.#cancellers.pop()?.abort(new Error("not now"))],
      ["monitor", () => socket.monitor(this.#options())],
      ["closed", () => void socket.closed.catch(() => {})],
      ["getReader", () => void this.#getReader(socket)],
      ["read", () => reader?.read()],
      ["releaseLock", rarely(() => reader?.releaseLock())],
      ["cancel readable", rarely(() => socket.readable.cancel(new Error("no more")))],
      ["getWriter", () => void this.#getWriter(socket)],
      ["write", () => writer && writeTo(writer, bytes)],
      ["close writable", rarely(() => writer?.close())],
      ["abort writable", rarely(() => writer?.abort(new Error("no good")))],
    ];
  }

  #getReader(socket: StreamSocket): void {
    if (socket.readable.locked) return;
    const reader = socket.readable.getReader();
    reader.closed.catch(() => {});
    this.#readers.push(reader);
  }

  #getWriter(socket: StreamSocket): void {
    if (socket.writable.locked) return;
    const writer = socket.writable.getWriter();
    for (const promise of [writer.closed, writer.ready]) promise.catch(() => {});
    this.#writers.push(writer);
  }

  async live(): Promise<void> {
    const { random } = this;
    for (let step = 0; step < STEPS; step++) {
      const side = random.below(2);
      const [name, act] = random.pick(this.#acts(this.#sockets[side]!, random.pick([1, 5, 100, 20_000])));
      const promise = act();
      if (promise !== undefined) this.#watch(`${name} of ${side}`, promise);
      else this.done.push(name);
      if (random.chance(0.3)) await turns(1);
    }
  }

  /** Ends both, one way or the other. Returns what has not settled. */
  async die(): Promise<string[]> {
    const { random } = this;
    const isGentle = random.chance(0.5);
    this.done.push(isGentle ? "close both" : "abort one");
    if (isGentle) { for (const socket of this.#sockets) this.#watch("last close", socket.close()); }
    else random.pick(this.#sockets).abort(new Error("over"));
    await turns(LAST_TURNS);
    for (const socket of this.#sockets) {
      socket.abort();
      this.#watch("close after all", socket.close());
      this.#watch("opened", socket.opened);
      this.#watch("closed", socket.closed);
      this.#watch("monitor after all", socket.monitor());
    }
    await turns(LAST_TURNS);
    return [...this.#open.values()];
  }
}

/** Node 20 throws from an assertion of its own when the stream is about to fail. */
function writeTo(writer: WritableStreamDefaultWriter<Uint8Array>, bytes: Uint8Array): Promise<void> | undefined {
  try {
    return writer.write(bytes);
  } catch {
    return undefined;
  }
}

test("61: whatever is done to two sockets in whatever order, all of it settles and no rejection is left", async () => {
  for (let seed = 0; seed < SEEDS; seed++) {
    const life = new Life(seed);
    let left: string[] = [];
    const unhandled = await unhandledRejections(async () => {
      await life.live();
      left = await life.die();
    });
    assertEquals([left, unhandled], [[], []], `seed ${seed}: ${life.done.join(", ")}`);
  }
});
