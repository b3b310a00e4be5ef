/**
 * Which declaration files a user's compiler can get to.
 *
 * @module
 */
import { dirname, join } from "node:path/posix";
import { importsOf } from "./imports.ts";

/** The declaration files that those given lead to, themselves included; `read` gives the text of one. */
export function reachableDeclarations(entries: readonly string[], read: (path: string) => string): Set<string> {
  const reached = new Set<string>();
  const next = [...entries];
  for (let path = next.pop(); path !== undefined; path = next.pop()) {
    if (reached.has(path)) continue;
    reached.add(path);
    for (const { specifier } of importsOf(read(path))) {
      if (specifier.startsWith(".")) next.push(join(dirname(path), specifier.replace(/\.[jt]s$/, ".d.ts")));
    }
  }
  return reached;
}
