/**
 * A line for each client that has gone. Lines that the disk or the reader cannot keep up with are dropped and counted.
 *
 * @module
 */
import { createWriteStream } from "node:fs";
import type { ClientPort } from "../../kcm/balancer/client_port.ts";
import type { CliIo } from "../io.ts";

/** Bytes of lines that may wait to be written. */
const MAX_WAITING = 1024 * 1024;

interface Writer {
  readonly writableLength: number;
  write(text: string): unknown;
  end(): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
}

/** The log. */
export class AccessLog {
  /** Lines that were dropped. */
  dropped = 0;
  readonly #path: string;
  readonly #io: CliIo;
  readonly #report: (problem: unknown) => void;
  #writer: Writer | undefined;

  /** A log to a file, which is appended to, or to standard output for `-`. */
  constructor(path: string, io: CliIo, report: (problem: unknown) => void) {
    this.#path = path;
    this.#io = io;
    this.#report = report;
    this.reopen();
  }

  /** Opens the file again: somebody may have renamed it. */
  reopen(): void {
    if (this.#path === "-") return;
    this.#writer?.end();
    const writer: Writer = createWriteStream(this.#path, { flags: "a" });
    writer.on("error", this.#report);
    this.#writer = writer;
  }

  /** Writes a line about a client. */
  add(client: ClientPort, now: number): void {
    const { name, outcome, requests, replies, bytesIn, bytesOut, session } = client;
    const line = JSON.stringify({
      time: new Date().toISOString(),
      client: name,
      outcome,
      ms: Math.round(now - client.since),
      requests,
      replies,
      bytesIn,
      bytesOut: bytesOut + client.out.bytes,
      ...(session === undefined ? {} : { session: session.backend.name }),
    });
    if (this.#writer === undefined) this.#io.stdout.write(`${line}\n`);
    else if (this.#writer.writableLength > MAX_WAITING) this.dropped++;
    else this.#writer.write(`${line}\n`);
  }

  /** Writes what is left. */
  close(): Promise<void> {
    const writer = this.#writer as (Writer & { end(done: () => void): unknown }) | undefined;
    return writer === undefined ? Promise.resolve() : new Promise((resolve) => writer.end(() => resolve()));
  }
}
