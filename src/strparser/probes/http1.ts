/**
 * Recognises HTTP/1 by a request line, or where nothing of the client is known, by a status line (RFC 9112 sections 3
 * and 4).
 *
 * @module
 */
import { http1, http1Pair } from "../parsers/http1.ts";
import { asText, type Evidence, type Heard } from "./probe.ts";

/** RFC 9112 section 3 asks for request lines of 8000 bytes at least. */
const LONGEST_LINE = 8192;
const LF = 0x0a;
/** Methods are words in capitals, some with a hyphen. `PRI` is HTTP/2's, which no request may use (RFC 9113). */
const REQUEST = /^(?!PRI )[A-Z][A-Z-]{1,19} [!-~\x80-\xff]+ HTTP\/1\.[01]\r\n$/;
const REQUEST_BEGINS = /^[A-Z][A-Z-]{0,19}(?: [!-~\x80-\xff]*|$)/;
/** Enough for a method and what follows it. */
const BEGINNING = 24;
const STATUS = /^HTTP\/1\.[01] [1-5]\d\d[ \r]/;
const STATUS_BEGINS = /^H(T(T(P(\/(1(\.([01]( ([1-5](\d(\d)?)?)?)?)?)?)?)?)?)?)?$/;

/** Looks for a request line, or where nothing of the client is known, for a status line. */
export function probeHttp1({ client, server }: Heard): Evidence {
  if (client.length === 0) return probeStatus(server);
  const end = client.subarray(0, LONGEST_LINE).indexOf(LF);
  if (end < 0) {
    return client.length < LONGEST_LINE && REQUEST_BEGINS.test(asText(client, BEGINNING)) ? "maybe" : "no";
  }
  if (!REQUEST.test(asText(client, end + 1))) return "no";
  const { requests, responses } = http1Pair();
  const reason = "client sent an HTTP/1 request line";
  return { name: "http1", parser: requests, answers: responses, reason, confidence: "certain" };
}

function probeStatus(server: Uint8Array): Evidence {
  const head = asText(server, 16);
  if (!STATUS.test(head)) return head === "" || STATUS_BEGINS.test(head) ? "maybe" : "no";
  return { name: "http1", parser: http1(), reason: "server sent an HTTP/1 status line", confidence: "certain" };
}
