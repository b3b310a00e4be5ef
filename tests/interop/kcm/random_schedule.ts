/**
 * Schedules by seed: they are made step by step with the engine, which tells what is possible, and done again with the
 * kernel.
 */
import { SeededRandom } from "../../../src/sim/mod.ts";
import { EngineWorld } from "./engine_world.ts";
import type { Setup, World } from "./world.ts";

/** A step, for either world. */
export type Step = (world: World) => Promise<void>;

/** What was done, and what the engine has noted. */
export interface Schedule {
  readonly setup: Setup;
  readonly steps: readonly Step[];
  /** The steps in words. */
  readonly names: readonly string[];
  readonly notes: readonly string[];
}

const MAX_SOCKETS = 5;
const MAX_CONNECTIONS = 4;

/** What is known of a connection while its schedule is made. */
interface Peer {
  pending: Uint8Array;
  isEnded: boolean;
  isReset: boolean;
  isAttached: boolean;
}

/** Makes a schedule. With `room`, sockets hold few messages, each of which comes in a segment of its own. */
export async function randomSchedule(seed: number, count: number, hasRoom: boolean): Promise<Schedule> {
  const random = new SeededRandom(seed);
  const setup: Setup = {
    program: "02_len32le_incl",
    type: random.chance(0.5) ? "datagram" : "seqpacket",
    sockets: 1 + random.below(3),
    ...(hasRoom && { room: { messages: 2 + random.below(3), length: MESSAGE_LENGTH } }),
  };
  const maker = new ScheduleMaker(random, setup);
  await maker.make(count);
  return maker;
}

const MESSAGE_LENGTH = 12;

class ScheduleMaker implements Schedule {
  readonly setup: Setup;
  readonly steps: Step[] = [];
  readonly names: string[] = [];
  readonly #random: SeededRandom;
  readonly #world: EngineWorld;
  readonly #peers: Peer[] = [];
  readonly #open: Set<number> = new Set();
  #sockets = 0;
  #messages = 0;

  constructor(random: SeededRandom, setup: Setup) {
    this.#random = random;
    this.setup = setup;
    this.#world = new EngineWorld(setup);
    for (let i = 0; i < (setup.sockets ?? 1); i++) this.#open.add(this.#sockets++);
  }

  get notes(): readonly string[] {
    return this.#world.notes;
  }

