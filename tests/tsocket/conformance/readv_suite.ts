/** Cases 13 to 26: vectors are filled whole, one read at a time, and the end of a stream says where it came. */
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import type { TStream, Vector } from "../../../src/tsocket/types.ts";
import { turns } from "../../support/turns.ts";
import { checkPattern, pattern } from "./bytes.ts";
import { define, definePair, withPair } from "./define.ts";
import type { StreamRig } from "./rig.ts";
import { drainPattern, fails, take, until, untilPending } from "./waiting.ts";

function views(...lengths: readonly number[]): Uint8Array[] {
  return lengths.map((length) => new Uint8Array(length));
}

function checkVector(vector: Vector): void {
  let position = 0;
  for (const view of vector) {
    checkPattern(view, position);
    position += view.length;
  }
}

/** Registers the cases. */
export function readvSuite(rig: StreamRig): void {
  vectors(rig);
  oneAtATime(rig);
  buffered(rig);
  ends(rig);
  resets(rig);
  buffers(rig);
}

function vectors(rig: StreamRig): void {
  definePair(rig, 13, "readv fills two views from bytes that come one by one", async ({ a, b }) => {
    const vector = views(4, 8);
    let resolved = 0;
    const read = b.readv(vector).then((count) => {
      resolved++;
      return count;
    });
    for (let i = 0; i < 12; i++) {
      assertEquals(resolved, 0);
      assertEquals(await a.writev([pattern(1, i)]), 1);
      await turns(1);
    }
    assertEquals(await read, 12);
    assertEquals(resolved, 1);
    checkVector(vector);
    assertEquals(b.stats.bytesRead, 12);
    assertEquals(a.stats.bytesWritten, 12);
  });

  definePair(rig, 14, "empty views anywhere in a vector are passed over", async ({ a, b }) => {
    for (const lengths of [[0, 3, 5], [3, 0, 5], [3, 5, 0], [0, 0, 3, 0, 0, 5, 0, 0]]) {
      const vector = views(...lengths);
      const read = b.readv(vector);
      await a.writev([pattern(8)]);
      assertEquals(await read, 8);
      checkVector(vector);
    }
  });

  definePair(rig, 15, "an empty vector is EINVAL, one of 3000 views is not", async ({ a, b }) => {
    await fails(b.readv([]), "EINVAL");
    await fails(b.readv([new Uint8Array(0)]), "EINVAL");
    await fails(b.readSome(new Uint8Array(0)), "EINVAL");
    const vector = views(...new Array<number>(3000).fill(1));
    const read = b.readv(vector);
    await a.writev([pattern(3000)]);
    assertEquals(await read, 3000);
    checkVector(vector);
  });
}

function oneAtATime(rig: StreamRig): void {
  definePair(rig, 16, "a second read is EBUSY and does not touch the first", async ({ a, b }) => {
    const [first, second] = views(4, 4) as [Uint8Array, Uint8Array];
    const read = b.readv([first]);
    await fails(b.readv([second]), "EBUSY");
    await fails(b.readSome(second), "EBUSY");
    await fails(b.readvPdu(() => [second]), "EBUSY");
    assertEquals(b.tryReadv([second]), false);
    await a.writev([pattern(4)]);
    assertEquals(await read, 4);
    checkPattern(first);
    assertEquals(second, new Uint8Array(4));
  });

  definePair(rig, 17, "the next read may start in the then of the last, good or bad", async ({ a, b }) => {
    const [first, second, third] = views(4, 4, 4) as [Uint8Array, Uint8Array, Uint8Array];
    const controller = new AbortController();
    const chain = b.readv([first])
      .then(() => b.readv([second]))
      .then(() => b.readv([third], { signal: controller.signal }))
      .then(() => {}, () => b.readv([third]));
    await a.writev([pattern(8)]);
    await until(() => b.stats.bytesRead >= 8, "two reads of four bytes");
    await turns(2);
    controller.abort();
    await a.writev([pattern(4, 8)]);
    await chain;
    checkVector([first, second, third]);
  });
}

function buffered(rig: StreamRig): void {
  definePair(
    rig,
    18,
    "what is there is read at once by tryReadv, all or nothing, and later by readv",
    async ({ a, b }) => {
      await a.writev([pattern(12)]);
      await untilPending(b, 12);
      const tooLong = new Uint8Array(13);
      assertEquals(b.tryReadv([tooLong]), false);
      assertEquals([b.pendingBytes, tooLong], [12, new Uint8Array(13)]);
      const vector = views(2, 0, 6);
      assertEquals(b.tryReadv(vector), true);
      checkVector(vector);
      assertEquals(b.pendingBytes, 4);
      let isSettled = false;
      const rest = new Uint8Array(4);
      const read = b.readv([rest]).then(() => isSettled = true);
      assertEquals(isSettled, false);
      await read;
      checkPattern(rest, 8);
      assertEquals(b.tryReadv([rest]), false);
    },
  );

  definePair(rig, 19, "pendingBytes counts what is there and stays bounded when nobody reads", async ({ a, b }) => {
    assertEquals(b.pendingBytes, 0);
    await a.writev([pattern(100)]);
    await untilPending(b, 100);
    assertEquals(b.pendingBytes, 100);
    await take(b, 40);
    assertEquals(b.pendingBytes, 60);
    await take(b, 60);
    assertEquals(b.pendingBytes, 0);
    const written = a.writev([pattern(rig.features.flood)]);
    let most = 0;
    for (let i = 0; i < 50; i++) {
      await turns(1);
      most = Math.max(most, b.pendingBytes);
    }
    assert(most <= 1 << 20, `${most} bytes are pending`);
    const closed = written.then(() => a.close());
    assertEquals(await drainPattern(b), rig.features.flood);
    await closed;
  }, { b: { allowHalfOpen: true } });
}

