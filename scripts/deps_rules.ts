/**
 * Who may import what, as data. The house plan's direction of layers, spelled out so that a script can check it.
 *
 * Every file of `src` has a layer (its folder) and a kind:
 *
 * - `wire`: bytes to values and the contracts that other layers may know,
 * - `engine`: the protocol machine,
 * - `stream`: whatever touches web streams, `mod.ts` included because it re-exports the stages.
 *
 * @module
 */

/** Kinds of files in a layer, from the inside out. */
export type Kind = "wire" | "engine" | "stream";

/** What one layer is made of and what it may import from others. */
export interface LayerRule {
  /** Files (names without folder) that are wire; all others that are no stream files are engine. */
  wire?: RegExp;
  /** Files that are stream files besides `*_stream.ts` and `mod.ts`. */
  stream?: RegExp;
  /** What wire and engine files may import from other layers. */
  engineImports: readonly Target[];
  /** What stream files may import besides. */
  streamImports?: readonly Target[];
  /** Purity: which groups of {@linkcode forbiddenUses} hold for wire and engine files of the layer; all by default. */
  freeOf?: readonly Use[];
  /** The same for its stream files. */
  streamFreeOf?: readonly Use[];
}

/**
 * `"core"`: any file of a layer but stream files, `"packet:wire"`: its wire files only, `"stream:stream"`: its stream
 * files too, `"packet/packet.ts"`: one file, `"type flow/flow.ts"`: one file, by `import type` only, `"*"`: everything.
 */
export type Target = string;

/** Things that may be forbidden in a file. */
export type Use = "timer" | "clock" | "random" | "console" | "promise" | "web stream" | "runtime" | "not everywhere";

const base: Target[] = ["bytes:stream", "core:stream"];
const adapter: Target[] = ["stream:stream"];

/** What a driver of a runtime may import, and that it may use the runtime. */
function runtimeDriver(...others: Target[]): LayerRule {
  return {
    stream: /./,
    engineImports: [],
    streamImports: [...base, "stream/turn.ts", "tsocket:stream", "type rxrpc:wire", ...others],
    streamFreeOf: ["random", "console", "clock", "not everywhere"],
  };
}

/** The layers by folder; the innermost one counts. */
export const layerRules: Readonly<Record<string, LayerRule>> = {
  bytes: { engineImports: [], wire: /./ },
  core: { engineImports: ["bytes:stream"], wire: /./ },
  stream: {
    stream: /./,
    engineImports: [],
    streamImports: base,
  },
  packet: {
    wire: /^(?!.*(decoder|encoder|table|fragments?|segment_options)\.ts$)/,
    engineImports: base,
    streamImports: adapter,
  },
  pcap: {
    wire: /^(errors|options|format|block|link_type|constants)\w*\.ts$/,
    engineImports: [...base, "packet/packet.ts"],
    streamImports: adapter,
  },
  flow: {
    wire: /^(errors|sink|flow_record)\.ts$/,
    stream: /^(flow|direction)\.ts$/,
    engineImports: [...base, "packet:wire"],
    streamImports: adapter,
  },
  strparser: {
    wire: /^(parser|errors)\.ts$/,
    engineImports: base,
    streamImports: [...adapter, "type tsocket/types.ts"],
  },
  bpf: {
    wire: /^(errors|isa|program|map_types|helper_table|check_arguments)\.ts$/,
    engineImports: [...base, "strparser:wire"],
    streamImports: [],
    freeOf: ["timer", "clock", "random", "console", "runtime", "web stream", "not everywhere"],
  },
  kcm: {
    wire: /^(errors|kcm_message)\.ts$/,
    stream: /^attachment\.ts$/,
    engineImports: [...base, "strparser", "type flow:wire"],
    streamImports: [...adapter, "type flow/*", "type tsocket/types.ts"],
  },
  xdr: { wire: /./, engineImports: [...base, "strparser:wire"] },
  rxrpc: {
    wire: /^(abort_codes|ack|debug_records|header|jumbo|packet_types|errors|crypto)\.ts$/,
    engineImports: base,
    streamImports: [...adapter, "tsocket:wire"],
  },
  l3l4: {
    wire: /^(errors|packet_out)\.ts$/,
    engineImports: [...base, "packet"],
    streamImports: [...adapter, "tsocket:stream"],
  },
  sim: {
    engineImports: [...base, "packet:wire", "strparser:wire"],
    streamImports: adapter,
    freeOf: ["timer", "clock", "random", "console", "runtime", "not everywhere"],
  },
  tsocket: {
    wire:
      /^(types|driver_types|option_types|errors|.*address.*|host_\w+|inet_literal|own_dgrams|platform|socket_target)\.ts$/,
    stream: /^(?!.*(types|errors|address|host_|inet_literal|own_dgrams|platform|socket_target))/,
    engineImports: [...base, "packet/address.ts"],
    streamImports: adapter,
    freeOf: ["timer", "clock", "random", "console", "runtime", "not everywhere"],
  },
  "tsocket/drivers/node": runtimeDriver(),
  "tsocket/drivers/bun": runtimeDriver("tsocket/drivers/node:stream"),
  "tsocket/drivers/deno": runtimeDriver("tsocket/drivers/node:stream"),
  cli: { stream: /./, engineImports: [], streamImports: ["*"] },
};

