/** Listeners: who gets a connection, what is no filter, and what a full backlog does. */
import { test } from "node:test";
import { assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { L3L4Error } from "../../src/l3l4/errors.ts";
import type { L3L4Filter, L3L4ListenOptions } from "../../src/l3l4/l3l4_listener_stream.ts";
import { listenWith } from "../../src/tsocket/mod.ts";
import { turns } from "../support/turns.ts";
import { Kind } from "./support/fake_stack.ts";
import { fakeStack, realStacks } from "./support/joined_stacks.ts";

function inUse(listen: () => unknown): void {
  const error = assertThrows(listen);
  assertInstanceOf(error, L3L4Error);
  assertEquals([error.code, error.blame], ["EADDRINUSE", "local"]);
}

test("two listeners with the same filter are refused, until the first has closed", async () => {
  const { stack } = fakeStack();
  const any = (): boolean => true;
  const filters: L3L4Filter[] = [{}, { port: 80 }, { address: "10.0.0.1" }, { port: 80, address: "fd00::1" }, any];
  const listeners = filters.map((filter) => stack.listen(filter));
  for (const filter of filters) inUse(() => stack.listen(filter));
  inUse(() => stack.listen({ port: 80, address: "FD00:0::1" }));
  await Promise.all(listeners.map((listener) => listener.close()));
  for (const filter of filters) stack.listen(filter);
});

test("a listener of a socket runtime meets those of others", async () => {
  const { stack } = fakeStack();
  const first = listenWith(stack.runtime(), "[::]:80");
  await first.opened;
  inUse(() => stack.listen({ port: 80 }));
  const second = listenWith(stack.runtime(), "[::]:80");
  assertEquals(await second.opened.catch((error) => error.code), "EADDRINUSE");
  await first.close();
  stack.listen({ port: 80 });
  const third = listenWith(stack.runtime(), "[::]:80");
  assertEquals(await third.opened.catch((error) => error.code), "EADDRINUSE");
});

test("what is no filter and no option is refused at once: it must not take all connections", () => {
  const { stack } = fakeStack();
  const wrong: [unknown, unknown, typeof TypeError][] = [
    ["10.0.0.1:80", undefined, TypeError],
    [80, undefined, TypeError],
    [null, undefined, TypeError],
    [undefined, undefined, TypeError],
    [{ prot: 80 }, undefined, TypeError],
    [{ port: 0 }, undefined, RangeError],
    [{ port: 65536 }, undefined, RangeError],
    [{ port: "80" }, undefined, RangeError],
    [{}, { backlog: -1 }, RangeError],
    [{}, { backlogg: 1 }, TypeError],
    [{}, "backlog", TypeError],
    [{}, { whenFull: "drop" }, RangeError],
  ];
  for (const [filter, options, type] of wrong) {
    const error = assertThrows(() => stack.listen(filter as L3L4Filter, options as L3L4ListenOptions));
    assertInstanceOf(error, type, JSON.stringify([filter, options]));
  }
  stack.listen({});
});

test("peers that find a backlog full wait half open until there is room, and none is reset", async () => {
  const { clock, client, server } = realStacks();
  const listener = server.listen({ port: 7 }, { backlog: 1 });
  const sockets = [1, 2, 3].map(() => client.connect("10.0.0.2:7"));
  await turns();
  assertEquals([listener.waiting, listener.overflows], [1, 2]);
  assertEquals([server.stats.openingsDropped, server.stats.halfOpen, server.stats.passiveOpens], [2, 2, 1]);
  const reader = listener.readable.getReader();
  for (let i = 0; i < 3; i++) {
    const flow = await reader.read();
    await turns();
    for (let s = 0; s < 4; s++) {
      clock.advance(1000);
      await turns();
    }
    assertEquals(flow.done, false);
  }
  await Promise.all(sockets.map((socket) => socket.opened));
  assertEquals([server.stats.passiveOpens, server.stats.resets, client.stats.requests], [3, 0, 0]);
});

test("what was sent to a connection that has to wait arrives once there is room", async () => {
  const { clock, client, server } = realStacks();
  const listener = server.listen({ port: 7 }, { backlog: 1 });
  client.connect("10.0.0.2:7");
  const second = client.connect("10.0.0.2:7");
  await turns();
  second.writable.getWriter().write(new TextEncoder().encode("hello")).catch(() => {});
  await turns();
  const reader = listener.readable.getReader();
  await reader.read();
  for (let s = 0; s < 4; s++) {
    clock.advance(1000);
    await turns();
  }
  const flow = (await reader.read()).value!;
  assertEquals((await flow.readable.getReader().read()).value, new TextEncoder().encode("hello"));
});

test("whenFull: reset tells peers that ask, and those that find no room once they open", async () => {
  const { stack, engine } = fakeStack();
  const listener = stack.listen({ port: 7 }, { backlog: 1, whenFull: "reset" });
  await stack.writable.getWriter().write([1, 2].map((from) => Uint8Array.of(Kind.SYN, from, 7)));
  assertEquals(engine.calls, ["incoming accept", "incoming accept"]);
  assertEquals([engine.ports.size, listener.waiting], [1, 1]);

  const { client, server } = realStacks();
  const full = server.listen({ port: 7 }, { backlog: 1, whenFull: "reset" });
  const early = [1, 2].map(() => client.connect("10.0.0.2:7"));
  await turns();
  assertEquals(await early[1]!.closed.catch((error) => error.code), "ECONNRESET");
  assertEquals(await client.connect("10.0.0.2:7").opened.catch((error) => error.code), "ECONNREFUSED");
  assertEquals([full.waiting, full.overflows], [1, 2]);
});

test("a backlog counts what comes at once only once: others of the same batch have their own room", async () => {
  const { client, server } = realStacks();
  const full = server.listen({ port: 7 }, { backlog: 1 });
  const roomy = server.listen({ port: 8 }, { backlog: 8 });
  for (const port of [7, 8, 8, 7, 8]) client.connect(`10.0.0.2:${port}`);
  await turns();
  assertEquals([full.waiting, full.overflows], [1, 1]);
  assertEquals([roomy.waiting, roomy.overflows], [3, 0]);
});
