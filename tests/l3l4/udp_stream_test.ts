/** UDP and ICMP of a stack as sockets: over an engine whose ports are known, and over the real one. */
import { test } from "node:test";
import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import { L3L4Error } from "../../src/l3l4/errors.ts";
import type { L3L4PingOptions } from "../../src/l3l4/icmp_side_stream.ts";
import { L3L4, type L3L4StageOptions } from "../../src/l3l4/l3l4_stream.ts";
import { ManualClock } from "../../src/sim/manual_clock.ts";
import type { DatagramError } from "../../src/tsocket/types.ts";
import { SocketError } from "../../src/tsocket/errors.ts";
import { InetAddress } from "../../src/tsocket/inet_address.ts";
import { dgramWith } from "../../src/tsocket/open.ts";
import { isSettled, turns } from "../support/turns.ts";
import { unhandledRejections } from "../support/unhandled.ts";
import { fakeStack } from "./support/joined_stacks.ts";

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

function pair(options: L3L4StageOptions = {}): { client: L3L4; server: L3L4 } {
  const client = new L3L4({ addresses: ["10.0.0.1", "2001:db8::1"], ...options });
  const server = new L3L4({ addresses: ["10.0.0.2", "2001:db8::2"], ...options });
  client.readable.pipeTo(server.writable).catch(() => {});
  server.readable.pipeTo(client.writable).catch(() => {});
  return { client, server };
}

test("datagrams go there and back between sockets, IPv4 and IPv6", async () => {
  const { client, server } = pair();
  for (const [to, from] of [["10.0.0.2", "10.0.0.1"], ["[2001:db8::2]", "[2001:db8::1]"]]) {
    const service = server.udp({ localAddress: `${to}:53` });
    const socket = client.udp({ localAddress: `${from}:1000`, remoteAddress: `${to}:53` });
    await socket.sendto(bytes(1, 2, 3));
    const { data, source } = await service.recvfrom();
    assertEquals([data, source!.toHostPort()], [bytes(1, 2, 3), `${from}:1000`]);
    await service.sendto([bytes(4), bytes(5, 6)], source);
    assertEquals((await socket.recvfrom()).data, bytes(4, 5, 6));
    await Promise.all([socket.close(), service.close()]);
  }
});

test("a datagram larger than the MTU goes in fragments, one beyond 65,507 bytes does not go", async () => {
  const { client, server } = pair();
  const service = server.udp({ localAddress: "10.0.0.2:53" });
  const socket = client.udp({ remoteAddress: "10.0.0.2:53" });
  const large = new Uint8Array(65_507).map((_, i) => i * 7);
  await socket.sendto(large);
  assertEquals((await service.recvfrom()).data, large);
  assertEquals((await assertRejects(() => socket.sendto(new Uint8Array(65_508)), SocketError)).code, "EMSGSIZE");
});

test("32 a socket for all addresses answers from the one that was written to", async () => {
  const { client, server } = pair();
  const service = server.udp({ localAddress: "[::]:53" });
  const socket = client.udp({ localAddress: "10.0.0.1:1000" });
  await socket.sendto(bytes(1), InetAddress.parse("10.99.0.7:53"));
  const { source } = await service.recvfrom();
  await service.sendto(bytes(2), source);
  assertEquals((await socket.recvfrom()).source!.toHostPort(), "10.99.0.7:53");
});

test("a socket for all addresses sends from one of the stack's, and says when there is none", async () => {
  const { stack, engine } = fakeStack();
  const socket = stack.udp();
  await socket.sendto(bytes(1), InetAddress.parse("10.0.0.2:9"));
  assertEquals(engine.udpPorts[0]!.sent[0]!.to!.localAddress, bytes(10, 0, 0, 1));
  const error = await assertRejects(() => socket.sendto(bytes(1), InetAddress.parse("[2001:db8::1]:9")), SocketError);
  assertEquals(error.code, "EADDRNOTAVAIL");
});

test("peers that write to a port without a socket have sockets of their own in udpFlows", async () => {
  const { client, server } = pair();
  const flows = server.udpFlows.getReader();
  const echo = (async () => {
    const { value: flow } = await flows.read();
    for await (const { data } of flow!.readable) await flow!.sendto(data);
  })();
  const socket = client.udp({ remoteAddress: "10.1.2.3:4000" });
  for (const value of [1, 2]) {
    await socket.sendto(bytes(value));
    assertEquals((await socket.recvfrom()).data, bytes(value));
  }
  await server.close();
  await echo.catch(() => {});
});

test("what comes for a flow stays in the engine until the flow is taken, and all but 32 datagrams until it is read", async () => {
  const { stack, engine } = fakeStack();
  const flows = stack.udpFlows.getReader();
  engine.udpOpen({ remoteAddress: bytes(10, 0, 0, 2), remotePort: 9 });
  const port = engine.udpPorts[0]!;
  engine.tell(() => engine.sink.udpOpened(port));
  for (let i = 0; i < 100; i++) port.come(9, i);
  await stack.writable.getWriter().write([]);
  await turns();
  assertEquals(port.readable, 100);
  const { value: flow } = await flows.read();
  await turns();
  assertEquals(port.readable, 68);
  for (let i = 0; i < 100; i++) assertEquals((await flow!.recvfrom()).data, bytes(i));
  assertEquals([port.readable, flow!.stats.droppedIncoming], [0, 0]);
});

