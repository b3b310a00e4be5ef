/** Several datagrams handed to Node at once. */
import { assert, assertEquals } from "@std/assert";
import { Socket } from "node:dgram";
import { test } from "node:test";
import { dgramNode, MAX_RESENDS, type NodeDgramDriver } from "../../src/tsocket/drivers/node/dgram_driver.ts";
import { InetAddress } from "../../src/tsocket/inet_address.ts";
import { turns } from "../support/turns.ts";
import { failsWith } from "./support/settled.ts";

const never = new AbortController().signal;
const batch = Array.from({ length: 4 }, (_, i) => ({ data: Uint8Array.of(i) }));

type Done = (cause: Error | null) => void;

/** A connected driver whose sends wait for an answer by the test; each is the number in the datagram. */
async function played(body: (driver: NodeDgramDriver, sends: [number, Done][], icmp: string[]) => Promise<void>) {
  const remoteAddress = InetAddress.from("127.0.0.1", 9);
  const driver = await dgramNode({ localAddress: InetAddress.from("127.0.0.1", 0), remoteAddress }, never);
  const icmp: string[] = [];
  driver.start({ datagram() {}, writable() {}, broken() {}, icmpError: ({ code }) => void icmp.push(code) });
  const sends: [number, Done][] = [];
  const { send } = Socket.prototype;
  Socket.prototype.send = ((data: Uint8Array, done: Done) => void sends.push([data[0]!, done])) as typeof send;
  try {
    await body(driver, sends, icmp);
  } finally {
    Socket.prototype.send = send;
    await driver.close();
  }
}

const refused = (): Error => Object.assign(new Error("send ECONNREFUSED"), { code: "ECONNREFUSED" });

/** Runtimes that reorder sends have no batches: there is nothing to be tested. */
const sendsBatches = !("Deno" in globalThis);

test("75: all datagrams of a batch that an error got in the way of are sent again, and the batch settles", async () => {
  await played(async (driver, sends, icmp) => {
    assertEquals(driver.sendBatch !== undefined, sendsBatches);
    if (driver.sendBatch === undefined) return;
    const sent = driver.sendBatch(batch);
    for (const [, done] of sends.splice(0)) done(refused());
    assertEquals(sends.map(([number]) => number), [0, 1, 2, 3]);
    for (const [, done] of sends.splice(0)) done(null);
    await sent;
    assertEquals(icmp, ["ECONNREFUSED", "ECONNREFUSED", "ECONNREFUSED", "ECONNREFUSED"]);
  });
});

test("75: a batch fails with the first error and the number of those that were sent", async () => {
  await played(async (driver, sends) => {
    if (driver.sendBatch === undefined) return;
    const failing = failsWith(driver.sendBatch(batch), "ECONNREFUSED");
    sends[0]![1](null);
    sends[2]![1](null);
    for (let i = 0; i < MAX_RESENDS; i++) {
      for (const [number, done] of sends.splice(0)) if (number % 2 === 1) done(refused());
    }
    for (const [, done] of sends.splice(0)) done(refused());
    assertEquals((await failing).bytesTransferred, 2);
  });
});

test("75: a batch under way when the socket is closed fails, with the number of those that were sent", async () => {
  await played(async (driver, sends) => {
    if (driver.sendBatch === undefined) return;
    const failing = failsWith(driver.sendBatch(batch), "ECONNABORTED");
    sends[0]![1](null);
    sends[1]![1](refused());
    await driver.close();
    assertEquals((await failing).bytesTransferred, 1);
    for (const [, done] of sends.splice(0)) done(null);
    await turns();
    assert(sends.length === 0);
  });
});
