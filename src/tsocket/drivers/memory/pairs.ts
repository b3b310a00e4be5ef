/**
 * Two sockets in memory that are connected with each other.
 *
 * @module
 */
import type { Clock } from "../../../core/clock.ts";
import { DgramSocket } from "../../dgram_socket.ts";
import { StreamSocket } from "../../stream_socket.ts";
import type { TDgramOptions, TStreamOptions } from "../../option_types.ts";
import type { TDgram, TStream } from "../../types.ts";
import { dgramDriverPair, type MemoryDgramPairOptions } from "./dgram_pair.ts";
import { type MemoryStreamOptions, streamDriverPair } from "./stream_driver.ts";

/** Options of {@linkcode streamPair}. */
export interface StreamPairOptions extends MemoryStreamOptions {
  /** Options of both sockets. */
  stream?: TStreamOptions | undefined;
  /** Clock of the sockets' deadlines, such as a `ManualClock`. */
  clock?: Clock | undefined;
}

/** Options of {@linkcode dgramPair}. */
export interface DgramPairOptions extends MemoryDgramPairOptions {
  /** Options of both sockets. */
  socket?: TDgramOptions | undefined;
  /** Clock of the sockets' deadlines, such as a `ManualClock`. */
  clock?: Clock | undefined;
}

/**
 * Two stream sockets: what is written to one is read from the other. For tests, with faults as wanted, and for two parts
 * of one program.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { streamPair } from "@leat/streams/tsocket";
 *
 * const [client, server] = streamPair({ faults: { seed: 7, shortReads: 0.5, maxWriteBytes: 3 } });
 * const sent = client.writev([Uint8Array.of(0, 5), new TextEncoder().encode("hello")]);
 * const header = new Uint8Array(2);
 * await server.readv([header]);
 * const body = new Uint8Array(header[1]!);
 * await server.readv([body]);
 * assertEquals([await sent, new TextDecoder().decode(body)], [7, "hello"]);
 * await Promise.all([client.close(), server.close()]);
 * ```
 *
 * @throws {TypeError} when an option is of a wrong type
 * @throws {RangeError} when one is out of its range
 */
export function streamPair(options: StreamPairOptions = {}): [TStream, TStream] {
  const [left, right] = streamDriverPair(options);
  const { stream, clock } = options;
  return [new StreamSocket(left, stream, { clock }), new StreamSocket(right, stream, { clock })];
}

/**
 * Two connected datagram sockets: what is sent by one is received by the other, boundaries kept.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { dgramPair } from "@leat/streams/tsocket";
 *
 * const [client, server] = dgramPair();
 * await client.sendto(Uint8Array.of(1, 2, 3));
 * const { data } = await server.recvfrom();
 * assertEquals(data, Uint8Array.of(1, 2, 3));
 * await Promise.all([client.close(), server.close()]);
 * ```
 *
 * @throws {TypeError} when an option is of a wrong type
 * @throws {RangeError} when one is out of its range
 */
export function dgramPair(options: DgramPairOptions = {}): [TDgram, TDgram] {
  const [left, right] = dgramDriverPair(options);
  const { socket, clock } = options;
  return [new DgramSocket(left, socket, { clock }), new DgramSocket(right, socket, { clock })];
}
