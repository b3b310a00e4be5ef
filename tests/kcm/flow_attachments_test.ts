import { test } from "node:test";
import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { FlowError, type FlowRecord, type FlowSide, type FlowSink } from "../../src/flow/mod.ts";
import { datagrams, flowsInto, type FlowsIntoOptions, type KcmError, MultiplexorEngine } from "../../src/kcm/mod.ts";
import { type KcmMessage, muxedFlows } from "../../src/kcm/mod.ts";
import { bodyOf, parser, TestSocket, wire } from "./support.ts";

let nextId = 1;

function sideStats(): FlowRecord["client"] {
  return {
    packets: 0,
    wireBytes: 0,
    bytes: 0,
    retransmissions: 0,
    outOfOrder: 0,
    conflicts: 0,
    gapBytes: 0,
    probes: 0,
  };
}

/** A flow as the flow engine keeps it. */
function flowOf(protocol: "tcp" | "udp"): FlowRecord {
  const [client, server] = [{ address: "192.0.2.1", port: 40_000 }, { address: "192.0.2.2", port: 53 }];
  return {
    id: nextId++,
    key: { protocol, client, server },
    startedAt: { seconds: 1, nanoseconds: 0 },
    lastAt: { seconds: 1, nanoseconds: 5_000_000 },
    complete: true,
    endedBy: undefined,
    client: sideStats(),
    server: sideStats(),
    user: undefined,
  };
}

/** A flow that was opened on the sink, and what can happen to it. */
function openOn(sink: FlowSink, protocol: "tcp" | "udp" = "tcp") {
  const flow = flowOf(protocol);
  sink.open(flow);
  return {
    flow,
    data: (side: FlowSide, bytes: Uint8Array) => sink.data(flow, side, bytes),
    end: (side: FlowSide) => sink.end(flow, side),
    finish: () => {
      for (const side of ["client", "server"] as const) sink.end(flow, side);
      sink.close(flow, "fin");
    },
  };
}

function setUp(options: Partial<FlowsIntoOptions> = {}, limit?: number) {
  const engine = new MultiplexorEngine();
  const ends: [number, FlowSide | undefined, unknown, number][] = [];
  const sink = flowsInto(engine, {
    parser,
    onConnectionEnd: ({ id, direction }, { error, messages }) => ends.push([id, direction, error, messages]),
    ...options,
  });
  return { engine, ends, sink, socket: new TestSocket(engine, limit) };
}

test("each direction with data becomes a connection, and the socket ends after the last flow", () => {
  const { engine, ends, sink, socket } = setUp();
  const one = openOn(sink);
  one.data("client", wire("ask").subarray(0, 3));
  one.data("server", wire("yes", "no"));
  one.data("client", wire("ask").subarray(3));
  const silent = openOn(sink);
  sink.finish();
  assertEquals(socket.ends, 0);
  one.finish();
  silent.finish();
  assertEquals(socket.queue.map((message) => [message.connection.direction, message.sequence, bodyOf(message)]), [
    ["server", 0, "yes"],
    ["server", 1, "no"],
    ["client", 0, "ask"],
  ]);
  assertStrictEquals(socket.queue[0]!.connection.flow, one.flow);
  assertEquals(ends, [[1, "client", undefined, 1], [2, "server", undefined, 2]]);
  assertEquals([socket.ends, engine.stats.attached, one.flow.user], [1, 2, undefined]);
});

test("a direction that the parser function does not want is not attached, and asked about once", () => {
  let asked = 0;
  const { engine, sink, socket } = setUp({
    parser: (_flow, direction) => {
      asked++;
      return direction === "server" ? parser : undefined;
    },
  });
  const one = openOn(sink);
  for (let i = 0; i < 3; i++) one.data("client", wire("no"));
  one.data("server", wire("yes"));
  one.finish();
  assertEquals([socket.bodies, asked, engine.stats.attached], [["yes"], 2, 1]);
});

test("datagrams of UDP conversations, while TCP is left out", () => {
  const { sink, socket } = setUp({ parser: datagrams });
  openOn(sink, "tcp").data("client", wire("tcp"));
  const udp = openOn(sink, "udp");
  udp.data("client", wire("d1"));
  udp.data("server", wire("d2"));
  assertEquals(socket.bodies, ["d1", "d2"]);
});

test("a direction that fails is reported with the flow's error, also one without data", () => {
  const { engine, ends, sink, socket } = setUp();
  const one = openOn(sink);
  const error = new FlowError("hole", { code: "EGAP", blame: "remote", gap: { offset: 5, length: 3 } });
  one.data("client", wire("a", "b").subarray(0, 5));
  sink.error(one.flow, "client", error);
  sink.error(one.flow, "server", error);
  sink.close(one.flow, "capture-end");
  assertEquals(socket.bodies, ["a"]);
  assertEquals(ends, [[1, "client", error, 1], [2, "server", error, 0]]);
  assertEquals(engine.failures.toJSON(), { EGAP: 2 });
});

test("a gap that is skipped ends the connection with EGAP; what comes behind it is ignored", () => {
  const { ends, sink, socket } = setUp();
  const one = openOn(sink);
  one.data("client", wire("a"));
  sink.gap(one.flow, "client", { offset: 3, length: 10 });
  one.data("client", wire("b"));
  one.finish();
  const error = ends[0]![2] as KcmError;
  assertEquals([socket.bodies, ends.length, error.code, error.offset], [["a"], 1, "EGAP", 3]);
});

