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
    assertThrows(() => inParentheses(code, ["three"]), Error, "functions three at its level, not one");
  }
});

test("a function that a constant above it has is an error, as it would not be there yet", () => {
  const add = "function add(x) {\n  return x;\n}\n";
  for (
    const kept of ["const all = [add];", "export const table = {\n  one: 1,\n  add,\n};", "const more = { f: add };"]
  ) {
    assertThrows(() => inParentheses(`${kept}\n${add}`, ["add"]), Error, "a constant above function add has it");
  }
  for (const fine of ["const f = (x) => add(x);", "const f = { adder };", "// add", "a.add;"]) {
    assertEquals(inParentheses(`${fine}\n${add}const c = add;\n`, ["add"]).includes("var add = ("), true, fine);
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

const CLASS = `export class Sum {
    #parts = [];
    /** Adds. */
    add(part, { times } = { times: 1 }) {
        for (let i = 0; i < times; i++) {
            this.#push(part);
        }
        return this;
    }
    #push(part) { this.#parts.push(part); }
    get total() {
        const parts = this.#parts;
        const total = (all) => {
            return all.reduce((sum, part) => sum + part, 0);
        };
        return total(parts);
    }
    addAll(sum) {
        sum.#parts.forEach((part) => sum === this || this.#push(part));
        return sum?.#push === undefined;
    }
}
export class Other {
    add() {
        return 7;
    }
}
`;

test("methods are given to the prototype in parentheses, each on its lines; they are and do what they were", () => {
  const changed = inParentheses(CLASS, ["Sum.add", "Sum.#push", "Sum.addAll"]);
  assertEquals(changed.split("\n").length, CLASS.split("\n").length);
  assertEquals(changed.match(/value: \{ "[#\w]+": \(function \(/g)?.length, 3);
  assertEquals(changed.slice(changed.indexOf("export class Other")), CLASS.slice(CLASS.indexOf("export class Other")));
  const [was, is] = [CLASS, changed].map((code) => {
    const { Sum } = new Function(`${code.replaceAll("export ", "")}return { Sum };`)();
    const sum = new Sum().add(1).add(2, { times: 2 });
    const { name, length } = Sum.prototype.add;
    const { value: _, ...property } = Object.getOwnPropertyDescriptor(Sum.prototype, "add")!;
    return [sum.total, new Sum().add(1).addAll(sum), sum.total, Object.keys(sum), name, length, property];
  });
  assertEquals(is, was);
});

test("a method that its class has not is an error", () => {
  for (const name of ["Other.addAll", "Sum.push", "Sum.total", "None.add"]) {
    assertThrows(() => inParentheses(CLASS, [name]), Error, `functions ${name.split(".")[1]} at its level, not one`);
  }
});

test("each function of the list is there, once", () => {
  for (const [module, names] of Object.entries(FIRST_LOAD)) {
    const source = read(module);
    for (const name of names) {
      const [first, method] = name.split(".");
      const pattern = method === undefined
        ? `^(?:export )?function ${first}\\b`
        : `^(?:export )?(?:abstract )?class ${first}\\b`;
      const found = [...source.matchAll(new RegExp(pattern, "gm"))];
      assertEquals(found.length, 1, `${name} of ${module}`);
    }
    assertEquals(new Set(names).size, names.length, module);
  }
});
