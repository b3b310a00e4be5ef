// Opening with a runtime by hand: what throws at once, what rejects later, and what ends an opening.
import { test } from "node:test";
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { ManualClock } from "../../src/sim/mod.ts";
import { MemoryNetwork } from "../../src/tsocket/drivers/memory/mod.ts";
import { SocketError } from "../../src/tsocket/errors.ts";
import { InetAddress } from "../../src/tsocket/inet_address.ts";
import { UnixAddress } from "../../src/tsocket/local_address.ts";
import { connectWith, dgramWith, listenWith } from "../../src/tsocket/open.ts";
import type { TDgramDriver, TListenerDriver, TsocketRuntime, TStreamDriver } from "../../src/tsocket/driver_types.ts";
import type {
  AnySocketAddress,
  ConnectOptions,
  DgramOptions,
  ListenOptions,
  SocketTarget,
} from "../../src/tsocket/option_types.ts";
import { isSettled, turns } from "../support/turns.ts";
import { unhandledRejections } from "../support/unhandled.ts";
import { FakeDgramDriver } from "./support/fake_dgram_driver.ts";
import { FakeListenerDriver, FakeStreamDriver } from "./support/fake_listener_driver.ts";
import { failsWith, reasonOf } from "./support/settled.ts";

interface Call {
  readonly what: string;
  readonly target?: SocketTarget;
  readonly options: ConnectOptions & ListenOptions & DgramOptions;
  readonly signal: AbortSignal;
  bring(driver: TStreamDriver | TListenerDriver | TDgramDriver): void;
  fail(reason: unknown): void;
}

/** Leaves every opening to the test. */
class FakeRuntime implements TsocketRuntime {
  readonly name: string = "fake";
  readonly calls: Call[] = [];

  connect(target: SocketTarget, options: ConnectOptions, signal: AbortSignal): Promise<TStreamDriver> {
    return this.#call("connect", options, signal, target);
  }
  listen(target: SocketTarget, options: ListenOptions, signal: AbortSignal): Promise<TListenerDriver> {
    return this.#call("listen", options, signal, target);
  }
  dgram(options: DgramOptions, signal: AbortSignal): Promise<TDgramDriver> {
    return this.#call("dgram", options, signal);
  }

  #call<D>(what: string, options: object, signal: AbortSignal, target?: SocketTarget): Promise<D> {
    return new Promise<D>((resolve, reject) => {
      const bring = resolve as (driver: unknown) => void;
      this.calls.push({ what, options, signal, bring, fail: reject, ...target && { target } });
    });
  }
}

const v4 = InetAddress.from("192.0.2.1", 53);
const v6 = InetAddress.from("2001:db8::1", 53);
const wrong = 5 as never;

/** The three of them, with options that only matter for opening. */
const openers = {
  connect: (runtime: TsocketRuntime, options: ConnectOptions, clock?: ManualClock) =>
    connectWith(runtime, "192.0.2.1:53", options, { clock }),
  listen: (runtime: TsocketRuntime, options: ListenOptions, clock?: ManualClock) =>
    listenWith(runtime, "192.0.2.1:53", options, { clock }),
  dgram: (runtime: TsocketRuntime, options: DgramOptions, clock?: ManualClock) =>
    dgramWith(runtime, options, { clock }),
};
const names = ["connect", "listen", "dgram"] as const;
const drivers = {
  connect: () => new FakeStreamDriver(),
  listen: () => new FakeListenerDriver(),
  dgram: () => new FakeDgramDriver(),
};

test("71: connect returns at once, in pending state, and asks the runtime in the same turn", async () => {
  const runtime = new FakeRuntime();
  const stream = connectWith(runtime, "example.com:80", { allowHalfOpen: true });
  const [call] = runtime.calls;
  assertEquals([call!.what, call!.target, call!.options.allowHalfOpen], [
    "connect",
    { hostname: "example.com", port: 80 },
    true,
  ]);
  assertEquals([await isSettled(stream.opened), await isSettled(stream.closed)], [false, false]);
  assertEquals([stream.upgraded, stream.remoteAddress], [false, undefined]);
  call!.bring(new FakeStreamDriver(40000));
  assertEquals((await stream.opened).remoteAddress, "127.0.0.1:40000");
  await stream.close();
});

