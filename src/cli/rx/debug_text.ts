/**
 * What endpoints tell about themselves, as tables for people and fields for programs.
 *
 * @module
 */
import { abortName } from "../../rxrpc/abort_codes.ts";
import type { RxDebugChannel, RxDebugConnection, RxDebugCounters, RxDebugPeer, RxDebugStats } from "../../rxrpc/mod.ts";
import { RxPacketType } from "../../rxrpc/packet_types.ts";
import { formatEndpoint } from "../filter_subject.ts";
import { formatCount } from "../format/bytes.ts";
import { type Column, tableLines } from "../format/table.ts";
import { hex, securityName } from "../rx_call_fields.ts";

const STATES = ["none", "precall", "active", "dally", "hold", "reset"] as const;
const MODES = ["-", "sending", "receiving", "error", "eof"] as const;
const CALL_FLAGS: readonly (readonly [number, string])[] = [
  [1, "reader waits"],
  [2, "waits for window"],
  [4, "window full"],
  [8, "waits for packets"],
  [16, "waits for a thread"],
  [32, "all received"],
  [64, "cleared"],
  [128, "queue busy"],
];
const LEVELS = ["clear", "auth", "crypt"] as const;

/** One line of JSON. */
export function jsonLine(type: string, fields: object): string {
  return JSON.stringify({ type, ...fields });
}

/** The endpoint as a whole. */
export function statsLine(
  { version, callsExecuted, waiting, packets, freePackets, idleThreads }: RxDebugStats,
): string {
  const parts = [
    `records of form ${version}`,
    `${formatCount(callsExecuted)} calls served`,
    `${formatCount(waiting)} waiting`,
    ...(packets === 0 ? [] : [`${formatCount(freePackets)} of ${formatCount(packets)} packets free`]),
    `${formatCount(idleThreads)} idle threads`,
  ];
  return `stats    ${parts.join(", ")}`;
}

/** Names of packet types, 1 first. */
function byType(counts: readonly number[]): Record<string, number> {
  const named = Object.entries(RxPacketType).map(([name, type]) => [name, counts[type - 1] ?? 0] as const);
  return Object.fromEntries(named);
}

/** Counters with names in place of numbers of types. */
export function countersJson({ packetsRead, packetsSent, others }: RxDebugCounters): object {
  return { packetsRead: byType(packetsRead), packetsSent: byType(packetsSent), ...others };
}

/** Counters: packets by type, then all others that are not zero. */
export function counterLines({ packetsRead, packetsSent, others }: RxDebugCounters): string[] {
  const [read, sent] = [byType(packetsRead), byType(packetsSent)];
  const rows = Object.keys(read)
    .filter((name) => read[name]! + sent[name]! > 0)
    .map((name) => [name, formatCount(read[name]!), formatCount(sent[name]!)]);
  const columns: readonly Column[] = [
    { title: "packets" },
    { title: "read", align: "right" },
    { title: "sent", align: "right" },
  ];
  const rest = Object.entries(others).filter(([, count]) => count > 0);
  const told = rest.map(([name, count]) => `${name} ${formatCount(count)}`).join(", ");
  return [...tableLines(columns, rows), ...(told === "" ? [] : [told])];
}

const CONNECTION_COLUMNS: readonly Column[] = [
  { title: "connection" },
  { title: "peer" },
  { title: "role" },
  { title: "security" },
  { title: "serial", align: "right" },
  { title: "mtu", align: "right" },
  { title: "error" },
  { title: "channel", align: "right" },
  { title: "call", align: "right" },
  { title: "state" },
  { title: "mode" },
  { title: "flags" },
];

/** Connections, a line for each channel that was ever used. */
export function connectionLines(connections: readonly RxDebugConnection[]): string[] {
  if (connections.length === 0) return ["no connections with calls; --all shows the others"];
  const rows = connections.flatMap((connection) => {
    const head = [
      `${hex(connection.epoch)}/${hex(connection.cid)}`,
      formatEndpoint(connection),
      connection.isServer ? "server" : "client",
      securityAndLevel(connection),
      formatCount(connection.serial),
      String(connection.natMtu),
      connection.error === 0 ? "-" : abortName(connection.error) ?? String(connection.error),
    ];
    const used = connection.channels
      .map((channel, index) => [channel, index] as const)
      .filter(([{ callNumber, state }]) => callNumber > 0 || state > 0);
    if (used.length === 0) return [[...head, "-", "-", "-", "-", ""]];
    return used.map(([channel, index], line) => [
      ...(line === 0 ? head : head.map(() => "")),
      String(index),
      String(channel.callNumber),
      ...stateCells(channel),
    ]);
  });
  return tableLines(CONNECTION_COLUMNS, rows);
}

function stateCells({ state, mode, flags, other }: RxDebugChannel): [string, string, string] {
  const named = CALL_FLAGS.filter(([bit]) => (flags & bit) !== 0).map(([, name]) => name);
  if ((other & 1) !== 0) named.push("to be read");
  if ((other & 2) !== 0) named.push("to be sent");
  return [STATES[state] ?? String(state), MODES[mode] ?? String(mode), named.join(", ")];
}

/** A connection with names in place of numbers. */
export function connectionJson(connection: RxDebugConnection): object {
  return {
    ...connection,
    epoch: hex(connection.epoch),
    cid: hex(connection.cid),
    security: securityAndLevel(connection),
    channels: connection.channels.map((channel) => {
      const [state, mode] = stateCells(channel);
      return { ...channel, state, mode };
    }),
  };
}

/** Peers. */
export function peerLines(peers: readonly RxDebugPeer[]): string[] {
  if (peers.length === 0) return ["no peers"];
  const columns: readonly Column[] = [
    { title: "peer" },
    { title: "rtt", align: "right" },
    { title: "deviation", align: "right" },
    { title: "sent", align: "right" },
    { title: "resent", align: "right" },
    { title: "max mtu", align: "right" },
    { title: "window", align: "right" },
    { title: "references", align: "right" },
  ];
  const rows = peers.map((peer) => [
    formatEndpoint(peer),
    `${peer.rttMs.toFixed(3)} ms`,
    `${peer.rttDeviationMs.toFixed(3)} ms`,
    formatCount(peer.sent),
    formatCount(peer.resent),
    String(peer.maxMtu),
    String(peer.window),
    String(peer.refCount),
  ]);
  return tableLines(columns, rows);
}

function securityAndLevel({ securityIndex, level }: RxDebugConnection): string {
  const name = securityName(securityIndex);
  return securityIndex === 2 ? `${name} ${LEVELS[level] ?? level}` : name;
}
