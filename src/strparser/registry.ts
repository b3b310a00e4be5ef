/**
 * Parsers by name, for command lines and configuration.
 *
 * In a module of its own: a program that imports one parser carries none of the others.
 *
 * @module
 */
import type { Parser } from "./parser.ts";
import { amqp091 } from "./parsers/amqp091.ts";
import { amqp10 } from "./parsers/amqp10.ts";
import { ber, ldap, snmp } from "./parsers/ber.ts";
import { bgp } from "./parsers/bgp.ts";
import { bitcoin } from "./parsers/bitcoin.ts";
import { cassandra } from "./parsers/cassandra.ts";
import { cobs } from "./parsers/cobs.ts";
import { dceRpc } from "./parsers/dce_rpc.ts";
import { diameter } from "./parsers/diameter.ts";
import { dns } from "./parsers/dns.ts";
import { erlang } from "./parsers/erlang.ts";
import { espInTcp } from "./parsers/esp_in_tcp.ts";
import { fix } from "./parsers/fix.ts";
import { grpc } from "./parsers/grpc.ts";
import { http1 } from "./parsers/http1.ts";
import { http2 } from "./parsers/http2.ts";
import { iec104 } from "./parsers/iec104.ts";
import { jsonSequence } from "./parsers/json_sequence.ts";
import { kafka } from "./parsers/kafka.ts";
import { lines } from "./parsers/delimiter.ts";
import { lsp } from "./parsers/lsp.ts";
import { memcachedBinary } from "./parsers/memcached_binary.ts";
import { minecraft } from "./parsers/minecraft.ts";
import { modbus } from "./parsers/modbus.ts";
import { mongodb } from "./parsers/mongodb.ts";
import { mqtt } from "./parsers/mqtt.ts";
import { mysql } from "./parsers/mysql.ts";
import { nats } from "./parsers/nats.ts";
import { ndjson } from "./parsers/ndjson.ts";
import { netstring } from "./parsers/netstring.ts";
import { ninep } from "./parsers/ninep.ts";
import { oncRpc } from "./parsers/onc_rpc.ts";
import { postgres } from "./parsers/postgres.ts";
import { resp } from "./parsers/resp.ts";
import { rtpTcp } from "./parsers/rtp_tcp.ts";
import { rtsp } from "./parsers/rtsp.ts";
import { smb2 } from "./parsers/smb2.ts";
import { smpp } from "./parsers/smpp.ts";
import { ssh } from "./parsers/ssh.ts";
import { stun } from "./parsers/stun.ts";
import { syslog } from "./parsers/syslog.ts";
import { tds } from "./parsers/tds.ts";
import { thrift } from "./parsers/thrift.ts";
import { tls } from "./parsers/tls.ts";
import { tns } from "./parsers/tns.ts";
import { tpkt } from "./parsers/tpkt.ts";
import { websocket } from "./parsers/websocket.ts";
import { x11 } from "./parsers/x11.ts";
import { yamux } from "./parsers/yamux.ts";
import { zmtp } from "./parsers/zmtp.ts";
import { zookeeper } from "./parsers/zookeeper.ts";
import { lengthField, type LengthFieldOptions, type LengthFieldSize } from "./parsers/length_field.ts";

/** A line of the table of parsers. */
export interface ParserEntry {
  /** What to write. */
  readonly name: string;
  /** What it is, in one line. */
  readonly description: string;
}

const NAMED: Readonly<Record<string, readonly [make: () => Parser, description: string]>> = {
  amqp091: [amqp091, "AMQP 0-9-1 frames, the protocol header first"],
  amqp10: [amqp10, "AMQP 1.0 and SASL frames, the protocol headers as messages"],
  ber: [ber, "BER elements of definite length"],
  bgp: [bgp, "BGP-4 messages"],
  bitcoin: [bitcoin, "Bitcoin peer-to-peer messages, version 1"],
  cassandra: [cassandra, "Cassandra native protocol, versions 1 to 5"],
  cobs: [cobs, "packets stuffed with COBS, a zero behind each"],
  dcerpc: [dceRpc, "DCE/RPC fragments"],
  diameter: [diameter, "Diameter messages"],
  dns: [dns, "DNS over TCP, a 16-bit length in front of each message"],
  erlang: [erlang, "Erlang distribution, handshake first"],
  espintcp: [espInTcp, "ESP and IKE in TCP"],
  fix: [fix, "FIX tag=value messages"],
  grpc: [grpc, "gRPC messages inside of HTTP/2 DATA"],
  http1: [http1, "HTTP/1.1, head and body as one message"],
  http2: [http2, "HTTP/2 frames in clear text, the client's preface as a message of its own"],
  iec104: [iec104, "IEC 60870-5-104"],
  jsonsequence: [jsonSequence, "JSON text sequences (RFC 7464)"],
  kafka: [kafka, "Kafka requests and responses"],
  ldap: [ldap, "LDAP messages"],
  lines: [lines, "lines that LF or CR LF ends"],
  lsp: [lsp, "Language Server Protocol and DAP"],
  memcached: [memcachedBinary, "memcached, binary protocol"],
  minecraft: [minecraft, "Minecraft packets without compression or encryption"],
  modbus: [modbus, "Modbus/TCP"],
  mongodb: [mongodb, "MongoDB wire protocol"],
  mqtt: [mqtt, "MQTT 3.1, 3.1.1 and 5"],
  mysql: [mysql, "MySQL and MariaDB packets"],
  nats: [nats, "NATS client protocol"],
  ndjson: [ndjson, "newline-delimited JSON"],
  netstring: [netstring, "netstrings"],
  ninep: [ninep, "9P2000 and its dialects"],
  oncrpc: [oncRpc, "ONC RPC record fragments: NFS, portmapper"],
  postgres: [postgres, "PostgreSQL version 3, both directions, from the start of the connection"],
  resp: [resp, "Redis (RESP2 and RESP3), inline commands included"],
  rtp: [rtpTcp, "RTP and RTCP over TCP (RFC 4571)"],
  rtsp: [rtsp, "RTSP with interleaved frames"],
  smb2: [smb2, "SMB2 over TCP port 445"],
  smpp: [smpp, "SMPP 3.4"],
  snmp: [snmp, "SNMP over TCP"],
  ssh: [ssh, "SSH until encryption begins"],
  stun: [stun, "STUN and TURN over TCP"],
  syslog: [syslog, "syslog over TCP, octet counting or lines"],
  tds: [tds, "TDS packets of SQL Server"],
  thrift: [thrift, "Thrift, framed"],
  tls: [tls, "TLS records"],
  tns: [tns, "Oracle Net (TNS) packets"],
  tpkt: [tpkt, "TPKT: RDP, S7, H.323"],
  websocket: [websocket, "WebSocket frames, behind the upgrade"],
  x11: [x11, "X11, setup first"],
  yamux: [yamux, "yamux frames"],
  zmtp: [zmtp, "ZeroMQ (ZMTP 3), greeting first"],
  zookeeper: [zookeeper, "ZooKeeper client protocol"],
};

