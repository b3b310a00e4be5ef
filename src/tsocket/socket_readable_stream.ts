/**
 * The readable stream in front of a socket's reading half: bytes as they come, nothing read ahead.
 *
 * With a high-water mark of 0 the stream holds nothing of its own, so reads through it and reads of vectors may take
 * turns, as long as only one of them is under way. A read of the stream while a vector is being read fails the stream.
 *
 * What it cannot do: the Streams standard does not ask the source again for a BYOB reader whose read comes behind one
 * that an earlier reader left pending. If a vector was read in between, that BYOB read never settles; default readers do.
 *
 * @module
 */
import { busyError } from "./errors.ts";
import { ReadOperation } from "./read_operation.ts";
import type { ReadSide } from "./read_side.ts";

/** Room that a reader without a buffer of its own is given, in bytes. */
const CHUNK_BYTES = 65536;

/** Makes the stream. `cancelled` is told when its reader wants nothing more. */
export function socketReadable(
  side: ReadSide,
  cancelled: (reason: unknown) => void,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const isWanted = (): boolean => stream.locked;
  const stream: ReadableStream<Uint8Array<ArrayBuffer>> = new ReadableStream({
    type: "bytes",
    autoAllocateChunkSize: CHUNK_BYTES,
    async pull(controller): Promise<void> {
      const request = controller.byobRequest!;
      const view = request.view!;
      const into = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
      // a reader that left may have left its read behind
      if (side.operation?.kind === "pull") side.steal()!.settle!.resolve(0);
      if (side.operation !== undefined) throw busyError("read");
      const taken = await side.read(new ReadOperation("pull", [into], undefined, false, isWanted), undefined);
      if (taken === 0) return;
      if (taken !== null) return request.respond(taken);
      controller.close();
      // else a reader with a buffer of its own would wait for ever
      request.respond(0);
    },
    cancel: cancelled,
  }, { highWaterMark: 0 });
  return stream;
}