test("71: what cannot be an address throws at once, a SocketError that is a TypeError", () => {
  const runtime = new FakeRuntime();
  const addresses: unknown[] = ["", "example.com", ":80", "1.2.3.4:70000", { hostname: "", port: 1 }, {}, null, 5];
  for (const address of addresses) {
    for (const open of [connectWith, listenWith]) {
      const error = assertThrows(() => open(runtime, address as AnySocketAddress));
      assert(error instanceof SocketError && error instanceof TypeError, String(error));
      assert(error.message.startsWith("SocketError: "), error.message);
    }
  }
  for (const target of ["1.2.3.4:0", { hostname: "example.com", port: 0 }]) {
    assertEquals((assertThrows(() => connectWith(runtime, target), SocketError) as SocketError).code, "EINVAL");
  }
  assertEquals(runtime.calls, []);
});

test("71: options of TLS need TLS; null and no protocols are none", () => {
  const runtime = new FakeRuntime();
  const some: [ConnectOptions, string][] = [[{ sni: "a" }, "sni"], [{ alpn: ["h2"] }, "alpn"], [{ tls: {} }, "tls"]];
  for (const [options, name] of some) {
    assertThrows(() => connectWith(runtime, "a:1", options), TypeError, name);
    assertThrows(() => connectWith(runtime, "a:1", { ...options, secureTransport: "off" }), TypeError, name);
    for (const secureTransport of ["on", "starttls"] as const) {
      connectWith(runtime, "a:1", { ...options, secureTransport });
    }
  }
  connectWith(runtime, "a:1", { sni: null, alpn: [] });
  assertEquals(runtime.calls.length, 7);
});

test("a driver finds the server's name and the protocols wherever it looks", () => {
  const runtime = new FakeRuntime();
  connectWith(runtime, "a:1", { secureTransport: "on", sni: "b", alpn: ["h2"], tls: { ca: "PEM" } });
  connectWith(runtime, "a:1", { secureTransport: "on", tls: { sni: "c", alpn: ["x"] } });
  const seen = runtime.calls.map(({ options: { sni, alpn, tls } }) => ({ sni, alpn, tls }));
  assertEquals(seen, [
    { sni: "b", alpn: ["h2"], tls: { ca: "PEM", sni: "b", alpn: ["h2"] } },
    { sni: "c", alpn: ["x"], tls: { sni: "c", alpn: ["x"] } },
  ]);
});

test("options of connect are checked at once", () => {
  const runtime = new FakeRuntime();
  const tls = (options: object): ConnectOptions => ({ secureTransport: "on", tls: options });
  const bad: [ConnectOptions, typeof TypeError | typeof RangeError][] = [
    [null as never, TypeError],
    [{ secureTransport: "maybe" as never }, RangeError],
    [{ allowHalfOpen: wrong }, TypeError],
    [{ failEarly: wrong }, TypeError],
    [{ noDelay: wrong }, TypeError],
    [{ keepAliveMs: -1 }, RangeError],
    [{ keepAliveMs: "1" as never }, TypeError],
    [{ maxQueuedWrites: 0 }, RangeError],
    [{ closeGraceMs: NaN }, RangeError],
    [{ localAddress: "1.2.3.4" as never }, TypeError],
    [{ secureTransport: "on", sni: "" }, TypeError],
    [{ secureTransport: "on", alpn: "h2" as never }, TypeError],
    [{ secureTransport: "on", alpn: [wrong] }, TypeError],
    [{ secureTransport: "on", alpn: [""] }, RangeError],
    [{ secureTransport: "on", alpn: ["x".repeat(256)] }, RangeError],
    [{ secureTransport: "on", sni: "a", tls: { sni: "b" } }, TypeError],
    [tls(null as never), TypeError],
    [tls({ cert: "PEM" }), TypeError],
    [tls({ key: "PEM" }), TypeError],
    [tls({ cert: wrong, key: "PEM" }), TypeError],
    [tls({ ca: ["PEM", wrong] }), TypeError],
    [tls({ alpn: [""] }), RangeError],
  ];
  for (const [options, kind] of bad) {
    const error = assertThrows(() => connectWith(runtime, "a:1", options), kind);
    assert(!(error instanceof SocketError), String(error));
  }
  assertEquals(runtime.calls, []);
});

test("addresses that do not fit are EINVAL at once", () => {
  const runtime = new FakeRuntime();
  const fails = (open: () => unknown) => {
    assertEquals((assertThrows(open, SocketError) as SocketError).code, "EINVAL");
  };
  fails(() => connectWith(runtime, v6, { localAddress: v4 }));
  fails(() => connectWith(runtime, UnixAddress.from("/a"), { localAddress: v4 }));
  fails(() => listenWith(runtime, v4, { ipv6Only: true }));
  fails(() => dgramWith(runtime, { localAddress: v4, ipv6Only: true }));
  fails(() => dgramWith(runtime, { localAddress: v4, remoteAddress: v6 }));
  fails(() => dgramWith(runtime, { localAddress: v6, remoteAddress: v4 }));
  fails(() => dgramWith(runtime, { localAddress: UnixAddress.from("/a"), remoteAddress: v4 }));
  fails(() => dgramWith(runtime, { remoteAddress: v4.withPort(0) }));
  assertEquals(runtime.calls, []);
  connectWith(runtime, v4, { localAddress: InetAddress.from("::", 0) });
  connectWith(runtime, "example.com:1", { localAddress: v6 });
  dgramWith(runtime, { localAddress: InetAddress.from("::", 0), remoteAddress: v4 });
  dgramWith(runtime, { localAddress: v4.withPort(0), remoteAddress: InetAddress.from("::ffff:192.0.2.9", 1) });
  assertEquals(runtime.calls.length, 4);
});

