import { assert } from "@std/assert";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const read = (path: string) => readFileSync(new URL(path, import.meta.url), "utf8");

test("each row of docs/l3l4.md names a test that exists", () => {
  const rows = read("../../docs/l3l4.md").split("\n").filter((line) => /\| \w+_test: .* \|$/.test(line));
  assert(rows.length > 40, `${rows.length} rows`);
  for (const row of rows) {
    const [, file, title] = /\| (\w+_test): (.*?) +\|$/.exec(row)!;
    const source = read(`./${file}.ts`);
    const isThere = source.includes(`test("${title}`) || source.includes(`test(\`${title}`);
    assert(isThere, `no such test in ${file}: ${title}`);
  }
});
