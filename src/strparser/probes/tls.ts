/**
 * Recognises TLS by its first handshake message.
 *
 * @module
 */
import { readU16, readU24 } from "../../bytes/integers.ts";
import { tls } from "../parsers/tls.ts";
import { type Evidence, type Heard, type Match, matchRanges } from "./probe.ts";

const ANY = [0, 255] as const;
const CLIENT_HELLO = 1;
const SERVER_HELLO = 2;
/** Version, random, session id length: what a hello has at least behind its own header. */
const MIN_HELLO = 35;

/** Looks for a ClientHello, or where nothing of the client is known, a ServerHello. */
export function probeTls({ client, server }: Heard): Evidence {
  const [bytes, type] = client.length > 0 ? [client, CLIENT_HELLO] : [server, SERVER_HELLO];
  const match = matchHello(bytes, type);
  if (match !== "yes") return match;
  const who = type === CLIENT_HELLO ? "client sent a TLS ClientHello" : "server sent a TLS ServerHello";
  return { name: "tls", parser: tls(), reason: who, confidence: "certain" };
}

function matchHello(bytes: Uint8Array, type: number): Match {
  const match = matchRanges(bytes, [
    [22, 22], // record: handshake, version, length
    [3, 3],
    [0, 4],
    ANY,
    ANY,
    [type, type], // message: type, length, version
    ANY,
    ANY,
    ANY,
    [3, 3],
    [0, 4],
  ]);
  if (match !== "yes") return match;
  const record = readU16(bytes, 3);
  const message = readU24(bytes, 6);
  if (record > 16384 || message < MIN_HELLO || message > 0x10000) return "no";
  // a ClientHello is alone in its record, though it may need more than one; a ServerHello may have company
  return type === SERVER_HELLO || message + 4 >= record ? "yes" : "no";
}
