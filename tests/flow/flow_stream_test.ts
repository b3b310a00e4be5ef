import { assert, assertEquals, assertInstanceOf, assertRejects, assertStrictEquals } from "@std/assert";
import { test } from "node:test";
import { type Flow, FlowError, FlowStream, type FlowStreamOptions } from "../../src/flow/mod.ts";
import { Segment } from "../../src/packet/segment.ts";
import { ManualClock } from "../../src/sim/mod.ts";
import { stageChecklist } from "../support/stage_checklist.ts";
import { collect, drain, feed, source } from "../support/streams.ts";
import { isSettled, turns } from "../support/turns.ts";
import { unhandledRejections } from "../support/unhandled.ts";
import { End, ipv4, text, udp } from "./conversation.ts";

/** Two ends whose segments are collected. */
function script(port = 40000): { segments: Segment[]; c: End; s: End; take(): Segment[] } {
  const segments: Segment[] = [];
  const c = new End(ipv4(1, port), 1000, (segment) => segments.push(segment));
  const s = new End(ipv4(2, 80), 5000, (segment) => segments.push(segment));
  c.peer = s;
  s.peer = c;
  return { segments, c, s, take: () => segments.splice(0) };
}

/** A short conversation from SYN to FIN. */
function whole(port = 40000, request = "ping", response = "pong"): Segment[] {
  const { segments, c, s } = script(port);
  c.syn();
  s.synAck();
  c.data(request);
  s.data(response);
  c.fin();
  s.fin();
  return segments;
}

async function read(readable: ReadableStream<Uint8Array>): Promise<string> {
  return (await collect(readable)).map(text).join("");
}

/** Writes segments and takes the flows that they open. */
async function opened(stage: FlowStream, segments: Segment[], count: number): Promise<Flow[]> {
  const writer = stage.writable.getWriter();
  const written = writer.write(segments);
  const flows = stage.readable.getReader();
  const taken: Flow[] = [];
  while (taken.length < count) taken.push((await flows.read()).value!);
  flows.releaseLock();
  await written;
  writer.releaseLock();
  return taken;
}

stageChecklist<Segment, number | Flow<false>>({
  name: "FlowStream",
  make: (options) =>
    new FlowStream(options as FlowStreamOptions) as unknown as ReadableWritablePair<
      Flow<false>,
      Segment | readonly Segment[]
    >,
  inputs: [...whole(1024), ...whole(1025), ...whole(1026)],
  outputs: [1, 2, 3],
  badOptions: [{ maxFlows: 0 }, { overlap: "middle" }, { gaps: "hide" }, { maxHoleMs: -1 }, { starveMs: -1 }, {
    onGap: 1,
  }],
  badInput: {
    inputs: [...whole(1024), { bytes: "none" } as unknown as Segment],
    outputs: [1],
    code: undefined as unknown as string,
  },
  view: (flow) => typeof flow === "number" ? flow : flow.id,
});

test("a flow has its key, times and both streams, and says how it ended", async () => {
  const flows = await collect(source(whole()).pipeThrough(new FlowStream()));
  assertEquals(flows.length, 1);
  const [flow] = flows as [Flow];
  assertEquals([flow.id, flow.complete, flow.endedBy], [1, true, "fin"]);
  assertEquals(flow.key.server, { address: "10.0.0.2", port: 80 });
  assertEquals(await read(flow.client.readable), "ping");
  assertEquals(await read(flow.server.readable), "pong");
  assertEquals(await flow.closed, "fin");
  assertEquals(flow.client.stats.bytes, 4);
  assertEquals(flow.startedAt, { seconds: 0, nanoseconds: 0 });
  assertEquals(flow.lastAt, { seconds: 0, nanoseconds: 0 });
});

test("what is no segment fails the stage with a TypeError that says so, packets too", async () => {
  const [segment] = whole();
  for (const [wrong, got] of [[segment!.packet, "object"], [{}, "object"], [null, "null"], [7, "number"]] as const) {
    for (const chunk of [wrong, [segment, wrong]]) {
      const { error } = await drain(source([chunk as Segment]).pipeThrough(new FlowStream()));
      assertInstanceOf(error, TypeError);
      assertEquals(error.message, `chunk must be a Segment or an array of them, got ${got}`);
    }
  }
});

