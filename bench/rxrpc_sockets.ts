/** The datagram sockets of the runtime at hand. */
import { InetAddress } from "../src/tsocket/inet_address.ts";
import type { DgramOptions } from "../src/tsocket/option_types.ts";
import type { TDgram } from "../src/tsocket/types.ts";

/** The subpath of a runtime, as far as it is used. */
export interface RxSockets {
  dgram(options?: DgramOptions): TDgram;
}

/**
 * How they are opened. On Bun nothing is said of buffers, which only `node:dgram` could be told: its own sockets send
 * many datagrams in one call.
 */
export function socketOptions(): DgramOptions {
  const localAddress = InetAddress.from("127.0.0.1", 0);
  return "Bun" in globalThis ? { localAddress } : { localAddress, recvBufferSize: 4 << 20 };
}

/** Loads it. */
export async function rxSockets(): Promise<RxSockets> {
  if ("Deno" in globalThis) return await import("../src/tsocket/drivers/deno/mod.ts");
  if ("Bun" in globalThis) return await import("../src/tsocket/drivers/bun/mod.ts");
  return await import("../src/tsocket/drivers/node/mod.ts");
}
