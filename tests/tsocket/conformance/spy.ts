/** A driver that tells what it is asked, around another. */
import type { SocketError } from "../../../src/tsocket/errors.ts";
import type { TStreamDriver, TStreamEvents } from "../../../src/tsocket/driver_types.ts";
import type { TlsOptions, TsocketAddress, Vector } from "../../../src/tsocket/types.ts";

/** What is told. */
export interface SpyListeners {
  /** All views of a write. */
  writev?(vector: Vector): void;
  /** What a synchronous read answered. */
  readSync?(answer: number): void;
}

/** Passes everything on. */
export class Spy implements TStreamDriver {
  readonly #driver: TStreamDriver;
  readonly #listeners: SpyListeners;
  readonly readInto?: (into: Uint8Array) => Promise<number>;
  readonly startTls?: (options: TlsOptions, signal: AbortSignal) => Promise<TStreamDriver>;

  /** A driver around `driver`. */
  constructor(driver: TStreamDriver, listeners: SpyListeners) {
    this.#driver = driver;
    this.#listeners = listeners;
    if (driver.readInto !== undefined) this.readInto = (into) => driver.readInto!(into);
    if (driver.startTls !== undefined) this.startTls = (options, signal) => driver.startTls!(options, signal);
  }

  get kind(): string {
    return this.#driver.kind;
  }
  get localAddress(): TsocketAddress | undefined {
    return this.#driver.localAddress;
  }
  get remoteAddress(): TsocketAddress | undefined {
    return this.#driver.remoteAddress;
  }
  get alpn(): string | null {
    return this.#driver.alpn;
  }
  get pendingBytes(): number {
    return this.#driver.pendingBytes;
  }
  get readError(): SocketError | undefined {
    return this.#driver.readError;
  }
  start(events: TStreamEvents): void {
    this.#driver.start(events);
  }
  readSync(into: Uint8Array): number {
    const answer = this.#driver.readSync(into);
    this.#listeners.readSync?.(answer);
    return answer;
  }
  watch(): void {
    this.#driver.watch?.();
  }
  writev(vector: Vector): Promise<void> {
    this.#listeners.writev?.(vector);
    return this.#driver.writev(vector);
  }
  shutdown(): Promise<void> {
    return this.#driver.shutdown();
  }
  close(): Promise<void> {
    return this.#driver.close();
  }
  abort(): void {
    this.#driver.abort();
  }
  setRef(isRef: boolean): void {
    this.#driver.setRef?.(isRef);
  }
}
