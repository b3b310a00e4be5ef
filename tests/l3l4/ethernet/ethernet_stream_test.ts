/** Ethernet and switches as streams. */
import { test } from "node:test";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { EthernetStream, type EthernetStreamOptions } from "../../../src/l3l4/ethernet/ethernet_stream.ts";
import {
  VirtualSwitch,
  type VirtualSwitchPort,
  type VirtualSwitchPortOptions,
} from "../../../src/l3l4/ethernet/virtual_switch_stream.ts";
import { decodeEthernet } from "../../../src/packet/ethernet.ts";
import { EtherType } from "../../../src/packet/ethernet_types.ts";
import { ManualClock } from "../../../src/sim/manual_clock.ts";
import { unhandledRejections } from "../../support/unhandled.ts";
import { A, ALL, arp, B, C, frame, ipv4, NO_MAC } from "./support.ts";

const OURS = "10.0.0.1";
const PEER = "10.0.0.2";
const data = (to: Uint8Array, from: Uint8Array, length = 46): Uint8Array =>
  frame(to, from, EtherType.IPV4, new Uint8Array(length).fill(0x45));
const make = (options: EthernetStreamOptions = {}): EthernetStream =>
  new EthernetStream({ mac: A, networks: ["10.0.0.1/24"], claim: "none", clock: new ManualClock(), ...options });
const ports = (count: number, options: VirtualSwitchPortOptions = {}): VirtualSwitchPort[] => {
  const lan = new VirtualSwitch({ clock: new ManualClock() });
  return Array.from({ length: count }, () => lan.port(options));
};

async function read<T>(readable: ReadableStream<T>): Promise<T | undefined> {
  const reader = readable.getReader();
  const { value } = await reader.read();
  reader.releaseLock();
  return value;
}

async function write(
  writable: WritableStream<Uint8Array | readonly Uint8Array[]>,
  chunk: Uint8Array | Uint8Array[],
): Promise<void> {
  const writer = writable.getWriter();
  await writer.write(chunk);
  writer.releaseLock();
}

test("a switch: a chunk of frames in is a chunk at each port where one of them goes", async () => {
  const [a, b, c] = ports(3) as [VirtualSwitchPort, VirtualSwitchPort, VirtualSwitchPort];
  await write(b.writable, data(ALL, B));
  assertEquals(await read(a.readable), [data(ALL, B)]);
  assertEquals(await read(c.readable), [data(ALL, B)]);
  await write(a.writable, [data(B, A), data(ALL, A), data(B, A)]);
  assertEquals(await read(b.readable), [data(B, A), data(ALL, A), data(B, A)]);
  assertEquals(await read(c.readable), [data(ALL, A)]);
});

test("a switch: maxQueuedBytes bounds what waits at a port that nobody reads, and no other port waits for it", async () => {
  const lan = new VirtualSwitch({ clock: new ManualClock() });
  const [a, b, slow] = [lan.port(), lan.port(), lan.port({ maxQueuedBytes: 1000 })];
  const reading = (async () => {
    let count = 0;
    for await (const batch of b.readable) count += batch.length;
    return count;
  })();
  for (let i = 0; i < 100; i++) await write(a.writable, data(ALL, A));
  b.close();
  assertEquals(await reading, 100);
  assertEquals(slow.framesDropped, 97);
  assertEquals(await read(slow.readable), [data(ALL, A)]);
  assertEquals(lan.stats.framesFlooded, 100);
});

test("a switch: a port that is closed, aborted or cancelled is gone, once, and the others go on", async () => {
  const enders: ((port: VirtualSwitchPort) => unknown)[] = [
    (port) => port.close(),
    (port) => port.writable.close(),
    (port) => port.writable.abort(new Error("unplugged")).catch(() => {}),
    (port) => port.readable.cancel("unplugged"),
  ];
  const rejected = await unhandledRejections(async () => {
    for (const end of enders) {
      const [a, b, c] = ports(3) as [VirtualSwitchPort, VirtualSwitchPort, VirtualSwitchPort];
      await write(b.writable, data(ALL, B));
      await read(a.readable);
      await end(b);
      b.close();
      await write(a.writable, data(B, A));
      await read(c.readable);
      assertEquals(await read(c.readable), [data(B, A)]);
      await assertRejects(() => write(b.writable, data(ALL, B)));
    }
  });
  assertEquals(rejected, []);
});

