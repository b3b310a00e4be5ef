/**
 * How a reply is shown: as it is, as a dump, or as words.
 *
 * @module
 */
import { concat } from "../../bytes/mod.ts";
import { readU32 } from "../../bytes/integers.ts";
import type { Paint } from "../format/color.ts";
import { dumpLines } from "../format/preview.ts";
import type { Output } from "../io.ts";

/** Ways to show a reply. */
export const REPLY_FORMS = ["raw", "hex", "words"] as const;

/** One of the ways. */
export type ReplyForm = (typeof REPLY_FORMS)[number];

const LINE_BYTES = 16;
const WORDS_A_LINE = 8;

/** Writes what comes of a reply, line by line where it is for people. */
export class ReplyOutput {
  readonly #output: Output;
  readonly #form: ReplyForm;
  readonly #paint: Paint;
  #rest: Uint8Array = new Uint8Array(0);
  #shown = 0;

  /** Writes to `output`. */
  constructor(output: Output, form: ReplyForm, paint: Paint) {
    this.#output = output;
    this.#form = form;
    this.#paint = paint;
  }

  /** More has come; resolves when there is room for more. */
  async push(bytes: Uint8Array): Promise<void> {
    if (this.#form === "raw") return void await this.#output.write(bytes);
    const all = concat([this.#rest, bytes]);
    const unit = this.#form === "hex" ? LINE_BYTES : 4 * WORDS_A_LINE;
    const whole = all.length - all.length % unit;
    this.#rest = all.slice(whole);
    await this.#show(all.subarray(0, whole));
  }

  /** That was all. */
  async end(): Promise<void> {
    if (this.#form !== "raw") await this.#show(this.#rest);
  }

  async #show(bytes: Uint8Array): Promise<void> {
    if (bytes.length === 0) return;
    const lines = this.#form === "words" ? wordLines(bytes) : [...dumpLines(bytes, Infinity, this.#paint)];
    const shown = this.#form === "words" ? lines : lines.map((line, index) => {
      const offset = (this.#shown + LINE_BYTES * index).toString(16).padStart(6, "0");
      return line.replace(/[0-9a-f]{6}/, offset);
    });
    this.#shown += bytes.length;
    await this.#output.write(`${shown.join("\n")}\n`);
  }
}

/** Signed words in decimal, so many a line; bytes that make no word in hexadecimal. */
export function wordLines(bytes: Uint8Array): string[] {
  const words: string[] = [];
  const whole = bytes.length - bytes.length % 4;
  for (let at = 0; at < whole; at += 4) words.push(String(readU32(bytes, at) | 0));
  if (whole < bytes.length) {
    words.push(`0x${[...bytes.subarray(whole)].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`);
  }
  const lines: string[] = [];
  for (let at = 0; at < words.length; at += WORDS_A_LINE) lines.push(words.slice(at, at + WORDS_A_LINE).join(" "));
  return lines;
}