test("options of listen are checked at once", () => {
  const runtime = new FakeRuntime();
  const bad: [ListenOptions, typeof TypeError | typeof RangeError][] = [
    [null as never, TypeError],
    [{ stream: null as never }, TypeError],
    [{ stream: { allowHalfOpen: wrong } }, TypeError],
    [{ stream: { maxQueuedBytes: 0 } }, RangeError],
    [{ backlog: 0 }, RangeError],
    [{ maxPending: 0 }, RangeError],
    [{ reusePort: wrong }, TypeError],
    [{ ipv6Only: wrong }, TypeError],
    [{ noDelay: wrong }, TypeError],
    [{ tls: {} }, TypeError],
    [{ tls: { cert: "PEM" } }, TypeError],
    [{ tls: { cert: "PEM", key: "PEM", sni: "a" } }, TypeError],
  ];
  for (const [options, kind] of bad) assertThrows(() => listenWith(runtime, v4, options), kind);
  assertEquals(runtime.calls, []);
  listenWith(runtime, "127.0.0.1:0", { tls: { cert: "PEM", key: "PEM" }, backlog: 5 });
  assertEquals(runtime.calls.map(({ target }) => String(target)), ["ipv4:127.0.0.1:0"]);
});

test("options of dgram are checked at once", () => {
  const runtime = new FakeRuntime();
  const bad: [DgramOptions, typeof TypeError | typeof RangeError][] = [
    [null as never, TypeError],
    [{ localAddress: "127.0.0.1:5" as never }, TypeError],
    [{ remoteAddress: {} as never }, TypeError],
    [{ reuseAddress: wrong }, TypeError],
    [{ reusePort: wrong }, TypeError],
    [{ ipv6Only: wrong }, TypeError],
    [{ broadcast: wrong }, TypeError],
    [{ recvBufferSize: 0 }, RangeError],
    [{ sendBufferSize: 2 ** 31 }, RangeError],
    [{ maxQueuedDatagrams: 0 }, RangeError],
  ];
  for (const [options, kind] of bad) assertThrows(() => dgramWith(runtime, options), kind);
  assertEquals(runtime.calls, []);
});

test("signal and deadline are checked at once by all three", () => {
  const runtime = new FakeRuntime();
  for (const name of names) {
    for (
      const options of [{ signal: {} as never }, { signal: null as never }, { deadlineAt: NaN }, {
        deadlineAt: wrong + "",
      }]
    ) {
      assertThrows(
        () => openers[name](runtime, options as never),
        TypeError,
        undefined,
        `${name} ${Object.keys(options)}`,
      );
    }
  }
  assertEquals(runtime.calls, []);
});

test("62: a signal while opening rejects with its reason; the runtime is told and its late driver is freed", async () => {
  for (const name of names) {
    const runtime = new FakeRuntime();
    const controller = new AbortController();
    const reason = new Error("changed my mind");
    const socket = openers[name](runtime, { signal: controller.signal });
    controller.abort(reason);
    const [call] = runtime.calls;
    assertEquals([call!.signal.aborted, call!.signal.reason], [true, reason]);
    assertStrictEquals(await reasonOf(socket.opened), reason);
    assertStrictEquals(await reasonOf(socket.closed), reason);
    const driver = drivers[name]();
    call!.bring(driver);
    await turns(1);
    if (driver instanceof FakeStreamDriver) assertEquals(driver.ends, ["abort"]);
    else assertEquals(driver.closes, 1);
  }
});

test("62: a signal that has fired asks the runtime for nothing, nor does a deadline that has passed", async () => {
  for (const name of names) {
    const runtime = new FakeRuntime();
    const reason = new Error("never wanted it");
    assertStrictEquals(await reasonOf(openers[name](runtime, { signal: AbortSignal.abort(reason) }).opened), reason);
    await failsWith(openers[name](runtime, { deadlineAt: 1000 }, new ManualClock(1000)).opened, "ETIMEDOUT");
    assertEquals(runtime.calls, []);
  }
});

