/** The network in memory: who reaches whom, and who may be bound where. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { test } from "node:test";
import { ManualClock } from "../../src/sim/manual_clock.ts";
import { MemoryNetwork, type MemoryNetworkOptions } from "../../src/tsocket/drivers/memory/mod.ts";
import { SocketError } from "../../src/tsocket/errors.ts";
import { InetAddress } from "../../src/tsocket/inet_address.ts";
import { UnixAddress, VirtualAddress } from "../../src/tsocket/local_address.ts";
import { connectWith, dgramWith, listenWith } from "../../src/tsocket/open.ts";
import type { TDgramDriver, TListenerDriver, TStreamDriver } from "../../src/tsocket/driver_types.ts";
import type { ConnectOptions, DgramOptions, ListenOptions, SocketTarget } from "../../src/tsocket/option_types.ts";
import type { TsocketAddress } from "../../src/tsocket/types.ts";
import { isSettled, turns } from "../support/turns.ts";

const never = new AbortController().signal;
const at = (text: string): InetAddress => InetAddress.parse(text);

interface Listening {
  readonly driver: TListenerDriver;
  readonly accepted: TStreamDriver[];
}

/** A network with short ways to use it. */
class World {
  readonly network: MemoryNetwork;

  constructor(options?: MemoryNetworkOptions) {
    this.network = new MemoryNetwork(options);
  }

  async listen(on: SocketTarget, options: ListenOptions = {}): Promise<Listening> {
    const driver = await this.network.listen(on, options, never);
    const accepted: TStreamDriver[] = [];
    driver.start({ connection: (one) => accepted.push(one), acceptError: () => {}, broken: () => {} });
    return { driver, accepted };
  }

  connect(to: SocketTarget, options: ConnectOptions = {}): Promise<TStreamDriver> {
    return this.network.connect(to, options, never);
  }

  /** A datagram socket and what it got. */
  async dgram(options: DgramOptions = {}): Promise<{ driver: TDgramDriver; got: string[]; refused: string[] }> {
    const driver = await this.network.dgram(options, never);
    const [got, refused]: string[][] = [[], []];
    driver.start({
      datagram: (data, source) => got!.push(`${[...data]} from ${source?.toHostPort()}`),
      writable: () => {},
      icmpError: ({ code, destination }) => refused!.push(`${code} ${destination?.toHostPort()}`),
      broken: () => {},
    });
    return { driver, got: got!, refused: refused! };
  }
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  return (await assertRejects(() => promise, SocketError)).code;
}

test("connect and listen between addresses of every kind", async () => {
  const world = new World();
  const kinds: [TsocketAddress, string | undefined][] = [
    [at("10.0.0.1:80"), "127.0.0.1:49152"],
    [at("[2001:db8::1]:80"), "[::1]:49153"],
    [UnixAddress.from("/run/x.sock", "linux"), undefined],
    [UnixAddress.from("\0abstract", "linux"), undefined],
    [VirtualAddress.from("test", "server"), undefined],
  ];
  for (const [address, from] of kinds) {
    const { driver, accepted } = await world.listen(address);
    assertEquals(driver.localAddress, address);
    const client = await world.connect(address);
    await turns();
    assertEquals(accepted.length, 1);
    assertEquals([client.localAddress?.toHostPort(), client.remoteAddress], [from, address]);
    assertEquals([accepted[0]!.remoteAddress?.toHostPort(), accepted[0]!.localAddress], [from, address]);
    await client.writev([Uint8Array.of(1)]);
    assertEquals(accepted[0]!.readSync(new Uint8Array(4)), 1);
    await Promise.all([client.close(), accepted[0]!.close(), driver.close(), driver.close()]);
  }
  assertEquals(world.network.sockets, 0);
});

test("two networks know nothing of each other", async () => {
  await new World().listen(at("10.0.0.1:80"));
  assertEquals(await codeOf(new World().connect(at("10.0.0.1:80"))), "ECONNREFUSED");
});

