/** Cases 57, 58, 62, 67 and 71, and listeners: connections that are made by connecting and listening. */
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { SocketError } from "../../../src/tsocket/errors.ts";
import { connectWith, listenWith } from "../../../src/tsocket/open.ts";
import type { ConnectOptions, ListenOptions } from "../../../src/tsocket/option_types.ts";
import type { TListener, TStream } from "../../../src/tsocket/types.ts";
import { openThings, untilNoLeaks } from "../support/leaks.ts";
import { isSettled, turns } from "../../support/turns.ts";
import { checkPattern, pattern } from "./bytes.ts";
import { define } from "./define.ts";
import type { NetworkRig } from "./rig.ts";
import { drainPattern, drainToEnd, fails, failure, take } from "./waiting.ts";

/** A listener, and what was opened by way of it. */
export interface Scene {
  readonly listener: TListener;
  /** Connects to it. */
  connect(options?: ConnectOptions): TStream;
  /** Takes the next connection. */
  accept(): Promise<TStream>;
}

/** Listens for `body`; then closes the listener and everything that was connected or accepted. */
export async function withListener(
  rig: NetworkRig,
  options: ListenOptions,
  body: (scene: Scene) => Promise<void>,
): Promise<void> {
  const listener = listenWith(rig.runtime, rig.freshAddress(), options);
  const { localAddress } = await listener.opened;
  const streams: TStream[] = [];
  const keep = (stream: TStream): TStream => {
    streams.push(stream);
    return stream;
  };
  try {
    await body({
      listener,
      connect: (options) => keep(connectWith(rig.runtime, localAddress, options)),
      accept: () => listener.accept().then(keep),
    });
  } finally {
    for (const stream of streams) stream.abort();
    await listener.close();
    await Promise.allSettled(streams.map((stream) => stream.closed));
  }
}

/** Registers the cases. */
export function networkSuite(rig: NetworkRig): void {
  opening(rig);
  failing(rig);
  givingUp(rig);
  winterTc(rig);
  listeners(rig);
}

function opening(rig: NetworkRig): void {
  define(
    rig,
    71,
    "connect returns at once, and what is written before it is open arrives",
    () =>
      withListener(rig, {}, async ({ connect, accept }) => {
        const a = connect();
        assertEquals([a.localAddress, a.remoteAddress, a.pendingBytes, a.upgraded], [undefined, undefined, 0, false]);
        const written = a.writev([pattern(10)]);
        const writer = a.writable.getWriter();
        const chunk = writer.write(pattern(10, 10));
        const read = take(a, 5);
        const b = await accept();
        checkPattern(await take(b, 20));
        await b.writev([pattern(5)]);
        checkPattern(await read);
        assertEquals(await written, 10);
        await chunk;
        const info = await a.opened;
        assertEquals(info.alpn, null);
        if (rig.features.hasAddresses) {
          assertEquals(info.remoteAddress, a.remoteAddress!.toHostPort());
          assertEquals(info.remoteAddress, (await b.opened).localAddress);
          assertEquals(info.localAddress, (await b.opened).remoteAddress);
        }
      }),
  );
}

function failing(rig: NetworkRig): void {
  define(rig, 62, "a refused connection fails everything at once, and nothing stays open", async () => {
    const before = openThings();
    const a = connectWith(rig.runtime, rig.deadAddress());
    const outcomes = [a.readv([new Uint8Array(1)]), a.writev([new Uint8Array(1)]), a.opened, a.closed];
    for (const promise of outcomes) promise.catch(() => {});
    const { code, blame } = await fails(a.opened, ...rig.features.deadCodes);
    assertEquals(blame, "remote");
    for (const promise of outcomes) await fails(promise, code);
    assertEquals((await a.monitor()).code, code);
    assert(await failure(a.readable.getReader().read()) instanceof SocketError);
    assert(await failure(a.writable.getWriter().closed) instanceof SocketError);
    assertEquals(await untilNoLeaks(before), []);
  });

  define(rig, 62, "a refused connection that nobody asks about leaves no rejection behind", async () => {
    const a = connectWith(rig.runtime, rig.deadAddress());
    await a.monitor();
    await turns(4);
  });
}

