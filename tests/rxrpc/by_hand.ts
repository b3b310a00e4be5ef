/** An endpoint whose peer is the test: packets made by hand go in, what comes out is written down. */
import { ackLength, decodeAck, encodeAck, type RxAck } from "../../src/rxrpc/ack.ts";
import { abortBody, packetOf } from "../../src/rxrpc/control_packet.ts";
import type { RxEndpointEngine } from "../../src/rxrpc/endpoint_engine.ts";
import type { RxEndpointEngineOptions } from "../../src/rxrpc/endpoint_options.ts";
import { HEADER_BYTES, type RxHeader } from "../../src/rxrpc/header.ts";
import { RxAckReason, RxPacketType } from "../../src/rxrpc/packet_types.ts";
import type { RxAddress, RxCallOptions, RxService } from "../../src/rxrpc/ports.ts";
import { drink, type Host, pattern, pour, Recorder, servedBy, World } from "./world.ts";

export const C = 1;
export const R = 2;
export const L = 4;
export const J = 0x20;

/** A service whose clients never can prove who they are. */
export const secured: RxService = {
  id: 147,
  security: [{
    index: 2,
    challenge: () => ({
      challenge: () => new Uint8Array(16),
      accept: () => {
        throw Object.assign(new Error("nobody is believed"), { abortCode: 19_270_407 });
      },
    }),
  }],
};

/** A packet that came out. */
export interface Out {
  header: RxHeader;
  body: Uint8Array;
  ack: RxAck | undefined;
  at: number;
  to: RxAddress;
}

const names = ["", "DATA", "ACK", "BUSY", "ABORT", "ACKALL", "CHALLENGE", "RESPONSE", "DEBUG"];

/** How a packet reads in an expectation: `D1 C|L 10`, `A IDLE 2/1 S0 []`, `ABORT -5`. */
export function show({ header, body, ack }: Out): string {
  const { type, flags, seq } = header;
  const flagText = [[C, "C"], [R, "R"], [L, "L"], [J, "J"]].filter(([bit]) => (flags & Number(bit)) !== 0).map((
    [, name],
  ) => name);
  if (type === RxPacketType.DATA) return `D${seq} ${flagText.join("|") || "-"} ${body.length}`;
  if (ack !== undefined) {
    const reason = Object.entries(RxAckReason).find(([, number]) => number === ack.reason)?.[0] ?? ack.reason;
    return `A ${reason} ${ack.firstPacket}/${ack.previousPacket} S${ack.serial} [${ack.acks.map(Number).join("")}]`;
  }
  if (type === RxPacketType.ABORT) return `ABORT ${new DataView(body.buffer, body.byteOffset).getInt32(0)}`;
  return names[type] ?? (type === RxPacketType.VERSION ? "VERSION" : `type ${type}`);
}

/** The test's side of one connection. */
export class Hand {
  readonly world: World;
  readonly host: Host;
  readonly peer: RxAddress = { address: "10.9.9.9", port: 7777 };
  /** Of the connection that packets are made for. */
  epoch = 0x80001234;
  cid = 0x100;
  callNumber = 1;
  service = 147;
  securityIndex = 0;
  serial = 0;
  /** Flag of the packets that are made: `C` when the endpoint is the server. */
  direction: number;
  #seen = 0;

  constructor(direction: number, options: Partial<RxEndpointEngineOptions> = {}) {
    this.world = new World();
    this.host = this.world.add(options);
    this.direction = direction;
  }

  get engine(): RxEndpointEngine {
    return this.host.engine;
  }

