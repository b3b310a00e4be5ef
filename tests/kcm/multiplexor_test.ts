import { test } from "node:test";
import { assert, assertEquals, assertInstanceOf, assertStrictEquals, assertThrows } from "@std/assert";
import {
  type ConnectionOutcome,
  datagrams,
  type KcmConnection,
  KcmError,
  type KcmMessage,
  Multiplexor,
  type MultiplexorOptions,
} from "../../src/kcm/mod.ts";
import { collect, drain, source } from "../support/streams.ts";
import { isSettled, turns } from "../support/turns.ts";
import { unhandledRejections } from "../support/unhandled.ts";
import { bodyOf, parser, wire } from "./support.ts";

/** A readable that is fed by hand, and tells what was asked and cancelled. */
class Feed {
  readonly readable: ReadableStream<Uint8Array>;
  cancelled: { reason: unknown } | undefined;
  controller!: ReadableStreamDefaultController<Uint8Array>;
  pulls = 0;

  constructor() {
    this.readable = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.controller = controller;
      },
      pull: () => {
        this.pulls++;
      },
      cancel: (reason) => {
        this.cancelled = { reason };
      },
    }, { highWaterMark: 0 });
  }

  send(...bodies: string[]): void {
    this.controller.enqueue(wire(...bodies));
  }
}

/** A multiplexor that notes how its connections end. */
function noting(options: MultiplexorOptions = {}): { kcm: Multiplexor; ends: [number, unknown][] } {
  const ends: [number, unknown][] = [];
  const onConnectionEnd = ({ id }: KcmConnection, { error }: ConnectionOutcome): void => {
    ends.push([id, error]);
  };
  return { kcm: new Multiplexor({ ...options, onConnectionEnd }), ends };
}

async function bodies(readable: ReadableStream<KcmMessage>): Promise<string[]> {
  return (await collect(readable)).map(bodyOf);
}

test("flows piped into attachments come out as messages with their origin, and the channel ends", async () => {
  const kcm = new Multiplexor();
  const channel = kcm.socket();
  const flow = { client: { readable: source([wire("ask")]) }, server: { readable: source([wire("yes", "no")]) } };
  const other = { readable: source([wire("alone")]), direction: "server" as const, label: "other" };
  const piped = source([flow, other]).pipeTo(kcm.attachments({ parser }));
  const got: unknown[] = [];
  for await (const message of channel.readable) {
    const { connection, sequence } = message;
    got.push([connection.id, connection.direction, connection.label, sequence, bodyOf(message)]);
  }
  await piped;
  assertEquals(got.toSorted(), [
    [1, "client", undefined, 0, "ask"],
    [2, "server", undefined, 0, "yes"],
    [2, "server", undefined, 1, "no"],
    [3, "server", "other", 0, "alone"],
  ]);
  assertEquals([kcm.stats.attached, kcm.stats.unattached, kcm.bufferedBytes], [3, 3, 0]);
});

test("arrays of flows with arrays of chunks, into a channel of arrays", async () => {
  const kcm = new Multiplexor();
  const channel = kcm.socket({ batch: true });
  const client = { readable: source([[wire("a"), wire("b", "c").subarray(0, 4)], [], [wire("b", "c").subarray(4)]]) };
  const server = { readable: source<Uint8Array[]>([]) };
  const piped = source([[{ client, server }], []]).pipeTo(kcm.attachments({ parser }));
  const batches = await collect(channel.readable);
  await piped;
  assert(batches.every((batch) => Array.isArray(batch) && batch.length > 0));
  assertEquals(batches.flat().map(bodyOf), ["a", "b", "c"]);
});

test("a channel of arrays yields what one chunk brought as one array", async () => {
  const kcm = new Multiplexor();
  const reader = kcm.socket({ batch: true }).readable.getReader();
  const t = new Feed();
  kcm.attach(t, { parser });
  const first = reader.read();
  await turns();
  t.send("1", "2", "3");
  assertEquals((await first).value?.map(bodyOf), ["1", "2", "3"]);
  t.send("4");
  await turns();
  t.send("5", "6");
  await turns();
  assertEquals((await reader.read()).value?.map(bodyOf), ["4", "5", "6"]);
});

