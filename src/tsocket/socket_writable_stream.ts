/**
 * The writable stream in front of a socket's writing half.
 *
 * @module
 */
import { SocketError } from "./errors.ts";
import type { TStream } from "./types.ts";

/** Bytes that the stream takes before it asks its writer to wait. */
const HIGH_WATER_MARK_BYTES = 65536;

/** A writable stream that its socket can fail. */
export interface SocketWritable {
  /** The stream. */
  readonly stream: WritableStream<Uint8Array>;
  /** Fails it at once. */
  error(reason: unknown): void;
}

/** Makes the stream. */
export function socketWritable(socket: Pick<TStream, "writev" | "shutdown" | "abort">): SocketWritable {
  let controller: WritableStreamDefaultController | undefined;
  const stream = new WritableStream<Uint8Array>({
    start(given): void {
      controller = given;
    },
    async write(chunk): Promise<void> {
      await socket.writev([bytesOf(chunk)]);
    },
    close: () => socket.shutdown(),
    abort: (reason) => socket.abort(reason),
  }, { highWaterMark: HIGH_WATER_MARK_BYTES, size: (chunk) => chunk?.byteLength ?? 0 });
  return { stream, error: (reason) => controller!.error(reason) };
}

function bytesOf(chunk: unknown): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk;
  if (chunk instanceof ArrayBuffer) return new Uint8Array(chunk);
  if (ArrayBuffer.isView(chunk)) return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  throw new SocketError("only bytes can be written", { code: "EINVAL", syscall: "write" });
}
