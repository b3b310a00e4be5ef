/**
 * Both ends of a measuring call.
 *
 * @module
 */
import { readU32, writeU32 } from "../../bytes/integers.ts";
import { concat } from "../../bytes/mod.ts";
import { RxAbort, type RxCallStream, RxrpcError } from "../../rxrpc/mod.ts";
import { COOKIE, COOKIE_BYTES, decodePerfHead, encodePerfHead, type PerfCall, perfHeadBytes } from "./perf_protocol.ts";

const ZEROS = new Uint8Array(64 * 1024);

/** Says so many bytes. */
async function sayZeros(call: RxCallStream, bytes: number): Promise<void> {
  for (let left = bytes; left > 0;) {
    const chunk = ZEROS.subarray(0, Math.min(left, ZEROS.length));
    await call.write(chunk);
    left -= chunk.length;
  }
}

/** Asks, and checks that the reply has as many bytes as were asked for, and the right end. */
export async function measureCall(call: RxCallStream, asked: PerfCall): Promise<void> {
  const said = sayRequest(call, asked);
  // what ends the call is told by the reply, too
  said.catch(() => {});
  let received = 0;
  let end: Uint8Array = new Uint8Array(0);
  for await (const chunk of call.readable) {
    received += chunk.length;
    end = chunk.length >= COOKIE_BYTES ? chunk.slice(-COOKIE_BYTES) : concat([end, chunk]).slice(-COOKIE_BYTES);
  }
  await said;
  await call.closed;
  if (received === asked.down + COOKIE_BYTES && readU32(end, 0) === COOKIE) return;
  const what = `a reply of ${received} bytes to a call for ${asked.down}, or with a wrong end`;
  throw new RxrpcError(what, { code: "EPROTO", blame: "remote" });
}

async function sayRequest(call: RxCallStream, asked: PerfCall): Promise<void> {
  await call.write(encodePerfHead(asked));
  await sayZeros(call, asked.up);
  await call.end();
}

/** Serves a call; returns what was asked for, `undefined` for what is not known. */
export async function servePerf(call: RxCallStream): Promise<PerfCall | undefined> {
  let head: Uint8Array = new Uint8Array(0);
  let headBytes: number | undefined;
  let received = 0;
  for await (const chunk of call.readable) {
    received += chunk.length;
    if (headBytes !== undefined && head.length >= headBytes) continue;
    head = concat([head, chunk.subarray(0, 64)]);
    headBytes = perfHeadBytes(head);
    if (headBytes === -1) return refuse(call, RxAbort.RXGEN_OPCODE);
  }
  if (headBytes === undefined || head.length < headBytes) return refuse(call, RxAbort.RXGEN_SS_UNMARSHAL);
  const asked = decodePerfHead(head);
  if (received !== headBytes + asked.up) return refuse(call, RxAbort.RXGEN_SS_UNMARSHAL);
  await sayZeros(call, asked.down);
  const cookie = new Uint8Array(COOKIE_BYTES);
  writeU32(cookie, 0, COOKIE);
  await call.write(cookie);
  await call.end();
  await call.closed;
  return asked;
}

function refuse(call: RxCallStream, code: number): undefined {
  call.abort(code);
  return undefined;
}
