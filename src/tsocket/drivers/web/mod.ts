/**
 * Web streams as drivers. For tests; `./tsocket` has the same names.
 *
 * @module
 */
export { fromSocket, type WinterTcInfo, type WinterTcSocket } from "./socket_driver.ts";
export { type ByteStreams, fromStreams, type FromStreamsOptions } from "./stream_driver.ts";
export { streamFrom, type StreamFromOptions } from "./stream_from.ts";
