/** Calls that can't go where they should: what this end knows at once, or its system says when it sends. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { test } from "node:test";
import { RxEndpoint, RxrpcError } from "../../src/rxrpc/mod.ts";
import { dgramPair, InetAddress, MemoryNetwork, SocketError, type TDgram } from "../../src/tsocket/mod.ts";
import { dgramWith } from "../../src/tsocket/open.ts";
import { SocketPort } from "../../src/rxrpc/socket_port_stream.ts";
import { asClient } from "./by_hand.ts";

const service = 147;
const body = new Uint8Array(1);
const port = 7000;
const there = InetAddress.parse("192.0.2.2:7000");

/** An endpoint over one of two sockets in memory, which are connected, and the other socket. */
async function pair(): Promise<[RxEndpoint, TDgram]> {
  const [left, right] = dgramPair({ addresses: [InetAddress.parse("192.0.2.1:7000"), there] });
  return [await RxEndpoint.open(left), right];
}

test("a name, and a port that can't be, are refused at once: nothing is looked up", async () => {
  const [endpoint, other] = await pair();
  const to = { address: "localhost", port };
  assertEquals(assertThrows(() => endpoint.call({ to, service }), SocketError).code, "EINVAL");
  assertEquals((await assertRejects(() => endpoint.request({ to, service, body }), SocketError)).code, "EINVAL");
  assertEquals((await assertRejects(() => endpoint.version(to), SocketError)).code, "EINVAL");
  for (const wrong of [0, 65_536, 1.5]) {
    assertThrows(
      () => endpoint.call({ to: { address: "192.0.2.2", port: wrong }, service }),
      RangeError,
      "port must be",
    );
  }
  assertEquals(endpoint.snapshot().peers, []);
  await Promise.all([endpoint.close(), other.close()]);
});

test("an address of IPv6 is refused at once by a socket of IPv4", () => {
  const at = (local: string): SocketPort => {
    const socket = { onIcmpError: () => {}, localAddress: InetAddress.parse(local) } as unknown as TDgram;
    return new SocketPort(socket, () => {});
  };
  const error = assertThrows(() => at("0.0.0.0:7001").check({ address: "::1", port }), RxrpcError);
  assertEquals([error.code, error.blame], ["EAFNOSUPPORT", "local"]);
  at("0.0.0.0:7001").check({ address: "::ffff:192.0.2.2", port });
  at("[::]:7001").check({ address: "192.0.2.2", port });
  at("[::]:7001").check({ address: "::1", port });
});

test("an address is what those that come from there have: not mapped, in lower case, short, with its zone", async () => {
  const source = InetAddress.parse("[fe80::1%eth0]:7000");
  const batches = [[{ data: body, source }, { data: body, source: InetAddress.parse("[::ffff:192.0.2.2]:7000") }]];
  const socket = {
    onIcmpError: () => {},
    localAddress: InetAddress.parse("[::]:7001"),
    recvMany: () => batches.length > 0 ? Promise.resolve(batches.shift()) : Promise.reject(new Error("closed")),
  };
  const one = new SocketPort(socket as unknown as TDgram, () => {});
  const written = (address: string): string => one.check({ address, port }).address;
  assertEquals(["::ffff:192.0.2.2", "192.0.2.2"].map(written), ["192.0.2.2", "192.0.2.2"]);
  assertEquals(["2001:DB8:0:0::1", "fe80::1%eth0"].map(written), ["2001:db8::1", "fe80::1%eth0"]);
  assertEquals(one.check(source), { address: "fe80::1%eth0", port });
  const usual = { address: "192.0.2.2", port };
  assertEquals(one.check(usual) === usual, true);
  const from: string[] = [];
  const received = one.receive((datagrams) => from.push(...datagrams.map((datagram) => datagram.from.address)));
  await assertRejects(() => received, Error, "closed");
  assertEquals(from, ["fe80::1%eth0", "192.0.2.2"]);
});

for (
  const [peer, spelt] of [
    ["127.0.0.1:7000", "::ffff:127.0.0.1"],
    ["[::1]:7000", "0:0:0:0:0:0:0:1"],
    ["[2001:db8::1]:7000", "2001:DB8::1"],
  ] as const
) {
  test(`${spelt} is ${peer}: questions to there are answered, and reports are about its calls`, async () => {
    const network = new MemoryNetwork();
    const remoteAddress = InetAddress.parse(peer);
    const server = await RxEndpoint.open(dgramWith(network, { localAddress: remoteAddress }));
    for (const options of [{ remoteAddress }, { localAddress: InetAddress.parse(peer).withPort(7001) }]) {
      const client = await RxEndpoint.open(dgramWith(network, options));
      const to = { address: spelt, port };
      assertEquals(await client.version(to), "leat");
      const call = client.call({ to, service });
      assertEquals(call.remote.address, remoteAddress.address);
      await call.write(new Uint8Array(3000));
      const gone = assertRejects(() => call.closed, RxrpcError);
      for (const where of [to, remoteAddress]) client.networkFailed({ code: "ECONNREFUSED", to: where });
      assertEquals((await gone).code, "ECONNREFUSED");
      await client.close();
    }
    await server.close();
  });
}

