/** A stack as a stage of packets: batches, demand, ends, who takes connections, the tap. */
import { test } from "node:test";
import { assert, assertEquals, assertInstanceOf, assertStrictEquals, assertThrows } from "@std/assert";
import { L3L4Error } from "../../src/l3l4/errors.ts";
import type { L3L4Request } from "../../src/l3l4/incoming_request.ts";
import { L3L4, type L3L4StackOptions } from "../../src/l3l4/l3l4_stream.ts";
import type { Packet } from "../../src/packet/packet.ts";
import { ManualClock } from "../../src/sim/manual_clock.ts";
import { drain } from "../support/streams.ts";
import { isSettled, turns } from "../support/turns.ts";
import { unhandledRejections } from "../support/unhandled.ts";
import { Kind } from "./support/fake_stack.ts";
import { fakeStack, joined } from "./support/joined_stacks.ts";

const syn = (from: number, to = 7): Uint8Array => Uint8Array.of(Kind.SYN, from, to);

test("packets are made when somebody reads, all that are due in one batch", async () => {
  const { stack, engine } = fakeStack();
  for (let i = 0; i < 3; i++) stack.connect("10.0.0.2:7");
  await turns();
  assertEquals(engine.ports.size, 3);
  const { value } = await stack.readable.getReader().read();
  assertEquals(value!.map((packet) => [...packet]), [[1, 100, 7], [1, 101, 7], [1, 102, 7]]);
});

test("a batch has at most maxBatchPackets packets, and the rest follows", async () => {
  const { stack } = fakeStack({ maxBatchPackets: 2 });
  for (let i = 0; i < 3; i++) stack.connect("10.0.0.2:7");
  const reader = stack.readable.getReader();
  assertEquals((await reader.read()).value!.length, 2);
  assertEquals((await reader.read()).value!.length, 1);
  assertEquals(await isSettled(reader.read()), false);
});

test("a packet goes as soon as something is written, while a reader waits", async () => {
  const { stack } = fakeStack();
  const reader = stack.readable.getReader();
  const first = reader.read();
  stack.connect("10.0.0.2:7");
  assertEquals((await first).value, [Uint8Array.of(1, 100, 7)]);
});

test("packets come one by one or in arrays; those that go are never waited for", async () => {
  const { stack, engine } = fakeStack();
  stack.flows;
  const writer = stack.writable.getWriter();
  for (let i = 0; i < 200; i++) await writer.write(syn(i));
  await writer.write([syn(200), syn(201)]);
  assertEquals(engine.ports.size, 202);
});

test("what is no packet fails the stack at both ends", async () => {
  for (const chunk of [null, "text", [new Uint8Array(1), 7]]) {
    const { stack } = fakeStack();
    const error = await stack.writable.getWriter().write(chunk as unknown as Uint8Array).catch((thrown) => thrown);
    assertInstanceOf(error, TypeError);
    assertStrictEquals((await drain(stack.readable)).error, error);
  }
});

test("the end of the packets that come is the end of all: connections break, what is due goes, then the stream ends", async () => {
  const { stack } = fakeStack();
  const socket = stack.connect("10.0.0.2:7");
  const packets = drain(stack.readable);
  await stack.writable.close();
  assertEquals(await socket.closed.catch((error) => error.code), "ENETDOWN");
  const { chunks, error } = await packets;
  assertEquals(chunks.flat().map((packet) => [...packet]), [[1, 100, 7], [Kind.RST, 100, 7]]);
  assertEquals(error, undefined);
  assertThrows(() => stack.connect("10.0.0.2:7"), L3L4Error);
});