function givingUp(rig: NetworkRig): void {
  define(rig, 57, "close while connecting rejects opened, and nothing stays open", async () => {
    const before = openThings();
    await withListener(rig, {}, async ({ connect, accept }) => {
      const a = connect();
      const read = failure(a.readv([new Uint8Array(1)]));
      const closed = a.close();
      assertEquals((await fails(a.opened, "ECONNABORTED")).blame, "local");
      await Promise.allSettled([closed, a.closed]);
      assertEquals((await read as { code?: string }).code, "ECONNABORTED");
      await fails(a.writev([new Uint8Array(1)]), "ECONNABORTED");
      await stillAccepts({ connect, accept });
    });
    assertEquals(await untilNoLeaks(before), []);
  });

  define(rig, 62, "a signal while connecting rejects with its reason, and nothing stays open", async () => {
    const before = openThings();
    await withListener(rig, {}, async ({ connect, accept }) => {
      for (const waits of [0, 1]) {
        const controller = new AbortController();
        const reason = new Error("changed my mind");
        const a = connect({ signal: controller.signal });
        if (waits > 0) await Promise.resolve();
        controller.abort(reason);
        assertStrictEquals(await failure(a.opened), reason);
        assertStrictEquals(await failure(a.closed), reason);
        assertStrictEquals(await failure(a.writev([new Uint8Array(1)])), reason);
      }
      const reason = new Error("never wanted it");
      assertStrictEquals(await failure(connect({ signal: AbortSignal.abort(reason) }).opened), reason);
      await stillAccepts({ connect, accept });
    });
    assertEquals(await untilNoLeaks(before), []);
  });

  define(
    rig,
    62,
    "a deadline that has passed is ETIMEDOUT, and a signal after opening does nothing",
    () =>
      withListener(rig, {}, async ({ connect, accept }) => {
        await fails(connect({ deadlineAt: performance.now() - 1 }).opened, "ETIMEDOUT");
        const controller = new AbortController();
        const a = connect({ signal: controller.signal, deadlineAt: performance.now() + 1_000_000 });
        await a.opened;
        controller.abort();
        await stillAccepts({ connect: () => a, accept });
      }),
  );
}

/** Connects until a byte gets through: connections that were given up may come before. */
async function stillAccepts({ connect, accept }: Pick<Scene, "connect" | "accept">): Promise<void> {
  const a = connect();
  await a.writev([pattern(1)]);
  for (;;) {
    const b = await accept();
    const count = await b.readSome(new Uint8Array(1)).catch(() => null);
    if (count === 1) return;
  }
}

function winterTc(rig: NetworkRig): void {
  define(rig, 71, "addresses and options that make no sense throw at once", async () => {
    for (const address of ["", "nonsense", ":80", "1.2.3.4:99999", "1.2.3.4:x", { hostname: "", port: 1 }]) {
      const error = assertThrows(() => connectWith(rig.runtime, address));
      assert(error instanceof TypeError, String(error));
    }
    for (
      const options of [{ sni: "a" }, { alpn: ["a"] }, { secureTransport: "maybe" as "on" }, { maxQueuedWrites: -1 }]
    ) {
      const error = assertThrows(() => connectWith(rig.runtime, rig.deadAddress(), options));
      assert(error instanceof TypeError || error instanceof RangeError, String(error));
    }
    await turns(1);
  });

  define(
    rig,
    71,
    "startTls needs a connection that said starttls, and that is open",
    () =>
      withListener(rig, {}, async ({ connect }) => {
        const off = connect();
        await off.opened;
        const error = assertThrows(() => off.startTls());
        assert(error instanceof SocketError && error instanceof TypeError);
        assertEquals(off.upgraded, false);
        const gone = connect({ secureTransport: "starttls" });
        if (rig.features.hasTls) await gone.opened;
        else await fails(gone.opened, "EPROTONOSUPPORT");
        gone.abort();
        assert(assertThrows(() => gone.startTls()) instanceof SocketError);
      }),
  );
}

