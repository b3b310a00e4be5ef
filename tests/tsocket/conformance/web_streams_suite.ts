/** Cases 68 to 70: the web streams of a socket. */
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { concat } from "../../../src/bytes/concat.ts";
import { isSettled, turns } from "../../support/turns.ts";
import { collect, drain } from "../../support/streams.ts";
import { checkPattern, pattern } from "./bytes.ts";
import { definePair, withPair } from "./define.ts";
import type { StreamRig } from "./rig.ts";
import { drainToEnd, fails, failure, take } from "./waiting.ts";

/** Registers the cases. */
export function webStreamsSuite(rig: StreamRig): void {
  readers(rig);
  consumers(rig);
  ends(rig);
  sharing(rig);
  writers(rig);
}

/** Newer than the DOM types know: reads until `min` bytes are there. */
type MinRead = (view: Uint8Array, options: { min: number }) => Promise<ReadableStreamReadResult<Uint8Array>>;

function readers(rig: StreamRig): void {
  definePair(rig, 68, "a default reader gets the bytes", async ({ a, b }) => {
    const reader = b.readable.getReader();
    const writing = a.writev([pattern(5000)]);
    let total = 0;
    while (total < 5000) {
      const { value } = await reader.read();
      checkPattern(value!, total);
      total += value!.length;
    }
    await writing;
    await a.shutdown();
    assertEquals((await reader.read()).done, true);
    await reader.closed;
  });

  definePair(
    rig,
    68,
    "a BYOB reader gets the bytes in its own buffer, with min as many as it asked for",
    async ({ a, b }) => {
      const reader = b.readable.getReader({ mode: "byob" });
      let view: Uint8Array<ArrayBuffer> = new Uint8Array(64);
      await a.writev([pattern(10)]);
      let total = 0;
      while (total < 10) {
        const { value } = await reader.read(view);
        checkPattern(value!, total);
        total += value!.length;
        assertEquals(value!.buffer.byteLength, 64);
        view = new Uint8Array(value!.buffer);
      }
      const read = (reader.read as MinRead).call(reader, view, { min: 12 });
      for (let at = 10; at < 22; at += 4) {
        await a.writev([pattern(4, at)]);
        await turns(1);
      }
      const { value } = await read;
      assertEquals(value!.length, 12);
      checkPattern(value!, 10);
    },
  );
}

function consumers(rig: StreamRig): void {
  definePair(rig, 68, "async iteration reads to the end", async ({ a, b }) => {
    const writing = a.writev([pattern(3000)]).then(() => a.shutdown());
    let total = 0;
    for await (const chunk of b.readable as unknown as AsyncIterable<Uint8Array>) {
      checkPattern(chunk, total);
      total += chunk.length;
    }
    assertEquals(total, 3000);
    await writing;
  });

  definePair(rig, 68, "both branches of a tee get everything", async ({ a, b }) => {
    const [one, two] = b.readable.tee();
    const writing = a.writev([pattern(3000)]).then(() => a.shutdown());
    for (const chunks of await Promise.all([collect(one), collect(two)])) {
      assertEquals(concat(chunks), pattern(3000));
    }
    await writing;
  });

  definePair(rig, 68, "an echo by pipeTo gives everything back and ends", async ({ a, b }) => {
    const piped = b.readable.pipeTo(b.writable);
    const size = Math.max(20_000, Math.round(1_000_000 * rig.features.share));
    const writing = a.writev([pattern(size)]).then(() => a.shutdown());
    let total = 0;
    for await (const chunk of a.readable as unknown as AsyncIterable<Uint8Array>) {
      checkPattern(chunk, total);
      total += chunk.length;
    }
    assertEquals(total, size);
    await Promise.all([writing, piped]);
    await Promise.all([a.closed, b.closed]);
  });
}

function ends(rig: StreamRig): void {
  definePair(rig, 68, "an end while a BYOB read is pending resolves it with done", async ({ a, b }) => {
    const reader = b.readable.getReader({ mode: "byob" });
    const pending = reader.read(new Uint8Array(16));
    await turns(2);
    await a.shutdown();
    const { done, value } = await pending;
    assertEquals([done, value?.length], [true, 0]);
    await reader.closed;
    assertEquals((await reader.read(new Uint8Array(1))).done, true);
  });

  for (const mode of ["default", "byob"] as const) {
    definePair(rig, 68, `an abort here rejects a pending read of a ${mode} reader with the reason`, async ({ a }) => {
      const pending = mode === "default"
        ? a.readable.getReader().read()
        : a.readable.getReader({ mode }).read(new Uint8Array(4));
      const outcome = failure(pending);
      await turns(1);
      const reason = new Error("enough");
      a.abort(reason);
      assertStrictEquals(await outcome, reason);
    });
  }

  definePair(rig, 68, "a reset by the peer errors a pending read", async ({ a, b }) => {
    const outcome = drain(b.readable);
    await turns(2);
    a.abort();
    const { chunks, error } = await outcome;
    assertEquals(chunks, []);
    if (error === undefined) assert(rig.features.abortCodes.includes("EOF"), "the reset looked like an end");
    else await fails(Promise.reject(error), ...rig.features.abortCodes);
  });
}