  /** What came out since the last look. */
  packets(): Out[] {
    this.world.settle();
    const out = this.world.sent.slice(this.#seen).map(({ header, data, at, to }) => {
      const body = data.subarray(HEADER_BYTES);
      return { header, body, ack: header.type === RxPacketType.ACK ? decodeAck(body) : undefined, at, to };
    });
    this.#seen = this.world.sent.length;
    return out;
  }

  /** The same as text. */
  out(): string[] {
    return this.packets().map(show);
  }

  /** Lets time pass, then looks. */
  after(ms: number): string[] {
    this.world.run(ms);
    return this.out();
  }

  header(change: Partial<RxHeader> = {}): RxHeader {
    return {
      epoch: this.epoch,
      cid: this.cid,
      callNumber: this.callNumber,
      seq: 0,
      serial: ++this.serial,
      type: RxPacketType.DATA,
      flags: this.direction,
      userStatus: 0,
      securityIndex: this.securityIndex,
      checksum: 0,
      serviceId: this.service,
      ...change,
    };
  }

  /** A datagram comes in. Returns what goes out at once. */
  raw(data: Uint8Array, from: RxAddress = this.peer): string[] {
    this.engine.push({ data, from }, this.world.now);
    return this.out();
  }

  /** A packet of any type comes in. */
  packet(change: Partial<RxHeader>, body: Uint8Array = new Uint8Array(0), from?: RxAddress): string[] {
    return this.raw(packetOf(this.header(change), body), from);
  }

  /** DATA comes in. */
  d(seq: number, flags = 0, body: number | Uint8Array = 100, change: Partial<RxHeader> = {}): string[] {
    const bytes = typeof body === "number" ? pattern(body, seq) : body;
    return this.packet({ seq, flags: flags | this.direction, ...change }, bytes);
  }

  /** An ACK comes in. */
  a(
    firstPacket: number,
    previousPacket: number,
    serial: number,
    reason: number,
    acks: readonly number[] = [],
    change: Partial<RxAck> & { header?: Partial<RxHeader> } = {},
  ): string[] {
    const body = new Uint8Array(ackLength(acks.length));
    const { header, ...rest } = change;
    encodeAck({
      firstPacket,
      previousPacket,
      serial,
      reason,
      acks: acks.map((ack) => ack === 1),
      maxMtu: 1444,
      ifMtu: 1444,
      rwind: 32,
      jumboMax: 1,
      ...rest,
    }, body);
    const isPing = reason === RxAckReason.PING;
    return this.packet({ type: RxPacketType.ACK, flags: this.direction | 0x20 | (isPing ? R : 0), ...header }, body);
  }

  /** An ABORT comes in. */
  abort(code: number, change: Partial<RxHeader> = {}): string[] {
    return this.packet({ type: RxPacketType.ABORT, ...change }, abortBody(code));
  }

  /** Makes a call to the test and takes its place. */
  call(body: number | Uint8Array | undefined, options: Partial<RxCallOptions> = {}): Recorder {
    const recorder = new Recorder();
    const call = this.engine.call({ to: this.peer, service: 147, ...options }, recorder, this.world.now);
    recorder.call = call;
    drink(this.world, this.host, () => call, recorder);
    if (body !== undefined) {
      pour(this.world, this.host, call, recorder, typeof body === "number" ? pattern(body) : body);
    }
    this.follow();
    return recorder;
  }

  /** Takes the place of the connection and call that the last packet out was for. */
  follow(): void {
    this.world.settle();
    const last = this.world.sent.at(-1)?.header;
    if (last === undefined) return;
    this.epoch = last.epoch;
    this.cid = last.cid;
    this.callNumber = last.callNumber;
    this.service = last.serviceId;
  }

  /** Offers services; each call that comes is written down, and answered by the test. */
  offer(...services: (RxService | number)[]): Recorder[] {
    const recorders: Recorder[] = [];
    for (const service of services) this.engine.offer(typeof service === "number" ? { id: service } : service);
    this.host.incoming = (call) => {
      const recorder = new Recorder();
      recorder.call = call;
      drink(this.world, this.host, () => call, recorder);
      recorders.push(recorder);
      return recorder;
    };
    return recorders;
  }

  /** Answers a call that came. */
  reply(recorder: Recorder, body: number | Uint8Array): string[] {
    pour(this.world, this.host, recorder.call!, recorder, typeof body === "number" ? pattern(body) : body);
    return this.out();
  }

  /** How often a reason was counted among the drops. */
  drops(): Readonly<Record<string, number>> {
    return this.engine.drops.toJSON();
  }
}

export const asClient = (options: Partial<RxEndpointEngineOptions> = {}): Hand => new Hand(0, options);
export const asServer = (options: Partial<RxEndpointEngineOptions> = {}): Hand => new Hand(C, options);

/** Calls that are taken, and not read. */
export function unread(hand: Hand): Recorder[] {
  hand.engine.offer({ id: 147 });
  return servedBy(hand.host);
}
