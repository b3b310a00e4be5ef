/**
 * Bytes without a protocol: joining, comparing, searching, integers, checksums, sequence numbers, ropes. Internal.
 *
 * `concat`, `equals` and `indexOfNeedle` have the names and semantics of `@std/bytes`.
 *
 * @module
 */
export { checksumAdd, checksumFinish, internetChecksum } from "./checksum.ts";
export { ChunkQueue } from "./chunk_queue.ts";
export { concat } from "./concat.ts";
export { copyInto } from "./copy_into.ts";
export { equals } from "./equals.ts";
export { fromHex, toHex } from "./hex.ts";
export { indexOfNeedle } from "./index_of_needle.ts";
export {
  readU16,
  readU16le,
  readU24,
  readU24le,
  readU32,
  readU32le,
  writeU16,
  writeU16le,
  writeU24,
  writeU32,
  writeU32le,
} from "./integers.ts";
export { seqAdd, seqDiff, seqInWindow, seqLess, seqLessOrEqual, seqMax } from "./sequence.ts";
export { ShortCopies } from "./short_copies.ts";
