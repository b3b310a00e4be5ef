/** The memory datagram pair as a driver: what the contract of `TDgramDriver` says, and every fault. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { test } from "node:test";
import { ManualClock } from "../../src/sim/manual_clock.ts";
import { SeededRandom } from "../../src/sim/seeded_random.ts";
import { dgramDriverPair, dgramPair, type MemoryDgramPairOptions } from "../../src/tsocket/drivers/memory/mod.ts";
import type { MemoryDgramDriver } from "../../src/tsocket/drivers/memory/dgram_driver.ts";
import { SocketError } from "../../src/tsocket/errors.ts";
import { VirtualAddress } from "../../src/tsocket/local_address.ts";
import type { TDgramDriver } from "../../src/tsocket/driver_types.ts";
import type { OutDatagram } from "../../src/tsocket/types.ts";
import { isSettled, turns } from "../support/turns.ts";

interface End {
  readonly driver: TDgramDriver;
  readonly got: string[];
  readonly told: string[];
}

function watched(driver: TDgramDriver): End {
  const end: End = { driver, got: [], told: [] };
  driver.start({
    datagram: (data, source, truncated) =>
      end.got.push(`${[...data]}${truncated ? "..." : ""} from ${source?.toHostPort()}`),
    writable: () => end.told.push("writable"),
    icmpError: ({ code, destination }) => end.told.push(`${code} ${destination?.toHostPort()}`),
    broken: (error) => end.told.push(error.code),
  });
  return end;
}

function pair(options?: MemoryDgramPairOptions): [End, End] {
  const [left, right] = dgramDriverPair(options);
  return [watched(left), watched(right)];
}

const numbered = (count: number): OutDatagram[] =>
  Array.from({ length: count }, (_, i) => ({ data: Uint8Array.of(i) }));
const firsts = ({ got }: End): number[] => got.map((text) => Number.parseInt(text));
const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

test("72: boundaries are kept, a vector is one datagram, an empty one arrives", async () => {
  const [a, b] = pair();
  await a.driver.send(Uint8Array.of(1, 2), undefined);
  await a.driver.send([Uint8Array.of(3), new Uint8Array(0), Uint8Array.of(4, 5)], undefined);
  await a.driver.send(new Uint8Array(0), undefined);
  await b.driver.send(Uint8Array.of(6), a.driver.localAddress);
  await turns();
  assertEquals(b.got, ["1,2 from memory:left", "3,4,5 from memory:left", " from memory:left"]);
  assertEquals(a.got, ["6 from memory:right"]);
});

test("events never come from within a method, and only after start", async () => {
  const [left, right] = dgramDriverPair();
  await left.send(Uint8Array.of(1), undefined);
  const b = watched(right);
  assertEquals(b.got, []);
  await turns();
  assertEquals(b.got.length, 1);
  left.sendMany!(numbered(2), 0);
  assertEquals(b.got.length, 1);
  right.setReading!(false);
  right.setReading!(true);
  assertEquals(b.got.length, 1);
  await turns();
  assertEquals(b.got.length, 3);
});

test("the caller's buffer may be changed at once, the receiver owns what it gets", async () => {
  const [a, b] = pair();
  const data = Uint8Array.of(1);
  const sent = a.driver.send(data, undefined);
  data[0] = 9;
  await sent;
  await turns();
  assertEquals(b.got, ["1 from memory:left"]);
});

test("72: maxDatagramSize: what is larger fails with EMSGSIZE and harms nothing", async () => {
  const [a, b] = pair();
  assertEquals(a.driver.maxDatagramSize, 65507);
  await a.driver.send(new Uint8Array(65507), undefined);
  const error = await assertRejects(() => a.driver.send(new Uint8Array(65508), undefined), SocketError);
  assertEquals([error.code, error.address?.toHostPort()], ["EMSGSIZE", "memory:right"]);
  const [c] = pair({ maxDatagramSize: 2 });
  const many = [{ data: Uint8Array.of(1) }, { data: new Uint8Array(3) }];
  const thrown = assertThrows(() => c.driver.sendMany!(many, 0), SocketError);
  assertEquals([thrown.code, thrown.bytesTransferred], ["EMSGSIZE", 1]);
  await turns();
  assertEquals(b.got.length, 1);
});

test("73: receiveBufferBytes: the end is cut off and truncated says so", async () => {
  const [a, b] = pair({ receiveBufferBytes: 2 });
  await a.driver.send(Uint8Array.of(1, 2), undefined);
  await a.driver.send(Uint8Array.of(1, 2, 3), undefined);
  await turns();
  assertEquals(b.got, ["1,2 from memory:left", "1,2... from memory:left"]);
});

test("75: a closed peer is ECONNREFUSED, once for each datagram; the socket lives on", async () => {
  const [a, b] = pair();
  await b.driver.close();
  await b.driver.close();
  const sent = a.driver.send(Uint8Array.of(1), undefined);
  assertEquals(a.told, []);
  await sent;
  await turns();
  assertEquals(a.told, ["ECONNREFUSED memory:right"]);
  a.driver.sendMany!(numbered(1000), 0);
  await turns();
  assertEquals(a.told.length, 257, "as many wait to be told as the limit says");
  assertEquals(b.got, []);
});

test("a pair reaches nobody else", async () => {
  const [a, b] = pair();
  await a.driver.send(Uint8Array.of(1), VirtualAddress.from("memory", "other"));
  await turns();
  assertEquals([a.told, b.got], [["ECONNREFUSED memory:other"], []]);
});

test("78: after close sends fail with ECONNABORTED, one that waits too, and nothing is told", async () => {
  const [a, b] = pair({ faults: { maxSendsPerTurn: 1 } });
  await a.driver.send(Uint8Array.of(1), undefined);
  const waiting = a.driver.send(Uint8Array.of(2), undefined);
  const unread = b.driver.send(Uint8Array.of(3), undefined);
  await a.driver.close();
  await unread;
  for (const send of [() => waiting, () => a.driver.send(Uint8Array.of(1), undefined)]) {
    assertEquals((await assertRejects(send, SocketError)).code, "ECONNABORTED");
  }
  assertEquals(assertThrows(() => a.driver.sendMany!(numbered(1), 0), SocketError).code, "ECONNABORTED");
  await turns();
  assertEquals([a.got, a.told, b.got], [[], [], ["1 from memory:left"]]);
});

test("maxQueuedDatagrams and maxQueuedBytes: what does not fit while nobody reads is dropped and counted", async () => {
  for (const limit of [{ maxQueuedDatagrams: 3 }, { maxQueuedBytes: 3 }]) {
    const [a, b] = pair(limit);
    b.driver.setReading!(false);
    a.driver.sendMany!(numbered(5), 0);
    await turns();
    assertEquals(b.got, []);
    b.driver.setReading!(true);
    await turns();
    assertEquals(firsts(b), [0, 1, 2]);
    assertEquals((b.driver as MemoryDgramDriver).droppedIncoming, 2);
    a.driver.sendMany!(numbered(1), 0);
    await turns();
    assertEquals(firsts(b), [0, 1, 2, 0]);
  }
});

test("a listener that stops reading, or closes, in the middle gets no further datagram", async () => {
  for (const stop of ["setReading", "close"] as const) {
    const [left, right] = dgramDriverPair();
    let got = 0;
    right.start({
      datagram: () => {
        got++;
        if (stop === "close") void right.close();
        else right.setReading!(false);
      },
      writable: () => {},
      icmpError: () => {},
      broken: () => {},
    });
    left.sendMany!(numbered(5), 0);
    await turns();
    assertEquals(got, 1);
  }
});

test("maxSendsPerTurn: sendMany takes a part, writable follows once, order is kept", async () => {
  const [a, b] = pair({ faults: { maxSendsPerTurn: 3 } });
  const all = numbered(8);
  let taken = a.driver.sendMany!(all, 0);
  assertEquals([taken, a.told], [3, []]);
  assertEquals(a.driver.sendMany!(all, taken), 0);
  while (taken < all.length) {
    a.told.length = 0;
    while (a.told.length === 0) await turns(1);
    assertEquals(a.told, ["writable"]);
    taken += a.driver.sendMany!(all, taken);
  }
  await turns();
  assertEquals([firsts(b), a.told.length], [upTo(8), 1]);
});

test("maxInTransit: further ones wait until some have arrived", async () => {
  const clock = new ManualClock();
  const [a, b] = pair({ maxInTransit: 2, faults: { delayMs: 5, clock } });
  assertEquals(a.driver.sendMany!(numbered(3), 0), 2);
  const waiting = a.driver.send(Uint8Array.of(9), undefined);
  assertEquals(await isSettled(waiting), false);
  clock.advance(5);
  await waiting;
  assertEquals(a.told, ["writable"]);
  clock.advance(5);
  await turns();
  assertEquals(firsts(b), [0, 1, 9]);
});

/** What arrives of 400 datagrams, sent ten by ten and then all at once. */
async function arrivals(faults: object): Promise<number[]> {
  const [a, b] = pair({ faults });
  for (let i = 0; i < 20; i++) {
    a.driver.sendMany!(numbered(10), 0);
    await turns(1);
  }
  a.driver.sendMany!(numbered(200), 0);
  await turns(10);
  return firsts(b);
}

