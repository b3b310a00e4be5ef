/** What calls bring and nobody reads: the budgets of the call, of its peer and of the endpoint. */
import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { decodeAck } from "../../src/rxrpc/ack.ts";
import type { RxEndpointEngineOptions } from "../../src/rxrpc/endpoint_options.ts";
import { HEADER_BYTES } from "../../src/rxrpc/header.ts";
import { packetOf } from "../../src/rxrpc/control_packet.ts";
import { asClient, asServer, type Hand, L, R, unread } from "./by_hand.ts";
import { RxPacketType } from "../../src/rxrpc/packet_types.ts";
import { unprotected } from "../../src/rxrpc/security/none.ts";
import type { AcceptedConnection } from "../../src/rxrpc/security/protection.ts";
import { drink, pattern, pour, type Recorder, request, serve, servedBy, World } from "./world.ts";

/** The window that was told last. */
function lastWindow(hand: Hand): number | undefined {
  return decodeAck(hand.world.sent.at(-1)!.data.subarray(HEADER_BYTES))?.rwind;
}

test("114: a sender that minds no window gets no more in than the window and a packet", () => {
  const hand = asServer({ receiveWindow: 16 });
  const [call] = [unread(hand), hand.d(1, 0, 100)][0] as Recorder[];
  for (let seq = 2; seq <= 40; seq++) hand.d(seq, 0, 100);
  assertEquals([call!.bytes, hand.engine.heldBytes, lastWindow(hand)], [1700, 1700, 0]);
  call!.call!.consumed(1700, hand.world.now);
  hand.out();
  assertEquals([hand.engine.heldBytes, lastWindow(hand)], [0, 16]);
  for (let seq = 18; seq <= 20; seq++) hand.d(seq, seq === 20 ? L : 0, 100);
  assertEquals([call!.bytes, call!.hasEnded], [2000, true]);
});

test("7.1, 5: packets that are larger than usual close the window before there are as many as it has places for", () => {
  const hand = asServer({ receiveWindow: 100 });
  const calls = unread(hand);
  for (let seq = 1; seq <= 100; seq++) hand.d(seq, 0, 60_000);
  assertEquals([calls[0]!.bytes, hand.engine.heldBytes, lastWindow(hand)], [120_000, 120_000, 16]);
  calls[0]!.call!.consumed(120_000, hand.world.now);
  hand.d(3, 0, 60_000);
  assertEquals(calls[0]!.bytes, 180_000);
});

test("7.1, 5: packets out of order count beside those that are not read, and give way to the next in order", () => {
  const hand = asServer({ receiveWindow: 16 });
  const calls = unread(hand);
  for (const seq of [2, 3, 4]) hand.d(seq, 0, 20_000);
  assertEquals(hand.engine.heldBytes, 60_000);
  assertEquals(hand.d(5, 0, 20_000), ["A NOSPACE 1/4 S4 [0111]"]);
  assertEquals(hand.d(1, 0, 10_000), ["A DELAY 2/4 S5 [000]"]);
  assertEquals([calls[0]!.bytes, hand.engine.heldBytes], [10_000, 10_000]);
  for (const seq of [2, 3]) hand.d(seq, 0, 20_000);
  assertEquals(calls[0]!.bytes, 50_000);
});

for (const limit of ["maxHeldBytesPerPeer", "maxHeldBytes"] as const) {
  test(`${limit}: what calls bring and nobody reads; beside it one packet of each call of which all was read`, () => {
    const hand = asServer({ [limit]: 10_000 });
    const calls = unread(hand);
    for (let channel = 0; channel < 4; channel++) {
      for (let seq = 1; seq <= 20; seq++) hand.d(seq, 0, 1000, { cid: hand.cid | channel });
    }
    assertEquals([calls.map(({ bytes }) => bytes), hand.engine.heldBytes], [[7000, 1000, 1000, 1000], 10_000]);
    assertEquals(lastWindow(hand), 0);
    // whoever reads gets on, though others do not
    const last = calls[3]!;
    for (let seq = 2; seq <= 20; seq++) {
      last.call!.consumed(1000, hand.world.now);
      hand.out();
      assertEquals(lastWindow(hand), 1);
      hand.d(seq, seq === 20 ? L : 0, 1000, { cid: hand.cid | 3 });
    }
    assertEquals([last.bytes, last.hasEnded, hand.engine.heldBytes], [20_000, true, 10_000]);
    for (const { call } of calls) call!.abort(5, hand.world.now);
    assertEquals(hand.engine.heldBytes, 0);
  });
}

