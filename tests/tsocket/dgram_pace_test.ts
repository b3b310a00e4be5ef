// What a read of many datagrams waits for: for others of the same turn, unless they come one at a time.
import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { ManualClock } from "../../src/sim/mod.ts";
import { DgramSocket } from "../../src/tsocket/dgram_socket.ts";
import { InetAddress } from "../../src/tsocket/inet_address.ts";
import { turns } from "../support/turns.ts";
import { FakeDgramDriver } from "./support/fake_dgram_driver.ts";

const friend = InetAddress.from("192.0.2.1", 53);

/** A socket whose reader takes what comes, and tells how many at a time. */
function reading() {
  const driver = new FakeDgramDriver();
  const socket = new DgramSocket(driver, {}, { clock: new ManualClock(1000) });
  const taken: number[] = [];
  let isOpen = true;
  const read = async (): Promise<void> => {
    while (isOpen) taken.push((await socket.recvMany(64)).length);
  };
  read().catch(() => {});
  return {
    taken,
    come: (count: number): void => {
      for (let i = 0; i < count; i++) driver.come(Uint8Array.of(i), friend);
    },
    close: async (): Promise<void> => {
      isOpen = false;
      await socket.close();
    },
  };
}

/** Whether something happens before the next turn of the event loop. */
async function isAtOnce(happened: () => boolean): Promise<boolean> {
  for (let i = 0; i < 20 && !happened(); i++) await Promise.resolve();
  return happened();
}

test("76: what comes alone, turn after turn, is handed over without waiting for others", async () => {
  const { taken, come, close } = reading();
  let waited = 0;
  for (let turn = 0; turn < 40; turn++) {
    come(1);
    if (!await isAtOnce(() => taken.length > turn)) waited++;
    await turns(2);
    assertEquals(taken.length, turn + 1);
  }
  assertEquals(waited, 16);
  await close();
});

test("76: several in one turn are gathered again soon after they came one at a time", async () => {
  const { taken, come, close } = reading();
  for (let turn = 0; turn < 40; turn++) {
    come(1);
    await turns(2);
  }
  taken.length = 0;
  for (let turn = 0; turn < 20; turn++) {
    come(5);
    await turns(2);
  }
  assertEquals(taken.reduce((sum, count) => sum + count, 0), 100);
  assertEquals(taken.slice(-12), new Array(12).fill(5));
  await close();
});
