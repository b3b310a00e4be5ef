/** The peer of the tests brings no types. */

declare module "js-xdr" {
  // deno-lint-ignore no-explicit-any
  type Any = any;
  const peer: {
    config(define: (types: Any) => void): Record<string, Any>;
    UnsignedHyper: new (value: bigint) => unknown;
  };
  export = peer;
}
