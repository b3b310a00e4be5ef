/** Congestion control of whole connections over a simulated link. */
import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import type { CongestionAlgorithm } from "../../src/l3l4/tcp/tcp_settings.ts";
import { Network, type NetworkOptions } from "./network.ts";
import { type Side, Traffic } from "./traffic.ts";

/** A connection whose client has nothing to write yet. */
function open(
  options: Partial<NetworkOptions>,
  connections = 1,
): { network: Network; clients: Side[]; traffic: Traffic } {
  const network = new Network({ seed: 1, link: { delayMs: 50 }, ...options });
  const traffic = new Traffic(network);
  const clients = Array.from({ length: connections }, () => traffic.side(network.connect()));
  network.run(network.now + 1000);
  return { network, clients, traffic };
}

function write(network: Network, side: Side, bytes: number): void {
  side.target += bytes;
  side.pump();
  network.settle();
}

test("113. ten segments go at once, then twice as many for each round trip", () => {
  const { network, clients } = open({ link: { delayMs: 50, bytesPerMs: 12_500 } });
  const flights: number[] = [];
  for (let round = 0; round < 4; round++) {
    const before = network.packets;
    if (round === 0) write(network, clients[0]!, 200_000);
    else network.run(network.now + 104);
    flights.push(network.packets - before);
  }
  assertEquals(flights[0], 10);
  // with the acknowledgments of the flight before
  assert(flights[1]! > 20 && flights[1]! <= 30, `${flights}`);
  assert(flights[2]! > 40 && flights[2]! <= 60, `${flights}`);
});

test("114. after an idle time the first window is what goes at once", () => {
  const { network, clients: [client] } = open({});
  write(network, client!, 250_000);
  network.run(network.now + 5000);
  assert(client!.port.info().cwnd > 50_000);
  const before = network.packets;
  write(network, client!, 250_000);
  assertEquals(network.packets - before, 10);
});

test("116. who writes little keeps the window of the beginning", () => {
  const { network, clients: [client] } = open({});
  const { cwnd } = client!.port.info();
  for (let i = 0; i < 100; i++) {
    write(network, client!, 3000);
    network.run(network.now + 200);
  }
  assertEquals(client!.port.info().cwnd, cwnd);
});

for (const congestion of ["cubic", "newreno"] as const satisfies CongestionAlgorithm[]) {
  test(`117. two flows with ${congestion} over one bottleneck share it within 20 %, and use it`, () => {
    const options = { congestion, sendBufferBytes: 1_000_000, receiveBufferBytes: 1_000_000 };
    const link = { delayMs: 20, jitterMs: 2, bytesPerMs: 1250, maxQueuedPackets: 60 };
    const { network, clients, traffic } = open({ link, back: { delayMs: 20 }, client: options, server: options }, 2);
    write(network, clients[0]!, 1e9);
    network.run(network.now + 5000);
    write(network, clients[1]!, 1e9);
    network.run(network.now + 20_000);
    const servers = traffic.sides.filter(({ port }) => !port.isActive);
    const before = servers.map(({ read }) => read);
    network.run(network.now + 90_000);
    const [a, b] = servers.map(({ read }, i) => read - before[i]!) as [number, number];
    assert(Math.min(a, b) / Math.max(a, b) > 0.8, `${a} and ${b} bytes`);
    assert((a + b) / 90_000 > 0.9 * 1250, `${(a + b) / 90_000} bytes/ms of 1250`);
  });
}
