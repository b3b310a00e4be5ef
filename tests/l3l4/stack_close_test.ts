/** How long the close of a stack waits for connections whose own side was ended, and what they look like. */
import { inspect } from "node:util";
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import type { L3L4Request } from "../../src/l3l4/incoming_request.ts";
import { L3L4 } from "../../src/l3l4/l3l4_stream.ts";
import { isSettled, turns } from "../support/turns.ts";
import { realStacks } from "./support/joined_stacks.ts";

async function opened() {
  const { clock, client, server } = realStacks();
  const flows = server.flows.getReader();
  const socket = client.connect("10.0.0.2:7");
  return { clock, client, server, socket, flow: (await flows.read()).value! };
}

test("once all has arrived, the peer's end is waited for as long as an answer may take, not for all of the grace", async () => {
  for (const way of ["close", "half-close", "driver"]) {
    const { clock, client, socket, flow } = await opened();
    if (way === "close") socket.close().catch(() => {});
    else if (way === "half-close") await socket.writable.close();
    else await socket.intoDriver().close();
    await turns();
    const closed = client.close();
    assertEquals(await isSettled(closed), false, way);
    // a round trip took no time here: as long as no timeout was measured otherwise
    clock.advance(999);
    assertEquals(await isSettled(closed), true, way);
    await closed;
    assertEquals(await flow.closed.catch((error) => error.code), "ECONNRESET");
  }
});

test("a peer that ends meanwhile ends it in order", async () => {
  const { client, server, socket, flow } = await opened();
  socket.close().catch(() => {});
  await turns();
  const closed = client.close();
  await flow.close();
  await closed;
  await socket.closed;
  assertEquals(server.stats.connections, 0);
});

test("a connection whose user ends it meanwhile is waited for as well", async () => {
  const { clock, client, server } = realStacks();
  const flows = server.flows.getReader();
  const ended = client.connect("10.0.0.2:7");
  await flows.read();
  const other = client.connect("10.0.0.2:7");
  const peer = (await flows.read()).value!;
  ended.close().catch(() => {});
  await turns();
  const closed = client.close();
  assertEquals(await isSettled(closed), false);
  const writer = other.writable.getWriter();
  // more than the peer's window, which nobody reads from
  const writes = Array.from({ length: 6 }, () => writer.write(new Uint8Array(65536)));
  other.close().catch(() => {});
  clock.advance(999);
  assertEquals(await isSettled(closed), false);
  let received = 0;
  for await (const chunk of peer.readable) received += chunk.length;
  await Promise.all(writes);
  assertEquals(received, 6 * 65536);
  await peer.close();
  clock.advance(999);
  await closed;
});

test("a connection whose end arrived long ago is not waited for", async () => {
  const { clock, client, socket } = await opened();
  await socket.writable.close();
  await turns();
  clock.advance(2000);
  await turns();
  const closed = client.close();
  clock.advance(0);
  assertEquals(await isSettled(closed), true);
});

test("what has not arrived is waited for, the whole grace", async () => {
  const { clock, client, socket, flow } = await opened();
  const writer = socket.writable.getWriter();
  // more than the peer's window, which nobody reads from
  for (let i = 0; i < 6; i++) writer.write(new Uint8Array(65536)).catch(() => {});
  socket.close().catch(() => {});
  await turns();
  const closed = client.close();
  for (let s = 0; s < 4; s++) {
    clock.advance(1000);
    await turns();
    assertEquals(await isSettled(closed), false);
  }
  clock.advance(1000);
  await closed;
  assertEquals(await socket.closed.catch((error) => error.code), "ENETDOWN");
  assertEquals(await flow.closed.catch((error) => error.code), "ECONNRESET");
});

test("what was half open when the close began is reset, not handed over, when it opens", async () => {
  const { clock, client, server } = realStacks();
  const arrivals = server.listen({ port: 7 }, { backlog: 1 }).readable.getReader();
  client.connect("10.0.0.2:7");
  const busy = (await arrivals.read()).value!;
  const sockets = [client.connect("10.0.0.2:7"), client.connect("10.0.0.2:7")];
  await turns();
  assertEquals([server.stats.connections, server.stats.halfOpen], [2, 1]);
  const writer = busy.writable.getWriter();
  // more than the peer's window, which nobody reads from
  for (let i = 0; i < 6; i++) writer.write(new Uint8Array(65536)).catch(() => {});
  busy.close().catch(() => {});
  await turns();
  const closed = server.close();
  await arrivals.read();
  const late = arrivals.read().catch(() => {});
  clock.advance(1000);
  await turns();
  assertEquals([await isSettled(closed), await isSettled(late)], [false, false]);
  assertEquals([server.stats.connections, server.stats.halfOpen], [2, 0]);
  assertEquals(await sockets[1]!.closed.catch((error) => error.code), "ECONNRESET");
  clock.advance(4000);
  await closed;
});

test("stacks, listeners, requests and sockets show what matters of them", async () => {
  const requests: L3L4Request[] = [];
  const server = new L3L4({ onIncoming: (request) => void requests.push(request) });
  const client = new L3L4({ addresses: ["10.0.0.1"] });
  client.readable.pipeTo(server.writable).catch(() => {});
  server.readable.pipeTo(client.writable).catch(() => {});
  const listener = server.listen({ port: 7 });
  const socket = client.connect("10.0.0.2:7", { localAddress: "10.0.0.1:4000" });
  await socket.opened;
  await turns();
  assertEquals(inspect(listener), 'L3L4Listener { wanted: "port 7 of any address", waiting: 1, overflows: 0 }');
  assertEquals(
    inspect(server),
    "L3L4 { connections: 1, halfOpen: 0, timeWait: 0, udpPorts: 0, packets: 2, dropped: 0 }",
  );
  const path = 'version: 4, localAddress: "10.0.0.2", localPort: 7, remoteAddress: "10.0.0.1", remotePort: 4000';
  const text = inspect(requests[0]);
  assert(text.startsWith(`L3L4Request { ${path}, token: `), text);
  assert(text.endsWith("segmentSize: 1460, hasSack: true, hasTimestamps: true, windowScale: 3 }"), text);
  assertEquals(
    inspect({ socket }).replace(/\s+/g, " "),
    '{ socket: L3L4Socket { local: "10.0.0.1:4000", remote: "10.0.0.2:7", state: "ESTABLISHED", ' +
      "bytesReceived: 0, bytesAcked: 0, bytesQueued: 0 } }",
  );
  await Promise.all([client.close(), server.close()]);
});
