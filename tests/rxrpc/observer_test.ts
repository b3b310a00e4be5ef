/** What an endpoint's observer is told. */
import { assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import type { RxEndpointEngineOptions } from "../../src/rxrpc/endpoint_options.ts";
import { RxEndpoint, type RxObserver } from "../../src/rxrpc/mod.ts";
import { RxAckReason, RxPacketType } from "../../src/rxrpc/packet_types.ts";
import type { RxAddress, RxCallPort, RxService } from "../../src/rxrpc/ports.ts";
import { unprotected } from "../../src/rxrpc/security/none.ts";
import type { ClientSecurity } from "../../src/rxrpc/security/protection.ts";
import { dgramPair, InetAddress } from "../../src/tsocket/mod.ts";
import { asClient, asServer, type Hand, L, secured, unread } from "./by_hand.ts";
import { pattern, request, serve, World } from "./world.ts";

const { IDLE, PING, PING_RESPONSE } = RxAckReason;

/** Writes down what it is told: the call's tag or the address, then the rest. */
function log(): { lines: unknown[][]; observer: Required<RxObserver> } {
  const lines: unknown[][] = [];
  const ofCall = (what: string) => ({ tag }: RxCallPort, ...rest: unknown[]) => void lines.push([what, tag, ...rest]);
  const of = (what: string) => ({ address }: RxAddress, ...rest: unknown[]) =>
    void lines.push([what, address, ...rest.map((one) => (one as { code?: string }).code ?? one)]);
  return {
    lines,
    observer: {
      busy: ofCall("busy"),
      full: ofCall("full"),
      pinged: ofCall("pinged"),
      rtt: ofCall("rtt"),
      window: ofCall("window"),
      userStatus: ofCall("userStatus"),
      challenged: of("challenged"),
      authenticationFailed: of("authenticationFailed"),
      refused: of("refused"),
    },
  };
}

type Side = (options: Partial<RxEndpointEngineOptions>) => Hand;

/** An endpoint with an observer, and what that was told since the last look. */
function watched(side: Side, options: Partial<RxEndpointEngineOptions> = {}): [Hand, () => unknown[][]] {
  const { lines, observer } = log();
  return [side({ ...options, observer }), () => lines.splice(0)];
}

test("4.8: busy: each time a server says so, of the call that goes on trying", () => {
  const [hand, told] = watched(asClient);
  const call = hand.call(10, { tag: "first" });
  hand.packet({ type: RxPacketType.BUSY });
  hand.packet({ type: RxPacketType.BUSY });
  assertEquals([told(), call.busyCount, call.closedCount], [[["busy", "first"], ["busy", "first"]], 2, 0]);
  hand.packet({ type: RxPacketType.BUSY, callNumber: 7 });
  assertEquals(told(), []);
});

test("4.8: pinged: each question of the other end", () => {
  const [hand, told] = watched(asServer);
  const [call] = [hand.offer(147), hand.d(1)][0] as ReturnType<Hand["offer"]>;
  call!.call!.tag = "served";
  hand.a(1, 0, 0, PING);
  // the first acknowledgement says how much the client takes, too
  assertEquals(told(), [["pinged", "served"], ["window", "served", 32]]);
});

test("4.8: rtt and window: what acknowledgements bring, when they have been taken", () => {
  const [hand, told] = watched(asClient);
  hand.call(5000, { tag: 7 });
  const serials = hand.packets().map(({ header }) => header.serial);
  hand.world.run(20);
  hand.a(2, 1, serials[0]!, IDLE, [], { rwind: 20 });
  assertEquals(told(), [["rtt", 7, 20], ["window", 7, 20]]);
  hand.world.run(5);
  hand.a(3, 2, 0, IDLE, [], { rwind: 20 });
  assertEquals(told(), [], "neither is new");
  hand.a(3, 2, 0, IDLE, [], { rwind: 3 });
  hand.a(2, 1, 0, IDLE, [], { rwind: 9 });
  assertEquals(told(), [["window", 7, 3]], "an old acknowledgement tells nothing");
});

test("4.8: rtt: an answer to a question of this end", () => {
  const [hand, told] = watched(asServer, { reachCheck: "always" });
  hand.offer(147);
  hand.d(1, L);
  const [ping] = hand.world.sent.filter(({ data }) => data[44] === PING);
  hand.world.run(30);
  hand.a(1, 0, ping!.header.serial, PING_RESPONSE, [], { rwind: 16 });
  assertEquals(told(), [["rtt", undefined, 30]], "16 is what is taken for granted");
});

test("4.8: userStatus: the byte of a packet of data that is another one than before", () => {
  const [hand, told] = watched(asServer);
  const calls = hand.offer(147);
  hand.d(1, 0, 10, { userStatus: 9 });
  assertEquals([told(), calls[0]!.call!.userStatus], [[], 9]);
  for (const [seq, userStatus] of [[2, 9], [3, 4], [4, 4], [5, 0]] as const) hand.d(seq, 0, 10, { userStatus });
  assertEquals(told(), [["userStatus", undefined, 4], ["userStatus", undefined, 0]]);
  const [client, toldClient] = watched(asClient);
  client.call(10);
  client.d(1, 0, 10);
  client.d(2, L, 10, { userStatus: 200 });
  assertEquals(toldClient(), [["userStatus", undefined, 200]]);
});

test("4.8: challenged: a server that asks who this end is, and gets an answer", () => {
  const security: ClientSecurity = {
    index: 2,
    bundleKey: "somebody",
    connect: () => ({ ...unprotected, respond: () => new Uint8Array(4) }),
  };
  const [hand, told] = watched(asClient);
  hand.call(10, { security });
  hand.securityIndex = 2;
  hand.packet({ type: RxPacketType.CHALLENGE, callNumber: 0 }, new Uint8Array(16));
  assertEquals(told(), [["challenged", "10.9.9.9"]]);
});

test("authenticationFailed: a client that could not prove who it is, a second before it hears so", () => {
  const [hand, told] = watched(asServer);
  hand.offer(secured);
  hand.securityIndex = 2;
  hand.d(1, L);
  hand.packet({ type: RxPacketType.RESPONSE, callNumber: 0 });
  assertEquals(told().map(([what, address, error]) => [what, address, (error as Error).message]), [
    ["authenticationFailed", "10.9.9.9", "nobody is believed"],
  ]);
  assertEquals([hand.after(1000).at(-1), told()], ["ABORT 19270407", []]);
});

test("refused: services that are not offered, or not so", () => {
  const [hand, told] = watched(asServer);
  hand.offer(147, { id: 148, security: secured.security });
  hand.d(1, L, 0, { serviceId: 5 });
  hand.d(1, L, 0, { serviceId: 148 });
  hand.d(1, L, 0);
  hand.engine.withdraw(147);
  hand.d(1, L, 0, { callNumber: 2 });
  const why = [5, 148, 147].map((service) => ["refused", "10.9.9.9", service, "service"]);
  assertEquals(told(), why);
});

const limits = ["maxServiceCallsPerPeer", "maxServiceConnections", "maxServiceConnectionsPerPeer"] as const;
for (const limit of limits) {
  test(`refused: ${limit} is reached; the client is told that this end is busy`, () => {
    const [hand, told] = watched(asServer, { [limit]: 1 });
    hand.offer(147);
    hand.d(1);
    assertEquals(told(), []);
    const next = limit === "maxServiceCallsPerPeer" ? { cid: hand.cid | 1 } : { epoch: hand.epoch + 1 };
    assertEquals(hand.d(1, 0, 10, next), ["BUSY"]);
    assertEquals(told(), [["refused", "10.9.9.9", 147, limit]]);
  });
}

test("refused: what the application itself decides is not told", () => {
  for (const decision of ["busy", -7] as const) {
    const [hand, told] = watched(asServer);
    hand.offer(147);
    hand.host.incoming = () => decision;
    hand.d(1);
    assertEquals(told(), []);
  }
});

test("full: a packet for which the budgets have no room", () => {
  const [hand, told] = watched(asServer, { maxHeldBytesPerPeer: 2000 });
  unread(hand);
  for (let seq = 1; seq <= 3; seq++) hand.d(seq, 0, 1000);
  assertEquals(told(), [["full", undefined], ["full", undefined]]);
});

/** Every event at a client and a server that there can be, with an echo before and behind. */
function play(observer: RxObserver | undefined): [World, ReturnType<typeof request>[]] {
  const world = new World();
  const [client, server] = [world.add({ observer }), world.add({ observer, maxServiceCallsPerPeer: 1 })];
  serve(world, server, (body) => body);
  server.engine.offer({ id: 147 });
  const calls = [147, 147, 5].map((service) => request(world, client, server, pattern(50_000), { service }));
  world.run(10_000);
  return [world, calls];
}

test("an observer that throws: calls go on as without it, and that it threw is counted", () => {
  const [, without] = play(undefined);
  let count = 0;
  const fail = (): never => {
    count++;
    throw new Error("a bug of whoever observes");
  };
  const members = Object.keys(log().observer);
  const [world, calls] = play(Object.fromEntries(members.map((name) => [name, fail])));
  const outcome = (of: typeof calls) => of.map(({ bytes, code }) => [bytes, code]);
  assertEquals(outcome(calls), outcome(without));
  assertEquals(outcome(calls), [[50_000, undefined], [50_000, undefined], [0, "ECONNABORTED"]]);
  const drops = world.hosts.map(({ engine }) => engine.drops.toJSON()["observer threw"] ?? 0);
  assertEquals([drops[0]! + drops[1]!, drops.every((one) => one > 0)], [count, true]);
});

const ofCall = ["busy", "pinged", "rtt", "window", "userStatus", "full"] as const;
for (const name of ofCall) {
  test(`an observer may abort the call that it is told of: ${name}`, () => {
    const hand = (name === "busy" ? asClient : asServer)({
      maxHeldBytesPerPeer: 3000,
      observer: { [name]: (call: RxCallPort) => call.abort(77, hand.world.now) },
    });
    const calls = name === "busy" ? [hand.call(10)] : unread(hand);
    if (name === "busy") hand.packet({ type: RxPacketType.BUSY });
    else {
      hand.d(1, 0, 1000);
      if (name === "full") hand.d(2, 0, 1500);
      else if (name === "userStatus") hand.d(2, 0, 1000, { userStatus: 3 });
      else {
        hand.d(2, L, 100);
        calls[0]!.call!.write(pattern(1000), hand.world.now);
        calls[0]!.call!.flush(hand.world.now);
        const serial = hand.packets().at(-1)!.header.serial;
        hand.a(2, 1, serial, name === "pinged" ? PING : IDLE, [], { rwind: name === "window" ? 5 : 32 });
      }
    }
    const [call] = calls;
    assertEquals([call!.closedCount, (call!.error as { abortCode?: number }).abortCode], [1, 77]);
    hand.after(1000);
    const aborts = hand.world.sent.filter(({ header }) => header.type === RxPacketType.ABORT);
    assertEquals([hand.engine.heldBytes, aborts.length], [0, 1]);
  });
}

test("an observer that is none, or has a member that is no function, is refused at once", () => {
  const bad = (observer: unknown): void => void new RxEndpoint({ observer: observer as RxObserver });
  assertThrows(() => bad(5), TypeError, "observer must be an object, got number");
  assertThrows(() => bad({ rtt: true }), TypeError, "observer.rtt must be a function, got boolean");
});

test("streams: an observer with a prototype sees tags, and calls beyond backlog; its this is itself", async () => {
  class Metrics implements RxObserver {
    lines: unknown[][] = [];
    refused({ port }: RxAddress, service: number, why: string): void {
      this.lines.push([port, service, why]);
    }
    busy(call: RxCallPort): void {
      this.lines.push(["busy", call.tag]);
    }
  }
  const metrics = [new Metrics(), new Metrics()];
  const to = InetAddress.parse("127.0.0.1:7000");
  const [left, right] = dgramPair({ addresses: [InetAddress.parse("127.0.0.1:7001"), to] });
  const client = await RxEndpoint.open(left, { to, observer: metrics[0] });
  const server = await RxEndpoint.open(right, { observer: metrics[1] });
  const service: RxService = { id: 147 };
  const listener = server.listen({ services: [service], backlog: 1 });
  const body = new Uint8Array(1);
  const first = client.request({ service: 147, body, tag: "first" });
  const second = client.request({ service: 147, body, tag: "second", failsWhenBusy: true });
  assertEquals(await second.catch(({ code }) => code), "EBUSY");
  const call = (await listener.accept())!;
  call.tag = "taken";
  await call.end(await call.bytes());
  assertEquals([await first, call.tag], [body, "taken"]);
  assertEquals(metrics.map(({ lines }) => lines), [[["busy", "second"]], [[7001, 147, "backlog"]]]);
  await Promise.all([client.close(), server.close()]);
});
