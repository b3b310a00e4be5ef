import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { IncomingBytes } from "../../src/rxrpc/incoming_bytes_stream.ts";

test("bytes that wait to be read keep no more memory than twice what they are", async () => {
  const incoming = new IncomingBytes({ consumed: () => {}, cancelled: () => {} });
  const large = new Uint8Array(65_536).fill(7);
  incoming.data(large.subarray(28, 1440));
  const { value } = await incoming.readable.getReader().read();
  assertEquals([value!.length, value!.buffer.byteLength <= 2 * value!.length], [1412, true]);
  const own = new IncomingBytes({ consumed: () => {}, cancelled: () => {} });
  const datagram = new Uint8Array(1440);
  own.data(datagram.subarray(28));
  assertEquals((await own.readable.getReader().read()).value!.buffer, datagram.buffer);
});
