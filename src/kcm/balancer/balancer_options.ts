/**
 * Options, limits and counters of a balancer.
 *
 * @module
 */
import { choiceOption, durationOption, limitOption } from "../../core/limits.ts";
import type { BalancedProtocol } from "./protocol.ts";

/** How a backend is chosen. */
export type BalancerPolicy = "round-robin" | "least" | "sticky" | "key";

/** All policies. */
export const BALANCER_POLICIES: readonly BalancerPolicy[] = ["round-robin", "least", "sticky", "key"];

/**
 * What comes back: a reply for each request, to whoever sent that; anything, over a connection of the client's own; or
 * nothing.
 */
export type RepliesMode = "correlate" | "sticky" | "none";

/** All of them. */
export const REPLIES_MODES: readonly RepliesMode[] = ["correlate", "sticky", "none"];

/** Options of a balancer. Times in milliseconds. */
export interface BalancerOptions {
  /** The protocol. */
  readonly protocol: BalancedProtocol;
  /** What comes back. @default {"correlate"} */
  readonly replies?: RepliesMode | undefined;
  /** How a backend is chosen. @default {"round-robin"} */
  readonly policy?: BalancerPolicy | undefined;
  /** Connections to each backend that clients share. @default {1} */
  readonly connections?: number | undefined;
  /** Replies in the order of requests for each client, also where they carry a number. @default {true} */
  readonly isOrdered?: boolean | undefined;
  /** A request that is sent to see whether a backend answers. @default {undefined} */
  readonly probe?: Uint8Array | undefined;
  /** Connections of clients. More are refused. @default {10000} */
  readonly maxClients?: number | undefined;
  /** Requests of one client under way; at the limit it is not read. @default {1024} */
  readonly maxPending?: number | undefined;
  /** Longest message, in bytes. @default {1048576} */
  readonly maxMessageLength?: number | undefined;
  /** Bytes that may wait to be written to one connection, held replies included. @default {16777216} */
  readonly maxBufferBytes?: number | undefined;
  /**
   * Bytes held for all clients together: requests under way, unfinished ones, replies that are not written. Beyond it the
   * client with most is closed, until it is enough.
   *
   * @default {268435456}
   */
  readonly maxTotalBytes?: number | undefined;
  /** Requests that may wait for a backend. More fail. @default {10000} */
  readonly maxWaiting?: number | undefined;
  /** Connections of single clients to one backend. @default {1024} */
  readonly maxSessions?: number | undefined;
  /** How long a reply may take. @default {30000} */
  readonly timeoutMs?: number | undefined;
  /** How long a request waits for a backend. @default {5000} */
  readonly waitMs?: number | undefined;
  /** How long connecting may take. @default {5000} */
  readonly connectTimeoutMs?: number | undefined;
  /** How long a client may take to send one message. @default {30000} */
  readonly messageMs?: number | undefined;
  /** How long a client that is over may take to read what is left for it. @default {30000} */
  readonly lingerMs?: number | undefined;
  /** Clients that are quiet for so long are closed. @default {Infinity} */
  readonly idleMs?: number | undefined;
  /** How often each backend is connected to for a check; 0: only when it has failed. @default {2000} */
  readonly checkIntervalMs?: number | undefined;
  /** Failures in a row after which a backend gets nothing more. @default {3} */
  readonly fall?: number | undefined;
  /** Checks in a row that must succeed before it gets requests again. @default {2} */
  readonly rise?: number | undefined;
  /** How long a backend that fell is left alone; doubled each time up to 32-fold. @default {1000} */
  readonly ejectMs?: number | undefined;
  /** How long a backend that came back gets less than its share. @default {10000} */
  readonly slowStartMs?: number | undefined;
  /** How often a request is tried again. @default {2} */
  readonly retries?: number | undefined;
  /** Tries of requests that may have been carried out, as a part of all requests. @default {0.2} */
  readonly retryBudget?: number | undefined;
}

/** Options, checked. */
export type BalancerSettings =
  & { readonly [Name in keyof Omit<BalancerOptions, "probe">]-?: Exclude<BalancerOptions[Name], undefined> }
  & { readonly probe: Uint8Array | undefined };

