import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { StreamSocket } from "../../src/tsocket/stream_socket.ts";
import type { TStreamDriver } from "../../src/tsocket/driver_types.ts";

/** Claims to have filled every view, as fast as one can ask. */
const boundless: TStreamDriver = {
  kind: "boundless",
  localAddress: undefined,
  remoteAddress: undefined,
  alpn: null,
  pendingBytes: 1 << 20,
  readError: undefined,
  start() {},
  readSync: (into) => into.length,
  writev: () => Promise.resolve(),
  shutdown: () => Promise.resolve(),
  close: () => Promise.resolve(),
  abort() {},
};

const MEGABYTES_64 = 1 << 26;

test("35: lengths beyond 2^31 and 2^32 are counted right, in one vector, in one PDU and by the counters", async () => {
  const socket = new StreamSocket(boundless);
  const view = new Uint8Array(MEGABYTES_64);
  const vector = new Array<Uint8Array>(70).fill(view);
  assertEquals(await socket.readv(vector), 70 * MEGABYTES_64);
  const totals: number[] = [];
  const total = await socket.readvPdu(({ total }) => {
    totals.push(total);
    return totals.length <= 66 ? [view] : null;
  });
  assertEquals(total, 66 * MEGABYTES_64);
  assertEquals(totals, Array.from({ length: 67 }, (_, i) => i * MEGABYTES_64));
  assertEquals(socket.stats.bytesRead, 136 * MEGABYTES_64);
  assertEquals(await socket.writev(vector), 70 * MEGABYTES_64);
  assertEquals(socket.stats.bytesWritten, 70 * MEGABYTES_64);
  socket.abort();
});
