/**
 * The part of a stack that has to do with ICMP: pings, and messages that nobody else has a use for. Internal.
 *
 * @module
 */
import type { Clock } from "../core/clock.ts";
import { durationOption } from "../core/limits.ts";
import type { FillRandom } from "../core/random.ts";
import { formatAddress, parseAddress } from "../packet/address.ts";
import { Outlet } from "../stream/outlet.ts";
import type { InetAddress } from "../tsocket/inet_address.ts";
import type { IcmpReceived, IcmpSink } from "./datagram_sink.ts";
import { L3L4Error } from "./errors.ts";
import type { StackEngine } from "./stack_engine.ts";

/** Bytes of messages that wait to be read. */
const MAX_BYTES = 1024 * 1024;
/** How long an answer is waited for. */
const TIMEOUT_MS = 5000;
const ECHO_REPLY = { 4: 0, 6: 129 } as const;

/** Options of a ping. */
export interface L3L4PingOptions {
  /** Address that the stack plays; one of `addresses` by default. */
  readonly localAddress?: string | undefined;
  /** What comes back with the answer. @default {nothing} */
  readonly data?: Uint8Array | undefined;
  /** Hops that the question may take. */
  readonly hopLimit?: number | undefined;
  /** How long the answer is waited for, in milliseconds. @default {5000} */
  readonly timeoutMs?: number | undefined;
  /** Stops waiting. */
  readonly signal?: AbortSignal | undefined;
}

/** What a ping found out. */
export interface L3L4PingResult {
  /** Who answered. */
  readonly remoteAddress: string;
  /** Time from question to answer, in milliseconds. */
  readonly ms: number;
  /** Hops that the answer might still have taken. */
  readonly hopLimit: number;
  /** What came back. */
  readonly data: Uint8Array;
}

interface Question {
  readonly sentAt: number;
  answered(message: IcmpReceived): void;
  failed(reason: unknown): void;
}

/** Questions and messages. */
export class IcmpSide implements IcmpSink {
  readonly #engine: Pick<StackEngine, "ping">;
  readonly #clock: Clock;
  readonly #identifier: number;
  readonly #questions: Map<number, Question> = new Map();
  #sequence = 0;
  #outlet: Outlet<IcmpReceived, false> | undefined;
  #isOver = false;

  /** Nothing was asked. */
  constructor(engine: Pick<StackEngine, "ping">, clock: Clock, random: FillRandom) {
    this.#engine = engine;
    this.#clock = clock;
    const bytes = new Uint8Array(2);
    random(bytes);
    this.#identifier = (bytes[0]! << 8) | bytes[1]!;
  }

  /** Messages that nobody else has a use for, from now on. */
  get messages(): ReadableStream<IcmpReceived> {
    if (this.#outlet === undefined) {
      this.#outlet = new Outlet<IcmpReceived, false>(false);
      if (this.#isOver) this.#outlet.end();
    }
    return this.#outlet.readable;
  }

  /** Asks, and waits for the answer. */
  ping(to: InetAddress, from: InetAddress, options: L3L4PingOptions): Promise<L3L4PingResult> {
    const { data, hopLimit, signal } = options;
    const timeoutMs = durationOption("timeoutMs", options.timeoutMs, TIMEOUT_MS);
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const sequence = this.#sequence++ & 0xffff;
      const sentAt = this.#clock.now();
      const end = (): void => {
        this.#questions.delete(sequence);
        disarm();
        signal?.removeEventListener("abort", aborted);
      };
      const failed = (reason: unknown): void => {
        end();
        reject(reason);
      };
      const aborted = (): void => failed(signal!.reason);
      const disarm = this.#clock.setTimer(sentAt + timeoutMs, () => failed(noAnswer(to)));
      signal?.addEventListener("abort", aborted);
      this.#questions.get(sequence)?.failed(noAnswer(to));
      this.#questions.set(sequence, {
        sentAt,
        failed,
        answered: ({ remoteAddress, hopLimit, data }) => {
          end();
          resolve({ remoteAddress: formatAddress(remoteAddress), ms: this.#clock.now() - sentAt, hopLimit, data });
        },
      });
      try {
        const isSent = this.#engine.ping({
          remoteAddress: parseAddress(to.address),
          localAddress: parseAddress(from.address),
          identifier: this.#identifier,
          sequence,
          data,
          hopLimit,
        }, sentAt);
        if (!isSent) failed(noRoom());
      } catch (error) { // a wrong argument: nothing was sent, so nothing is waited for
        failed(error);
      }
    });
  }

  /** See `IcmpSink`. */
  icmp(message: IcmpReceived): void {
    const { version, type, word, data } = message;
    if (type === ECHO_REPLY[version] && word >>> 16 === this.#identifier) {
      const question = this.#questions.get(word & 0xffff);
      if (question !== undefined) return question.answered(message);
    }
    const outlet = this.#outlet;
    if (outlet !== undefined && outlet.heldBytes < MAX_BYTES) outlet.push(message, data.length + 64);
  }

  /** The stack is over. */
  over(error: unknown): void {
    this.#isOver = true;
    for (const question of [...this.#questions.values()]) question.failed(error);
    this.#outlet?.end();
  }
}

function noRoom(): L3L4Error {
  return new L3L4Error("there is no room for another question, maxDatagramBytes", { code: "ENOBUFS", blame: "local" });
}

function noAnswer(to: InetAddress): L3L4Error {
  return new L3L4Error(`${to.address} did not answer`, { code: "ETIMEDOUT", blame: "remote" });
}
