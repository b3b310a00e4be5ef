/**
 * Aligned tables: rows all at once, or one by one while they come.
 *
 * Not here: borders, wrapping, colours of its own beyond the dim head.
 *
 * @module
 */
import { type Paint, plain } from "./color.ts";
import { clip, pad, textWidth } from "./width.ts";

/** One column. */
export interface Column {
  /** Its head. */
  readonly title: string;
  /** Where texts narrower than the column stand. @default {"left"} */
  readonly align?: "left" | "right" | undefined;
  /** Least width in columns of the terminal, beside the title's. @default {0} */
  readonly least?: number | undefined;
  /** Colours a cell after it was aligned. */
  readonly paint?: ((text: string, row: readonly string[]) => string) | undefined;
}

/** How a table is laid out. */
export interface TableOptions {
  /** Columns of the terminal: longer lines are cut in their last cell. @default {Infinity} */
  readonly width?: number | undefined;
  /** Colours. @default {plain} */
  readonly paint?: Paint | undefined;
  /** In front of each line. @default {""} */
  readonly indent?: string | undefined;
}

const GAP = "  ";

/**
 * A table whose rows may come one by one. Columns are as wide as their widest cell so far, so rows fitted beforehand
 * ({@linkcode Table.fit}) line up exactly, and those that come later line up until one is wider than all before.
 */
export class Table {
  readonly #columns: readonly Column[];
  readonly #widths: number[];
  readonly #width: number;
  readonly #paint: Paint;
  readonly #indent: string;

  /** A table without rows. */
  constructor(columns: readonly Column[], options: TableOptions = {}) {
    this.#columns = columns;
    this.#widths = columns.map((column) => Math.max(textWidth(column.title), column.least ?? 0));
    this.#width = options.width ?? Infinity;
    this.#paint = options.paint ?? plain;
    this.#indent = options.indent ?? "";
  }

  /** Widens the columns for these rows. */
  fit(rows: Iterable<readonly string[]>): void {
    for (const row of rows) this.#widen(row);
  }

  /** The line of heads. */
  head(): string {
    const cells = this.#columns.map((column) => column.title);
    return this.#paint("dim", this.#line(cells, false));
  }

  /** The line of one row: a text for each column. The last one may hold colours if it fits ({@linkcode Table.room}). */
  row(cells: readonly string[]): string {
    this.#widen(cells);
    return this.#line(cells, true);
  }

  /** Columns of the terminal that are left for the last cell. */
  get room(): number {
    let taken = textWidth(this.#indent);
    for (let i = 0; i < this.#columns.length - 1; i++) taken += this.#widths[i]! + GAP.length;
    return Math.max(0, this.#width - taken);
  }

  #widen(cells: readonly string[]): void {
    const last = this.#columns.length - 1;
    for (let i = 0; i <= last; i++) {
      // nothing is to be filled up behind the last cell
      if (i === last && this.#columns[i]!.align !== "right") continue;
      this.#widths[i] = Math.max(this.#widths[i]!, textWidth(cells[i] ?? ""));
    }
  }

  #line(cells: readonly string[], isColored: boolean): string {
    let line = this.#indent;
    const last = this.#columns.length - 1;
    this.#columns.forEach((column, i) => {
      let cell = cells[i] ?? "";
      if (i === last && textWidth(cell) > this.room) cell = clip(cell, this.room);
      // nothing to fill up at the end of a line
      if (i < last || column.align === "right") cell = pad(cell, this.#widths[i]!, column.align);
      if (isColored && column.paint !== undefined) cell = column.paint(cell, cells);
      line += i < last ? cell + GAP : cell;
    });
    return line.trimEnd();
  }
}

/** The lines of a whole table, head first. */
export function tableLines(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  options: TableOptions = {},
): string[] {
  const table = new Table(columns, options);
  table.fit(rows);
  return [table.head(), ...rows.map((row) => table.row(row))];
}
