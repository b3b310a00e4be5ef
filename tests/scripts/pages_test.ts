// That pages are in order is checked by `npm run check:links`; that it sees what is wrong is tested here.
import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { missingFiles, placeholders } from "../../scripts/lib/pages.ts";

const there = new Set(["docs/a.md", "src/x/y.ts", "README.md"]);
const missing = (page: string) => missingFiles(page, (path) => there.has(path));

test("a file that a page names in backticks has to be there", () => {
  assertEquals(missing("See `docs/a.md`, `README.md` and `src/x/y.ts`."), []);
  assertEquals(missing("See `docs/b.md`,\n`docs/b.md`, `SECURITY.md` and `src/x/z.ts`."), [
    "docs/b.md",
    "SECURITY.md",
    "src/x/z.ts",
  ]);
});

test("what is no name of a file of the repository is left alone", () => {
  assertEquals(missing("`tests/<layer>/<what>_test.ts`, `src/*.ts`, `docs/`, `other/b.md`, `file.md`, docs/b.md"), []);
  assertEquals(missing("`redis.pcap`, `npm run docs/b.md`, `a.b`, `@leat/streams/pcap`"), []);
});

test("code blocks name whatever they like", () => {
  assertEquals(missing("```sh\ncat `docs/b.md`\n```\n"), []);
  assertEquals(placeholders("```\n\nFIGURES\n\n```\n"), []);
});

test("a paragraph of capitals is a placeholder", () => {
  assertEquals(placeholders("# Speed\n\nFIGURES\n\n## More\n"), ["FIGURES"]);
  assertEquals(placeholders("a\n\nTODO: TABLE 2\n\nTBD"), ["TODO: TABLE 2", "TBD"]);
});

test("headings, names within a paragraph and short words are none", () => {
  assertEquals(placeholders("# MIT\n\nThe MIT licence\nMIT\n\n- TCP\n\n`EGAP`\n\n| A | B |\n\nOK\n"), []);
});