for (const end of ["an answer", "no answer"] as const) {
  test(`maxHeldBytesPerPeer: what waits for ${end} is given back while calls hold more than that`, () => {
    const hand = asServer({ maxHeldBytesPerPeer: 10_000 });
    const calls = unread(hand);
    const identity = { name: ["anybody"], realm: "", level: 0 };
    const accept = (): AcceptedConnection => ({ protection: unprotected, identity, callNumbers: [0, 0, 0, 0] });
    const challenge = () => ({ challenge: () => new Uint8Array(16), accept });
    hand.engine.offer({ id: 148, security: [{ index: 2, challenge }] });
    const waiting = { cid: 0x200, securityIndex: 2, serviceId: 148 };
    hand.d(1, L, 500, waiting);
    assertEquals(hand.engine.heldBytes, 528);
    for (let channel = 0; channel < 4; channel++) {
      for (let seq = 1; seq <= 12; seq++) hand.d(seq, 0, 1400, { cid: hand.cid | channel });
    }
    assert(hand.engine.heldBytes > 10_000);
    if (end === "no answer") hand.after(25_000);
    else hand.packet({ ...waiting, type: RxPacketType.RESPONSE, callNumber: 0 }, new Uint8Array(4));
    for (const { call } of calls) call!.abort(5, hand.world.now);
    assertEquals(hand.engine.heldBytes, 0);
  });
}

test("maxHeldBytesPerPeer: many calls that are read one after the other all come through, byte-exact", () => {
  const world = new World({ delayMs: 2 });
  const [client, server] = [world.add(), world.add({ maxHeldBytesPerPeer: 30_000 })];
  server.engine.offer({ id: 147 });
  const served = servedBy(server);
  const calls = Array.from({ length: 16 }, (_, i) => request(world, client, server, pattern(50_000, i)));
  world.run(20);
  for (const [at, recorder] of served.entries()) {
    // only now somebody reads it
    const call = recorder.call!;
    call.consumed(recorder.bytes, world.now);
    drink(world, server, () => call, recorder);
    const reply = (): void => pour(world, server, call, recorder, recorder.all);
    if (recorder.hasEnded) reply();
    else recorder.onEnded = reply;
    world.run(50_000, () => recorder.closedCount > 0);
    assertEquals([recorder.closedCount, recorder.error], [1, undefined], `call ${at}`);
    assert(server.engine.heldBytes <= 30_000 + 16 * 1444, String(server.engine.heldBytes));
  }
  world.run(50_000, () => calls.every(({ closedCount }) => closedCount > 0));
  for (const call of calls) {
    assertEquals([call.error, call.bytes], [undefined, 50_000]);
  }
  assertEquals([served.length, server.engine.heldBytes], [16, 0]);
});

test("maxHeldBytesPerPeer: replies that nobody reads hold up their senders, and nothing is lost", () => {
  const world = new World({ delayMs: 2 });
  const [client, server] = [world.add({ maxHeldBytesPerPeer: 20_000 }), world.add()];
  server.engine.offer({ id: 147 });
  serve(world, server, () => pattern(100_000));
  const calls = Array.from({ length: 8 }, () => {
    const recorder = request(world, client, server, pattern(10));
    recorder.onData = undefined;
    return recorder;
  });
  world.run(5000);
  assert(client.engine.heldBytes <= 20_000 + 8 * 1444, String(client.engine.heldBytes));
  assert(client.engine.heldBytes >= 13_000, String(client.engine.heldBytes));
  for (const recorder of calls) {
    recorder.call!.consumed(recorder.bytes, world.now);
    drink(world, client, () => recorder.call!, recorder);
  }
  world.run(60_000, () => calls.every(({ closedCount }) => closedCount > 0));
  for (const call of calls) assertEquals([call.error, call.bytes], [undefined, 100_000]);
  assertEquals(client.engine.heldBytes, 0);
});

