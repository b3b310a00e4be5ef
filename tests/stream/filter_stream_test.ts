import { test } from "node:test";
import { readFile } from "node:fs/promises";
import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { CaptureStream, CaptureWriterStream, FilterStream, type Packet } from "../../mod.ts";
import { stageChecklist } from "../support/stage_checklist.ts";
import { collect, drain, source } from "../support/streams.ts";

stageChecklist<number, number>({
  name: "FilterStream",
  make: (options) =>
    new FilterStream<number, boolean>((n) => {
      if (typeof n !== "number") throw new TypeError("not a number");
      return n > 0;
    }, options),
  inputs: [1, -2, 3, 4],
  outputs: [1, 3, 4],
  badOptions: [],
});

test("FilterStream counts what came and what was let through", async () => {
  const stage = new FilterStream<number>((n) => n > 1);
  await collect(source([1, 2, 3]).pipeThrough(stage));
  assertEquals(stage.stats, { taken: 3, passed: 2 });
});

test("FilterStream fails with what its function throws, behind what was let through before", async () => {
  const thrown = new Error("cannot tell");
  const stage = new FilterStream<number>((n) => {
    if (n === 3) throw thrown;
    return true;
  });
  const { chunks, error } = await drain(source([1, 2, 3, 4]).pipeThrough(stage));
  assertEquals(chunks, [1, 2]);
  assertStrictEquals(error, thrown);
});

test("FilterStream refuses what is no function", () => {
  assertThrows(() => new FilterStream(undefined as unknown as () => boolean), TypeError, "isWanted");
});

test("every whole packet of a cut capture gets through a filter into another capture", async () => {
  const capture = new Uint8Array(await readFile(new URL("../../examples/captures/redis_cli.pcap", import.meta.url)));
  for (const cutAt of [9999, 5000, 20_000]) {
    const cut = capture.subarray(0, cutAt);
    const whole = await drain(source([cut]).pipeThrough(new CaptureStream()));
    const written = await drain(
      source([cut])
        .pipeThrough(new CaptureStream())
        .pipeThrough(new FilterStream<Packet>(() => true))
        .pipeThrough(new CaptureWriterStream()),
    );
    assertEquals((written.error as { code?: string }).code, "ETRUNCATED");
    const again = await collect(source(written.chunks).pipeThrough(new CaptureStream()));
    assertEquals(again.map(({ bytes }) => bytes), whole.chunks.map(({ bytes }) => bytes));
  }
});
