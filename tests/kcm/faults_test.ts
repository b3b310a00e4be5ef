// Random schedules with faults in both directions: connections that stall, reset, half-close, send garbage and come back;
// sockets that pause, are disabled, drained, closed, cloned. After each step the budgets hold; at the end every message
// that was accepted was written or failed once, every message that came whole was delivered once, and nothing is left.
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import {
  fifo,
  type KcmMessage,
  keyAffinity,
  leastLoaded,
  MultiplexorEngine,
  type OutgoingMessage,
  type ReplyMatcher,
  type RetryPolicy,
  type SendOptions,
  type SocketPort,
  type SocketSink,
  type SteeringPolicy,
  sticky,
  weighted,
} from "../../src/kcm/mod.ts";
import { SeededRandom } from "../../src/sim/mod.ts";
import { fuzzInputs, fuzzSeeds } from "../support/fuzz.ts";
import { reset, Wire } from "./sending.ts";
import { bodyOf, wire } from "./support.ts";

const SEND_LIMIT = 60;
const LONGEST = 40;
const STEPS = 150;

/** Which replies are waited for: those in order, those that look so, none. */
const REPLIES: readonly ReplyMatcher[] = [
  "next",
  { offset: 2, bytes: new TextEncoder().encode("1") },
  ({ data }) => data.length % 3 === 0,
  () => false,
];

interface Accepted {
  readonly body: string;
  readonly socket: number;
  readonly retry: RetryPolicy;
  readonly via: Wire | undefined;
  readonly fates: string[];
  readonly reply: ReplyMatcher | undefined;
  /** What became of the wait for a reply. */
  readonly replies: string[];
  connection: number | undefined;
  isRetried: boolean;
}

/** One socket that reads now and then. */
class Reader implements SocketSink {
  port!: SocketPort;
  readonly world: World;
  readonly queue: KcmMessage[] = [];
  readonly id: number;

  constructor(world: World) {
    this.world = world;
    this.id = world.nextSocket++;
  }

  get backlogBytes(): number {
    return this.queue.reduce((sum, { data }) => sum + data.length, 0);
  }

  message(message: KcmMessage): void {
    this.queue.push(message);
    if (this.backlogBytes >= 30) this.port.pause();
    if (this.world.random.chance(0.02)) this.close();
  }

  end(): void {}

  read(): void {
    const message = this.queue.shift();
    if (message !== undefined) this.world.delivered.push(bodyOf(message));
    if (this.backlogBytes < 10) this.port.resume();
  }

  close(): void {
    this.port.close(this.queue.splice(0));
  }

  written(message: OutgoingMessage): void {
    this.world.fate(message, "written");
  }

  failed(message: OutgoingMessage): void {
    this.world.fate(message, "failed");
  }

  answered(message: OutgoingMessage, reply: KcmMessage): boolean {
    const { replies } = message.tag as Accepted;
    const isWanted = !this.world.random.chance(0.2);
    replies.push(isWanted ? "answered" : "not wanted");
    if (isWanted) this.world.answered.push(bodyOf(reply));
    return isWanted;
  }

  unanswered(message: OutgoingMessage): void {
    (message.tag as Accepted).replies.push("unanswered");
  }
}

/** A connection and what its peer sends. */
class Peer extends Wire {
  readonly id: number;
  pending: number[] = [];
  sent = 0;
  isGarbage = false;

  constructor(world: World) {
    super(world.engine, world.random.pick([0, 3, 20, Infinity]), { halfOpen: world.random.chance(0.3) });
    this.id = world.nextPeer++;
    this.isSlow = world.random.chance(0.3);
  }
}

class World {
  readonly random: SeededRandom;
  readonly engine: MultiplexorEngine;
  readonly policy: SteeringPolicy;
  readonly retry: RetryPolicy;
  readonly delivered: string[] = [];
  readonly answered: string[] = [];
  /** Messages that came back with their connection. */
  readonly handedBack: string[] = [];
  readonly expected: string[] = [];
  readonly accepted: Accepted[] = [];
  readonly written: Accepted[] = [];
  readonly peers: Peer[] = [];
  readonly all: Peer[] = [];
  readonly readers: Reader[] = [];
  nextPeer = 0;
  nextSocket = 0;
  nextMessage = 0;
  now = 0;

