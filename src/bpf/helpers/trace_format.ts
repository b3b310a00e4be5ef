/**
 * The format of `trace_printk`: `%d %i %u %x %c %p`, with `l` or `ll` for 64 bits, and `%%`.
 *
 * Not here: `%s`. It names an address that nobody has verified, so a program could print memory that is not its own.
 *
 * @module
 */

/** Fills a format; `undefined` where it asks for what there is not. */
export function formatTrace(format: string, values: Int32Array): string | undefined {
  let next = 0;
  let isWrong = false;
  const line = format.replace(/%(?:%|(-?0?\d{0,2})(ll?|h{0,2})([a-zA-Z]?))/g, (all, padding, length, kind) => {
    if (all === "%%") return "%";
    if (next + 1 >= values.length || !/^[diuxXcp]$/.test(kind)) {
      isWrong = true;
      return "";
    }
    const low = values[next]!;
    const value = BigInt(values[next + 1]!) << 32n | BigInt(low >>> 0);
    next += 2;
    if (kind === "c") return String.fromCharCode(low & 255);
    return pad(inBase(kind, length.startsWith("l") || kind === "p", value, low), padding);
  });
  return isWrong ? undefined : line;
}

function inBase(kind: string, isLong: boolean, value: bigint, low: number): string {
  const isSigned = kind === "d" || kind === "i";
  const number = isLong
    ? (isSigned ? BigInt.asIntN(64, value) : BigInt.asUintN(64, value))
    : isSigned
    ? low
    : low >>> 0;
  if (kind === "X") return number.toString(16).toUpperCase();
  return number.toString(kind === "x" || kind === "p" ? 16 : 10);
}

function pad(text: string, padding: string): string {
  const width = Math.abs(Number(padding));
  if (padding.startsWith("-")) return text.padEnd(width);
  return text.padStart(width, padding.startsWith("0") ? "0" : " ");
}
