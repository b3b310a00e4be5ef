/**
 * What the bare runtime takes for a part of a first load: the sections of an object are walked through, each slot of its
 * program is looked at once, and the finished JavaScript of it is compiled and run. Nothing is checked, no memory and no
 * map is made, the text is not written. Prints milliseconds.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import process from "node:process";

const folder = new URL("../tests/bpf/data/c14-v3-g/", import.meta.url);
const file = readFileSync(new URL("04_postgres_backend.o", folder));
const text = process.argv[2]!;
const message = new Uint8Array(64);
const startedAt = performance.now();
const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
const table = view.getUint32(40, true), count = view.getUint16(60, true);
let known = 0, slots = 0;
for (let index = 0; index < count; index++) {
  const at = table + 64 * index, start = view.getUint32(at + 24, true), size = view.getUint32(at + 32, true);
  if ((view.getUint32(at + 8, true) & 4) === 0) continue;
  for (let slot = start; slot < start + size; slot += 8, slots++) if ((view.getUint8(slot) & 7) > 3) known++;
}
const result = new Function(text)()(message, 0, message.length);
const ms = performance.now() - startedAt;
if (typeof result !== "number" || known === 0 || known > slots) throw new Error("the program has no result");
console.log(ms.toFixed(3));
