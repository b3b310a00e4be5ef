/**
 * The writable stream of messages in front of a datagram socket.
 *
 * Datagrams get lost, and some systems report that on a later send. Such reports end no stream: they are counted in
 * `stats.sendErrors`. What the program asked wrongly (too large, no address, a closed socket) does end it.
 *
 * @module
 */
import { MessageAddresses } from "./dgram_addressing.ts";
import { SocketError } from "./errors.ts";
import type { TDgram, UdpMessage } from "./types.ts";

/** Messages that the stream takes before it asks its writer to wait. */
const HIGH_WATER_MARK = 64;

/** What says that this datagram, or an earlier one, did not arrive, and nothing about the next. */
const LOST: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EHOSTDOWN",
  "EHOSTUNREACH",
  "ENETDOWN",
  "ENETUNREACH",
  "ENOBUFS",
]);

/** A writable stream that its socket can fail. */
export interface DgramWritable {
  /** The stream. */
  readonly stream: WritableStream<UdpMessage>;
  /** Fails it at once. */
  error(reason: unknown): void;
}

/** Makes the stream. Neither closing nor aborting it does anything to the socket. */
export function dgramWritable(
  socket: Pick<TDgram, "sendto" | "opened" | "localAddress" | "remoteAddress">,
): DgramWritable {
  const addresses = new MessageAddresses();
  let controller!: WritableStreamDefaultController;
  const stream = new WritableStream<UdpMessage>({
    start(given): void {
      controller = given;
    },
    async write(message): Promise<void> {
      // what kind of address a text is depends on the socket
      if (socket.localAddress === undefined && socket.remoteAddress === undefined) await socket.opened;
      try {
        await socket.sendto(dataOf(message), addresses.of(message, socket.localAddress ?? socket.remoteAddress));
      } catch (error) {
        if (!(error instanceof SocketError && LOST.has(error.code))) throw error;
      }
    },
  }, { highWaterMark: HIGH_WATER_MARK });
  return { stream, error: (reason) => controller.error(reason) };
}

function dataOf(message: UdpMessage): Uint8Array {
  const data: unknown = message?.data;
  if (data instanceof Uint8Array) return data;
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  throw new TypeError("a message must be { data: Uint8Array, remoteAddress?, remotePort? }");
}
