/**
 * Everything that can go wrong, by seed: connections that are slow, break, end, say nonsense and come back, backends that
 * come and go, clients that leave. What must hold all along: the n-th reply that a client gets is the one to its n-th
 * request, or an error in its place; a write is never carried out twice; in the end nothing is left over.
 */
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { concat } from "../../../src/bytes/mod.ts";
import { SeededRandom, splitRandomly } from "../../../src/sim/mod.ts";
import { fuzzInputs, fuzzSeeds } from "../../support/fuzz.ts";
import { bytes, command, Rig, type ServerLine, type TestClient } from "./rig.ts";

const STEPS = 400;
/** 60 in a normal run, 3,000 in the soak. */
const RUNS = Math.ceil(fuzzInputs() / 333);
const SERVERS = ["a", "b*2", "c", "d"];

/** A client with what it has asked. */
class Asker {
  readonly client: TestClient;
  readonly asked: string[] = [];
  isGone = false;
  /** Of what it has received, so many replies and characters are looked at. */
  #checked = 0;
  #checkedLength = 0;

  constructor(client: TestClient) {
    this.client = client;
  }

  /** Replies so far. Fails when one is not the one to its request; what was looked at once is not looked at again. */
  check(): number {
    const { received } = this.client;
    if (received.length === this.#checkedLength) return this.#checked;
    const fresh = received.slice(this.#checkedLength);
    const replies = fresh.match(/-[^\r]*\r\n|\$\d+\r\n[^\r]*\r\n|\+OK\r\n/g) ?? [];
    assertEquals(replies.join(""), fresh);
    for (const reply of replies) {
      assert(this.#checked < this.asked.length, "more replies than requests");
      const asked = this.asked[this.#checked++]!;
      if (reply.startsWith("-ERR")) continue;
      assertEquals(reply, asked.startsWith("SET") ? "+OK\r\n" : `$${asked.length}\r\n${asked}\r\n`);
    }
    this.#checkedLength = received.length;
    return this.#checked;
  }
}

/** One run. */
class Chaos {
  readonly #random: SeededRandom;
  readonly #rig: Rig;
  readonly #askers: Asker[] = [];
  #count = 0;

  constructor(seed: number) {
    const random = this.#random = new SeededRandom(seed);
    const policy = random.pick(["round-robin", "least", "sticky", "key"] as const);
    this.#rig = new Rig({
      policy,
      connections: random.between(1, 3),
      maxPending: random.between(1, 20),
      maxWaiting: random.between(0, 30),
      retries: random.between(0, 3),
      fall: random.between(1, 4),
      timeoutMs: 2000,
      waitMs: 1500,
      ejectMs: 200,
      slowStartMs: 500,
      checkIntervalMs: random.pick([0, 300]),
      probe: random.chance(0.5) ? command("PING") : undefined,
    }, SERVERS);
    this.#rig.isPrompt = false;
  }

  run(): void {
    for (let step = 0; step < STEPS; step++) {
      this.#step();
      this.#rig.settle();
      for (const asker of this.#askers) asker.check();
    }
    this.#heal();
    for (const asker of this.#askers) {
      const answered = asker.check();
      const { isClosed } = asker.client;
      if (!asker.isGone && !isClosed) assertEquals(answered, asker.asked.length, `${asker.client.port.name} waits`);
    }
    const writes = this.#rig.carriedOut.map((line) => line.slice(2)).filter((line) => line.startsWith("SET"));
    assertEquals(new Set(writes).size, writes.length, "a write was carried out twice");
    const { balancer } = this.#rig;
    let underWay = balancer.waiting;
    for (const backend of balancer.backends.values()) underWay += backend.outstanding;
    assertEquals(underWay, 0);
    assertEquals([...balancer.leaving].length, 0);
  }

  #step(): void {
    const random = this.#random;
    const rig = this.#rig;
    const line = rig.lines.size === 0 ? undefined : random.pick([...rig.lines]);
    const roll = random.below(100);
    if (roll < 5) this.#askers.push(new Asker(rig.client()));
    else if (roll < 40) this.#ask();
    else if (roll < 60) this.#connect();
    else if (roll < 88) this.#serve(line);
    else if (roll < 91) line?.breakUp(rig);
    else if (roll < 92) this.#misbehave(line);
    else if (roll < 93) this.#leave();
    else if (roll < 94) rig.setServers(...random.shuffle([...SERVERS]).slice(0, random.between(1, 4)));
    else if (roll < 96) {
      const name = random.pick(SERVERS)[0]!;
      if (!rig.refusing.delete(name)) rig.refusing.add(name);
    } else rig.pass(random.between(50, 800));
  }

  #ask(): void {
    const here = this.#askers.filter(({ client, isGone }) => !isGone && !client.isClosed && client.port.wantsInput);
    if (here.length === 0) return;
    const asker = this.#random.pick(here);
    const parts: Uint8Array[] = [];
    for (let i = this.#random.between(1, 6); i > 0; i--) {
      const id = `${asker.client.port.name.slice(7)}.${this.#count++}`;
      const isWrite = this.#random.chance(0.3);
      asker.asked.push(isWrite ? `SET ${id}` : id);
      parts.push(isWrite ? command("SET", id, "v") : command("ECHO", id));
    }
    const whole = concat(parts);
    for (const chunk of splitRandomly(whole, this.#random.bits())) asker.client.port.push(chunk, this.#rig.now);
  }

  #connect(): void {
    const { connecting } = this.#rig;
    const ports = connecting.splice(0, this.#random.between(1, 4));
    for (const port of ports) this.#rig.makeConnection(port);
  }

  #serve(line: ServerLine | undefined): void {
    if (line === undefined) return;
    line.read(this.#rig);
    if (this.#random.chance(0.1)) line.replies.unshift(bytes(">1\r\n+aside\r\n"));
    const count = this.#random.between(1, 8);
    const whole = concat(line.replies.splice(0, count));
    for (const chunk of splitRandomly(whole, this.#random.bits())) {
      if (!line.isGone) line.port.push(chunk, this.#rig.now);
    }
  }

  /** Half a reply and a break, an end, nonsense, or a reply too many. */
  #misbehave(line: ServerLine | undefined): void {
    if (line === undefined) return;
    const rig = this.#rig;
    line.read(rig);
    switch (this.#random.below(4)) {
      case 0:
        line.port.push(bytes("$10\r\nhalf"), rig.now);
        return line.breakUp(rig);
      case 1:
        return line.port.end(rig.now);
      case 2:
        return line.port.push(bytes("\x01nonsense"), rig.now);
      default:
        // everything that was asked, and one more
        line.reply(rig);
        if (!line.isGone && line.port.kind === "shared" && line.port.outstanding === 0) {
          line.port.push(bytes("+too many\r\n"), rig.now);
        }
    }
  }

  #leave(): void {
    const here = this.#askers.filter(({ client, isGone }) => !isGone && !client.isClosed);
    if (here.length === 0) return;
    const asker = this.#random.pick(here);
    asker.isGone = true;
    if (this.#random.chance(0.5)) asker.client.port.end(this.#rig.now);
    else asker.client.port.fail({ code: "ECONNRESET" }, this.#rig.now);
  }

  /** Everything works again, for long enough. */
  #heal(): void {
    const rig = this.#rig;
    rig.refusing.clear();
    rig.isPrompt = true;
    rig.settle();
    rig.pass(20_000);
  }
}

/** Runs of one test: Bun gives each test five seconds. */
const PART = 15;

for (const base of fuzzSeeds()) {
  for (let first = base * 100_000; first < base * 100_000 + RUNS; first += PART) {
    test(`chaos: no reply goes to the wrong client, whatever dies (seeds from ${first})`, () => {
      for (let seed = first; seed < first + PART; seed++) {
        try {
          new Chaos(seed).run();
        } catch (error) {
          throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
        }
      }
    });
  }
}