  constructor(seed: number) {
    this.random = new SeededRandom(seed);
    const policies = [
      fifo(),
      fifo(Infinity),
      sticky(),
      keyAffinity(({ data }) => data.length),
      weighted(),
      leastLoaded(),
    ];
    this.policy = this.random.pick(policies);
    this.retry = this.random.pick(["never", "ifUnstarted", "always"]);
    this.engine = new MultiplexorEngine({
      policy: this.policy,
      sendPolicy: this.policy,
      sendBufferBytes: SEND_LIMIT,
      maxSendBytes: 3 * SEND_LIMIT,
      maxMessageLength: LONGEST + 2,
    });
  }

  fate(message: OutgoingMessage, fate: string): void {
    const one = message.tag as Accepted;
    one.fates.push(fate);
    if (fate !== "written") return;
    one.connection = message.connection?.id;
    one.isRetried = message.retries > 0;
    this.written.push(one);
  }

  open(): void {
    const reader = new Reader(this);
    const like = this.readers.find(({ port }) => !port.isClosed);
    if (like !== undefined && this.random.chance(0.5)) reader.port = like.port.clone(reader, { paused: true });
    else reader.port = this.engine.socket(reader, { paused: true, retry: this.retry });
    this.readers.push(reader);
    reader.port.resume();
  }

  attach(): void {
    const peer = new Peer(this);
    this.peers.push(peer);
    this.all.push(peer);
  }

  /** The peer sends messages, in pieces, of which the multiplexor takes what it can. */
  arrive(peer: Peer): void {
    if (peer.port.isOver || peer.port.isReceiveStopped) return;
    if (this.random.chance(0.6)) {
      const body = `${peer.id}.${peer.sent++}.${"x".repeat(this.random.below(20))}`;
      peer.pending.push(...wire(body));
      this.expected.push(body);
    }
    this.offer(peer, this.random.below(peer.pending.length + 1));
  }

  offer(peer: Peer, count: number): void {
    const taken = peer.port.push(Uint8Array.from(peer.pending.slice(0, count)), this.now);
    peer.pending.splice(0, taken);
  }

  send(reader: Reader): void {
    const { random } = this;
    const body = `s${reader.id}.${this.nextMessage++}.${"y".repeat(random.below(12))}`;
    const via = random.chance(0.2) && this.peers.length > 0 ? random.pick(this.peers) : undefined;
    if (via?.port.isOver || !reader.port.canSend) return;
    const retry = random.chance(0.2) ? random.pick<RetryPolicy>(["never", "ifUnstarted", "always"]) : this.retry;
    const reply = random.chance(0.4) ? random.pick(REPLIES) : undefined;
    const known = { body, socket: reader.id, retry, via, reply };
    const tag: Accepted = { ...known, fates: [], replies: [], connection: undefined, isRetried: false };
    const options: SendOptions = { tag, retry, reply, via: via?.port.connection, batch: random.chance(0.1) };
    const bytes = wire(body);
    // before the call, because it may be written, or read, within it
    this.accepted.push(tag);
    const cut = random.chance(0.3) ? random.below(bytes.length) : 0;
    if (cut > 0) reader.port.send(bytes.subarray(0, cut), { ...options, reply: undefined, more: true });
    if (reader.port.send(bytes.subarray(cut), options) === 0) this.accepted.splice(this.accepted.indexOf(tag), 1);
  }

  /**
   * A connection is to get no more, or more again. Not with a sticky policy while it writes: if no byte of that is taken,
   * the message goes to where later ones have gone meanwhile.
   */
  toggle(peer: Peer): void {
    if (this.mayStop(peer)) peer.port.isSending = this.random.chance(0.7);
  }

  mayStop(peer: Peer): boolean {
    return this.policy.name !== "sticky" || !peer.isSlow;
  }

