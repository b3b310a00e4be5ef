/** Cases 27 to 37: PDU reads, driven by a callback into buffers of the caller. */
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { SeededRandom } from "../../../src/sim/mod.ts";
import { SocketError } from "../../../src/tsocket/errors.ts";
import { JobQueue } from "../../../src/tsocket/job_queue.ts";
import type { NextVector, TStream, Vector } from "../../../src/tsocket/types.ts";
import { turns } from "../../support/turns.ts";
import { checkPattern, pattern } from "./bytes.ts";
import { definePair } from "./define.ts";
import type { StreamRig } from "./rig.ts";
import { fails, failure, take, untilPending } from "./waiting.ts";

const HEADER = 4;

function frame(body: Uint8Array): Uint8Array[] {
  const header = new Uint8Array(HEADER);
  new DataView(header.buffer).setUint32(0, body.length);
  return [header, body];
}

/** Reads one frame: its length, then its body; `[]` for a body of nothing, as the contract wants it. */
async function readFrame(stream: TStream, maxLength = 1 << 20): Promise<Uint8Array> {
  const header = new Uint8Array(HEADER);
  let body: Uint8Array | undefined;
  const next: NextVector = ({ total }) => {
    if (total === 0) return [header];
    if (body !== undefined) return null;
    const length = new DataView(header.buffer).getUint32(0);
    if (length > maxLength) throw new SocketError(`a frame of ${length} bytes is too long`, { code: "EMSGSIZE" });
    body = new Uint8Array(length);
    return length === 0 ? [] : [body];
  };
  const total = await stream.readvPdu(next);
  assertEquals(total, HEADER + body!.length);
  return body!;
}

/** Registers the cases. */
export function pduSuite(rig: StreamRig): void {
  frames(rig);
  edges(rig);
  callbacks(rig);
  many(rig);
}

function frames(rig: StreamRig): void {
  definePair(rig, 27, "frames of random length arrive whole", async ({ a, b }) => {
    const random = new SeededRandom(27);
    const count = Math.max(50, Math.round(1000 * rig.features.share));
    const longest = rig.features.share < 0.5 ? 2_000 : 70_000;
    const lengths = Array.from({ length: count }, () => random.below(longest + 1));
    const writing = (async () => {
      for (const [i, length] of lengths.entries()) await a.writev(frame(pattern(length, i)));
    })();
    for (const [i, length] of lengths.entries()) {
      const body = await readFrame(b);
      assertEquals(body.length, length);
      checkPattern(body, i);
    }
    await writing;
  });

  definePair(
    rig,
    36,
    "two readers through one queue take turns, and a failed one loses nothing of the other",
    async ({ a, b }) => {
      const queue = new JobQueue({ name: "reads" });
      const sum = (body: Uint8Array): number => body.reduce((total, byte) => total + byte, 0);
      const reads = [1, 2, 3, 4].map((value) =>
        queue.run(() => readFrame(b, value === 3 ? 2 : 8)).then(
          (body) => [value, body.length, sum(body)],
          (error) => error,
        )
      );
      for (const value of [1, 2, 3]) await a.writev(frame(new Uint8Array(4).fill(value)));
      // The third reader refuses the length and leaves the body to the fourth, as the bytes of a frame.
      const results = await Promise.all(reads);
      assertEquals(results.slice(0, 2), [[1, 4, 4], [2, 4, 8]]);
      assertEquals((results[2] as SocketError).code, "EMSGSIZE");
      assertEquals((results[3] as SocketError).code, "EMSGSIZE");
      await a.writev(frame(Uint8Array.of(9)));
      assertEquals(await readFrame(b), Uint8Array.of(9));
    },
  );
}

function edges(rig: StreamRig): void {
  definePair(rig, 28, "a callback that wants nothing reads nothing", async ({ a, b }) => {
    await a.writev([pattern(3)]);
    for (const nothing of [null, undefined, []]) assertEquals(await b.readvPdu(() => nothing), 0);
    checkPattern(await take(b, 3));
    assertEquals(await b.readvPdu(() => null), 0);
  });

  definePair(
    rig,
    29,
    "a body of nothing is [], and a vector of nothing but empty views is EINVAL",
    async ({ a, b }) => {
      await a.writev([...frame(new Uint8Array(0)), ...frame(Uint8Array.of(7))]);
      assertEquals(await readFrame(b), new Uint8Array(0));
      assertEquals(await readFrame(b), Uint8Array.of(7));
      await fails(b.readvPdu(() => [new Uint8Array(0)]), "EINVAL");
      await a.writev([pattern(2)]);
      let calls = 0;
      await fails(
        b.readvPdu(() => calls++ === 0 ? [new Uint8Array(2)] : [new Uint8Array(0), new Uint8Array(0)]),
        "EINVAL",
      );
      await a.writev([pattern(2)]);
      checkPattern(await take(b, 2));
    },
  );

  definePair(rig, 31, "a length that is refused costs no memory and no connection", async ({ a, b }) => {
    await a.writev([Uint8Array.of(0xff, 0xff, 0xff, 0xff), ...frame(Uint8Array.of(5))]);
    const error = await fails(readFrame(b, 1000), "EMSGSIZE");
    assertEquals(error.blame, "local");
    assertEquals(await readFrame(b, 1000), Uint8Array.of(5));
  });

  definePair(rig, 21, "an end within a PDU is EUNEXPECTEDEOF, also between two vectors", async ({ a, b }) => {
    const read = readFrame(b);
    read.catch(() => {});
    await a.writev([Uint8Array.of(0, 0, 0, 9)]);
    await a.shutdown();
    assertEquals((await fails(read, "EUNEXPECTEDEOF")).bytesTransferred, HEADER);
  }, { b: { allowHalfOpen: true } });
}