function ends(rig: StreamRig): void {
  definePair(rig, 20, "an end before any byte is EOF, every time", async ({ a, b }) => {
    const read = b.readv([new Uint8Array(4)]);
    await a.shutdown();
    for (const promise of [read, b.readv([new Uint8Array(1)]), b.readv([new Uint8Array(2)])]) {
      promise.catch(() => {});
    }
    const error = await fails(read, "EOF");
    assertEquals([error.bytesTransferred, error.blame], [0, "remote"]);
    for (let i = 0; i < 3; i++) {
      assertEquals((await fails(b.readv([new Uint8Array(4)]), "EOF")).bytesTransferred, 0);
      assertEquals(await b.readSome(new Uint8Array(4)), null);
      await fails(b.readvPdu(() => [new Uint8Array(4)]), "EOF");
      assertEquals(b.tryReadv([new Uint8Array(1)]), false);
    }
  }, { b: { allowHalfOpen: true } });

  definePair(rig, 21, "an end within a vector is EUNEXPECTEDEOF and says how much came", async ({ a, b }) => {
    const vector = views(4, 8);
    const read = b.readv(vector);
    read.catch(() => {});
    await a.writev([pattern(5)]);
    await a.shutdown();
    const error = await fails(read, "EUNEXPECTEDEOF");
    assertEquals([error.bytesTransferred, error.blame], [5, "remote"]);
    checkPattern(vector[0]!);
    checkPattern(vector[1]!.subarray(0, 1), 4);
  }, { b: { allowHalfOpen: true } });

  definePair(rig, 22, "what came before the end is read before the end", async ({ a, b }) => {
    await Promise.all([a.writev([pattern(1000)]), a.shutdown()]);
    await turns(4);
    checkPattern(await take(b, 600));
    checkPattern(await take(b, 400), 600);
    await fails(b.readv([new Uint8Array(1)]), "EOF");
  }, { b: { allowHalfOpen: true } });
}

/** Brings 10 bytes to `b` and then breaks the connection, noticed by `b`. */
async function breakAfterTen({ a, b }: { a: TStream; b: TStream }): Promise<void> {
  await a.writev([pattern(10)]);
  await untilPending(b, 10);
  const broken = b.monitor();
  a.abort();
  await broken;
}

function resets(rig: StreamRig): void {
  const codes = rig.features.abortCodes;
  definePair(rig, 23, "what came before a reset is read first", async (pair) => {
    await breakAfterTen(pair);
    checkPattern(await take(pair.b, 10));
    await fails(pair.b.readv([new Uint8Array(1)]), ...codes);
  });

  define(rig, 23, "with failEarly a reset fails reads at once", async () => {
    if (!codes.includes("EOF")) {
      await withPair(rig, { b: { failEarly: true } }, async (pair) => {
        await breakAfterTen(pair);
        await fails(pair.b.readv([new Uint8Array(4)]), ...codes);
      });
      return;
    }
    // Where a peer's abort looks like an end in order there is nothing to fail early for.
    await withPair(rig, { b: { failEarly: true, allowHalfOpen: true } }, async ({ a, b }) => {
      await a.writev([pattern(10)]);
      await a.shutdown();
      checkPattern(await take(b, 10));
      await fails(b.readv([new Uint8Array(4)]), "EOF");
    });
  });

  definePair(rig, 24, "after a reset every read tells of it again and none of an end", async ({ a, b }) => {
    const read = b.readv([new Uint8Array(4)]);
    read.catch(() => {});
    a.abort();
    const first = await fails(read, ...codes);
    for (let i = 0; i < 5; i++) {
      await fails(b.readv([new Uint8Array(4)]), first.code);
      await fails(b.readvPdu(() => [new Uint8Array(1)]), first.code);
      if (first.code !== "EOF") await fails(b.readSome(new Uint8Array(4)), first.code);
      await turns(1);
    }
  }, { b: { allowHalfOpen: true } });
}

function buffers(rig: StreamRig): void {
  definePair(rig, 25, "a view listed twice is filled twice, in order", async ({ a, b }) => {
    const view = new Uint8Array(4);
    const read = b.readv([view, view]);
    await a.writev([pattern(8)]);
    assertEquals(await read, 8);
    checkPattern(view, 4);
  });

  definePair(
    rig,
    26,
    "views within larger buffers, of DataViews and of shared memory are filled in place",
    async ({ a, b }) => {
      const whole = new Uint8Array(32).fill(0xee);
      const data = new DataView(new ArrayBuffer(16), 4, 8);
      const vector = [
        whole.subarray(5, 12),
        new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
        new Uint8Array(new SharedArrayBuffer(16), 8, 5),
      ];
      const stored = vector.map((view) => view.buffer);
      for (let round = 0; round < 2; round++) {
        const read = b.readv(vector);
        await a.writev([pattern(20)]);
        assertEquals(await read, 20);
        checkVector(vector);
      }
      assertEquals([...whole.subarray(0, 5), ...whole.subarray(12)], new Array<number>(25).fill(0xee));
      for (const [i, view] of vector.entries()) {
        assertStrictEquals(view.buffer, stored[i]);
        assert(view.buffer.byteLength > 0, "the buffer was detached");
      }
      const back = new Uint8Array(20);
      const read = a.readv([back]);
      await b.writev(vector);
      assertEquals(await read, 20);
      checkPattern(back);
    },
  );
}
