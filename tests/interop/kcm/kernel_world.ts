/** A scenario's world in the virtual machine: the kernel's KCM, with TCP connections over the guest's loopback. */
import type { ControlClient } from "../linux_vm/linux_vm.ts";
import { instructionsOf } from "./programs.ts";
import {
  countersOf,
  fromHex,
  hex,
  type ReceiveHow,
  type SendHow,
  type Setup,
  shown,
  statusLines,
  type World,
} from "./world.ts";

/** What a message of its own segment uses of a socket's memory, besides its bytes. */
const OVERHEAD = 1280;
const ALL = 1 << 22;
/** The system's receive memory of a socket. */
const DEFAULT_ROOM = 212_992;

const swapped: ReadonlyMap<string, string> = new Map([
  ["mux Unattach", "mux UnattchRsvd"],
  ["mux UnattchRsvd", "mux Unattach"],
]);

/** The programs in the guest. */
export interface Guest {
  readonly shd: ControlClient;
  readonly kcmd: ControlClient;
  readonly tcpd: ControlClient;
}

let port = 7200;

/** The kernel. */
export class KernelWorld implements World {
  readonly notes: string[] = [];
  readonly #guest: Guest;
  readonly #port: number;
  readonly #peers: string[] = [];
  readonly #openSockets: Set<number> = new Set();
  readonly #isManual: boolean;
  readonly #isSlow: boolean;
  /** Receive memory of sockets; 0 for the default. */
  readonly #room: number;
  readonly #before: Map<string, number>;
  #sockets = 0;

  private constructor(guest: Guest, setup: Setup, before: Map<string, number>) {
    this.#guest = guest;
    this.#port = port++;
    this.#isManual = setup.isManual ?? false;
    this.#isSlow = setup.isSlow ?? false;
    const { room } = setup;
    this.#room = room === undefined ? 0 : room.messages * (OVERHEAD + room.length);
    this.#before = before;
    for (let i = 0; i < (setup.sockets ?? 1); i++) this.#openSockets.add(this.#sockets++);
  }

