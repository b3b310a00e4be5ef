/** Web streams and WinterTC sockets as drivers, and the sockets around them. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { test } from "node:test";
import { streamPair } from "../../src/tsocket/drivers/memory/mod.ts";
import {
  type ByteStreams,
  fromSocket,
  fromStreams,
  type FromStreamsOptions,
  streamFrom,
  type WinterTcSocket,
} from "../../src/tsocket/drivers/web/mod.ts";
import { SocketError } from "../../src/tsocket/errors.ts";
import { InetAddress } from "../../src/tsocket/inet_address.ts";
import { StreamSocket } from "../../src/tsocket/stream_socket.ts";
import { READ_AGAIN, READ_END, type TStreamDriver } from "../../src/tsocket/driver_types.ts";
import { isSettled, turns } from "../support/turns.ts";
import { unhandledRejections } from "../support/unhandled.ts";

/** A pair of streams whose far ends the test holds. */
class Far {
  readonly streams: ByteStreams;
  readonly written: Uint8Array[] = [];
  readonly seen: string[] = [];
  incoming!: ReadableStreamDefaultController<Uint8Array> | ReadableByteStreamController;
  outgoing!: WritableStreamDefaultController;
  /** Set to hold writes back until it is called. */
  gate: Promise<void> | undefined;
  pulls = 0;

  constructor(isByteStream: boolean) {
    const source = {
      start: (controller: typeof this.incoming) => {
        this.incoming = controller;
      },
      pull: () => {
        this.pulls++;
      },
      cancel: () => void this.seen.push("cancelled"),
    };
    const readable = isByteStream
      ? new ReadableStream<Uint8Array>({ type: "bytes", ...source } as UnderlyingByteSource as never, {
        highWaterMark: 0,
      })
      : new ReadableStream<Uint8Array>(source as UnderlyingDefaultSource<Uint8Array>, { highWaterMark: 0 });
    const writable = new WritableStream<Uint8Array>({
      start: (controller) => {
        this.outgoing = controller;
      },
      write: async (chunk) => {
        await this.gate;
        this.written.push(chunk);
      },
      close: () => void this.seen.push("closed"),
      abort: () => void this.seen.push("aborted"),
    });
    this.streams = { readable, writable };
  }

  /** Ends the readable, byte streams with what they need for it. */
  end(): void {
    this.incoming.close();
    if ("byobRequest" in this.incoming) this.incoming.byobRequest?.respond(0);
  }

  get bytes(): number[] {
    return this.written.flatMap((chunk) => [...chunk]);
  }
}

interface Rig {
  readonly far: Far;
  readonly driver: TStreamDriver;
  readonly told: string[];
}

function rig(isByteStream: boolean, options?: FromStreamsOptions): Rig {
  const far = new Far(isByteStream);
  const driver = fromStreams(far.streams, options);
  const told: string[] = [];
  let isInside = true;
  driver.start({ readable: () => tell("readable"), broken: (error) => tell(error.code) });
  isInside = false;
  function tell(what: string): void {
    assert(!isInside, "an event came from within a method");
    told.push(what);
  }
  const readSync = driver.readSync.bind(driver);
  driver.readSync = (into) => {
    isInside = true;
    const count = readSync(into);
    isInside = false;
    return count;
  };
  return { far, driver, told };
}

function read({ driver }: Rig, room = 100): number[] | number {
  const into = new Uint8Array(room);
  const count = driver.readSync(into);
  return count > 0 ? [...into.subarray(0, count)] : count;
}