test("a parser error ends its connection, later data is ignored", () => {
  const { ends, sink, socket, engine } = setUp({ maxMessageLength: 5 });
  const one = openOn(sink);
  one.data("client", wire("ok", "too long"));
  one.data("client", wire("more"));
  one.data("server", wire("yes"));
  one.finish();
  assertEquals([socket.bodies, ends.length, engine.failures.toJSON()], [["ok", "yes"], 2, { EMSGSIZE: 1 }]);
});

test("what sockets have no room for is kept and delivered in order, the end behind it", () => {
  const { ends, engine, sink, socket } = setUp({}, 3);
  const one = openOn(sink);
  one.data("client", wire("1", "2", "3"));
  one.data("client", wire("4").subarray(0, 1));
  one.data("client", wire("4").subarray(1));
  one.finish();
  sink.finish();
  assertEquals([ends, engine.stats.readyMessages], [[], 1]);
  assertEquals([1, 2, 3, 4].map(() => socket.recv()), ["1", "2", "3", "4"]);
  assertEquals([ends, socket.ends], [[[1, "client", undefined, 4]], 1]);
});

test("an error behind what is kept comes after it", () => {
  const { ends, sink, socket } = setUp({}, 3);
  const one = openOn(sink);
  one.data("client", wire("1", "2", "3"));
  const error = new FlowError("hole", { code: "EGAP", blame: "remote" });
  sink.error(one.flow, "client", error);
  assertEquals(ends, []);
  assertEquals([socket.recv(), socket.recv(), socket.recv()], ["1", "2", "3"]);
  assertEquals(ends, [[1, "client", error, 3]]);
});

test("maxQueuedBytes bounds what is kept of all flows; what goes beyond fails its connection and frees its part", () => {
  const { ends, sink, socket } = setUp({ maxQueuedBytes: 9 + 128 }, 3);
  const [one, two] = [openOn(sink), openOn(sink)];
  one.data("client", wire("1", "2", "3", "4"));
  two.data("client", wire("5", "6", "7"));
  assertEquals([ends.length, (ends[0]![2] as KcmError).code], [1, "ENOBUFS"]);
  one.data("client", wire("8"));
  one.data("client", wire("9"));
  assertEquals(ends.length, 2);
  const three = openOn(sink);
  three.data("client", wire("a", "b"));
  assertEquals(ends.length, 2);
  assertEquals([1, 2, 3, 4, 5, 6].map(() => socket.recv()), ["1", "2", "5", "a", "b", undefined]);
});

test("maxQueuedBytes: empty messages in chunks of their own do not come for nothing", () => {
  const { ends, sink, socket } = setUp({ maxQueuedBytes: 1000 }, 1);
  const { data } = openOn(sink);
  for (let i = 0; i < 10; i++) data("client", wire(""));
  assertEquals([(ends[0]![2] as KcmError).code, socket.bodies], ["ENOBUFS", [""]]);
});

test("what is kept is a copy, and does not keep the chunk that it came in", () => {
  const { sink, socket } = setUp({}, 3);
  const { data } = openOn(sink);
  const capture = new Uint8Array(1000);
  capture.set(wire("1", "2", "3"), 500);
  data("client", capture.subarray(500, 509));
  assertEquals([socket.recv(), socket.recv()], ["1", "2"]);
  assertEquals([socket.queue[0]!.data.buffer.byteLength, socket.recv()], [3, "3"]);
});

test("copy and maxHeaderBytes reach the parsers", () => {
  const bytes = wire("one");
  const { sink, socket } = setUp({ copy: true });
  openOn(sink).data("client", bytes);
  assertEquals(socket.queue[0]!.data.buffer === bytes.buffer, false);
  const { sink: strict, ends } = setUp({ maxHeaderBytes: 1 });
  openOn(strict).data("client", bytes);
  assertEquals((ends[0]![2] as KcmError).code, "EMSGSIZE");
});

test("a connection beyond maxConnections is reported and ignored", () => {
  const engine = new MultiplexorEngine({ maxConnections: 1 });
  const socket = new TestSocket(engine);
  const codes: unknown[] = [];
  const sink = flowsInto(engine, {
    parser,
    onConnectionEnd: (_, { error }) => codes.push((error as KcmError).code),
  });
  const one = openOn(sink);
  one.data("client", wire("a"));
  one.data("server", wire("b"));
  one.data("server", wire("c"));
  assertEquals([socket.bodies, codes, engine.stats.refused], [["a"], ["ENFILE"], 1]);
});

test("wrong options are refused at once", () => {
  const engine = new MultiplexorEngine();
  assertThrows(() => flowsInto(engine, { parser: undefined as never }), TypeError);
  assertThrows(() => flowsInto(engine, { parser, maxQueuedBytes: 0 }), RangeError);
  assertThrows(() => muxedFlows({ parser: {} as never }), TypeError);
});

test("muxedFlows hands all messages to the one sink, and its end", () => {
  const got: unknown[] = [];
  const sink = muxedFlows({ parser, maxConnections: 1 })({
    item: (message: KcmMessage) => void got.push(bodyOf(message)),
    error: (error) => void got.push(error),
    end: () => void got.push("end"),
  });
  const one = openOn(sink);
  one.data("client", wire("a", "b"));
  one.finish();
  sink.finish();
  assertEquals(got, ["a", "b", "end"]);
});