/** A client has 32 uploads to two services at a time, and the server reads one after the other. Returns how long it took. */
function uploads(delayMs: number, limits: Partial<RxEndpointEngineOptions>): number {
  const world = new World({ delayMs });
  world.isRecording = false;
  const [client, server] = [world.add(), world.add(limits)];
  for (const id of [1, 2]) server.engine.offer({ id });
  const served = servedBy(server);
  const bytes = 250_000;
  const calls = Array.from(
    { length: 32 },
    (_, i) => request(world, client, server, pattern(bytes, i), { service: 1 + (i & 1) }),
  );
  world.run(3000);
  assertEquals(served.length, 32);
  const from = world.now;
  for (const recorder of served) {
    const call = recorder.call!;
    call.consumed(recorder.bytes, world.now);
    drink(world, server, () => call, recorder);
    const reply = (): void => pour(world, server, call, recorder, new Uint8Array(1));
    if (recorder.hasEnded) reply();
    else recorder.onEnded = reply;
    world.run(200_000, () => recorder.closedCount > 0);
    assertEquals([recorder.bytes, recorder.error], [bytes, undefined]);
  }
  const took = world.now - from;
  world.run(5000);
  for (const call of calls) assertEquals([call.error, call.bytes, call.hasEnded], [undefined, 1, true]);
  assertEquals(server.engine.heldBytes, 0);
  return took;
}

for (const delayMs of [5, 50]) {
  test(`unread calls do not slow down the one that is read: 32 uploads, ${2 * delayMs} ms there and back`, () => {
    const took = uploads(delayMs, {});
    assert(took < 32 * 8 * 2 * delayMs, `${took} ms`);
  });

  test(`maxHeldBytesPerPeer is used up for longer than requestIdleMs: 32 uploads, ${2 * delayMs} ms`, () => {
    uploads(delayMs, { maxHeldBytesPerPeer: 500_000, requestIdleMs: 5000 });
  });
}

test("requestIdleMs: not while others hold what there is, and anew when the peer was told of room", () => {
  const hand = asServer({ maxHeldBytesPerPeer: 100_000, requestIdleMs: 5000, deadMs: 1_000_000 });
  const calls = unread(hand);
  for (let seq = 1; seq <= 3; seq++) hand.d(seq, 0, 1412);
  for (let seq = 1; seq <= 60; seq++) hand.d(seq, 0, 1412, { cid: hand.cid | 1 });
  assertEquals([hand.d(4, 0, 1412), lastWindow(hand)], [[`A NOSPACE 4/3 S${hand.serial} []`], 0]);
  hand.after(22_000);
  assertEquals(calls.map(({ code }) => code), [undefined, undefined]);
  calls[1]!.call!.abort(5, hand.world.now);
  hand.after(4900);
  assertEquals([calls[0]!.code, lastWindow(hand)], [undefined, 29]);
  hand.after(1500);
  assertEquals(calls[0]!.code, "ETIMEDOUT");
});

for (const isNext of [true, false]) {
  const what = isNext
    ? "a next packet that finds no room is a sign of life"
    : "packets behind a gap that find none are not";
  test(`requestIdleMs: ${what}`, () => {
    const hand = asServer({ maxHeldBytesPerPeer: 100_000, requestIdleMs: 5000, deadMs: 1_000_000 });
    const [call] = [unread(hand), hand.d(1, 0, 1412)][0] as Recorder[];
    for (let seconds = 0; seconds < 10; seconds++) {
      if (isNext) hand.d(2, 0, 110_000);
      // the next one lacks, and what is behind it is too much
      else for (const seq of [3, 4]) hand.d(seq, 0, 60_000);
      hand.after(1000);
    }
    assertEquals(call!.code, isNext ? undefined : "ETIMEDOUT");
    hand.after(5000);
    assertEquals(call!.code, "ETIMEDOUT");
  });
}

