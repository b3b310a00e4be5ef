/**
 * Node as a runtime of the socket layer.
 *
 * @module
 */
import type { TsocketRuntime } from "../../driver_types.ts";
import { connectNode } from "./connect.ts";
import { dgramNode } from "./dgram_driver.ts";
import { listenNode } from "./listener_driver.ts";

/** Sockets of `node:net`, `node:tls` and `node:dgram`; works on Bun and Deno too. */
export const nodeRuntime: TsocketRuntime = {
  name: "node",
  connect: (target, options, signal) => connectNode(target, options, signal),
  listen: (target, options, signal) => listenNode(target, options, signal),
  dgram: (options, signal) => dgramNode(options, signal),
};
