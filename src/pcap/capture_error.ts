/**
 * The error of the capture file layer.
 *
 * @module
 */
import { LeatError, type LeatErrorOptions } from "../core/errors.ts";

/** What a {@linkcode CaptureError} is made of. */
export interface CaptureErrorOptions extends Omit<LeatErrorOptions, "layer"> {
  /** How many bytes a cut record lacks, with code `ETRUNCATED`. */
  missing?: number | undefined;
}

/**
 * A capture file that cannot be read on, or a packet that cannot be written.
 *
 * Codes when reading, all with blame `remote`: `ETRUNCATED` (the input ends inside a record, see
 * {@linkcode CaptureError.missing}), `ENOTSUP` (not a capture, or a kind of capture that is not read), `EPROTO` (a
 * record that breaks the format), `EMSGSIZE` (a record longer than a limit), `ENOBUFS` (more interfaces than a limit).
 * When writing, with blame `local`: `EINVAL` (the packet does not fit the file's format). `EBUSY`, with blame `local`,
 * is thrown when an engine is called from its own callback.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { CaptureError, CaptureStream } from "@leat/streams/pcap";
 *
 * const cut = new Blob([Uint8Array.of(0xd4, 0xc3, 0xb2, 0xa1, 2, 0)]).stream();
 * try {
 *   for await (const packet of cut.pipeThrough(new CaptureStream())) console.log(packet.number);
 * } catch (error) {
 *   if (!(error instanceof CaptureError)) throw error;
 *   assertEquals([error.code, error.offset, error.missing], ["ETRUNCATED", 0, 18]);
 * }
 * ```
 */
export class CaptureError extends LeatError {
  /** Name of the class. */
  override readonly name: string = "CaptureError";
  /**
   * With code `ETRUNCATED`: how many bytes are missing behind the end of the input. Where the cut goes through the
   * head of a record, whose length is not known then, those of the head alone.
   */
  readonly missing: number | undefined;

  /** Makes an error of the capture file layer. */
  constructor(message: string, options: CaptureErrorOptions) {
    super(message, { ...options, layer: "pcap" });
    this.missing = options.missing;
  }
}

/**
 * Refuses input from within a callback of the sink: it would have its place in the middle of what is being read.
 *
 * @throws {CaptureError} `EBUSY` when `isBusy`
 */
export function refuseReentry(isBusy: boolean): void {
  if (isBusy) throw new CaptureError("the engine was called from its own callback", { code: "EBUSY", blame: "local" });
}
