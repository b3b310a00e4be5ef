/** A listening driver by hand, and connections that do nothing but remember how they ended. */
import { SocketError } from "../../../src/tsocket/errors.ts";
import { InetAddress } from "../../../src/tsocket/inet_address.ts";
import type {
  TListenerDriver,
  TListenerEvents,
  TStreamDriver,
  TStreamEvents,
} from "../../../src/tsocket/driver_types.ts";
import type { TsocketAddress } from "../../../src/tsocket/types.ts";

/** A connection without a peer. */
export class FakeStreamDriver implements TStreamDriver {
  readonly kind: string = "fake";
  readonly localAddress: TsocketAddress = InetAddress.from("127.0.0.1", 80);
  readonly remoteAddress: TsocketAddress;
  readonly alpn: string | null = null;
  readonly pendingBytes: number = 0;
  readonly readError: SocketError | undefined = undefined;
  /** What was called, of what frees it. */
  readonly ends: string[] = [];

  constructor(port = 40000) {
    this.remoteAddress = InetAddress.from("127.0.0.1", port);
  }

  start(_events: TStreamEvents): void {}

  readSync(_into: Uint8Array): number {
    return 0;
  }

  writev(): Promise<void> {
    return Promise.resolve();
  }

  shutdown(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.ends.push("close");
    return Promise.resolve();
  }

  abort(): void {
    this.ends.push("abort");
  }
}

/** The listening driver. */
export class FakeListenerDriver implements TListenerDriver {
  readonly kind: string = "fake";
  readonly localAddress: TsocketAddress = InetAddress.from("127.0.0.1", 80);
  readonly calls: string[] = [];
  starts = 0;
  closes = 0;
  #events!: TListenerEvents;

  start(events: TListenerEvents): void {
    this.starts++;
    this.#events = events;
  }

  close(): Promise<void> {
    this.closes++;
    return Promise.resolve();
  }

  setRef(isRef: boolean): void {
    this.calls.push(`ref ${isRef}`);
  }

  /** A connection from the given port comes. */
  come(port = 40000): FakeStreamDriver {
    const driver = new FakeStreamDriver(port);
    this.#events.connection(driver);
    return driver;
  }

  /** Accepting fails and goes on. */
  stumble(code: string): void {
    this.#events.acceptError(new SocketError("accepting failed", { code, syscall: "accept" }));
  }

  /** Listening is over. */
  break(error: SocketError): void {
    this.#events.broken(error);
  }
}