test("62: nobody listens: ECONNREFUSED, and after the listener closed as well", async () => {
  const world = new World();
  const { driver } = await world.listen(at("10.0.0.1:80"));
  for (const text of ["10.0.0.1:81", "10.0.0.2:80", "[::1]:80"]) {
    const error = await assertRejects(() => world.connect(at(text)), SocketError);
    assertEquals([error.code, error.address?.toHostPort()], ["ECONNREFUSED", text]);
  }
  await driver.close();
  assertEquals(await codeOf(world.connect(at("10.0.0.1:80"))), "ECONNREFUSED");
  assertEquals(world.network.sockets, 0);
});

test("EADDRINUSE: the same address, and one that stands for all; free again after close", async () => {
  const world = new World();
  const first = await world.listen(at("0.0.0.0:80"));
  for (const text of ["0.0.0.0:80", "10.0.0.1:80", "[::]:80", "[::ffff:10.0.0.1]:80"]) {
    assertEquals(await codeOf(world.listen(at(text))), "EADDRINUSE", text);
  }
  await world.listen(at("[::]:80"), { ipv6Only: true });
  await world.listen(at("10.0.0.1:81"));
  await first.driver.close();
  await world.listen(at("10.0.0.1:80"));
  await world.listen(UnixAddress.from("/x", "linux"));
  assertEquals(await codeOf(world.listen(UnixAddress.from("/x", "linux"))), "EADDRINUSE");
});

test("port 0 gives a free port; wildcards are reached under each of their addresses, exact ones before", async () => {
  const world = new World();
  const [one, two] = [await world.listen(at("0.0.0.0:0")), await world.listen(at("[::]:0"))];
  const ports = [one, two].map(({ driver }) => (driver.localAddress as InetAddress).port);
  assert(ports[0] !== ports[1] && ports.every((port) => port >= 49152));
  await world.connect(at(`10.9.8.7:${ports[0]}`));
  const local = await world.connect(at(`0.0.0.0:${ports[0]}`));
  assertEquals(local.remoteAddress?.toHostPort(), `127.0.0.1:${ports[0]}`);
  assertEquals(await codeOf(world.connect(at(`[::1]:${ports[0]}`))), "ECONNREFUSED");
  await world.connect(at(`[::1]:${ports[1]}`));
  await world.connect(at(`10.9.8.7:${ports[1]}`));
  await world.connect(at(`[::ffff:10.9.8.7]:${ports[1]}`));
  await turns();
  assertEquals([one.accepted.length, two.accepted.length], [2, 3]);
});

test("reusePort: listeners that share an address have their turns", async () => {
  const world = new World();
  const listeners = [1, 2, 3];
  const open = await Promise.all(listeners.map(() => world.listen(at("10.0.0.1:80"), { reusePort: true })));
  assertEquals(await codeOf(world.listen(at("10.0.0.1:80"))), "EADDRINUSE");
  for (let i = 0; i < 6; i++) await world.connect(at("10.0.0.1:80"));
  await turns();
  assertEquals(open.map(({ accepted }) => accepted.length), [2, 2, 2]);
});

test("backlog: more connections than wait to be accepted are refused; those that wait are reset by close", async () => {
  const world = new World();
  const listener = await world.network.listen(at("10.0.0.1:80"), { backlog: 2 }, never);
  const waiting = await world.connect(at("10.0.0.1:80"));
  await world.connect(at("10.0.0.1:80"));
  assertEquals(await codeOf(world.connect(at("10.0.0.1:80"))), "ECONNREFUSED");
  const told: string[] = [];
  waiting.start({ readable: () => {}, broken: (error) => told.push(error.code) });
  await listener.close();
  await turns();
  assertEquals(told, ["ECONNRESET"]);
});