test("62: a deadline while opening is ETIMEDOUT, and leaves no timer", async () => {
  for (const name of names) {
    const runtime = new FakeRuntime();
    const clock = new ManualClock(1000);
    const socket = openers[name](runtime, { deadlineAt: 1050 }, clock);
    clock.advance(49);
    assertEquals(await isSettled(socket.opened), false);
    clock.advance(1);
    await failsWith(socket.opened, "ETIMEDOUT");
    assertEquals([runtime.calls[0]!.signal.aborted, clock.timers], [true, 0]);
    runtime.calls[0]!.fail(runtime.calls[0]!.signal.reason);
    await turns(1);
  }
});

test("62: signal and deadline mean nothing once it is open", async () => {
  for (const name of names) {
    const runtime = new FakeRuntime();
    const clock = new ManualClock(1000);
    const controller = new AbortController();
    const socket = openers[name](runtime, { signal: controller.signal, deadlineAt: 1050 }, clock);
    const driver = drivers[name]();
    runtime.calls[0]!.bring(driver);
    await socket.opened;
    assertEquals(clock.timers, 0);
    controller.abort();
    clock.advance(100);
    assertEquals([await isSettled(socket.closed), runtime.calls[0]!.signal.aborted], [false, false]);
    await socket.close();
  }
});

test("57: close while opening rejects opened with ECONNABORTED, settles closed, and frees a late driver", async () => {
  for (const name of names) {
    const runtime = new FakeRuntime();
    const clock = new ManualClock(1000);
    const socket = openers[name](runtime, { deadlineAt: 2000 }, clock);
    const opened = failsWith(socket.opened, "ECONNABORTED");
    await socket.close();
    await opened;
    await socket.closed;
    assertEquals([runtime.calls[0]!.signal.aborted, clock.timers], [true, 0]);
    const driver = drivers[name]();
    runtime.calls[0]!.bring(driver);
    await turns(1);
    if (driver instanceof FakeStreamDriver) assertEquals(driver.ends, ["abort"]);
    else assertEquals(driver.closes, 1);
  }
});

test("62: what the runtime fails with is what everything rejects with, and nothing is left unhandled", async () => {
  const unhandled = await unhandledRejections(async () => {
    for (const name of names) {
      const runtime = new FakeRuntime();
      const reason = new SocketError("refused", { code: "ECONNREFUSED", address: v4 });
      const socket = openers[name](runtime, {});
      openers[name](runtime, {});
      for (const { fail } of runtime.calls) fail(reason);
      assertStrictEquals(await reasonOf(socket.opened), reason);
      assertStrictEquals(await reasonOf(socket.closed), reason);
      const thrown = openers[name]({
        name: "broken",
        connect: () => {
          throw reason;
        },
        listen: () => {
          throw reason;
        },
        dgram: () => {
          throw reason;
        },
      }, {});
      assertStrictEquals(await reasonOf(thrown.opened), reason);
    }
  });
  assertEquals(unhandled, []);
});

test("71: startTls needs a connection that said starttls", async () => {
  const runtime = new FakeRuntime();
  for (const secureTransport of ["off", "on", undefined] as const) {
    const stream = connectWith(runtime, "a:1", { secureTransport });
    runtime.calls.at(-1)!.bring(new FakeStreamDriver());
    await stream.opened;
    const error = assertThrows(() => stream.startTls(), SocketError);
    assertEquals([(error as SocketError).code, stream.upgraded], ["EINVAL", false]);
    stream.abort();
  }
});

test("over a network in memory the three of them make sockets that work together", async () => {
  const network = new MemoryNetwork();
  const listener = listenWith(network, "127.0.0.1:0");
  const { localAddress } = await listener.opened;
  const client = connectWith(network, localAddress);
  const server = await listener.accept();
  await client.writev([Uint8Array.of(1, 2, 3)]);
  const three = new Uint8Array(3);
  await server.readv([three]);
  assertEquals(three, Uint8Array.of(1, 2, 3));
  await Promise.all([client.close(), server.close(), listener.close()]);

  const bound = dgramWith(network, { localAddress: InetAddress.from("::", 0) });
  await bound.opened;
  const peer = InetAddress.from("127.0.0.1", (bound.localAddress as InetAddress).port);
  const connected = dgramWith(network, { remoteAddress: peer });
  await connected.sendto(three);
  const { data, source } = await bound.recvfrom();
  assertEquals([data, (source as InetAddress).family], [three, "ipv4"]);
  await bound.sendto(data, source);
  assertEquals((await connected.recvfrom()).data, three);
  assertEquals(connected.stats.strangers, 0);
  await Promise.all([bound.close(), connected.close()]);
  assertEquals(network.sockets, 0);
});
