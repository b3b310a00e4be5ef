/**
 * Services to test clients with: echo, sink and source.
 *
 * @module
 */
import { readU32, writeU32 } from "../../bytes/integers.ts";
import { concat } from "../../bytes/mod.ts";
import { RxAbort, type RxCallStream } from "../../rxrpc/mod.ts";

/** What a service does. */
export const TEST_SERVICES = ["echo", "sink", "source"] as const;

/** One of them. */
export type TestService = (typeof TEST_SERVICES)[number];

/** Longest request that is kept to be said again, */
export const MAX_ECHO_BYTES: number = 64 * 1024 * 1024;
/** and how much is kept of all of them together. */
export const MAX_ECHO_TOTAL_BYTES: number = 256 * 1024 * 1024;
const CHUNK_BYTES = 64 * 1024;

/** What all calls of `echo` keep now. */
let echoBytes = 0;

/** How much went each way. */
export interface ServedBytes {
  /** Of the request. */
  received: number;
  /** Of the reply. */
  sent: number;
}

/** Serves a call; `served` counts while it goes on. */
export async function serveTest(what: TestService, call: RxCallStream, served: ServedBytes): Promise<void> {
  if (what === "echo") await echo(call, served);
  else if (what === "sink") await sink(call, served);
  else await source(call, served);
  await call.end();
  await call.closed;
}

/** A reply begins behind the request's end, so all of it is kept. */
async function echo(call: RxCallStream, served: ServedBytes): Promise<void> {
  const chunks: Uint8Array[] = [];
  let held = 0;
  try {
    for await (const chunk of call.readable) {
      served.received += chunk.length;
      if (served.received > MAX_ECHO_BYTES) return call.abort(RxAbort.RXGEN_SS_UNMARSHAL);
      if (echoBytes + chunk.length > MAX_ECHO_TOTAL_BYTES) return call.abort(RxAbort.RX_RESTARTING);
      held += chunk.length;
      echoBytes += chunk.length;
      chunks.push(chunk.slice());
    }
    for (const chunk of chunks) {
      await call.write(chunk);
      served.sent += chunk.length;
    }
  } finally {
    echoBytes -= held;
  }
}

/** Answers with the number of bytes, as a word of 64 bits. */
async function sink(call: RxCallStream, served: ServedBytes): Promise<void> {
  for await (const chunk of call.readable) served.received += chunk.length;
  const count = new Uint8Array(8);
  writeU32(count, 0, Math.floor(served.received / 2 ** 32));
  writeU32(count, 4, served.received >>> 0);
  await call.write(count);
  served.sent = count.length;
}

/** Answers with as many bytes as the request's first word says: 0, 1, 2... 255, 0... */
async function source(call: RxCallStream, served: ServedBytes): Promise<void> {
  let head: Uint8Array = new Uint8Array(0);
  for await (const chunk of call.readable) {
    served.received += chunk.length;
    if (head.length < 4) head = concat([head, chunk.subarray(0, 4)]);
  }
  if (head.length < 4) return call.abort(RxAbort.RXGEN_SS_UNMARSHAL);
  const wanted = readU32(head, 0);
  // the pattern goes round within a chunk
  const pattern = Uint8Array.from({ length: CHUNK_BYTES }, (_, at) => at & 255);
  while (served.sent < wanted) {
    const chunk = pattern.subarray(0, Math.min(CHUNK_BYTES, wanted - served.sent));
    await call.write(chunk);
    served.sent += chunk.length;
  }
}