test("an abort of the packets that come, and a cancel of those that go, pass on their reason exactly once", async () => {
  for (const way of ["abort", "cancel"]) {
    const { stack } = fakeStack();
    const flows = drain(stack.flows);
    const listener = drain(stack.listen({ port: 9 }).readable);
    const socket = stack.connect("10.0.0.2:7");
    const reason = new Error(way);
    const other = way === "abort"
      ? drain(stack.readable).then(({ error }) => error)
      : stack.writable.getWriter().closed.catch((error) => error);
    if (way === "abort") await stack.writable.abort(reason);
    else await stack.readable.cancel(reason);
    assertStrictEquals(await other, reason);
    assertStrictEquals(await socket.closed.catch((error) => error), reason);
    assertStrictEquals((await flows).error, reason);
    assertStrictEquals((await listener).error, reason);
  }
});

test("close resets what nobody closed, ends the streams and resolves", async () => {
  const { client, server } = joined();
  const flows = server.stack.flows.getReader();
  const socket = client.stack.connect("10.0.0.2:7");
  const { value: flow } = await flows.read();
  await client.stack.close();
  assertEquals(await socket.closed.catch((error) => error.code), "ENETDOWN");
  assertEquals(await flow!.closed.catch((error) => error.code), "ECONNRESET");
  // the server has nobody left to talk to
  assertEquals((await flows.read()).done, true);
});

test("close gives those that were closed their time", async () => {
  const clock = new ManualClock();
  const { client, server } = joined({ clock, closeGraceMs: 100 });
  const flows = server.stack.flows.getReader();
  const socket = client.stack.connect("10.0.0.2:7");
  const { value: flow } = await flows.read();
  const writer = socket.writable.getWriter();
  writer.write(new Uint8Array(50)).catch(() => {});
  await socket.opened;
  socket.close();
  const closed = client.stack.close();
  assertEquals(await isSettled(closed), false);
  let count = 0;
  for await (const chunk of flow!.readable) count += chunk.length;
  assertEquals(count, 50);
  await flow!.close();
  await Promise.all([closed, socket.closed]);
});

test("close waits no longer than closeGraceMs", async () => {
  const clock = new ManualClock();
  const { client, server } = joined({ clock, closeGraceMs: 100 });
  const flows = server.stack.flows.getReader();
  const socket = client.stack.connect("10.0.0.2:7");
  await flows.read();
  await socket.opened;
  socket.close();
  const closed = client.stack.close();
  assertEquals(await isSettled(closed), false);
  clock.advance(100);
  await closed;
  assertEquals(await socket.closed.catch((error) => error.code), "ENETDOWN");
});

test("without flows or a listener connections are refused; the first listener that wants one gets it", async () => {
  const { stack, engine } = fakeStack();
  const writer = stack.writable.getWriter();
  await writer.write(syn(1));
  const web = stack.listen({ port: 80 });
  const odd = stack.listen(({ remotePort }: L3L4Request) => remotePort % 2 === 1);
  await writer.write([syn(2, 80), syn(3, 80), syn(5, 81), syn(4, 81)]);
  const webFlows = web.readable.getReader();
  assertEquals((await webFlows.read()).value!.remoteAddress.port, 2);
  assertEquals((await webFlows.read()).value!.remoteAddress.port, 3);
  assertEquals((await odd.readable.getReader().read()).value!.remoteAddress.port, 5);
  await web.close();
  assertEquals((await webFlows.read()).done, true);
  await writer.write(syn(6, 80));
  assertEquals(
    engine.calls,
    ["refuse", "accept", "accept", "accept", "refuse", "refuse"].map((one) => `incoming ${one}`),
  );
});

test("a listener filters by address", async () => {
  const { stack, engine } = fakeStack();
  stack.listen({ address: "10.0.0.9" });
  stack.listen({ address: "10.0.0.1", port: 81 });
  await stack.writable.getWriter().write([syn(1, 80), syn(1, 81)]);
  assertEquals(engine.calls, ["incoming refuse", "incoming accept"]);
});

