/**
 * Recognises protocols that begin with a greeting of their own: SSH (RFC 4253 section 4.2), AMQP 0-9-1 (section 4.2.2)
 * and 1.0 (part 2, section 2.2), MQTT (section 3.1.2).
 *
 * @module
 */
import type { Parser } from "../parser.ts";
import { amqp091 } from "../parsers/amqp091.ts";
import { amqp10 } from "../parsers/amqp10.ts";
import { asciiBytes } from "../parsers/ascii.ts";
import { mqtt } from "../parsers/mqtt.ts";
import { ssh } from "../parsers/ssh.ts";
import { readVarint, VARINT_MORE, VARINT_TOO_LONG, varintWidth } from "../parsers/varint.ts";
import { type Evidence, type Heard, type Match, matchRanges } from "./probe.ts";

interface Greeting {
  readonly name: string;
  readonly make: () => Parser;
  readonly match: (bytes: Uint8Array) => Match;
  /** What was sent. */
  readonly what: string;
  /** Whether no server begins so. */
  readonly isClientOnly?: true;
}

type Ranges = readonly (readonly [from: number, to: number])[];

const exactly = (text: string): Ranges => Array.from(asciiBytes(text), (byte) => [byte, byte]);

const SSH_2: Ranges = exactly("SSH-2.0-");
const SSH_1_99: Ranges = exactly("SSH-1.99-");
const AMQP_0_9_1: Ranges = exactly("AMQP\0\0\x09\x01");
const AMQP_1_0: readonly Ranges[] = ["\0", "\x02", "\x03"].map((layer) => exactly(`AMQP${layer}\x01\0\0`));
const MQTT_CONNECT = 0x10;
const SHORTEST_CONNECT = 12;
const MQTT: Ranges = [...exactly("\0\x04MQTT"), [4, 5]];
/** Version 3.1. */
const MQTT_ISDP: Ranges = exactly("\0\x06MQIsdp\x03");

const GREETINGS: readonly Greeting[] = [
  { name: "ssh", make: ssh, match: (bytes) => matchAny(bytes, [SSH_2, SSH_1_99]), what: "SSH's identification line" },
  { name: "amqp091", make: amqp091, match: (bytes) => matchRanges(bytes, AMQP_0_9_1), what: "the AMQP 0-9-1 header" },
  { name: "amqp10", make: amqp10, match: (bytes) => matchAny(bytes, AMQP_1_0), what: "an AMQP 1.0 header" },
  { name: "mqtt", make: mqtt, match: matchMqtt, what: "an MQTT CONNECT packet", isClientOnly: true },
];

/** Looks at the client, or where nothing of it is known, at the server: SSH's may speak first, AMQP 1.0's answers so. */
export function probeGreeting({ client, server }: Heard): Evidence {
  const isClient = client.length > 0;
  const [bytes, who] = isClient ? [client, "client"] : [server, "server"];
  let answer: Evidence = "no";
  for (const { name, make, match, what, isClientOnly } of GREETINGS) {
    if (isClientOnly && !isClient) continue;
    const found = match(bytes);
    if (found === "yes") return { name, parser: make(), reason: `${who} sent ${what}`, confidence: "certain" };
    if (found === "maybe") answer = "maybe";
  }
  return answer;
}

function matchAny(bytes: Uint8Array, choices: readonly Ranges[]): Match {
  const matches = choices.map((ranges) => matchRanges(bytes, ranges));
  return matches.find((match) => match === "yes") ?? matches.find((match) => match === "maybe") ?? "no";
}

/** Behind the type is the length of the packet, in one to four bytes, then the name of the protocol and its version. */
function matchMqtt(bytes: Uint8Array): Match {
  if (bytes.length > 0 && bytes[0] !== MQTT_CONNECT) return "no";
  if (bytes.length < 2) return "maybe";
  const length = readVarint(bytes, 1, bytes.length, 4);
  if (length === VARINT_MORE) return "maybe";
  if (length === VARINT_TOO_LONG || length < SHORTEST_CONNECT) return "no";
  return matchAny(bytes.subarray(1 + varintWidth(bytes, 1)), [MQTT, MQTT_ISDP]);
}