test("a flow is handed out at its first packet and its streams follow the capture", async () => {
  const { c, s, take } = script();
  const { readable, writable } = new FlowStream();
  const writer = writable.getWriter();
  const flows = readable.getReader();
  c.syn();
  await writer.write(take());
  const flow = (await flows.read()).value!;
  const client = flow.client.readable.getReader();
  const next = client.read();
  assertEquals(await isSettled(next), false);
  s.synAck();
  c.data("abc");
  await writer.write(take());
  assertEquals(text((await next).value!), "abc");
  assertEquals(await isSettled(flow.closed), false);
  c.rst();
  await writer.write(take());
  assertEquals((await client.read()).done, true);
  assertEquals(await flow.closed, "reset");
  await writer.close();
  assertEquals((await flows.read()).done, true);
});

test("with batch, a direction yields one array of chunks for each write", async () => {
  const { c, s, take } = script();
  const stage = new FlowStream({ batch: true });
  const writer = stage.writable.getWriter();
  c.syn();
  s.synAck();
  c.data("a");
  c.data("b");
  await writer.write(take());
  const [flow] = (await stage.readable.getReader().read()).value!;
  const client = flow!.client.readable.getReader();
  assertEquals((await client.read()).value!.map(text), ["a", "b"]);
  c.data("c");
  c.data("d");
  c.data("e");
  await writer.write(take());
  assertEquals((await client.read()).value!.map(text), ["c", "d", "e"]);
});

test("a UDP flow yields one chunk for each datagram", async () => {
  const [a, b] = [ipv4(1, 5353), ipv4(2, 53)];
  const input = [udp(a, b, "q1"), udp(a, b, ""), udp(b, a, "r1"), udp(a, b, "q2")];
  const [flow] = await collect(source(input).pipeThrough(new FlowStream())) as [Flow];
  assertEquals((await collect(flow.client.readable)).map(text), ["q1", "", "q2"]);
  assertEquals(await flow.closed, "capture-end");
});

/** Segments as they lie in one large chunk of a capture. */
function inOneChunk(segments: readonly Segment[], size: number): { chunk: Uint8Array; inside: Segment[] } {
  const chunk = new Uint8Array(size);
  let at = 0;
  const inside = segments.map((segment) => {
    const { datagram } = segment;
    chunk.set(datagram, at);
    const bytes = chunk.subarray(at, at += datagram.length);
    return new Segment({ ...segment.packet, bytes }, bytes, segment);
  });
  return { chunk, inside };
}

test("what nobody waits for does not keep the large chunk alive that it came in; who waits gets views", async () => {
  const [a, b] = [ipv4(1, 5353), ipv4(2, 53)];
  const inputs = [udp(a, b, "one"), udp(a, b, ""), udp(a, b, "three")];
  for (const batch of [false, true]) {
    const stage = new FlowStream({ batch });
    const writer = stage.writable.getWriter();
    await writer.write(inOneChunk(inputs, 4096).inside);
    const [flow] = [(await stage.readable.getReader().read()).value!].flat() as Flow<boolean>[];
    const reader = flow!.client.readable.getReader();
    const queued: Uint8Array[] = [];
    while (queued.length < 3) queued.push(...[(await reader.read()).value!].flat());
    assertEquals(queued.map(text), ["one", "", "three"]);
    for (const { buffer } of queued) assertEquals(buffer.byteLength, 8);
    const waiting = reader.read();
    await turns();
    const { chunk, inside } = inOneChunk([udp(a, b, "four")], 4096);
    await writer.write(inside);
    const [view] = [(await waiting).value!].flat();
    assertEquals(text(view!), "four");
    assertStrictEquals(view!.buffer, chunk.buffer);
    // of several chunks that come at once, who reads one at a time takes one
    const next = reader.read();
    await turns();
    await writer.write(inOneChunk(inputs, 4096).inside);
    const several = [(await next).value!].flat();
    while (several.length < 3) several.push(...[(await reader.read()).value!].flat());
    for (const { buffer } of several) assertEquals(buffer.byteLength, batch ? 4096 : 8);
    await writer.close();
  }
});

