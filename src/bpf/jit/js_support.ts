/**
 * Functions that compiled JavaScript calls where a few expressions are not enough. They are text because compiled code
 * must also stand alone, in a module.
 *
 * @module
 */
import { lowestFrame } from "../own_memory.ts";

const texts: Readonly<Record<string, string>> = {
  negative: `function negative(t) {
return t >= -0x100000 ? t + 0x100000 : -1;
}`,
};

/** `A` gives the address of a load, `S` of a store, if the program may touch it: `M` knows, frames are found at once. */
function check(name: "A" | "S", frameTop: number, functions: number): string {
  return `function ${name}(low, high, offset, size, slot) {
const at = low + offset;
if (high === 0 && at >= ${lowestFrame(frameTop, functions)} && at <= ${frameTop} - size) return at;
if (high === 0 && M(at, size, ${name === "S"})) return at;
throw { code: "EFAULT", slot, isReadable: ${name === "S" ? "high === 0 && M(at, size, false)" : "false"} };
}`;
}

const joined = `function big(low, high) {
return BigInt(high) << BigInt(32) | BigInt(low >>> 0);
}
function halves(value) {
H = Number(BigInt.asIntN(32, value >> BigInt(32)));
return Number(BigInt.asIntN(32, value));
}`;

function division(name: "div" | "mod" | "sdiv" | "smod"): string {
  const isSigned = name.startsWith("s"), isDivision = name.endsWith("div");
  const sign = isDivision ? "/" : "%";
  const value = (part: "a" | "b") => isSigned ? `big(${part}, ${part}h)` : `BigInt.asUintN(64, big(${part}, ${part}h))`;
  const small = isSigned ? "ah === a >> 31 && bh === b >> 31" : "ah === 0 && bh === 0";
  const quick = isSigned
    ? `const r = Math.trunc(a ${sign} b); H = r < 0 ? -1 : 0; return r | 0;`
    : `H = 0; return (a >>> 0) ${sign} (b >>> 0) | 0;`;
  return `function ${name}64(a, ah, b, bh) {
if (b === 0 && bh === 0) { ${isDivision ? "H = 0; return 0;" : "H = ah; return a;"} }
if (${small}) { ${quick} }
return halves(${value("a")} ${sign} ${value("b")});
}`;
}

/** The definitions of the support functions among the names. */
export function supportText(names: ReadonlySet<string>, frameTop: number, functions: number): string[] {
  const parts = Object.entries(texts).filter(([name]) => names.has(name)).map(([, text]) => text);
  for (const name of ["A", "S"] as const) if (names.has(name)) parts.push(check(name, frameTop, functions));
  const divisions = (["div", "mod", "sdiv", "smod"] as const).filter((name) => names.has(`${name}64`));
  return divisions.length === 0 ? parts : [...parts, joined, ...divisions.map(division)];
}
