import { test } from "node:test";
import { assertEquals, assertRejects } from "@std/assert";
import { LeatError } from "../../src/core/errors.ts";
import { TunDevice } from "../../src/tsocket/tun/tun_device.ts";
import { removedError } from "../../src/tsocket/tun/tun_errors.ts";
import { tunSettings } from "../../src/tsocket/tun/tun_settings.ts";
import type { TunOptions, TunPort } from "../../src/tsocket/tun/tun_types.ts";

/** A device with packets that the test puts in. */
class FakePort implements TunPort {
  readonly packets: Uint8Array[] = [];
  readonly written: Uint8Array[] = [];
  reads = 0;
  waits = 0;
  closes = 0;
  isRemoved = false;
  room = Infinity;
  #wake: (() => void) | undefined;

  put(...packets: Uint8Array[]): void {
    this.packets.push(...packets);
    this.#wake?.();
  }

  remove(): void {
    this.isRemoved = true;
    this.#wake?.();
  }

  read(into: Uint8Array, at: number): number {
    this.reads++;
    if (this.isRemoved) throw removedError("tun7");
    const packet = this.packets.shift();
    if (packet === undefined) return 0;
    into.set(packet, at);
    return packet.length;
  }

  write(packet: Uint8Array): boolean {
    if (this.written.length >= this.room) return false;
    this.written.push(packet.slice());
    return true;
  }

  ready(): Promise<void> {
    this.waits++;
    if (this.packets.length > 0 || this.isRemoved || this.closes > 0) return Promise.resolve();
    return new Promise((resolve) => this.#wake = resolve);
  }

  close(): Promise<void> {
    this.closes++;
    this.#wake?.();
    return Promise.resolve();
  }
}

function device(options: TunOptions = {}): { port: FakePort; tun: TunDevice } {
  const port = new FakePort();
  return { port, tun: new TunDevice(port, { name: "tun7", mtu: 1500 }, tunSettings(options)) };
}

const packet = (length: number, fill: number): Uint8Array => new Uint8Array(length).fill(fill);

test("what is there comes in one batch, at most maxBatchPackets, and nobody waits in between", async () => {
  const { port, tun } = device({ maxBatchPackets: 2 });
  port.put(packet(21, 1), packet(20, 2), packet(40, 3));
  const reader = tun.readable.getReader();
  assertEquals((await reader.read()).value, [packet(21, 1), packet(20, 2)]);
  assertEquals(port.waits, 1);
  assertEquals((await reader.read()).value, [packet(40, 3)]);
  assertEquals(port.waits, 1);
  assertEquals(tun.stats, {
    packetsRead: 3,
    bytesRead: 81,
    batchesRead: 2,
    packetsWritten: 0,
    bytesWritten: 0,
    packetsRefused: 0,
  });
});

test("backpressure: nothing is read of the device before somebody reads of the stream", async () => {
  const { port, tun } = device();
  port.put(packet(20, 1));
  await Promise.resolve();
  assertEquals([port.reads, port.waits], [0, 0]);
  await tun.readable.getReader().read();
  assertEquals(port.reads, 2);
});

test("a packet of 65,535 bytes is read whole wherever the buffer ends, and earlier ones stay as they are", async () => {
  const { port, tun } = device();
  const reader = tun.readable.getReader();
  const seen: Uint8Array[] = [];
  const lengths = [65_535, 65_534, 1, 65_535, 65_535, 20, 65_535, 65_535];
  lengths.forEach((length, i) => port.put(packet(length, i + 1)));
  while (seen.length < lengths.length) seen.push(...(await reader.read()).value!);
  seen.forEach((bytes, i) => assertEquals([bytes.length, bytes[0], bytes.at(-1)], [lengths[i], i + 1, i + 1]));
  // headers lie where they can be summed up fast
  assertEquals(seen.map((bytes) => bytes.byteOffset % 4), lengths.map(() => 0));
});

test("packets and batches are written; what the system does not take is lost and counted", async () => {
  const { port, tun } = device();
  const writer = tun.writable.getWriter();
  port.room = 3;
  await writer.write(packet(20, 1));
  await writer.write([packet(21, 2), packet(22, 3), packet(23, 4)]);
  assertEquals(port.written.map((bytes) => bytes.length), [20, 21, 22]);
  const { packetsWritten, bytesWritten, packetsRefused } = tun.stats;
  assertEquals([packetsWritten, bytesWritten, packetsRefused], [3, 63, 1]);
  await assertRejects(() => writer.write(["no packet"] as unknown as Uint8Array[]), TypeError);
});

test("close ends a read that waits, fails writes, and frees the device once", async () => {
  const { port, tun } = device();
  const read = tun.readable.getReader().read();
  await Promise.all([tun.close(), tun.close(), tun[Symbol.asyncDispose]()]);
  assertEquals((await read).done, true);
  assertEquals(port.closes, 1);
  const error = await assertRejects(() => tun.writable.getWriter().write(packet(20, 1)), LeatError as never);
  assertEquals((error as LeatError).code, "ECONNABORTED");
});

test("the end of either stream closes the device", async () => {
  for (
    const end of [
      (tun: TunDevice) => tun.readable.cancel(),
      (tun: TunDevice) => tun.writable.close(),
      (tun: TunDevice) => tun.writable.abort(new Error("enough")),
    ]
  ) {
    const { port, tun } = device();
    await end(tun);
    assertEquals(port.closes, 1);
    await tun.close();
    assertEquals(port.closes, 1);
  }
});

test("an interface that is removed fails the read with ENODEV", async () => {
  const { port, tun } = device();
  const read = tun.readable.getReader().read();
  port.remove();
  const error = await assertRejects(() => read, LeatError as never);
  assertEquals((error as LeatError).code, "ENODEV");
  await tun.close();
  assertEquals(port.closes, 1);
});
