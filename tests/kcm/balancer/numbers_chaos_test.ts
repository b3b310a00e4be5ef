/**
 * Replies that pair by number, by seed: in any order, twice, never, with numbers that nobody has, before the request was
 * handed over, on connections that break. What must hold all along: a client hears its own replies only, under its own
 * numbers, each once, and if it wants so in the order of its requests.
 */
import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { plainProtocol } from "../../../src/kcm/balancer/protocols/plain.ts";
import { SeededRandom } from "../../../src/sim/mod.ts";
import { lengthPrefix } from "../../../src/strparser/mod.ts";
import { fuzzInputs, fuzzSeeds } from "../../support/fuzz.ts";
import { Rig, type ServerLine, type TestClient } from "./rig.ts";

const STEPS = 300;
/** 60 in a normal run, 3,000 in the soak. */
const RUNS = Math.ceil(fuzzInputs() / 333);
/** Length, number (2), client, request (2). */
const SIZE = 6;

/** A client, what it has asked under which number, and what it heard, as numbers. */
class Asker {
  readonly client: TestClient;
  readonly name: number;
  readonly asked: number[] = [];
  readonly heard: number[] = [];
  #bytes: number[] = [];

  constructor(rig: Rig, name: number) {
    this.name = name;
    this.client = rig.client();
    const { port } = this.client;
    port.handle = undefined;
  }

  /** A request; clients use the same few numbers all the time. */
  next(random: SeededRandom): Uint8Array {
    const request = this.asked.push(random.below(4)) - 1;
    return Uint8Array.of(SIZE - 1, 0, this.asked[request]!, this.name, request >> 8, request & 255);
  }

  /** Reads what has come. */
  read(now: number): void {
    const { port } = this.client;
    if (port.isAborted) return;
    for (const piece of port.take() ?? []) this.#bytes.push(...piece);
    port.wrote(now);
    while (this.#bytes.length >= SIZE) {
      const [, high, low, name, first, second] = this.#bytes.splice(0, SIZE);
      const request = first! * 256 + second!;
      assertEquals([name, high! * 256 + low!], [this.name, this.asked[request]], "somebody else's reply");
      this.heard.push(request);
    }
    assertEquals(new Set(this.heard).size, this.heard.length, "a reply twice");
  }
}

class Chaos {
  readonly #random: SeededRandom;
  readonly #rig: Rig;
  readonly #isOrdered: boolean;
  readonly #askers: Asker[] = [];
  readonly #open: Map<ServerLine, Uint8Array[]> = new Map();
  readonly #answered: Map<ServerLine, Uint8Array[]> = new Map();
  readonly #highest: Map<ServerLine, number> = new Map();

