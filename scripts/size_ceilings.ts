/**
 * What a bundle of each subpath may weigh and carry. Raise a ceiling only together with a reason in the change that
 * needs it.
 *
 * @module
 */

/** Limits of one subpath. */
export interface Ceiling {
  /** Bytes of the bundle, minified and compressed by gzip at level 9. */
  gzipBytes: number;
  /** Folders of `src` that may have bytes in the bundle, besides `bytes`, `core` and `stream`; files are possible. */
  carries: readonly string[];
}

/** Folders that every subpath may carry. */
export const common: readonly string[] = ["src/bytes/", "src/core/", "src/stream/"];

/** The ceilings by subpath. */
export const ceilings: Readonly<Record<string, Ceiling>> = {
  ".": {
    gzipBytes: 325_500,
    carries: [
      "mod.ts",
      "src/bpf/",
      "src/pcap/",
      "src/packet/",
      "src/flow/",
      "src/strparser/",
      "src/kcm/",
      "src/l3l4/",
      "src/rxrpc/",
      "src/tsocket/",
      "src/xdr/",
    ],
  },
  "./stream": { gzipBytes: 5_000, carries: [] },
  "./pcap": { gzipBytes: 13_000, carries: ["src/pcap/", "src/packet/packet.ts"] },
  "./packet": { gzipBytes: 20_000, carries: ["src/packet/"] },
  "./flow": { gzipBytes: 15_000, carries: ["src/flow/", "src/packet/"] },
  "./l3l4": { gzipBytes: 80_000, carries: ["src/l3l4/", "src/packet/", "src/tsocket/"] },
  "./strparser": { gzipBytes: 15_000, carries: ["src/strparser/"] },
  "./parsers": { gzipBytes: 39_000, carries: ["src/strparser/"] },
  "./kcm": { gzipBytes: 36_500, carries: ["src/kcm/", "src/strparser/"] },
  "./bpf": { gzipBytes: 80_000, carries: ["src/bpf/", "src/strparser/parser.ts"] },
  "./xdr": { gzipBytes: 5_000, carries: ["src/xdr/"] },
  "./rxrpc": { gzipBytes: 48_500, carries: ["src/rxrpc/", "src/tsocket/", "src/packet/address.ts"] },
  "./tsocket": { gzipBytes: 30_000, carries: ["src/tsocket/", "src/packet/address.ts"] },
  "./node": { gzipBytes: 34_000, carries: ["src/tsocket/", "src/packet/address.ts"] },
  "./deno": { gzipBytes: 40_000, carries: ["src/tsocket/", "src/packet/address.ts"] },
  "./bun": { gzipBytes: 35_000, carries: ["src/tsocket/", "src/packet/address.ts"] },
  // the stage that impairs brings the adapter of `stream` along
  "./testing": { gzipBytes: 8_000, carries: ["src/sim/"] },
};

/** Single exports of the root module, and what an import of one of them alone may carry (`sideEffects: false`). */
export const shaken: Readonly<Record<string, Ceiling>> = {
  CaptureStream: { gzipBytes: 10_000, carries: ["src/pcap/", "src/packet/packet.ts"] },
  SegmentStream: { gzipBytes: 12_000, carries: ["src/packet/"] },
  FlowStream: { gzipBytes: 15_000, carries: ["src/flow/", "src/packet/"] },
  MessageStream: { gzipBytes: 9_000, carries: ["src/strparser/"] },
  lengthPrefix: { gzipBytes: 1_500, carries: ["src/strparser/"] },
  // a thousand more for sends that wait for their reply
  Multiplexor: { gzipBytes: 31_000, carries: ["src/kcm/", "src/strparser/"] },
};
