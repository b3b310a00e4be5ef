/**
 * Calls of RxRPC as fields for programs.
 *
 * @module
 */
import type { Timestamp } from "../packet/mod.ts";
import { abortName } from "../rxrpc/abort_codes.ts";
import type { RxWatchedCall, RxWatchedTrack } from "../rxrpc/mod.ts";
import { formatTimestamp } from "./format/bytes.ts";

const SECURITY_NAMES: Readonly<Record<number, string>> = { 0: "none", 2: "rxkad", 4: "rxgk", 5: "rxk5", 6: "yfs-rxgk" };

/** Name of a security class. */
export function securityName(index: number): string {
  return SECURITY_NAMES[index] ?? `class ${index}`;
}

/** Everything that is known of a call. */
export function rxCallFields(call: RxWatchedCall): Record<string, unknown> {
  const { connection, abortCode } = call;
  return {
    call: call.id,
    client: connection.client,
    server: connection.server,
    epoch: hex(connection.epoch),
    cid: hex(connection.cid),
    channel: call.channel,
    callNumber: call.callNumber,
    service: call.service,
    security: securityName(connection.securityIndex),
    challenges: connection.challenges,
    responses: connection.responses,
    kvno: connection.kvno,
    start: formatTimestamp(captureTime(call.startedAt)),
    durationMs: milliseconds(call.lastAt - call.startedAt),
    state: call.state,
    abort: abortCode === undefined ? undefined : { code: abortCode, name: abortName(abortCode), by: call.abortedBy },
    busy: call.busy,
    request: trackFields(call.request),
    reply: trackFields(call.reply),
  };
}

function trackFields(track: RxWatchedTrack): Record<string, unknown> {
  const { rtt } = track;
  return {
    packets: track.packets,
    bytes: track.bytes,
    whole: track.isWhole,
    resent: track.resent,
    spurious: track.spurious,
    lost: lostOf(track),
    missing: track.missing,
    acks: track.acks,
    ackReasons: track.ackReasons,
    hardAck: track.hardAck,
    softAcked: track.softAcked,
    nacked: track.nacked,
    window: track.window,
    rttMs: rtt.samples === 0 ? undefined : {
      samples: rtt.samples,
      least: milliseconds(rtt.leastMs),
      mean: milliseconds(rtt.sumMs / rtt.samples),
      most: milliseconds(rtt.mostMs),
    },
  };
}

/** Packets that had to be sent again: those that had not come, as far as the capture tells. */
export function lostOf({ resent, spurious }: RxWatchedTrack): number {
  return resent - spurious;
}

/** A word of 32 bits, as epochs and numbers of connections are shown. */
export function hex(value: number): string {
  return value.toString(16).padStart(8, "0");
}

function milliseconds(value: number): number {
  return Number(value.toFixed(3));
}

/** Milliseconds of the watcher's time as a time of the capture, to about a microsecond. */
export function captureTime(ms: number): Timestamp {
  const seconds = Math.floor(ms / 1000);
  return { seconds, nanoseconds: Math.round((ms - 1000 * seconds) * 1e6) };
}
