/**
 * Options and counters of the segment decoder.
 *
 * @module
 */
import { callbackOption, choiceOption, durationOption, limitOption, needObject } from "../core/limits.ts";
import type { PacketError } from "./errors.ts";
import type { FragmentLimits } from "./fragment_table.ts";
import type { Packet } from "./packet.ts";
import type { SkipReason } from "./skip_reasons.ts";

/** How long fragments wait for the rest of their datagram, in milliseconds from the first one on. */
export interface FragmentTimeoutMs {
  /**
   * IPv4 (RFC 1122 section 3.3.2 leaves it to the implementation).
   * @default 30000
   */
  v4?: number | undefined;
  /**
   * IPv6 (RFC 8200 section 4.5).
   * @default 60000
   */
  v6?: number | undefined;
}

/** Options of {@linkcode SegmentDecoder}. */
export interface SegmentDecoderOptions {
  /**
   * Whether IPv4 header, TCP, UDP and ICMP checksums are verified. Off by default, because captures on the sending host
   * hold the wrong ones where the network card fills them in.
   * @default false
   */
  verifyChecksums?: boolean | undefined;
  /**
   * What happens to a segment with a wrong checksum: dropped and counted, or handed out as `invalid`.
   * @default "drop"
   */
  badChecksum?: "drop" | "keep" | undefined;
  /**
   * What happens to packets that are source routed (IPv4 options LSRR and SSRR, IPv6 routing type 0): dropped and
   * counted, as hosts do (RFC 5095, RFC 7126), or handed out.
   * @default "drop"
   */
  sourceRouted?: "drop" | "keep" | undefined;
  /** Called for each packet that gives no segment. */
  onSkip?: ((packet: Packet, reason: SkipReason) => void) | undefined;
  /**
   * Called for each packet that is malformed, cut or over a limit. The error's `offset` counts from the link header, or
   * where a datagram was put together from fragments, from its own header.
   */
  onError?: ((error: PacketError, packet: Packet) => void) | undefined;
  /**
   * Bytes of fragments held, all datagrams together, with 192 for each fragment on top. Beyond it the oldest datagrams
   * are evicted and counted.
   * @default 4194304
   */
  maxFragmentBytes?: number | undefined;
  /**
   * Incomplete datagrams held. Beyond it the oldest is evicted and counted.
   * @default 1024
   */
  maxFragmentDatagrams?: number | undefined;
  /**
   * Fragments of one datagram; one with more is dropped and counted. 512 lets the largest datagram come in pieces of
   * 128 bytes.
   * @default 512
   */
  maxFragmentsPerDatagram?: number | undefined;
  /** How long fragments wait. */
  fragmentTimeoutMs?: FragmentTimeoutMs | undefined;
}

/** Counters of {@linkcode SegmentDecoder}. `packets` = `segments` + `skipped` + fragments that completed nothing. */
export type SegmentDecoderStats = {
  /** Packets in. */
  readonly packets: number;
  /** Captured bytes in, with link headers. */
  readonly bytes: number;
  /** Segments out. */
  readonly segments: number;
  /** Captured payload bytes out. */
  readonly payloadBytes: number;
  /** Packets that were skipped; by reason in `reasons`. */
  readonly skipped: number;
  /** IP fragments in. */
  readonly fragments: number;
  /** Datagrams put together from fragments. */
  readonly reassembled: number;
  /** Packets with an IP length of 0, taken at their captured length (segmentation offload). */
  readonly zeroTotalLength: number;
  /** Bytes of fragments held now, with overhead. */
  readonly heldFragmentBytes: number;
  /** Incomplete datagrams held now. */
  readonly heldFragmentDatagrams: number;
  /** Datagrams given up because fragments were missing for too long, or still at the end. */
  readonly fragmentTimeouts: number;
  /** Datagrams given up to make room for others. */
  readonly fragmentEvictions: number;
};

/** The options with all defaults filled in. */
export interface CheckedOptions extends FragmentLimits {
  /** Whether checksums are verified. */
  readonly isVerifying: boolean;
  /** Whether segments with a wrong checksum are handed out. */
  readonly keepsBad: boolean;
  /** Whether source routed packets are handed out. */
  readonly keepsRouted: boolean;
  /** As given. */
  readonly onSkip: SegmentDecoderOptions["onSkip"];
  /** As given. */
  readonly onError: SegmentDecoderOptions["onError"];
}

/** Checks the options and fills in the defaults. */
export function checkOptions(options: SegmentDecoderOptions): CheckedOptions {
  needObject("options", options);
  const { onSkip, onError, verifyChecksums = false, fragmentTimeoutMs = {} } = options;
  if (typeof verifyChecksums !== "boolean") {
    throw new TypeError(`verifyChecksums must be a boolean, got ${typeof verifyChecksums}`);
  }
  return {
    isVerifying: verifyChecksums,
    keepsBad: choiceOption("badChecksum", options.badChecksum, "drop", ["drop", "keep"]) === "keep",
    keepsRouted: choiceOption("sourceRouted", options.sourceRouted, "drop", ["drop", "keep"]) === "keep",
    onSkip: callbackOption("onSkip", onSkip),
    onError: callbackOption("onError", onError),
    maxFragmentBytes: limitOption("maxFragmentBytes", options.maxFragmentBytes, 4 * 1024 * 1024),
    maxFragmentDatagrams: limitOption("maxFragmentDatagrams", options.maxFragmentDatagrams, 1024),
    maxFragmentsPerDatagram: limitOption("maxFragmentsPerDatagram", options.maxFragmentsPerDatagram, 512),
    v4TimeoutMs: durationOption("fragmentTimeoutMs.v4", fragmentTimeoutMs.v4, 30_000),
    v6TimeoutMs: durationOption("fragmentTimeoutMs.v6", fragmentTimeoutMs.v6, 60_000),
  };
}
