/**
 * One open connection, between its driver and its port of the balancer: reads as long as the port takes input, and writes
 * all that the port has once in a turn.
 *
 * On the driver and not on a socket around it: a read here is a call that returns, no promise; only a write, of
 * everything that came together in a turn, makes one.
 *
 * @module
 */
import type { LinePort } from "../../kcm/balancer/line_port.ts";
import type { SocketError } from "../../tsocket/mod.ts";
import { READ_AGAIN, READ_END, type TStreamDriver } from "../../tsocket/mod.ts";

/** Bytes of one read. */
const READ_BYTES = 64 * 1024;

/** Shorter reads are copied: else a piece of a message that is held would keep the whole buffer. */
const COPY_BELOW = 16 * 1024;

/** What lines share. */
export interface LineHost {
  /** Milliseconds that never go back. */
  now(): number;
  /** The line is closed. */
  closed(line: Line): void;
}

/** What all lines read into, one after the other. A message that is held may be a view of it: then there is a new one. */
let buffer = new Uint8Array(READ_BYTES);

/** One open connection. */
export class Line {
  readonly #port: LinePort;
  readonly #driver: TStreamDriver;
  readonly #host: LineHost;
  #isWriting = false;
  #isShut = false;
  #isClosed = false;
  #hasEnded = false;
  #isStopped = false;
  #isReading = false;

  /** Takes an open connection over. */
  constructor(port: LinePort, driver: TStreamDriver, host: LineHost) {
    this.#port = port;
    this.#driver = driver;
    this.#host = host;
  }

  /** Begins to read. */
  start(): void {
    this.#driver.start({
      readable: () => this.#read(),
      broken: (error) => this.#broken(error),
    });
    this.#read();
  }

  /** The port has something: an end, bytes to write, room for input. */
  service(): void {
    if (this.#isClosed) return;
    const port = this.#port;
    if (port.isAborted) return this.abort();
    if (!this.#isWriting) this.#write();
    if (this.#isStopped && port.wantsInput) this.#read();
  }

  /** Gives it up. */
  abort(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#driver.abort();
    this.#host.closed(this);
  }

  #read(): void {
    if (this.#isReading || this.#isClosed) return;
    const port = this.#port;
    const driver = this.#driver;
    this.#isReading = true;
    this.#isStopped = false;
    while (!this.#hasEnded) {
      if (!port.wantsInput) {
        this.#isStopped = true;
        break;
      }
      const length = driver.readSync(buffer);
      if (length === READ_AGAIN) break;
      if (length === READ_END) {
        this.#hasEnded = true;
        if (driver.readError === undefined) port.end(this.#host.now());
        else port.fail(driver.readError, this.#host.now());
        break;
      }
      const isShort = length < COPY_BELOW;
      port.push(isShort ? buffer.slice(0, length) : buffer.subarray(0, length), this.#host.now());
      if (!isShort && port.bytesHeld > 0) buffer = new Uint8Array(READ_BYTES);
    }
    this.#isReading = false;
  }

  #broken(error: SocketError): void {
    // what came before is read first, and says the same at its end; whoever does not read hears it now
    if (error.code === "EOF" || this.#isClosed) return;
    if (this.#isStopped) this.#port.fail(error, this.#host.now());
    else this.#read();
  }

  #write(): void {
    const port = this.#port;
    const pieces = port.take();
    if (pieces !== undefined) {
      this.#isWriting = true;
      this.#driver.writev(pieces).then(this.#written, this.#failed);
    } else if (port.isOver) this.#close();
    else if (port.isShut && !this.#isShut) {
      this.#isShut = true;
      this.#driver.shutdown().catch(this.#failed);
    }
  }

  readonly #written = (): void => {
    this.#isWriting = false;
    if (this.#isClosed) return;
    this.#port.wrote(this.#host.now());
    if (this.#port.isAborted) this.abort();
    else if (!this.#isWriting) this.#write();
  };

  readonly #failed = (error: unknown): void => {
    this.#isWriting = false;
    if (this.#isClosed) return;
    this.#port.fail(error, this.#host.now());
    this.abort();
  };

  #close(): void {
    this.#isClosed = true;
    this.#driver.close().then(() => this.#host.closed(this));
  }
}
