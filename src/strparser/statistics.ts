/**
 * Counters: a set of zeros, sums over many parsers, and the kernel's names.
 *
 * @module
 */
import type { StreamParserStats } from "./options.ts";

/** Counters that can be counted up. */
export type Counts = { -readonly [Name in keyof StreamParserStats]: StreamParserStats[Name] };

/** Counters under the kernel's names, as `strp_aggregate_stats` sums them and `/proc/net/kcm_stats` shows them. */
export type LinuxCounters = {
  /** Messages handed out. */
  readonly msgs: number;
  /** Bytes taken. */
  readonly bytes: number;
  /** Memory that was refused. */
  readonly mem_fail: number;
  /** Chunks that left a length unknown. */
  readonly need_more_hdr: number;
  /** Messages longer than the limit. */
  readonly msg_too_big: number;
  /** Deadlines that passed. */
  readonly msg_timeouts: number;
  /** Lengths that can't be. */
  readonly bad_hdr_len: number;
  /** Parsers that ended with a failure of their own or a hand-over. */
  readonly interrupted: number;
  /** Parsers that ended with a hand-over in mid-message. */
  readonly unrecov_intr: number;
  /** Failures; always 0 in the kernel, whose code never sets the bit. */
  readonly aborts: number;
};

/** Zeros. */
export function newCounts(): Counts {
  return {
    messages: 0,
    bytes: 0,
    memoryFailures: 0,
    needMoreHeader: 0,
    messageTooBig: 0,
    headerTooBig: 0,
    timeouts: 0,
    badHeaderLength: 0,
    interrupted: 0,
    unrecoverable: 0,
    truncated: 0,
    discarded: 0,
    discardedBytes: 0,
    resyncs: 0,
    skippedBytes: 0,
    aborts: 0,
  };
}

/**
 * Sums counters, of parsers or of earlier sums, and leaves them as they are. In a sum, `interrupted` and
 * `unrecoverable` tell how many parsers ended so.
 *
 * @example
 * ```ts
 * import { aggregate, lengthPrefix, linuxCounters, StreamParser } from "@leat/streams/strparser";
 * import { assertEquals } from "@std/assert";
 *
 * const sink = { item: () => {}, error: () => {}, end: () => {} };
 * const parsers = [1, 2].map((size) => new StreamParser({ parser: lengthPrefix(size as 1 | 2) }, sink));
 * for (const parser of parsers) parser.push(Uint8Array.of(0, 0, 0, 0), 0);
 * const sum = aggregate(...parsers.map((parser) => parser.stats));
 * assertEquals([sum.messages, sum.bytes, linuxCounters(sum).msgs], [6, 8, 6]);
 * ```
 */
export function aggregate(...stats: readonly StreamParserStats[]): StreamParserStats {
  const sum = newCounts();
  for (const one of stats) {
    for (const name of Object.keys(sum) as (keyof Counts)[]) sum[name] += one[name];
  }
  return sum;
}

/** The same counters under the kernel's names; `headerTooBig`, which it has not, counts as `msg_too_big`. */
export function linuxCounters(stats: StreamParserStats): LinuxCounters {
  return {
    msgs: stats.messages,
    bytes: stats.bytes,
    mem_fail: stats.memoryFailures,
    need_more_hdr: stats.needMoreHeader,
    msg_too_big: stats.messageTooBig + stats.headerTooBig,
    msg_timeouts: stats.timeouts,
    bad_hdr_len: stats.badHeaderLength,
    interrupted: stats.interrupted,
    unrecov_intr: stats.unrecoverable,
    aborts: stats.aborts,
  };
}
