/**
 * Which protocols can be balanced message by message, by the name of their parser.
 *
 * @module
 */
import type { Parser } from "../../../strparser/parser.ts";
import type { BalancedProtocol } from "../protocol.ts";
import { dnsProtocol } from "./dns.ts";
import { memcachedBinaryProtocol } from "./memcached_binary.ts";
import { memcachedTextProtocol } from "./memcached_text.ts";
import { type PlainOptions, plainProtocol } from "./plain.ts";
import { respProtocol } from "./resp.ts";

const KNOWN: ReadonlyMap<string, () => BalancedProtocol> = new Map([
  ["resp", respProtocol],
  ["dns", dnsProtocol],
  ["memcached", memcachedBinaryProtocol],
  ["memcachedtext", memcachedTextProtocol],
]);

/** Parsers whose messages may be requests and replies of nobody knows what: whoever names them says that they are. */
const FRAMINGS: readonly string[] = ["lines", "ndjson", "netstring", "cobs", "jsonsequence", "thrift"];

/** Why these cannot be balanced by message, in words; what is in no list is simply not known. */
const SESSIONS: ReadonlyMap<string, string> = new Map([
  [
    "postgres",
    "a PostgreSQL connection is a session: it logs in, and has transactions, settings and prepared statements",
  ],
  ["mysql", "a MySQL connection is a session: it logs in, and has transactions, settings and prepared statements"],
  ["tds", "a connection to SQL Server is a session: it logs in, and has transactions and settings"],
  ["tns", "an Oracle connection is a session: it logs in, and has transactions and settings"],
  ["cassandra", "a Cassandra connection begins with a handshake and has events and prepared statements"],
  ["mongodb", "a MongoDB connection logs in, and drivers watch each server by itself"],
  ["kafka", "a Kafka client must reach the very broker that leads a partition"],
  ["mqtt", "an MQTT connection is a session with subscriptions"],
  ["amqp091", "an AMQP connection is a session with channels"],
  ["amqp10", "an AMQP connection is a session with links"],
  ["http2", "an HTTP/2 connection compresses headers over all its requests"],
  ["grpc", "an HTTP/2 connection compresses headers over all its requests"],
  ["http1", "a reply of HTTP/1.1 ends where its request says, and takes a proxy of HTTP"],
  ["tls", "TLS binds all bytes of a connection together"],
  ["ssh", "SSH binds all bytes of a connection together"],
  ["ldap", "an LDAP connection logs in, and a search has many replies"],
  ["nats", "a NATS connection has subscriptions"],
  ["zookeeper", "a ZooKeeper connection is a session with watches"],
  ["websocket", "a WebSocket connection is a conversation"],
  ["x11", "an X11 connection is a session"],
  ["smb2", "an SMB2 connection is a session with open files"],
  ["ninep", "a 9P connection is a session with open files"],
  ["zmtp", "a ZeroMQ connection begins with a handshake"],
]);

/** Whether a name stands for a length field in front. */
function isLength(name: string): boolean {
  return /^(?:len\d|length:)/.test(name);
}

/** The protocol of that name, or why there is none. */
export function balancedProtocol(name: string, parser: Parser, options: PlainOptions): BalancedProtocol | string {
  const known = KNOWN.get(name);
  if (known !== undefined) {
    if (options.id !== undefined) return `--id is for framings; how replies of ${name} pair is known`;
    return known();
  }
  if (isLength(name) || FRAMINGS.includes(name)) return plainProtocol(parser, options);
  return SESSIONS.get(name) ?? `how replies of ${name} pair with requests is not known here`;
}
