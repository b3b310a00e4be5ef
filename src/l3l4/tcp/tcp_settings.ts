/**
 * Options of TCP, their defaults and limits.
 *
 * @module
 */
import { type BsdHabits, NO_BSD_HABITS } from "./bsd_habits.ts";
import { choiceOption, durationOption, limitOption } from "../../core/limits.ts";

/** What a window of 16 bits says with the largest shift (RFC 7323 section 2.3). */
const MAX_WINDOW = 0xffff * 2 ** 14;

/** What an IPv4 packet carries behind the longest header of TCP. */
const MAX_SUPER_SEGMENT = 65_455;

/** How the rate of sending follows what the network takes. */
export type CongestionAlgorithm = "cubic" | "newreno" | "none";

/** Options of TCP, for all connections of an endpoint; times are milliseconds. */
export interface TcpOptions {
  /** Bytes that a connection holds until they are acknowledged: writes wait beyond. @default {262144} */
  readonly sendBufferBytes?: number | undefined;
  /** Bytes that a connection holds until they are consumed: the window, beyond which nothing is taken. @default {262144} */
  readonly receiveBufferBytes?: number | undefined;
  /** Bytes that all connections hold together: beyond, writes wait, and what comes is dropped and sent again. @default {268435456} */
  readonly maxBufferBytes?: number | undefined;
  /** Connections, embryonic ones apart: beyond, `connect` throws, and peers that ask get no answer. @default {65536} */
  readonly maxConnections?: number | undefined;
  /** Connections that have not been opened yet, by the peer. @default {1024} */
  readonly maxHalfOpen?: number | undefined;
  /** Whether SYNs beyond `maxHalfOpen` are answered with cookies (RFC 4987 section 3.6); else the oldest gives way. @default {true} */
  readonly hasSynCookies?: boolean | undefined;
  /** Connections remembered in TIME-WAIT; the oldest is forgotten before its time. @default {65536} */
  readonly maxTimeWait?: number | undefined;
  /** Answers waiting to be sent that belong to no connection: resets, SYN-ACKs; more are dropped. @default {1024} */
  readonly maxAnswers?: number | undefined;
  /** Ranges of bytes that came out of order, of one connection; what would be one more is dropped. @default {128} */
  readonly maxOutOfOrderRanges?: number | undefined;
  /** Congestion control. @default {"cubic"} */
  readonly congestion?: CongestionAlgorithm | undefined;
  /** First window, in segments (RFC 6928). @default {10} */
  readonly initialWindowSegments?: number | undefined;
  /** Largest segment that is asked for; never more than the MTU allows. @default {what the MTU allows} */
  readonly maxSegmentSize?: number | undefined;
  /** Segments of up to so many bytes are made, which whoever carries them cuts; 0 for none, 65,455 at most. @default {0} */
  readonly superSegmentBytes?: number | undefined;
  /** Whether windows are scaled (RFC 7323); a number is the shift. @default {true} */
  readonly windowScale?: boolean | number | undefined;
  /** Timestamps (RFC 7323). @default {true} */
  readonly hasTimestamps?: boolean | undefined;
  /** Selective acknowledgment (RFC 2018). @default {true} */
  readonly hasSack?: boolean | undefined;
  /** Explicit congestion notification (RFC 3168): `"accept"` uses it when the peer asks. @default {"accept"} */
  readonly ecn?: "off" | "accept" | "request" | undefined;
  /** Whether small writes wait for acknowledgments (RFC 896). @default {true} */
  readonly hasNagle?: boolean | undefined;
  /** Longest time that an acknowledgment waits for company; 0: none waits. @default {40} */
  readonly delayedAckMs?: number | undefined;
  /** First retransmission timeout (RFC 6298). @default {1000} */
  readonly initialRtoMs?: number | undefined;
  /** Least retransmission timeout. @default {200} */
  readonly minRtoMs?: number | undefined;
  /** Largest retransmission timeout. @default {60000} */
  readonly maxRtoMs?: number | undefined;
  /** A connection that could not be opened for so long is given up (RFC 9293 MUST-23). @default {180000} */
  readonly connectTimeoutMs?: number | undefined;
  /** SYNs sent again, at most. @default {Infinity} */
  readonly maxSynRetries?: number | undefined;
  /** From so many SYNs sent again on they bear no options but the segment size; `Infinity` for never. @default {3} */
  readonly plainSynRetries?: number | undefined;
  /** From so many SYNs sent again on they do not ask for ECN (RFC 3168 section 6.1.1.1). @default {1} */
  readonly ecnSynRetries?: number | undefined;
  /** A connection whose data were not acknowledged for so long is given up: R2. @default {120000} */
  readonly userTimeoutMs?: number | undefined;
  /** Silence after which the peer is asked whether it is there; `Infinity` for never. @default {Infinity} */
  readonly keepaliveMs?: number | undefined;
  /** Time between such questions. @default {75000} */
  readonly keepaliveIntervalMs?: number | undefined;
  /** Unanswered questions after which the connection is given up. @default {9} */
  readonly keepaliveProbes?: number | undefined;
  /** TIME-WAIT: twice the maximum segment lifetime. @default {60000} */
  readonly timeWaitMs?: number | undefined;
  /** How long a closed connection waits for the peer's end. @default {60000} */
  readonly finWaitMs?: number | undefined;
  /** Without data either way for so long a connection is given up; `Infinity` for never. @default {Infinity} */
  readonly idleTimeoutMs?: number | undefined;
  /** How long a connection may take to be opened by the peer. @default {60000} */
  readonly halfOpenTimeoutMs?: number | undefined;
  /** SYN-ACKs sent again, at most. @default {5} */
  readonly maxSynAckRetries?: number | undefined;
  /**
   * What segments get that belong to no connection: a reset, nothing, or what BSD's listening sockets give, a reset for plain
   * acknowledgments only. @default {"reset"}
   */
  readonly strays?: "reset" | "ignore" | "listen" | undefined;
  /** Whether segments without timestamps are dropped once they were agreed on (RFC 7323 section 3.2). @default {false} */
  readonly needsTimestamps?: boolean | undefined;
  /**
   * Whether only a reset with exactly the next sequence number ends a connection, and others in the window are asked back
   * (RFC 5961 section 3). @default {true}
   */
  readonly checksResets?: boolean | undefined;
  /** Whether a SYN on an open connection is asked back (RFC 5961 section 4), not believed at once. @default {true} */
  readonly checksSyns?: boolean | undefined;
  /** Whether a SYN with a later sequence number or timestamp opens a connection anew that is in TIME-WAIT (RFC 9293 MAY-2). @default {true} */
  readonly reopensTimeWait?: boolean | undefined;
  /** Whether segments with both SYN and FIN are dropped. @default {false} */
  readonly dropsSynFin?: boolean | undefined;
  /** Challenge acknowledgments of a connection in a second (RFC 5961 section 7); more are not sent. @default {10} */
  readonly challengesPerSecond?: number | undefined;
  /** Hop limit, or time to live. @default {64} */
  readonly hopLimit?: number | undefined;
  /** Differentiated services code point. @default {0} */
  readonly dscp?: number | undefined;
  /** Whether ICMP's hard errors end a connection that is open, as RFC 1122 says and RFC 5927 advises against. @default {false} */
  readonly heedsHardErrors?: boolean | undefined;
  /** Whether packets are spread over the round trip instead of sent in bursts. @default {false} */
  readonly hasPacing?: boolean | undefined;
}