test("much of a chunk is not copied, though nobody waits for it", async () => {
  const { chunk, inside } = inOneChunk([udp(ipv4(1, 5353), ipv4(2, 53), "x".repeat(1000))], 4000);
  const [flow] = await collect(source(inside).pipeThrough(new FlowStream())) as [Flow];
  const [view] = await collect(flow.client.readable);
  assertStrictEquals(view!.buffer, chunk.buffer);
});

test("bytes before a gap are read before its error, on that direction only", async () => {
  const { c, s, segments } = script();
  c.syn();
  s.synAck();
  c.at(0, "abc");
  c.at(5, "fg");
  s.data("ok");
  const [flow] = await collect(source(segments).pipeThrough(new FlowStream())) as [Flow];
  const { chunks, error } = await drain(flow.client.readable);
  assertEquals(chunks.map(text), ["abc"]);
  assert(error instanceof FlowError);
  assertEquals([error.code, error.gap], ["EGAP", { offset: 3, length: 2 }]);
  assertEquals(await read(flow.server.readable), "ok");
});

test("onGap is told of a skipped gap", async () => {
  const { c, s, segments } = script();
  c.syn();
  s.synAck();
  c.at(0, "abc");
  c.at(5, "fg");
  const told: unknown[] = [];
  const stage = new FlowStream({ gaps: "skip", onGap: (flow, side, gap) => told.push([flow.id, side, gap]) });
  const [flow] = await collect(source(segments).pipeThrough(stage)) as [Flow];
  assertEquals(told, [[1, "client", { offset: 3, length: 2 }]]);
  assertEquals(await read(flow.client.readable), "abcfg");
});

test("an onGap that throws fails the stage with what it threw", async () => {
  const { c, s, segments } = script();
  c.syn();
  s.synAck();
  c.at(5, "fg", { wireLength: 9 });
  c.at(0, "abcde");
  const thrown = new Error("mine");
  const stage = new FlowStream({
    gaps: "skip",
    onGap: () => {
      throw thrown;
    },
  });
  const fed = feed(stage.writable, segments);
  assertStrictEquals((await drain(stage.readable)).error, thrown);
  assertStrictEquals(await fed, thrown);
});

test("an onGap that throws at every gap leaves no stream without an end, in a write or at the close", async () => {
  for (const [maxHolePackets, expected] of [[1, "xx"], [100, "xxxx"]] as const) {
    const { c, s, segments } = script();
    c.syn();
    s.synAck();
    for (const offset of [10, 20, 30, 40]) c.at(offset, "x");
    const thrown = new Error("mine");
    let calls = 0;
    const stage = new FlowStream({
      gaps: "skip",
      maxHolePackets,
      onGap: () => {
        calls++;
        throw thrown;
      },
    });
    const flows = stage.readable.getReader();
    const fed = feed(stage.writable, segments);
    const flow = (await flows.read()).value!;
    const [client, server] = await Promise.all([drain(flow.client.readable), drain(flow.server.readable)]);
    assertEquals(client.chunks.map(text).join(""), expected);
    assertEquals([client.error, server.error], [thrown, thrown]);
    assertStrictEquals(await flows.read().catch((error) => error), thrown);
    assertStrictEquals(await fed, thrown);
    assertEquals([calls, await flow.closed], [1, "capture-end"]);
  }
});

test("a flow that is cancelled while its stream is read ends for the reader", async () => {
  const { c, segments } = script();
  c.syn();
  const stage = new FlowStream();
  const [flow] = await opened(stage, segments, 1) as [Flow];
  const reading = flow.client.readable.getReader().read();
  flow.cancel();
  assert(await isSettled(reading));
  assertEquals((await reading).done, true);
});

test("highWaterMark counts what all flows hold and makes writes wait until somebody reads", async () => {
  const stage = new FlowStream({ highWaterMark: 1000 });
  const flows = stage.readable.getReader();
  const writer = stage.writable.getWriter();
  const { c, s, take } = script();
  c.syn();
  s.synAck();
  await writer.write(take());
  const flow = (await flows.read()).value!;
  c.data(new Uint8Array(600));
  s.data(new Uint8Array(600));
  const written = writer.write(take());
  assertEquals(await isSettled(written), false);
  await flow.client.readable.getReader().read();
  assert(await isSettled(written));
  assertEquals(stage.stats.starved, 0);
});