function callbacks(rig: StreamRig): void {
  definePair(
    rig,
    30,
    "what the callback throws is what the read rejects with; the stream goes on",
    async ({ a, b }) => {
      const reason = new Error("not this one");
      await a.writev([pattern(10)]);
      const read = b.readvPdu(({ total }) => {
        if (total === 0) return [new Uint8Array(4)];
        throw reason;
      });
      assertStrictEquals(await failure(read), reason);
      checkPattern(await take(b, 6), 4);
      assertStrictEquals(
        await failure(b.readvPdu(() => {
          throw reason;
        })),
        reason,
      );
      await a.writev([pattern(1)]);
      checkPattern(await take(b, 1));
    },
  );

  definePair(rig, 30, "what is not an array of Uint8Array is refused, whenever it is handed out", async ({ a, b }) => {
    const wrong: unknown[] = [
      new Uint8Array(4),
      Promise.resolve([new Uint8Array(4)]),
      [new ArrayBuffer(4)],
      ["four"],
      [undefined],
      5,
    ];
    for (const vector of wrong) {
      assert(await failure(b.readvPdu(() => vector as Vector)) instanceof TypeError);
      const later = failure(b.readvPdu(({ total }) => total === 0 ? [new Uint8Array(1)] : vector as Vector));
      await a.writev([pattern(1)]);
      assert(await later instanceof TypeError);
    }
    await a.writev([pattern(1)]);
    checkPattern(await take(b, 1));
  });

  definePair(rig, 32, "the callback is not called after the end of its PDU, however that came", async ({ a, b }) => {
    let calls = 0;
    await a.writev([pattern(8)]);
    await b.readvPdu(({ total }) => {
      calls++;
      return total === 0 ? [new Uint8Array(8)] : null;
    });
    assertEquals(calls, 2);

    const controller = new AbortController();
    const read = b.readvPdu(() => {
      calls++;
      return [new Uint8Array(4)];
    }, { signal: controller.signal });
    const reason = failure(read);
    await a.writev([pattern(4)]);
    await turns(4);
    controller.abort("enough");
    assertEquals(await reason, "enough");
    const atAbort = calls;
    await a.writev([pattern(4)]);
    checkPattern(await take(b, 8).then((bytes) => bytes.subarray(0, 4)));
    assertEquals(calls, atAbort);

    await failure(b.readvPdu(() => {
      calls++;
      throw new Error("stop");
    }));
    await a.writev([pattern(4)]);
    await turns(4);
    assertEquals(calls, atAbort + 1);
  });

  definePair(rig, 33, "the callback may abort its own stream", async ({ a, b }) => {
    await a.writev([pattern(8)]);
    const read = b.readvPdu(({ total }) => {
      if (total > 0) b.abort();
      return [new Uint8Array(4)];
    });
    await fails(read, "ECONNABORTED");
    await b.closed.catch(() => {});
  });

  definePair(
    rig,
    37,
    "once a PDU has come, its vectors follow one another without a turn of the event loop",
    async ({ a, b }) => {
      const [header, body] = frame(pattern(100));
      await a.writev([header!, body!, pattern(50)]);
      await untilPending(b, 154);
      const order: string[] = [];
      await b.readvPdu(({ total }) => {
        if (order.length === 0) setImmediate(() => order.push("turn"));
        order.push(String(total));
        return total === 0
          ? [new Uint8Array(HEADER)]
          : total === 4
          ? [new Uint8Array(100)]
          : total === 104
          ? [new Uint8Array(50)]
          : null;
      });
      assertEquals(order, ["0", "4", "104", "154"]);
      await turns(1);
    },
  );
}

function many(rig: StreamRig): void {
  const count = Math.max(2_000, Math.round(100_000 * rig.features.share));
  definePair(rig, 34, `${count} tiny PDUs do not starve timers`, async ({ a, b }) => {
    const one = Uint8Array.of(0, 0, 0, 1, 7);
    const all = new Uint8Array(one.length * count);
    for (let i = 0; i < count; i++) all.set(one, i * one.length);
    const written = a.writev([all]);
    let seenByTimer = -1;
    let seen = 0;
    const note = (): number => seenByTimer = seen;
    // A few are read in less than the millisecond that the shortest timer takes.
    if (count < 10_000) setImmediate(note);
    else setTimeout(note, 0);
    const header = new Uint8Array(HEADER);
    const body = new Uint8Array(1);
    const next: NextVector = ({ total }) => total === 0 ? [header] : total === HEADER ? [body] : null;
    while (seen < count) {
      assertEquals(await b.readvPdu(next), 5);
      assertEquals(body[0], 7);
      seen++;
    }
    await written;
    assert(seenByTimer >= 0 && seenByTimer < count, `the timer fired after ${seenByTimer} of ${count}`);
  });

  definePair(rig, 34, `a PDU of ${count} vectors overflows no stack`, async ({ a, b }) => {
    const written = a.writev([pattern(count)]);
    const byte = new Uint8Array(1);
    let calls = 0;
    assertEquals(
      await b.readvPdu(({ total }) => {
        if (total > 0) checkPattern(byte, total - 1);
        return calls++ < count ? [byte] : null;
      }),
      count,
    );
    await written;
  });
}
