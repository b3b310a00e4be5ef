/** Packages of the benchmarks that bring no types; both are CommonJS. */

declare module "length-prefixed-stream" {
  const streams: { decode(options: { limit: number }): import("node:stream").Transform };
  export = streams;
}

declare module "split2" {
  function split2(): import("node:stream").Transform;
  export = split2;
}
