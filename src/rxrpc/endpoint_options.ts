/**
 * What an endpoint is told, and what it counts.
 *
 * @module
 */
import { callbackOption, choiceOption } from "../core/limits.ts";
import type { FillRandom } from "../core/random.ts";
import { typeName } from "../core/words.ts";
import type { RxLimits } from "./limits.ts";
import type { RxObserver } from "./observer.ts";
import type { RxAddress } from "./ports.ts";

/** Options of an endpoint. */
export interface RxEndpointEngineOptions extends RxLimits {
  /** Randomness for the numbers that others must not guess. */
  readonly random: FillRandom;
  /** Time of day in milliseconds since 1970, for tickets. */
  readonly wallMs: () => number;
  /** What VERSION is answered with; nothing when empty. @default {"leat"} */
  readonly version?: string | undefined;
  /**
   * Make a call of a client without security wait until its address has answered. `always`, `never`, or `remote`: not
   * for addresses of this machine.
   *
   * @default {"remote"}
   */
  readonly reachCheck?: "always" | "never" | "remote" | undefined;
  /** Who gets an answer to DEBUG packets: all about every connection, to whoever sends from there. @default {nobody} */
  readonly answersDebug?: ((from: RxAddress) => boolean) | undefined;
  /** Take replies from another address of the server, as those of machines with several come. @default {true} */
  readonly acceptMultihomed?: boolean | undefined;
  /** Is told what happens, for logs and metrics. */
  readonly observer?: RxObserver | undefined;
}

/**
 * Checks what would show only when somebody comes.
 *
 * @throws {TypeError | RangeError} when it can't be
 */
export function checkOptions({ random, wallMs, version, reachCheck, answersDebug }: RxEndpointEngineOptions): void {
  callbackOption("random", random);
  callbackOption("wallMs", wallMs);
  callbackOption("answersDebug", answersDebug);
  choiceOption("reachCheck", reachCheck, "remote", ["always", "never", "remote"]);
  if (version !== undefined && typeof version !== "string") {
    throw new TypeError(`version must be a text, got ${typeName(version)}`);
  }
}

/** Counters of an endpoint. */
export interface RxEndpointStats {
  /** Datagrams that came. */
  received: number;
  /** Datagrams that went. */
  sent: number;
  /** Bytes that came. */
  receivedBytes: number;
  /** Bytes that went. */
  sentBytes: number;
  /** Calls that this end made. */
  clientCalls: number;
  /** Calls that others made. */
  serviceCalls: number;
  /** Packets of data that were sent, each counted once. */
  dataPackets: number;
  /** Transmissions of the same beyond the first. */
  resentPackets: number;
  /**
   * Packets of data that came and were taken. One that came out of order, and had to give way to what was next because
   * there was no room for both, counts again when it comes again.
   */
  dataPacketsCame: number;
  /** Packets of data that came and were there already, while their call ran. */
  repeatedPackets: number;
}

/** Nothing counted yet. */
export function newStats(): RxEndpointStats {
  return {
    received: 0,
    sent: 0,
    receivedBytes: 0,
    sentBytes: 0,
    clientCalls: 0,
    serviceCalls: 0,
    dataPackets: 0,
    resentPackets: 0,
    dataPacketsCame: 0,
    repeatedPackets: 0,
  };
}