test("a filter is asked once, also one that looks at the SYN or changes its mind", async () => {
  const { stack, engine } = fakeStack();
  const asked: string[] = [];
  const once = stack.listen(({ segmentSize, remotePort }) => {
    asked.push(`${remotePort} ${segmentSize}`);
    return asked.length === 1;
  });
  const large = stack.listen(({ segmentSize, hasSack }) => segmentSize > 1000 && hasSack);
  const other = stack.listen(({ segmentSize }) => segmentSize < 0);
  await stack.writable.getWriter().write([syn(1), syn(2)]);
  assertEquals(asked, ["1 1460", "2 1460"]);
  assertEquals((await once.readable.getReader().read()).value!.remoteAddress.port, 1);
  assertEquals((await large.readable.getReader().read()).value!.remoteAddress.port, 2);
  assertEquals(await isSettled(other.readable.getReader().read()), false);
  assertEquals(engine.ports.size, 2);
});

test("a filter of a real stack that looks at the SYN gets its connection", async () => {
  const [client, server] = ["10.0.0.1", "10.0.0.2"].map((address) => new L3L4({ addresses: [address] }));
  client!.readable.pipeTo(server!.writable).catch(() => {});
  server!.readable.pipeTo(client!.writable).catch(() => {});
  const listener = server!.listen(({ segmentSize }) => segmentSize === 1460);
  const socket = client!.connect("10.0.0.2:7");
  const { value: flow } = await listener.readable.getReader().read();
  assertEquals(flow!.remoteAddress.port, socket.localAddress.port);
  await Promise.all([socket.close(), flow!.close()]);
  await Promise.all([client!.close(), server!.close()]);
});

test("a connection whose listener has closed before it opened goes to the next that wants it", async () => {
  const { stack, engine } = fakeStack();
  const first = stack.listen(() => true);
  const second = stack.listen({ port: 7 });
  const opened: (() => void)[] = [];
  engine.tell = (event) => opened.push(event);
  await stack.writable.getWriter().write(syn(1));
  await first.close();
  for (const event of opened) event();
  assertEquals((await second.readable.getReader().read()).value!.remoteAddress.port, 1);
});

test("requests that never open drive each other out: those that open are asked for again", async () => {
  const { stack, engine } = fakeStack();
  let isWanted = true;
  const listener = stack.listen(() => isWanted);
  const opened: (() => void)[] = [];
  engine.tell = (event) => opened.push(event);
  const writer = stack.writable.getWriter();
  // ports of the fake have one byte
  for (let to = 0; to < 5; to++) {
    await writer.write(Array.from({ length: 205 }, (_, from) => syn(from, to)));
  }
  isWanted = false;
  const reader = listener.readable.getReader();
  assertEquals(opened.length, 1025);
  opened[0]!();
  assertEquals(engine.ports.size, 1024);
  opened[1]!();
  assertEquals([(await reader.read()).value!.remoteAddress.port, engine.ports.size], [1, 1024]);
});

test("a listener's backlog is bounded: peers that ask meanwhile are ignored", async () => {
  const { stack, engine } = fakeStack();
  const listener = stack.listen({ port: 7 }, { backlog: 2 });
  const writer = stack.writable.getWriter();
  for (const from of [1, 2, 3]) await writer.write(syn(from));
  await listener.readable.getReader().read();
  await writer.write(syn(4));
  assertEquals(engine.calls, ["accept", "accept", "ignore", "accept"].map((one) => `incoming ${one}`));
  for (const backlog of [0, 0.5, "1"]) {
    const thrown = assertThrows(() => stack.listen({}, { backlog: backlog as number }));
    assert(thrown instanceof TypeError || thrown instanceof RangeError);
  }
});

test("connections that wait are reset when their listener closes, and when its stream is cancelled", async () => {
  for (const way of ["close", "cancel"]) {
    const { stack, engine } = fakeStack();
    const listener = stack.listen({ port: 7 });
    await stack.writable.getWriter().write([syn(1), syn(2)]);
    assertEquals(engine.ports.size, 2);
    if (way === "close") await listener.close();
    else await listener.readable.cancel();
    assertEquals(engine.ports.size, 0);
  }
});

