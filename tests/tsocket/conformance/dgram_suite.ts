/** Cases 72 to 80: datagrams. */
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { ManualClock } from "../../../src/sim/mod.ts";
import { InetAddress } from "../../../src/tsocket/inet_address.ts";
import { UnixAddress } from "../../../src/tsocket/local_address.ts";
import { dgramWith } from "../../../src/tsocket/open.ts";
import type { DatagramError, TDgram } from "../../../src/tsocket/types.ts";
import { isSettled, turns } from "../../support/turns.ts";
import { checkPattern, pattern } from "./bytes.ts";
import { define } from "./define.ts";
import { type DgramRig, withDgrams } from "./dgram_rig.ts";
import { fails, failure, until } from "./waiting.ts";

/** Registers the cases. */
export function dgramSuite(rig: DgramRig): void {
  echoes(rig);
  sizes(rig);
  connected(rig);
  deadPeers(rig);
  order(rig);
  waiting(rig);
  closing(rig);
  kinds(rig);
  streams(rig);
}

async function echo(client: TDgram, server: TDgram): Promise<void> {
  assertEquals(await client.sendto([pattern(3), new Uint8Array(0), pattern(4, 3)], server.localAddress), 7);
  const { data, source, truncated } = await server.recvfrom();
  assertEquals([data.length, truncated, source!.key], [7, false, client.localAddress!.key]);
  checkPattern(data);
  await server.sendto(data, source);
  const back = await client.recvfrom();
  assertEquals([back.data.length, back.source!.key], [7, server.localAddress!.key]);
  checkPattern(back.data);
}

function echoes(rig: DgramRig): void {
  define(rig, 72, "an echo, with vectors and both families", () =>
    withDgrams(rig, async (open) => {
      for (const [i] of rig.freshAddresses().entries()) {
        const localAddress = rig.freshAddresses()[i]!;
        const [server, client] = [await open({ localAddress }), await open({ localAddress: rig.freshAddresses()[i]! })];
        await echo(client, server);
        assertEquals([client.stats.sent, client.stats.received, client.stats.sendErrors], [1, 1, 0]);
        const info = await server.opened;
        assertEquals([info.remoteAddress, info.remotePort], [null, null]);
        const own = server.localAddress!;
        if (own instanceof InetAddress) assertEquals([info.localAddress, info.localPort], [own.address, own.port]);
      }
    }));

  if (rig.freshAddresses().length < 2) return;
  define(rig, 72, "a socket of both families knows an IPv4 sender again", () =>
    withDgrams(rig, async (open) => {
      const both = await open({ localAddress: InetAddress.from("::", 0) });
      const client = await open();
      const { port } = both.localAddress as InetAddress;
      await client.sendto(pattern(5), InetAddress.from("127.0.0.1", port));
      const { data, source } = await both.recvfrom();
      checkPattern(data);
      assertEquals((source as InetAddress).unmapped().key, client.localAddress!.key);
      await both.sendto(data, source);
      checkPattern((await client.recvfrom()).data);

      const only = await open({ localAddress: InetAddress.from("::", 0), ipv6Only: true });
      const sixth = await open({ localAddress: InetAddress.from("::1", 0) });
      await sixth.sendto(pattern(2), InetAddress.from("::1", (only.localAddress as InetAddress).port));
      checkPattern((await only.recvfrom()).data);
    }));
}

function sizes(rig: DgramRig): void {
  define(
    rig,
    72,
    "empty datagrams are datagrams; the longest arrives, a longer one is EMSGSIZE",
    () =>
      withDgrams(rig, async (open) => {
        const [a, b] = [await open(), await open()];
        for (const length of [0, 1, 0, 0, 2]) assertEquals(await a.sendto(pattern(length), b.localAddress), length);
        for (const length of [0, 1, 0, 0, 2]) assertEquals((await b.recvfrom()).data.length, length);
        const most = rig.features.maxDatagramSize;
        assertEquals(a.maxDatagramSize, most);
        await a.sendto(pattern(most), b.localAddress);
        const { data, truncated } = await b.recvfrom();
        assertEquals([data.length, truncated], [most, false]);
        checkPattern(data);
        await fails(a.sendto(pattern(most + 1), b.localAddress), "EMSGSIZE");
        assertEquals(a.stats.sendErrors, 1);
        await a.sendto(pattern(9), b.localAddress);
        checkPattern((await b.recvfrom()).data);
      }),
  );

  define(rig, 73, "nothing is cut off", () =>
    withDgrams(rig, async (open) => {
      const [a, b] = [await open(), await open()];
      for (const length of [5, 6, 1500, 9000, 40_000]) {
        await a.sendto(pattern(length), b.localAddress);
        const { data, truncated } = await b.recvfrom();
        assertEquals([data.length, truncated], [length, false]);
        checkPattern(data);
      }
    }));
}