test("loss and duplication: about as many as asked, the same for the same seed", async () => {
  const lossy = await arrivals({ loss: 0.25, seed: 3 });
  assert(lossy.length > 250 && lossy.length < 350, `${lossy.length} of 400`);
  assertEquals(lossy, await arrivals({ loss: 0.25, seed: 3 }));
  assert(lossy.join() !== (await arrivals({ loss: 0.25, seed: 4 })).join());
  const random = (seed: number) => ({ loss: 0.25, random: new SeededRandom(seed).fill });
  assertEquals(await arrivals(random(3)), await arrivals(random(3)));
  const doubled = await arrivals({ duplication: 0.25, seed: 3 });
  assert(doubled.length > 450 && doubled.length < 550, `${doubled.length} of 400`);
  assertEquals([(await arrivals({ loss: 1 })).length, (await arrivals({ duplication: 1 })).length], [0, 800]);
});

test("reordering: all arrive, some are overtaken, the same for the same seed", async () => {
  const one = await arrivals({ reordering: 0.2, seed: 5 });
  const [a, b] = pair({ faults: { reordering: 0.2, seed: 5 } });
  a.driver.sendMany!(numbered(100), 0);
  await turns(8);
  const got = firsts(b);
  assert(got.join() !== upTo(100).join());
  assertEquals(got.sort((x, y) => x - y), upTo(100));
  assertEquals(one, await arrivals({ reordering: 0.2, seed: 5 }));
});

