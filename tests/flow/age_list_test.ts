import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { test } from "node:test";
import { type Aged, AgeList } from "../../src/flow/age_list.ts";

class Item implements Aged<Item> {
  readonly name: number;
  list: AgeList<Item> | null = null;
  older: Item | null = null;
  newer: Item | null = null;
  touchedAt = 0;

  constructor(name: number) {
    this.name = name;
  }
}

function names(list: AgeList<Item>): number[] {
  const found: number[] = [];
  for (let item = list.oldest; item !== null; item = item.newer) found.push(item.name);
  return found;
}

test("touched items are ordered by age, and the oldest says when it is due", () => {
  const list = new AgeList<Item>(100);
  const [a, b, c] = [new Item(1), new Item(2), new Item(3)];
  assertEquals([list.oldest, list.dueAt, list.size], [null, Infinity, 0]);
  list.touch(a, 10);
  list.touch(b, 20);
  list.touch(c, 30);
  list.touch(a, 40);
  assertEquals([names(list), list.dueAt], [[2, 3, 1], 120]);
  list.remove(b);
  assertEquals([names(list), list.dueAt, b.list], [[3, 1], 130, null]);
});

test("an item that is touched in another list leaves its own", () => {
  const [young, old] = [new AgeList<Item>(1), new AgeList<Item>(1)];
  const item = new Item(1);
  young.touch(item, 0);
  old.touch(item, 1);
  assertEquals([young.size, old.size, item.list === old], [0, 1, true]);
});

test("any touches and removals leave the order that a plain array would", () => {
  const action = fc.record({ name: fc.nat(5), remove: fc.boolean() });
  fc.assert(fc.property(fc.array(action, { maxLength: 40 }), (actions) => {
    const list = new AgeList<Item>(1);
    const items = Array.from({ length: 6 }, (_, i) => new Item(i));
    let plain: number[] = [];
    actions.forEach(({ name, remove }, now) => {
      const item = items[name]!;
      plain = plain.filter((other) => other !== name);
      if (!remove) {
        list.touch(item, now);
        plain.push(name);
      } else if (item.list !== null) {
        list.remove(item);
      }
      assertEquals(names(list), plain);
      assertEquals(list.size, plain.length);
    });
  }));
});