test("connect from a local address: that one, EADDRINUSE when it is taken, EINVAL for another family", async () => {
  const world = new World();
  await world.listen(at("10.0.0.1:80"));
  const from = at("10.0.0.9:1234");
  const client = await world.connect(at("10.0.0.1:80"), { localAddress: from });
  assertEquals(client.localAddress, from);
  assertEquals(await codeOf(world.connect(at("10.0.0.1:80"), { localAddress: from })), "EADDRINUSE");
  assertEquals(await codeOf(world.connect(at("10.0.0.1:80"), { localAddress: at("[::1]:1") })), "EINVAL");
  assertEquals(world.network.sockets, 2);
});

test("host names: localhost, and those that the network was told; others are ENOTFOUND", async () => {
  const world = new World({ hosts: { "db.test": "10.0.0.5" } });
  await world.listen({ hostname: "localhost", port: 80 });
  await world.listen(at("10.0.0.5:80"));
  assertEquals((await world.connect({ hostname: "DB.test", port: 80 })).remoteAddress?.toHostPort(), "10.0.0.5:80");
  assertEquals((await world.connect(at("127.0.0.1:80"))).remoteAddress?.toHostPort(), "127.0.0.1:80");
  assertEquals(await codeOf(world.connect({ hostname: "example.org", port: 80 })), "ENOTFOUND");
});

test("there is no TLS: EPROTONOSUPPORT", async () => {
  const world = new World();
  await world.listen(at("10.0.0.1:80"));
  for (const secureTransport of ["on", "starttls"] as const) {
    assertEquals(await codeOf(world.connect(at("10.0.0.1:80"), { secureTransport })), "EPROTONOSUPPORT");
  }
  assertEquals(await codeOf(world.listen(at("10.0.0.1:81"), { tls: {} })), "EPROTONOSUPPORT");
});

test("66: maxSockets: more fail with EMFILE, and go on once some are closed", async () => {
  const world = new World({ maxSockets: 2 });
  const { accepted } = await world.listen(at("10.0.0.1:80"));
  const client = await world.connect(at("10.0.0.1:80"));
  await turns();
  const attempts = [world.connect(at("10.0.0.1:80")), world.listen(at("10.0.0.1:81")), world.dgram()];
  for (const attempt of attempts) assertEquals(await codeOf(attempt), "EMFILE");
  await client.close();
  assertEquals(world.network.sockets, 2, "the other end is still open");
  accepted[0]!.abort();
  await world.connect(at("10.0.0.1:80"));
  assertThrows(() => new MemoryNetwork({ maxSockets: 0 }), RangeError);
});

test("the same faults for all links, or others for each; delays hold connecting up, which may be cancelled", async () => {
  const clock = new ManualClock();
  const world = new World({
    stream: ({ from, to }) => {
      assertEquals(from?.toHostPort(), "127.0.0.1:0");
      return (to as InetAddress).port === 80 ? { faults: { delayMs: 50, clock } } : {};
    },
  });
  await world.listen(at("10.0.0.1:80"));
  await world.listen(at("10.0.0.1:81"));
  const slow = world.connect(at("10.0.0.1:80"));
  await world.connect(at("10.0.0.1:81"));
  assertEquals(await isSettled(slow), false);
  clock.advance(50);
  await slow;
  const canceller = new AbortController();
  const cancelled = world.network.connect(at("10.0.0.1:80"), {}, canceller.signal);
  const reason = new Error("not wanted");
  canceller.abort(reason);
  assertEquals(await cancelled.catch((error: unknown) => error), reason);
  assertEquals([clock.timers, world.network.sockets], [0, 4]);
  for (
    const open of [
      world.network.listen(at("10.0.0.1:1"), {}, canceller.signal),
      world.network.dgram({}, canceller.signal),
    ]
  ) {
    assertEquals(await open.catch((error: unknown) => error), reason);
  }
});

