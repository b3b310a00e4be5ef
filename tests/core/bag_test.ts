/** Members come and go in any order, each at once. */
import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { Bag, type BagMember } from "../../src/core/bag.ts";

interface Named extends BagMember {
  readonly name: string;
}

const named = (name: string): Named => ({ name, bagIndex: -1 });
const names = (bag: Bag<Named>): string => bag.values().map(({ name }) => name).sort().join("");

test("what was put in is there until it is taken out, whichever it is", () => {
  for (const order of ["abc", "acb", "bac", "bca", "cab", "cba"]) {
    const bag = new Bag<Named>();
    const members = new Map(["a", "b", "c"].map((name) => [name, named(name)]));
    for (const member of members.values()) bag.add(member);
    assertEquals(names(bag), "abc");
    let left = "abc";
    for (const name of order) {
      left = left.replace(name, "");
      assertEquals([bag.delete(members.get(name)!), names(bag), bag.size], [true, left, left.length]);
      assertEquals(bag.delete(members.get(name)!), false);
    }
  }
});

test("all are taken out at once, and may come back", () => {
  const bag = new Bag<Named>();
  const [a, b] = [named("a"), named("b")];
  bag.add(a);
  bag.add(b);
  assertEquals(bag.takeAll().map(({ name }) => name), ["a", "b"]);
  assertEquals([bag.size, bag.delete(a), bag.delete(b)], [0, false, false]);
  bag.add(b);
  assertEquals([names(bag), bag.delete(b), bag.size], ["b", true, 0]);
});
