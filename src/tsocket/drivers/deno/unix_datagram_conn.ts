/**
 * A unix datagram socket of Deno's that can send while it receives.
 *
 * Deno's own cannot: it throws `Busy` as long as a receive is under way, and a receive cannot be taken back. So before a
 * send a second socket sends a secret word to the first, which ends the receive; the next one begins when the send is
 * done. The word is dropped wherever it turns up.
 *
 * A send that waits because the receiver's queue is full holds up the receiving; two such sockets that both send without
 * anybody reading can wait for each other for ever.
 *
 * @module
 */
import { equals } from "../../../bytes/equals.ts";
import { systemRandom } from "../../../core/random.ts";
import type { DenoAddress, DenoDatagramConn, DenoMembership } from "./deno_api.ts";
import { closeQuietly } from "./stream_driver.ts";

/** Length of the secret word, in bytes: nobody guesses it. */
const WORD_BYTES = 16;

/** Around a socket with a path. One receive and one send at a time. */
export class UnixDatagramConn implements DenoDatagramConn {
  readonly addr: DenoAddress;
  readonly #conn: DenoDatagramConn;
  readonly #openWaker: () => DenoDatagramConn;
  readonly #word: Uint8Array = new Uint8Array(WORD_BYTES);
  #waker: DenoDatagramConn | undefined;
  /** Rejects when the word cannot be sent; there while one is on its way. */
  #waking: Promise<never> | undefined;
  #receiving: Promise<unknown> | undefined;
  #sending: Promise<unknown> | undefined;

  /** Takes `conn` over; `openWaker` opens a socket without a path. */
  constructor(conn: DenoDatagramConn, openWaker: () => DenoDatagramConn) {
    this.#conn = conn;
    this.#openWaker = openWaker;
    this.addr = conn.addr;
    systemRandom(this.#word);
  }

  async receive(into: Uint8Array): Promise<[Uint8Array, DenoAddress]> {
    for (;;) {
      while (this.#sending !== undefined) await this.#sending;
      const receiving = this.#conn.receive(into);
      this.#receiving = receiving.catch(() => {});
      try {
        const received = await receiving;
        if (!this.#isWord(received)) return received;
        this.#waking = undefined;
      } finally {
        this.#receiving = undefined;
      }
    }
  }

  async send(bytes: Uint8Array, to: DenoAddress): Promise<number> {
    const sending = this.#send(bytes, to);
    const settled = this.#sending = sending.catch(() => {});
    try {
      return await sending;
    } finally {
      if (this.#sending === settled) this.#sending = undefined;
    }
  }

  joinMulticastV4(group: string, networkInterface: string): Promise<DenoMembership> {
    return this.#conn.joinMulticastV4(group, networkInterface);
  }

  joinMulticastV6(group: string, networkInterface: number): Promise<DenoMembership> {
    return this.#conn.joinMulticastV6(group, networkInterface);
  }

  close(): void {
    this.#conn.close();
    if (this.#waker !== undefined) closeQuietly(this.#waker);
  }

  ref(): void {
    this.#conn.ref();
  }

  unref(): void {
    this.#conn.unref();
  }

  async #send(bytes: Uint8Array, to: DenoAddress): Promise<number> {
    while (this.#receiving !== undefined) {
      await Promise.race([this.#receiving, this.#waking ??= this.#wake()]);
    }
    return await this.#conn.send(bytes, to);
  }

  /** Has the receive under way end. */
  #wake(): Promise<never> {
    return new Promise((_, reject) => {
      this.#sendWord().catch((thrown) => {
        this.#waking = undefined;
        reject(thrown);
      });
    });
  }

  async #sendWord(): Promise<void> {
    this.#waker ??= this.#openWaker();
    await this.#waker.send(this.#word, this.addr);
  }

  #isWord([bytes, source]: [Uint8Array, DenoAddress]): boolean {
    return this.#waking !== undefined && "path" in source && source.path === null && equals(bytes, this.#word);
  }
}
