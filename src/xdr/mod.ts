/**
 * XDR, the external data representation of RFC 4506: types as values, made of each other; what Rx, NFS and other remote
 * procedure calls put their arguments into. {@linkcode xdrParser} finds values in a byte stream as they come.
 *
 * @module
 */
export { decodeXdr, encodeXdr, xdrParser } from "./codec.ts";
export {
  array,
  fixedArray,
  lazy,
  list,
  optional,
  struct,
  type StructValue,
  union,
  type UnionValue,
} from "./composites.ts";
export { XdrError } from "./errors.ts";
export type { XdrMeasure } from "./measure.ts";
export { fixedOpaque, opaque, string } from "./octets.ts";
export { bool, double, enumeration, float, hyper, int, nothing, uhyper, uint } from "./primitives.ts";
export { XdrReader } from "./reader.ts";
export { XdrWriter } from "./writer.ts";
export type { XdrType, XdrValue } from "./xdr_type.ts";