/** The options with their defaults, checked. */
export type TcpSettings =
  & { readonly [Name in Exclude<keyof TcpOptions, "windowScale">]-?: NonNullable<TcpOptions[Name]> }
  & BsdHabits
  & {
    /** Shift of our windows, -1 when they are not scaled. */
    readonly windowShift: number;
  };

/**
 * Checks options.
 *
 * @throws {TypeError} or {@linkcode RangeError} for a wrong one
 */
export function tcpSettings(options: TcpOptions): TcpSettings {
  const receiveBufferBytes = intOption("receiveBufferBytes", options.receiveBufferBytes, 262_144, 1, MAX_WINDOW);
  const minRtoMs = durationOption("minRtoMs", options.minRtoMs, 200);
  return {
    ...NO_BSD_HABITS,
    sendBufferBytes: intOption("sendBufferBytes", options.sendBufferBytes, 262_144, 1, MAX_WINDOW),
    receiveBufferBytes,
    maxBufferBytes: limitOption("maxBufferBytes", options.maxBufferBytes, 268_435_456, 1),
    maxConnections: limitOption("maxConnections", options.maxConnections, 65_536, 0),
    maxHalfOpen: limitOption("maxHalfOpen", options.maxHalfOpen, 1024, 0),
    hasSynCookies: options.hasSynCookies ?? true,
    maxTimeWait: limitOption("maxTimeWait", options.maxTimeWait, 65_536, 0),
    maxAnswers: limitOption("maxAnswers", options.maxAnswers, 1024, 0),
    maxOutOfOrderRanges: limitOption("maxOutOfOrderRanges", options.maxOutOfOrderRanges, 128, 0),
    congestion: choiceOption("congestion", options.congestion, "cubic", ["cubic", "newreno", "none"]),
    initialWindowSegments: limitOption("initialWindowSegments", options.initialWindowSegments, 10, 1),
    maxSegmentSize: limitOption("maxSegmentSize", options.maxSegmentSize, 65_495, 1),
    superSegmentBytes: intOption("superSegmentBytes", options.superSegmentBytes, 0, 0, MAX_SUPER_SEGMENT),
    windowShift: windowShift(options.windowScale ?? true, receiveBufferBytes),
    hasTimestamps: options.hasTimestamps ?? true,
    hasSack: options.hasSack ?? true,
    ecn: choiceOption("ecn", options.ecn, "accept", ["off", "accept", "request"]),
    hasNagle: options.hasNagle ?? true,
    delayedAckMs: durationOption("delayedAckMs", options.delayedAckMs, 40),
    initialRtoMs: Math.max(1, durationOption("initialRtoMs", options.initialRtoMs, 1000)),
    minRtoMs: Math.max(1, minRtoMs),
    maxRtoMs: Math.max(1, durationOption("maxRtoMs", options.maxRtoMs, 60_000)),
    connectTimeoutMs: durationOption("connectTimeoutMs", options.connectTimeoutMs, 180_000),
    maxSynRetries: limitOption("maxSynRetries", options.maxSynRetries, Infinity, 0),
    plainSynRetries: limitOption("plainSynRetries", options.plainSynRetries, 3, 0),
    ecnSynRetries: limitOption("ecnSynRetries", options.ecnSynRetries, 1, 0),
    userTimeoutMs: durationOption("userTimeoutMs", options.userTimeoutMs, 120_000),
    keepaliveMs: durationOption("keepaliveMs", options.keepaliveMs, Infinity),
    keepaliveIntervalMs: Math.max(1, durationOption("keepaliveIntervalMs", options.keepaliveIntervalMs, 75_000)),
    keepaliveProbes: limitOption("keepaliveProbes", options.keepaliveProbes, 9, 1),
    timeWaitMs: durationOption("timeWaitMs", options.timeWaitMs, 60_000),
    finWaitMs: durationOption("finWaitMs", options.finWaitMs, 60_000),
    idleTimeoutMs: durationOption("idleTimeoutMs", options.idleTimeoutMs, Infinity),
    halfOpenTimeoutMs: durationOption("halfOpenTimeoutMs", options.halfOpenTimeoutMs, 60_000),
    maxSynAckRetries: limitOption("maxSynAckRetries", options.maxSynAckRetries, 5, 0),
    strays: choiceOption("strays", options.strays, "reset", ["reset", "ignore", "listen"]),
    needsTimestamps: options.needsTimestamps ?? false,
    checksResets: options.checksResets ?? true,
    checksSyns: options.checksSyns ?? true,
    reopensTimeWait: options.reopensTimeWait ?? true,
    dropsSynFin: options.dropsSynFin ?? false,
    challengesPerSecond: limitOption("challengesPerSecond", options.challengesPerSecond, 10, 0),
    hopLimit: intOption("hopLimit", options.hopLimit, 64, 1, 255),
    dscp: intOption("dscp", options.dscp, 0, 0, 63),
    heedsHardErrors: options.heedsHardErrors ?? false,
    hasPacing: options.hasPacing ?? false,
  };
}

function intOption(name: string, value: number | undefined, fallback: number, min: number, max: number): number {
  const checked = limitOption(name, value, fallback, min);
  if (checked > max) throw new RangeError(`${name} must be at most ${max}, got ${checked}`);
  return checked;
}

/** The least shift that lets the window field say the whole buffer (RFC 7323 section 2.3: 14 at most). */
function windowShift(option: boolean | number, bytes: number): number {
  if (option === false) return -1;
  if (option !== true) {
    const shift = intOption("windowScale", option, 0, 0, 14);
    if (2 ** shift > bytes) throw new RangeError(`windowScale ${shift} cannot tell a window of ${bytes} bytes`);
    return shift;
  }
  let shift = 0;
  while (shift < 14 && 0xffff * 2 ** shift < bytes) shift++;
  return shift;
}
