/**
 * Layered network protocols as web streams: packets, segments, byte streams, messages, channels.
 *
 * Everything that the subpaths export, in one place. Each layer is a `{readable, writable}` stage for `pipeThrough`
 * and can be imported alone from its subpath: `./pcap`, `./packet`, `./flow`, `./strparser`, `./kcm`, and what they
 * share from `./stream`.
 *
 * @module
 */
export * as bpf from "./src/bpf/mod.ts";
export * from "./src/flow/mod.ts";
export * from "./src/kcm/mod.ts";
export * as l3l4 from "./src/l3l4/mod.ts";
export * from "./src/packet/mod.ts";
export * from "./src/pcap/mod.ts";
export * as rxrpc from "./src/rxrpc/mod.ts";
export * from "./src/stream/mod.ts";
export * from "./src/strparser/mod.ts";
export * from "./src/strparser/parsers/mod.ts";
export * from "./src/tsocket/mod.ts";
export * as xdr from "./src/xdr/mod.ts";