test("a switch: what waits is read before the end, and before the error", async () => {
  for (const isAbort of [false, true]) {
    const [a, b] = ports(2) as [VirtualSwitchPort, VirtualSwitchPort];
    await write(a.writable, data(ALL, A));
    const error = new Error("unplugged");
    if (isAbort) await b.writable.abort(error);
    else await b.writable.close();
    assertEquals(await read(b.readable), [data(ALL, A)]);
    if (isAbort) await assertRejects(() => read(b.readable), Error, "unplugged");
    else assertEquals(await read(b.readable), undefined);
  }
});

test("a switch: what is no frame fails its port with a TypeError", async () => {
  for (const chunk of ["frame", [new Uint8Array(60), 7], null]) {
    const [a] = ports(2) as [VirtualSwitchPort, VirtualSwitchPort];
    await assertRejects(() => write(a.writable, chunk as unknown as Uint8Array), TypeError);
    await assertRejects(() => read(a.readable), TypeError);
  }
  assertThrows(() => new VirtualSwitch().port({ maxQueuedBytes: 0 }), RangeError);
});

test("Ethernet: packets up, frames down, questions in between", async () => {
  const ethernet = make();
  await write(ethernet.writable, [arp(1, [B, PEER], [NO_MAC, OURS]), frame(A, B, EtherType.IPV4, ipv4(PEER, OURS))]);
  assertEquals(await read(ethernet.packets.readable), [ipv4(PEER, OURS)]);
  const [answer] = (await read(ethernet.readable))!;
  assertEquals(decodeEthernet(answer!).etherType, EtherType.ARP);
  await write(ethernet.packets.writable, ipv4(OURS, PEER));
  const [sent] = (await read(ethernet.readable))!;
  assertEquals(decodeEthernet(sent!).destination, B);
  assertEquals([ethernet.stats.packetsSent, ethernet.neighbors().length], [1, 1]);
});

test("Ethernet: a packet for an unknown neighbour makes a reader of frames get the question, then the packet", async () => {
  const ethernet = make();
  await write(ethernet.packets.writable, ipv4(OURS, PEER));
  const [question] = (await read(ethernet.readable))!;
  assertEquals(decodeEthernet(question!).etherType, EtherType.ARP);
  await write(ethernet.writable, arp(2, [B, PEER], [A, OURS]));
  const [sent] = (await read(ethernet.readable))!;
  assertEquals(decodeEthernet(sent!).destination, B);
});

test("Ethernet: nobody answers: time passes, and ICMP comes up", async () => {
  const clock = new ManualClock();
  const ethernet = make({ clock });
  await write(ethernet.packets.writable, ipv4(OURS, PEER));
  for (let asked = 0; asked < 3; asked++) {
    assertEquals((await read(ethernet.readable))!.length, 1);
    clock.advance(1000);
  }
  assertEquals((await read(ethernet.packets.readable))![0]!.subarray(20, 22), Uint8Array.of(3, 1));
  assertEquals(clock.timers, 0);
});

test("Ethernet: writes of packets wait while nobody reads frames, and go on when somebody does", async () => {
  const ethernet = make();
  await write(ethernet.writable, arp(1, [B, PEER], [NO_MAC, OURS]));
  const writer = ethernet.packets.writable.getWriter();
  let written = 0;
  const writing = (async () => {
    for (let i = 0; i < 1000; i++, written++) await writer.write(ipv4(OURS, PEER, new Uint8Array(1400)));
    await writer.close();
  })();
  let frames = 0;
  let most = 0;
  for await (const batch of ethernet.readable) {
    frames += batch.length;
    most = Math.max(most, written - frames);
  }
  await writing;
  assertEquals(frames, 1001);
  assert(most < 300, `${most} packets ahead`);
});