test("connections of one seed draw different faults, and the same in every run", async () => {
  const run = async (): Promise<string[]> => {
    const world = new World({ stream: { faults: { seed: 9, shortReads: 0.7 } } });
    const { accepted } = await world.listen(at("10.0.0.1:80"));
    const seen: string[] = [];
    for (let i = 0; i < 2; i++) {
      const client = await world.connect(at("10.0.0.1:80"));
      await client.writev([new Uint8Array(500)]);
      await turns();
      const sizes: number[] = [];
      while (accepted[i]!.pendingBytes > 0) sizes.push(accepted[i]!.readSync(new Uint8Array(100)));
      seen.push(sizes.join());
    }
    return seen;
  };
  const [first, second] = await run();
  assert(first !== second);
  assertEquals(await run(), [first!, second!]);
});

test("datagrams by address: many to many, sources are right, wildcards answer from the machine's address", async () => {
  const world = new World();
  const [a, b, c] = [
    await world.dgram({ localAddress: at("10.0.0.1:1") }),
    await world.dgram({ localAddress: at("10.0.0.2:2") }),
    await world.dgram(),
  ];
  const any = c.driver.localAddress as InetAddress;
  assertEquals(any.address, "::");
  await a.driver.send(Uint8Array.of(1), at("10.0.0.2:2"));
  await b.driver.send(Uint8Array.of(2), at("10.0.0.1:1"));
  await b.driver.send(Uint8Array.of(3), at(`127.0.0.1:${any.port}`));
  await c.driver.send(Uint8Array.of(4), at("10.0.0.1:1"));
  await c.driver.send(Uint8Array.of(5), at(`[::1]:${any.port}`));
  await c.driver.send(Uint8Array.of(6), at(`[::]:${any.port}`));
  await turns();
  assertEquals(a.got, ["2 from 10.0.0.2:2", `4 from 127.0.0.1:${any.port}`]);
  assertEquals(b.got, ["1 from 10.0.0.1:1"]);
  assertEquals(c.got, ["3 from 10.0.0.2:2", `5 from [::1]:${any.port}`, `6 from [::1]:${any.port}`]);
});

test("74: a connected datagram socket gets what its peer sends, others go to whoever is not connected", async () => {
  const world = new World();
  const server = await world.dgram({ localAddress: at("10.0.0.1:1"), reuseAddress: true });
  const client = await world.dgram({ remoteAddress: at("10.0.0.1:1") });
  const stranger = await world.dgram();
  const session = await world.dgram({
    localAddress: at("10.0.0.1:1"),
    remoteAddress: client.driver.localAddress,
    reuseAddress: true,
  });
  await stranger.driver.send(Uint8Array.of(1), client.driver.localAddress);
  await client.driver.send(Uint8Array.of(2), undefined);
  await stranger.driver.send(Uint8Array.of(3), at("10.0.0.1:1"));
  await session.driver.send(Uint8Array.of(4), undefined);
  await turns();
  assertEquals([server.got.length, session.got.length], [1, 1]);
  assertEquals(client.got, ["4 from 10.0.0.1:1"]);
  assertEquals(stranger.refused, [`ECONNREFUSED ${client.driver.localAddress?.toHostPort()}`]);
});

test("75: dead, live, dead, live: all live ones arrive, the dead ones are told", async () => {
  const world = new World();
  const live = await world.dgram({ localAddress: at("10.0.0.1:1") });
  const sender = await world.dgram({ localAddress: at("10.0.0.2:2") });
  for (let i = 0; i < 5; i++) {
    await sender.driver.send(Uint8Array.of(i), at("10.0.0.1:9"));
    await sender.driver.send(Uint8Array.of(i), at("10.0.0.1:1"));
  }
  await turns();
  assertEquals([live.got.length, sender.refused.length], [5, 5]);
});