test("a flow that nobody reads fails with ENOBUFS when a reader of another starves", async () => {
  const stage = new FlowStream({ highWaterMark: 2000 });
  const [one, two] = [script(1111), script(2222)];
  one.c.syn();
  two.c.syn();
  const [wanted, unread] = await opened(stage, [...one.take(), ...two.take()], 2) as [Flow, Flow];
  const writer = stage.writable.getWriter();
  const reading = wanted.client.readable.getReader().read();
  for (let i = 0; i < 3; i++) {
    two.c.data(new Uint8Array(1000));
    await writer.write(two.take());
  }
  one.c.data("abc");
  await writer.write(one.take());
  assertEquals(text((await reading).value!), "abc");
  assertEquals(stage.stats.starved, 1);
  const error = await assertRejects(() => read(unread.client.readable));
  assertEquals((error as { code?: string }).code, "ENOBUFS");
  assertEquals(
    (error as Error).message,
    "flow 2, client: 2128 unread bytes dropped because other readers wait and highWaterMark 2000 is full; " +
      "read both directions at once, or cancel() what you do not want",
  );
});

test("starveMs: a queue that is read too slowly gives way after that time without progress", async () => {
  const clock = new ManualClock();
  const stage = new FlowStream({ highWaterMark: 2000, starveMs: 50, clock });
  const [one, two] = [script(1111), script(2222)];
  one.c.syn();
  two.c.syn();
  const [waiting, slow] = await opened(stage, [...one.take(), ...two.take()], 2) as [Flow, Flow];
  const writer = stage.writable.getWriter();
  waiting.client.readable.getReader().read().catch(() => {});
  const slowReader = slow.client.readable.getReader();
  two.c.data("x");
  await writer.write(two.take());
  await slowReader.read();
  two.c.data(new Uint8Array(2000));
  const written = writer.write(two.take());
  assertEquals(await isSettled(written), false);
  clock.advance(50);
  assert(await isSettled(written));
  await assertRejects(() => slowReader.read());
});

test("where flows that are not taken fill the budget, they give way, and the flows that were taken go on", async () => {
  const clock = new ManualClock();
  const stage = new FlowStream({ highWaterMark: 1000, starveMs: 50, clock });
  const one = script(1111);
  one.c.syn();
  const [taken] = await opened(stage, one.take(), 1) as [Flow];
  const reader = taken.client.readable.getReader();
  const reading = reader.read();
  const writer = stage.writable.getWriter();
  const written = writer.write([...whole(2222, "", ""), ...whole(3333, "", "")]);
  assertEquals(await isSettled(written), false);
  clock.advance(50);
  assert(await isSettled(written));
  const error = await assertRejects(() => collect(stage.readable));
  assertEquals((error as { code?: string }).code, "ENOBUFS");
  one.c.data("abc");
  await writer.write([...one.take(), ...whole(4444)]);
  assertEquals(text((await reading).value!), "abc");
  await reader.cancel();
  assertEquals((await assertRejects(() => writer.write([])) as { code?: string }).code, "ENOBUFS");
});

test("a direction with data in its queue can be cancelled without a stream of it", async () => {
  const { c, s, take } = script();
  const stage = new FlowStream();
  c.syn();
  s.synAck();
  c.data("abc");
  const [flow] = await opened(stage, take(), 1) as [Flow];
  flow.client.cancel();
  flow.client.cancel();
  assertEquals(await collect(flow.client.readable), []);
  const writer = stage.writable.getWriter();
  c.data("def");
  s.data("ok");
  await writer.write(take());
  assertEquals(text((await flow.server.readable.getReader().read()).value!), "ok");
});