test("K9 what is queued in a readable before it is attached is read", async () => {
  const kcm = new Multiplexor();
  const t = new Feed();
  t.send("pre");
  kcm.attach(t, { parser });
  const { value } = await kcm.socket().readable.getReader().read();
  assertEquals(bodyOf(value!), "pre");
});

test("K92 an unread channel holds highWaterMark bytes, and its sources are not read on", async () => {
  const kcm = new Multiplexor({ highWaterMark: 10 });
  const channel = kcm.socket();
  let pulls = 0;
  const endless = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      pulls++;
      controller.enqueue(wire("abc"));
    },
  }, { highWaterMark: 0 });
  kcm.attach({ readable: endless }, { parser });
  await turns(8);
  assertEquals([channel.bufferedBytes, kcm.bufferedBytes, pulls, kcm.stats.readyMessages], [10, 10, 3, 1]);
  const reader = channel.readable.getReader();
  await reader.read();
  await turns(8);
  assert(pulls > 3, "a read makes room");
  assertEquals(channel.bufferedBytes, 10);
  await reader.cancel();
});

test("highWaterMark can be set for one channel, and half of it has to be read before more comes", async () => {
  const kcm = new Multiplexor({ highWaterMark: 1000 });
  const channel = kcm.socket({ highWaterMark: 12 });
  kcm.attach({ readable: source([wire("1", "2", "3", "4", "5", "6")]) }, { parser });
  await turns();
  assertEquals(channel.bufferedBytes, 12);
  const reader = channel.readable.getReader();
  await reader.read();
  assertEquals(channel.bufferedBytes, 9);
  await reader.read();
  await turns();
  assertEquals(channel.bufferedBytes, 12);
});

test("maxBufferedBytes bounds all channels together, but one that is read goes on", async () => {
  const kcm = new Multiplexor({ highWaterMark: 100, maxBufferedBytes: 30 });
  const [unread, read] = [kcm.socket(), kcm.socket()];
  const all = Array.from({ length: 200 }, (_, i) => wire(String(i)));
  kcm.attach({ readable: source(all) }, { parser });
  await turns();
  const held = unread.bufferedBytes + read.bufferedBytes;
  assert(held >= 30 && held < 40, `${held}`);
  const reader = read.readable.getReader();
  let count = 0;
  for (; count < 150; count++) assert(!(await reader.read()).done);
  assert(kcm.bufferedBytes <= 40);
  await reader.cancel();
  kcm.close();
  assertEquals((await collect(unread.readable)).length, 50);
});

test("channels that waited because of the others go on when those are read", async () => {
  const kcm = new Multiplexor({ highWaterMark: 100, maxBufferedBytes: 12 });
  const [a, b] = [kcm.socket(), kcm.socket()];
  kcm.attach({ readable: source(Array.from({ length: 20 }, () => wire("x"))) }, { parser });
  kcm.close();
  await turns();
  assertEquals([a.bufferedBytes, b.bufferedBytes], [6, 6]);
  const reader = a.readable.getReader();
  await reader.read();
  await reader.read();
  await turns();
  assert(b.bufferedBytes >= 6);
  reader.releaseLock();
  const [first, second] = await Promise.all([collect(a.readable), collect(b.readable)]);
  assertEquals(first.length + second.length, 18);
});

test("with no channel nothing is lost: connections wait for one", async () => {
  const kcm = new Multiplexor();
  const t = new Feed();
  kcm.attach(t, { parser });
  t.send("1", "2");
  await turns();
  assertEquals([kcm.stats.readyMessages, t.pulls], [1, 0]);
  const channel = kcm.socket();
  t.controller.close();
  kcm.close();
  assertEquals(await bodies(channel.readable), ["1", "2"]);
});

test("K34 a cancelled channel's messages go to the others, none lost and none twice", async () => {
  for (const batch of [false, true]) {
    const kcm = new Multiplexor();
    const [gone, stays] = [kcm.socket({ batch }), kcm.socket()];
    kcm.attach({ readable: source([wire("1", "2", "3", "4", "5", "6")]) }, { parser });
    kcm.close();
    const reader = gone.readable.getReader();
    const { value } = await reader.read();
    const read = [value!].flat().map(bodyOf);
    await reader.cancel("enough");
    const rest = await bodies(stays.readable);
    assertEquals([...read, ...rest].toSorted(), ["1", "2", "3", "4", "5", "6"]);
    assertEquals(gone.stats.rxMessages, read.length);
  }
});

