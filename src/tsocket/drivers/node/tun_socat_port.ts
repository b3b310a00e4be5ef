/**
 * The program `socat` between an interface and a socket of UDP.
 *
 * @module
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { removedError, tunError } from "../../tun/tun_errors.ts";
import type { TunPort } from "../../tun/tun_types.ts";

/** Packets that wait to be read; more are lost, as in the queue of a device, which has 500 places. */
const MAX_QUEUED = 500;

/** Packets that wait for the system to take them. */
const MAX_SENDING = 500;

/** The largest datagram of UDP over IPv4. */
const LONGEST_DATAGRAM = 65_507;

/** Ends socat with this program, whatever ends that: with the input of the shell. */
const SCRIPT = 'exec 3<&0; socat "$@" & socat=$!; (cat; kill $socat) <&3 >/dev/null 2>&1 & wait $socat';

const LOOPBACK = "127.0.0.1";

/** Packets as datagrams. */
export class SocatPort implements TunPort {
  readonly #name: string;
  readonly #mode: "tun" | "tap";
  readonly #socket: Socket;
  readonly #peerPort: number;
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  readonly #queue: Uint8Array[] = [];
  #sending = 0;
  #complaint = "";
  #failure: unknown;
  #hasExited = false;
  #wake: (() => void) | undefined;
  #closing: Promise<void> | undefined;

  /** Starts socat and waits until it carries packets. */
  static async open(name: string, mode: "tun" | "tap", signal: AbortSignal | undefined): Promise<SocatPort> {
    // ours is bound first: a packet that nobody takes would end socat
    const socket = await boundSocket();
    const other = await boundSocket();
    const peerPort = other.address().port;
    other.close();
    const port = new SocatPort(name, mode, socket, peerPort);
    const abort = (): void => void port.close();
    signal?.addEventListener("abort", abort);
    try {
      await port.#started();
      signal?.throwIfAborted();
      return port;
    } catch (error) {
      await port.close();
      throw signal?.aborted === true ? signal.reason : error;
    } finally {
      signal?.removeEventListener("abort", abort);
    }
  }

  private constructor(name: string, mode: "tun" | "tap", socket: Socket, peerPort: number) {
    this.#name = name;
    this.#mode = mode;
    this.#socket = socket;
    this.#peerPort = peerPort;
    socket.on("message", (data, { port }) => this.#received(data, port));
    socket.on("error", () => {});
    const device = `TUN,tun-name=${name},tun-type=${mode},iff-no-pi,iff-up`;
    const peer = `UDP4:${LOOPBACK}:${socket.address().port},bind=${LOOPBACK}:${peerPort}`;
    const args = ["-c", SCRIPT, "socat", "-d", "-d", "-b", "65536", device, peer];
    // in a group of its own: what ends ours by a signal (Ctrl+C) is told to us, and would look like a removed interface here
    this.#child = spawn("sh", args, { stdio: ["pipe", "ignore", "pipe"], detached: true });
    this.#exited = new Promise((resolve) => {
      const exited = (error?: unknown): void => {
        if (error instanceof Error) this.#failure = error;
        this.#hasExited = true;
        this.#wakeReader();
        resolve();
      };
      this.#child.once("error", exited);
      this.#child.once("close", exited);
    });
  }

  read(into: Uint8Array, at: number): number {
    const packet = this.#queue.shift();
    if (packet === undefined) {
      if (this.#hasExited && this.#closing === undefined) throw removedError(this.#name);
      return 0;
    }
    into.set(packet, at);
    return packet.length;
  }

  write(packet: Uint8Array): boolean {
    if (this.#hasExited || this.#closing !== undefined || this.#sending >= MAX_SENDING || !this.#isSendable(packet)) {
      return false;
    }
    this.#sending++;
    this.#socket.send(packet, this.#peerPort, LOOPBACK, () => this.#sending--);
    return true;
  }

  ready(): Promise<void> {
    if (this.#queue.length > 0 || this.#hasExited || this.#closing !== undefined) return Promise.resolve();
    return new Promise((resolve) => this.#wake = resolve);
  }

  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  async #close(): Promise<void> {
    this.#wakeReader();
    this.#child.stdin!.destroy();
    await this.#exited;
    this.#socket.close();
  }

  /** Resolves when socat says that it begins to carry packets. */
  async #started(): Promise<void> {
    const log = this.#child.stderr!;
    await new Promise<void>((resolve) => {
      log.on("data", (chunk: Uint8Array) => {
        if (this.#complaint.length < 4000) this.#complaint += String(chunk);
        if (this.#complaint.includes("starting data transfer loop")) resolve();
      });
      this.#exited.then(resolve);
    });
    if (!this.#hasExited) return;
    if (this.#failure !== undefined || /socat: (?:command )?not found/.test(this.#complaint)) {
      throw tunError("the program socat", "ENOENT", this.#failure);
    }
    const reason = /\bE (.*)/.exec(this.#complaint)?.[1] ?? "it ended";
    throw tunError(`socat: ${reason}`, codeOfWords(reason));
  }

  #received(data: Uint8Array, port: number): void {
    if (port !== this.#peerPort || this.#queue.length >= MAX_QUEUED) return;
    this.#queue.push(data);
    this.#wakeReader();
  }

  #wakeReader(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  /** A packet that the device does not take would end socat. */
  #isSendable(packet: Uint8Array): boolean {
    if (packet.length > LONGEST_DATAGRAM) return false;
    if (this.#mode === "tap") return packet.length >= 14;
    const version = (packet[0] ?? 0) >> 4;
    return version === 4 ? packet.length >= 20 : version === 6 && packet.length >= 40;
  }
}

async function boundSocket(): Promise<Socket> {
  const socket = createSocket("udp4");
  socket.bind(0, LOOPBACK);
  await once(socket, "listening");
  return socket;
}

function codeOfWords(reason: string): string {
  if (/busy/i.test(reason)) return "EBUSY";
  if (/permitted/i.test(reason)) return "EPERM";
  if (/permission/i.test(reason)) return "EACCES";
  return /no such/i.test(reason) ? "ENOENT" : "EIO";
}