test("79: unix datagrams: an unbound sender has no source; other kinds of addresses cannot be reached", async () => {
  const world = new World();
  const path = UnixAddress.from("/log", "linux");
  const bound = await world.dgram({ localAddress: path });
  const unbound = await world.dgram({ remoteAddress: path });
  await unbound.driver.send(Uint8Array.of(1), undefined);
  await turns();
  assertEquals([unbound.driver.localAddress, bound.got], [undefined, ["1 from undefined"]]);
  assertEquals(await codeOf(bound.driver.send(Uint8Array.of(1), at("10.0.0.1:1"))), "EINVAL");
  const four = await world.dgram({ localAddress: at("10.0.0.1:1") });
  assertEquals(await codeOf(four.driver.send(Uint8Array.of(1), at("[::1]:1"))), "EINVAL");
  assertEquals(await codeOf(four.driver.send(Uint8Array.of(1), undefined)), "EDESTADDRREQ");
  assertEquals(await codeOf(world.dgram({ localAddress: path })), "EADDRINUSE");
  assertEquals(await codeOf(world.dgram({ localAddress: at("10.0.0.1:1") })), "EADDRINUSE");
  await bound.driver.close();
  await world.dgram({ localAddress: path });
});

test("multicast reaches the members of a group on that port, broadcast all of the port, if allowed", async () => {
  const world = new World();
  const members: Awaited<ReturnType<World["dgram"]>>[] = [];
  for (let i = 1; i <= 3; i++) members.push(await world.dgram({ localAddress: at(`10.0.0.${i}:5`) }));
  const group = at("224.0.0.251:5");
  members[0]!.driver.joinMulticast!("224.0.0.251", undefined);
  members[1]!.driver.joinMulticast!("224.0.0.251", undefined);
  members[1]!.driver.leaveMulticast!("224.0.0.251", undefined);
  await members[2]!.driver.send(Uint8Array.of(1), group);
  await turns();
  assertEquals(members.map(({ got }) => got.length), [1, 0, 0]);
  const all = at("255.255.255.255:5");
  assertEquals(await codeOf(members[0]!.driver.send(Uint8Array.of(2), all)), "EACCES");
  const loud = await world.dgram({ localAddress: at("10.0.0.4:6"), broadcast: true });
  await loud.driver.send(Uint8Array.of(3), all);
  await turns();
  assertEquals(members.map(({ got }) => got.length), [2, 1, 1]);
  assertThrows(() => members[0]!.driver.joinMulticast!("10.0.0.1", undefined), SocketError);
});

test("sockets over a network: ten clients at once, each with its own answers", async () => {
  const network = new MemoryNetwork({
    stream: { capacityBytes: 100, faults: { seed: 3, shortReads: 0.5, shortWrites: 0.3 } },
  });
  const listener = listenWith(network, "10.0.0.1:80");
  await listener.opened;
  const served = (async () => {
    for await (const socket of listener) socket.readable.pipeTo(socket.writable).catch(() => {});
  })();
  await Promise.all(Array.from({ length: 10 }, async (_, i) => {
    const client = connectWith(network, "10.0.0.1:80");
    const sent = new Uint8Array(1000).fill(i);
    const got = new Uint8Array(1000);
    await Promise.all([client.writev([sent]), client.readv([got])]);
    assertEquals(got, sent);
    await client.close();
  }));
  await listener.close();
  await served;
  await turns();
  assertEquals(network.sockets, 0);
});

test("datagram sockets over a network", async () => {
  const network = new MemoryNetwork();
  const server = dgramWith(network, { localAddress: at("10.0.0.1:53") });
  await server.opened;
  const client = dgramWith(network, { remoteAddress: at("10.0.0.1:53") });
  await client.sendto(Uint8Array.of(1, 2));
  const { data, source } = await server.recvfrom();
  await server.sendto(data, source);
  assertEquals((await client.recvfrom()).data, Uint8Array.of(1, 2));
  await Promise.all([client.close(), server.close()]);
  assertEquals(network.sockets, 0);
});