  constructor(seed: number) {
    const random = this.#random = new SeededRandom(seed);
    this.#isOrdered = random.chance(0.5);
    this.#rig = new Rig({
      protocol: plainProtocol(lengthPrefix(1), { id: { offset: 1, size: 2 }, isIdempotent: random.chance(0.5) }),
      isOrdered: this.#isOrdered,
      connections: random.between(1, 3),
      timeoutMs: 1000,
      waitMs: 1000,
      fall: random.between(1, 4),
      ejectMs: 200,
    });
    this.#rig.isPrompt = false;
  }

  run(): void {
    for (let step = 0; step < STEPS; step++) {
      this.#step();
      this.#settle();
    }
    this.#heal();
    if (this.#isOrdered) {
      for (const { heard } of this.#askers) assertEquals(heard, heard.map((_, i) => i));
    }
  }

  #settle(): void {
    const rig = this.#rig;
    rig.settle();
    for (const line of rig.lines) this.#take(line);
    for (const asker of this.#askers) asker.read(rig.now);
  }

  /** Everything works again: whoever asks then is answered, however long nobody was. */
  #heal(): void {
    const rig = this.#rig;
    // a backend that fell again and again is away for 32 times as long
    for (let second = 0; second < 10; second++) this.#work(1000);
    const last = new Asker(rig, this.#askers.length);
    this.#askers.push(last);
    last.client.port.push(last.next(this.#random), rig.now);
    this.#work(100);
    assertEquals(last.heard, [0], "nobody answers");
  }

  /** Connections are made, and servers answer all that they were asked. */
  #work(ms: number): void {
    const rig = this.#rig;
    rig.pass(ms);
    for (const port of rig.connecting.splice(0)) rig.makeConnection(port);
    this.#settle();
    for (const line of rig.lines) {
      for (const reply of this.#open.get(line)!.splice(0)) if (!line.isGone) line.port.push(reply.slice(), rig.now);
    }
    this.#settle();
  }

  #step(): void {
    const random = this.#random;
    const rig = this.#rig;
    const line = rig.lines.size === 0 ? undefined : random.pick([...rig.lines]);
    const roll = random.below(100);
    if (roll < 8 && this.#askers.length < 250) this.#askers.push(new Asker(rig, this.#askers.length));
    else if (roll < 45) this.#ask(line);
    else if (roll < 60) { for (const port of rig.connecting.splice(0)) rig.makeConnection(port); }
    else if (roll < 90) this.#answer(line);
    else if (roll < 93) this.#lie(line);
    else if (roll < 95) line?.breakUp(rig);
    else rig.pass(random.between(50, 700));
  }

  #ask(line: ServerLine | undefined): void {
    const here = this.#askers.filter(({ client }) => client.port.wantsInput);
    if (here.length === 0) return;
    const asker = this.#random.pick(here);
    for (let i = this.#random.between(1, 5); i > 0; i--) {
      asker.client.port.push(asker.next(this.#random), this.#rig.now);
    }
    if (line === undefined || !this.#random.chance(0.2)) return;
    // nobody can know this number yet
    const next = (this.#highest.get(line) ?? 0) + 1;
    line.port.push(Uint8Array.of(SIZE - 1, next >> 8, next & 255, 255, 255, 255), this.#rig.now);
  }

  /** What the server has been asked: it answers each with the same bytes. */
  #take(line: ServerLine): void {
    const all = line.incoming.splice(0).flatMap((chunk) => [...chunk]);
    const open = this.#open.get(line) ?? [];
    this.#open.set(line, open);
    for (let at = 0; at < all.length; at += SIZE) {
      const request = Uint8Array.from(all.slice(at, at + SIZE));
      assertEquals(request.length, SIZE);
      this.#highest.set(line, request[1]! * 256 + request[2]!);
      open.push(request);
    }
  }

  #answer(line: ServerLine | undefined): void {
    const open = line && this.#open.get(line);
    if (line === undefined || open === undefined) return;
    for (const reply of this.#random.shuffle(open.splice(0, this.#random.between(1, 8)))) {
      if (this.#random.chance(0.03)) continue;
      if (!line.isGone) line.port.push(reply.slice(), this.#rig.now);
      const answered = this.#answered.get(line) ?? [];
      this.#answered.set(line, answered);
      answered.push(reply);
    }
  }

  /** The same reply once more, or one that is nobody's. */
  #lie(line: ServerLine | undefined): void {
    if (line === undefined || line.isGone) return;
    const answered = this.#answered.get(line) ?? [];
    const before = this.#rig.balancer.counts.strays;
    if (answered.length > 0 && this.#random.chance(0.7)) {
      line.port.push(this.#random.pick(answered).slice(), this.#rig.now);
    } else line.port.push(Uint8Array.of(SIZE - 1, 255, 255, 255, 255, 255), this.#rig.now);
    assertEquals(this.#rig.balancer.counts.strays, before + 1);
  }
}

for (const base of fuzzSeeds()) {
  test(`chaos: no reply by number goes to the wrong client (seeds from ${base * 100_000})`, () => {
    for (let seed = base * 100_000; seed < base * 100_000 + RUNS; seed++) {
      try {
        new Chaos(seed).run();
      } catch (error) {
        throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
      }
    }
  });
}
