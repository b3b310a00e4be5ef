/** What the smoke cases share: their shape, and assertions without anything of a runtime. */

/** What a case gets. */
export interface SmokeInput {
  /** The bytes of `examples/captures/framed_nanosecond.pcap`. */
  capture: Uint8Array<ArrayBuffer>;
}

/** Smoke cases by name; a case that throws has failed. */
export type SmokeCases = Record<string, (input: SmokeInput) => void | Promise<void>>;

/** What is known about the capture. */
export const captured = { packets: 125, flows: 3, headerLength: 4 } as const;

/** Fails unless the two values are the same. */
export function same<T>(actual: T, expected: T, what: string): void {
  if (!Object.is(actual, expected)) throw new Error(`${what}: ${String(actual)} instead of ${String(expected)}`);
}

/** Fails unless the two byte strings are the same. */
export function sameBytes(actual: Uint8Array, expected: Uint8Array, what: string): void {
  same(actual.length, expected.length, `length of ${what}`);
  for (let i = 0; i < actual.length; i++) same(actual[i], expected[i], `byte ${i} of ${what}`);
}

/** A stream of the chunks. Not by `ReadableStream.from`, which not every browser has. */
export function streamOf<T>(...chunks: T[]): ReadableStream<T> {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
}

/** The bytes in pieces that fit no border. */
export function pieces(bytes: Uint8Array<ArrayBuffer>, size = 1000): Uint8Array<ArrayBuffer>[] {
  const all: Uint8Array<ArrayBuffer>[] = [];
  for (let at = 0; at < bytes.length; at += size) all.push(bytes.subarray(at, at + size));
  return all;
}

/** Everything a stream yields. By a reader, because not every browser can iterate over streams. */
export async function collect<T>(readable: ReadableStream<T>): Promise<T[]> {
  const reader = readable.getReader();
  const all: T[] = [];
  for (let next = await reader.read(); !next.done; next = await reader.read()) all.push(next.value);
  return all;
}

/** What a rejected promise was rejected with. */
export async function rejection(promise: Promise<unknown>): Promise<{ code?: unknown; name?: unknown }> {
  try {
    await promise;
  } catch (error) {
    return error as { code?: unknown };
  }
  throw new Error("should have been rejected");
}

/** The payload of a length-prefixed message, backwards: what the server of the capture answers. */
export function answerTo(message: Uint8Array): Uint8Array {
  const answer = message.slice();
  answer.subarray(captured.headerLength).reverse();
  return answer;
}
