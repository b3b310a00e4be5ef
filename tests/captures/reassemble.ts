/**
 * Runs a capture through the engines from file to byte streams, and says what came out in the terms of
 * `scripts/tshark_follow.ts`.
 *
 * @module
 */
import { createHash } from "node:crypto";
import type { FollowedSide, FollowedStream } from "../../scripts/tshark_follow.ts";
import { concat } from "../../src/bytes/mod.ts";
import type { LeatError } from "../../src/core/mod.ts";
import {
  type FlowEnd,
  type FlowEndpoint,
  type FlowError,
  type FlowRecord,
  FlowTracker,
  type FlowTrackerOptions,
} from "../../src/flow/mod.ts";
import { type Packet, packetTimeMs, SegmentDecoder } from "../../src/packet/mod.ts";
import { CaptureReader } from "../../src/pcap/mod.ts";

/** One direction, with what it said. */
export interface ReassembledSide {
  chunks: Uint8Array[];
  gaps: [offset: number, length: number][];
  /** `end`, or the error. */
  outcome: "end" | FlowError | undefined;
}

/** One flow, in order of first packets. */
export interface ReassembledFlow {
  record: FlowRecord;
  client: ReassembledSide;
  server: ReassembledSide;
  closedBy: FlowEnd | undefined;
}

/** All that came out of a capture. */
export interface Reassembled {
  packets: number;
  flows: ReassembledFlow[];
  /** Error of the file itself. */
  error: LeatError | undefined;
  isFinished: boolean;
}

const newSide = (): ReassembledSide => ({ chunks: [], gaps: [], outcome: undefined });

/** Reassembles all connections and conversations of a capture that comes in the given chunks. */
export function reassemble(chunks: Iterable<Uint8Array>, options: FlowTrackerOptions = {}): Reassembled {
  const result: Reassembled = { packets: 0, flows: [], error: undefined, isFinished: false };
  const flowOf = (record: FlowRecord) => record.user as ReassembledFlow;
  const tracker = new FlowTracker(options, {
    open: (record) => {
      const flow: ReassembledFlow = { record, client: newSide(), server: newSide(), closedBy: undefined };
      record.user = flow;
      result.flows.push(flow);
    },
    data: (record, side, bytes) => flowOf(record)[side].chunks.push(bytes.slice()),
    gap: (record, side, gap) => flowOf(record)[side].gaps.push([gap.offset, gap.length]),
    end: (record, side) => flowOf(record)[side].outcome = "end",
    error: (record, side, error) => flowOf(record)[side].outcome = error,
    close: (record, reason) => flowOf(record).closedBy = reason,
    finish: () => result.isFinished = true,
  });
  let latest = 0;
  const decoder = new SegmentDecoder({}, {
    item: (segment) => tracker.push(segment, latest),
    error: (error) => result.error = error,
    end: () => tracker.end(latest),
  });
  const reader = new CaptureReader({}, {
    item: (packet: Packet) => {
      result.packets++;
      latest = Math.max(latest, packetTimeMs(packet));
      decoder.push(packet, latest);
    },
    error: (error) => result.error = error,
    end: () => decoder.end(latest),
  });
  for (const chunk of chunks) reader.push(chunk);
  reader.end();
  return result;
}

/** What tshark would say of these flows. */
export function asFollowed(flows: readonly ReassembledFlow[]): FollowedStream[] {
  const counts = { tcp: 0, udp: 0 };
  const streams = flows.map(({ record: { key }, client, server }): FollowedStream => ({
    protocol: key.protocol,
    stream: counts[key.protocol]++,
    client: endpoint(key.client),
    server: endpoint(key.server),
    fromClient: side(client),
    fromServer: side(server),
  }));
  return [
    ...streams.filter(({ protocol }) => protocol === "tcp"),
    ...streams.filter(({ protocol }) => protocol === "udp"),
  ];
}

function side({ chunks, gaps }: ReassembledSide): FollowedSide {
  const bytes = concat(chunks);
  const digest = { bytes: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") };
  return gaps.length === 0 ? digest : { ...digest, gaps };
}

function endpoint({ address, port }: FlowEndpoint): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}
