/**
 * The readable stream in front of a socket's reading half: bytes as they come, nothing read ahead.
 *
 * With a high-water mark of 0 the stream holds nothing of its own, so reads through it and reads of vectors may take
 * turns, as long as only one of them is under way. A read of the stream while a vector is being read fails the stream.
 *
 * A reader that goes away with a read pending leaves its place to be filled in the stream, and the Streams standard does
 * not ask the source for a BYOB reader whose read comes behind such a place. It would wait for ever once a vector has been
 * read in between; and what was read into a larger place than its own would stay behind in the stream, where no read of
 * a vector finds it. So the reads of such a reader are watched: they ask the source themselves, for no more than they
 * have room for.
 *
 * @module
 */
import { busyError } from "./errors.ts";
import { ReadOperation } from "./read_operation.ts";
import type { ReadSide } from "./read_side.ts";

/** Room that a reader without a buffer of its own is given, in bytes. */
const CHUNK_BYTES = 65536;

type Bytes = Uint8Array<ArrayBuffer>;

/** What a reader with a buffer of its own reads with. */
type ByobRead = ReadableStreamBYOBReader["read"];

/** Makes the stream. `cancelled` is told when its reader wants nothing more. */
export function socketReadable(side: ReadSide, cancelled: (reason: unknown) => void): ReadableStream<Bytes> {
  return new SocketReadable(side, cancelled);
}

class SocketReadable extends ReadableStream<Bytes> {
  readonly #side: ReadSide;
  readonly #controller: ReadableByteStreamController;
  /** How much of the place that is to be filled next is filled at most. */
  #room = Infinity;

  constructor(side: ReadSide, cancelled: (reason: unknown) => void) {
    let controller!: ReadableByteStreamController;
    super({
      type: "bytes",
      autoAllocateChunkSize: CHUNK_BYTES,
      start: (given) => {
        controller = given as ReadableByteStreamController;
      },
      pull: () => this.#pull(),
      cancel: cancelled,
    }, { highWaterMark: 0 });
    this.#controller = controller;
    this.#side = side;
  }

  override getReader(options: { mode: "byob" }): ReadableStreamBYOBReader;
  override getReader(): ReadableStreamDefaultReader<Bytes>;
  override getReader(options?: ReadableStreamGetReaderOptions): ReadableStreamReader<Bytes>;
  override getReader(options?: ReadableStreamGetReaderOptions): ReadableStreamReader<Bytes> {
    const reader = super.getReader(options);
    if (this.#controller.byobRequest === null) return reader;
    // what the one before asked for is not taken for this one before it asks
    this.#room = Infinity;
    this.#stopPull();
    if (options?.mode === "byob") this.#watch(reader as ReadableStreamBYOBReader);
    return reader;
  }

  /** Sees to it that the first read of the reader asks for something. */
  #watch(reader: ReadableStreamBYOBReader): void {
    const read = reader.read.bind(reader) as (...args: Parameters<ByobRead>) => ReturnType<ByobRead>;
    const watched = (...args: Parameters<ByobRead>): ReturnType<ByobRead> => {
      const room = (args[0] as ArrayBufferView | undefined)?.byteLength ?? 0;
      const answer = read(...args);
      if (room === 0) return answer;
      Reflect.deleteProperty(reader, "read");
      this.#room = room;
      this.#pull().catch((error) => this.#controller.error(error));
      return answer;
    };
    Object.defineProperty(reader, "read", { value: watched, configurable: true, writable: true });
  }

  #stopPull(): void {
    if (this.#side.operation?.kind === "pull") this.#side.steal()!.settle!.resolve(0);
  }

  async #pull(): Promise<void> {
    const side = this.#side;
    const request = this.#controller.byobRequest;
    if (request === null) return;
    // a reader that left may have left its read behind
    this.#stopPull();
    if (side.operation !== undefined) throw busyError("read");
    const view = request.view!;
    const into = new Uint8Array(view.buffer, view.byteOffset, Math.min(view.byteLength, this.#room));
    const isWanted = (): boolean => this.locked;
    const operation = new ReadOperation("pull", [into], undefined, false, isWanted);
    await new Promise<void>((resolve, reject) => {
      side.pull(operation, {
        resolve: (taken) => {
          try {
            this.#answer(request, taken as number | null);
            resolve(side.breath());
          } catch (error) {
            reject(error);
          }
        },
        reject,
      });
    });
  }

  /** Hands over what was read: so many bytes, nothing because the reader has left (0), or the end (`null`). */
  #answer(request: ReadableStreamBYOBRequest, taken: number | null): void {
    if (taken === 0) return;
    this.#room = Infinity;
    if (taken !== null) return request.respond(taken);
    this.#controller.close();
    // else a reader with a buffer of its own would wait for ever
    request.respond(0);
  }
}
