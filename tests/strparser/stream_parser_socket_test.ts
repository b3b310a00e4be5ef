/** The parser that reads a socket itself, over sockets in memory. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { test } from "node:test";
import type { LeatError } from "../../src/core/mod.ts";
import { ManualClock } from "../../src/sim/mod.ts";
import {
  lengthPrefix,
  type ReceiveCallbacks,
  StreamParserError,
  StreamParserSocket,
  type StreamParserSocketOptions,
} from "../../src/strparser/mod.ts";
import { streamPair, type TStream } from "../../src/tsocket/mod.ts";
import { A, B, bytewise, cut, join, L2, M, parserOf, Z } from "./support.ts";

interface Attached {
  peer: TStream;
  socket: TStream;
  parser: StreamParserSocket;
  messages: Uint8Array[];
  /** Resolves when so many messages have come. */
  until(count: number): Promise<void>;
  close(): Promise<void>;
}

function attach(
  options: Partial<StreamParserSocketOptions> = {},
  onMessage: (attached: Attached, message: Uint8Array) => void = () => {},
  callbacks: Partial<ReceiveCallbacks> = {},
): Attached {
  const [peer, socket] = streamPair();
  const waiting: { count: number; resolve: () => void }[] = [];
  const attached: Attached = {
    peer,
    socket,
    messages: [],
    until: (count: number) =>
      new Promise<void>((resolve) => {
        if (attached.messages.length >= count) resolve();
        else waiting.push({ count, resolve });
      }),
    close: async () => {
      attached.parser.done();
      peer.abort();
      socket.abort();
      await Promise.all([peer.monitor(), socket.monitor()]);
    },
  } as unknown as Attached;
  attached.parser = new StreamParserSocket(socket, { parser: L2, ...options }, {
    receiveMessage(message) {
      attached.messages.push(message);
      onMessage(attached, message);
      for (const one of waiting) if (attached.messages.length >= one.count) one.resolve();
    },
    ...callbacks,
  });
  return attached;
}

/** Lets everything run that is ready. */
const settle = async () => {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
};
const codeOf = (promise: Promise<unknown>) => promise.then(() => "fine", (error) => (error as LeatError).code);

