/**
 * Recognises PostgreSQL by the start of the connection.
 *
 * @module
 */
import { readU32 } from "../../bytes/integers.ts";
import { postgres } from "../parsers/postgres.ts";
import { asText, type Evidence, type Heard, type Recognition } from "./probe.ts";

const MAX_STARTUP = 10000;
/** First eight bytes of the requests that have a code of their own. */
const REQUESTS: Readonly<Record<string, string>> = {
  "\x00\x00\x00\x08\x04\xd2\x16\x2f": "SSLRequest",
  "\x00\x00\x00\x08\x04\xd2\x16\x30": "GSSENCRequest",
  "\x00\x00\x00\x10\x04\xd2\x16\x2e": "CancelRequest",
};

/** Looks for a start-up message, or where nothing of the client is known, for an authentication request. */
export function probePostgres({ client, server }: Heard): Evidence {
  return client.length > 0 ? probeClient(client) : probeServer(server);
}

function probeClient(bytes: Uint8Array): Evidence {
  const head = asText(bytes, 8);
  const request = REQUESTS[head];
  if (request !== undefined) return found(`client sent a PostgreSQL ${request}`);
  if (bytes.length < 8) {
    const isPossible = Object.keys(REQUESTS).some((known) => known.startsWith(head)) || /^\0{1,2}/.test(head);
    if (!isPossible || (bytes.length >= 2 && bytes[1] !== 0)) return "no";
    return bytes.length < 6 || (bytes[4] === 0 && bytes[5] === 3) || bytes[4] === 4 ? "maybe" : "no";
  }
  const length = readU32(bytes, 0);
  const version = readU32(bytes, 4);
  if (length < 14 || length > MAX_STARTUP || version >>> 16 !== 3 || (version & 0xffff) > 99) return "no";
  return probeStartup(bytes, length);
}

/** Parameters are names and values, each with a zero behind it, then one more zero; `user` is required. */
function probeStartup(bytes: Uint8Array, length: number): Evidence {
  const first = bytes[8];
  if (first !== undefined && (first < 0x5f || first > 0x7a)) return "no"; // _, a to z
  if (bytes.length < length) return "maybe";
  const fields = String.fromCharCode(...bytes.subarray(8, length)).split("\0");
  const isClosed = fields.length % 2 === 0 && fields.at(-1) === "" && fields.at(-2) === "";
  const hasUser = fields.some((field, i) => i % 2 === 0 && field === "user");
  return isClosed && hasUser ? found("client sent a PostgreSQL start-up message") : "no";
}

/** `R`, a length, one of the authentication codes, with the length that belongs to it. */
function probeServer(bytes: Uint8Array): Evidence {
  if (bytes.length > 0 && bytes[0] !== 0x52) return "no";
  if (bytes.length < 9) return bytes.length > 1 && bytes[1] !== 0 ? "no" : "maybe";
  const length = readU32(bytes, 1);
  const code = readU32(bytes, 5);
  const isPlain = length === 8 && (code === 0 || code === 3 || code === 7 || code === 9);
  const isOther = (code === 5 && length === 12) || (code === 10 && length >= 10 && length < 200);
  if (!isPlain && !isOther) return "no";
  if (code !== 0) return found("server asked for PostgreSQL authentication");
  if (bytes.length < 14) return "maybe";
  const isNext = (bytes[9] === 0x53 || bytes[9] === 0x4b) && bytes[10] === 0 && bytes[11] === 0;
  return isNext ? found("server sent PostgreSQL AuthenticationOk") : "no";
}

function found(reason: string): Recognition {
  return { name: "postgres", parser: postgres(), reason, confidence: "certain" };
}
