/**
 * Helpers as text, for programs that are compiled ahead of time and stand alone. They do what those of the machine do.
 *
 * In their reach: `V`, `U` and `W` (the memory), `G` (high halves), `X` (the message), `I` (the maps). Time and chance come
 * from `host`, which the module exports where the program asks for any: who wants others puts his own functions there.
 *
 * @module
 */

/** Sets the high half of a result and gives its low half. */
const result = `const result = (value) => {
  G[0] = Math.floor(value / 4294967296);
  return value | 0;
};`;

const load = `const load = (offset, to, length) => {
  const isThere = offset >= 0 && length >= 0 && offset + length <= X.end - X.start;
  if (!isThere) U.fill(0, to, to + (length >>> 0));
  else for (let i = 0; i < length; i++) U[to + i] = X.bytes[X.start + offset + i];
  return result(isThere ? 0 : -14);
};`;

const element = `const element = (map, key) => {
  const { address, stride, entries } = I[map - 256];
  const index = V.getUint32(key, true);
  return index < entries ? address + index * stride : 0;
};`;

const update = `const update = (map, key, value, flags, flagsHigh) => {
  if (flagsHigh !== 0 || flags < 0 || flags > 2) return -22;
  const at = element(map, key);
  if (at === 0) return -7;
  if (flags === 1) return -17;
  U.copyWithin(at, value, value + I[map - 256].size);
  return 0;
};`;

const host = `/** Time in milliseconds and 32 random bits, for the program; may be replaced. */
export const host = {
  now: () => performance.now(),
  wallNow: () => Date.now(),
  random: () => Math.floor(Math.random() * 4294967296),
};`;

const nanoseconds = "() => result(Math.round(host.now() * 1e6))";

const texts: Readonly<Record<number, string>> = {
  1: "(m, mh, key) => result(element(m, key))",
  2: "(m, mh, key, kh, value, vh, flags, fh) => result(update(m, key, value, flags, fh))",
  3: "() => result(-22)",
  5: nanoseconds,
  6: "() => result(0)",
  7: "() => result(host.random() >>> 0)",
  8: "() => result(0)",
  14: "() => result(0)",
  15: "() => result(0)",
  26: "(c, ch, offset, oh, to, th, length) => load(offset, to, length)",
  42: "() => result(0)",
  46: "() => result(0)",
  47: "() => result(0)",
  68: "(c, ch, offset, oh, to, th, length, lh, from) => load(from === 0 || from === 1 ? offset : -1, to, length)",
  93: "() => result(0)",
  94: "() => result(0)",
  118: "() => result(Math.floor(host.now() / 4))",
  125: nanoseconds,
  160: nanoseconds,
  177: "() => result(0)",
  208: "() => result(Math.round(host.wallNow() * 1e6))",
};

/** Whether a program that stands alone can have a helper. */
export function hasModuleHelper(number: number): boolean {
  return number in texts;
}

/** Definitions of helpers, as `k26`, with what they need. */
export function moduleHelpers(numbers: readonly number[]): string {
  if (numbers.length === 0) return "";
  const own = numbers.map((number) => `const k${number} = ${texts[number]!};`);
  const asksHost = own.some((text) => text.includes("host."));
  return [result, load, element, update, ...(asksHost ? [host] : []), ...own].join("\n");
}
