/**
 * Web streams as drivers. Re-exported by `./tsocket`.
 *
 * @module
 */
export { fromSocket, type WinterTcInfo, type WinterTcSocket } from "./socket_driver.ts";
export { type ByteStreams, fromStreams, type FromStreamsOptions } from "./stream_driver.ts";
export { streamFrom, type StreamFromOptions } from "./stream_from.ts";