test("delays: datagrams overtake each other with jitter, and what was sent before close still arrives", async () => {
  const clock = new ManualClock();
  const [a, b] = pair({ faults: { delayMs: 10, jitterMs: 20, clock, seed: 1 } });
  a.driver.sendMany!(numbered(20), 0);
  await a.driver.close();
  clock.advance(9);
  await turns();
  assertEquals(b.got, []);
  clock.advance(21);
  await turns();
  assert(firsts(b).join() !== upTo(20).join());
  assertEquals([firsts(b).sort((x, y) => x - y), clock.timers], [upTo(20), 0]);
});

test("wrong options are refused at once", () => {
  for (const name of ["maxDatagramSize", "maxQueuedDatagrams", "maxQueuedBytes", "maxInTransit"]) {
    assertThrows(() => dgramDriverPair({ [name]: 0 }), RangeError);
    assertThrows(() => dgramDriverPair({ [name]: "1" }), TypeError);
  }
  for (const name of ["loss", "duplication", "reordering"]) {
    assertThrows(() => dgramDriverPair({ faults: [{}, { [name]: 1.01 }] }), RangeError);
  }
  for (const name of ["reorderTurns", "maxSendsPerTurn"]) {
    assertThrows(() => dgramDriverPair({ faults: { [name]: 0 } }), RangeError);
  }
});

test("76: sockets around a pair: 500 sends without waiting arrive in order, 1000 with sendMany", async () => {
  for (const faults of [{}, { maxSendsPerTurn: 7 }, { delayTurns: 2 }]) {
    const [a, b] = dgramPair({ faults });
    const sends = upTo(500).map((i) => a.sendto(Uint8Array.of(i & 255, i >> 8)));
    await Promise.all(sends);
    assertEquals(await a.sendMany(upTo(1000).map((i) => ({ data: Uint8Array.of(i & 255, i >> 8) }))), 1000);
    for (const count of [500, 1000]) {
      for (let i = 0; i < count; i++) {
        const { data } = await b.recvfrom();
        assertEquals(data[0]! + data[1]! * 256, i);
      }
    }
    await Promise.all([a.close(), b.close()]);
  }
});
