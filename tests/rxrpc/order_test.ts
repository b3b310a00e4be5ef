/** What one end says goes in the order in which it was said; a reply waits for the end of its request, not for ever. */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { test } from "node:test";
import { type RxCallStream, RxEndpoint, type RxEndpointOptions, RxrpcError } from "../../src/rxrpc/mod.ts";
import { dgramPair, InetAddress } from "../../src/tsocket/mod.ts";
import { ManualClock } from "../../src/sim/mod.ts";
import { nextTurnOfLoop } from "../../src/stream/turn.ts";
import { RxPacketType } from "../../src/rxrpc/packet_types.ts";
import { asServer, L, unread } from "./by_hand.ts";
import { pattern } from "./world.ts";

const to = InetAddress.parse("127.0.0.1:7000");

interface Ends {
  client: RxEndpoint;
  server: RxEndpoint;
  /** The client's call, which has said the first byte of its request, and the server's. */
  call: RxCallStream;
  served: RxCallStream;
}

/** With a clock, time is what the test says that it is, at both ends. */
async function ends(options: RxEndpointOptions = {}): Promise<Ends> {
  const [left, right] = dgramPair({ addresses: [InetAddress.parse("127.0.0.1:7001"), to] });
  const { clock } = options;
  const [client, server] = [await RxEndpoint.open(left, { clock }), await RxEndpoint.open(right, options)];
  const listener = server.listen({ services: [147] });
  const call = client.call({ to, service: 147 });
  await call.write(Uint8Array.of(1));
  call.flush();
  return { client, server, call, served: (await listener.accept())! };
}

async function close({ client, server }: Ends): Promise<void> {
  await Promise.all([client.close(), server.close()]);
}

/** The error with which a promise rejects; fails when it resolves. */
async function refusal(promise: Promise<unknown>): Promise<RxrpcError> {
  return await assertRejects(() => promise, RxrpcError);
}

test("3.1: a reply that waits for the end of the request is not overtaken by the end of the reply", async () => {
  const all = await ends();
  const { call, served } = all;
  const reply = pattern(100_000);
  const waiting = [served.write(reply.subarray(0, 5)), served.write(reply.subarray(5, 70_000))];
  waiting.push(served.end(reply.subarray(70_000)));
  const got = call.bytes();
  await call.end();
  await served.bytes();
  await Promise.all(waiting);
  assertEquals(await got, reply);
  await served.closed;
  await close(all);
});

test("3.1: the same when the end is said once the request has ended", async () => {
  const all = await ends();
  const { call, served } = all;
  const writing = served.write(pattern(3000));
  const got = call.bytes();
  await call.end();
  await served.bytes();
  await served.end();
  assertEquals(await got, pattern(3000));
  await writing;
  await close(all);
});

test("3.1: what a writable's writer says and closes behind a write that waits comes behind it", async () => {
  const all = await ends();
  const { call, served } = all;
  const writing = served.write(Uint8Array.of(1, 2));
  const writer = served.writable.getWriter();
  const written = [writer.write(Uint8Array.of(3)), writer.write(Uint8Array.of(4)), writer.close()];
  const got = call.bytes();
  await call.end();
  await served.bytes();
  await Promise.all([writing, ...written]);
  assertEquals(await got, Uint8Array.of(1, 2, 3, 4));
  await close(all);
});

test("3.1: a request of many writes at once, nobody waiting for any, comes in order", async () => {
  const all = await ends();
  const { call, served } = all;
  const request = pattern(1_000_000);
  const got = served.bytes();
  const written = [0, 1, 2, 3].map((i) => call.write(request.subarray(i * 200_000, (i + 1) * 200_000)));
  written.push(call.end(request.subarray(800_000)));
  await Promise.all(written);
  const whole = await got;
  assertEquals([whole.length, whole.subarray(1).every((byte, at) => byte === request[at])], [1_000_001, true]);
  await served.end();
  await call.bytes();
  await close(all);
});

test("3.1: a flush behind a write that waits flushes that, too", async () => {
  const all = await ends();
  const { call, served } = all;
  const writing = served.write(Uint8Array.of(7));
  served.flush();
  await call.end();
  await served.bytes();
  await writing;
  const { value } = await call.readable.getReader().read();
  assertEquals(value, Uint8Array.of(7));
  await close(all);
});

