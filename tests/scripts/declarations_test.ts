// What the npm package leaves out must be what no compiler asks for.
import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { reachableDeclarations } from "../../scripts/lib/declarations.ts";

test("declarations are reached by imports, re-exports and types in place, round and round; others are not", () => {
  const files: Record<string, string> = {
    "dist/mod.d.ts": 'export * from "./src/a/mod.ts";\nexport type { B } from "./src/b.js";\n',
    "dist/src/a/mod.d.ts": 'export declare const one: import("./one.ts").One;\nimport "../side.ts";\n',
    "dist/src/a/one.d.ts": 'import type {\n  B,\n} from "../b.ts";\nexport interface One extends B {}\n',
    "dist/src/b.d.ts": '/** As in `import "./comment.ts"`. */\nexport * from "node:net";\nexport * from "../mod.ts";\n',
    "dist/src/side.d.ts": "export {};\n",
    "dist/src/alone.d.ts": 'export * from "./b.ts";\n',
  };
  const reached = reachableDeclarations(["dist/mod.d.ts"], (path) => files[path] ?? `missing: ${path}`);
  assertEquals([...reached].sort(), Object.keys(files).filter((path) => path !== "dist/src/alone.d.ts").sort());
});
