/** Stand-ins for what Deno hands out, which do nothing until a test says so. */
import type {
  DenoAddress,
  DenoConn,
  DenoDatagramConn,
  DenoListener,
  DenoMembership,
} from "../../../src/tsocket/drivers/deno/deno_api.ts";

/** An error of a class that only Deno has. */
export function denoThrows(name: string, code?: string, message = "what Deno says"): Error {
  const error = Object.assign(new Error(message), code === undefined ? {} : { code });
  error.name = name;
  return error;
}

/** Something asked for that the test answers. */
export interface Asked<T, A> {
  readonly argument: A;
  resolve(value: T): void;
  reject(reason: unknown): void;
}

/** Questions in the order in which they were asked. */
export class Questions<T, A> {
  readonly all: Asked<T, A>[] = [];
  #answered = 0;

  ask(argument: A): Promise<T> {
    return new Promise((resolve, reject) => this.all.push({ argument, resolve, reject }));
  }

  /** How many wait for an answer. */
  get open(): number {
    return this.all.length - this.#answered;
  }

  /** The one that has waited longest; the test answers it. */
  next(): Asked<T, A> {
    const asked = this.all[this.#answered++];
    if (asked === undefined) throw new Error("nothing was asked");
    return asked;
  }

  /** Fails all that wait. */
  failAll(reason: unknown): void {
    while (this.open > 0) this.next().reject(reason);
  }
}

const LOCAL: DenoAddress = { transport: "tcp", hostname: "127.0.0.1", port: 1000 };
const REMOTE: DenoAddress = { transport: "tcp", hostname: "127.0.0.1", port: 2000 };

/** A connection. Closing it fails what is under way, as Deno does. */
export class FakeConn implements DenoConn {
  localAddr: DenoAddress = LOCAL;
  remoteAddr: DenoAddress = REMOTE;
  readonly reads: Questions<number | null, Uint8Array> = new Questions();
  readonly writes: Questions<number, Uint8Array> = new Questions();
  closes = 0;
  isRef = true;

  get isClosed(): boolean {
    return this.closes > 0;
  }

  read(into: Uint8Array): Promise<number | null> {
    return this.closes > 0 ? Promise.reject(denoThrows("BadResource")) : this.reads.ask(into);
  }

  write(bytes: Uint8Array): Promise<number> {
    return this.closes > 0 ? Promise.reject(denoThrows("BadResource")) : this.writes.ask(bytes);
  }

  closeWrite(): Promise<void> {
    return this.closes > 0 ? Promise.reject(denoThrows("BadResource")) : Promise.resolve();
  }

  close(): void {
    if (this.closes++ > 0) throw denoThrows("BadResource");
    this.reads.failAll(denoThrows("Interrupted", "EINTR"));
    this.writes.failAll(denoThrows("Interrupted", "EINTR"));
  }

  ref(): void {
    this.isRef = true;
  }

  unref(): void {
    this.isRef = false;
  }

  /** Answers the read under way with these bytes. */
  bring(...bytes: number[]): void {
    const { argument, resolve } = this.reads.next();
    argument.set(bytes);
    resolve(bytes.length);
  }
}

/** A connection of TLS. */
export class FakeTlsConn extends FakeConn {
  readonly handshakes: Questions<{ alpnProtocol: string | null }, undefined> = new Questions();

  handshake(): Promise<{ alpnProtocol: string | null }> {
    return this.handshakes.ask(undefined);
  }

  override close(): void {
    super.close();
    this.handshakes.failAll(denoThrows("Interrupted", "EINTR"));
  }
}

/** A listening socket. */
export class FakeListener implements DenoListener {
  addr: DenoAddress = LOCAL;
  readonly accepts: Questions<DenoConn, undefined> = new Questions();
  isRef = true;

  accept(): Promise<DenoConn> {
    return this.accepts.ask(undefined);
  }

  close(): void {
    this.accepts.failAll(denoThrows("BadResource", undefined, "Listener has been closed"));
  }

  ref(): void {
    this.isRef = true;
  }

  unref(): void {
    this.isRef = false;
  }
}

/** A datagram socket. */
export class FakeDatagramConn implements DenoDatagramConn {
  addr: DenoAddress = { transport: "udp", hostname: "127.0.0.1", port: 1000 };
  readonly receives: Questions<[Uint8Array, DenoAddress], Uint8Array> = new Questions();
  readonly sends: { bytes: Uint8Array; to: DenoAddress }[] = [];
  readonly joins: Questions<DenoMembership, string> = new Questions();
  isRef = true;

  receive(into: Uint8Array): Promise<[Uint8Array, DenoAddress]> {
    return this.receives.ask(into);
  }

  send(bytes: Uint8Array, to: DenoAddress): Promise<number> {
    this.sends.push({ bytes, to });
    return Promise.resolve(bytes.length);
  }

  joinMulticastV4(group: string, networkInterface: string): Promise<DenoMembership> {
    return this.joins.ask(`${group} on ${networkInterface}`);
  }

  joinMulticastV6(group: string, networkInterface: number): Promise<DenoMembership> {
    return this.joins.ask(`${group} on ${networkInterface}`);
  }

  close(): void {
    this.receives.failAll(denoThrows("Interrupted", "EINTR"));
  }

  ref(): void {
    this.isRef = true;
  }

  unref(): void {
    this.isRef = false;
  }

  /** Answers the receive under way. */
  bring(length: number, from: DenoAddress = REMOTE): void {
    const { argument, resolve } = this.receives.next();
    argument.fill(length, 0, length);
    resolve([argument.subarray(0, length), from]);
  }
}
