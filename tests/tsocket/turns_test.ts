/** Sockets in one process that keep each other busy. */
import { test } from "node:test";
import { assert } from "@std/assert";
import { streamPair } from "../../src/tsocket/mod.ts";

/** Far more reads than a turn of the event loop has room for. */
const MOST_READS = 50_000;

test("a writer that never stops and reads that wait for it let timers fire", async () => {
  const [left, right] = streamPair();
  let hasFired = false;
  setTimeout(() => hasFired = true, 0);
  const chunk = new Uint8Array(1000);
  const writing = (async () => {
    while (!hasFired) await left.writev([chunk]);
    await left.shutdown();
  })();
  const into = new Uint8Array(65_536);
  let reads = 0;
  while (!hasFired && reads++ < MOST_READS) await right.readSome(into);
  assert(hasFired, `no timer fired during ${reads} reads`);
  while (await right.readSome(into) !== null);
  await writing;
  await Promise.all([left.close(), right.close()]);
});
