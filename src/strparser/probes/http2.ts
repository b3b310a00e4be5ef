/**
 * Recognises HTTP/2 in clear text by the client's preface, or by a server's first frames.
 *
 * @module
 */
import { http2 } from "../parsers/http2.ts";
import type { Evidence, Heard } from "./probe.ts";

/** Looks for the preface, or where nothing of the client is known, for SETTINGS and one more sensible frame. */
export function probeHttp2({ client, server }: Heard): Evidence {
  const parser = http2();
  if (client.length > 0) {
    const length = parser.parse(client, 0, client.length, parser.start!({ direction: "client" }));
    if (typeof length !== "number") return "no";
    if (length <= 0) return "maybe";
    return { name: "http2", parser, reason: "client sent the 24-byte HTTP/2 preface", confidence: "certain" };
  }
  const state = parser.start!({ direction: "server" });
  let at = 0;
  for (let frames = 0; frames < 2; frames++) {
    if (at >= server.length) return "maybe";
    const length = parser.parse(server, at, server.length, state);
    if (typeof length !== "number") return "no";
    if (length <= 0) return "maybe";
    // the parser lets extensions pass, and any size
    if (server[at + 3]! > 9 || length > 9 + 16384 || (frames === 0 && length > 9 + 6 * 32)) return "no";
    at += length;
  }
  return {
    name: "http2",
    parser,
    reason: "server began with HTTP/2 SETTINGS and another frame",
    confidence: "certain",
  };
}
