// The ring of received datagrams and the line of waiting things, against arrays.
import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { SeededRandom } from "../../src/sim/mod.ts";
import { DatagramRing } from "../../src/tsocket/datagram_ring.ts";
import { Line, type Member } from "../../src/tsocket/line.ts";
import type { Datagram } from "../../src/tsocket/types.ts";

function datagram(length: number): Datagram {
  return { data: new Uint8Array(length), source: undefined, truncated: false };
}

test("the ring does what an array with limits does", () => {
  const random = new SeededRandom(77);
  for (let round = 0; round < 50; round++) {
    const [maxDatagrams, maxBytes] = [1 + random.below(60), 1 + random.below(300)];
    const ring = new DatagramRing(maxDatagrams, maxBytes);
    const model: Datagram[] = [];
    const bytes = () => model.reduce((sum, { data }) => sum + data.length, 0);
    for (let step = 0; step < 400; step++) {
      const what = random.below(100);
      if (what < 60) {
        const one = datagram(random.below(20));
        const fits = model.length === 0 || model.length < maxDatagrams && bytes() < maxBytes &&
            bytes() + one.data.length <= maxBytes;
        if (fits) model.push(one);
        assertEquals(ring.push(one), fits);
      } else if (what < 99) {
        assertEquals(ring.shift() === model.shift(), true);
      } else {
        ring.clear();
        model.length = 0;
      }
      assertEquals([ring.length, ring.bytes], [model.length, bytes()]);
      assertEquals(ring.isFull, model.length >= maxDatagrams || bytes() >= maxBytes);
      assertEquals(ring.isHalfEmpty, model.length * 2 <= maxDatagrams && bytes() * 2 <= maxBytes);
    }
  }
});

test("whoever leaves the line, the others keep their order", () => {
  const random = new SeededRandom(7);
  const line = new Line<Member & { readonly name: number }>();
  let model: (Member & { readonly name: number })[] = [];
  for (let name = 0; name < 2000; name++) {
    if (random.below(10) < 6 || model.length === 0) {
      const member = { name };
      line.push(member);
      model.push(member);
    } else {
      const leaving = model[random.below(10) < 5 ? 0 : random.below(model.length)]!;
      line.remove(leaving);
      model = model.filter((member) => member !== leaving);
    }
    assertEquals(line.first?.name, model[0]?.name);
  }
  for (const { name } of model) {
    assertEquals(line.first!.name, name);
    line.remove(line.first!);
  }
  assertEquals(line.first, undefined);
});
