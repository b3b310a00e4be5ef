/**
 * Packet bytes in JavaScript, read where they are: `p` from `s`, `n` of them.
 *
 * @module
 */
import { filledBytes, type FrameField } from "./frame_fields.ts";
import { type AccessRules, fieldName } from "./js_access.ts";
import { isDigits, type JsWriter } from "./js_writer.ts";
import type { Operand } from "./operations.ts";
import { packetOffset } from "./packet_offset.ts";
import { maxOf } from "./values.ts";

/** Where a packet byte is, counted from `start`, which is digits or a name. */
function place(start: string, byte: number): string {
  if (isDigits(start)) {
    const offset = Number(start) + byte;
    return offset === 0 ? "p[s]" : `p[s + ${offset}]`;
  }
  return byte === 0 ? `p[${start}]` : `p[${start} + ${byte}]`;
}

/** Bytes in the order of the network, from `start` on, which is digits or a name. */
export function bigEndian(start: string, size: number): string {
  let text = place(start, size - 1);
  for (let byte = size - 2, shift = 8; byte >= 0; byte--, shift += 8) {
    text = `${place(start, byte)} << ${shift} | ${text}`;
  }
  return text;
}

function littleEndian(start: string, byte: number, size: number): string {
  const parts = Array.from({ length: size }, (_, at) => {
    const value = place(start, byte + at);
    return at === 0 ? value : `${value} << ${8 * at}`;
  });
  return parts.join(" | ");
}

/** Writes a load of packet bytes; `leave` is the statement that ends the function when they are not there. */
export function writePacketLoad(writer: JsWriter, at: Operand, leave: string): void {
  const size = at.bits >> 3;
  if (at.operation === "ldabs") {
    const offset = packetOffset(at.imm);
    writer.line(offset < 0 ? leave : `if (n < ${offset + size}) ${leave}`);
    if (offset >= 0) writer.set(0, bigEndian(String(offset), size), "0");
    return;
  }
  const isPositive = at.imm >= 0 && maxOf(writer.values[at.src]!) + at.imm <= 0x7fff_ffff;
  writer.line(`t = ${writer.low(at.src)} + ${at.imm} | 0;`);
  if (!isPositive) writer.line(`if (t < 0 && (t = ${writer.use("negative")}(t)) < 0) ${leave}`);
  writer.line(`if (t > n - ${size}) ${leave}`);
  writer.line("t = t + s | 0;");
  writer.set(0, bigEndian("t", size), "0");
}

/** Writes `skb_load_bytes` into the frame, when its size is a constant; tells whether it did. */
export function writeFill(writer: JsWriter, rules: AccessRules): boolean {
  const filled = filledBytes(writer.values);
  if (filled === undefined || rules.isChecked) return false;
  const offset = writer.values[2]!;
  const isConstant = offset.kind === "constant" && offset.low >= 0;
  const start = isConstant ? String(offset.low) : "t";
  if (!isConstant) writer.line(`t = ${writer.low(2)};`);
  const isThere = isConstant ? `n >= ${offset.low + filled.size}` : `t >= 0 && t <= n - ${filled.size}`;
  writer.line(`if (${isThere}) {`);
  if (!isConstant) writer.line("t = t + s | 0;");
  writeFilled(writer, rules, filled, start);
  writer.assign("l0", "0");
  writer.assign("h0", "0");
  writer.line("} else {");
  writeFilled(writer, rules, filled, undefined);
  writer.assign("l0", "-14");
  writer.assign("h0", "-1");
  writer.line("}");
  return true;
}

/** Fields take their bytes from the packet, or zeros; what lives in memory goes there byte by byte. */
function writeFilled(writer: JsWriter, { fields }: AccessRules, filled: FrameField, start: string | undefined): void {
  const end = filled.offset + filled.size;
  for (const { offset, size } of fields.fields) {
    if (offset < filled.offset || offset >= end) continue;
    writer.assign(
      fieldName(offset, size),
      start === undefined ? "0" : littleEndian(start, offset - filled.offset, size),
    );
  }
  for (const offset of fields.inMemory(filled.offset, filled.size)) {
    const value = start === undefined ? "0" : place(start, offset - filled.offset);
    writer.line(`${writer.use("U")}[${writer.frameAddress(offset)}] = ${value};`);
  }
}
