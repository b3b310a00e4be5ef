/**
 * What a scenario does, with the real KCM or with the engine: each thing that can be seen is noted as a line of text, and
 * both must note the same.
 */
import { createHash } from "node:crypto";

/** How a multiplexor is set up. */
export interface Setup {
  /** Name of an object file of `tests/bpf/data`, or of a program that gives the same result whatever it sees: `ret:N`. */
  readonly program: string;
  /** Whether the program sees the segment from its start, as in the kernel, instead of from the message. */
  readonly isNaive?: boolean;
  readonly type?: "datagram" | "seqpacket";
  /** How many sockets there are. */
  readonly sockets?: number;
  /** How many messages of `length` bytes, each in a segment of its own, fill a socket. */
  readonly room?: { readonly messages: number; readonly length: number };
  /** Longest message in bytes: the receive buffer of TCP. */
  readonly maxMessageLength?: number;
  readonly messageTimeoutMs?: number;
  /** From so many bytes queued a socket begins no message. */
  readonly sendBufferBytes?: number;
  /** Connections are not attached when they are made. */
  readonly isManual?: boolean;
  /** Connections have room for some thousand bytes, until the peer reads. */
  readonly isSlow?: boolean;
}

/** Flags of `recvmsg`. */
export interface ReceiveHow {
  readonly length?: number;
  readonly peek?: boolean;
}

/** Flags of `sendmsg`. */
export interface SendHow {
  readonly more?: boolean;
  readonly eor?: boolean;
  readonly batch?: boolean;
}

/** One multiplexor, its sockets (by index) and connections (in the order in which they were made), and their peers. */
export interface World {
  /** What was seen. */
  readonly notes: string[];
  /** Adds to what was seen. */
  note(text: string): void;
  /** Makes so many TCP connections, which are attached. */
  connect(count?: number): Promise<void>;
  attach(connection: number): Promise<void>;
  unattach(connection: number): Promise<void>;
  /** Reads what is left from a connection that is not attached, or its error. */
  left(connection: number): Promise<void>;
  /** The peer sends one segment. */
  segment(connection: number, bytes: Uint8Array): Promise<void>;
  /** The peer sends its end. */
  end(connection: number): Promise<void>;
  /** The peer resets the connection. */
  reset(connection: number): Promise<void>;
  /** Reads the error of the connection's socket, which clears it. */
  error(connection: number): Promise<void>;
  clone(): Promise<void>;
  receive(socket: number, how?: ReceiveHow): Promise<void>;
  /** Reads until there is nothing left. */
  drain(socket: number): Promise<void>;
  disable(socket: number): Promise<void>;
  enable(socket: number): Promise<void>;
  closeSocket(socket: number): Promise<void>;
  send(socket: number, bytes: Uint8Array, how?: SendHow): Promise<void>;
  /** Notes what the peer has received since; so many bytes are on their way. */
  peer(connection: number, expected?: number): Promise<void>;
  /** Notes what `/proc/net/kcm` shows, without what a socket uses of memory. */
  status(): Promise<void>;
  wait(ms: number): Promise<void>;
  /** Notes what `/proc/net/kcm_stats` has counted, and takes everything down. */
  close(): Promise<void>;
}

/** Bytes as text: all of them if they are few. */
export function shown(bytes: Uint8Array): string {
  const hash = createHash("sha1").update(bytes).digest("hex").slice(0, 12);
  return bytes.length <= 24 ? hex(bytes) : `${hex(bytes.subarray(0, 8))}.. (${bytes.length} bytes, ${hash})`;
}

/** Bytes in hexadecimal. */
export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Bytes from hexadecimal. */
export function fromHex(text: string): Uint8Array {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

/** What both proc texts say of sockets and connections, one line each: columns of memory and of the TCP socket left out. */
export function statusLines(text: string): string[] {
  const lines = text.split("\n").slice(2).filter((line) => line.trim() !== "");
  return lines.map((line) => {
    const [object, rxMessages, rxBytes, txMessages, txBytes, queued, , sending, , ...words] = line.trim().split(/ +/);
    const isSocket = object!.startsWith("kcm-");
    const counts = `${object} rx ${rxMessages}/${rxBytes} tx ${txMessages}/${txBytes}`;
    return `${counts}${isSocket ? ` queued ${queued}/${sending}` : ""} ${words.join(" ")}`.trim();
  });
}

/** The counters of `/proc/net/kcm_stats`, by name; those of connections with `psock` before it. */
export function countersOf(text: string): Map<string, number> {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const counters = new Map<string, number>();
  for (const [at, prefix] of [[0, "mux "], [2, "psock "]] as const) {
    const names = lines[at]!.trim().split(/ +/).slice(1);
    const values = lines[at + 1]!.trim().split(/ +/);
    names.forEach((name, i) => counters.set(prefix + name, Number(values[i])));
  }
  return counters;
}