test("another peer than that of a connected socket is refused at once, its own is not", async () => {
  const [endpoint, other] = await pair();
  const error = assertThrows(() => endpoint.call({ to: { address: "192.0.2.3", port }, service }), RxrpcError);
  assertEquals([error.code, error.blame], ["EISCONN", "local"]);
  assert(error.message.includes("192.0.2.2:7000"), error.message);
  endpoint.call({ to: { address: "192.0.2.2", port }, service }).cancel("enough");
  await Promise.all([endpoint.close(), other.close()]);
});

test("the peer of a connected socket is reached in its mapped form, too, and the other way round", async () => {
  for (
    const [peer, to, sent] of [
      ["192.0.2.2", "::ffff:192.0.2.2", 1],
      ["::ffff:192.0.2.2", "192.0.2.2", 1],
      ["192.0.2.2", "192.0.2.2", 1],
      ["192.0.2.2", "::ffff:192.0.2.3", 0],
    ] as const
  ) {
    let went = 0;
    const socket = {
      onIcmpError: () => {},
      remoteAddress: InetAddress.from(peer, port),
      sendMany: (datagrams: readonly { to?: unknown }[]) => {
        for (const datagram of datagrams) if (datagram.to === undefined) went++;
        return Promise.resolve();
      },
    };
    const one = new SocketPort(socket as unknown as TDgram, () => {});
    await one.send([{ data: body, to: { address: to, port } }]);
    assertEquals(went, sent, `${to} over a socket of ${peer}`);
  }
});

for (const code of ["EINVAL", "EAFNOSUPPORT", "EADDRNOTAVAIL", "EISCONN"]) {
  test(`${code} of a send ends the calls to there at once, whatever was heard; others go on`, () => {
    const hand = asClient();
    const call = hand.call(10);
    hand.a(1, 0, 0, 6);
    const elsewhere = hand.call(10, { to: { address: "10.9.9.8", port } });
    hand.engine.networkFailed({ code, to: hand.peer }, hand.world.now);
    const { blame, message } = call.error as RxrpcError;
    assertEquals([call.closedCount, call.code, blame, elsewhere.closedCount], [1, code, "local", 0]);
    assert(message.includes("10.9.9.9"), message);
  });
}

test("ENOBUFS of a send is as good as a loss, and one report of ECONNREFUSED by a peer that was heard, too", () => {
  const hand = asClient();
  const call = hand.call(10);
  hand.a(1, 0, 0, 6);
  for (const code of ["ENOBUFS", "EAGAIN", "ECONNREFUSED"]) {
    hand.engine.networkFailed({ code, to: hand.peer }, hand.world.now);
    assertEquals(call.closedCount, 0, code);
  }
});

/** A socket whose sends fail with this. */
function failing(error: unknown): TDgram {
  return { onIcmpError: () => {}, sendMany: () => Promise.reject(error) } as unknown as TDgram;
}

test("whom a failed send was for: by its address, mapped or not; of several places without one nobody is blamed", async () => {
  const told: unknown[] = [];
  const to = (address: string): { data: Uint8Array; to: { address: string; port: number } } => ({
    data: new Uint8Array(5),
    to: { address, port },
  });
  const send = async (code: string, address: InetAddress | undefined, ...hosts: string[]): Promise<void> => {
    const error = new SocketError("no", { code, ...address && { address } });
    const socket = new SocketPort(failing(error), (failure) => told.push([failure.code, failure.to.address]));
    await assertRejects(() => socket.send(hosts.map(to)), SocketError);
  };
  await send("ENETUNREACH", InetAddress.from("::ffff:192.0.2.2", port), "192.0.2.1", "192.0.2.2");
  await send("EINVAL", InetAddress.from("192.0.2.1", port), "192.0.2.1", "192.0.2.2");
  assertEquals(told.splice(0), [["ENETUNREACH", "192.0.2.2"], ["EINVAL", "192.0.2.1"]]);
  await send("EINVAL", undefined, "192.0.2.1", "192.0.2.2");
  assertEquals(told, []);
  await send("EINVAL", undefined, "192.0.2.1", "192.0.2.1");
  assertEquals(told, [["EINVAL", "192.0.2.1"]]);
});

test("timeouts: what is no duration, or misspelt, is refused at once", async () => {
  const [endpoint, other] = await pair();
  const wrong: [unknown, typeof TypeError | typeof RangeError, string][] = [
    [{ hardMs: -1 }, RangeError, "timeouts.hardMs must not be negative or NaN, got -1"],
    [{ deadMs: NaN }, RangeError, "timeouts.deadMs must not be negative or NaN, got NaN"],
    [{ hardMs: "5" }, TypeError, "timeouts.hardMs must be a number, got string"],
    [{ hardMS: 5 }, TypeError, 'timeouts must have no "hardMS", only hardMs, deadMs'],
    ["x", TypeError, "timeouts must be an object, got"],
  ];
  for (const [timeouts, kind, message] of wrong) {
    assertThrows(() => endpoint.call({ to: there, service, timeouts: timeouts as { hardMs: number } }), kind, message);
  }
  assertEquals(endpoint.snapshot().peers, []);
  endpoint.call({ to: there, service, timeouts: { hardMs: Infinity, deadMs: 0.5 } }).cancel("enough");
  endpoint.call({ to: there, service, timeouts: { hardMs: undefined } }).cancel("enough");
  await Promise.all([endpoint.close(), other.close()]);
});
