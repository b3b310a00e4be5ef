/**
 * What tshark makes of a capture: every TCP and UDP stream with both of its directions, as `-z follow` prints them.
 *
 * The peer of the comparison tests. Where tshark drops information (it glues cut-off payloads together, and its notes
 * of missing bytes stand among the bytes), the holes are worked out here from sequence numbers, without any code of
 * this package.
 *
 * @module
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";

/** One direction of a stream. */
export interface FollowedSide {
  /** Bytes that the capture holds. */
  bytes: number;
  /** SHA-256 of those bytes, holes left out, in hex. */
  sha256: string;
  /** Holes: position in the byte stream (holes counted) and length. Absent where there are none. */
  gaps?: [offset: number, length: number][];
}

/** One TCP connection or UDP conversation. */
export interface FollowedStream {
  /** Transport protocol. */
  protocol: "tcp" | "udp";
  /** Number that tshark gives it: `tcp.stream` or `udp.stream`. */
  stream: number;
  /** `address:port` of the end that sent the SYN, or was heard first. */
  client: string;
  /** `address:port` of the other end. */
  server: string;
  /** What the client sent. */
  fromClient: FollowedSide;
  /** What the server sent. */
  fromServer: FollowedSide;
}

/** What tshark says of one capture. */
export interface FollowedCapture {
  /** Number of packets. */
  packets: number;
  /** Streams, TCP before UDP, in the order of their numbers. */
  streams: FollowedStream[];
}

interface PacketRow {
  source: string;
  destination: string;
  flags: number;
  sequence: number;
  /** Payload on the wire. */
  length: number;
  /** Payload in the capture. */
  captured: number;
}

const MISSING = /^\[\d+ bytes missing in capture file\]\0?$/;
const SYN = 0x02, FIN = 0x01, ACK = 0x10;

/** Runs tshark and gives what it printed. Its complaints about running as root are dropped. */
function tshark(args: string[]): string {
  return execFileSync("tshark", args, { encoding: "utf8", maxBuffer: 1 << 28, stdio: ["ignore", "pipe", "ignore"] });
}

/** Version line of the tshark in PATH; throws where there is none. */
export function tsharkVersion(): string {
  return tshark(["--version"]).split("\n", 1)[0]!;
}

/** Reads a whole capture by way of tshark. */
export function followCapture(path: string): FollowedCapture {
  const packets = tshark(["-r", path, "-T", "fields", "-e", "frame.number"]).trim().split("\n").length;
  const streams = (["tcp", "udp"] as const).flatMap((protocol) => {
    const rows = streamRows(path, protocol);
    const numbers = [...rows.keys()].sort((a, b) => a - b);
    const listings = followAll(path, protocol, numbers);
    return numbers.map((stream, index) => followedStream(protocol, stream, rows.get(stream)!, listings[index]!));
  });
  return { packets, streams };
}

/** The packets of each stream, with what is needed to find its ends and its holes. */
function streamRows(path: string, protocol: "tcp" | "udp"): Map<number, PacketRow[]> {
  const fields = ["stream", "srcport", "dstport"].map((name) => `${protocol}.${name}`);
  fields.push("ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "frame.len", "frame.cap_len");
  fields.push("tcp.flags", "tcp.seq_raw", "tcp.len");
  const text = tshark(["-r", path, "-Y", protocol, "-T", "fields", ...fields.flatMap((name) => ["-e", name])]);
  const streams = new Map<number, PacketRow[]>();
  for (const line of text.split("\n").filter((line) => line !== "")) {
    const [stream, from, to, from4, to4, from6, to6, wire, captured, flags, sequence, length] = line.split("\t");
    const cut = Number(wire) - Number(captured);
    const row: PacketRow = {
      source: endpoint(from4! || from6!, from!),
      destination: endpoint(to4! || to6!, to!),
      flags: Number(flags),
      sequence: Number(sequence),
      length: Number(length),
      captured: Math.max(0, Number(length) - cut),
    };
    streams.set(Number(stream), [...(streams.get(Number(stream)) ?? []), row]);
  }
  return streams;
}

function endpoint(address: string, port: string): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/** The listing of each stream, from one run of tshark for all. */
function followAll(path: string, protocol: "tcp" | "udp", streams: readonly number[]): string[] {
  if (streams.length === 0) return [];
  const wanted = streams.flatMap((stream) => ["-z", `follow,${protocol},raw,${stream}`]);
  const listings = new Map(
    tshark(["-r", path, "-q", ...wanted]).split("Follow: ").slice(1)
      .map((listing) => [Number(/^Filter: \w+\.stream eq (\d+)$/m.exec(listing)![1]), listing]),
  );
  return streams.map((stream) => listings.get(stream)!);
}

function followedStream(
  protocol: "tcp" | "udp",
  stream: number,
  rows: PacketRow[],
  listing: string,
): FollowedStream {
  const first = rows[0]!;
  const answersSyn = protocol === "tcp" && (first.flags & (SYN | ACK)) === (SYN | ACK);
  const client = answersSyn ? first.destination : first.source;
  const server = answersSyn ? first.source : first.destination;
  const bytes = followedBytes(listing);
  const side = (from: string): FollowedSide => {
    const content = bytes.get(from) ?? new Uint8Array(0);
    const digest = { bytes: content.length, sha256: createHash("sha256").update(content).digest("hex") };
    if (protocol === "udp") return digest;
    const gaps = holes(rows.filter((row) => row.source === from), content.length);
    return gaps.length === 0 ? digest : { ...digest, gaps };
  };
  return { protocol, stream, client, server, fromClient: side(client), fromServer: side(server) };
}

/** Reads the listing of `-z follow,...,raw`: lines of hex, those of the second node behind a tab. */
function followedBytes(listing: string): Map<string, Uint8Array> {
  const lines = listing.split("\n");
  const nodes = [0, 1].map((node) => lines.find((line) => line.startsWith(`Node ${node}: `))!.slice(8));
  const parts: Uint8Array[][] = [[], []];
  for (const line of lines) {
    if (!/^\t?[0-9a-f]+$/.test(line)) continue;
    const content = Buffer.from(line.trim(), "hex");
    if (!MISSING.test(content.toString("latin1"))) parts[line.startsWith("\t") ? 1 : 0]!.push(content);
  }
  return new Map(nodes.map((node, index) => [node, Buffer.concat(parts[index]!)]));
}

/** Holes of one TCP direction: what lies between its first byte and its last one or FIN and was in no packet. */
function holes(rows: PacketRow[], followed: number): [number, number][] {
  const syn = rows.find((row) => row.flags & SYN);
  const start = syn ? syn.sequence + 1 : rows.length > 0 ? Math.min(...rows.map((row) => row.sequence)) : 0;
  const at = (sequence: number): number => (sequence - start) | 0;
  const spans = rows.filter((row) => row.captured > 0).map((row) => ({
    from: at(row.sequence),
    to: at(row.sequence) + row.captured,
  }));
  const ends = rows.filter((row) => row.length > 0 || row.flags & FIN).map((row) => at(row.sequence) + row.length);
  spans.push({ from: Math.max(0, ...ends), to: Math.max(0, ...ends) });
  const gaps: [number, number][] = [];
  let covered = 0;
  for (const span of spans.sort((a, b) => a.from - b.from)) {
    if (span.from > covered) gaps.push([covered, span.from - covered]);
    covered = Math.max(covered, span.to);
  }
  const missing = gaps.reduce((sum, gap) => sum + gap[1], 0);
  if (covered - missing !== followed) {
    throw new Error(`tshark followed ${followed} bytes, sequence numbers say ${covered - missing}`);
  }
  return gaps;
}
