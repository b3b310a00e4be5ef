/** Cases 54 to 61 and 63 to 65: both ends of a connection, and what ends it. */
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { ManualClock } from "../../../src/sim/mod.ts";
import type { TStream } from "../../../src/tsocket/types.ts";
import { isSettled, turns } from "../../support/turns.ts";
import { checkPattern, pattern } from "./bytes.ts";
import { define, definePair, withPair } from "./define.ts";
import { openPair, type StreamRig } from "./rig.ts";
import { drainPattern, drainToEnd, fails, failure, take, untilPending } from "./waiting.ts";

/** Registers the cases. */
export function closeSuite(rig: StreamRig): void {
  halfClose(rig);
  closing(rig);
  aborting(rig);
  peerEnds(rig);
  monitors(rig);
  deadlines(rig);
  cancelling(rig);
  disposal(rig);
}

function halfClose(rig: StreamRig): void {
  definePair(rig, 54, "after shutdown the peer reads an end, and its late reply still arrives", async ({ a, b }) => {
    await a.writev([pattern(4)]);
    await a.shutdown();
    checkPattern(await take(b, 4));
    await fails(b.readv([new Uint8Array(1)]), "EOF");
    await turns(4);
    await b.writev([pattern(1000)]);
    checkPattern(await take(a, 1000));
    await fails(a.writev([pattern(1)]), "EPIPE");
    await b.shutdown();
    await fails(a.readv([new Uint8Array(1)]), "EOF");
    await Promise.all([a.closed, b.closed]);
  }, { b: { allowHalfOpen: true } });

  definePair(rig, 55, "shutdown waits for queued writes and may be asked for twice", async ({ a, b }) => {
    const release = a.writeQueue.block();
    const written = a.writev([pattern(10)]);
    const both = Promise.all([a.shutdown(), a.shutdown()]);
    assertEquals(await isSettled(both), false);
    await fails(a.writev([pattern(1)]), "EPIPE");
    release[Symbol.dispose]();
    await both;
    assertEquals(await written, 10);
    await a.shutdown();
    checkPattern(await take(b, 10));
    await fails(b.readv([new Uint8Array(1)]), "EOF");
  }, { b: { allowHalfOpen: true } });
}

function closing(rig: StreamRig): void {
  definePair(rig, 56, "close sends what is queued to a slow peer and then ends", async ({ a, b }) => {
    const part = Math.max(5_000, Math.round(1_000_000 * rig.features.share));
    const writes = Array.from({ length: 10 }, (_, i) => a.writev([pattern(part, i * part)]));
    const closed = a.close();
    await turns(8);
    assertEquals(await drainPattern(b), 10 * part);
    assertEquals(await Promise.all(writes), new Array<number>(10).fill(part));
    await closed;
  });

  definePair(rig, 56, "close with a pending read rejects that", async ({ a, b }) => {
    const read = failure(a.readv([new Uint8Array(4)]));
    await turns(2);
    await a.close();
    assertEquals((await read as { code?: string }).code, "ECONNABORTED");
    assertEquals((await drainToEnd(b)).total, 0);
  });

  definePair(rig, 58, "after close everything is ECONNABORTED, and close is one promise", async ({ a }) => {
    const closed = a.close();
    assertStrictEquals(a.close(), closed);
    await closed;
    assertStrictEquals(a.close(), closed);
    for (let i = 0; i < 2; i++) {
      const byte = [new Uint8Array(1)];
      const error = await fails(a.readv(byte), "ECONNABORTED");
      assertEquals(error.blame, "local");
      await fails(a.readSome(byte[0]!), "ECONNABORTED");
      await fails(a.readvPdu(() => byte), "ECONNABORTED");
      await fails(a.writev(byte), "ECONNABORTED");
      assertEquals((await a.monitor()).code, "ECONNABORTED");
      assertEquals(a.tryReadv(byte), false);
      await turns(1);
    }
    await a.closed;
  });

  definePair(rig, 71, "close with a reason aborts: what is queued is dropped and told the reason", async ({ a, b }) => {
    const reason = new Error("because");
    const writes = [a.writev([pattern(rig.features.flood)]), a.writev([pattern(1)])].map(failure);
    const read = failure(a.readv([new Uint8Array(1)]));
    await a.close(reason).catch(() => {});
    for (const outcome of [...writes, read]) assertStrictEquals(await outcome, reason);
    assert((await drainToEnd(b)).total < rig.features.flood);
  });
}