test("leaving a loop closes the channel, and the other one gets the rest", async () => {
  const kcm = new Multiplexor();
  const [first, second] = [kcm.socket(), kcm.socket()];
  const piped = source([{ readable: source([wire("1", "2", "3")]) }]).pipeTo(kcm.attachments({ parser }));
  const got: string[] = [];
  for await (const message of first.readable) {
    got.push(bodyOf(message));
    break;
  }
  got.push(...await bodies(second.readable));
  await piped;
  assertEquals(got, ["1", "2", "3"]);
});

test("close ends a channel for its reader and gives its messages to the others", async () => {
  const kcm = new Multiplexor();
  const [first, second] = [kcm.socket(), kcm.socket()];
  kcm.attach({ readable: source([wire("1", "2", "3")]) }, { parser });
  await turns();
  await first.close();
  await first[Symbol.asyncDispose]();
  assertEquals(await collect(first.readable), []);
  kcm.close();
  assertEquals((await bodies(second.readable)).toSorted(), ["1", "2", "3"]);
});

test("K35 with the last channel closed everything ends: sources are cancelled, the pipe fails with the reason", async () => {
  const { kcm, ends } = noting();
  const channel = kcm.socket();
  const t = new Feed();
  let cancelled: unknown;
  const flows = new ReadableStream<{ readable: ReadableStream<Uint8Array> }>({
    start: (controller) => controller.enqueue(t),
    cancel: (reason) => {
      cancelled = reason;
    },
  });
  const piped = flows.pipeTo(kcm.attachments({ parser })).catch((error) => error);
  await turns();
  const reason = new Error("seen enough");
  await channel.readable.cancel(reason);
  assertStrictEquals(await piped, reason);
  assertStrictEquals(cancelled, reason);
  assertStrictEquals(t.cancelled?.reason, reason);
  assertEquals(ends, [[1, reason]]);
  assertEquals(assertThrows(() => kcm.attach(new Feed(), { parser }), KcmError).code, "EPIPE");
});

test("with holdOpen connections wait for the next channel", async () => {
  const kcm = new Multiplexor({ holdOpen: true });
  const t = new Feed();
  kcm.attach(t, { parser });
  const first = kcm.socket();
  t.send("1", "2");
  await turns();
  await first.close();
  t.send("3");
  t.controller.close();
  await turns();
  kcm.close();
  assertEquals(await bodies(kcm.socket().readable), ["1", "2", "3"]);
  assertEquals(t.cancelled, undefined);
});

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
  assertEquals([t.cancelled, kcm.stats.refused, kcm.stats.attached], [undefined, 2, 0]);
  reader.releaseLock();
});