for (const isByteStream of [false, true]) {
  const kind = isByteStream ? "byte stream" : "stream of chunks";

  test(`${kind}: nothing is read before READ_AGAIN, then once; what was not asked for is kept`, async () => {
    const it = rig(isByteStream);
    await turns();
    assertEquals([it.far.pulls, it.driver.pendingBytes], [0, 0]);
    assertEquals([read(it), read(it)], [READ_AGAIN, READ_AGAIN]);
    await turns();
    assertEquals([it.far.pulls, it.told], [1, []]);
    it.far.incoming.enqueue(Uint8Array.of(1, 2, 3));
    await turns();
    assertEquals([it.told, it.driver.pendingBytes], [["readable"], 3]);
    assertEquals([read(it, 2), read(it, 2), read(it, 2)], [[1, 2], [3], READ_AGAIN]);
    it.far.incoming.enqueue(Uint8Array.of(4));
    await turns();
    assertEquals([it.told, read(it)], [["readable", "readable"], [4]]);
  });

  test(`${kind}: bytes come before the end, which is told once`, async () => {
    const it = rig(isByteStream);
    it.far.incoming.enqueue(Uint8Array.of(1));
    it.far.end();
    assertEquals(read(it), READ_AGAIN);
    await turns();
    assertEquals([read(it), it.driver.readError], [[1], undefined]);
    read(it);
    await turns();
    assertEquals([read(it), read(it)], [READ_END, READ_END]);
    assertEquals(it.told.filter((what) => what === "EOF"), ["EOF"]);
  });

  test(`${kind}: an end while a read waits is noticed`, async () => {
    const it = rig(isByteStream);
    read(it);
    await turns();
    it.far.end();
    await turns();
    assertEquals([it.told, read(it)], [["readable", "EOF"], READ_END]);
  });

  test(`${kind}: an end without any reader is noticed by watching, behind a bounded read-ahead`, async () => {
    const it = rig(isByteStream);
    it.driver.watch!();
    it.far.incoming.enqueue(Uint8Array.of(1, 2));
    await turns();
    it.far.end();
    await turns(8);
    assertEquals(it.told, ["EOF"]);
    assertEquals([read(it), read(it)], [[1, 2], READ_END]);
    const flooded = rig(isByteStream);
    flooded.driver.watch!();
    for (let i = 0; i < 100; i++) {
      flooded.far.incoming.enqueue(new Uint8Array(10_000));
      await turns(1);
    }
    assert(flooded.driver.pendingBytes <= 262144 + 65536, `${flooded.driver.pendingBytes} bytes were read ahead`);
    assert(flooded.driver.pendingBytes >= 262144);
  });

  test(`${kind}: an error is ECONNRESET with a cause, or the SocketError that it is`, async () => {
    const cause = new Error("boom");
    const own = new SocketError("no route", { code: "EHOSTUNREACH" });
    for (const [reason, code] of [[cause, "ECONNRESET"], [own, "EHOSTUNREACH"], [undefined, "ECONNRESET"]] as const) {
      const it = rig(isByteStream);
      it.far.incoming.enqueue(Uint8Array.of(1));
      read(it);
      await turns();
      it.far.incoming.error(reason);
      await turns();
      assertEquals([read(it), read(it), it.driver.readError?.code], [[1], READ_END, code]);
      assertEquals(it.told, ["readable", code]);
      if (reason === cause) assertEquals(it.driver.readError?.cause, cause);
    }
  });

  test(`${kind}: close closes the writable and then cancels the readable, abort ends both at once`, async () => {
    const closed = rig(isByteStream);
    await closed.driver.close();
    await closed.driver.close();
    assertEquals(closed.far.seen, ["closed", "cancelled"]);
    const aborted = rig(isByteStream);
    aborted.driver.abort();
    aborted.driver.abort();
    await aborted.driver.close();
    assertEquals(aborted.far.seen.sort(), ["aborted", "cancelled"]);
    for (const it of [closed, aborted]) {
      assertEquals([read(it), it.driver.readError?.code, it.told], [READ_END, "ECONNABORTED", []]);
      const error = await assertRejects(() => it.driver.writev([Uint8Array.of(1)]), SocketError);
      assertEquals(error.code, "ECONNABORTED");
    }
  });

  test(`${kind}: a socket around it passes a megabyte both ways`, async () => {
    const there = new TransformStream<Uint8Array, Uint8Array>();
    const back = new TransformStream<Uint8Array, Uint8Array>();
    const wrap = (readable: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> =>
      isByteStream ? asBytes(readable) : readable;
    const a = streamFrom({ readable: wrap(back.readable), writable: there.writable });
    const b = streamFrom({ readable: wrap(there.readable), writable: back.writable });
    const data = Uint8Array.from({ length: 1 << 20 }, (_, i) => (i * 7 + (i >> 8)) & 255);
    const reads = [a, b].map(async (socket) => {
      const got = new Uint8Array(data.length);
      await socket.readv([got.subarray(0, 11), got.subarray(11)]);
      return got;
    });
    await Promise.all([a.writev([data.subarray(0, 5), data.subarray(5)]), b.writev([data])]);
    for (const got of await Promise.all(reads)) assert(got.every((byte, i) => byte === data[i]));
    await Promise.all([a.close(), b.close()]);
  });
}

/** The same bytes as a byte stream. */
function asBytes(readable: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  const reader = readable.getReader();
  return new ReadableStream<Uint8Array>({
    type: "bytes",
    async pull(controller: ReadableByteStreamController) {
      const { done, value } = await reader.read();
      if (!done) return controller.enqueue(value as Uint8Array<ArrayBuffer>);
      controller.close();
      controller.byobRequest?.respond(0);
    },
    cancel: (reason: unknown) => reader.cancel(reason),
  } as never, { highWaterMark: 0 });
}

test("a byte stream that forgets its waiting read at the end is noticed all the same", async () => {
  const it = rig(true);
  read(it);
  await turns();
  it.far.incoming.close();
  await turns(8);
  assertEquals([it.told, read(it)], [["readable", "EOF"], READ_END]);
});

test("a chunk that is no Uint8Array breaks the connection", async () => {
  const it = rig(false);
  read(it);
  it.far.incoming.enqueue("text" as unknown as Uint8Array<ArrayBuffer>);
  await turns();
  assertEquals([it.told, read(it)], [["readable", "ECONNRESET"], READ_END]);
  assertEquals(it.far.seen, ["cancelled"]);
});

test("empty chunks are no end and no progress", async () => {
  const it = rig(false);
  read(it);
  await turns();
  it.far.incoming.enqueue(new Uint8Array(0));
  await turns();
  assertEquals([it.told, it.far.pulls], [[], 2]);
  it.far.incoming.enqueue(Uint8Array.of(1));
  await turns();
  assertEquals([it.told, read(it)], [["readable"], [1]]);
});

test("a write settles when the sink has taken it, as one chunk, and may be overwritten then", async () => {
  const { far, driver } = rig(false);
  let open!: () => void;
  far.gate = new Promise((resolve) => open = resolve);
  const view = Uint8Array.of(1, 2);
  const written = driver.writev([view, new Uint8Array(0), Uint8Array.of(3)]);
  assertEquals(await isSettled(written), false);
  open();
  await written;
  view.fill(9);
  assertEquals([far.written.length, far.bytes], [1, [1, 2, 3]]);
  await driver.writev([new Uint8Array(0)]);
  await driver.writev([new Uint8Array(150_000).fill(7)]);
  assertEquals(far.written.map(({ length }) => length), [3, 65536, 65536, 18928]);
});

test("isSinkDone: views are written as they are", async () => {
  const { far, driver } = rig(false, { isSinkDone: true });
  const views = [Uint8Array.of(1), Uint8Array.of(2, 3)];
  await driver.writev(views);
  assertEquals(far.written.map((chunk, i) => chunk === views[i]), [true, true]);
});

test("a sink that fails: the write says how much was taken, what came in before stays readable", async () => {
  const it = rig(false);
  it.far.incoming.enqueue(Uint8Array.of(1));
  await it.driver.writev([Uint8Array.of(1)]);
  it.far.outgoing.error(new Error("gone"));
  const error = await assertRejects(() => it.driver.writev([Uint8Array.of(1)]), SocketError);
  assertEquals([error.code, error.bytesTransferred], ["ECONNRESET", 0]);
  await turns();
  assertEquals([read(it), it.told], [[1], []]);
});

test("shutdown closes the writable once; a write after it is EPIPE; reading goes on", async () => {
  const it = rig(false);
  await it.driver.shutdown();
  assertEquals(it.far.seen, ["closed"]);
  const error = await assertRejects(() => it.driver.writev([Uint8Array.of(1)]), SocketError);
  assertEquals([error.code, error.blame], ["EPIPE", "local"]);
  it.far.incoming.enqueue(Uint8Array.of(1));
  read(it);
  await turns();
  assertEquals(read(it), [1]);
  await it.driver.close();
  assertEquals(it.far.seen, ["closed", "cancelled"]);
});

test("abort and close settle a write that the sink never finishes", async () => {
  for (const end of ["abort", "close"] as const) {
    const { far, driver } = rig(false);
    far.gate = new Promise(() => {});
    const written = driver.writev([Uint8Array.of(1)]);
    await turns();
    void driver[end]();
    assertEquals((await assertRejects(() => written, SocketError)).code, "ECONNABORTED");
  }
});

test("abort after a close that hangs still cancels the readable", async () => {
  const { far, driver } = rig(false);
  far.gate = new Promise(() => {});
  driver.writev([Uint8Array.of(1)]).catch(() => {});
  await turns();
  assertEquals(await isSettled(driver.close()), false);
  assertEquals(far.seen, []);
  driver.abort();
  await turns();
  assertEquals(far.seen, ["cancelled"]);
});

test("locked streams are refused at once and left as they are", () => {
  const { streams } = new Far(false);
  const reader = streams.readable.getReader();
  assertThrows(() => fromStreams(streams), TypeError);
  assertThrows(() => streamFrom(streams), TypeError);
  assert(!streams.writable.locked);
  reader.releaseLock();
  const driver = fromStreams(streams, { localAddress: InetAddress.from("::1", 1), alpn: "h2" });
  assertEquals([driver.localAddress?.toHostPort(), driver.remoteAddress, driver.alpn], ["[::1]:1", undefined, "h2"]);
});

test("abort of one end of streams within this program is a reset at the other", async () => {
  const [there, back] = [new TransformStream<Uint8Array, Uint8Array>(), new TransformStream<Uint8Array, Uint8Array>()];
  const a = streamFrom({ readable: back.readable, writable: there.writable });
  const b = streamFrom({ readable: there.readable, writable: back.writable });
  const broken = b.monitor();
  a.abort();
  assertEquals((await broken).code, "ECONNRESET");
  const late = await assertRejects(() => b.writev([Uint8Array.of(1)]), SocketError);
  assertEquals([late.code, late.blame], ["ECONNRESET", "remote"]);
});

test("no rejection is left unhandled, however the streams fail", async () => {
  const unhandled = await unhandledRejections(async () => {
    for (const end of ["close", "abort"] as const) {
      const it = rig(false);
      it.far.incoming.error(new Error("in"));
      it.far.outgoing.error(new Error("out"));
      await turns();
      await it.driver[end]();
      const socket = streamFrom(new Far(true).streams);
      socket.readv([new Uint8Array(1)]).catch(() => {});
      socket[end]();
    }
  });
  assertEquals(unhandled, []);
});

/** A WinterTC socket made of one of ours. */
function winterTc(): { socket: WinterTcSocket & { isClosed: boolean }; peer: StreamSocket } {
  const [near, far] = streamPair({ stream: { allowHalfOpen: true } });
  const socket = {
    isClosed: false,
    readable: near.readable,
    writable: near.writable,
    opened: Promise.resolve({ remoteAddress: "[2001:db8::1]:443", localAddress: "somewhere", alpn: "h2" }),
    close(): Promise<void> {
      this.isClosed = true;
      return near.close();
    },
  };
  return { socket, peer: far as StreamSocket };
}

test("fromSocket: waits until it is open, knows its addresses, carries bytes and half-close", async () => {
  const { socket, peer } = winterTc();
  const driver = await fromSocket(socket);
  assertEquals([driver.remoteAddress?.toHostPort(), driver.localAddress, driver.alpn], [
    "[2001:db8::1]:443",
    undefined,
    "h2",
  ]);
  const mine = new StreamSocket(driver, { allowHalfOpen: true });
  await mine.writev([Uint8Array.of(1, 2)]);
  await mine.shutdown();
  const got = new Uint8Array(2);
  await peer.readv([got]);
  assertEquals([got, await peer.readSome(new Uint8Array(1))], [Uint8Array.of(1, 2), null]);
  await peer.writev([Uint8Array.of(3)]);
  assertEquals([await mine.readSome(got), got[0]], [1, 3]);
  await mine.close();
  assert(socket.isClosed);
});

test("fromSocket: one that fails to open, or is not wanted any more, is closed and says why", async () => {
  const refused = new Error("refused");
  const failing = { ...winterTc().socket, opened: Promise.reject(refused), isClosed: false };
  const error = await assertRejects(() => fromSocket(failing), SocketError);
  assertEquals([error.code, error.cause, failing.isClosed], ["ECONNREFUSED", refused, true]);
  const stuck = { ...winterTc().socket, opened: new Promise<never>(() => {}), isClosed: false };
  const canceller = new AbortController();
  const opening = fromSocket(stuck, canceller.signal);
  canceller.abort(refused);
  assertEquals(await opening.catch((reason: unknown) => reason), refused);
  assert(stuck.isClosed);
  assert(!stuck.readable.locked && !stuck.writable.locked);
});

test("streamFrom: a socket in front of a socket, opened and closed with it", async () => {
  const { socket, peer } = winterTc();
  const mine = streamFrom(socket);
  assertEquals((await mine.opened).remoteAddress, "[2001:db8::1]:443");
  await peer.writev([Uint8Array.of(1)]);
  const got = new Uint8Array(1);
  await mine.readv([got]);
  peer.abort();
  assertEquals((await mine.monitor()).code, "ECONNRESET");
  await mine.closed.catch(() => {});
  const late = await assertRejects(() => mine.readv([got]), SocketError);
  assertEquals(late.code, "ECONNRESET");
});

test("startTls: the streams are given back and the new socket takes over, unless bytes were read already", async () => {
  const plain = winterTc();
  const upgraded = winterTc();
  const driver = await fromSocket({ ...plain.socket, startTls: () => upgraded.socket });
  driver.start({ readable: () => {}, broken: () => {} });
  driver.watch!();
  await turns();
  const secure = await driver.startTls!({}, new AbortController().signal);
  assert(!plain.socket.readable.locked && !plain.socket.writable.locked);
  await upgraded.peer.writev([Uint8Array.of(7)]);
  secure.start({ readable: () => {}, broken: () => {} });
  const into = new Uint8Array(1);
  secure.readSync(into);
  await turns();
  assertEquals([secure.readSync(into), into[0]], [1, 7]);

  const late = winterTc();
  const used = await fromSocket({ ...late.socket, startTls: () => upgraded.socket });
  used.start({ readable: () => {}, broken: () => {} });
  await late.peer.writev([Uint8Array.of(1)]);
  used.watch!();
  await turns();
  const error = await assertRejects(() => used.startTls!({}, new AbortController().signal), SocketError);
  assertEquals(error.code, "EINVAL");
  const { socket } = winterTc();
  assertEquals((await fromSocket(socket)).startTls, undefined);
});
