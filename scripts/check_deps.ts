/**
 * Checks the direction of imports, the absence of cycles and what engines must not use, from the real source.
 *
 * @module
 */
import { Checks } from "./lib/checks.ts";
import { judge } from "./lib/deps.ts";
import { exists, filesUnder, read } from "./lib/repo.ts";

const paths = filesUnder("src", (path) => path.endsWith(".ts"));
if (exists("mod.ts")) paths.push("mod.ts");
const { direction, cycles, purity } = judge(Object.fromEntries(paths.map((path) => [path, read(path)])));

const checks = new Checks();
checks.note(`direction of imports of ${paths.length} files`, direction);
checks.note("no cycles", cycles);
checks.note("engines without timers, clock, randomness, console, promises and streams", purity);
checks.finish();