/** What may import modules of the runtime (`node:*`). */
export const mayImportRuntime: readonly string[] = ["cli", "tsocket/drivers/node", "tsocket/drivers/bun"];

/** Layers that nothing imports, their own files and `cli` apart. */
export const importedByNobody: readonly string[] = ["sim", "cli"];

/** Words that give a use away, looked for outside of comments and strings. */
export const forbiddenUses: Readonly<Record<Use, RegExp>> = {
  timer: /\b(?:setTimeout|setInterval|setImmediate|queueMicrotask|requestAnimationFrame|requestIdleCallback)\b/g,
  clock: /\bnew Date\b|\bDate\s*(?:\.|\()|\bperformance\s*\.|\bhrtime\b/g,
  random: /\bMath\s*\.\s*random\b|\bcrypto\s*\./g,
  console: /\bconsole\s*\./g,
  promise: /\bPromise(?:Like)?\b|\basync\b|\bawait\b/g,
  "web stream": /\b(?:Readable|Writable|Transform)Stream\w*\b/g,
  runtime: /\b(?:Deno|Bun|process|Buffer)\s*\.|\brequire\s*\(/g,
  // Missing in Node 20 or in Chromium, though the compiler knows them.
  "not everywhere": new RegExp(
    [
      /\bReadableStream\s*\.\s*from\b/,
      /\bPromise\s*\.\s*(?:withResolvers|try)\b/,
      /\bArray\s*\.\s*fromAsync\b/,
      /\b(?:Object|Map)\s*\.\s*groupBy\b/,
      /\b(?:Async)?DisposableStack\b/,
      /\bawait using\b|\busing \w+ =/,
      /\bIterator\s*\.\s*from\b/,
      /\.\s*(?:toBase64|setFromHex|setFromBase64|transferToFixedLength|symmetricDifference|isSubsetOf|isDisjointFrom)\s*\(/,
      /\bUint8Array\s*\.\s*from(?:Hex|Base64)\b/,
    ].map((one) => one.source).join("|"),
    "g",
  ),
};

/** Uses that no file of `src` may have, whatever its kind. */
export const forbiddenEverywhere: readonly Use[] = ["random", "console", "runtime", "not everywhere"];

/** Uses that stream files may not have besides; a stage takes the time from its clock. */
export const forbiddenInStreams: readonly Use[] = ["clock"];

/** Files for which a use is their purpose. */
export const exceptions: Readonly<Record<string, readonly Use[]>> = {
  "src/core/clock.ts": ["clock", "timer"],
  "src/core/random.ts": ["random"],
  // Measures how long it has kept the event loop to itself, which is no protocol time.
  "src/stream/turn.ts": ["clock"],
};

/** Layers in which nothing is forbidden but what not every runtime has. */
export const atHome: readonly string[] = ["cli"];