  /** A write that took long is done, as far as there was room, and the driver goes on. */
  land(peer: Peer): void {
    if (!peer.port.isOver && peer.land()) peer.write();
  }

  /** How a connection may go wrong, or end well. */
  trouble(peer: Peer): void {
    const { port } = peer;
    const troubles = [
      () => port.fail(reset()),
      () => port.failSending(reset()),
      () => void port.unattach().messages.forEach((message) => this.handedBack.push(bodyOf(message))),
      () => port.abort(),
      () => this.mayStop(peer) ? port.drain(this.now + this.random.below(20)) : port.abort(),
      () => port.end(this.now),
      () => void port.push(Uint8Array.of(255, 255, 255), this.now),
    ];
    // garbage would be taken for a part of a message that has begun
    const isAtBoundary = port.bytesHeld === 0 && !port.isPaused && peer.pending.length === 0;
    this.random.pick(isAtBoundary ? troubles : troubles.slice(0, 5))();
  }

  step(): void {
    const { random } = this;
    this.now++;
    const peer = this.peers.length > 0 ? random.pick(this.peers) : undefined;
    const reader = this.readers.length > 0 ? random.pick(this.readers) : undefined;
    const act = random.below(20);
    if (act < 2 || peer === undefined) this.attach();
    else if (act < 7) this.arrive(peer);
    else if (act < 9) peer.more(random.pick([1, 4, 30, Infinity]));
    else if (act < 10 && peer.isSlow) this.land(peer);
    else if (act < 11 && random.chance(0.5)) this.trouble(peer);
    else if (act < 12) this.toggle(peer);
    else if (reader === undefined || (act < 13 && this.readers.length < 5)) this.open();
    else if (act < 14 && random.chance(0.4)) this.disturb(reader);
    else if (act < 17) this.send(reader);
    else reader.read();
    this.engine.onTimeout(this.now);
    this.check();
  }

  disturb(reader: Reader): void {
    const { port } = reader;
    this.random.pick([
      () => reader.close(),
      () => port.disableReceive(reader.queue.splice(0)),
      () => port.enableReceive(),
      () => port.drain(this.now + this.random.below(30), () => reader.queue.splice(0)),
      () => port.discard(),
      () => port.discard(undefined, () => this.random.chance(0.5)),
      () => port.pause(),
    ])();
  }

  /** What holds after each step. */
  check(): void {
    for (let i = this.peers.length - 1; i >= 0; i--) if (this.peers[i]!.port.isOver) this.peers.splice(i, 1);
    for (let i = this.readers.length - 1; i >= 0; i--) if (this.readers[i]!.port.isClosed) this.readers.splice(i, 1);
    const { sendBytes, connections, sockets, readyMessages } = this.engine.stats;
    const queued = this.readers.reduce((sum, { port }) => sum + port.queuedBytes, 0);
    assert(sendBytes >= queued, "what sockets hold is in the total");
    assert(sendBytes < 3 * SEND_LIMIT + LONGEST * (this.readers.length + 1), "the total is bounded");
    for (const { port } of this.readers) assert(port.queuedBytes < SEND_LIMIT + LONGEST, "each queue is bounded");
    assertEquals([connections, sockets], [this.peers.length, this.readers.length]);
    assert(readyMessages <= this.all.length);
    for (const { fates, replies } of this.accepted) {
      assert(fates.length <= 1 && replies.length <= 1, `told twice: ${fates}, ${replies}`);
    }
  }

  /** Everything is read and closed. */
  finish(): void {
    for (const peer of this.peers) {
      peer.port.isSending = true;
      peer.isSlow = false;
      if (!peer.port.isOver && peer.port.pull().length === 0) peer.land();
      peer.room = Infinity;
    }
    for (const reader of this.readers.splice(0)) reader.port.close(reader.queue.splice(0));
    const last = new Reader(this);
    last.port = this.engine.socket(last, { paused: true });
    this.readers.push(last);
    const read = (): void => {
      last.port.resume();
      while (last.queue.length > 0 && !last.port.isClosed) last.read();
    };
    for (const peer of this.peers) {
      for (let left = peer.pending.length + 1; left > 0 && !peer.port.isReceiveStopped; left--) {
        read();
        this.offer(peer, peer.pending.length);
      }
      peer.port.drain();
      peer.port.abort();
    }
    read();
    this.random.chance(0); // the last reader must not close by itself: nobody would read the rest
    this.engine.close();
  }
}