test("onIncoming decides before listeners do, and later when it wants", async () => {
  const tokens: number[] = [];
  const { stack, engine } = fakeStack({
    onIncoming: (request) => {
      assertEquals([request.version, request.localAddress, request.remoteAddress], [4, "10.0.0.1", "10.0.0.2"]);
      assertEquals([request.segmentSize, request.hasSack, request.hasTimestamps], [1460, true, true]);
      if (request.localPort === 22) return "refuse";
      if (request.localPort === 23) return "ignore";
      if (request.localPort !== 24) return undefined;
      tokens.push(request.token);
      return "later";
    },
  });
  const flows = stack.flows.getReader();
  await stack.writable.getWriter().write([syn(1, 22), syn(1, 23), syn(1, 24), syn(2, 24), syn(1, 25)]);
  assertEquals(engine.calls, ["refuse", "ignore", "later", "later", "accept"].map((one) => `incoming ${one}`));
  assertEquals((await flows.read()).value!.localAddress.port, 25);
  stack.decide(tokens[0]!, "accept");
  stack.decide(tokens[1]!, "refuse");
  stack.decide(99, "accept");
  assertEquals((await flows.read()).value!.localAddress.port, 24);
});

test("what onIncoming or a filter throws fails the stack, which has refused the connection", async () => {
  for (const way of ["onIncoming", "filter"]) {
    const error = new Error(way);
    const fails = (): never => {
      throw error;
    };
    const { stack, engine } = fakeStack(way === "onIncoming" ? { onIncoming: fails } : {});
    if (way === "filter") stack.listen(fails);
    const writer = stack.writable.getWriter();
    const closed = writer.closed.catch((thrown) => thrown);
    writer.write(syn(1)).catch(() => {});
    assertStrictEquals(await closed, error);
    assertStrictEquals((await drain(stack.readable)).error, error);
    assertEquals(engine.calls, ["incoming refuse"]);
  }
});

test("what is no verdict lets nobody in", async () => {
  for (const wrong of ["drop", true, Promise.resolve("refuse")]) {
    const { stack, engine } = fakeStack({ onIncoming: () => wrong as "accept" });
    const writer = stack.writable.getWriter();
    const closed = writer.closed.catch((thrown) => thrown);
    writer.write(syn(1)).catch(() => {});
    assert((await closed) instanceof TypeError);
    assert((await drain(stack.readable)).error instanceof TypeError);
    assertEquals(engine.calls, ["incoming refuse"]);
  }
});

test("the stack may not be asked anything from within its own callbacks", async () => {
  let thrown: unknown;
  const { stack } = fakeStack({
    onIncoming: () => {
      try {
        stack.connect("10.0.0.2:7");
      } catch (error) {
        thrown = error;
      }
      return "ignore";
    },
  });
  await stack.writable.getWriter().write(syn(1));
  assertInstanceOf(thrown, L3L4Error);
  assertEquals(thrown.code, "EBUSY");
});

test("one timer wakes the engine, and a busy engine looks at the time with each batch", async () => {
  const clock = new ManualClock();
  const { stack, engine } = fakeStack({ clock });
  const socket = stack.connect("10.0.0.2:7");
  engine.dueAt = clock.now() + 50;
  const writer = stack.writable.getWriter();
  await writer.write([]);
  clock.advance(49);
  assertEquals(engine.calls, []);
  clock.advance(1);
  assertEquals(engine.calls.length, 1);
  assertEquals(await socket.closed.catch((error) => error.code), "ETIMEDOUT");
  // due with the batch after the one that brought it up, whether the timer had its turn or not
  engine.dueAt = clock.now();
  await writer.write([]);
  await writer.write([]);
  assertEquals(engine.calls.length, 2);
});

test("connect checks addresses, and says what the engine throws", async () => {
  const { stack } = fakeStack();
  assertThrows(() => stack.connect("example.org:80"), TypeError);
  assertThrows(() => stack.connect("10.0.0.2"), TypeError);
  assertThrows(() => stack.connect("[2001:db8::1]:80"), TypeError);
  assertThrows(() => stack.connect("[2001:db8::1]:80", { localAddress: "10.0.0.1" }), TypeError);
  const { code } = assertThrows(() => stack.connect("10.0.0.2:99"), L3L4Error);
  assertEquals(code, "EADDRINUSE");
  assertThrows(() => stack.connect("10.0.0.2:7", { signal: AbortSignal.abort() }), DOMException);
  const controller = new AbortController();
  const socket = stack.connect("10.0.0.2:7", { signal: controller.signal });
  controller.abort(new Error("enough"));
  assertEquals(await socket.opened.catch((error) => error.message), "enough");
});

