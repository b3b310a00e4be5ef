/** What the sockets of scripts need of a TCP stack: an adapter to the stack under test has these. */

/** Options of a socket that were set before its connection began, by name: `TCP_NOOPT` and the like. */
export type SocketSettings = ReadonlyMap<string, number>;

export interface DrillFlow {
  /** Name of the state as RFC 9293 writes it: `SYN-SENT`. */
  readonly state: string;
  /** Why the connection is over: an errno name. Undefined while it lives and after a clean end. */
  readonly error: string | undefined;
  /** Bytes in order that have not been read. */
  readonly readable: number;
  /** Whether the peer has ended and everything has been read. */
  readonly hasEnded: boolean;
  /** Size of the receive buffer: `SO_RCVBUF`. */
  readonly receiveBuffer: number;
  /** Takes so many bytes; checks that they are those of `byteAt`. */
  read(length: number, now: number): void;
  /** Sends so many bytes; returns how many there was room for. */
  write(length: number, now: number): number;
  shutdown(now: number): void;
  close(now: number): void;
}

export interface DrillListener {
  close(now: number): void;
}

export interface DrillStack {
  push(packet: Uint8Array, now: number): void;
  transmit(now: number): Uint8Array[];
  timeoutAt(): number;
  onTimeout(now: number): void;
  connect(settings: SocketSettings, now: number): DrillFlow;
  /** Calls `accepted` for each connection that is established. */
  listen(settings: SocketSettings, backlog: number, accepted: (flow: DrillFlow) => void, now: number): DrillListener;
  /** Receive buffer of a socket that has no connection yet. */
  readonly receiveBuffer: number;
  /** Sets an option by its sysctl name; false when it has none of this name. */
  set(name: string, value: number): boolean;
  /** States of all connections, embryonic ones included. */
  states(): readonly string[];
  /** Forgets the connections in this state, without a word. */
  drop(state: string, now: number): void;
}