for (const maxHeldBytesPerPeer of [500_000, undefined]) {
  const budget = maxHeldBytesPerPeer ?? "as usual";
  test(`3.1: 32 replies that wait for requests that nobody reads end in time, maxHeldBytesPerPeer ${budget}`, () => {
    const world = new World({ delayMs: 5 });
    world.isRecording = false;
    const client = world.add();
    const server = world.add({ requestIdleMs: 5000, ...(maxHeldBytesPerPeer && { maxHeldBytesPerPeer }) });
    for (const id of [1, 2]) server.engine.offer({ id });
    const served = servedBy(server);
    const calls = Array.from(
      { length: 32 },
      (_, i) => request(world, client, server, pattern(250_000, i), { service: 1 + (i & 1) }),
    );
    world.run(300);
    for (const { call } of served) call!.awaitTurn(world.now);
    world.run(200_000, () => calls.every(({ closedCount }) => closedCount > 0));
    assertEquals([...new Set(served.map(({ code }) => code))], ["EPROTO"]);
    assertEquals(calls.filter(({ closedCount }) => closedCount === 0).length, 0);
    world.run(5000);
    assertEquals(server.engine.heldBytes, 0);
  });
}

test("a reply that waits for a request of large packets that nobody reads ends its call, whatever window is left", () => {
  const hand = asServer({ requestIdleMs: 5000, deadMs: 1_000_000 });
  const calls = unread(hand);
  for (let seq = 1; seq <= 3; seq++) hand.d(seq, 0, 60_000);
  assert(lastWindow(hand)! > 0, "for usual ones");
  calls[0]!.call!.awaitTurn(hand.world.now);
  for (let second = 0; second < 10 && calls[0]!.closedCount === 0; second++) {
    hand.d(4, 0, 60_000);
    hand.world.run(1000);
  }
  assertEquals([calls[0]!.closedCount, calls[0]!.code], [1, "EPROTO"]);
});

test("a reply that waits for a request of large packets: who reads, however slowly, has the rest of it", () => {
  const hand = asServer({ requestIdleMs: 5000, deadMs: 1_000_000 });
  const calls = unread(hand);
  for (let seq = 1; seq <= 3; seq++) hand.d(seq, 0, 60_000);
  const call = calls[0]!.call!;
  call.awaitTurn(hand.world.now);
  for (let second = 0; second < 20; second++) {
    hand.d(4, 0, 60_000);
    if (second % 4 === 3) call.consumed(10, hand.world.now);
    hand.world.run(1000);
  }
  assertEquals(calls[0]!.closedCount, 0);
  call.consumed(180_000, hand.world.now);
  hand.d(4, L, 60_000);
  assertEquals(calls[0]!.hasEnded, true);
});

test("requestIdleMs, deadMs: no time at all is a moment", () => {
  const hand = asServer({ requestIdleMs: 0, receiveWindow: 4 });
  const calls = unread(hand);
  for (let seq = 1; seq <= 4; seq++) {
    hand.engine.push({ data: packetOf(hand.header({ seq }), pattern(100)), from: hand.peer }, hand.world.now);
  }
  hand.out();
  calls[0]!.call!.consumed(400, hand.world.now);
  hand.engine.onTimeout(hand.world.now);
  assertEquals(hand.after(10).at(-1), "ABORT -3");
  const client = asClient({ deadMs: 0 });
  const call = client.call(10);
  client.world.run(10);
  assertEquals([call.closedCount, call.code], [1, "ETIMEDOUT"]);
});

test("maxHeldBytes: addresses that have proved nothing take no more than a quarter", () => {
  const hand = asServer({ reachCheck: "remote", maxHeldBytes: 400_000 });
  hand.offer(147);
  const genuine = { address: "127.0.0.1", port: 7777 };
  const window = (seq: number): number | undefined => {
    hand.packet({ seq, flags: R | hand.direction }, new Uint8Array(1412), genuine);
    return lastWindow(hand);
  };
  assertEquals(window(1), 128);
  for (let host = 0; host < 20; host++) {
    const change = { epoch: 0x80000000 + host };
    for (let seq = 1; seq <= 40; seq++) {
      hand.packet({ ...change, seq, flags: 1 }, new Uint8Array(1412), { address: `10.1.0.${host}`, port: 7001 });
    }
  }
  assert(hand.engine.heldBytes <= 100_000 && hand.engine.heldBytes > 98_000, String(hand.engine.heldBytes));
  assertEquals(window(2), 128);
  hand.after(100_000);
  assertEquals(hand.engine.heldBytes, 0);
});

