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
  /** Resolves when the socket has taken, or refused, all that the stream has accepted. */
  drained(): Promise<void>;
}

/** Makes the stream. */
export function socketWritable(socket: Pick<TStream, "writev" | "shutdown" | "abort">): SocketWritable {
  let controller: WritableStreamDefaultController | undefined;
  let accepted = 0;
  let hasFailed = false;
  const onDrained: (() => void)[] = [];
  const isDrained = (): boolean => accepted === 0 || hasFailed;
  const stream = new WritableStream<Uint8Array>({
    start(given): void {
      controller = given;
      // The stream calls its sink's `abort` only when the write under way has settled, which may need the abort. Not from
      // within the stream's own method, in whose midst failing the stream finds it half changed.
      given.signal.addEventListener("abort", () => queueMicrotask(() => socket.abort(given.signal.reason)));
    },
    async write(chunk): Promise<void> {
      try {
        await socket.writev([bytesOf(chunk)]);
      } catch (thrown) {
        // the stream drops what it has accepted behind it
        hasFailed = true;
        throw thrown;
      } finally {
        accepted--;
        if (isDrained()) { for (const resolve of onDrained.splice(0)) resolve(); }
      }
    },
    close: () => socket.shutdown(),
    abort: (reason) => socket.abort(reason),
  }, {
    highWaterMark: HIGH_WATER_MARK_BYTES,
    size(chunk): number {
      // asked once for each chunk, when it is accepted
      accepted++;
      return chunk?.byteLength ?? 0;
    },
  });
  return {
    stream,
    error: (reason) => controller!.error(reason),
    drained: () => new Promise((resolve) => isDrained() ? resolve() : onDrained.push(resolve)),
  };
}

function bytesOf(chunk: unknown): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk;
  if (chunk instanceof ArrayBuffer) return new Uint8Array(chunk);
  if (ArrayBuffer.isView(chunk)) return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  throw new SocketError("only bytes can be written", { code: "EINVAL", syscall: "write" });
}