test("K6 a wrong parser leaves the readable free", () => {
  const kcm = new Multiplexor();
  const t = new Feed();
  assertThrows(() => kcm.attach(t, { parser: undefined as never }), TypeError);
  assertThrows(() => kcm.attach({} as Feed, { parser }), TypeError);
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

test("maxSockets: a channel beyond it is refused", () => {
  const kcm = new Multiplexor({ maxSockets: 1 });
  kcm.socket();
  assertEquals(assertThrows(() => kcm.socket(), KcmError).code, "ENFILE");
});

test("wrong options are refused at once", () => {
  for (const name of ["highWaterMark", "maxBufferedBytes", "maxConnections", "maxSockets", "maxMessageLength"]) {
    assertThrows(() => new Multiplexor({ [name]: 0 }), RangeError, name);
    assertThrows(() => new Multiplexor({ [name]: "1" }), TypeError, name);
  }
  const kcm = new Multiplexor();
  assertThrows(() => kcm.socket({ highWaterMark: 0 }), RangeError);
  assertThrows(() => kcm.attachments({ parser: undefined as never }), TypeError);
  assertThrows(() => kcm.attachments({ parser: {} as never }), TypeError);
});

test("K10 unattach cancels the readable with the reason; whole messages still come", async () => {
  const { kcm, ends } = noting({ highWaterMark: 3 });
  const channel = kcm.socket();
  const t = new Feed();
  const attachment = kcm.attach(t, { parser, label: "t" });
  t.send("1", "2", "3");
  await turns();
  attachment.unattach("done with it");
  attachment.unattach("twice");
  kcm.close();
  assertEquals(await attachment.ended, { error: undefined, messages: 2, bytes: 6 });
  assertEquals([t.cancelled, attachment.connection.label], [{ reason: "done with it" }, "t"]);
  assertEquals(await bodies(channel.readable), ["1", "2"]);
  assertEquals(ends, [[1, undefined]]);
});

test("an aborted pipe: channels fail with the reason, after everything that was accepted", async () => {
  const { kcm, ends } = noting();
  const [first, second] = [kcm.socket(), kcm.socket()];
  const reason = new Error("capture is cut");
  const flows = source([{ readable: source([wire("1", "2"), wire("3")]) }], reason);
  const piped = flows.pipeTo(kcm.attachments({ parser })).catch((error) => error);
  const results = await Promise.all([first, second].map((channel) => drain(channel.readable)));
  assertStrictEquals(await piped, reason);
  assertEquals(results.flatMap(({ chunks }) => chunks.map(bodyOf)).toSorted(), ["1", "2", "3"]);
  for (const { error } of results) assertStrictEquals(error, reason);
  assertEquals(ends, [[1, undefined]]);
});

test("abort ends everything at once with the reason, after what came before", async () => {
  const { kcm, ends } = noting();
  const channel = kcm.socket();
  const t = new Feed();
  const writable = kcm.attachments({ parser });
  const writer = writable.getWriter();
  const closed = writer.closed.catch((error) => error);
  await writer.write(t);
  t.send("1");
  await turns();
  const reason = new Error("stop");
  kcm.abort(reason);
  assertStrictEquals(await closed, reason);
  assertStrictEquals(t.cancelled?.reason, reason);
  const { chunks, error } = await drain(channel.readable);
  assertEquals(chunks.map(bodyOf), ["1"]);
  assertStrictEquals(error, reason);
  assertEquals(ends, [[1, reason]]);
  assertThrows(() => kcm.attachments({ parser }), KcmError);
});

test("dispose aborts", async () => {
  const kcm = new Multiplexor();
  const t = new Feed();
  const { ended } = kcm.attach(t, { parser });
  await kcm[Symbol.asyncDispose]();
  assertEquals(((await ended).error as KcmError).code, "EPIPE");
});

test("with several writables the channels end when the last one is closed", async () => {
  const kcm = new Multiplexor();
  const channel = kcm.socket();
  const [a, b] = [kcm.attachments({ parser }), kcm.attachments({ parser })];
  await source([{ readable: source([wire("a")]) }]).pipeTo(a);
  kcm.close();
  await turns();
  const all = bodies(channel.readable);
  assertEquals(await isSettled(all), false);
  await source([{ readable: source([wire("b")]) }]).pipeTo(b);
  assertEquals(await all, ["a", "b"]);
});

test("a parser function chooses for each direction; what it does not want is cancelled", async () => {
  const kcm = new Multiplexor();
  const channel = kcm.socket();
  const asked: unknown[] = [];
  const [client, server] = [new Feed(), new Feed()];
  const flow = { ...flowOf("tcp"), client, server };
  const writer = kcm.attachments({
    parser: (origin, direction) => {
      asked.push([origin === flow, direction]);
      return direction === "client" ? parser : undefined;
    },
  }).getWriter();
  await writer.write(flow);
  await writer.close();
  client.send("a");
  client.controller.close();
  const [message] = await collect(channel.readable);
  assertEquals(asked, [[true, "client"], [true, "server"]]);
  assertStrictEquals(message!.connection.flow, flow);
  assertEquals([server.cancelled, kcm.stats.attached], [{ reason: undefined }, 1]);
});

test("a direction that knows how to cancel itself is not made a stream of", async () => {
  const kcm = new Multiplexor();
  const cancelled: string[] = [];
  const direction = (name: string) => ({
    get readable(): ReadableStream<Uint8Array> {
      throw new Error("a stream was made");
    },
    cancel: () => cancelled.push(name),
  });
  const writer = kcm.attachments({ parser: () => undefined }).getWriter();
  await writer.write({ client: direction("client"), server: direction("server") });
  assertEquals(cancelled, ["client", "server"]);
});

test("one parser for all is for TCP, and leaves UDP out; datagrams is the other way round", async () => {
  for (const [choice, protocol] of [[parser, "tcp"], [datagrams, "udp"]] as const) {
    const kcm = new Multiplexor();
    const channel = kcm.socket();
    const flows = (["tcp", "udp"] as const).map((protocol) => ({
      ...flowOf(protocol),
      client: { readable: source([wire(protocol)]) },
      server: { readable: source<Uint8Array>([]) },
    }));
    const piped = source(flows).pipeTo(kcm.attachments({ parser: choice }));
    assertEquals(await bodies(channel.readable), [protocol]);
    await piped;
    assertEquals(kcm.stats.attached, 2);
  }
});

test("what is no flow fails the writable and, after what was accepted, the channels", async () => {
  for (const wrong of [null, 5, {}, { client: {}, server: {} }]) {
    const kcm = new Multiplexor();
    const channel = kcm.socket();
    const good = { readable: source([wire("a")]) };
    const piped = source([good, wrong as never]).pipeTo(kcm.attachments({ parser })).catch((error) => error);
    const { chunks, error } = await drain(channel.readable);
    assertEquals(chunks.map(bodyOf), ["a"]);
    assertInstanceOf(error, TypeError);
    assertStrictEquals(await piped, error);
  }
});

test("a parser function that throws fails the writable and, after what was accepted, the channels", async () => {
  const kcm = new Multiplexor();
  const channel = kcm.socket();
  const mine = new Error("mine");
  const piped = source([{ readable: source<Uint8Array>([]) }]).pipeTo(kcm.attachments({
    parser: () => {
      throw mine;
    },
  })).catch((error) => error);
  assertStrictEquals((await drain(channel.readable)).error, mine);
  assertStrictEquals(await piped, mine);
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

test("messages of many connections reach several readers, each once", async () => {
  const kcm = new Multiplexor({ highWaterMark: 64 });
  const channels = [kcm.socket(), kcm.socket({ batch: true }), kcm.socket({ highWaterMark: 1 })];
  const flows = Array.from({ length: 40 }, (_, i) => ({
    client: { readable: source(Array.from({ length: 10 }, (_, n) => wire(`c${i}.${n}`, `d${i}.${n}`))) },
    server: { readable: source([wire(`s${i}`)]) },
  }));
  const piped = source(flows).pipeTo(kcm.attachments({ parser }));
  const got = await Promise.all(channels.map(async ({ readable }) => (await collect<unknown>(readable)).flat()));
  await piped;
  const names = got.flat().map((message) => bodyOf(message as KcmMessage));
  assertEquals(names.length, 40 * 21);
  assertEquals(new Set(names).size, 40 * 21);
});

test("no rejection is left unhandled, whatever ends first", async () => {
  const unhandled = await unhandledRejections(async () => {
    for (const order of ["cancel", "abort", "writer", "source", "close", "unread"]) {
      const kcm = new Multiplexor({ highWaterMark: 1 });
      const channels = [kcm.socket(), kcm.socket({ batch: true })];
      const t = new Feed();
      t.send("1", "2", "3", "4");
      const writer = kcm.attachments({ parser }).getWriter();
      const closed = writer.closed.catch(() => {});
      await writer.write([t, { readable: source<Uint8Array>([wire("x")], new Error("source")) }]);
      await turns();
      if (order === "cancel") await Promise.all(channels.map(({ readable }) => readable.cancel(new Error("no"))));
      if (order === "abort") kcm.abort(new Error("abort"));
      if (order === "writer") await writer.abort(new Error("writer"));
      if (order === "source") t.controller.error(new Error("source"));
      if (order === "close") await Promise.all(channels.map((channel) => channel.close()));
      if (order === "writer" || order === "source") await Promise.all([turns(), kcm.abort(new Error("then"))]);
      await turns();
      if (order !== "unread") await Promise.all(channels.map(({ readable }) => drain(readable as ReadableStream)));
      if (order !== "source" && order !== "unread") await closed;
    }
  });
  assertEquals(unhandled, []);
});

/** What a flow of the flow layer tells of itself. */
function flowOf(protocol: "tcp" | "udp") {
  const time = { seconds: 1, nanoseconds: 0 };
  const [client, server] = [{ address: "192.0.2.1", port: 40_000 }, { address: "192.0.2.2", port: 53 }];
  return {
    id: 1,
    key: { protocol, client, server },
    startedAt: time,
    lastAt: time,
    complete: true,
    endedBy: undefined,
  };
}