function connected(rig: DgramRig): void {
  define(rig, 74, "a connected socket hears its peer only", () =>
    withDgrams(rig, async (open) => {
      const [peer, stranger] = [await open(), await open()];
      const socket = await open({ remoteAddress: peer.localAddress });
      assertEquals(socket.remoteAddress!.key, peer.localAddress!.key);
      await stranger.sendto(Uint8Array.of(66), socket.localAddress);
      await peer.sendto(Uint8Array.of(1), socket.localAddress);
      await stranger.sendto(Uint8Array.of(66), socket.localAddress);
      await peer.sendto(Uint8Array.of(2), socket.localAddress);
      for (const value of [1, 2]) assertEquals((await socket.recvfrom()).data, Uint8Array.of(value));
      await socket.sendto(pattern(4));
      const { data, source } = await peer.recvfrom();
      checkPattern(data);
      assertEquals(source!.key, socket.localAddress!.key);
      await fails(socket.sendto(pattern(1), stranger.localAddress), "EISCONN");
      await fails(stranger.sendto(pattern(1)), "EDESTADDRREQ");
      await socket.sendto(pattern(2));
      checkPattern((await peer.recvfrom()).data);
    }));
}

function deadPeers(rig: DgramRig): void {
  define(rig, 75, "a dead peer is no end: what is received later arrives", () =>
    withDgrams(rig, async (open) => {
      const peer = await open();
      const address = peer.localAddress!;
      const socket = await open({ remoteAddress: address });
      await peer.close();
      const errors: DatagramError[] = [];
      const subscription = socket.onIcmpError((error) => errors.push(error));
      const received = socket.recvfrom();
      await socket.sendto(pattern(1)).catch(() => {});
      await turns(20);
      if (rig.features.reportsDeadPeers) {
        await until(() => errors.length > 0, "an error of the network");
        assertEquals(errors[0]!.code, "ECONNREFUSED");
        assertEquals(socket.stats.icmpErrors, errors.length);
      }
      assertEquals(await isSettled(received), false);
      subscription[Symbol.dispose]();
      const again = await open({ localAddress: address });
      await again.sendto(pattern(8), socket.localAddress);
      checkPattern((await received).data);
      await socket.sendto(pattern(3)).catch(() => socket.sendto(pattern(3)));
      checkPattern((await again.recvfrom()).data);
    }));

  define(
    rig,
    75,
    "unconnected, dead and live receivers in turn: all live ones receive",
    () =>
      withDgrams(rig, async (open) => {
        const [socket, live] = [await open(), await open()];
        for (let i = 0; i < 5; i++) {
          await socket.sendto(Uint8Array.of(99), rig.deadAddress()).catch(() => {});
          await turns(2);
          await socket.sendto(Uint8Array.of(i), live.localAddress);
          assertEquals((await live.recvfrom()).data, Uint8Array.of(i));
        }
        assertEquals(await isSettled(socket.closed), false);
      }),
  );
}

const COUNT = 500;
/** Few enough for the system's buffer when they all come at once. */
const BURST = 100;

function numbered(i: number): Uint8Array {
  return Uint8Array.of(i >> 8, i & 255);
}

