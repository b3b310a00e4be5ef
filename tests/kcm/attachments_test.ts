import { test } from "node:test";
import { assert, assertEquals, assertInstanceOf, assertRejects, assertStrictEquals } from "@std/assert";
import { datagrams, Multiplexor } from "../../src/kcm/mod.ts";
import { resp } from "../../src/strparser/parsers/mod.ts";
import { collect, drain, source } from "../support/streams.ts";
import { isSettled, turns } from "../support/turns.ts";
import { unhandledRejections } from "../support/unhandled.ts";
import { bodies, Feed, flowOf, noting } from "./feed.ts";
import { bodyOf, parser, wire } from "./support.ts";

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

test("a direction that is not wanted and fails to cancel does no harm", async () => {
  const unhandled = await unhandledRejections(async () => {
    const kcm = new Multiplexor();
    const channel = kcm.socket();
    const failing = { readable: source<Uint8Array>([]), cancel: () => Promise.reject(new Error("no")) };
    const throwing = {
      readable: source<Uint8Array>([]),
      cancel: () => {
        throw new Error("no");
      },
    };
    const wanted = { readable: source([wire("a")]), label: "wanted" };
    const choice = (_: unknown, direction: unknown) => direction === undefined ? parser : undefined;
    const piped = source([{ client: failing, server: throwing }, wanted]).pipeTo(kcm.attachments({ parser: choice }));
    assertEquals(await bodies(channel.readable), ["a"]);
    await piped;
  });
  assertEquals(unhandled, []);
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

test("a flow without readables is told what it lacks", async () => {
  for (const wrong of [{ client: {}, server: {} }, { readable: undefined }]) {
    const piped = source([wrong as never]).pipeTo(new Multiplexor().attachments({ parser }));
    await assertRejects(() => piped, TypeError, "source must be an object with a readable");
  }
});

test("a parser function that returns no parser is told so", async () => {
  const choices: [choice: unknown, got: string][] = [
    [() => resp, "got a function, which perhaps was to be called"],
    [() => ({}), "got an object without a parse method"],
    [() => null, "got null"],
    [() => "resp", "got a string"],
  ];
  for (const [choice, got] of choices) {
    const kcm = new Multiplexor();
    const piped = source([{ readable: source<Uint8Array>([]) }]).pipeTo(kcm.attachments({ parser: choice as never }));
    const must = "the function that chooses a parser must return one or undefined";
    await assertRejects(() => piped, TypeError, `${must}, ${got}`);
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
