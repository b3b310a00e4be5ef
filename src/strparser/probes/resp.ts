/**
 * Recognises RESP (Redis) by a first command, or where that is an inline one, by the reply to it.
 *
 * Inline commands look like those of other text protocols, so they alone are no evidence.
 *
 * @module
 */
import { resp } from "../parsers/resp.ts";
import { asText, type Evidence, type Heard, type Recognition } from "./probe.ts";

const REDIS_PORT = 6379;
/** How much of the first command is looked at. */
const HEAD = 128;
const COMMAND = /^\*[1-9]\d{0,6}\r\n\$(\d{1,2})\r\n([A-Za-z][\w.-]*)\r\n/;
const COMMAND_BEGINS = /^\*([1-9]\d{0,6}(\r(\n(\$(\d{1,2}(\r(\n([A-Za-z][\w.-]*\r?)?)?)?)?)?)?)?)?$/;
const LINE = /^([A-Za-z]+)(?: [^\r\n]*)?\r?\n/;
const LINE_BEGINS = /^[A-Za-z]+( [^\r\n]*)?\r?$/;
const REPLY = /^\*[1-9]\d{0,6}\r\n[$:]\d{1,9}\r\n/;
const REPLY_BEGINS = /^\*([1-9]\d{0,6}(\r(\n([$:](\d{1,9}\r?)?)?)?)?)?$/;

/** Inline commands that are taken for Redis, with the beginning of the reply that each gets. */
const INLINE: Readonly<Record<string, string>> = {
  PING: "+PONG\r\n",
  SET: "+OK\r\n",
  SELECT: "+OK\r\n",
  FLUSHALL: "+OK\r\n",
  GET: "$",
  INFO: "$",
  ECHO: "$",
  INCR: ":",
  DEL: ":",
  EXISTS: ":",
  LPUSH: ":",
  RPUSH: ":",
  SADD: ":",
  HSET: ":",
  DBSIZE: ":",
};

/** Looks for a command as an array of strings, or an inline one that was answered the way Redis does. */
export function probeResp({ client, server, port }: Heard): Evidence {
  if (client.length === 0) return probeReply(server);
  const head = asText(client, HEAD);
  if (head[0] === "*") {
    const match = COMMAND.exec(head);
    if (match === null) return COMMAND_BEGINS.test(head) && head.length < HEAD ? "maybe" : "no";
    if (match[2]!.length !== Number(match[1])) return "no";
    return found("client sent a command as a RESP array of strings", "certain");
  }
  const match = LINE.exec(head);
  if (match === null) return LINE_BEGINS.test(head) && head.length < HEAD ? "maybe" : "no";
  const expected = INLINE[match[1]!.toUpperCase()];
  if (expected === undefined || match[0].includes(" HTTP/")) return "no";
  return probeInline(expected, server, port);
}

function probeInline(expected: string, server: Uint8Array, port: number | undefined): Evidence {
  const reply = asText(server, expected.length);
  if (reply !== expected) {
    if (!expected.startsWith(reply)) return "no";
    return port === REDIS_PORT ? found("client sent an inline command to the port of Redis", "likely") : "maybe";
  }
  const parser = resp();
  const length = parser.parse(server, 0, server.length, parser.start!({ direction: "server" }));
  if (typeof length !== "number") return "no";
  if (length <= 0) return "maybe";
  return found("client sent an inline command of Redis and got a RESP reply", "certain");
}

/** Nothing of the client is known. Simple replies are not distinctive; arrays of strings or integers are. */
function probeReply(server: Uint8Array): Evidence {
  const head = asText(server, HEAD);
  if (REPLY.test(head)) return found("server sent a RESP array", "likely");
  return head === "" || REPLY_BEGINS.test(head) ? "maybe" : "no";
}

function found(reason: string, confidence: Recognition["confidence"]): Recognition {
  return { name: "resp", parser: resp(), reason, confidence };
}
