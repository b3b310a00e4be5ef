import { test } from "node:test";
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { Fifo } from "../../src/kcm/fifo.ts";
import { SlotTable } from "../../src/kcm/slot_table.ts";
import { type Waiter, Waiters } from "../../src/kcm/waiters.ts";

test("a queue does what an array does", () => {
  fc.assert(fc.property(fc.array(fc.nat(9), { maxLength: 400 }), (steps) => {
    const queue = new Fifo<number>();
    let model: number[] = [];
    steps.forEach((step, i) => {
      if (step < 5) {
        queue.push(i);
        model.push(i);
      } else if (step < 8) {
        assertEquals(queue.shift(), model.shift());
      } else if (step < 9) {
        queue.unshift(i);
        model.unshift(i);
      } else if (i % 7 === 0) {
        assertEquals(queue.takeAll(), model);
        model = [];
      }
      assertEquals(queue.length, model.length);
    });
    assertEquals(queue.takeAll(), model);
  }));
});

test("a table gives the smallest free index, and a handle works as long as its entry is there", () => {
  fc.assert(fc.property(fc.array(fc.nat(), { maxLength: 200 }), (steps) => {
    const table = new SlotTable<{ handle: number }>(8);
    const live: { handle: number }[] = [];
    const stale: number[] = [];
    for (const step of steps) {
      if (step % 2 === 0 && !table.isFull) {
        const used = new Set(live.map(({ handle }) => SlotTable.indexOf(handle)));
        const entry = table.add((handle) => ({ handle }));
        const index = SlotTable.indexOf(entry.handle);
        assertEquals(index, [0, 1, 2, 3, 4, 5, 6, 7].find((free) => !used.has(free)));
        live.push(entry);
      } else if (live.length > 0) {
        const [entry] = live.splice(step % live.length, 1);
        assertEquals([table.remove(entry!.handle), table.remove(entry!.handle)], [true, false]);
        stale.push(entry!.handle);
      }
      assertEquals([table.size, table.isFull], [live.length, live.length === 8]);
      for (const entry of live) assertEquals(table.get(entry.handle) === entry, true);
      for (const handle of stale) assertEquals(table.get(handle), undefined);
    }
    const byIndex = live.toSorted((a, b) => SlotTable.indexOf(a.handle) - SlotTable.indexOf(b.handle));
    assertEquals(table.values(), byIndex);
  }));
});

test("an entry that cannot be made takes no index", () => {
  const table = new SlotTable<number>(1);
  try {
    table.add(() => {
      throw new Error("no");
    });
  } catch {
    // expected
  }
  assertEquals([table.size, table.add((handle) => handle)], [0, 0]);
});

test("a line of waiters does what an array does", () => {
  fc.assert(fc.property(fc.array(fc.nat(), { maxLength: 200 }), (steps) => {
    const line = new Waiters<Waiter & { name: number }>();
    const outside = [0, 1, 2, 3, 4].map((name) => ({ name, waiterBefore: undefined, waiterBehind: undefined }));
    const model: (Waiter & { name: number })[] = [];
    for (const step of steps) {
      if (step % 3 === 0 && outside.length > 0) {
        const waiter = outside.splice(step % outside.length, 1)[0]!;
        line.push(waiter);
        model.push(waiter);
      } else if (step % 3 === 1 && model.length > 0) {
        const waiter = model.splice(step % model.length, 1)[0]!;
        line.remove(waiter);
        outside.push(waiter as never);
      } else if (model.length > 0) {
        line.rotate();
        model.push(model.shift()!);
      }
      assertEquals(line.first?.name, model[0]?.name);
    }
    const rest: number[] = [];
    for (let first = line.first; first !== undefined; first = line.first) {
      rest.push(first.name);
      line.remove(first);
    }
    assertEquals(rest, model.map(({ name }) => name));
  }));
});
