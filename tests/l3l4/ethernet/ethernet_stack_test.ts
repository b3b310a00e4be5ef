/** Stacks on Ethernet, behind a switch. */
import { test } from "node:test";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { L3L4Error } from "../../../src/l3l4/errors.ts";
import { EthernetMedium } from "../../../src/l3l4/ethernet/ethernet_medium.ts";
import { ethernet, type EthernetStackMedium } from "../../../src/l3l4/ethernet/ethernet_stream.ts";
import { VirtualSwitch } from "../../../src/l3l4/ethernet/virtual_switch_stream.ts";
import { L3L4Engine } from "../../../src/l3l4/l3l4_engine.ts";
import { L3L4 } from "../../../src/l3l4/l3l4_stream.ts";
import type { L3L4Socket } from "../../../src/l3l4/l3l4_socket_stream.ts";
import { LinkType } from "../../../src/packet/packet.ts";
import { SeededRandom } from "../../../src/sim/seeded_random.ts";
import { A, arpText, B, C, Gather, ip } from "./support.ts";

function attach(lan: VirtualSwitch, medium: EthernetStackMedium, addresses: readonly string[]): L3L4 {
  const stack = new L3L4({ medium, addresses, closeGraceMs: 0 });
  const port = lan.port();
  port.readable.pipeThrough(stack).pipeTo(port.writable).catch(() => {});
  return stack;
}

/** Two stacks of one network, and one that plays all other addresses. */
function network(): { a: L3L4; b: L3L4; world: L3L4; medium: EthernetStackMedium; close(): Promise<unknown> } {
  const lan = new VirtualSwitch();
  const gateways = ["10.0.0.254", "fd00::fe"];
  const networks = (n: number): string[] => [`10.0.0.${n}/24`, `fd00::${n}/64`];
  const medium = ethernet({ mac: A, networks: networks(1), gateways });
  const a = attach(lan, medium, ["10.0.0.1", "fd00::1"]);
  const b = attach(lan, ethernet({ mac: B, networks: networks(2), gateways }), ["10.0.0.2", "fd00::2"]);
  const worldly = { mac: C, networks: ["10.0.0.254/24", "fd00::fe/64"], answersFor: "any" } as const;
  const world = attach(lan, ethernet(worldly), []);
  return { a, b, world, medium, close: () => Promise.all([a, b, world].map((one) => one.close())) };
}

function serveEcho(stack: L3L4): void {
  (async () => {
    for await (const flow of stack.flows) flow.readable.pipeTo(flow.writable).catch(() => {});
  })().catch(() => {});
}

async function echoed(flow: L3L4Socket, length: number): Promise<void> {
  const sent = Uint8Array.from({ length }, (_, i) => i * 7);
  const writer = flow.writable.getWriter();
  writer.write(sent).then(() => writer.close()).catch(() => {});
  let at = 0;
  for await (const bytes of flow.readable) {
    assertEquals(bytes, sent.subarray(at, at + bytes.length));
    at += bytes.length;
  }
  assertEquals(at, length);
}

test("two stacks behind a switch speak TCP by both versions, and find each other for it", async () => {
  const { a, b, medium, close } = network();
  serveEcho(b);
  for (const to of ["10.0.0.2:7", "[fd00::2]:7"]) await echoed(a.connect(to), 300_000);
  assert(medium.neighbors().some(({ mac, state }) => mac[5] === B[5] && state !== "incomplete"));
  await close();
});

test("what is beyond the network is played by the one that plays any address", async () => {
  const { a, world, close } = network();
  serveEcho(world);
  for (const to of ["203.0.113.9:7", "[2001:db8::9]:7"]) await echoed(a.connect(to), 1000);
  assertEquals((await a.ping("198.51.100.3")).remoteAddress, "198.51.100.3");
  await close();
});

test("a port that is closed is refused", async () => {
  const { a, close } = network();
  const error = await assertRejects(() => a.connect("10.0.0.2:9").opened, L3L4Error);
  assertEquals(error.code, "ECONNREFUSED");
  await close();
});

test("an address of the network that nobody has: the connection hears of it, and goes on asking", () => {
  const random = new SeededRandom(1).fill;
  const told = (): never => {
    throw new Error("nothing is told");
  };
  const sink = { incoming: told, opened: told, readable: told, writable: told, ended: told, closed: told };
  const udp = {
    incomingUdp: told,
    udpOpened: told,
    udpReadable: told,
    udpWritable: told,
    udpError: told,
    udpClosed: told,
  };
  const engine = new L3L4Engine({ random }, { ...sink, ...udp, icmp: told });
  const medium = new EthernetMedium({ mac: A, networks: ["10.0.0.1/24"], random, claim: "none" }, engine);
  const out = new Gather();
  const [localAddress, remoteAddress] = [ip("10.0.0.1"), ip("10.0.0.77")];
  const port = engine.connect({ localAddress, remoteAddress, remotePort: 9 }, 0);
  medium.transmit(out, 0);
  for (let now = medium.timeoutAt(); now <= 3000; now = medium.timeoutAt()) {
    medium.onTimeout(now);
    medium.flush(now);
    medium.transmit(out, now);
  }
  // three questions, and the first of the next three, for the SYN that is sent again
  assertEquals(out.take().map(arpText), Array(4).fill("all: who has 10.0.0.77 (-) from 10.0.0.1 (..0a)"));
  assertEquals([port.info().state, port.info().softError], ["SYN-SENT", "EHOSTUNREACH"]);
  for (let now = medium.timeoutAt(); now <= 8000; now = medium.timeoutAt()) {
    medium.onTimeout(now);
    medium.transmit(out, now);
  }
  assert(out.take().length >= 3);
});

test("wrong options of the medium are told before there is a stack", () => {
  assertThrows(() => ethernet({ networks: ["10.0.0.1/33"] }), RangeError);
});

test("a tap of a stack on Ethernet has frames", async () => {
  const { a, close } = network();
  const reader = a.tap().getReader();
  await a.ping("10.0.0.2");
  const { value } = await reader.read();
  assertEquals(value![0]!.linkType, LinkType.ETHERNET);
  await close();
});

test("a medium belongs to one stack; before that it has counted nothing, and wrong options are told at once", () => {
  const medium = ethernet({ networks: ["10.0.0.1/24"] });
  assertEquals([medium.stats.framesReceived, medium.neighbors()], [0, []]);
  new L3L4({ medium });
  assertThrows(() => new L3L4({ medium }), TypeError, "belongs to one stack");
  assertThrows(() => ethernet({ networks: ["10.0.0.1/33"] }), RangeError);
});
