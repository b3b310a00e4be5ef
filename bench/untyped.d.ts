/** Packages of the benchmarks that bring no types. */

declare module "length-prefixed-stream" {
  const streams: { decode(options: { limit: number }): import("node:stream").Transform };
  export default streams;
}

declare module "split2" {
  export default function split2(): import("node:stream").Transform;
}