  async make(count: number): Promise<void> {
    await this.#connect();
    for (let i = 0; i < count; i++) await this.#next();
    await this.#do("status", (world) => world.status());
    for (const socket of this.#open) await this.#do(`drain ${socket}`, (world) => world.drain(socket));
    for (const [i, { isReset }] of this.#peers.entries()) {
      if (!isReset) await this.#do(`peer ${i}`, (world) => world.peer(i));
    }
    await this.#do("status", (world) => world.status());
    await this.#do("close", (world) => world.close());
  }

  async #do(name: string, step: Step): Promise<void> {
    this.names.push(name);
    this.steps.push(step);
    await step(this.#world);
  }

  /** One step; those that come often stand several times. */
  #next(): Promise<void> {
    const actions = [
      ...Array.from({ length: 12 }, () => () => this.#segment()),
      ...Array.from({ length: 6 }, () => () => this.#receive()),
      ...Array.from({ length: 6 }, () => () => this.#send()),
      () => this.#connect(),
      () => this.#disable(),
      () => this.#enable(),
      () => this.#enable(),
      () => this.#clone(),
      () => this.#closeSocket(),
      () => this.#unattach(),
      () => this.#attach(),
      () => this.#attach(),
      () => this.#error(),
      () => this.#error(),
      () => this.#end(),
      () => this.#do("status", (world) => world.status()),
    ];
    return this.#random.pick(actions)();
  }

  #socket(): number {
    return this.#random.pick([...this.#open]);
  }

  #peer(): number {
    return this.#random.below(this.#peers.length);
  }

  async #connect(): Promise<void> {
    if (this.#peers.length === MAX_CONNECTIONS) return;
    this.#peers.push({ pending: new Uint8Array(0), isEnded: false, isReset: false, isAttached: true });
    await this.#do("connect", (world) => world.connect());
  }

  async #segment(): Promise<void> {
    const connection = this.#peer();
    const peer = this.#peers[connection]!;
    const isHeld = this.setup.room !== undefined && (this.#world.isPaused(connection) || !peer.isAttached);
    if (peer.isEnded || isHeld) return;
    let bytes: Uint8Array;
    if (this.setup.room !== undefined) bytes = this.#message(MESSAGE_LENGTH);
    else {
      while (peer.pending.length < 40) peer.pending = Uint8Array.of(...peer.pending, ...this.#message());
      const size = 1 + this.#random.below(peer.pending.length);
      bytes = peer.pending.slice(0, size);
      peer.pending = peer.pending.slice(size);
    }
    await this.#do(`segment ${connection} ${bytes}`, (world) => world.segment(connection, bytes));
  }

  #message(length: number = 4 + this.#random.below(20)): Uint8Array {
    const message = new Uint8Array(length).fill(this.#messages++);
    message.set([this.setup.room === undefined && this.#random.chance(0.02) ? 1 : length, 0, 0, 0]);
    return message;
  }

  async #receive(): Promise<void> {
    const socket = this.#socket();
    const how = {
      ...(this.#random.chance(0.2) && { length: 1 + this.#random.below(15) }),
      peek: this.#random.chance(0.15),
    };
    await this.#do(`receive ${socket} ${JSON.stringify(how)}`, (world) => world.receive(socket, how));
  }

  async #send(): Promise<void> {
    const socket = this.#socket();
    const bytes = this.#random.chance(0.1) ? new Uint8Array(0) : this.#message();
    const how = {
      more: this.#random.chance(0.15),
      eor: this.#random.chance(0.6),
      batch: this.#random.chance(0.15),
    };
    await this.#do(`send ${socket} ${bytes} ${JSON.stringify(how)}`, (world) => world.send(socket, bytes, how));
  }

  async #disable(): Promise<void> {
    const socket = this.#socket();
    await this.#do(`disable ${socket}`, (world) => world.disable(socket));
  }

  async #enable(): Promise<void> {
    const socket = this.#socket();
    await this.#do(`enable ${socket}`, (world) => world.enable(socket));
  }

  async #clone(): Promise<void> {
    if (this.#open.size === MAX_SOCKETS) return;
    this.#open.add(this.#sockets++);
    await this.#do("clone", (world) => world.clone());
  }

  async #closeSocket(): Promise<void> {
    if (this.#open.size === 1) return;
    const socket = this.#socket();
    this.#open.delete(socket);
    await this.#do(`closeSocket ${socket}`, (world) => world.closeSocket(socket));
  }

  async #unattach(): Promise<void> {
    const connection = this.#peer();
    this.#peers[connection]!.isAttached = false;
    await this.#do(`unattach ${connection}`, (world) => world.unattach(connection));
    await this.#left(connection);
  }

  #left(connection: number): Promise<void> {
    return this.#do(`left ${connection}`, (world) => world.left(connection));
  }

  async #attach(): Promise<void> {
    const connection = this.#peer();
    const peer = this.#peers[connection]!;
    if (peer.isReset) return;
    // whether it is parsed before all is sent, two work queues decide
    if (!peer.isAttached && this.#world.isSending) await this.#left(connection);
    peer.isAttached = true;
    await this.#do(`attach ${connection}`, (world) => world.attach(connection));
  }

  async #error(): Promise<void> {
    const connection = this.#peer();
    await this.#do(`error ${connection}`, (world) => world.error(connection));
  }

  async #end(): Promise<void> {
    const connection = this.#peer();
    const peer = this.#peers[connection]!;
    if (peer.isReset) return;
    const isReset = peer.isEnded || this.#random.chance(0.5);
    peer.isEnded = true;
    if (!isReset) return await this.#do(`end ${connection}`, (world) => world.end(connection));
    peer.isReset = true;
    await this.#do(`reset ${connection}`, (world) => world.reset(connection));
  }
}
