/** Case 64: floods of SYNs against a table with real connections, in virtual time. */
import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { IpPacket } from "../../src/l3l4/ip_packet.ts";
import type { TcpPort, TcpSink } from "../../src/l3l4/l3l4_sink.ts";
import type { PacketOut } from "../../src/l3l4/packet_out.ts";
import { type TcpOptions, tcpSettings } from "../../src/l3l4/tcp/tcp_settings.ts";
import { TcpTable } from "../../src/l3l4/tcp/tcp_table.ts";
import { SeededRandom } from "../../src/sim/seeded_random.ts";
import { writeTcp } from "../packetdrill/tcp_packet.ts";

const CLIENT = Uint8Array.of(198, 51, 100, 1);
const SERVER = Uint8Array.of(192, 0, 2, 1);
const DELAY_MS = 5;

/** Packets that the server can send in a millisecond. */
const ROOM = 100;
const SYNS_IN_MS = 200;
const SYNS = 100_000;

interface Sent {
  readonly at: number;
  readonly bytes: Uint8Array;
}

/** A table, what it sends, and what its connections have received. */
class End {
  readonly table: TcpTable;
  readonly sent: Sent[] = [];
  readonly #packet = new IpPacket();
  received = 0;
  opened = 0;

  constructor(options: TcpOptions, seed: number) {
    const sink: TcpSink = {
      incoming: () => "accept",
      opened: () => void this.opened++,
      readable: (port) => {
        this.received += port.readable;
        port.consume(port.readable, this.now);
      },
      writable: (port) => this.fill(port),
      urgent() {},
      ended() {},
      closed() {},
    };
    const surroundings = { random: new SeededRandom(seed).fill, pathMtu: () => 1500 };
    this.table = new TcpTable(tcpSettings(options), surroundings, sink);
  }

  now = 0;
  readonly #zeros = new Uint8Array(65_536);