function order(rig: DgramRig): void {
  define(
    rig,
    76,
    `${COUNT} datagrams arrive in the order in which they were sent, without awaiting`,
    () =>
      withDgrams(rig, async (open) => {
        const [a, b] = [await open(), await open()];
        for (let from = 0; from < COUNT; from += BURST) {
          const sends: Promise<number>[] = [];
          for (let i = from; i < from + BURST; i++) sends.push(a.sendto(numbered(i), b.localAddress));
          for (let i = from; i < from + BURST; i++) assertEquals((await b.recvfrom()).data, numbered(i));
          assertEquals(await Promise.all(sends), new Array<number>(BURST).fill(2));
        }
        assertEquals([a.stats.sent, b.stats.received, b.stats.droppedIncoming], [COUNT, COUNT, 0]);
      }),
  );

  define(
    rig,
    76,
    "sendMany accounts for every datagram, and recvMany takes what is there",
    () =>
      withDgrams(rig, async (open) => {
        const [a, b] = [await open(), await open()];
        const seen: Uint8Array[] = [];
        for (let from = 0; from < COUNT; from += BURST) {
          const list = Array.from({ length: BURST }, (_, i) => ({ data: numbered(from + i), to: b.localAddress }));
          const sent = a.sendMany(list);
          while (seen.length < from + BURST) {
            const some = await b.recvMany(64);
            assert(some.length >= 1 && some.length <= 64);
            for (const { data } of some) seen.push(data);
          }
          assertEquals(await sent, BURST);
        }
        assertEquals(seen, Array.from({ length: COUNT }, (_, i) => numbered(i)));
        const all = Array.from({ length: 1000 }, (_, i) => ({ data: numbered(i), to: b.localAddress }));
        const before = a.stats.sent + a.stats.sendErrors;
        assertEquals(await a.sendMany(all), 1000);
        assertEquals(a.stats.sent + a.stats.sendErrors - before, 1000);
        assertEquals(await a.sendMany([]), 0);
      }),
  );
}

function waiting(rig: DgramRig): void {
  define(
    rig,
    77,
    "a second receive is EBUSY, and a cancelled one loses no datagram",
    () =>
      withDgrams(rig, async (open) => {
        const [a, b] = [await open(), await open()];
        const controller = new AbortController();
        const first = failure(b.recvfrom({ signal: controller.signal }));
        await fails(b.recvfrom(), "EBUSY");
        await fails(b.recvMany(2), "EBUSY");
        const reason = new Error("not now");
        controller.abort(reason);
        assertStrictEquals(await first, reason);
        await a.sendto(pattern(3), b.localAddress);
        checkPattern((await b.recvfrom()).data);
        for (let i = 0; i < 10; i++) {
          const controller = new AbortController();
          const read = b.recvfrom({ signal: controller.signal }).catch(() => undefined);
          const sent = a.sendto(numbered(i), b.localAddress);
          if (i % 2 === 0) await sent;
          controller.abort();
          assertEquals((await read ?? await b.recvfrom()).data, numbered(i));
        }
      }),
  );

  define(
    rig,
    77,
    "with nobody receiving, what waits is bounded and the rest is counted",
    () =>
      withDgrams(rig, async (open) => {
        const [a, b] = [await open(), await open({ maxQueuedDatagrams: 20 })];
        for (let i = 0; i < 200; i++) await a.sendto(numbered(i), b.localAddress);
        await turns(20);
        let taken = 0;
        const controller = new AbortController();
        while (taken + b.stats.droppedIncoming < 200) {
          const some = await b.recvMany(1000);
          assert(some.length <= 20, `${some.length} datagrams were waiting`);
          taken += some.length;
        }
        const last = failure(b.recvfrom({ signal: controller.signal }));
        controller.abort("no more");
        assertEquals(await last, "no more");
        assertEquals(b.stats.received, taken + b.stats.droppedIncoming);
      }),
  );

  define(rig, 78, "a deadline is ETIMEDOUT and loses nothing", () =>
    withDgrams(rig, async (open) => {
      const clock = new ManualClock(100);
      const [a, b] = [await open(), await open({}, clock)];
      await fails(b.recvfrom({ deadlineAt: 100 }), "ETIMEDOUT");
      const late = fails(b.recvfrom({ deadlineAt: 110 }), "ETIMEDOUT");
      await turns(2);
      clock.advance(10);
      await late;
      await a.sendto(pattern(4), b.localAddress);
      checkPattern((await b.recvfrom({ deadlineAt: 1e9 })).data);
      assertEquals(clock.timers, 0);
    }));
}

