/**
 * Answers to DEBUG packets out of an endpoint's tables.
 *
 * @module
 */
import { readU32 } from "../bytes/integers.ts";
import type { RxCall } from "./call.ts";
import type { RxConnection } from "./connection.ts";
import {
  badDebugKind,
  encodeDebugConnection,
  encodeDebugCounters,
  encodeDebugPeer,
  encodeDebugStats,
  type RxDebugChannel,
  type RxDebugConnection,
  type RxDebugCounters,
  RxDebugKind,
  type RxDebugPeer,
} from "./debug_records.ts";
import type { RxEndpointEngineOptions } from "./endpoint_options.ts";
import type { RxPeer } from "./peer.ts";
import type { RxAddress } from "./ports.ts";

const ACTIVE = 2;
const DALLY = 3;
const SENDING = 1;
const RECEIVING = 2;

/** What is told of an endpoint. */
export interface DebugView {
  /** Calls that were served. */
  readonly callsExecuted: number;
  /** Calls that wait for a channel. */
  readonly waiting: number;
  /** All connections, in an order that lasts. */
  connections(): Iterable<RxConnection>;
  /** All peers. */
  peers(): Iterable<RxPeer>;
  /** Counters of packets. */
  counters(): RxDebugCounters;
}

/** The answer to a question; `undefined` to what is none. */
export function debugAnswer(view: DebugView, question: Uint8Array): Uint8Array | undefined {
  if (question.length < 8) return undefined;
  const index = readU32(question, 4);
  switch (readU32(question, 0)) {
    case RxDebugKind.stats:
      return encodeDebugStats({
        callsExecuted: view.callsExecuted,
        waiting: view.waiting,
        packets: 0,
        freePackets: 0,
        idleThreads: 0,
      });
    case RxDebugKind.connection:
      return encodeDebugConnection(nth(view.connections(), index, (one) => one.isBusy, debugConnection));
    case RxDebugKind.anyConnection:
      return encodeDebugConnection(nth(view.connections(), index, () => true, debugConnection));
    case RxDebugKind.counters:
      return encodeDebugCounters(view.counters());
    case RxDebugKind.peer:
      return encodeDebugPeer(nth(view.peers(), index, () => true, debugPeer));
    default:
      return badDebugKind();
  }
}

function nth<From, To>(
  all: Iterable<From>,
  index: number,
  counts: (one: From) => boolean,
  show: (one: From) => To,
): To | undefined {
  let left = index;
  for (const one of all) {
    if (counts(one) && left-- === 0) return show(one);
  }
  return undefined;
}

/** A connection as DEBUG shows it. */
export function debugConnection(connection: RxConnection): RxDebugConnection {
  const { peer, cid, epoch, securityIndex, isClient } = connection;
  return {
    address: peer.address.address,
    port: peer.address.port,
    cid,
    epoch,
    serial: connection.serial,
    error: connection.deadCode ?? 0,
    isServer: !isClient,
    securityIndex,
    level: connection.identity?.level ?? 0,
    natMtu: peer.maxMtu,
    channels: connection.channels.map(({ callNumber, call }) => debugChannel(callNumber, call)),
  };
}

function debugChannel(callNumber: number, call: RxCall | undefined): RxDebugChannel {
  if (call === undefined) return { callNumber, state: callNumber === 0 ? 0 : DALLY, mode: 0, flags: 0, other: 0 };
  const { sending } = call;
  return {
    callNumber,
    state: ACTIVE,
    mode: call.isWritable ? SENDING : RECEIVING,
    flags: 0,
    other: sending.length > 0 ? 2 : 0,
  };
}

/** A peer as DEBUG shows it. */
export function debugPeer(peer: RxPeer): RxDebugPeer {
  return {
    address: peer.address.address,
    port: peer.address.port,
    refCount: peer.serviceConnections,
    rttMs: peer.rtt?.srtt ?? 0,
    rttDeviationMs: peer.rtt?.variance ?? 0,
    sent: peer.sent,
    resent: peer.resent,
    maxMtu: peer.maxMtu,
    window: peer.threshold,
  };
}

/** Why nothing is told there, if so. An application that fails at it is no reason to end the calls of others. */
export function debugRefusal(answers: RxEndpointEngineOptions["answersDebug"], from: RxAddress): string | undefined {
  try {
    return answers?.(from) === true ? undefined : "DEBUG";
  } catch {
    return "answersDebug threw";
  }
}
