// What the build does to functions that an engine should compile as it reads them.
import { test } from "node:test";
import { assertEquals, assertThrows } from "@std/assert";
import { FIRST_LOAD, inParentheses } from "../../scripts/lib/first_load.ts";
import { read } from "../../scripts/lib/repo.ts";

const CODE = `import { a } from "./a.js";
/** Adds. */
export function add(x, { y } = {}) {
    if (x) {
        return 1;
    }
    return x + y + a;
}
function one() { return 1; }
function two() {
    return \`
  function add() {
\`;
}
export { two };
`;

test("functions are put in parentheses, each on its lines; others stay", () => {
  assertEquals(
    inParentheses(CODE, ["add", "one"]),
    CODE.replace("export function add(", "export var add = (function add(").replace("+ a;\n}\n", "+ a;\n});\n")
      .replace("function one() { return 1; }", "var one = (function one() { return 1; });"),
  );
  assertEquals(inParentheses(CODE, []), CODE);
});

test("what comes of it does the same", () => {
  const script = CODE.replace(/^import.*/, "const a = 4;").replaceAll(/^export (\{.*\};)?/gm, "");
  const { add, two } = new Function(`${inParentheses(script, ["add", "one", "two"])}return { add, two };`)();
  assertEquals([add(0, { y: 2 }), add(1), add.name, two()], [6, 1, "add", "\n  function add() {\n"]);
});

test("a name that is no function at the top level is an error", () => {
  for (const code of [CODE, "  function three() {\n  }\n", "function three() {\n}\n/*\nfunction three() {\n}\n*/\n"]) {
    assertThrows(() => inParentheses(code, ["three"]), Error, "functions three at the top level, not one");
  }
});

test("a function whose end is not known is an error", () => {
  for (
    const code of [
      "function one() { return 1; } // c\nfunction two() {\n}, 1;\n",
      "function one(x) { if (x) {}\n  const a = `\n}`;\n}\n",
      "function one() {\n",
    ]
  ) assertThrows(() => inParentheses(code, ["one"]), Error, "where does function one end?");
  const code = "function one(x) { if (x) {}\n  return 1;\n}\nfunction two() {\n}\n";
  assertEquals(
    inParentheses(code, ["one"]),
    "var one = (function one(x) { if (x) {}\n  return 1;\n});\nfunction two() {\n}\n",
  );
});

test("each function of the list is there, once", () => {
  for (const [module, names] of Object.entries(FIRST_LOAD)) {
    const source = read(module);
    for (const name of names) {
      const found = [...source.matchAll(new RegExp(`^(?:export )?function ${name}\\b`, "gm"))];
      assertEquals(found.length, 1, `${name} of ${module}`);
    }
    assertEquals(new Set(names).size, names.length, module);
  }
});