test("a cancelled direction or flow costs nothing and holds nothing up", async () => {
  const stage = new FlowStream({ highWaterMark: 1000 });
  const flows = stage.readable.getReader();
  const writer = stage.writable.getWriter();
  const { c, s, take } = script();
  c.syn();
  s.synAck();
  await writer.write(take());
  const flow = (await flows.read()).value!;
  flow.server.cancel();
  for (let i = 0; i < 10; i++) {
    s.data(new Uint8Array(900));
    await writer.write(take());
  }
  flow.cancel();
  c.data(new Uint8Array(5000));
  c.at(90_000, "held for nobody");
  await writer.write(take());
  assertEquals(stage.stats.heldBytes, 0);
  assertEquals(stage.stats.starved, 0);
  assertEquals(await collect(flow.client.readable), []);
  c.fin();
  s.fin();
  await writer.write(take());
  assertEquals(await flow.closed, "fin");
});

test("a stream that its reader cancels lets the other direction go on", async () => {
  const stage = new FlowStream();
  const flows = stage.readable.getReader();
  const writer = stage.writable.getWriter();
  const { c, s, take } = script();
  c.syn();
  s.synAck();
  await writer.write(take());
  const flow = (await flows.read()).value!;
  await flow.client.readable.cancel();
  c.data("ignored");
  s.data("read");
  await writer.write(take());
  assertEquals(text((await flow.server.readable.getReader().read()).value!), "read");
});

test("after the flows are cancelled, streams asked for before are read to their end, then the source is told", async () => {
  const stage = new FlowStream();
  const flows = stage.readable.getReader();
  const writer = stage.writable.getWriter();
  const [one, two] = [script(1111), script(2222)];
  one.c.syn();
  one.s.synAck();
  two.c.syn();
  await writer.write([...one.take(), ...two.take()]);
  const [picked, other] = [(await flows.read()).value!, (await flows.read()).value!];
  const reading = read(picked.client.readable);
  const reason = new Error("one is enough");
  await flows.cancel(reason);
  assertStrictEquals(await assertRejects(() => read(other.client.readable)), reason);
  one.c.data("still here");
  await writer.write([...one.take(), ...whole(3333)]);
  assertEquals(await isSettled(writer.closed.catch(() => {})), false);
  one.c.fin();
  await writer.write(one.take());
  assertEquals(await reading, "still here");
  assertStrictEquals(await writer.closed.catch((error) => error), reason);
});

test("an abort of the writable fails open streams with its reason, after what they hold", async () => {
  const stage = new FlowStream();
  const flows = stage.readable.getReader();
  const writer = stage.writable.getWriter();
  const { c, s, take } = script();
  c.syn();
  s.synAck();
  c.data("abc");
  c.at(9, "behind a hole");
  await writer.write(take());
  const flow = (await flows.read()).value!;
  const reason = new Error("cable cut");
  await writer.abort(reason);
  const { chunks, error } = await drain(flow.client.readable);
  assertEquals(chunks.map(text), ["abc"]);
  assertStrictEquals(error, reason);
  assertStrictEquals((await drain(flow.server.readable)).error, reason);
  assertEquals(await flow.closed, "capture-end");
});

test("flows one after the other, each read to its end, need no more than the budget when it suffices", async () => {
  const input = Array.from({ length: 50 }, (_, i) => whole(2000 + i, `request ${i}`, `response ${i}`)).flat();
  const stage = new FlowStream();
  const got: string[] = [];
  const reader = source(input).pipeThrough(stage).getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    got.push(await read(next.value.client.readable), await read(next.value.server.readable));
  }
  assertEquals(got, Array.from({ length: 50 }, (_, i) => [`request ${i}`, `response ${i}`]).flat());
});

test("no rejection is left unhandled by flows whose streams nobody reads", async () => {
  const { c, s, segments } = script();
  c.syn();
  s.synAck();
  c.at(5, "behind a hole");
  const unhandled = await unhandledRejections(async () => {
    for (const end of ["close", "abort", "cancel"] as const) {
      const stage = new FlowStream({ highWaterMark: 100 });
      const writer = stage.writable.getWriter();
      const flows = stage.readable.getReader();
      writer.write(segments).catch(() => {});
      const flow = (await flows.read()).value!;
      flow.client.readable;
      flow.closed;
      if (end === "close") writer.close().catch(() => {});
      if (end === "abort") writer.abort(new Error("x")).catch(() => {});
      if (end === "cancel") {
        await flow.client.readable.cancel();
        await flows.cancel();
        writer.closed.catch(() => {});
      }
      await turns();
    }
  });
  assertEquals(unhandled, []);
});
