/** Packets of RxRPC as tshark reads them, and as we do. */
import { execFileSync } from "node:child_process";
import { assertEquals } from "@std/assert";
import { decodeAck } from "../../../src/rxrpc/ack.ts";
import { abortCodeOf } from "../../../src/rxrpc/control_packet.ts";
import { decodeHeader, HEADER_BYTES } from "../../../src/rxrpc/header.ts";
import { RxPacketType } from "../../../src/rxrpc/packet_types.ts";
import { RxWatcher } from "../../../src/rxrpc/mod.ts";
import { IpProtocol, type Segment, SegmentDecoder } from "../../../src/packet/mod.ts";
import { CaptureReader } from "../../../src/pcap/mod.ts";

const HEAD = ["cid", "callnumber", "seq", "serial", "type", "flags", "serviceid"];
const ACK = ["first", "reason", "num_acks", "ack_type"];
const FIELDS = ["frame.number", ...[...HEAD, ...ACK, "abort_code"].map((name) => `rx.${name}`)];

/** UDP segments of a capture. */
export function udpSegments(file: Uint8Array): Segment[] {
  const segments: Segment[] = [];
  const fail = (error: unknown): void => {
    throw error;
  };
  const decoder = new SegmentDecoder({}, {
    item: (segment) => segment.protocol === IpProtocol.UDP && segments.push(segment),
    error: fail,
    end: () => {},
  });
  const reader = new CaptureReader({}, { item: (packet) => decoder.push(packet, 0), error: fail, end: () => {} });
  reader.push(file);
  reader.end();
  return segments;
}

/** A datagram as the fields that tshark shows. */
function ourFields(data: Uint8Array): string {
  const header = decodeHeader(data)!;
  const { cid, callNumber, seq, serial, type, flags, serviceId } = header;
  const head = [cid, callNumber, seq, serial, type, `0x${flags.toString(16).padStart(2, "0")}`, serviceId];
  const body = data.subarray(HEADER_BYTES);
  const ack = type === RxPacketType.ACK ? decodeAck(body) : undefined;
  const told = ack === undefined
    ? ["", "", "", ""]
    : [ack.firstPacket, ack.reason, ack.acks.length, ack.acks.map(Number).join(",")];
  const abort = type === RxPacketType.ABORT ? abortCodeOf(body) : "";
  return [...head, ...told, abort].join(" ");
}

function theirFields(line: string): [number, string] {
  const [frame, ...fields] = line.split("\t");
  // bodies have fields of the same names: serial numbers in ACK packets, numbers of calls in responses
  const head = fields.slice(0, HEAD.length).map((field) => field.split(",")[0]);
  return [Number(frame), [...head, ...fields.slice(HEAD.length)].join(" ")];
}

/** Compares each packet, then what a watcher makes of all of them; returns how many there are. */
export function compareWithTshark(path: string, file: Uint8Array): number {
  const segments = udpSegments(file);
  const ports = new Set(segments.map(({ sourcePort, destinationPort }) => Math.min(sourcePort, destinationPort)));
  const decodeAs = [...ports].flatMap((port) => ["-d", `udp.port==${port},rx`]);
  const fields = FIELDS.flatMap((field) => ["-e", field]);
  const args = ["-r", path, ...decodeAs, "-Y", "rx.type", "-T", "fields", ...fields];
  const output = execFileSync("tshark", args, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
    maxBuffer: 2 ** 28,
  });
  const theirs = new Map(output.replace(/\n$/, "").split("\n").map(theirFields));
  const ours = new Map<number, string>();
  for (const { packet, payload } of segments) {
    if (payload.length >= HEADER_BYTES) ours.set(packet.number, ourFields(payload));
  }
  assertEquals([...theirs.keys()].filter((frame) => !ours.has(frame)), []);
  for (const [frame, line] of theirs) assertEquals(ours.get(frame), line, `frame ${frame}`);
  compareTotals(segments, theirs);
  return theirs.size;
}

/** Packets of data and acknowledgements by reason, summed over the calls of a watcher. */
function compareTotals(segments: readonly Segment[], theirs: ReadonlyMap<number, string>): void {
  const totals = { acks: 0, data: 0, jumbo: 0, calls: 0 };
  const watcher = new RxWatcher({ lingerMs: 60_000 }, {
    packet: ({ header, call }) => {
      if (call === undefined) return;
      if (header.type === RxPacketType.ACK) totals.acks++;
      if (header.type === RxPacketType.DATA) totals.data++;
    },
    closed: () => totals.calls++,
  });
  const seen = new Set<string>();
  let at = 0;
  for (const segment of segments) {
    if (segment.payload.length < HEADER_BYTES || !theirs.has(segment.packet.number)) continue;
    const before = totals.data;
    const from = { address: segment.sourceAddress, port: segment.sourcePort };
    const to = { address: segment.destinationAddress, port: segment.destinationPort };
    watcher.push({ data: segment.payload, from, to }, at++);
    // tshark knows the first packet of a jumbogram only
    totals.jumbo += Math.max(0, totals.data - before - 1);
    const { epoch, cid, callNumber, flags, type } = decodeHeader(segment.payload)!;
    const ends = (flags & 1) === 1 ? [from, to] : [to, from];
    if (callNumber > 0 && type < RxPacketType.DEBUG) seen.add(JSON.stringify([ends, epoch, cid, callNumber]));
  }
  watcher.end(at);
  const lines = [...theirs.values()].map((line) => line.split(" "));
  const count = (type: number): number => lines.filter(([, call, , , is]) => call !== "0" && is === `${type}`).length;
  const late = watcher.stats.late;
  const differences = [
    count(RxPacketType.DATA) + count(RxPacketType.ACK) + totals.jumbo - totals.data - totals.acks,
    seen.size - totals.calls,
  ];
  // packets of older calls are told without their call
  assertEquals(
    differences.every((difference) => difference >= 0 && difference <= late),
    true,
    `${differences}, ${late} late`,
  );
}