/** Names that parsers have in programs and in messages of errors, where the table has shorter ones. */
const ALIASES: ReadonlyMap<string, string> = new Map([
  ["dceRpc", "dcerpc"],
  ["espInTcp", "espintcp"],
  ["jsonSequence", "jsonsequence"],
  ["memcachedBinary", "memcached"],
  ["oncRpc", "oncrpc"],
  ["rtpTcp", "rtp"],
]);

/** All parsers that {@linkcode parserByName} knows, for a help text. */
export const parserTable: readonly ParserEntry[] = [
  ...Object.entries(NAMED).map(([name, [, description]]) => ({ name, description })),
  { name: "len8, len16, len24, len32, len64", description: "a length of so many bits in front, big-endian" },
  { name: "len16le, len32le, ...", description: "the same, little-endian" },
  {
    name: "length:SIZE,...",
    description: "a length field of SIZE bytes: be, le, offset=N, incl (counts the whole message), adjustment=N, max=N",
  },
];

const SHORT = /^len(8|16|24|32|64)(le|be)?$/;
const SIZES: readonly number[] = [1, 2, 3, 4, 8];
const FLAGS: Readonly<Record<string, Partial<LengthFieldOptions>>> = {
  le: { littleEndian: true },
  be: { littleEndian: false },
  incl: { includesHeader: true },
};
const NUMBERS: readonly string[] = ["offset", "adjustment", "max"];

/**
 * Makes the parser that `spec` names: one of {@linkcode parserTable}, with its defaults (`dns`, `http1`, `resp`), or by
 * the `name` that the parser has itself (`oncRpc`); `len32`, `len16le` and the like; or `length:SIZE` with options
 * behind commas. The `len` forms take the same options: `len32,incl`.
 *
 * @throws {TypeError} when it is no text
 * @throws {RangeError} when there is no such parser or option; the message says what there is
 * @example
 * ```ts
 * import { parserByName } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * const mongodb = parserByName("length:4,le,incl,max=48000000");
 * assertEquals(mongodb.parse(Uint8Array.of(16, 0, 0, 0), 0, 4, undefined), 16);
 * ```
 */
export function parserByName(spec: string): Parser {
  if (typeof spec !== "string") throw new TypeError(`spec must be a string, got ${typeof spec}`);
  const key = ALIASES.get(spec) ?? spec;
  if (Object.hasOwn(NAMED, key)) return NAMED[key]![0]();
  const [head, ...flags] = spec.split(",").map((part) => part.trim());
  const options = headOptions(head!);
  if (options === undefined) {
    const known = [...Object.keys(NAMED), "len8", "len16", "len24", "len32", "len64", "length:SIZE"];
    throw new RangeError(`no parser is named ${JSON.stringify(spec)}; there are ${known.join(", ")}`);
  }
  for (const flag of flags) Object.assign(options, flagOptions(flag));
  return { ...lengthField(options), name: spec };
}

function headOptions(head: string): LengthFieldOptions | undefined {
  const short = SHORT.exec(head);
  if (short !== null) return { size: Number(short[1]) / 8 as LengthFieldSize, littleEndian: short[2] === "le" };
  if (!head.startsWith("length:")) return undefined;
  const size = Number(head.slice("length:".length));
  if (!SIZES.includes(size)) throw new RangeError(`length field of ${head.slice(7)} bytes; there are 1, 2, 3, 4, 8`);
  return { size: size as LengthFieldSize };
}

function flagOptions(flag: string): Partial<LengthFieldOptions> {
  if (Object.hasOwn(FLAGS, flag)) return FLAGS[flag]!;
  const [name, value, ...rest] = flag.split("=");
  const isNumber = value !== undefined && rest.length === 0 && /^-?\d+$/.test(value);
  if (NUMBERS.includes(name!) && isNumber) return { [name!]: Number(value) };
  const known = [...Object.keys(FLAGS), ...NUMBERS.map((number) => `${number}=N`)].join(", ");
  throw new RangeError(`no option of a length field is ${JSON.stringify(flag)}; there are ${known}`);
}