/** The parts of the schedule that came whole: a connection that was cut off lost what it had not handed over. */
function run(seed: number): void {
  const world = new World(seed);
  for (let i = 0; i < STEPS; i++) world.step();
  Object.defineProperty(world.random, "chance", { value: () => false });
  world.finish();
  for (const one of world.accepted) {
    assertEquals(one.fates.length, 1, `${one.body} was told ${one.fates}`);
    const told = one.replies.length;
    const isTold = one.reply === undefined ? told === 0 : told === 1 || one.fates[0] === "failed";
    assert(isTold, `${one.body} was ${one.fates}, and told ${one.replies}`);
    checkWires(world, one);
  }
  const came = [...world.delivered, ...world.handedBack, ...world.answered];
  assertEquals(new Set(came).size, came.length, "a message came twice");
  const expected = new Set(world.expected);
  for (const body of came) assert(expected.has(body), `${body} was made up`);
  const parsed = world.all.reduce((sum, { port }) => sum + port.stats.messages, 0);
  assertEquals(came.length, parsed, "what was parsed was delivered");
  if (world.policy.name === "sticky") checkOrder(world);
  const { sendBytes, partialBytes, heldMessages, readyMessages, connections, awaitedReplies, answered } =
    world.engine.stats;
  assertEquals([sendBytes, partialBytes, heldMessages, readyMessages, connections], [0, 0, 0, 0, 0]);
  assertEquals([awaitedReplies, answered], [0, world.answered.length]);
  assertEquals([world.engine.isFinished, world.engine.timeoutAt()], [true, Infinity]);
}

/** Where the bytes of a message are. */
function checkWires(world: World, one: Accepted): void {
  const whole = world.all.filter((peer) => peer.bodies.includes(one.body));
  // a peer here answers what it has not read: the message counts as written then
  const mayBeNowhere = one.fates[0] !== "written" || one.reply !== undefined;
  assert(whole.length >= 1 || mayBeNowhere, `${one.body} is on no connection`);
  if (one.retry !== "always") assert(whole.length <= 1, `${one.body} is on two connections`);
  if (one.via !== undefined) { for (const peer of whole) assert(peer === one.via, `${one.body} went astray`); }
}

/**
 * With a sticky policy order holds end to end. Of what is sent: on each connection; one that is to get no more finishes
 * what has begun while the next is sent on another.
 */
function checkOrder(world: World): void {
  const latest = new Map<string, number>();
  for (const { body, socket, via, connection, isRetried } of world.written) {
    if (via !== undefined || isRetried) continue;
    const way = `${socket} on ${connection}`;
    const number = Number(body.split(".")[1]);
    assert(number > (latest.get(way) ?? -1), `socket ${way} out of order`);
    latest.set(way, number);
  }
  for (const { id } of world.all) {
    const mine = world.delivered.filter((body) => body.startsWith(`${id}.`)).map((body) => Number(body.split(".")[1]));
    assertEquals(mine, mine.toSorted((a, b) => a - b), `connection ${id} out of order`);
  }
}

for (const base of fuzzSeeds()) {
  const count = Math.max(20, Math.floor(fuzzInputs() / 1000));
  test(`no schedule of faults loses, doubles or leaks anything: ${count} seeds from ${base}`, () => {
    for (let i = 0; i < count; i++) {
      const seed = base * 1_000_000 + i;
      try {
        run(seed);
      } catch (error) {
        throw new Error(`seed ${seed}: ${error instanceof Error ? error.stack : error}`, { cause: error });
      }
    }
  });
}