test("the signal of a connection counts until it is open", async () => {
  const { client, server } = joined();
  const controller = new AbortController();
  const socket = client.stack.connect("10.0.0.2:7", { signal: controller.signal });
  await socket.opened;
  await turns();
  controller.abort();
  assertEquals(await isSettled(socket.closed), false);
  await server.stack.close();
});

test("a stack refuses wrong options at once", () => {
  const make = (): never => {
    throw new Error("not made");
  };
  for (
    const options of [{ maxBatchPackets: 0 }, { maxBatchPackets: "1" }, { closeGraceMs: -1 }, {
      addresses: ["nowhere"],
    }]
  ) {
    const thrown = assertThrows(() => new L3L4(options as object, make));
    assert(thrown instanceof TypeError || thrown instanceof RangeError, `${JSON.stringify(options)}: ${thrown}`);
  }
});

test("the tap has all packets both ways, with their times and numbers", async () => {
  const clock = new ManualClock();
  const { stack } = fakeStack({ clock });
  stack.flows;
  const reader = stack.tap().getReader();
  assertStrictEquals(stack.tap(), stack.tap());
  const came = syn(9);
  await stack.writable.getWriter().write(came);
  clock.advance(1500);
  // whoever wrote a packet may use its buffer again
  came.fill(0);
  await stack.readable.getReader().read();
  const packets: Packet[] = [];
  while (packets.length < 2) packets.push(...(await reader.read()).value!);
  assertEquals(packets.map(({ bytes, number, linkType }) => [[...bytes], number, linkType]), [
    [[1, 9, 7], 1, 101],
    [[2, 7, 9], 2, 101],
  ]);
  const [first, second] = packets.map(({ seconds, nanoseconds }) => seconds * 1000 + nanoseconds / 1e6);
  assertEquals(Math.round(second! - first!), 1500);
  await stack.close();
  assertEquals((await reader.read()).done, true);
});

test("a stack leaves no rejection unhandled, whatever ends first", async () => {
  const unhandled = await unhandledRejections(async () => {
    const reason = new Error("whatever");
    const ends: ((stack: L3L4) => unknown)[] = [
      (stack) => stack.close(),
      (stack) => stack.readable.cancel(reason).catch(() => {}),
      (stack) => stack.writable.abort(reason).catch(() => {}),
      (stack) => stack.writable.close().catch(() => {}),
      (stack) => stack.flows.cancel(reason).catch(() => {}),
    ];
    for (const first of ends) {
      for (const second of ends) {
        const { stack } = fakeStack();
        stack.flows;
        stack.connect("10.0.0.2:7").writable.getWriter().write(new Uint8Array(100)).catch(() => {});
        await first(stack);
        await turns(1);
        await second(stack);
        await turns(1);
      }
    }
  });
  assertEquals(unhandled, []);
});

test("what is no option is refused at once, in words", () => {
  const made = (options: unknown) => (): L3L4 => new L3L4(options as L3L4StackOptions);
  assertThrows(made(null), TypeError, "options must be an object, got null");
  assertThrows(made(1500), TypeError, "options must be an object, got number");
  assertThrows(made({ addresses: "10.0.0.1" }), TypeError, "addresses must be an array of texts, got string");
  assertThrows(made({ onIncoming: "refuse" }), TypeError, "onIncoming must be a function, got string");
  assertThrows(made({ onIncomingUdp: null }), TypeError, "onIncomingUdp must be a function, got null");
  assertThrows(made({ medium: "ethernet" }), TypeError, "medium must be what ethernet() gives");
});
