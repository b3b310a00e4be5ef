/**
 * What the parts of a call ask of each other, made with `new`. Internal.
 *
 * V8 puts objects written as literals straight among the old ones where most of them once outlived a collection, and does
 * not go back on it. An old object that nothing needs keeps the young ones alive that it leads to, which here is a whole
 * call: see decision 61.
 *
 * @module
 */
import type { PacketizerInit } from "./packetizer.ts";
import type { ReceiveHost } from "./receive_side.ts";

/** What a receiving direction hands out and asks. */
export class CallReceiving implements ReceiveHost {
  readonly totals: ReceiveHost["totals"];
  readonly open: ReceiveHost["open"];
  readonly data: ReceiveHost["data"];
  readonly room: ReceiveHost["room"];
  readonly hold: ReceiveHost["hold"];
  readonly isRead: ReceiveHost["isRead"];

  /** Made of its parts. */
  constructor(
    totals: ReceiveHost["totals"],
    open: ReceiveHost["open"],
    data: ReceiveHost["data"],
    room: ReceiveHost["room"],
    hold: ReceiveHost["hold"],
    isRead: ReceiveHost["isRead"],
  ) {
    this.totals = totals;
    this.open = open;
    this.data = data;
    this.room = room;
    this.hold = hold;
    this.isRead = isRead;
  }
}

/** What packets of a call are made with. */
export class CallPackets implements PacketizerInit {
  readonly protection: PacketizerInit["protection"];
  readonly slab: PacketizerInit["slab"];
  readonly cid: number;
  readonly callNumber: number;
  readonly bodyBytes: number;
  readonly packet: PacketizerInit["packet"];

  /** Made of its parts. */
  constructor(
    protection: PacketizerInit["protection"],
    slab: PacketizerInit["slab"],
    cid: number,
    callNumber: number,
    bodyBytes: number,
    packet: PacketizerInit["packet"],
  ) {
    this.protection = protection;
    this.slab = slab;
    this.cid = cid;
    this.callNumber = callNumber;
    this.bodyBytes = bodyBytes;
    this.packet = packet;
  }
}
