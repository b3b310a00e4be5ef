/** The datagram sockets of the runtime at hand. */
import type { DgramOptions } from "../src/tsocket/option_types.ts";
import type { TDgram } from "../src/tsocket/types.ts";

/** The subpath of a runtime, as far as it is used. */
export interface RxSockets {
  dgram(options?: DgramOptions): TDgram;
}

/** Loads it. */
export async function rxSockets(): Promise<RxSockets> {
  if ("Deno" in globalThis) return await import("../src/tsocket/drivers/deno/mod.ts");
  if ("Bun" in globalThis) return await import("../src/tsocket/drivers/bun/mod.ts");
  return await import("../src/tsocket/drivers/node/mod.ts");
}
