/**
 * Options of an endpoint, their defaults and limits.
 *
 * @module
 */
import { durationOption, limitOption } from "../core/limits.ts";
import type { FillRandom } from "../core/random.ts";
import type { IcmpInputOptions } from "./icmp_input.ts";
import type { IcmpOutputOptions } from "./icmp_output.ts";
import type { IpInputOptions } from "./ip_input.ts";
import type { PathMtuLimits } from "./path_mtu.ts";
import { type TcpOptions, type TcpSettings, tcpSettings } from "./tcp/tcp_settings.ts";
import type { UdpSettings } from "./udp_settings.ts";

/** RFC 791: every link takes so much, and no packet is longer. */
const MIN_MTU = 68;
const MAX_MTU = 0xffff;

/** Options of an endpoint; times are milliseconds. Those of TCP are for all connections. */
export interface L3L4Options extends TcpOptions {
  /** Largest IP packet that the link takes. IPv6 needs 1280, and gets so much whatever is said here. @default {1500} */
  readonly mtu?: number | undefined;
  /** Whether 127/8 and ::1 are addresses like all others. @default {false} */
  readonly hasLoopback?: boolean | undefined;
  /** Whether echoes (ping) are answered, from any address; else they are handed over. @default {true} */
  readonly answersEcho?: boolean | undefined;
  /** Answers to echoes in a second; more get none, and are counted. @default {Infinity} */
  readonly echoRepliesPerSecond?: number | undefined;
  /** ICMP errors sent in a second (RFC 4443 section 2.4 f); more are counted only. @default {100} */
  readonly icmpErrorsPerSecond?: number | undefined;
  /** ICMP messages that wait to be handed over; more are dropped and counted. @default {256} */
  readonly maxIcmpMessages?: number | undefined;
  /** Bytes of fragments held, with overhead; the oldest datagrams give way. @default {4194304} */
  readonly maxFragmentBytes?: number | undefined;
  /** Datagrams that miss fragments; the oldest gives way. @default {1024} */
  readonly maxFragmentDatagrams?: number | undefined;
  /** Fragments of one datagram; one of more is dropped. @default {512} */
  readonly maxFragmentsPerDatagram?: number | undefined;
  /** How long fragments of IPv4 wait. @default {30000} */
  readonly fragmentTimeoutMs?: number | undefined;
  /** How long fragments of IPv6 wait (RFC 8200 section 4.5). @default {60000} */
  readonly fragmentTimeoutV6Ms?: number | undefined;
  /** Destinations whose path takes less than the link, remembered; the one learnt first gives way. @default {1024} */
  readonly maxPathMtus?: number | undefined;
  /** How long one is remembered (RFC 1191 section 6.3). @default {600000} */
  readonly pathMtuMs?: number | undefined;
  /** UDP ports: flows and bound ones. Beyond that, datagrams of new flows are dropped. @default {16384} */
  readonly maxUdpPorts?: number | undefined;
  /** Datagrams that wait in one UDP port, each way: more that come are dropped, more to send wait for room. @default {256} */
  readonly maxUdpQueue?: number | undefined;
  /** Bytes of datagrams that wait, all ports and ICMP together, with overhead; beyond, as `maxUdpQueue`. @default {16777216} */
  readonly maxDatagramBytes?: number | undefined;
  /** Without datagrams either way for so long a flow is over that a peer began. @default {300000} */
  readonly udpIdleTimeoutMs?: number | undefined;
}

/** What an engine needs besides. */
export interface L3L4EngineOptions extends L3L4Options {
  /** Secrets are drawn from it. */
  readonly random: FillRandom;
}

/** The options with their defaults, checked. */
export interface L3L4Settings {
  /** See {@linkcode L3L4Options.mtu}. */
  readonly mtu: number;
  /** See {@linkcode L3L4Options.maxDatagramBytes}. */
  readonly maxDatagramBytes: number;
  /** For packets that come. */
  readonly input: IpInputOptions;
  /** For paths. */
  readonly paths: PathMtuLimits;
  /** For ICMP. */
  readonly icmp: IcmpInputOptions & IcmpOutputOptions;
  /** For UDP. */
  readonly udp: UdpSettings;
  /** For TCP. */
  readonly tcp: TcpSettings;
  /** See {@linkcode L3L4EngineOptions.random}. */
  readonly random: FillRandom;
}

/**
 * Checks options.
 *
 * @throws {TypeError} or {@linkcode RangeError} for a wrong one
 */
export function l3l4Settings(options: L3L4EngineOptions): L3L4Settings {
  if (typeof options.random !== "function") throw new TypeError("random must be a function");
  const tcp = tcpSettings(options);
  const { dscp, hopLimit } = tcp;
  return {
    mtu: checkMtu(options.mtu ?? 1500),
    maxDatagramBytes: limitOption("maxDatagramBytes", options.maxDatagramBytes, 16_777_216, 0),
    input: {
      hasLoopback: options.hasLoopback ?? false,
      maxFragmentBytes: limitOption("maxFragmentBytes", options.maxFragmentBytes, 4_194_304, 0),
      maxFragmentDatagrams: limitOption("maxFragmentDatagrams", options.maxFragmentDatagrams, 1024),
      maxFragmentsPerDatagram: limitOption("maxFragmentsPerDatagram", options.maxFragmentsPerDatagram, 512),
      v4TimeoutMs: durationOption("fragmentTimeoutMs", options.fragmentTimeoutMs, 30_000),
      v6TimeoutMs: durationOption("fragmentTimeoutV6Ms", options.fragmentTimeoutV6Ms, 60_000),
    },
    paths: {
      maxPathMtus: limitOption("maxPathMtus", options.maxPathMtus, 1024, 0),
      pathMtuMs: durationOption("pathMtuMs", options.pathMtuMs, 600_000),
    },
    icmp: {
      hopLimit,
      answersEcho: options.answersEcho ?? true,
      echoRepliesPerSecond: limitOption("echoRepliesPerSecond", options.echoRepliesPerSecond, Infinity, 0),
      icmpErrorsPerSecond: limitOption("icmpErrorsPerSecond", options.icmpErrorsPerSecond, 100, 0),
      maxIcmpMessages: limitOption("maxIcmpMessages", options.maxIcmpMessages, 256, 0),
    },
    udp: {
      hopLimit,
      dscp,
      maxUdpPorts: limitOption("maxUdpPorts", options.maxUdpPorts, 16_384, 0),
      maxUdpQueue: limitOption("maxUdpQueue", options.maxUdpQueue, 256),
      udpIdleTimeoutMs: durationOption("udpIdleTimeoutMs", options.udpIdleTimeoutMs, 300_000),
    },
    tcp,
    random: options.random,
  };
}

/**
 * Checks the size of the largest packet.
 *
 * @throws {RangeError} when it can't be
 */
export function checkMtu(mtu: number): number {
  if (Number.isInteger(mtu) && mtu >= MIN_MTU && mtu <= MAX_MTU) return mtu;
  throw new RangeError(`mtu must be an integer from ${MIN_MTU} to ${MAX_MTU}, got ${mtu}`);
}
