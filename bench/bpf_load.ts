/**
 * Loads, verifies and compiles one object, the first in this process, runs it once and prints how many milliseconds that
 * took. Arguments: the back end, the sample program. For WebAssembly, the process has compiled an empty module before.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import process from "node:process";
import { BpfMachine, loadObject } from "../src/bpf/mod.ts";

const [backend = "js", program = "04_postgres_backend"] = process.argv.slice(2);
const file = readFileSync(new URL(`../tests/bpf/data/c14-v3-g/${program}.o`, import.meta.url));
if (backend === "wasm") new WebAssembly.Instance(new WebAssembly.Module(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0)));
const message = new Uint8Array(64);
const startedAt = performance.now();
const machine = new BpfMachine(loadObject(file).program(), { backend: backend as "js" | "wasm" | "interpreter" });
const result = machine.run(message);
const ms = performance.now() - startedAt;
if (typeof result !== "number") throw new Error("the program has no result");
console.log(ms.toFixed(3));
