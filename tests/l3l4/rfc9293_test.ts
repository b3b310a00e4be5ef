import { assert, assertEquals } from "@std/assert";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const table = readFileSync(new URL("../../docs/rfc9293.md", import.meta.url), "utf8");

test("docs/rfc9293.md has a row for each MUST of RFC 9293, with tests that exist", () => {
  const rows = table.split("\n").filter((line) => line.startsWith("| MUST-")).map((line) => line.split("|"));
  const ids = rows.flatMap(([, id]) => id!.replace("MUST-", "").split(",").map(Number));
  assertEquals(ids, Array.from({ length: 69 }, (_, i) => i + 1));
  const files = new Map<string, string>();
  for (const [, id, , reference] of rows) {
    const [file, ...title] = reference!.trim().split(": ");
    if (!files.has(file!)) files.set(file!, readFileSync(new URL(`./${file}.ts`, import.meta.url), "utf8"));
    assert(
      files.get(file!)!.includes(`test("${title.join(": ")}`),
      `no such test for ${id!.trim()}: ${reference!.trim()}`,
    );
  }
});