test("socket: messages come as they are written, and a clean end ends it", async () => {
  for (const chunks of [[join(A, B, Z)], bytewise(join(A, B, Z)), cut(join(A, B, Z), 4, 9)]) {
    const one = attach();
    for (const chunk of chunks) await one.peer.writev([chunk]);
    await one.peer.shutdown();
    await one.parser.ended;
    assertEquals([one.messages, one.parser.stats.bytes, one.parser.isStopped], [[A, B, Z], 14, true]);
    await one.close();
  }
});
test("socket: bytes that were there before are found (S96)", async () => {
  const [peer, socket] = streamPair();
  await peer.writev([A]);
  await peer.shutdown();
  const messages: Uint8Array[] = [];
  const parser = new StreamParserSocket(socket, { parser: L2 }, {
    receiveMessage: (message) => messages.push(message),
  });
  assertEquals(messages, []);
  await parser.ended;
  assertEquals(messages, [A]);
  await Promise.all([peer.close(), socket.close()]);
});
test("socket: the end inside a message is ETRUNCATED; the kernel's way is silent", async () => {
  for (const [compat, code] of [[undefined, "ETRUNCATED"], ["linux", "fine"]] as const) {
    const one = attach({ compat });
    await one.peer.writev([A, B.subarray(0, 4)]);
    await one.peer.shutdown();
    assertEquals([await codeOf(one.parser.ended), one.messages], [code, [A]]);
    await one.close();
  }
});
test("socket: messages are views of slabs", async () => {
  const one = attach({ slabBytes: 1000 });
  await one.peer.writev([join(A, B)]);
  await one.until(2);
  assertEquals(one.messages.map((message) => message.buffer.byteLength), [1000, 1000]);
  assert(one.messages[0]!.buffer === one.messages[1]!.buffer);
  await one.peer.writev([M(5000)]);
  await one.until(3);
  assertEquals(one.messages[2], M(5000));
  await one.close();
});
test("socket: pause leaves bytes in the socket, unpause delivers later and by itself (S91, S92, S93)", async () => {
  const one = attach({}, ({ parser, messages }) => messages.length === 1 && parser.pause());
  await one.peer.writev([join(A, B)]);
  await one.until(1);
  await settle();
  assertEquals([one.messages.length, one.parser.unreadBytes, one.parser.isPaused], [1, 7, true]);
  await one.peer.writev([Z]);
  await settle();
  assertEquals(one.socket.pendingBytes, 2);
  one.parser.unpause();
  assertEquals(one.messages.length, 1);
  await one.until(3);
  assertEquals(one.messages, [A, B, Z]);
  await one.close();
});
test("socket: pause while a read waits, unpause at once; nothing is lost", async () => {
  const one = attach();
  for (let i = 0; i < 20; i++) {
    await settle();
    one.parser.pause();
    if (i % 2 === 0) await settle();
    one.parser.unpause();
    if (i % 3 === 0) one.parser.pause();
    await one.peer.writev([A]);
    one.parser.unpause();
  }
  await one.until(20);
  assertEquals(one.parser.stats.bytes, 100);
  await one.close();
});
test("socket: the end while paused comes behind everything", async () => {
  const one = attach({}, ({ parser }) => parser.pause());
  await one.peer.writev([join(A, B, Z)]);
  await one.peer.shutdown();
  for (let count = 1; count <= 3; count++) {
    await one.until(count);
    await settle();
    assertEquals([one.messages.length, one.parser.isStopped], [count, false]);
    one.parser.unpause();
  }
  await one.parser.ended;
  await one.close();
});
test("socket: EMSGSIZE stops the parser and leaves the socket usable (S81)", async () => {
  const aborted: string[] = [];
  const passes: (string | undefined)[] = [];
  const one = attach({ maxMessageLength: 10 }, undefined, {
    abortParser: (error) => aborted.push(error.code),
    readDone(code) {
      passes.push(code);
      return code;
    },
  });
  await one.peer.writev([join(A, M(9))]);
  const error = await assertRejects(() => one.parser.ended, StreamParserError, "maxMessageLength 10");
  assertEquals([one.messages, aborted, passes.at(-1), one.parser.error], [[A], ["EMSGSIZE"], "EMSGSIZE", error]);
  await one.peer.writev([Z]);
  assertEquals(await one.parser.takeover(), M(9));
  const rest = new Uint8Array(2);
  await one.socket.readv([rest]);
  assertEquals(rest, Z);
  await one.socket.writev([A]);
  const answer = new Uint8Array(5);
  await one.peer.readv([answer]);
  assertEquals(answer, A);
  await one.close();
});
test("socket: a hand-over returns the exact unread bytes (S84, S114)", async () => {
  const parser = parserOf((b) =>
    b[0] === 0xff ? { code: "ESTRPIPE", reason: "not mine" } : b.length < 2 ? 0 : 2 + b[1]!
  );
  const one = attach({ parser });
  await one.peer.writev([join(A, Uint8Array.of(0xff, 1, 2))]);
  assertEquals(await codeOf(one.parser.ended), "ESTRPIPE");
  assertEquals([one.parser.unreadBytes, one.parser.stats.interrupted], [3, 1]);
  assertEquals([one.messages, await one.parser.takeover()], [[A], Uint8Array.of(0xff, 1, 2)]);
  // and the socket is the application's, both ways
  const later = new Uint8Array(7);
  const read = one.socket.readv([later]);
  await one.peer.writev([B]);
  const answer = new Uint8Array(5);
  await Promise.all([read, one.socket.writev([A]), one.peer.readv([answer])]);
  assertEquals([later, answer, one.messages], [B, A, [A]]);
  await one.close();
});
test("socket: a hand-over that comes too late is ENODATA; what was consumed can be had (S86, S87, S114)", async () => {
  const parser = parserOf((b) => b.length < 2 ? 0 : { code: "ESTRPIPE", reason: "not mine" });
  for (const includeConsumed of [false, true]) {
    const one = attach({ parser, keepConsumed: true });
    await one.peer.writev([Uint8Array.of(1)]);
    await settle();
    await one.peer.writev([Uint8Array.of(2, 3)]);
    assertEquals(await codeOf(one.parser.ended), "ENODATA");
    assertEquals([...await one.parser.takeover({ includeConsumed })], includeConsumed ? [1, 2, 3] : [2, 3]);
    await one.close();
  }
});
test("socket: takeover in good order, with a read under way, gives everything back", async () => {
  const one = attach();
  await one.peer.writev([join(A, B.subarray(0, 4))]);
  await one.until(1);
  await settle();
  assertEquals(await one.parser.takeover({ includeConsumed: true }), B.subarray(0, 4));
  await one.parser.ended;
  const rest = new Uint8Array(3);
  const read = one.socket.readv([rest]);
  await one.peer.writev([B.subarray(4)]);
  await read;
  assertEquals(rest, B.subarray(4));
  await one.close();
});
test("socket: takeover from within a callback gives back nothing that was delivered", async () => {
  const taken: Promise<Uint8Array>[] = [];
  const one = attach({}, ({ parser }) => taken.push(parser.takeover()));
  await one.peer.writev([join(A, B)]);
  await one.parser.ended;
  assertEquals([one.messages, await taken[0]], [[A], B]);
  const other = attach({ maxMessageLength: 6 }, undefined, {
    abortParser: () => taken.push(other.parser.takeover()),
  });
  await other.peer.writev([join(A, B)]);
  assertEquals(await codeOf(other.parser.ended), "EMSGSIZE");
  assertEquals([other.messages, await taken[1]], [[A], B]);
  await Promise.all([one.close(), other.close()]);
});
test("socket: unreadBytes is exact within a callback", async () => {
  const seen: number[] = [];
  const one = attach({}, ({ parser }) => seen.push(parser.unreadBytes));
  await one.peer.writev([join(A, B.subarray(0, 3))]);
  await one.until(1);
  await one.peer.writev([join(B.subarray(3), Z)]);
  await one.until(3);
  assertEquals([seen, one.parser.unreadBytes], [[7 - 4, 2, 0], 0]);
  await one.close();
});
test("socket: takeover loses nothing that a read got meanwhile, whenever it is called", async () => {
  for (let turns = 0; turns < 40; turns++) {
    const one = attach();
    await settle();
    const written = one.peer.writev([join(A, B.subarray(0, 4))])
      .then(() => one.peer.writev([B.subarray(4)]))
      .then(() => one.peer.shutdown());
    for (let i = 0; i < turns; i++) await null;
    const got = [await one.parser.takeover({ includeConsumed: true })];
    const into = new Uint8Array(100);
    for (let count; (count = await one.socket.readSome(into)) !== null;) got.push(into.slice(0, count));
    await written;
    assertEquals(join(...one.messages, ...got), join(A, B), `after ${turns} turns`);
    await one.close();
  }
});
test("socket: stop and done: nothing is read any more (S95)", async () => {
  for (const end of ["stop", "done"] as const) {
    const one = attach();
    await settle();
    one.parser[end]();
    one.parser[end]();
    await one.parser.ended;
    await one.peer.writev([A]);
    await settle();
    one.parser.dataReady();
    one.parser.checkReceive();
    one.parser.unpause();
    await settle();
    assertEquals([one.messages.length, one.socket.pendingBytes], [0, 5]);
    await one.close();
  }
});
test("socket: stop from within a message", async () => {
  const one = attach({}, ({ parser }) => parser.stop());
  await one.peer.writev([join(A, B)]);
  await one.parser.ended;
  assertEquals([one.messages, await one.parser.takeover()], [[A], B]);
  await one.close();
});
test("socket: dataReady and checkReceive from within a message do no harm", async () => {
  const one = attach({}, ({ parser }) => {
    parser.dataReady();
    parser.checkReceive();
  });
  await one.peer.writev([join(A, B)]);
  await one.peer.shutdown();
  await one.parser.ended;
  assertEquals(one.messages, [A, B]);
  await one.close();
});
test("socket: a deadline passes on the clock, and not while paused (S88, S73)", async () => {
  const clock = new ManualClock();
  const one = attach({ messageTimeoutMs: 100, clock });
  await one.peer.writev([B.subarray(0, 4)]);
  await settle();
  clock.advance(50);
  one.parser.pause();
  clock.advance(1000);
  one.parser.unpause();
  await settle();
  clock.advance(49);
  assertEquals(one.parser.error, undefined);
  clock.advance(1);
  assertEquals([await codeOf(one.parser.ended), one.parser.stats.timeouts, clock.timers], ["ETIMEDOUT", 1, 0]);
  await one.close();
});
test("socket: limit and time may be changed between two messages (S103)", async () => {
  const clock = new ManualClock();
  const one = attach({ clock }, ({ parser }) => {
    parser.maxMessageLength = 10;
    parser.messageTimeoutMs = 5;
  });
  assertEquals([one.parser.maxMessageLength, one.parser.messageTimeoutMs], [1 << 20, Infinity]);
  await one.peer.writev([M(20)]);
  await one.until(1);
  await one.peer.writev([Z, Uint8Array.of(0)]);
  await one.until(2);
  await settle();
  assertEquals(clock.nextAt, 5);
  await one.peer.writev([Uint8Array.of(20)]);
  assertEquals(await codeOf(one.parser.ended), "EMSGSIZE");
  assertThrows(() => one.parser.maxMessageLength = 0, RangeError);
  assertThrows(() => one.parser.messageTimeoutMs = -1, RangeError);
  await one.close();
});
test("socket: readDone that answers ENOMEM is called again (S102)", async () => {
  let times = 0;
  const one = attach({}, undefined, { readDone: () => ++times < 5 ? "ENOMEM" : undefined });
  await settle();
  assertEquals(times, 5);
  await one.close();
});
test("socket: who always answers ENOMEM does not keep the event loop from others", async () => {
  let isPatient = false;
  const one = attach({}, undefined, { readDone: () => isPatient ? undefined : "ENOMEM" });
  await one.peer.writev([A]);
  await settle();
  isPatient = true;
  await one.until(1);
  await one.close();
});
test("socket: a peer in the same process that writes without end does not keep the event loop from others", async () => {
  const one = attach();
  let hasTurn = false;
  setTimeout(() => hasTurn = true, 0);
  const message = M(1000);
  let writes = 0;
  for (; !hasTurn && writes < 50_000; writes++) await one.peer.writev([message]);
  assert(hasTurn, `no turn within ${writes} writes`);
  await one.until(writes);
  await one.close();
});
test("socket: what a callback throws, or the socket breaks with, is how it ends", async () => {
  const thrown = new Error("consumer");
  const one = attach({}, () => {
    throw thrown;
  });
  await one.peer.writev([A]);
  assertEquals(await one.parser.ended.catch((error) => error), thrown);
  await one.close();
  const two = attach();
  await settle();
  two.peer.abort();
  assertEquals(await codeOf(two.parser.ended), "ECONNRESET");
  assertEquals(two.parser.isStopped, true);
  await two.close();
});
test("socket: who transfers a message's buffer, where more bytes lie, gets EFAULT; without more, nothing happens", async () => {
  const transfer = ({ buffer }: Uint8Array) => structuredClone(buffer, { transfer: [buffer as ArrayBuffer] });
  const one = attach({}, (_, message) => transfer(message));
  await one.peer.writev([join(A, B)]);
  assertEquals([await codeOf(one.parser.ended), one.messages.length], ["EFAULT", 1]);
  await one.close();
  const lengths: number[] = [];
  const two = attach({}, (_, message) => {
    lengths.push(message.length);
    transfer(message);
  });
  for (const message of [A, B]) {
    await two.peer.writev([message]);
    await settle();
  }
  await two.peer.shutdown();
  await two.parser.ended;
  assertEquals(lengths, [5, 7]);
  await two.close();
});
test("socket: reset in abortParser goes on behind bytes that the parser refused", async () => {
  const parser = parserOf((b) => b.length < 2 ? 0 : b[0] === 0xff ? { code: "EINVAL", reason: "no" } : 2 + b[1]!);
  const one = attach({ parser }, undefined, { abortParser: () => one.parser.reset() });
  await one.peer.writev([Uint8Array.of(0xff)]);
  await settle();
  await one.peer.writev([join(A, B)]);
  await one.until(2);
  assertEquals([one.messages, one.parser.error], [[A, B], undefined]);
  await one.close();
});
test("socket: setParser from within a message", async () => {
  const one = attach({}, ({ parser, messages }) => messages.length === 1 && parser.setParser(lengthPrefix(1)));
  await one.peer.writev([join(A, Uint8Array.of(1, 7))]);
  await one.until(2);
  assertEquals(one.messages, [A, Uint8Array.of(1, 7)]);
  await one.close();
});
test("socket: compat waits for the rest of a message in its own queue and loses nothing", async () => {
  const one = attach({ compat: "linux", slabBytes: 64 });
  for (const chunk of bytewise(join(M(300), A))) await one.peer.writev([chunk]);
  await one.until(2);
  assertEquals(one.messages, [M(300), A]);
  await one.close();
});
test("socket: wrong options fail at once", () => {
  const [peer, socket] = streamPair();
  const callbacks = { receiveMessage: () => {} };
  assertThrows(() => new StreamParserSocket(socket, { parser: L2, slabBytes: 0 }, callbacks), RangeError, "slabBytes");
  assertThrows(() => new StreamParserSocket({} as TStream, { parser: L2 }, callbacks), TypeError, "socket must be");
  assertThrows(
    () => new StreamParserSocket(socket, { parser: L2 }, {} as ReceiveCallbacks),
    TypeError,
    "receiveMessage",
  );
  peer.abort();
  socket.abort();
});
