/** Cases 38 to 45 and 53: writes are whole, in order, can be taken back while they wait and are torn only by an abort. */
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { SeededRandom } from "../../../src/sim/mod.ts";
import type { TStream } from "../../../src/tsocket/types.ts";
import { isSettled, turns } from "../../support/turns.ts";
import { checkPattern, pattern } from "./bytes.ts";
import { definePair } from "./define.ts";
import type { StreamRig } from "./rig.ts";
import { Spy } from "./spy.ts";
import { drainPattern, drainToEnd, fails, failure, take, until } from "./waiting.ts";

const HALF_OPEN = { b: { allowHalfOpen: true } } as const;

/** Registers the cases. */
export function writevSuite(rig: StreamRig): void {
  whole(rig);
  waiting(rig);
  copies(rig);
  takingBack(rig);
  tearing(rig);
}

function whole(rig: StreamRig): void {
  definePair(rig, 38, "the views of a write arrive as one, and 50 writes at once are not mixed", async ({ a, b }) => {
    assertEquals(await Promise.all([a.writev([pattern(1), pattern(2, 1), pattern(3, 3)]), take(b, 6)]), [
      6,
      pattern(6),
    ]);
    const random = new SeededRandom(38);
    const longest = Math.max(1000, Math.round(200_000 * rig.features.share));
    const lengths = Array.from({ length: 50 }, () => random.between(1, longest));
    const writes = lengths.map((length, i) => {
      const cut = random.below(length);
      const bytes = new Uint8Array(length).fill(i + 1);
      return a.writev([bytes.subarray(0, cut), bytes.subarray(cut)]);
    });
    for (const [i, length] of lengths.entries()) {
      const bytes = await take(b, length);
      assert(bytes.every((byte) => byte === i + 1), `write ${i} is mixed with another`);
    }
    assertEquals(await Promise.all(writes), lengths);
  });

  definePair(rig, 39, "a write that the system takes in parts resolves once, with its length", async ({ a, b }) => {
    const { flood } = rig.features;
    let resolved = 0;
    const bytes = pattern(flood);
    const written = a.writev([bytes.subarray(0, 1), bytes.subarray(1, flood - 7), bytes.subarray(flood - 7)]).then(
      (count) => {
        resolved++;
        return count;
      },
    );
    assertEquals(await isSettled(written), false);
    const ended = written.then(() => a.shutdown());
    assertEquals(await drainPattern(b), flood);
    assertEquals([await written, resolved, a.stats.bytesWritten], [flood, 1, flood]);
    await ended;
  }, HALF_OPEN);

  const calls: number[] = [];
  definePair(rig, 53, "a vector of 3000 views is one call of the driver", async ({ a, b }) => {
    calls.length = 0;
    const views = Array.from({ length: 3000 }, (_, i) => pattern(3, 3 * i));
    const written = a.writev(views);
    checkPattern(await take(b, 9000));
    assertEquals([await written, calls], [9000, [3000]]);
  }, {
    wrap: (driver, end) => end === "a" ? new Spy(driver, { writev: (vector) => calls.push(vector.length) }) : driver,
  });
}

function waiting(rig: StreamRig): void {
  definePair(rig, 40, "when the peer does not read, writes wait, and go on when it does", async ({ a, b }) => {
    const part = Math.ceil(rig.features.flood / 4);
    let done = 0;
    const writes = [0, 1, 2, 3, 4].map((i) => a.writev([pattern(part, i * part)]).then(() => done++));
    assertEquals(a.writeQueue.length, 5);
    await turns(20);
    assert(done < 5, "all was taken though nobody reads");
    assertEquals(a.writeQueue.length, 5 - done);
    const ended = a.shutdown();
    assertEquals(await drainPattern(b), 5 * part);
    await Promise.all(writes);
    await ended;
    assertEquals([done, a.writeQueue.length], [5, 0]);
  }, HALF_OPEN);

  definePair(rig, 42, "an empty write resolves with 0 in its turn", async ({ a, b }) => {
    const order: string[] = [];
    const note = (name: string) => (count: number) => order.push(`${name} ${count}`);
    const release = a.writeQueue.block();
    const writes = [
      a.writev([pattern(3)]).then(note("first")),
      a.writev([]).then(note("empty")),
      a.writev([new Uint8Array(0)]).then(note("empty view")),
      a.writev([pattern(2, 3)]).then(note("last")),
    ];
    await turns(2);
    assertEquals(order, []);
    release[Symbol.dispose]();
    checkPattern(await take(b, 5));
    await Promise.all(writes);
    assertEquals(order, ["first 3", "empty 0", "empty view 0", "last 2"]);
  });
}