function aborting(rig: StreamRig): void {
  definePair(rig, 59, "abort ends all at once: what is pending rejects with the reason", async ({ a, b }) => {
    const read = failure(a.readv([new Uint8Array(4)]));
    const writes = [a.writev([pattern(rig.features.flood)]), a.writev([pattern(3)])].map(failure);
    await turns(2);
    const reason = new Error("enough");
    a.abort(reason);
    a.abort(new Error("again"));
    a.abort();
    for (const outcome of [read, ...writes]) assertStrictEquals(await outcome, reason);
    assertStrictEquals(await failure(a.readv([new Uint8Array(1)])), reason);
    assertStrictEquals(await failure(a.writev([new Uint8Array(1)])), reason);
    const { code } = await drainToEnd(b);
    assert(rig.features.abortCodes.includes(code), code);
    await a.closed.catch(() => {});
    a.abort();
  });

  definePair(rig, 59, "abort without a reason is ECONNABORTED", async ({ a, b }) => {
    const read = failure(a.readv([new Uint8Array(4)]));
    a.abort();
    assertEquals((await read as { code?: string }).code, "ECONNABORTED");
    await fails(a.readSome(new Uint8Array(1)), "ECONNABORTED");
    await drainToEnd(b);
  });
}

function peerEnds(rig: StreamRig): void {
  definePair(rig, 60, "when the end of the peer is read, our side ends as well", async ({ a, b }) => {
    await a.writev([pattern(3)]);
    await a.shutdown();
    checkPattern(await take(b, 3));
    await fails(b.readv([new Uint8Array(1)]), "EOF");
    await b.closed;
    await fails(a.readv([new Uint8Array(1)]), "EOF");
    await a.closed;
    await fails(b.writev([pattern(1)]), "EPIPE", "ECONNABORTED");
  });

  definePair(rig, 60, "when nobody reads, the end of the peer still ends our side", async ({ a, b }) => {
    await a.shutdown();
    await b.closed;
    await fails(a.readv([new Uint8Array(1)]), "EOF");
  });

  definePair(rig, 60, "with allowHalfOpen our side stays open", async ({ a, b }) => {
    await a.shutdown();
    await fails(b.readv([new Uint8Array(1)]), "EOF");
    assertEquals(await isSettled(b.closed), false);
    await b.writev([pattern(5)]);
    checkPattern(await take(a, 5));
  }, { b: { allowHalfOpen: true } });

  definePair(rig, 60, "bytes that were written before the peer's end was seen still arrive there", async ({ a, b }) => {
    const part = Math.ceil(rig.features.flood / 2);
    const writes = [b.writev([pattern(part)]), b.writev([pattern(part, part)])];
    for (const write of writes) write.catch(() => {});
    await a.shutdown();
    if (!rig.features.writesPastEnd) {
      for (const write of writes) await fails(write, "EPIPE");
      return;
    }
    await fails(b.readv([new Uint8Array(1)]), "EOF");
    assertEquals(await drainPattern(a), 2 * part);
    assertEquals(await Promise.all(writes), [part, part]);
    await Promise.all([a.closed, b.closed]);
  });
}

function monitors(rig: StreamRig): void {
  definePair(rig, 61, "monitor tells of a reset, to all who ask", async ({ a, b }) => {
    const watching = Promise.all([b.monitor(), b.monitor()]);
    a.abort();
    for (const { code } of [...await watching, await b.monitor()]) assert(rig.features.abortCodes.includes(code), code);
  });

  definePair(rig, 61, "monitor tells of an end in order", async ({ a, b }) => {
    const watching = b.monitor();
    assertEquals(await isSettled(watching), false);
    await a.shutdown();
    assertEquals((await watching).code, "EOF");
    assertEquals((await b.monitor()).code, "EOF");
  }, { b: { allowHalfOpen: true } });

  definePair(rig, 61, "monitor tells of a close here and can be cancelled", async ({ a }) => {
    const controller = new AbortController();
    const cancelled = failure(a.monitor({ signal: controller.signal }));
    const watching = a.monitor();
    controller.abort("no more");
    assertEquals(await cancelled, "no more");
    await a.close();
    assertEquals((await watching).code, "ECONNABORTED");
  });

  definePair(rig, 61, "a connection that breaks with nobody looking leaves no rejection behind", async ({ a, b }) => {
    assert(b.readable instanceof ReadableStream);
    assert(b.writable instanceof WritableStream);
    a.abort();
    await b.monitor();
    await b.closed.catch(() => {});
    await turns(4);
  });
}

/** `await` a read of 12 bytes of which 5 are there, ended by `end`; then all 12 can be read. */
async function cutAndReadAgain(
  { a, b }: { a: TStream; b: TStream },
  read: (vector: Uint8Array[]) => Promise<number>,
  end: () => void,
): Promise<unknown> {
  await a.writev([pattern(5)]);
  await untilPending(b, 5);
  const before = b.stats.bytesPutBack;
  const outcome = failure(read([new Uint8Array(4), new Uint8Array(8)]));
  await turns(2);
  end();
  const reason = await outcome;
  assertEquals(b.stats.bytesPutBack - before, 5);
  assertEquals(b.pendingBytes, 5);
  await a.writev([pattern(7, 5)]);
  checkPattern(await take(b, 12));
  return reason;
}