function closing(rig: DgramRig): void {
  define(rig, 78, "after close everything is ECONNABORTED", () =>
    withDgrams(rig, async (open) => {
      const [a, b] = [await open(), await open()];
      const pending = failure(a.recvfrom());
      const closed = a.close();
      assertStrictEquals(a.close(), closed);
      assertEquals((await pending as { code?: string }).code, "ECONNABORTED");
      await closed;
      await a.closed;
      await fails(a.recvfrom(), "ECONNABORTED");
      await fails(a.recvMany(1), "ECONNABORTED");
      await fails(a.sendto(pattern(1), b.localAddress), "ECONNABORTED");
      await fails(a.sendMany([{ data: pattern(1), to: b.localAddress }]), "ECONNABORTED");
      await a[Symbol.asyncDispose]();
    }));

  define(rig, 78, "close sends what is queued first", () =>
    withDgrams(rig, async (open) => {
      const [a, b] = [await open(), await open()];
      const sends = Array.from({ length: 50 }, (_, i) => a.sendto(numbered(i), b.localAddress));
      await a.close();
      assertEquals(await Promise.all(sends), new Array<number>(50).fill(2));
      for (let i = 0; i < 50; i++) assertEquals((await b.recvfrom()).data, numbered(i));
    }));

  define(rig, 78, "close while opening rejects opened", async () => {
    const socket = dgramWith(rig.runtime, { localAddress: rig.freshAddresses()[0] });
    const closed = socket.close();
    await socket.opened.catch(() => {});
    await Promise.allSettled([closed, socket.closed]);
    await fails(socket.recvfrom(), "ECONNABORTED");
  });
}

function kinds(rig: DgramRig): void {
  define(rig, 79, "unix datagrams work or are EPROTONOSUPPORT", async () => {
    const socket = dgramWith(rig.runtime, {
      localAddress: UnixAddress.from(join(tmpdir(), `leat_conformance_${process.pid}.sock`), "linux"),
    });
    if (!rig.features.hasUnix) await fails(socket.opened, "EPROTONOSUPPORT");
    else await socket.opened;
    await socket.close();
  });

  define(rig, 80, "sizes of the system's buffers can be asked for", () =>
    withDgrams(rig, async (open) => {
      const a = await open({ sendBufferSize: 262144 });
      const b = await open({ recvBufferSize: 4 << 20 });
      for (let i = 0; i < 50; i++) {
        await a.sendto(pattern(1000, i), b.localAddress);
        checkPattern((await b.recvfrom()).data, i);
      }
    }));
}

function streams(rig: DgramRig): void {
  if (!(rig.freshAddresses()[0] instanceof InetAddress)) return;
  define(rig, 68, "the streams carry messages with the addresses of both sides", () =>
    withDgrams(rig, async (open) => {
      const [a, b] = [await open(), await open()];
      const [from, to] = [a.localAddress as InetAddress, b.localAddress as InetAddress];
      const writer = a.writable.getWriter();
      const reader = b.readable.getReader();
      await writer.write({ data: pattern(6), remoteAddress: to.address, remotePort: to.port });
      const { value } = await reader.read();
      checkPattern(value!.data);
      assertEquals([value!.remoteAddress, value!.remotePort], [from.address, from.port]);
      await fails(b.recvfrom(), "EBUSY");
      reader.releaseLock();
      await writer.close();
      await a.sendto(pattern(2), to);
      checkPattern((await b.recvfrom()).data);

      const tied = await open({ remoteAddress: to });
      await tied.writable.getWriter().write({ data: pattern(1) });
      const plain = await b.recvfrom();
      const incoming = tied.readable.getReader().read();
      await b.sendto(pattern(3), plain.source);
      const message = (await incoming).value!;
      checkPattern(message.data);
      assertEquals([message.remoteAddress, message.remotePort], [undefined, undefined]);
    }));
}
