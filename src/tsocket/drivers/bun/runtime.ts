/**
 * Bun as a runtime of the socket layer: streams and listeners are those of Node, since Bun's own are no faster and know
 * no signal; datagrams are Bun's.
 *
 * @module
 */
import type { TsocketRuntime } from "../../driver_types.ts";
import { connectNode } from "../node/connect.ts";
import { listenNode } from "../node/listener_driver.ts";
import { dgramBun } from "./dgram_driver.ts";

/** Sockets of `node:net` and `node:tls` as they are on Bun, and `Bun.udpSocket`. */
export const bunRuntime: TsocketRuntime = {
  name: "bun",
  connect: (target, options, signal) => connectNode(target, options, signal),
  listen: (target, options, signal) => listenNode(target, options, signal),
  dgram: (options, signal) => dgramBun(options, signal),
};