test("Ethernet: an abort does not hang on a write that waits", async () => {
  const ethernet = make();
  const writer = ethernet.packets.writable.getWriter();
  writer.write(Array.from({ length: 400 }, () => ipv4(OURS, PEER, new Uint8Array(1400)))).catch(() => {});
  writer.closed.catch(() => {});
  await writer.abort(new Error("enough"));
  await assertRejects(() => read(ethernet.readable), Error, "enough");
  await assertRejects(() => write(ethernet.writable, data(A, B)), Error, "enough");
});

test("Ethernet: maxQueuedBytes bounds packets that nobody reads", async () => {
  const ethernet = make({ maxQueuedBytes: 1000 });
  const packet = frame(A, B, EtherType.IPV4, ipv4(PEER, OURS));
  await write(ethernet.writable, Array.from({ length: 5 }, () => packet));
  await write(ethernet.writable, Array.from({ length: 5 }, () => packet));
  assertEquals(ethernet.packetsDropped, 7);
  assertEquals((await read(ethernet.packets.readable))!.length, 3);
});

test("Ethernet: the end of either side ends both, in order", async () => {
  for (
    const end of [(one: EthernetStream) => one.writable.close(), (one: EthernetStream) => one.packets.writable.close()]
  ) {
    const ethernet = make();
    await write(ethernet.writable, [arp(1, [B, PEER], [NO_MAC, OURS]), frame(A, B, EtherType.IPV4, ipv4(PEER, OURS))]);
    await write(ethernet.packets.writable, ipv4(OURS, PEER));
    const frames: Uint8Array[] = [];
    const reading = (async () => {
      for await (const batch of ethernet.readable) frames.push(...batch);
    })();
    await end(ethernet);
    await reading;
    assertEquals(frames.length, 2);
    assertEquals((await read(ethernet.packets.readable))!.length, 1);
    assertEquals(await read(ethernet.packets.readable), undefined);
  }
});

test("Ethernet: cancelling either readable ends it with no unhandled rejection", async () => {
  const rejected = await unhandledRejections(async () => {
    for (const side of ["frames", "packets"] as const) {
      const ethernet = make();
      await (side === "frames" ? ethernet.readable : ethernet.packets.readable).cancel(new Error("gone"));
      await assertRejects(() => write(ethernet.writable, data(A, B)));
    }
  });
  assertEquals(rejected, []);
});

test("two stages behind a switch carry packets both ways", async () => {
  const lan = new VirtualSwitch();
  const ends = [["10.0.0.1/24", A], ["10.0.0.2/24", B]].map(([network, mac]) => {
    const ethernet = new EthernetStream({ networks: [network as string], mac: mac as Uint8Array });
    const port = lan.port();
    port.readable.pipeThrough(ethernet).pipeTo(port.writable).catch(() => {});
    return { ethernet, port };
  }) as [{ ethernet: EthernetStream; port: VirtualSwitchPort }, { ethernet: EthernetStream; port: VirtualSwitchPort }];
  const [a, b] = ends;
  await write(a.ethernet.packets.writable, [ipv4(OURS, PEER, new Uint8Array(30).fill(1))]);
  const got = (await read(b.ethernet.packets.readable))!;
  assertEquals(got[0]![20], 1);
  await write(b.ethernet.packets.writable, ipv4(PEER, OURS, new Uint8Array(30).fill(2)));
  assertEquals((await read(a.ethernet.packets.readable))![0]![20], 2);
  for (const { port } of ends) port.close();
  assert(a.ethernet.neighbors().some(({ mac }) => mac[5] === B[5]) && C.length === 6);
});

test("Ethernet: a writer of packets hears that the link has failed or ended", async () => {
  const failed = make();
  await failed.writable.abort(new Error("unplugged"));
  await assertRejects(() => write(failed.packets.writable, ipv4(OURS, PEER)), Error, "unplugged");
  const ended = make();
  const closed = ended.packets.writable.getWriter().closed.catch((error) => error);
  await ended.writable.close();
  assert((await closed) instanceof Error);
});
