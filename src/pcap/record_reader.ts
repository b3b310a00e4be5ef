/**
 * Layer pcap, engine: what the reader of a format offers to the one that cuts chunks into records.
 *
 * @module
 */

/** Reads the records of one format. Errors go to the shared state; after one, nothing more is asked. */
export interface RecordReader {
  /**
   * Takes all whole records in `bytes` from `at` to its end and returns where it stopped: at the end, at the start of
   * a record that is not whole, or of one that is wrong. `base` is the offset of `bytes[0]` in the capture.
   */
  read(bytes: Uint8Array, at: number, base: number): number;
  /**
   * Length of the record at `at`, of which `bytes` has what lies before `end`. Where those bytes do not tell: how many
   * are needed to know more, as a negative number. 0 after an error. Needs no byte to be there.
   */
  measure(bytes: Uint8Array, at: number, end: number, offset: number): number;
  /**
   * How many bytes at the front of the record at `at`, whose length is known, need not be looked at and may be passed
   * over without `read` ever seeing the record; the rest of it goes to {@linkcode finishSkipped}. 0 for a record that
   * is wanted.
   */
  skippable(bytes: Uint8Array, at: number, length: number): number;
  /** Checks what is left of a record after `skippable` bytes of it. */
  finishSkipped(rest: Uint8Array, length: number, offset: number): void;
}
