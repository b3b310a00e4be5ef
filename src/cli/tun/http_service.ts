/**
 * Just enough of HTTP/1.1 (RFC 9112) for `leat tun --http`: one request for each connection.
 *
 * @module
 */
import { concat } from "../../bytes/concat.ts";
import type { L3L4Socket } from "../../l3l4/mod.ts";

/** A request's head is no longer. */
const MAX_HEAD_BYTES = 16_384;

const CHUNK_BYTES = 65_536;

/** Answers one request, and ends the connection. */
export async function serveHttp(flow: L3L4Socket): Promise<void> {
  const reader = flow.readable.getReader();
  const writer = flow.writable.getWriter();
  const head = await readHead(reader);
  if (head !== undefined) await answer(head, reader, writer, flow);
  await writer.close();
  // what a peer still sends would be answered with a reset, which may overtake the answer
  while (!(await reader.read()).done);
}

interface Head {
  readonly method: string;
  readonly path: string;
  readonly fields: ReadonlyMap<string, string>;
  /** Bytes behind the head. */
  readonly rest: Uint8Array;
}

type Reader = ReadableStreamDefaultReader<Uint8Array>;
type Writer = WritableStreamDefaultWriter<Uint8Array>;

/** Reads up to the empty line; nothing where the peer ends before it, or has no end of it. */
async function readHead(reader: Reader): Promise<Head | undefined> {
  let bytes: Uint8Array = new Uint8Array(0);
  while (bytes.length <= MAX_HEAD_BYTES) {
    const text = new TextDecoder("latin1").decode(bytes);
    const end = text.indexOf("\r\n\r\n");
    if (end >= 0) return parseHead(text.slice(0, end), bytes.subarray(end + 4));
    const { done, value } = await reader.read();
    if (done) return undefined;
    bytes = concat([bytes, value]);
  }
  return undefined;
}

function parseHead(text: string, rest: Uint8Array): Head {
  const [request = "", ...lines] = text.split("\r\n");
  const [method = "", path = ""] = request.split(" ");
  const fields = new Map(lines.map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()];
  }));
  return { method, path, fields, rest };
}

async function answer(head: Head, reader: Reader, writer: Writer, flow: L3L4Socket): Promise<void> {
  const { method, path, fields } = head;
  const length = /^\/bytes\/(\d{1,15})$/.exec(path)?.[1];
  if (method === "GET" && length !== undefined) return await sendBytes(writer, Number(length));
  if (method === "POST" || method === "PUT") {
    const wanted = fields.get("content-length");
    if (fields.get("expect") === "100-continue") await send(writer, "HTTP/1.1 100 Continue\r\n\r\n");
    if (wanted === undefined || !/^\d{1,15}$/.test(wanted)) return await sendText(writer, "411 Length Required", "");
    return await sendText(writer, "200 OK", `${await count(reader, Number(wanted), head.rest.length)}\n`);
  }
  if (method !== "GET" && method !== "HEAD") return await sendText(writer, "405 Method Not Allowed", "");
  if (path !== "/") return await sendText(writer, "404 Not Found", "there is / and /bytes/NUMBER\n", method);
  const { segmentSize, srttMs } = flow.info();
  const page = [
    `you are ${flow.remoteAddress.toHostPort()}`,
    `you asked ${flow.localAddress.toHostPort()}`,
    `a segment holds ${segmentSize} bytes`,
    `a round trip takes ${srttMs.toFixed(1)} ms`,
    "",
  ];
  await sendText(writer, "200 OK", page.join("\n"), method);
}

/** Reads a body; how long it was. */
async function count(reader: Reader, wanted: number, had: number): Promise<number> {
  let length = had;
  while (length < wanted) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
  }
  return length;
}

/** Byte i is the low byte of i. */
async function sendBytes(writer: Writer, length: number): Promise<void> {
  await send(writer, headOf("200 OK", "application/octet-stream", length));
  const chunk = Uint8Array.from({ length: CHUNK_BYTES }, (_, i) => i);
  for (let left = length; left > 0; left -= CHUNK_BYTES) {
    await writer.ready;
    await writer.write(left >= CHUNK_BYTES ? chunk : chunk.subarray(0, left));
  }
}

async function sendText(writer: Writer, status: string, text: string, method = "GET"): Promise<void> {
  await send(writer, headOf(status, "text/plain", text.length) + (method === "HEAD" ? "" : text));
}

function headOf(status: string, type: string, length: number): string {
  return `HTTP/1.1 ${status}\r\nContent-Type: ${type}\r\nContent-Length: ${length}\r\nConnection: close\r\n\r\n`;
}

async function send(writer: Writer, text: string): Promise<void> {
  await writer.write(new TextEncoder().encode(text));
}
