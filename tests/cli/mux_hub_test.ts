import { test } from "node:test";
import { assertEquals, assertRejects } from "@std/assert";
import { Hub } from "../../src/cli/mux/hub.ts";
import { respProtocol } from "../../src/kcm/balancer/protocols/resp.ts";
import { MemoryNetwork } from "../../src/tsocket/drivers/memory/mod.ts";
import { InetAddress, SocketError } from "../../src/tsocket/mod.ts";
import { turns } from "../support/turns.ts";

const never = new AbortController().signal;
const FIRST = InetAddress.parse("127.0.0.1:7000");
const LAST = InetAddress.parse("127.0.0.1:7001");

/** A hub in a network of its own. */
function hubIn(network: MemoryNetwork): Hub {
  return new Hub({ protocol: respProtocol(), checkIntervalMs: 0 }, {
    runtime: network,
    listen: {},
    connect: {},
    atEndOfTurn: (callback) => void setImmediate(callback),
    now: () => performance.now(),
  }, { clientClosed: () => {}, backendChanged: () => {}, listenError: () => {} });
}

test("clients are taken at all addresses once the last is bound, and wait until then", async () => {
  const network = new MemoryNetwork();
  const hub = hubIn(network);
  await hub.bind(FIRST);
  const early = await network.connect(FIRST, {}, never);
  await turns(10);
  assertEquals(hub.balancer.clients.size, 0);
  await hub.bind(LAST);
  hub.start();
  const late = await network.connect(LAST, {}, never);
  await turns(10);
  assertEquals(hub.balancer.clients.size, 2);
  early.abort();
  late.abort();
  await hub.stop();
});

test("where the last address is taken, nobody was taken as a client at the first", async () => {
  const network = new MemoryNetwork();
  const holder = await network.listen(LAST, {}, never);
  const hub = hubIn(network);
  await hub.bind(FIRST);
  const client = await network.connect(FIRST, {}, never);
  await assertRejects(() => hub.bind(LAST), SocketError);
  await hub.stop();
  await turns(10);
  assertEquals(hub.balancer.counts.accepted, 0);
  client.abort();
  await holder.close();
  assertEquals(network.sockets, 0);
});
