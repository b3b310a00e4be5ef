/**
 * The error of the flow layer.
 *
 * @module
 */
import { LeatError, type LeatErrorOptions } from "../core/errors.ts";
import type { Gap } from "./sink.ts";

/**
 * A captured direction that cannot go on. Codes: `EGAP` (bytes were never captured; see {@linkcode FlowError.gap}),
 * `ENOBUFS` (its flow was forgotten to stay within `maxFlows`); and `EBUSY`, thrown when the engine is called from its
 * own callback. On streams of a stage also `ECANCELED`: its flows were cancelled before.
 *
 * @example
 * ```ts
 * import { FlowError } from "@leat/streams/flow";
 * import { assertEquals } from "@std/assert";
 *
 * function report(error: unknown): string {
 *   if (!(error instanceof FlowError) || error.gap === undefined) throw error;
 *   return `${error.gap.length} bytes missing at ${error.gap.offset}`;
 * }
 * const gap = { offset: 100, length: 20 };
 * assertEquals(report(new FlowError("lost", { code: "EGAP", blame: "remote", gap })), "20 bytes missing at 100");
 * ```
 */
export class FlowError extends LeatError {
  /** Name of the class. */
  override readonly name: string = "FlowError";
  /** The missing bytes, with code `EGAP`. */
  readonly gap: Gap | undefined;

  /** Makes an error of the flow layer. */
  constructor(message: string, options: Omit<LeatErrorOptions, "layer"> & { gap?: Gap }) {
    super(message, { ...options, layer: "flow" });
    this.gap = options.gap;
  }
}