function deadlines(rig: StreamRig): void {
  define(rig, 63, "a deadline that has passed fails at once, one that comes gives everything back", async () => {
    const clock = new ManualClock(1000);
    await withPair(rig, { clock }, async (pair) => {
      const { a, b } = pair;
      const idle = clock.timers;
      await fails(b.readv([new Uint8Array(1)], { deadlineAt: 999 }), "ETIMEDOUT");
      await fails(b.readSome(new Uint8Array(1), { deadlineAt: 1000 }), "ETIMEDOUT");
      await fails(b.readvPdu(() => [new Uint8Array(1)], { deadlineAt: 0 }), "ETIMEDOUT");
      await fails(a.writev([new Uint8Array(1)], { deadlineAt: 999 }), "ETIMEDOUT");
      const reason = await cutAndReadAgain(pair, (vector) => b.readv(vector, { deadlineAt: 1050 }), () => {
        clock.advance(49);
        assertEquals(clock.timers > idle, true);
        clock.advance(1);
      });
      assertEquals((reason as { code?: string }).code, "ETIMEDOUT");
      assertEquals(clock.timers, idle);
      const read = b.readv([new Uint8Array(3)], { deadlineAt: 1_000_000 });
      await a.writev([pattern(3)]);
      assertEquals(await read, 3);
      assertEquals(clock.timers, idle);
    });
  });

  define(rig, 63, "a deadline on a write that cannot end aborts the connection", async () => {
    const clock = new ManualClock(0);
    await withPair(rig, { clock }, async ({ a, b }) => {
      const write = a.writev([pattern(rig.features.flood)], { deadlineAt: 10 });
      const outcome = fails(write, "ETIMEDOUT");
      await turns(4);
      clock.advance(10);
      await outcome;
      await fails(a.writev([pattern(1)]), "ETIMEDOUT");
      assert((await drainToEnd(b)).total < rig.features.flood);
    });
  });

  define(rig, 63, "a deadline on a write that waits takes it back", async () => {
    const clock = new ManualClock(0);
    await withPair(rig, { clock }, async ({ a, b }) => {
      const release = a.writeQueue.block();
      const waiting = fails(a.writev([new Uint8Array(4)], { deadlineAt: 10 }), "ETIMEDOUT");
      const kept = a.writev([pattern(4)], { deadlineAt: 1000 });
      clock.advance(10);
      await waiting;
      release[Symbol.dispose]();
      checkPattern(await take(b, 4));
      assertEquals(await kept, 4);
    });
  });
}

function cancelling(rig: StreamRig): void {
  definePair(rig, 64, "a cancelled read gives back what it had", async (pair) => {
    for (const how of ["readv", "readvPdu"] as const) {
      const controller = new AbortController();
      const { signal } = controller;
      const reason = new Error("not now");
      const read = (vector: Uint8Array[]): Promise<number> =>
        how === "readv"
          ? pair.b.readv(vector, { signal })
          : pair.b.readvPdu(({ total }) => total === 0 ? vector.slice(0, 1) : total === 4 ? vector.slice(1) : null, {
            signal,
          });
      assertStrictEquals(await cutAndReadAgain(pair, read, () => controller.abort(reason)), reason);
    }
    const controller = new AbortController();
    const some = failure(pair.b.readSome(new Uint8Array(4), { signal: controller.signal }));
    controller.abort("nothing there");
    assertEquals(await some, "nothing there");
    assert(pair.b.stats.cancelledReads >= 3);
    await pair.a.writev([pattern(4)]);
    checkPattern(await take(pair.b, 4));
  });
}

function disposal(rig: StreamRig): void {
  define(rig, 65, "disposal sends what is queued, is silent after abort and keeps the error of the body", async () => {
    const { a, b } = await openPair(rig);
    const original = new Error("of the body");
    const use = async (): Promise<void> => {
      await using socket = a;
      void socket.writev([pattern(100)]).catch(() => {});
      throw original;
    };
    const [reason, total] = await Promise.all([failure(use()), drainPattern(b)]);
    assertStrictEquals(reason, original);
    assertEquals(total, 100);
    await a[Symbol.asyncDispose]();
    b.abort();
    await b[Symbol.asyncDispose]();
    await Promise.allSettled([a.closed, b.closed]);
  });

  define(rig, 65, "disposal waits for a peer that does not read until the grace is over", async () => {
    const clock = new ManualClock(0);
    await withPair(rig, { clock, a: { closeGraceMs: 20 } }, async ({ a, b }) => {
      const write = failure(a.writev([pattern(rig.features.flood)]));
      const disposed = a[Symbol.asyncDispose]();
      assertEquals(await isSettled(Promise.resolve(disposed)), false);
      clock.advance(20);
      await disposed;
      await write;
      assert((await drainToEnd(b)).total < rig.features.flood);
    });
  });
}