  static async open(guest: Guest, setup: Setup): Promise<KernelWorld> {
    const before = countersOf((await guest.kcmd.ask("stats")).join("\n"));
    const world = new KernelWorld(guest, setup, before);
    const { program, sockets = 1, maxMessageLength = 131_072 } = setup;
    const words = [
      `port=${world.#port} n=${sockets} mode=hold blind manual type=${setup.type === "seqpacket" ? "seq" : "dgram"}`,
      `bpf=${hex(instructionsOf(program, setup.isNaive ?? false))}`,
      `rcvbuf=${maxMessageLength / 2}`,
      ...(world.#room === 0 ? [] : [`krcvbuf=${world.#room / 2}`]),
      ...(setup.sendBufferBytes === undefined ? [] : [`ksndbuf=${setup.sendBufferBytes / 2}`]),
      ...(setup.messageTimeoutMs === undefined ? [] : [`rcvtimeo=${setup.messageTimeoutMs}`]),
      ...(setup.isSlow ? ["sndbuf=4096"] : []),
    ];
    expect(await guest.kcmd.ask(`new m ${words.join(" ")}`), /^ok port/);
    return world;
  }

  note(text: string): void {
    this.notes.push(text);
  }

  async connect(count: number = 1): Promise<void> {
    for (let i = 0; i < count; i++) {
      const options = this.#isSlow ? "rcvbuf=2048" : "";
      const [answer] = await this.#guest.tcpd.ask(`connect 127.0.0.1 ${this.#port} nodelay=1 ${options}`);
      const peer = expect([answer!], /^ok (\d+)/)[1]!;
      const connection = this.#peers.push(peer) - 1;
      // the listener accepts before it answers
      await this.#guest.kcmd.ask("ping");
      if (!this.#isManual) await this.attach(connection);
    }
  }

  async attach(connection: number): Promise<void> {
    const [answer] = await this.#kcm(`attach m ${connection}`);
    this.note(`attach ${connection}: ${answer === "0" ? "ok" : answer}`);
  }

  async unattach(connection: number): Promise<void> {
    const [answer] = await this.#kcm(`unattach m ${connection}`);
    this.note(`unattach ${connection}: ${answer!.replace(/^ok 0/, "ok").replace("ERR ", "")}`);
  }

  async left(connection: number): Promise<void> {
    const [answer] = await this.#kcm(`crecv m ${connection} n=${ALL} show=${ALL}`);
    const [, bytes] = /^ok \d+ crc=\w+ (\w*)/.exec(answer!) ?? [];
    const [, error] = /^ERR (\w+)/.exec(answer!) ?? [];
    this.note(`left ${connection}: ${error === "EAGAIN" ? "" : error ?? shown(fromHex(bytes!))}`);
  }

  async segment(connection: number, bytes: Uint8Array): Promise<void> {
    const [answer] = await this.#tcp(`send ${this.#peers[connection]} settle data=${hex(bytes)}`);
    if (answer !== `ok ${bytes.length}`) this.note(`segment ${connection}: ${answer}`);
  }

  async end(connection: number): Promise<void> {
    await this.#tcp(`shut ${this.#peers[connection]}`);
  }

  async reset(connection: number): Promise<void> {
    await this.#tcp(`rst ${this.#peers[connection]}`);
  }

  async error(connection: number): Promise<void> {
    const [answer] = await this.#kcm(`cerr m ${connection}`);
    this.note(`error ${connection}: ${answer}`);
  }

  async clone(): Promise<void> {
    const [open] = this.#openSockets;
    // clones begin with the system's default, and take what waits before it could be changed
    if (this.#room > 0) await this.#setDefaultRoom(this.#room);
    expect(await this.#kcm(`clone m ${open}`), /^ok/);
    if (this.#room > 0) await this.#setDefaultRoom(DEFAULT_ROOM);
    this.#openSockets.add(this.#sockets++);
  }

  async receive(socket: number, { length, peek }: ReceiveHow = {}): Promise<void> {
    await this.#receive(socket, length, peek ?? false);
  }

  async drain(socket: number): Promise<void> {
    while (await this.#receive(socket, undefined, false));
  }

  async disable(socket: number): Promise<void> {
    await this.#kcm(`rdis m ${socket} v=1`);
  }

  async enable(socket: number): Promise<void> {
    await this.#kcm(`rdis m ${socket} v=0`);
  }

  async closeSocket(socket: number): Promise<void> {
    await this.#kcm(`kclose m ${socket}`);
    this.#openSockets.delete(socket);
  }

  async send(socket: number, bytes: Uint8Array, how: SendHow = {}): Promise<void> {
    const flags = (["more", "eor", "batch"] as const).filter((flag) => how[flag]).join(" ");
    const [answer] = await this.#kcm(`send m ${socket} data=${hex(bytes)} ${flags}`);
    this.note(`send ${socket}: ${answer!.replace("ERR ", "")}`);
  }

  async peer(connection: number, expected?: number): Promise<void> {
    const until = expected === undefined ? `n=${ALL} timeout=0` : `n=${expected} timeout=10000`;
    const [answer] = await this.#tcp(`recv ${this.#peers[connection]} ${until} show=${ALL}`);
    const [, count, bytes] = /^ok (\d+) crc=\w+ end=\w+ (\w*)/.exec(answer!) ?? [];
    this.note(`peer ${connection}: ${count === "0" ? "" : shown(fromHex(bytes ?? ""))}`);
  }

  async status(): Promise<void> {
    // one more turn for what the kernel does later
    await this.#kcm("ping");
    const lines = statusLines((await this.#kcm("kcm")).join("\n"));
    this.notes.push(...lines);
  }

  async wait(ms: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 2 * ms));
  }

  async close(): Promise<void> {
    await this.#kcm("del m");
    for (const peer of this.#peers) await this.#tcp(`close ${peer}`);
    const after = countersOf((await this.#kcm("stats")).join("\n"));
    for (const name of after.keys()) {
      // the kernel prints these two in each other's column
      const column = swapped.get(name) ?? name;
      const count = after.get(column)! - this.#before.get(column)!;
      if (count !== 0) this.note(`${name} ${count}`);
    }
  }

  async #receive(socket: number, length: number | undefined, peek: boolean): Promise<boolean> {
    const words = [length === undefined ? "" : `buf=${length}`, peek ? "peek" : "", `show=${ALL}`];
    const [answer] = await this.#kcm(`recv m ${socket} ${words.join(" ")}`);
    const [, , flags, bytes] = /^ok (\d+) flags=(\S+) crc=\w+ (\w*)/.exec(answer!) ?? [];
    if (flags === undefined) this.note(`receive ${socket}: ${answer!.replace("ERR ", "")}`);
    else this.note(`receive ${socket}: ${shown(fromHex(bytes!))} ${flags}`);
    return flags !== undefined;
  }

  async #setDefaultRoom(bytes: number): Promise<void> {
    expect(await this.#guest.shd.ask(`sh echo ${bytes} > /proc/sys/net/core/rmem_default`), /^rc=0/);
  }

  #kcm(line: string): Promise<string[]> {
    return this.#guest.kcmd.ask(line);
  }

  #tcp(line: string): Promise<string[]> {
    return this.#guest.tcpd.ask(line);
  }
}

function expect(lines: readonly string[], pattern: RegExp): RegExpExecArray {
  const found = pattern.exec(lines[0] ?? "");
  if (found === null) throw new Error(`the guest says ${lines.join(" / ")}`);
  return found;
}
