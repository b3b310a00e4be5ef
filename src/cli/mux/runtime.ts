/**
 * The sockets of the runtime that this runs on.
 *
 * @module
 */
import type { TsocketRuntime } from "../../tsocket/mod.ts";

/** Name of the runtime. */
export function runtimeName(): "node" | "deno" | "bun" {
  if ("Deno" in globalThis) return "deno";
  return "Bun" in globalThis ? "bun" : "node";
}

/** Its sockets. Only what it needs is loaded. */
export async function runtimeSockets(): Promise<TsocketRuntime> {
  switch (runtimeName()) {
    case "deno":
      return (await import("../../tsocket/drivers/deno/runtime.ts")).denoRuntime;
    case "bun":
      return (await import("../../tsocket/drivers/bun/runtime.ts")).bunRuntime;
    case "node":
      return (await import("../../tsocket/drivers/node/runtime.ts")).nodeRuntime;
  }
}