test("a flow that nobody takes is closed when nobody wants flows any more", async () => {
  const { stack, engine } = fakeStack();
  const flows = stack.udpFlows;
  engine.udpOpen({ remoteAddress: bytes(10, 0, 0, 2), remotePort: 9 });
  engine.tell(() => engine.sink.udpOpened(engine.udpPorts[0]!));
  await stack.writable.getWriter().write([]);
  assertEquals(engine.udpPorts[0]!.isClosed, false);
  await flows.cancel();
  assertEquals(engine.udpPorts[0]!.isClosed, true);
});

test("without a socket, and nobody asking for udpFlows, the sender hears of it", async () => {
  const { client } = pair();
  const socket = client.udp({ remoteAddress: "10.1.2.3:4000" });
  const told = new Promise<DatagramError>((resolve) => socket.onIcmpError(resolve));
  await socket.sendto(bytes(1));
  const { code, destination } = await told;
  assertEquals([code, destination!.toHostPort()], ["ECONNREFUSED", "10.1.2.3:4000"]);
});

test("onIncomingUdp decides before udpFlows does", async () => {
  const asked: string[] = [];
  const { client, server } = pair();
  const other = new L3L4({
    onIncomingUdp: ({ version, localAddress, localPort, remoteAddress, remotePort }) => {
      asked.push(`${version} ${remoteAddress}:${remotePort} ${localAddress}:${localPort}`);
      return localPort === 1 ? "ignore" : undefined;
    },
  });
  other.udpFlows;
  const writer = other.writable.getWriter();
  const packets: Uint8Array[] = [];
  const from = new L3L4({ addresses: ["10.0.0.1"] });
  const socket = from.udp({ localAddress: "10.0.0.1:9" });
  const reader = from.readable.getReader();
  for (const port of [1, 2]) {
    const sent = reader.read();
    await socket.sendto(bytes(port), InetAddress.from("10.0.0.2", port));
    packets.push(...(await sent).value!);
  }
  await writer.write(packets);
  assertEquals(asked, ["4 10.0.0.1:9 10.0.0.2:1", "4 10.0.0.1:9 10.0.0.2:2"]);
  assertEquals((await other.udpFlows.getReader().read()).value!.localAddress!.toHostPort(), "10.0.0.2:2");
  await Promise.all([client.close(), server.close(), other.close(), from.close()]);
});

test("a full port makes senders wait, and its room lets them go on, in order", async () => {
  const { stack, engine } = fakeStack();
  const socket = stack.udp({ remoteAddress: "10.0.0.2:9" });
  await socket.opened;
  const port = engine.udpPorts[0]!;
  port.room = 2;
  const sent = socket.sendMany([1, 2, 3, 4].map((value) => ({ data: bytes(value) })));
  const last = socket.sendto(bytes(5));
  assertEquals(await isSettled(sent), false);
  port.room = Infinity;
  engine.tell(() => engine.sink.udpWritable(port));
  await stack.writable.getWriter().write([]);
  assertEquals([await sent, await last], [4, 1]);
  assertEquals(port.sent.map(({ bytes }) => bytes[0]), [1, 2, 3, 4, 5]);
});

test("a port whose socket is closed, and one whose stack is, are done with", async () => {
  const { stack, engine } = fakeStack();
  const [first, second] = [stack.udp({ remoteAddress: "10.0.0.2:9" }), stack.udp()];
  await first.close();
  assertEquals(engine.udpPorts.map(({ isClosed }) => isClosed), [true, false]);
  const received = second.recvfrom().catch((error) => error.code);
  await stack.close();
  assertEquals(await received, "ENETDOWN");
  assertThrows(() => stack.udp(), L3L4Error);
});

test("a flow that was idle for too long says so", async () => {
  const { stack, engine } = fakeStack();
  const socket = stack.udp({ remoteAddress: "10.0.0.2:9" });
  engine.tell(() => engine.sink.udpClosed(engine.udpPorts[0]!));
  await stack.writable.getWriter().write([]);
  assertEquals(await socket.closed.catch((error) => error.code), "ETIMEDOUT");
});

test("sockets are checked at once", () => {
  const { stack } = fakeStack();
  assertThrows(() => stack.udp({ localAddress: "nowhere" }), TypeError);
  assertThrows(() => stack.udp({ remoteAddress: "[2001:db8::1]:9" }), TypeError);
  assertThrows(() => stack.udp({ localAddress: "10.0.0.1:1", remoteAddress: "[2001:db8::1]:9" }), TypeError);
});

test("the stack is a runtime of datagram sockets, too", async () => {
  const { client, server } = pair();
  const service = dgramWith(server.runtime(), { localAddress: InetAddress.parse("10.0.0.2:53") });
  const socket = dgramWith(client.runtime(), { remoteAddress: InetAddress.parse("10.0.0.2:53") });
  await Promise.all([service.opened, socket.opened]);
  await socket.sendMany([{ data: bytes(1) }, { data: bytes(2) }]);
  assertEquals((await service.recvMany(2)).map(({ data }) => data[0]), [1, 2]);
});

