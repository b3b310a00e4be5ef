/** PDU reads that lie whole in what is there, and what their callback may do meanwhile. */
import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { test } from "node:test";
import { streamDriverPair, streamPair } from "../../src/tsocket/mod.ts";
import { StreamSocket } from "../../src/tsocket/stream_socket.ts";
import type { NextVector, TStream, Vector } from "../../src/tsocket/types.ts";
import { turns } from "../support/turns.ts";
import { failsWith, reasonOf } from "./support/settled.ts";

const counted = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i + 1);

/** Two sockets, and 16 bytes that have come. */
async function withSixteen(body: (b: TStream, a: TStream) => Promise<void>): Promise<void> {
  const [left, right] = streamDriverPair();
  const a = new StreamSocket(left);
  const b = new StreamSocket(right);
  await a.writev([counted(16)]);
  await turns();
  try {
    await body(b, a);
  } finally {
    a.abort();
    b.abort();
  }
}

/** Hands out vectors one after the other, and calls `meanwhile` in the call number `at`. */
function handsOut(vectors: readonly (Vector | null)[], at = -1, meanwhile = (): void => {}): NextVector {
  let calls = 0;
  return () => {
    if (calls === at) meanwhile();
    return vectors[calls++] ?? null;
  };
}

const fourTimesFour = (): Vector[] => Array.from({ length: 4 }, () => [new Uint8Array(4)]);

test("33: a callback that aborts fails its read with the reason, whichever call it is in", async () => {
  for (let at = 0; at <= 4; at++) {
    await withSixteen(async (b) => {
      const vectors = fourTimesFour();
      const reason = new Error("enough");
      const read = b.readvPdu(handsOut(vectors, at, () => b.abort(reason)));
      assertStrictEquals(await reasonOf(read), reason);
      assertEquals(vectors.map(([view]) => view![0]), [1, 5, 9, 13].map((first, i) => i < at ? first : 0));
      assertStrictEquals(await reasonOf(b.closed), reason);
      assertStrictEquals(await reasonOf(b.readvPdu(handsOut(vectors))), reason);
    });
  }
});

test("33: a callback that closes fails its read with ECONNABORTED, and does so once", async () => {
  for (let at = 0; at <= 4; at++) {
    await withSixteen(async (b) => {
      await failsWith(b.readvPdu(handsOut(fourTimesFour(), at, () => void b.close())), "ECONNABORTED");
      await b.close();
    });
  }
});

test("31: while a callback runs no other read begins, and none gets in between", async () => {
  await withSixteen(async (b) => {
    const refused: Promise<unknown>[] = [];
    const tried: boolean[] = [];
    const pending: number[] = [];
    const next = handsOut([[new Uint8Array(4)], [new Uint8Array(8)]], 1, () => {
      tried.push(b.tryReadv([new Uint8Array(1)]));
      pending.push(b.pendingBytes);
      refused.push(failsWith(b.readvPdu(handsOut([])), "EBUSY"), failsWith(b.readv([new Uint8Array(1)]), "EBUSY"));
    });
    assertEquals(await b.readvPdu(next), 12);
    await Promise.all(refused);
    assertEquals([tried, pending, b.pendingBytes], [[false], [12], 4]);
    assertEquals(b.stats.bytesRead, 12);
  });
});

test("30: after an error of a callback the next PDU begins behind what was taken", async () => {
  await withSixteen(async (b) => {
    const wrong = new Error("no such message");
    const read = b.readvPdu(handsOut(fourTimesFour(), 2, () => {
      throw wrong;
    }));
    assertStrictEquals(await reasonOf(read), wrong);
    await failsWith(b.readvPdu(handsOut([[new Uint8Array(0)]])), "EINVAL");
    await assertRejects(() => b.readvPdu((() => [4]) as unknown as NextVector), TypeError);
    const view = new Uint8Array(4);
    assertEquals(await b.readvPdu(handsOut([[view]])), 4);
    assertEquals(view, Uint8Array.of(9, 10, 11, 12));
  });
});

test("31: one view, several, empty ones among them, and a wait in each place", async () => {
  const shapes: number[][][] = [[[4], [12]], [[4], [4, 0, 8]], [[0, 4], [12]], [[2, 2], [5, 0, 0, 7]], [[16]], [[1], [
    1,
  ], [14]]];
  for (const shape of shapes) {
    for (let cut = 0; cut <= 16; cut++) {
      const [a, b] = streamPair();
      const vectors = shape.map((lengths) => lengths.map((length) => new Uint8Array(length)));
      await a.writev([counted(16).subarray(0, cut)]);
      await turns(1);
      const read = b.readvPdu(handsOut(vectors), cut % 2 === 0 ? undefined : {});
      await a.writev([counted(16).subarray(cut)]);
      assertEquals(await read, 16);
      assertEquals(vectors.flat().flatMap((view) => [...view]), [...counted(16)]);
      a.abort();
      b.abort();
    }
  }
});

test("31: a PDU of nothing is 0, and a callback may end one with an empty vector", async () => {
  await withSixteen(async (b) => {
    assertEquals(await b.readvPdu(() => undefined), 0);
    assertEquals(await b.readvPdu(() => []), 0);
    assertEquals(await b.readvPdu(handsOut([[new Uint8Array(4)], []])), 4);
    assertEquals(b.pendingBytes, 12);
  });
});
