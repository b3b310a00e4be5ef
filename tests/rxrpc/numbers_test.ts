/** Numbers that come to their end: sequence numbers that go round, call numbers that are used up. */
import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { RxBundle } from "../../src/rxrpc/bundle.ts";
import type { RxCall } from "../../src/rxrpc/call.ts";
import { Congestion } from "../../src/rxrpc/congestion.ts";
import { RxConnection } from "../../src/rxrpc/connection.ts";
import type { ConnectionHost } from "../../src/rxrpc/connection_host.ts";
import type { RxHeader } from "../../src/rxrpc/header.ts";
import { checkedLimits } from "../../src/rxrpc/limits.ts";
import { RxAckReason } from "../../src/rxrpc/packet_types.ts";
import { RxPeer } from "../../src/rxrpc/peer.ts";
import { ReceiveSide } from "../../src/rxrpc/receive_side.ts";
import { RttEstimator } from "../../src/rxrpc/rtt_estimator.ts";
import type { SendPacket } from "../../src/rxrpc/send_packet.ts";
import { SendSide } from "../../src/rxrpc/send_side.ts";
import { L } from "./by_hand.ts";

const FIRST = 0xfffffffd;
const at = (offset: number): number => (FIRST + offset) >>> 0;

test("22: what comes is put in order where sequence numbers go round", () => {
  const order: number[] = [];
  const side = new ReceiveSide(
    {
      totals: { dataPacketsCame: 0, repeatedPackets: 0 },
      open: ({ seq }, body) => {
        order.push(seq);
        return body;
      },
      data: () => {},
      room: () => Infinity,
      hold: () => {},
      isRead: () => true,
    },
    32,
    FIRST,
  );
  const arrive = (offset: number, flags = 0) => side.arrive({ seq: at(offset), flags } as RxHeader, new Uint8Array(1));
  assertEquals(side.hasBegun, false);
  assertEquals([4, 1, 3, 4].map((offset) => arrive(offset)), [
    RxAckReason.OUT_OF_SEQUENCE,
    RxAckReason.OUT_OF_SEQUENCE,
    RxAckReason.OUT_OF_SEQUENCE,
    RxAckReason.DUPLICATE,
  ]);
  assertEquals([side.next, side.top, side.softAcks()], [at(0), at(4), [false, true, false, true, true]]);
  assertEquals([arrive(0), arrive(2), arrive(1)], ["hole filled", "hole filled", RxAckReason.DUPLICATE]);
  assertEquals([arrive(5, L), arrive(5, L), side.isComplete], ["in order", RxAckReason.DUPLICATE, true]);
  assertEquals(order, [0, 1, 2, 3, 4, 5].map(at));
  assertEquals(arrive(40), "invalid");
});

test("22: acknowledgements are understood where sequence numbers go round", () => {
  const side = new SendSide(new RttEstimator(), new Congestion(), 32, true, FIRST);
  for (let offset = 0; offset < 6; offset++) {
    side.add({ seq: at(offset), transmissions: 0, isAcked: false, isLost: false, isLast: offset === 5 } as SendPacket);
  }
  let serial = 0;
  const sendAll = (now: number): number[] => {
    const sent: number[] = [];
    for (let packet = side.peek(now); packet !== undefined; packet = side.peek(now)) {
      sent.push(packet.seq);
      side.transmitted(packet, ++serial, now);
    }
    return sent;
  };
  const ack = (offset: number, highest: number, acks: boolean[] = []) =>
    side.acknowledge({
      firstPacket: at(offset),
      previousPacket: at(highest),
      serial: 0,
      reason: RxAckReason.IDLE,
      acks,
      maxMtu: 1444,
      ifMtu: 1444,
      rwind: 32,
      jumboMax: 1,
    }, 10);
  assertEquals(sendAll(0), [0, 1, 2, 3].map(at));
  assertEquals([ack(2, 1), side.base], ["taken", at(2)]);
  assertEquals(ack(1, 0), "stale");
  assertEquals(ack(2, 3, [false, true]), "taken");
  assertEquals(ack(2, 1), "stale");
  assertEquals(ack(9, 8), "invalid");
  sendAll(10);
  assertEquals([ack(6, 5), side.isAllReleased, side.length], ["taken", true, 0]);
});

test("71: a connection whose call numbers are used up takes no more calls, and goes when it is idle", () => {
  const forgotten: RxConnection[] = [];
  const host = {
    limits: checkedLimits({}),
    schedule: () => {},
    enqueue: () => {},
    channelsFree: () => {},
    callClosed: () => {},
    idleMs: () => 1000,
    forget: (connection: RxConnection) => forgotten.push(connection),
  } as unknown as ConnectionHost;
  let count = 0;
  const connect = (): RxConnection =>
    new RxConnection(host, {
      isClient: true,
      peer: new RxPeer({ address: "192.0.2.1", port: 7000 }, 0),
      epoch: 0x80000001,
      cid: 4 * ++count,
      service: 147,
      securityIndex: 0,
    }, 0);
  const bundle = new RxBundle({ maxConnections: 4, connect });
  const begin = (): { connection: RxConnection; channel: number; callNumber: number; call: RxCall } => {
    let place: Parameters<RxCall["attach"]>[0] | undefined;
    const call = { isClient: true, isExposed: true, isClosed: false, receive: { top: 1 } } as unknown as RxCall;
    call.attach = (to) => {
      place = to;
      call.place = to;
    };
    bundle.waiting.push(call);
    bundle.pump(0);
    return { ...place!, call };
  };
  const first = begin();
  first.connection.callExposed(first.call);
  assertEquals([first.callNumber, first.connection.isRetired], [1, false]);
  first.connection.callClosed(first.call, undefined, 0);
  first.connection.channels[0]!.callNumber = 0x7ffffffe;
  const last = begin();
  assertEquals([last.connection === first.connection, last.callNumber], [true, 0x7fffffff]);
  last.connection.callExposed(last.call);
  assertEquals(last.connection.isRetired, true);
  const next = begin();
  assertEquals([next.connection === first.connection, next.callNumber], [false, 1]);
  first.connection.onTimeout(5000);
  assertEquals(forgotten, [], "its last call runs");
  first.connection.callClosed(last.call, undefined, 5000);
  first.connection.onTimeout(6000);
  assertEquals(forgotten, [first.connection]);
});
