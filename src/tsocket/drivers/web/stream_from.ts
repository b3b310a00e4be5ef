/**
 * Sockets over web streams.
 *
 * @module
 */
import { StreamSocket } from "../../stream_socket.ts";
import type { TStreamOptions } from "../../option_types.ts";
import type { TStream } from "../../types.ts";
import { fromSocket, type WinterTcSocket } from "./socket_driver.ts";
import { type ByteStreams, fromStreams, type FromStreamsOptions } from "./stream_driver.ts";

/** Options of {@linkcode streamFrom}. */
export interface StreamFromOptions extends FromStreamsOptions, TStreamOptions {}

/**
 * A socket over any pair of byte streams, or over a WinterTC socket, which then tells its addresses itself. Both streams
 * are locked from now on.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { streamFrom } from "@leat/streams/tsocket";
 *
 * const socket = streamFrom(new TransformStream<Uint8Array, Uint8Array>());
 * const written = socket.writev([Uint8Array.of(0, 2), Uint8Array.of(7, 8)]);
 * const [length, body] = [new Uint8Array(2), new Uint8Array(2)];
 * await socket.readvPdu(({ total }) => [[length], [body], []][total / 2]);
 * assertEquals([await written, body], [4, Uint8Array.of(7, 8)]);
 * await socket.close();
 * ```
 *
 * @throws {TypeError} when a stream is locked, or an option of a wrong type
 * @throws {RangeError} when a limit is out of its range
 */
export function streamFrom(pair: ByteStreams | WinterTcSocket, options: StreamFromOptions = {}): TStream {
  if (pair.readable.locked || pair.writable.locked) throw new TypeError("both streams must be unlocked");
  const isSocket = "opened" in pair && pair.opened !== undefined;
  if (isSocket) return new StreamSocket((signal) => fromSocket(pair, signal), options);
  return new StreamSocket(fromStreams(pair, options), options);
}