test("17 a ping is answered by any address; its data come back", async () => {
  const { client } = pair();
  for (const address of ["10.77.0.1", "2001:db8:77::1"]) {
    const { remoteAddress, data, hopLimit, ms } = await client.ping(address, { data: bytes(1, 2, 3) });
    assertEquals([remoteAddress, data, hopLimit], [address, bytes(1, 2, 3), 64]);
    assert(ms >= 0);
  }
});

test("a ping that nobody answers ends by its time, its signal, or the stack's end", async () => {
  const clock = new ManualClock();
  const { stack, engine } = fakeStack({ clock });
  const outcome = (ping: Promise<unknown>): Promise<unknown> => ping.then(() => "answered", (error) => error.code);
  const late = outcome(stack.ping("10.0.0.2", { timeoutMs: 100 }));
  clock.advance(99);
  assertEquals(await isSettled(late), false);
  clock.advance(1);
  assertEquals(await late, "ETIMEDOUT");
  const controller = new AbortController();
  const stopped = stack.ping("10.0.0.2", { signal: controller.signal }).catch((error) => error.message);
  controller.abort(new Error("enough"));
  assertEquals(await stopped, "enough");
  const rest = outcome(stack.ping("10.0.0.2"));
  assertEquals(engine.pings.map(({ sequence }) => sequence), [0, 1, 2]);
  await stack.close();
  assertEquals(await rest, "ENETDOWN");
  assertInstanceOf(await stack.ping("10.0.0.2").catch((error) => error), L3L4Error);
});

test("a ping with a wrong option fails at once, and leaves nothing behind", async () => {
  const clock = new ManualClock();
  const client = new L3L4({ addresses: ["10.0.0.1", "fd00::1"], clock });
  const wrong = async (to: string, options: unknown): Promise<string> =>
    String(await client.ping(to, options as L3L4PingOptions).catch((error) => error));
  assertEquals(
    await wrong("10.0.0.2", { data: new Uint8Array(65_508) }),
    "RangeError: data must have at most 65507 bytes, got 65508",
  );
  assertEquals(
    await wrong("fd00::2", { data: new Uint8Array(65_528) }),
    "RangeError: data must have at most 65527 bytes, got 65528",
  );
  assertEquals(await wrong("10.0.0.2", { data: "abc" }), "TypeError: data must be a Uint8Array, got string");
  for (const hopLimit of [0, 256, 1.5, NaN]) {
    assertEquals(
      await wrong("10.0.0.2", { hopLimit }),
      `RangeError: hopLimit must be an integer from 1 to 255, got ${hopLimit}`,
    );
  }
  for (const nobody of ["0.0.0.0", "::"]) {
    assertEquals(await wrong(nobody, {}), `RangeError: there is nobody at ${nobody} who could answer`);
  }
  assertEquals(clock.timers, 0);
  await client.close();
});

test("a ping for which there is no room fails at once with ENOBUFS", async () => {
  const clock = new ManualClock();
  const client = new L3L4({ addresses: ["10.0.0.1"], clock, maxDatagramBytes: 0 });
  assertEquals(await client.ping("10.0.0.2").catch((error) => error.code), "ENOBUFS");
  assertEquals(clock.timers, 0);
  await client.close();
});

test("a bulk transfer between two stacks in one process does not starve timers", async () => {
  const { client, server } = pair();
  const flows = server.flows.getReader();
  const socket = client.connect("10.0.0.2:7");
  const { value: flow } = await flows.read();
  let isOver = false;
  const writer = socket.writable.getWriter();
  const writing = (async () => {
    const chunk = new Uint8Array(65536);
    while (!isOver) await writer.write(chunk);
    await writer.close();
  })();
  const reading = flow!.readable.pipeTo(new WritableStream());
  // were it starved, this would never end
  await new Promise((resolve) => setTimeout(resolve, 20));
  isOver = true;
  await Promise.all([writing, reading]);
  await Promise.all([client.close(), server.close()]);
});

test("messages of ICMP asked for when the stack is over end", async () => {
  const { client, server } = pair();
  await Promise.all([client.close(), server.close()]);
  assertEquals(await client.icmp.getReader().read(), { value: undefined, done: true });
});

test("datagrams leave no rejection unhandled, whatever ends first", async () => {
  const unhandled = await unhandledRejections(async () => {
    for (const first of ["socket", "stack", "cancel", "abort"]) {
      const { client, server } = pair();
      const socket = client.udp({ remoteAddress: "10.0.0.2:9" });
      server.udpFlows;
      socket.sendto(bytes(1)).catch(() => {});
      socket.recvfrom().catch(() => {});
      await turns(1);
      socket.sendto(bytes(2)).catch(() => {});
      if (first === "socket") await socket.close();
      if (first === "cancel") await server.udpFlows.cancel();
      if (first === "abort") client.icmp.cancel();
      await Promise.all([client.close(), server.close()]);
      await socket.close();
    }
  });
  assertEquals(unhandled, []);
});
