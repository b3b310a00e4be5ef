/** Readers of a socket's stream that go away with a read pending, and who comes after them. */
import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { streamPair } from "../../src/tsocket/mod.ts";
import type { TStream } from "../../src/tsocket/types.ts";
import { breathe } from "../../src/stream/turn.ts";
import { turns } from "../support/turns.ts";
import { failsWith, reasonOf } from "./support/settled.ts";

const counted = (from: number, length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => from + i);

type Leave = (stream: ReadableStream<Uint8Array>) => Promise<void>;

/** Asks for something and goes away. */
const leavers: Record<string, Leave> = {
  "a default reader": (stream) => {
    const reader = stream.getReader();
    const left = reasonOf(reader.read());
    reader.releaseLock();
    return left.then(() => {});
  },
  "a BYOB reader": (stream) => {
    const reader = stream.getReader({ mode: "byob" });
    const left = reasonOf(reader.read(new Uint8Array(50)));
    reader.releaseLock();
    return left.then(() => {});
  },
  "a BYOB reader of one byte": (stream) => {
    const reader = stream.getReader({ mode: "byob" });
    const left = reasonOf(reader.read(new Uint8Array(1)));
    reader.releaseLock();
    return left.then(() => {});
  },
};

/** What happens between the two readers; returns how many bytes were taken. */
const betweens: Record<string, (b: TStream, a: TStream) => Promise<number>> = {
  nothing: () => Promise.resolve(0),
  "a vector is read": async (b, a) => {
    const read = b.readv([new Uint8Array(4)]);
    await a.writev([counted(0, 4)]);
    return await read;
  },
  "bytes come that nobody reads": async (_b, a) => {
    await a.writev([counted(0, 4)]);
    await turns();
    return 0;
  },
  "bytes come and are taken": async (b, a) => {
    await a.writev([counted(0, 4)]);
    await turns();
    b.tryReadv([new Uint8Array(4)]);
    return 4;
  },
};

async function readByob(reader: ReadableStreamBYOBReader, count: number, room: number): Promise<number[]> {
  const bytes: number[] = [];
  while (bytes.length < count) {
    const { value } = await reader.read(new Uint8Array(Math.min(room, count - bytes.length)));
    bytes.push(...value!);
  }
  return bytes;
}

for (const [leaver, leave] of Object.entries(leavers)) {
  for (const [between, happens] of Object.entries(betweens)) {
    for (const room of [3, 100]) {
      test(`68: after ${leaver}, ${between}: a BYOB reader of ${room} bytes gets what comes, and leaves the rest`, async () => {
        const [a, b] = streamPair();
        await leave(b.readable);
        const taken = await happens(b, a);
        const reader = b.readable.getReader({ mode: "byob" });
        const sent = between === "bytes come that nobody reads" ? 4 : taken;
        const first = readByob(reader, 7, room);
        await turns();
        await a.writev([counted(sent, 20)]);
        assertEquals(await first, [...counted(taken, 7)]);
        assertEquals(await readByob(reader, 2, room), [...counted(taken + 7, 2)]);
        reader.releaseLock();
        const rest = new Uint8Array(4);
        await b.readv([rest]);
        assertEquals(rest, counted(taken + 9, 4));
        a.abort();
        b.abort();
      });
    }
  }

  test(`68: after ${leaver}, a reader that asks for nothing takes nothing`, async () => {
    for (const mode of ["byob", undefined] as const) {
      const [a, b] = streamPair();
      await leave(b.readable);
      const reader = mode === undefined ? b.readable.getReader() : b.readable.getReader({ mode });
      await a.writev([counted(0, 4)]);
      await turns();
      reader.releaseLock();
      const bytes = new Uint8Array(4);
      assertEquals([b.pendingBytes, b.tryReadv([bytes]), bytes], [4, true, counted(0, 4)]);
      a.abort();
      b.abort();
    }
  });

  test(`68: after ${leaver} and one like it, the end reaches the BYOB reader that waits`, async () => {
    const [a, b] = streamPair();
    await leave(b.readable);
    await leave(b.readable);
    const reader = b.readable.getReader({ mode: "byob" });
    const read = reader.read(new Uint8Array(8));
    await a.shutdown();
    assertEquals((await read).done, true);
    a.abort();
    b.abort();
  });

  test(`68: after ${leaver}, a BYOB read while a vector is being read fails the stream`, async () => {
    const [a, b] = streamPair();
    await leave(b.readable);
    const reader = b.readable.getReader({ mode: "byob" });
    reader.releaseLock();
    const read = b.readv([new Uint8Array(4)]);
    const again = b.readable.getReader({ mode: "byob" });
    await failsWith(again.read(new Uint8Array(8)), "EBUSY");
    await a.writev([counted(0, 4)]);
    assertEquals(await read, 4);
    a.abort();
    b.abort();
  });

  test(`68: after ${leaver}, a cancelled stream answers the BYOB reader that comes`, async () => {
    const [a, b] = streamPair();
    await leave(b.readable);
    const reader = b.readable.getReader({ mode: "byob" });
    await reader.cancel();
    assertEquals((await reader.read(new Uint8Array(8))).done, true);
    a.abort();
    b.abort();
  });
}

/** Time in which each look at the clock finds that two milliseconds have passed: every turn of the event loop is long. */
async function inLongTurns(body: () => Promise<void>): Promise<void> {
  const { now } = performance;
  let extra = 0;
  performance.now = () => now.call(performance) + (extra += 2);
  try {
    await body();
  } finally {
    performance.now = now;
  }
}

for (const isEarly of [false, true]) {
  const when = isEarly ? "were there before" : "come while it waits";
  test(`bytes that ${when} go to the reader that asked, though it leaves as the event loop's turn is over`, () =>
    inLongTurns(async () => {
      const [left, right] = streamPair();
      for (let round = 0; round < 200; round++) {
        if (isEarly) await left.writev([counted(1, 1)]);
        const reader = right.readable.getReader();
        const asked = reader.read().then(({ value }) => [...value!], () => []);
        breathe();
        if (!isEarly) await left.writev([counted(1, 1)]);
        for (let i = 0; i < round % 20; i++) await undefined;
        reader.releaseLock();
        await left.writev([counted(2, 1)]);
        const into = new Uint8Array(2);
        const got = [...await asked];
        while (got.length < 2) got.push(...into.subarray(0, (await right.readSome(into))!));
        assertEquals(got, [1, 2]);
      }
      await Promise.all([left.close(), right.close()]);
    }));
}