test("3.1: behind the end nothing can be said; when the call is over, that is the reason", async () => {
  const all = await ends();
  const { call, served } = all;
  await call.end();
  const early = served.end(Uint8Array.of(1));
  for (const said of [call.write(Uint8Array.of(1)), call.end(), served.write(Uint8Array.of(1)), served.end()]) {
    assertEquals((await refusal(said)).code, "EPROTO");
  }
  await served.bytes();
  await early;
  assertEquals(await call.bytes(), Uint8Array.of(1));
  await Promise.all([call.closed, served.closed]);
  assertEquals((await refusal(served.write(Uint8Array.of(1)))).code, "ESHUTDOWN");
  await close(all);
});

test("3.1: an abort between writes that wait and the end fails all of them with what the call failed with", async () => {
  const all = await ends();
  const { call, served } = all;
  const waiting = [served.write(pattern(10)), served.write(pattern(10))];
  served.abort(42);
  waiting.push(served.end());
  for (const one of waiting) assertEquals((await refusal(one)).abortCode, 42);
  assertEquals((await refusal(call.closed)).abortCode, 42);
  assertEquals((await refusal(call.end())).abortCode, 42);
  await close(all);
});

const REQUEST = 1_000_000;

/** A client that says a large request, and reads the reply. What became of it. */
async function ask({ call }: Ends, bytes = REQUEST): Promise<Uint8Array> {
  const got = call.bytes();
  call.end(pattern(bytes)).catch(() => {});
  return await got;
}

/** Lets time pass, a tenth of a second in a turn of the event loop, until something is over. Returns how much it was. */
async function passing(clock: ManualClock, over: Promise<unknown>): Promise<number> {
  const before = clock.now();
  let isOver = false;
  over.then(() => isOver = true);
  while (!isOver && clock.now() < before + 60_000) {
    for (let turn = 0; turn < 20; turn++) await nextTurnOfLoop();
    clock.advance(100);
  }
  return clock.now() - before;
}

test("requestIdleMs: a reply that is piped from a request larger than the window fails, and says what to do", async () => {
  const clock = new ManualClock();
  const all = await ends({ requestIdleMs: 7000, clock });
  const { served } = all;
  const asked = refusal(ask(all));
  const failed = refusal(served.readable.pipeTo(served.writable));
  const took = await passing(clock, failed);
  const error = await failed;
  assert(took >= 7000 && took < 15_000, `${took} ms`);
  assertEquals([error.code, error.blame, error.abortCode], ["EPROTO", "local", -6]);
  assert(error.message.includes("read the whole request first, as with await call.bytes()"), error.message);
  assertEquals((await refusal(served.closed)).code, "EPROTO");
  assertEquals((await asked).abortCode, -6);
  await close(all);
});

test("requestIdleMs: a server that ends its reply and reads nothing of a large request fails, too", async () => {
  const clock = new ManualClock();
  const all = await ends({ requestIdleMs: 7000, clock });
  const asked = refusal(ask(all));
  const failed = refusal(all.served.end());
  const took = await passing(clock, failed);
  assertEquals((await failed).code, "EPROTO");
  assert(took >= 7000 && took < 15_000, `${took} ms`);
  assertEquals((await asked).abortCode, -6);
  await close(all);
});

test("a request that fits into the window may be piped back, and one of any size when it was read whole", async () => {
  const small = await ends();
  const asked = ask(small, 100_000);
  await small.served.readable.pipeTo(small.served.writable);
  assertEquals((await asked).length, 100_001);
  await close(small);
  const large = await ends();
  const reply = ask(large);
  await large.served.end(await large.served.bytes());
  assertEquals((await reply).length, REQUEST + 1);
  await close(large);
});

test("a server may read and write in two tasks: what is written waits", async () => {
  const all = await ends();
  const { served } = all;
  const reply = ask(all);
  const writing = served.write(pattern(500_000)).then(() => served.end());
  let bytes = 0;
  for await (const chunk of served.readable) bytes += chunk.length;
  await writing;
  assertEquals([bytes, (await reply).length], [REQUEST + 1, 500_000]);
  await close(all);
});