/**
 * Checks options.
 *
 * @throws {TypeError | RangeError} when one is wrong
 */
export function balancerSettings(options: BalancerOptions): BalancerSettings {
  const retryBudget = options.retryBudget ?? 0.2;
  if (!(retryBudget >= 0)) throw new RangeError(`retryBudget must not be negative, got ${retryBudget}`);
  return {
    protocol: options.protocol,
    probe: options.probe,
    replies: choiceOption("replies", options.replies, "correlate", REPLIES_MODES),
    policy: choiceOption("policy", options.policy, "round-robin", BALANCER_POLICIES),
    connections: limitOption("connections", options.connections, 1),
    isOrdered: options.isOrdered ?? true,
    maxClients: limitOption("maxClients", options.maxClients, 10_000),
    maxPending: limitOption("maxPending", options.maxPending, 1024),
    maxMessageLength: limitOption("maxMessageLength", options.maxMessageLength, 1024 * 1024),
    maxBufferBytes: limitOption("maxBufferBytes", options.maxBufferBytes, 16 * 1024 * 1024),
    maxTotalBytes: limitOption("maxTotalBytes", options.maxTotalBytes, 256 * 1024 * 1024),
    maxWaiting: limitOption("maxWaiting", options.maxWaiting, 10_000, 0),
    maxSessions: limitOption("maxSessions", options.maxSessions, 1024),
    timeoutMs: durationOption("timeoutMs", options.timeoutMs, 30_000),
    waitMs: durationOption("waitMs", options.waitMs, 5000),
    connectTimeoutMs: durationOption("connectTimeoutMs", options.connectTimeoutMs, 5000),
    messageMs: durationOption("messageMs", options.messageMs, 30_000),
    lingerMs: durationOption("lingerMs", options.lingerMs, 30_000),
    idleMs: durationOption("idleMs", options.idleMs, Infinity),
    checkIntervalMs: durationOption("checkIntervalMs", options.checkIntervalMs, 2000),
    fall: limitOption("fall", options.fall, 3),
    rise: limitOption("rise", options.rise, 2),
    ejectMs: durationOption("ejectMs", options.ejectMs, 1000),
    slowStartMs: durationOption("slowStartMs", options.slowStartMs, 10_000),
    retries: limitOption("retries", options.retries, 2, 0),
    retryBudget,
  };
}

/** Counters of a balancer. */
export interface BalancerCounts {
  /** Connections of clients taken. */
  accepted: number;
  /** Connections of clients refused for want of room. */
  refused: number;
  /** Requests that came, those included that were answered here. */
  requests: number;
  /** Replies that went to a client. */
  replies: number;
  /** Requests that were answered here. */
  local: number;
  /** Requests that were refused here. */
  rejected: number;
  /** Requests that failed, by reason. */
  lost: number;
  /** See {@linkcode BalancerCounts.lost}. */
  unavailable: number;
  /** See {@linkcode BalancerCounts.lost}. */
  timeout: number;
  /** See {@linkcode BalancerCounts.lost}. */
  overload: number;
  /** Requests that were sent again though they may have been carried out. */
  retried: number;
  /** Requests that went to another backend before any byte of them had left. */
  moved: number;
  /** What backends said without being asked. */
  aside: number;
  /** Replies to nobody: requests whose client had gone, or unknown numbers. */
  strays: number;
  /** Clients that were given a connection of their own. */
  sessions: number;
  /** Clients closed because they did not read. */
  slowClients: number;
  /** Clients closed because all together held too much. */
  evicted: number;
  /** Clients closed because what they sent was not the protocol. */
  badClients: number;
  /** Requests without replies that were handed to a connection that broke then. */
  maybeLost: number;
}

/** All zero. */
export function newCounts(): BalancerCounts {
  return {
    accepted: 0,
    refused: 0,
    requests: 0,
    replies: 0,
    local: 0,
    rejected: 0,
    lost: 0,
    unavailable: 0,
    timeout: 0,
    overload: 0,
    retried: 0,
    moved: 0,
    aside: 0,
    strays: 0,
    sessions: 0,
    slowClients: 0,
    evicted: 0,
    badClients: 0,
    maybeLost: 0,
  };
}
