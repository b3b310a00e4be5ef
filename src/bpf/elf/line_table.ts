/**
 * Source lines of instructions, from `.BTF.ext`: good for messages, never needed. What is malformed in it is left out.
 *
 * @module
 */
import { BpfError } from "../errors.ts";
import type { SourceLine } from "../program.ts";
import type { Btf } from "./btf.ts";
import { ByteView } from "./byte_view.ts";

/** Most lines that are kept. */
const MAX_LINES = 65_536;

/** One record: where in the code, and where in the source. */
interface LineRecord {
  readonly slot: number;
  readonly fileAt: number;
  readonly textAt: number;
  readonly position: number;
}

/** The source lines of an object. */
export class LineTable {
  /** By section and slot: of several for one slot the last counts. */
  readonly #sections = new Map<string, Map<number, LineRecord>>();
  readonly #btf: Btf | undefined;

  /** Reads the section; without it or without BTF there are no lines. */
  constructor(bytes: Uint8Array | undefined, btf: Btf | undefined) {
    this.#btf = btf;
    if (bytes === undefined || btf === undefined) return;
    try {
      this.#read(new ByteView(bytes, ".BTF.ext", "the line information"), btf);
    } catch (error) {
      if (!(error instanceof BpfError)) throw error;
    }
  }

  /** Lines of the instructions from `slot` on, their slots counted from there. */
  of(section: string, slot: number, slots: number): SourceLine[] {
    const records = this.#sections.get(section);
    const lines: SourceLine[] = [];
    for (let at = slot; records !== undefined && at < slot + slots; at++) {
      const record = records.get(at);
      if (record !== undefined) lines.push(...this.#line(record, slot));
    }
    return lines;
  }

  #line(record: LineRecord, from: number): SourceLine[] {
    try {
      const file = this.#btf!.string(record.fileAt);
      const text = this.#btf!.string(record.textAt).trim();
      return [{ slot: record.slot - from, file, line: record.position >>> 10, column: record.position & 1023, text }];
    } catch (error) {
      if (error instanceof BpfError) return [];
      throw error;
    }
  }

  #read(view: ByteView, btf: Btf): void {
    if (view.u16(0) !== 0xeb9f) view.refuse("the magic number of BTF is missing", 0);
    const start = view.u32(4) + view.u32(16);
    const table = new ByteView(view.slice(start, view.u32(20), "the lines"), ".BTF.ext", "the lines");
    const recordBytes = table.u32(0);
    if (recordBytes < 16) table.refuse(`records of ${recordBytes} bytes are too short`, 0);
    let total = 0;
    for (let at = 4; at < table.bytes.length;) {
      const section = btf.string(table.u32(at));
      const count = table.u32(at + 4);
      at += 8;
      // A section without lines counts as well: its name was read.
      total += count + 1;
      if (total > MAX_LINES) return;
      const records = this.#sections.get(section) ?? new Map<number, LineRecord>();
      this.#sections.set(section, records);
      for (let i = 0; i < count; i++, at += recordBytes) {
        const slot = table.u32(at) / 8;
        records.set(slot, { slot, fileAt: table.u32(at + 4), textAt: table.u32(at + 8), position: table.u32(at + 12) });
      }
    }
  }
}