test("requestIdleMs: a reply waits as long as the request is read, however slowly", () => {
  const hand = asServer({ requestIdleMs: 5000, receiveWindow: 4, deadMs: 1_000_000 });
  const calls = unread(hand);
  for (let seq = 1; seq <= 4; seq++) hand.d(seq, 0, 100);
  const call = calls[0]!.call!;
  call.awaitTurn(hand.world.now);
  for (let read = 0; read < 4; read++) {
    assertEquals(hand.after(4999).includes("ABORT -6"), false);
    call.consumed(100, hand.world.now);
    hand.d(5 + read, 0, 100);
  }
  assertEquals(hand.after(4999).includes("ABORT -6"), false);
  assertEquals([hand.after(1).includes("ABORT -6"), calls[0]!.code], [true, "EPROTO"]);
});

test("requestIdleMs: without a reply that waits a request may stand unread; with one, from then on it may not", () => {
  const hand = asServer({ requestIdleMs: 5000, receiveWindow: 4, deadMs: 1_000_000 });
  const calls = unread(hand);
  for (let seq = 1; seq <= 4; seq++) hand.d(seq, 0, 100);
  assertEquals(hand.after(20_000).includes("ABORT -6"), false);
  calls[0]!.call!.awaitTurn(hand.world.now);
  assertEquals(hand.after(4999).includes("ABORT -6"), false);
  assertEquals([hand.after(1).includes("ABORT -6"), calls[0]!.code], [true, "EPROTO"]);
});

test("stats: packets of data count as they are sent, while their call runs", () => {
  const hand = asServer();
  const calls = hand.offer(147);
  hand.d(1, L);
  hand.reply(calls[0]!, 5000);
  hand.after(3000);
  const { dataPackets, resentPackets } = hand.engine.stats;
  const sent = hand.world.sent.filter(({ header }) => header.type === RxPacketType.DATA).length;
  assertEquals([calls[0]!.closedCount, dataPackets, dataPackets + resentPackets], [0, 4, sent]);
  assert(resentPackets > 0);
});

test("requestIdleMs: a request that has ended, and a peer that has stopped to send, are no such thing", () => {
  const hand = asServer({ requestIdleMs: 5000, receiveWindow: 4, deadMs: 1_000_000 });
  const calls = unread(hand);
  for (let seq = 1; seq <= 4; seq++) hand.d(seq, seq === 4 ? L : 0, 100);
  calls[0]!.call!.awaitTurn(hand.world.now);
  hand.after(20_000);
  assertEquals([calls[0]!.closedCount, hand.engine.heldBytes], [0, 400]);
  hand.callNumber++;
  hand.d(1, 0, 100);
  calls[1]!.call!.awaitTurn(hand.world.now);
  hand.after(5000);
  assertEquals(calls[1]!.code, "ETIMEDOUT");
});

test("3.1: what is no bytes is refused by name, and a stream that brings it ends its call at both ends", async () => {
  const all = await ends();
  const { client, call, served } = all;
  for (const [wrong, name] of [["text", "string"], [new ArrayBuffer(3), "object"], [[1], "object"]] as const) {
    const body = wrong as unknown as Uint8Array;
    const told = (what: string): RegExp => new RegExp(`^${what} must be a Uint8Array, got .*${name}`, "i");
    const refused = async (promise: Promise<unknown>, what: string): Promise<void> => {
      assertMatch((await assertRejects(() => promise, TypeError)).message, told(what));
    };
    await refused(client.request({ to, service: 147, body }), "body");
    await refused(call.write(body), "bytes");
    await refused(call.end(body), "last");
  }
  assertEquals(
    client.snapshot().connections.flatMap(({ channels }) => channels).filter((one) => one.state > 0).length,
    1,
  );
  const reading = assertRejects(() => call.bytes(), TypeError, "chunk must be a Uint8Array");
  const text = new Blob(["text"]).stream().pipeThrough(new TextDecoderStream());
  await assertRejects(() => text.pipeTo(call.writable as unknown as WritableStream<string>), TypeError);
  await reading;
  assertEquals((await refusal(served.bytes())).abortCode, -6);
  await close(all);
});