  fill(port: TcpPort): void {
    while (port.write(this.#zeros, this.now) === this.#zeros.length);
  }

  push(bytes: Uint8Array): void {
    const packet = this.#packet;
    packet.bytes = bytes;
    packet.payloadAt = 20;
    packet.end = bytes.length;
    this.table.receive(packet, this.now);
  }

  /** Sends no more than `room` packets. Those to others than `to` go nowhere. */
  transmit(room: number, to: Uint8Array): void {
    let left = room;
    let buffer = new Uint8Array(0);
    const out: PacketOut = {
      alloc: (size) => {
        if (left === 0) return null;
        return buffer = new Uint8Array(size);
      },
      commit: (length) => {
        left--;
        const isForPeer = to.every((byte, i) => buffer[16 + i] === byte);
        if (isForPeer) this.sent.push({ at: this.now + DELAY_MS, bytes: buffer.subarray(0, length) });
      },
    };
    this.table.flush(this.now);
    this.table.transmit(out, this.now);
  }
}

/** A client and a server that is flooded. */
class Flood {
  readonly client = new End({}, 1);
  readonly server: End;
  readonly #random = new SeededRandom(7);
  now = 1000;
  syns = 0;
  largestBytes = 0;

  constructor(options: TcpOptions = {}) {
    this.server = new End(options, 2);
  }

  connect(): TcpPort {
    const ends = { localAddress: CLIENT, remoteAddress: SERVER, remotePort: 80 };
    return this.client.table.connect(ends, this.now);
  }

  /** A millisecond, with so many SYNs of strangers. */
  step(syns: number): void {
    this.now++;
    const { client, server } = this;
    for (const end of [client, server]) {
      end.now = this.now;
      if (end.table.timeoutAt() <= this.now) end.table.onTimeout(this.now);
    }
    deliver(client.sent, server, this.now);
    deliver(server.sent, client, this.now);
    for (let i = 0; i < syns; i++) server.push(this.#syn());
    this.syns += syns;
    client.transmit(Infinity, SERVER);
    server.transmit(ROOM, CLIENT);
    this.largestBytes = Math.max(this.largestBytes, server.table.tableBytes);
  }

  #syn(): Uint8Array {
    const random = this.#random;
    return writeTcp({
      source: Uint8Array.of(random.between(1, 126), random.below(256), random.below(256), random.below(256)),
      destination: SERVER,
      sourcePort: random.between(1, 65_535),
      destinationPort: 80,
      flags: "S",
      sequence: random.below(2 ** 32),
      ack: 0,
      window: 65_535,
      urgent: 0,
      options: [{ kind: "mss", value: 1460 }],
      length: 0,
      hopLimit: 64,
      trafficClass: 0,
    });
  }
}

function deliver(sent: Sent[], to: End, now: number): void {
  while (sent.length > 0 && sent[0]!.at <= now) to.push(sent.shift()!.bytes);
}

/** Bytes that the server brings to the client in 500 ms of `syns` SYNs each. */
function goodput(syns: number): { flood: Flood; bytes: number } {
  const flood = new Flood();
  flood.connect();
  const { server } = flood;
  const accept = server.table;
  let port: TcpPort | undefined;
  while (server.opened === 0) flood.step(0);
  for (const connection of accept.connections()) port = connection as unknown as TcpPort;
  server.fill(port!);
  // the window has grown before the flood comes
  for (let ms = 0; ms < 200; ms++) flood.step(0);
  const before = flood.client.received;
  for (let ms = 0; ms < SYNS / SYNS_IN_MS; ms++) flood.step(syns);
  return { flood, bytes: flood.client.received - before };
}

test("64 under 100,000 SYNs an open connection keeps its goodput, and memory its bounds", () => {
  const quiet = goodput(0);
  const { flood, bytes } = goodput(SYNS_IN_MS);
  assertEquals(flood.syns, SYNS);
  assert(quiet.bytes > 5_000_000, `${quiet.bytes} bytes`);
  assert(bytes >= 0.9 * quiet.bytes, `${bytes} of ${quiet.bytes} bytes`);
  const { halfOpen, connections, cookiesSent, answersDropped } = flood.server.table.stats;
  assertEquals([halfOpen, connections], [1024, 1]);
  assertEquals(cookiesSent, SYNS - 1024);
  assert(answersDropped > 0, "more was to be answered than there was room for");
  assert(flood.largestBytes <= 256 * 1024, `${flood.largestBytes / 1024} bytes for each half-open connection`);
});

test("64 a client that means it connects in the midst of a flood", () => {
  const flood = new Flood();
  for (let ms = 0; ms < 50; ms++) flood.step(50);
  for (let clients = 1; clients <= 5; clients++) {
    flood.connect();
    for (let ms = 0; ms < 20; ms++) flood.step(50);
    assertEquals([flood.client.opened, flood.server.opened], [clients, clients]);
  }
  assertEquals(flood.server.table.stats.cookiesAccepted, 5);
});

test("64 without cookies a client whose answers are quicker than the flood is thick connects", () => {
  const flood = new Flood({ hasSynCookies: false });
  for (let ms = 0; ms < 50; ms++) flood.step(50);
  flood.connect();
  for (let ms = 0; ms < 20; ms++) flood.step(50);
  assertEquals(flood.server.opened, 1);
  assertEquals(flood.server.table.stats.halfOpen, 1024);
});

test("64 when the flood is over its half-open connections go, and with them their memory's use", () => {
  const flood = new Flood();
  for (let ms = 0; ms < 20; ms++) flood.step(100);
  const { table } = flood.server;
  while (table.timeoutAt() < Infinity) {
    const now = table.timeoutAt();
    table.onTimeout(now);
    flood.server.now = now;
    flood.server.transmit(Infinity, CLIENT);
  }
  const { halfOpen, halfOpenTimeouts } = table.stats;
  assertEquals([halfOpen, halfOpenTimeouts], [0, 1024]);
});
