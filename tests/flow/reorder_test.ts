import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { test } from "node:test";
import { SeededRandom } from "../../src/sim/mod.ts";
import { type Bench, bench, handshake, text } from "./conversation.ts";

interface Piece {
  start: number;
  bytes: Uint8Array;
}

function* permutations<T>(items: readonly T[]): Generator<T[]> {
  if (items.length <= 1) yield [...items];
  for (let i = 0; i < items.length; i++) {
    const rest = items.filter((_, at) => at !== i);
    for (const tail of permutations(rest)) yield [items[i]!, ...tail];
  }
}

/**
 * The slow and obvious receiver: one cell a byte. A byte that was handed out stays; one that is held is replaced under
 * `last`. Everything up to the first empty cell is handed out after every segment.
 */
function reference(pieces: readonly Piece[], overlap: "first" | "last"): Uint8Array {
  const cells: (number | undefined)[] = [];
  let out = 0;
  for (const { start, bytes } of pieces) {
    bytes.forEach((byte, i) => {
      const at = start + i;
      if (cells[at] === undefined || (overlap === "last" && at >= out)) cells[at] = byte;
    });
    while (cells[out] !== undefined) out++;
  }
  return new Uint8Array(cells.slice(0, out) as number[]);
}

function play(b: Bench, pieces: readonly Piece[]): string {
  handshake(b);
  for (const { start, bytes } of pieces) b.c.at(start, bytes);
  return b.sink.stream(1, "client");
}

const piece = (start: number, content: string): Piece => ({ start, bytes: new TextEncoder().encode(content) });

test("every order of five segments, two of them duplicates, gives the stream", () => {
  const pieces = [piece(0, "ab"), piece(2, "cde"), piece(5, "f"), piece(2, "cde"), piece(6, "gh"), piece(0, "ab")];
  for (const order of permutations(pieces)) {
    const b = bench({}, { c: 0xffff_fffc });
    assertEquals(play(b, order), "abcdefgh");
    assertEquals([b.stats.heldBytes, b.stats.conflicts, b.stats.bytes], [0, 0, 8]);
  }
});

test("every order of five overlapping segments that disagree gives what the reference gives, under both policies", () => {
  const pieces = [piece(0, "aaaa"), piece(2, "bbbb"), piece(4, "cccc"), piece(1, "ddddddd"), piece(6, "eeee")];
  let conflicts = 0;
  for (const overlap of ["first", "last"] as const) {
    for (const order of permutations(pieces)) {
      const b = bench({ overlap });
      assertEquals(play(b, order), text(reference(order, overlap)), order.map((one) => one.start).join());
      conflicts += b.stats.conflicts;
      assertEquals(b.sink.flows[0]!.client.conflicts, b.stats.conflicts);
    }
  }
  assert(conflicts > 0);
});

test("overlap first and last differ where held bytes disagree, and both count", () => {
  for (const [overlap, expected] of [["first", "_old_"], ["last", "_new_"]] as const) {
    const b = bench({ overlap });
    assertEquals(play(b, [piece(1, "old_"), piece(1, "new_"), piece(0, "_")]), expected);
    assertEquals(b.stats.conflicts, 3);
  }
});

test("any segments in any order give what the reference gives, wherever the sequence numbers wrap", () => {
  const arbitrary = fc.record({
    isn: fc.oneof(
      fc.integer({ min: 0xffff_ffe0, max: 0xffff_ffff }),
      fc.integer({ min: 0x7fff_ffe0, max: 0x8000_0000 }),
    ),
    overlap: fc.constantFrom("first" as const, "last" as const),
    pieces: fc.array(
      fc.record({ start: fc.nat(30), bytes: fc.uint8Array({ minLength: 1, maxLength: 10 }) }),
      { maxLength: 20 },
    ),
  });
  fc.assert(
    fc.property(arbitrary, ({ isn, overlap, pieces }) => {
      const b = bench({ overlap }, { c: isn });
      handshake(b);
      for (const { start, bytes } of pieces) b.c.at(start, bytes);
      const got = b.sink.streams.get("1 client") ?? [];
      assertEquals(got.flatMap((chunk) => [...chunk]), [...reference(pieces, overlap)]);
    }),
    { numRuns: 1000 },
  );
});

test("a stream cut anywhere, merged, repeated and shuffled within reach is the same stream", () => {
  for (let seed = 0; seed < 200; seed++) {
    const random = new SeededRandom(seed);
    const stream = random.bytes(3000);
    const pieces: Piece[] = [];
    for (let at = 0; at < stream.length;) {
      const length = Math.min(random.between(1, 200), stream.length - at);
      // Some reach back over what was sent before, as a retransmission that is cut otherwise does.
      const start = random.below(4) === 0 ? Math.max(0, at - random.below(100)) : at;
      pieces.push({ start, bytes: stream.subarray(start, at + length) });
      if (random.below(5) === 0) pieces.push(random.pick(pieces));
      at += length;
    }
    for (let i = pieces.length - 1; i > 0; i--) {
      const j = Math.max(0, i - random.below(6));
      [pieces[i], pieces[j]] = [pieces[j]!, pieces[i]!];
    }
    const b = bench({}, { c: 0xffff_ff00 });
    handshake(b);
    for (const { start, bytes } of pieces) b.c.at(start, bytes);
    b.c.raw({ seq: 0xffff_ff01 + 3000, fin: true });
    const got = (b.sink.streams.get("1 client") ?? []).flatMap((chunk) => [...chunk]);
    assertEquals(got, [...stream], `seed ${seed}`);
    assertEquals(b.sink.take().at(-1), "1 client end");
    assertEquals([b.stats.heldBytes, b.stats.gaps, b.stats.conflicts], [0, 0, 0]);
  }
});

test("stream offsets go on beyond 2^32", () => {
  const b = bench({ gaps: "skip" });
  handshake(b);
  const step = 2 ** 29;
  for (let i = 1; i <= 12; i++) {
    b.c.at(i * step - 2, "xy");
    b.s.ack({ ack: 1001 + i * step });
    b.tracker.onTimeout(i * 1_000_000);
  }
  assertEquals(b.sink.take().at(-1), "1 client xy");
  assertEquals(b.stats.gapBytes + b.sink.flows[0]!.client.bytes, 12 * step);
});