function sharing(rig: StreamRig): void {
  definePair(
    rig,
    69,
    "while the readable is locked readv is EBUSY; after it is released no byte is missing",
    async ({ a, b }) => {
      const reader = b.readable.getReader();
      await fails(b.readv([new Uint8Array(1)]), "EBUSY");
      await fails(b.readvPdu(() => [new Uint8Array(1)]), "EBUSY");
      assertEquals(b.tryReadv([new Uint8Array(1)]), false);
      const pending = failure(reader.read());
      await turns(2);
      reader.releaseLock();
      assert(await pending instanceof TypeError);
      const read = take(b, 6);
      await a.writev([pattern(6)]);
      checkPattern(await read);
      const again = b.readable.getReader();
      const chunk = again.read();
      await a.writev([pattern(1, 6)]);
      checkPattern((await chunk).value!, 6);
      again.releaseLock();
    },
  );

  definePair(rig, 69, "cancelling the readable ends reading only", async ({ a, b }) => {
    const incoming = a.readv([new Uint8Array(1)]);
    incoming.catch(() => {});
    await b.readable.cancel("not interested");
    assert(await failure(b.readv([new Uint8Array(1)])) !== undefined);
    await b.writev([pattern(1)]);
    assertEquals(await incoming, 1);
    await b.writev([pattern(1000)]);
    checkPattern(await take(a, 1000));
  });

  definePair(rig, 69, "streams are made once, and reading through them counts", async ({ a, b }) => {
    assertStrictEquals(b.readable, b.readable);
    assertStrictEquals(a.writable, a.writable);
    const writer = a.writable.getWriter();
    await writer.write(pattern(3));
    writer.releaseLock();
    checkPattern(await take(b, 3));
    assertEquals([a.stats.bytesWritten, b.stats.bytesRead], [3, 3]);
  });
}

function writers(rig: StreamRig): void {
  definePair(rig, 70, "a writer feels that the peer does not read", async ({ a, b }) => {
    const writer = a.writable.getWriter();
    // More than the stream itself takes before it asks to wait.
    const part = Math.ceil(Math.max(rig.features.flood, 80_000) / 4);
    const writes = [0, 1, 2, 3, 4].map((i) => writer.write(pattern(part, i * part)));
    assertEquals(await isSettled(writer.ready), false);
    assert(writer.desiredSize! <= 0);
    const closed = writer.close();
    let total = 0;
    for await (const chunk of b.readable as unknown as AsyncIterable<Uint8Array>) {
      checkPattern(chunk, total);
      total += chunk.length;
    }
    assertEquals(total, 5 * part);
    await Promise.all([...writes, closed]);
  });

  definePair(rig, 70, "closing the writable is a half-close", async ({ a, b }) => {
    const writer = a.writable.getWriter();
    void writer.write(pattern(4));
    await writer.close();
    checkPattern(await take(b, 4));
    await fails(b.readv([new Uint8Array(1)]), "EOF");
    await b.writev([pattern(8)]);
    const [chunk] = await Promise.all([take(a, 8), b.close()]);
    checkPattern(chunk);
    // Node 20 throws an assertion of its own here instead of rejecting.
    assert(await failure((async () => await writer.write(pattern(1)))()) !== undefined);
  }, { b: { allowHalfOpen: true } });

  definePair(rig, 70, "aborting the writable aborts the connection", async ({ a, b }) => {
    const reason = new Error("drop it");
    const writer = a.writable.getWriter();
    const pending = failure(writer.write(pattern(rig.features.flood)));
    await turns(2);
    writer.closed.catch(() => {});
    writer.ready.catch(() => {});
    await writer.abort(reason);
    assert(await pending !== undefined);
    assert(await failure(writer.write(pattern(1))) !== undefined);
    assert(await failure(a.writev([pattern(1)])) !== undefined);
    const { total, code } = await drainToEnd(b);
    assert(total < rig.features.flood);
    assert(rig.features.abortCodes.includes(code), code);
  });

  definePair(
    rig,
    70,
    "closing a writable whose peer is gone throws nothing that nobody can catch",
    async ({ a, b }) => {
      const writer = a.writable.getWriter();
      writer.closed.catch(() => {});
      writer.ready.catch(() => {});
      const { readable } = a;
      b.abort();
      await a.monitor();
      await writer.close().catch(() => {});
      await drain(readable);
      await turns(4);
      await withPair(rig, {}, async (other) => {
        await other.b.close();
        await drain(other.a.readable);
        await other.a.writable.close().catch(() => {});
      });
    },
  );
}
