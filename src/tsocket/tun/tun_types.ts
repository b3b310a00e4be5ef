/**
 * A network interface of the system whose other end is this program: what is asked for and what comes back.
 *
 * @module
 */

/** Options of `openTun`. */
export interface TunOptions {
  /**
   * Name of the interface, at most 15 characters; `%d` within it is a number that the system chooses. One that exists is
   * taken over when nobody has it open.
   *
   * @default {"tun%d"}
   */
  name?: string | undefined;
  /**
   * What a packet is: an IP packet with `"tun"`, an Ethernet frame with `"tap"`.
   *
   * @default {"tun"}
   */
  mode?: "tun" | "tap" | undefined;
  /** The system's own addresses on it, each with the length of its network: `"192.0.2.1/24"`, `"fd00::1/64"`. */
  address?: string | readonly string[] | undefined;
  /** Longest packet that the system sends, in bytes. @default {what the interface has, 1500 when it is new} */
  mtu?: number | undefined;
  /** Packets in one batch that is read. @default {128} */
  maxBatchPackets?: number | undefined;
  /**
   * How the device is reached: `"native"` is the fastest that the runtime has, `"socat"` goes through the program of that
   * name and a UDP port of the loopback; `"auto"` is native where that can be had.
   *
   * @default {"auto"}
   */
  via?: "auto" | "native" | "socat" | undefined;
  /** Ends the opening. */
  signal?: AbortSignal | undefined;
}

/** Counters of a {@linkcode Tun}. */
export interface TunStats {
  /** Packets that came from the system. */
  packetsRead: number;
  /** Their bytes. */
  bytesRead: number;
  /** Batches that they came in. */
  batchesRead: number;
  /** Packets that the system took. */
  packetsWritten: number;
  /** Their bytes. */
  bytesWritten: number;
  /** Packets that it did not take: no room, an interface that is down, no packet at all. They are lost as on any wire. */
  packetsRefused: number;
}

/** An open interface. */
export interface Tun {
  /**
   * What the system sends, in batches of packets as they are there. A batch's packets are views of one buffer that is not
   * used again. Fails with `ENODEV` when the interface is removed.
   */
  readonly readable: ReadableStream<Uint8Array[]>;
  /** What the system receives: a packet or a batch of them. */
  readonly writable: WritableStream<Uint8Array | readonly Uint8Array[]>;
  /** Name of the interface. */
  readonly name: string;
  /** Longest packet that the system sends, in bytes. */
  readonly mtu: number;
  /** Counters so far. */
  readonly stats: Readonly<TunStats>;
  /** Gives the interface back; both streams end. Safe to call twice. */
  close(): Promise<void>;
  /** The same. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** The descriptor, as a runtime has it. */
export interface TunPort {
  /**
   * Reads one packet to `into` from `at` on; its length, or 0 when none is there.
   *
   * @throws {SocketError} when none will ever come
   */
  read(into: Uint8Array, at: number): number;
  /** Writes one packet; whether the system took it. */
  write(packet: Uint8Array): boolean;
  /** Resolves when there may be something to read, or the port was closed. */
  ready(): Promise<void>;
  /** Gives it back; a pending `ready` resolves. */
  close(): Promise<void>;
}