test("7.1, 5: what is out of order stays when throwing it away makes no room for the next; the edge does not move back", () => {
  const hand = asServer({ maxHeldBytesPerPeer: 40_000 });
  unread(hand);
  hand.d(1, 0, 1400);
  for (const seq of [3, 4]) hand.d(seq, 0, 500);
  assertEquals(lastWindow(hand), 21);
  for (let channel = 1; channel < 4; channel++) {
    for (let seq = 1; seq <= 30; seq++) hand.d(seq, 0, 1400, { cid: hand.cid | channel });
  }
  const held = hand.engine.heldBytes;
  assertEquals([hand.d(2, 0, 1400), lastWindow(hand)], [[`A NOSPACE 2/4 S${hand.serial} [011]`], 2]);
  assertEquals(hand.engine.heldBytes, held);
});

test("a reply that waits widens the window of a request that nobody reads", () => {
  const hand = asServer();
  const calls = unread(hand);
  for (let seq = 1; seq <= 32; seq++) hand.d(seq, 0, 100);
  assertEquals(lastWindow(hand), 0);
  calls[0]!.call!.awaitTurn(hand.world.now);
  hand.out();
  assertEquals(lastWindow(hand), 96);
});

test("stats: packets that came, and how many of them came again, while their call runs", () => {
  const hand = asServer();
  const calls = hand.offer(147);
  for (const seq of [1, 1, 3, 3, 3, 2]) hand.d(seq, seq === 3 ? L : 0, 10);
  assertEquals([hand.engine.stats.dataPacketsCame, hand.engine.stats.repeatedPackets], [3, 3], "it runs still");
  calls[0]!.call!.abort(5, hand.world.now);
  assertEquals([hand.engine.stats.dataPacketsCame, hand.engine.stats.repeatedPackets], [3, 3]);
});

/** Four calls with whole requests that nobody reads, or with one that goes on; their client answers every question. */
function stalled(hardMs: number | undefined, bytes: number): [World, Recorder[], Recorder[]] {
  const world = new World();
  const [client, server] = [world.add(), world.add({ maxHeldBytesPerPeer: 100_000 })];
  const served = servedBy(server);
  server.engine.offer({ id: 147, timeouts: { hardMs } });
  world.isRecording = false;
  const calls = Array.from({ length: 4 }, () => request(world, client, server, pattern(bytes)));
  return [world, calls, served];
}

for (const [what, bytes] of [["whole requests", 10_000], ["requests that go on", 200_000]] as const) {
  test(`hardMs of a service: ${what} that nobody reads, of a client that lives: they hold their budget until then`, () => {
    for (const hardMs of [undefined, 300_000]) {
      const [world, calls, served] = stalled(hardMs, bytes);
      world.run(299_000);
      const { engine } = world.hosts[1]!;
      assert(engine.heldBytes >= 4 * 10_000, `${engine.heldBytes} bytes`);
      // an hour: neither deadMs nor requestIdleMs ends what waits for a reader
      world.run(hardMs === undefined ? 3_600_000 : 2000);
      const codes = [...served, ...calls].map(({ code, closedCount }) => [code, closedCount]);
      const expected = Array.from({ length: 8 }, (_, at) => [at < 4 ? "ETIMEDOUT" : "ECONNABORTED", 1]);
      assertEquals(codes, hardMs === undefined ? expected.map(() => [undefined, 0]) : expected);
      assertEquals(engine.heldBytes > 0, hardMs === undefined);
      if (hardMs !== undefined) assertEquals((calls[0]!.error as { abortCode?: number }).abortCode, -3);
    }
  });
}

test("deadMs of a service: its calls wait so long for a silent client, others as long as the endpoint says", () => {
  for (const [id, deadMs] of [[147, 3000], [148, 20_000]] as const) {
    const hand = asServer();
    const calls = hand.offer({ id: 147, timeouts: { deadMs: 3000 } }, 148);
    hand.d(1, 0, 10, { serviceId: id });
    hand.after(deadMs - 1);
    assertEquals(calls[0]!.closedCount, 0);
    // it counts from this end's first packet on
    hand.after(1000);
    assertEquals(calls[0]!.code, "ETIMEDOUT");
  }
});
