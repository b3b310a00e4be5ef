/** Cases of section 9: what the network and the clock do to calls, by hand and over simulated networks. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { HEADER_BYTES } from "../../src/rxrpc/header.ts";
import { RxAckReason, RxPacketType } from "../../src/rxrpc/packet_types.ts";
import { asClient, asServer, C, L, R, secured, show } from "./by_hand.ts";
import { pattern, request, serve, World } from "./world.ts";

const { IDLE, PING, REQUESTED } = RxAckReason;

test("77: length: a request that ends too early, or goes on for too long, is cancelled", () => {
  const hand = asClient();
  const short = hand.call(undefined, { length: 100 });
  assertEquals(short.call!.write(new Uint8Array(90), hand.world.now), 90);
  short.call!.flush(hand.world.now);
  hand.out();
  const error = assertThrows(() => short.call!.end(hand.world.now)) as Error & { code: string };
  assertEquals([error.code, short.closedCount], ["EMSGSIZE", 1]);
  assertEquals(hand.out(), ["ABORT -6"]);

  const long = hand.call(undefined, { length: 100 });
  long.call!.write(new Uint8Array(60), hand.world.now);
  assertEquals(
    (assertThrows(() => long.call!.write(new Uint8Array(50), hand.world.now)) as typeof error).code,
    "EMSGSIZE",
  );
  assertEquals([long.closedCount, long.code], [1, "ECONNABORTED"]);

  const exact = hand.call(undefined, { length: 100 });
  exact.call!.write(new Uint8Array(100), hand.world.now);
  exact.call!.end(hand.world.now);
  assertEquals(hand.out(), ["D1 C|L 100"]);
  for (const length of [-1, 1.5, NaN]) assertThrows(() => hand.call(undefined, { length }), RangeError);
});

test("115: a window that shrinks takes back nothing of what was allowed", () => {
  const hand = asServer({ receiveWindow: 32 });
  const calls = hand.offer(147);
  hand.d(1, R);
  calls[0]!.onData = () => {};
  // nobody reads: what is told as the window shrinks, its end stays where it was
  for (let seq = 2; seq <= 20; seq++) hand.d(seq);
  for (const seq of [33, 30, 25]) assertEquals(hand.d(seq)[0]?.startsWith("A OUT_OF_SEQUENCE"), true, `packet ${seq}`);
  assertEquals(hand.d(34)[0]?.startsWith("A EXCEEDS_WINDOW"), true);
});

test("150: a client of OpenAFS that repeats itself and asks, on its own schedule, is answered each time", () => {
  const hand = asServer();
  hand.offer(147);
  const start = hand.world.now;
  const at = (ms: number): void => {
    hand.after(start + ms - hand.world.now);
  };
  hand.d(1, L);
  const answers: string[] = [];
  for (const [ms, what] of [[3600, "D"], [8000, "P"], [10_400, "D"], [14_000, "P"]] as const) {
    at(ms);
    answers.push(...(what === "D" ? hand.d(1, L | R) : hand.a(1, 0, 0, PING)));
  }
  assertEquals(answers.map((answer) => answer.replace(/S\d+/, "S")), [
    "A DUPLICATE 2/1 S []",
    "A PING_RESPONSE 2/1 S []",
    "A DUPLICATE 2/1 S []",
    "A PING_RESPONSE 2/1 S []",
  ]);
});

test("152: the timeout is 200 ms at least, doubles, and begins anew with a sample", () => {
  const hand = asClient();
  const call = hand.call(10_000);
  hand.world.run(10);
  const [first] = hand.packets().filter(({ header }) => header.seq === 1);
  hand.a(2, 1, first!.header.serial, REQUESTED);
  assertEquals(call.call!.srtt, 10);
  const begun = hand.world.now;
  hand.packets();
  hand.world.run(1900);
  const at = [...new Set(hand.packets().filter(({ header }) => header.seq === 2).map((one) => one.at - begun))];
  // a probe, of the last packet, after two round trips and the time that acknowledgements may wait
  const probeAt = 2 * 10 + 100;
  assertEquals(at, [probeAt + 200, probeAt + 600, probeAt + 1400]);
});

test("156: what is sent again and lost again is noticed", () => {
  const world = new World({ delayMs: 5 });
  const [client, server] = [world.add(), world.add()];
  server.engine.offer({ id: 147 });
  serve(world, server, (body) => body.slice(0, 10));
  let lost = 0;
  world.link.drop = (datagram) => {
    const isThird = datagram[20] === RxPacketType.DATA && datagram[15] === 3 && (datagram[21]! & C) !== 0;
    return isThird && lost++ < 2;
  };
  const start = world.now;
  const call = request(world, client, server, pattern(60_000));
  world.run(20_000, () => call.closedCount > 0);
  assertEquals([call.error, call.bytes, lost], [undefined, 10, 3]);
  assert(world.now - start < 1000, `${world.now - start} ms`);
});

test("159: a burst after a second of silence begins with half the window, four packets at least", () => {
  const hand = asClient();
  const call = hand.call(undefined);
  let serial = 0;
  const pourSome = (packets: number): void => {
    call.call!.write(new Uint8Array(1412 * packets), hand.world.now);
    call.call!.flush(hand.world.now);
  };
  const last = (): number => {
    const { header } = hand.world.sent.findLast((one) => one.header.type === RxPacketType.DATA)!;
    serial = header.serial;
    return header.seq;
  };
  let sent = 0;
  let window = 0;
  // 4, 8, 16 ... 128 packets: the window is as large as it gets
  pourSome(252);
  hand.follow();
  for (let more = last(); more > sent; more = last()) {
    window = Math.max(window, more - sent);
    sent = more;
    hand.world.run(10);
    hand.a(sent + 1, sent, serial, REQUESTED, [], { rwind: 128 });
  }
  assertEquals([sent, window], [252, 128]);
  hand.world.run(1500);
  pourSome(100);
  hand.world.settle();
  const burst = last() - sent;
  // what came last let the window grow by one more
  assert(burst >= 4 && burst <= window / 2 + 1, `${burst} packets after ${window}`);
});

for (const [ms, isOver] of [[5000, false], [25_000, true]] as const) {
  test(`161: nothing gets through for ${ms / 1000} s in the middle of a call: ${isOver ? "it is over at both ends" : "it goes on"}`, () => {
    const world = new World({ delayMs: 10 });
    const [client, server] = [world.add(), world.add()];
    server.engine.offer({ id: 147 });
    const served = serve(world, server, (body) => body);
    const body = pattern(600_000);
    const call = request(world, client, server, body);
    world.run(60);
    const dark = world.now;
    world.link.drop = (_datagram, _number, now) => now < dark + ms;
    world.run(60_000, () => call.closedCount > 0 && served[0]!.closedCount > 0);
    if (!isOver) {
      assertEquals([call.error, call.bytes], [undefined, body.length]);
      return assert(call.all.every((byte, at) => byte === body[at]));
    }
    assertEquals([call.code, served[0]!.code], ["ETIMEDOUT", "ETIMEDOUT"]);
    assert(world.now - dark <= 25_000);
  });
}

test("162: the time of day goes back by ten minutes: nothing happens", () => {
  const world = new World({ delayMs: 5 });
  let wall = 1_800_000_000_000;
  const [client, server] = [world.add({ wallMs: () => wall }), world.add({ wallMs: () => wall })];
  server.engine.offer({ id: 147 });
  serve(world, server, (body) => body);
  const call = request(world, client, server, pattern(200_000));
  world.run(50);
  wall -= 600_000;
  world.run(5000, () => call.closedCount > 0);
  assertEquals([call.error, call.bytes], [undefined, 200_000]);
});

test("169: a packet that is not full ends a jumbogram, and is never inside of one", () => {
  const hand = asClient({ jumbo: 4, maxDatagram: 5692 });
  const call = hand.call(undefined);
  const take = { maxMtu: 5692, jumboMax: 4, rwind: 32 };
  call.call!.write(new Uint8Array(10), hand.world.now);
  call.call!.flush(hand.world.now);
  hand.follow();
  const [first] = hand.packets();
  hand.a(2, 1, first!.header.serial, REQUESTED, [], take);
  call.call!.write(new Uint8Array(1412 + 100), hand.world.now);
  call.call!.flush(hand.world.now);
  call.call!.write(new Uint8Array(2 * 1412), hand.world.now);
  call.call!.flush(hand.world.now);
  assertEquals(hand.packets().map(({ header, body }) => [header.seq, body.length]), [
    [2, 1412 + 4 + 100],
    [4, 1412 + 4 + 1412],
  ]);
});

test("172: a peer that leaves jumbograms to measuring gets them only where the way is known to be wide", () => {
  for (const [maxDatagram, isJumbo] of [[1444, false], [5692, true]] as const) {
    const hand = asClient({ jumbo: 4, maxDatagram });
    const call = hand.call(undefined);
    call.call!.write(new Uint8Array(10), hand.world.now);
    call.call!.flush(hand.world.now);
    hand.follow();
    const [first] = hand.packets();
    hand.a(2, 1, first!.header.serial, REQUESTED, [], { maxMtu: 65_160, jumboMax: 0, rwind: 32 });
    call.call!.write(new Uint8Array(4 * 1412), hand.world.now);
    call.call!.flush(hand.world.now);
    assertEquals(hand.packets().some(({ body }) => body.length > 1412), isJumbo);
  }
});

test("174: a datagram that is too large for the way: smaller ones from then on, and the call goes on", () => {
  const world = new World({ delayMs: 5 });
  const [client, server] = [world.add({ jumbo: 4, maxDatagram: 5692 }), world.add({ acceptJumbo: 4 })];
  server.engine.offer({ id: 147 });
  serve(world, server, (body) => body);
  let refused = 0;
  world.link.drop = (datagram) => {
    if (datagram.length <= 1500) return false;
    refused++;
    client.tasks.push(() =>
      client.engine.networkFailed({ code: "EMSGSIZE", to: server.address, bytes: datagram.length }, world.now)
    );
    return true;
  };
  const call = request(world, client, server, pattern(200_000));
  world.run(20_000, () => call.closedCount > 0);
  assertEquals([call.error, call.bytes], [undefined, 200_000]);
  assert(refused >= 1 && refused <= 12, String(refused));
});

test("174: a way that takes not even the usual size", () => {
  const hand = asClient();
  hand.call(10_000);
  hand.engine.networkFailed({ code: "EMSGSIZE", to: hand.peer, bytes: 1440 }, hand.world.now);
  const [first] = hand.packets();
  hand.a(2, 1, first!.header.serial, REQUESTED, [], { maxMtu: 65_160 });
  const later = hand.call(10_000);
  hand.world.settle();
  assertEquals(later.error, undefined);
  const sizes = hand.packets().filter(({ header }) => header.callNumber === 1 && header.cid !== first!.header.cid)
    .map(({ body }) => body.length);
  assert(sizes.length > 0 && sizes.every((size) => size <= 1440 - 128 - HEADER_BYTES), String(sizes));
});

test("176: a jumbogram of four that is lost is four holes, and they are filled", () => {
  const hand = asServer();
  const calls = hand.offer(147);
  const full = 1412;
  const jumbo = (seq: number): Uint8Array => {
    const body = new Uint8Array(4 * full + 12);
    for (let i = 0; i < 4; i++) body.set(pattern(full, seq + i), i * (full + 4));
    for (let i = 0; i < 3; i++) body[(i + 1) * full + i * 4] = i === 2 ? C : C | 0x20;
    return body;
  };
  assertEquals(hand.d(1, 0x20, jumbo(1)), []);
  hand.serial += 3;
  assertEquals(calls[0]!.bytes, 4 * full);
  assertEquals(hand.d(9, 0x20, jumbo(9))[0]?.replace(/S\d+/, "S"), "A OUT_OF_SEQUENCE 5/12 S [00001111]");
  hand.serial += 3;
  assertEquals(hand.d(5, 0x20, jumbo(5))[0]?.replace(/S\d+/, "S"), "A DELAY 13/12 S []");
  assertEquals(calls[0]!.bytes, 12 * full);
});

test("183: natKeepaliveMs: a VERSION that asks nothing, every 20 s, as long as there are servers", () => {
  const hand = asClient({ natKeepaliveMs: 20_000, idleClientMs: 70_000 });
  const call = hand.call(10);
  hand.d(1, L, 5);
  assertEquals(call.closedCount, 1);
  hand.after(1000);
  hand.packets();
  hand.world.run(120_000);
  const packets = hand.packets();
  assertEquals(packets.map(({ at, to }) => [Math.round((at - packets[0]!.at) / 1000), to.port]), [
    [0, 7777],
    [20, 7777],
    [
      40,
      7777,
    ],
  ]);
  for (const { header, body } of packets) {
    assertEquals([header.type, header.flags, header.cid, header.epoch, body], [
      RxPacketType.VERSION,
      L,
      0,
      hand.epoch,
      new Uint8Array(1),
    ]);
  }
  assertEquals(hand.engine.timeoutAt(), Infinity);
  const quiet = asClient();
  quiet.call(10);
  quiet.d(1, L, 5);
  quiet.after(1000);
  assertEquals(quiet.after(110_000), []);
});

test("190: jumbograms of which half had come before: after eight no more are taken, and the call goes on", () => {
  const hand = asServer();
  const calls = hand.offer(147);
  const two = (): Uint8Array => {
    const body = new Uint8Array(1412 + 4 + 10);
    body[1412] = C;
    return body;
  };
  hand.d(1);
  const answers: string[] = [];
  for (let seq = 1; seq <= 20; seq++) {
    answers.push(...hand.d(seq, 0x20, two()).map((text) => text.split(" ")[1]!));
    hand.serial++;
  }
  assertEquals(answers, [
    ...Array.from({ length: 8 }, () => "DUPLICATE"),
    ...Array.from({ length: 12 }, () => "NOSPACE"),
  ]);
  const before = calls[0]!.bytes;
  hand.d(10, L, 7);
  assertEquals([calls[0]!.bytes - before, calls[0]!.hasEnded, calls[0]!.closedCount], [7, true, 0]);
});

test("3.13: the network says that nobody is there: believed at once of a peer that was never heard", () => {
  const hand = asClient();
  const call = hand.call(10);
  hand.engine.networkFailed({ code: "ENOBUFS", to: hand.peer }, hand.world.now);
  hand.engine.networkFailed({ code: "ECONNREFUSED", to: { ...hand.peer, port: 1 } }, hand.world.now);
  assertEquals(call.closedCount, 0);
  hand.engine.networkFailed({ code: "ECONNREFUSED", to: hand.peer }, hand.world.now);
  assertEquals([call.closedCount, call.code], [1, "ECONNREFUSED"]);
});

test("3.13: of a peer that was heard only when it is said twice with nothing valid between", () => {
  const hand = asClient();
  const call = hand.call(5000);
  const report = (): void => hand.engine.networkFailed({ code: "EHOSTUNREACH", to: hand.peer }, hand.world.now);
  const [first] = hand.packets();
  hand.a(2, 1, first!.header.serial, REQUESTED);
  report();
  hand.a(3, 2, first!.header.serial + 1, REQUESTED);
  report();
  assertEquals(call.closedCount, 0);
  report();
  assertEquals([call.closedCount, call.code], [1, "EHOSTUNREACH"]);
});

test("what was learned of a peer is kept for a minute after it was heard last", () => {
  const hand = asClient();
  const learn = (): number | undefined => {
    const call = hand.call(10);
    const srtt = call.call!.srtt;
    hand.world.run(20);
    hand.a(2, 1, hand.packets().at(-1)!.header.serial, REQUESTED, [], { maxMtu: 600 });
    hand.d(1, L, 5);
    assertEquals(call.closedCount, 1);
    return srtt;
  };
  assertEquals(learn(), undefined);
  hand.after(59_000);
  assertEquals(learn(), 20);
  hand.after(61_000);
  const call = hand.call(1400);
  assertEquals(call.call!.srtt, undefined);
  assertEquals(hand.packets().map(show), ["D1 C|L 1400"]);
});

test("a server that was never heard is not asked: Linux would abort the call", () => {
  const hand = asClient();
  hand.call(10);
  hand.packet({ type: RxPacketType.BUSY });
  const out = hand.after(15_000);
  assert(out.length >= 4 && out.every((packet) => packet.startsWith("D1")), String(out));
  hand.a(1, 1, 0, IDLE, [1]);
  assert(hand.after(4000).some((packet) => packet.startsWith("A PING")));
});

test("a service that is offered again, with security: connections without have no more calls", () => {
  const hand = asServer();
  const calls = hand.offer(147);
  hand.d(1, L);
  assertEquals(calls.length, 1);
  hand.engine.withdraw(147);
  hand.offer({ id: 147, security: [] });
  hand.callNumber = 2;
  assertEquals(hand.d(1, L), ["ABORT -1", "ABORT -2"], "while a call runs");
  hand.callNumber = 3;
  hand.engine.withdraw(147);
  hand.offer({ id: 147, security: [] });
  assertEquals(hand.d(1, L), ["ABORT -2"], "when none does");
  hand.engine.withdraw(147);
  const again = hand.offer(147);
  hand.d(1, L);
  assertEquals(again.length, 1);
});

test("challenges to an address that has not answered: no more than three times what came from there", () => {
  const hand = asServer();
  hand.offer(secured);
  hand.securityIndex = 2;
  hand.d(1, L, 10);
  hand.world.run(30_000);
  const sent = hand.packets().filter(({ header }) => header.type === RxPacketType.CHALLENGE);
  assert(sent.length >= 1 && sent.length * 44 <= 3 * 38, `${sent.length} challenges`);
});

test("206: a thousand calls one after the other on one channel: each ends the one before, none stays at the server", () => {
  const world = new World();
  world.isRecording = false;
  const [client, server] = [world.add(), world.add()];
  server.engine.offer({ id: 147 });
  const served = serve(world, server, (body) => body);
  const places = new Set<number>();
  for (let i = 0; i < 1000; i++) {
    const call = request(world, client, server, pattern(10, i));
    world.run(1000, () => call.closedCount > 0);
    places.add(call.opened_!.cid);
    assert(served.slice(-2, -1).every(({ closedCount }) => closedCount === 1), `call ${i}`);
  }
  world.run(1000);
  assertEquals([places.size, served.length], [1, 1000]);
  assertEquals(served.every(({ closedCount, error }) => closedCount === 1 && error === undefined), true);
});