function listeners(rig: NetworkRig): void {
  define(
    rig,
    57,
    "connections are accepted one by one, by iteration and through the readable",
    () =>
      withListener(rig, {}, async ({ listener, connect }) => {
        const clients = [connect(), connect(), connect()];
        for (const [i, client] of clients.entries()) void client.writev([Uint8Array.of(i)]);
        const first = await listener.accept();
        const iterator = listener[Symbol.asyncIterator]();
        const second = (await iterator.next()).value as TStream;
        await iterator.return?.();
        assertEquals(await isSettled(listener.closed), false);
        const reader = listener.readable.getReader();
        const third = (await reader.read()).value!;
        reader.releaseLock();
        const seen: number[] = [];
        for (const stream of [first, second, third]) seen.push((await take(stream, 1))[0]!);
        assertEquals(seen.sort(), [0, 1, 2]);
        assertEquals(listener.stats.accepted, 3);
        for (const stream of [first, second, third]) await stream.close();
      }),
  );

  define(
    rig,
    58,
    "close ends a pending accept, and what was accepted goes on",
    () =>
      withListener(rig, {}, async ({ listener, connect, accept }) => {
        const a = connect();
        const b = await accept();
        const pending = failure(listener.accept());
        await turns(1);
        const closed = listener.close();
        assertStrictEquals(listener.close(), closed);
        assertEquals((await pending as { code?: string }).code, "ECONNABORTED");
        await closed;
        await listener.closed;
        await fails(listener.accept(), "ECONNABORTED");
        await a.writev([pattern(3)]);
        checkPattern(await take(b, 3));
        const late = connect();
        assert(await failure(late.opened) instanceof SocketError);
      }),
  );

  define(
    rig,
    57,
    "what nobody accepted is closed with the listener",
    () =>
      withListener(rig, {}, async ({ listener, connect, accept }) => {
        const first = connect();
        await accept();
        const a = connect();
        await a.opened;
        const watching = a.monitor();
        await listener.close();
        const { code } = await watching;
        assert([...rig.features.abortCodes, "EOF"].includes(code), code);
        await drainToEnd(a);
        first.abort();
      }),
  );

  define(
    rig,
    57,
    "an accept can be cancelled and loses no connection",
    () =>
      withListener(rig, {}, async ({ listener, connect, accept }) => {
        const controller = new AbortController();
        const cancelled = failure(listener.accept({ signal: controller.signal }));
        controller.abort("not now");
        assertEquals(await cancelled, "not now");
        await fails(listener.accept({ deadlineAt: performance.now() - 1 }), "ETIMEDOUT");
        const a = connect();
        const b = await accept();
        await b.writev([pattern(6)]);
        checkPattern(await take(a, 6));
      }),
  );

  define(rig, 57, "an address that is taken is EADDRINUSE", () =>
    withListener(rig, {}, async ({ listener }) => {
      const second = listenWith(rig.runtime, listener.localAddress!);
      await fails(second.opened, "EADDRINUSE");
      await failure(second.closed);
      assert(await failure(second.accept()) instanceof SocketError);
      await second.close();
    }));

  define(
    rig,
    19,
    "bytes that came before the connection was accepted are there",
    () =>
      withListener(rig, {}, async ({ connect, accept }) => {
        const a = connect();
        await a.writev([pattern(50_000)]);
        await a.shutdown();
        await turns(10);
        const b = await accept();
        await turns(10);
        assertEquals(await drainPattern(b), 50_000);
      }),
  );
}
