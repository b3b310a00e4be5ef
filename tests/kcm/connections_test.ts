import { test } from "node:test";
import { assertEquals, assertInstanceOf, assertStrictEquals, assertThrows } from "@std/assert";
import { KcmError, Multiplexor } from "../../src/kcm/mod.ts";
import { drain, source } from "../support/streams.ts";
import { turns } from "../support/turns.ts";
import { bodies, Feed, noting } from "./feed.ts";
import { bodyOf, parser, wire } from "./support.ts";

test("K43 a connection that breaks its protocol is cancelled with the error; the others go on", async () => {
  const { kcm, ends } = noting({ maxMessageLength: 10 });
  const channel = kcm.socket();
  const [t, u] = [new Feed(), new Feed()];
  const attachment = kcm.attach(t, { parser });
  kcm.attach(u, { parser });
  kcm.close();
  t.send("good", "much too long", "lost");
  await turns();
  u.send("fine");
  u.controller.close();
  assertEquals(await bodies(channel.readable), ["good", "fine"]);
  const { error, messages, bytes } = await attachment.ended;
  assertEquals([(error as KcmError).code, messages, bytes], ["EMSGSIZE", 1, 6]);
  assertStrictEquals(t.cancelled?.reason, error);
  assertEquals(ends, [[1, error], [2, undefined]]);
  assertEquals(kcm.failures.toJSON(), { EMSGSIZE: 1 });
});

test("K45 a readable that ends inside a message is reported as truncated, with what is missing", async () => {
  const kcm = new Multiplexor();
  const channel = kcm.socket();
  const { ended } = kcm.attach({ readable: source([wire("whole", "cut").subarray(0, 10)]) }, { parser });
  kcm.close();
  assertEquals(await bodies(channel.readable), ["whole"]);
  const { error } = await ended;
  const { code, bytesHeld, bytesMissing } = error as { code: string; bytesHeld: number; bytesMissing: number };
  assertEquals([code, bytesHeld, bytesMissing], ["ETRUNCATED", 3, 2]);
});

test("a readable that fails is reported with its own error; the others go on", async () => {
  const { kcm, ends } = noting();
  const channel = kcm.socket();
  const reason = Object.assign(new Error("hole"), { code: "EGAP" });
  kcm.attach({ readable: source([wire("before")], reason) }, { parser });
  kcm.attach({ readable: source([wire("other")]) }, { parser });
  kcm.close();
  assertEquals(await bodies(channel.readable), ["before", "other"]);
  assertEquals(ends.toSorted(), [[1, reason], [2, undefined]]);
  assertEquals(kcm.failures.toJSON(), { EGAP: 1 });
});

test("a chunk that is no Uint8Array fails its connection", async () => {
  const { kcm, ends } = noting();
  const channel = kcm.socket();
  kcm.attach({ readable: source<Uint8Array>([wire("a"), "text" as never]) }, { parser });
  kcm.close();
  assertEquals(await bodies(channel.readable), ["a"]);
  assertInstanceOf(ends[0]![1], TypeError);
});

test("K4 a readable that somebody else reads is refused and left alone", async () => {
  const { kcm, ends } = noting();
  const t = new Feed();
  const reader = t.readable.getReader();
  const error = assertThrows(() => kcm.attach(t, { parser }), KcmError);
  assertEquals(error.code, "EALREADY");
  const writer = kcm.attachments({ parser }).getWriter();
  await writer.write(t);
  assertEquals([ends.map(([id]) => id), (ends[0]![1] as KcmError).code], [[2], "EALREADY"]);
  let cancels = 0;
  await writer.write({ client: { readable: t.readable, cancel: () => cancels++ }, server: t });
  assertEquals([t.cancelled, cancels, kcm.stats.refused, kcm.stats.attached], [undefined, 0, 4, 0]);
  reader.releaseLock();
});

test("K6 a wrong parser leaves the readable free", () => {
  const kcm = new Multiplexor();
  const t = new Feed();
  assertThrows(() => kcm.attach(t, { parser: undefined as never }), TypeError);
  for (const wrong of [{}, { readable: undefined }, { readable: {} }, null, undefined, "bytes"]) {
    assertThrows(
      () => kcm.attach(wrong as unknown as Feed, { parser }),
      TypeError,
      "source must be an object with a readable",
    );
  }
  assertEquals([t.readable.locked, kcm.stats.attached], [false, 0]);
});

test("maxConnections: a flow beyond it is cancelled and reported, the channels go on", async () => {
  const { kcm, ends } = noting({ maxConnections: 1 });
  const channel = kcm.socket();
  const [t, u] = [new Feed(), new Feed()];
  const writer = kcm.attachments({ parser }).getWriter();
  await writer.write([t, u]);
  await writer.close();
  t.send("a");
  t.controller.close();
  assertEquals(await bodies(channel.readable), ["a"]);
  const error = ends[0]![1] as KcmError;
  assertEquals([ends.map(([id]) => id), error.code, kcm.stats.refused], [[2, 1], "ENFILE", 1]);
  assertStrictEquals(u.cancelled?.reason, error);
});

test("K10 unattach cancels the readable with the reason; whole messages still come", async () => {
  const { kcm, ends } = noting({ highWaterMark: 3 });
  const channel = kcm.socket();
  const t = new Feed();
  const attachment = kcm.attach(t, { parser, label: "t" });
  t.send("1", "2", "3");
  await turns();
  attachment.abort("done with it");
  attachment.abort("twice");
  kcm.close();
  const { error, messages, bytes } = await attachment.ended;
  assertEquals([error, messages, bytes], [undefined, 2, 6]);
  assertEquals([t.cancelled, attachment.connection.label], [{ reason: "done with it" }, "t"]);
  assertEquals(await bodies(channel.readable), ["1", "2"]);
  assertEquals(ends, [[1, undefined]]);
});

test("onConnectionEnd may attach the next connection; what it throws aborts", async () => {
  const mine = new Error("mine");
  let isLast = false;
  const kcm: Multiplexor = new Multiplexor({
    onConnectionEnd: ({ id }) => {
      if (isLast) throw mine;
      isLast = true;
      kcm.attach({ readable: source([wire(`after ${id}`)]) }, { parser });
    },
  });
  const channel = kcm.socket();
  kcm.attach({ readable: source([wire("first")]) }, { parser });
  const { chunks, error } = await drain(channel.readable);
  assertEquals(chunks.map(bodyOf), ["first", "after 1"]);
  assertStrictEquals(error, mine);
});