function copies(rig: StreamRig): void {
  definePair(
    rig,
    41,
    "buffers are the caller's again when a write has resolved, or at once with copy",
    async ({ a, b }) => {
      const bytes = pattern(100_000);
      const read = take(b, 100_000);
      await a.writev([bytes]);
      bytes.fill(0);
      checkPattern(await read);

      const flooding = a.writev([pattern(rig.features.flood)]);
      const views = [pattern(1000), pattern(1000, 1000)];
      const copied = a.writev(views, { copy: true });
      for (const view of views) view.fill(0);
      checkPattern(await take(b, rig.features.flood));
      checkPattern(await take(b, 2000));
      assertEquals(await Promise.all([flooding, copied]), [rig.features.flood, 2000]);
    },
  );
}

function takingBack(rig: StreamRig): void {
  definePair(rig, 43, "a write that waits can be taken back, and its neighbours do not notice", async ({ a, b }) => {
    const release = a.writeQueue.block();
    const before = a.writeQueue.length;
    const controller = new AbortController();
    const first = a.writev([pattern(10)]);
    const second = a.writev([new Uint8Array(10).fill(0xee)], { signal: controller.signal });
    const third = a.writev([pattern(10, 10)]);
    assertEquals(a.writeQueue.length, before + 3);
    const reason = new Error("not needed any more");
    controller.abort(reason);
    assertStrictEquals(await failure(second), reason);
    assertEquals(a.writeQueue.length, before + 2);
    release[Symbol.dispose]();
    checkPattern(await take(b, 20));
    assertEquals(await Promise.all([first, third]), [10, 10]);
    await a.shutdown();
    await fails(b.readv([new Uint8Array(1)]), "EOF");
  }, HALF_OPEN);

  definePair(rig, 45, "with a signal that has fired nothing is queued and nobody listens", async ({ a, b }) => {
    const reason = new Error("too late");
    const signal = AbortSignal.abort(reason);
    let listeners = 0;
    signal.addEventListener = () => void listeners++;
    for (
      const operation of [
        () => a.writev([pattern(4)], { signal }),
        () => a.shutdown({ signal }),
        () => a.readv([new Uint8Array(1)], { signal }),
      ]
    ) {
      const promise = operation();
      assertEquals(a.writeQueue.length, 0);
      assertStrictEquals(await failure(promise), reason);
    }
    assertEquals(listeners, 0);
    await a.writev([pattern(2)]);
    checkPattern(await take(b, 2));
  });
}

/** A write that has started and cannot end, since nobody reads. */
function stuckWrite(
  rig: StreamRig,
  a: TStream,
  onAbort?: "finish",
): { controller: AbortController; write: Promise<number> } {
  const controller = new AbortController();
  const options = { signal: controller.signal, ...(onAbort === undefined ? {} : { onAbort }) };
  return { controller, write: a.writev([pattern(rig.features.flood)], options) };
}

function tearing(rig: StreamRig): void {
  definePair(rig, 44, "cancelling a write that has started aborts the connection", async ({ a, b }) => {
    const { controller, write } = stuckWrite(rig, a);
    const queued = a.writev([pattern(1)]);
    const outcomes = Promise.all([failure(write), failure(queued)]);
    await turns(4);
    const reason = new Error("give up");
    controller.abort(reason);
    const [first, second] = await outcomes;
    assertStrictEquals(first, reason);
    assertStrictEquals(second, reason);
    assertStrictEquals(await failure(a.writev([pattern(1)])), reason);
    await a.closed.catch(() => {});
    const { total, code } = await drainToEnd(b);
    assert(total < rig.features.flood, "all bytes came");
    assert(rig.features.abortCodes.includes(code), code);
  });

  definePair(rig, 44, "with onAbort finish a write is finished and rejects only then", async ({ a, b }) => {
    const { controller, write } = stuckWrite(rig, a, "finish");
    const later = a.writev([pattern(5, rig.features.flood)]);
    const outcome = failure(write);
    await turns(4);
    const reason = new Error("finish it");
    controller.abort(reason);
    assertEquals(await isSettled(outcome), false);
    const ended = a.shutdown();
    assertEquals(await drainPattern(b), rig.features.flood + 5);
    assertStrictEquals(await outcome, reason);
    assertEquals(await later, 5);
    await ended;
  }, HALF_OPEN);

  definePair(rig, 44, "a write to a peer that is gone fails, and so does every later one", async ({ a, b }) => {
    b.abort();
    await a.monitor();
    let error: unknown;
    await until(() => {
      a.writev([pattern(1000)]).catch((reason) => error ??= reason);
      return error !== undefined;
    }, "a write that fails");
    const { code } = await fails(Promise.reject(error), "EPIPE", "ECONNRESET", "ECONNABORTED");
    await fails(a.writev([pattern(1)]), code);
    await fails(a.writev([pattern(1)]), code);
  });
}
