/** What a peer, or a user who does not read, could do to others: each was possible once. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { BufferPool } from "../../src/l3l4/tcp/buffer_pool.ts";
import { ByteRing } from "../../src/l3l4/tcp/byte_ring.ts";
import { tcpSettings } from "../../src/l3l4/tcp/tcp_settings.ts";
import { TcpFlag } from "../../src/packet/tcp.ts";
import type { TcpOption } from "../../src/packet/tcp_options.ts";
import { ScriptedPeer } from "./support/scripted_peer.ts";
import { pattern } from "./support/tcp_pair.ts";

const { ACK, FIN, RST } = TcpFlag;
const MSS: readonly TcpOption[] = [{ kind: "mss", size: 1000 }];

function opened(options = {}, syn = MSS, window = 65_535): ScriptedPeer {
  const peer = new ScriptedPeer({ delayedAckMs: 0, ...options });
  peer.open(syn, window);
  return peer;
}

test("bytes that nobody has read when a connection ends hold none of the endpoint's memory, and can still be read", () => {
  for (const flags of [RST, ACK | FIN]) {
    const peer = opened();
    peer.end.told.isConsuming = false;
    peer.data(pattern(10_000));
    peer.say({ flags });
    if (flags !== RST) {
      peer.end.connection.shutdown(peer.now);
      peer.heard();
      peer.sent++;
      peer.say({ ack: 2 });
    }
    peer.heard();
    assertEquals([peer.state, peer.end.buffers.usedBytes], ["CLOSED", 0]);
    peer.end.consume(6000);
    peer.end.connection.stopReading(peer.now);
    assertEquals(peer.end.told.received, [...pattern(6000)]);
    assertEquals([peer.end.connection.readable, peer.end.buffers.usedBytes], [0, 0]);
  }
});

test("whoever does not read leaves a quarter of the memory, and a first piece, to others", () => {
  const pool = new BufferPool(65_536);
  const [greedy, late, sending] = [new ByteRing(pool, 4096), new ByteRing(pool, 4096), new ByteRing(pool)];
  const write = (ring: ByteRing, length: number): boolean => {
    const done = ring.writeAt(ring.length, pattern(length), 0, length);
    if (done) ring.extend(length);
    return done;
  };
  while (write(greedy, 1000));
  assert(greedy.length <= 49_152);
  assert(write(late, 4000));
  assert(write(sending, 8000));
});

test("selective acknowledgments of single bytes make few pieces (CVE-2019-11478)", () => {
  const peer = opened({ congestion: "none", sendBufferBytes: 60_000 }, [...MSS, { kind: "sackPermitted" }]);
  peer.end.connection.write(pattern(60_000), peer.now);
  assertEquals(peer.heard().length, 60);
  let packets = 0;
  for (let right = 59_000; right > 1000; right -= 8) {
    const blocks = [0, 2, 4, 6].map((off) => ({ left: 5000 + right - off - 1, right: 5000 + right - off }));
    peer.say({ options: [{ kind: "sack", blocks: blocks.slice(0, 4) }] });
    packets += peer.heard().length;
  }
  packets += peer.wait(5000).length;
  assert(packets < 1000, `${packets} packets`);
});

test("a peer that takes tiny segments gets its bytes in pieces of 48 bytes (CVE-2019-11479)", () => {
  const peer = opened({}, [{ kind: "mss", size: 1 }]);
  assertEquals(peer.end.connection.info().segmentSize, 48);
});

test("a shut window whose probes are answered does not end a connection, however short the user timeout", () => {
  const peer = opened({ userTimeoutMs: 30_000 }, MSS, 0);
  peer.end.connection.write(pattern(100), peer.now);
  for (let i = 0; i < 60; i++) {
    const sent = peer.wait(10_000);
    if (sent.length > 0) peer.say({ window: 0 });
  }
  assertEquals(peer.state, "ESTABLISHED");
  peer.wait(200_000);
  assertEquals(peer.end.told.error?.code, "ETIMEDOUT");
});

test("a connection that its user has closed ends although the peer keeps its window shut", () => {
  const peer = opened({ userTimeoutMs: 30_000 }, MSS, 0);
  peer.wait(1_000_000);
  peer.end.connection.write(pattern(100), peer.now);
  peer.end.connection.shutdown(peer.now);
  peer.end.connection.stopReading(peer.now);
  let waited = 0;
  for (; waited < 600_000 && peer.state !== "CLOSED"; waited += 1000) {
    if (peer.wait(1000).length > 0) peer.say({ window: 0 });
  }
  assertEquals([peer.state, peer.end.told.error?.code, peer.end.buffers.usedBytes], ["CLOSED", "ETIMEDOUT", 0]);
  assert(waited >= 30_000 && waited <= 120_000, `after ${waited} ms`);
});

test("98: small windows that are acknowledged at once are filled within a second each", () => {
  const peer = opened();
  peer.end.connection.write(pattern(4000), peer.now);
  let at = 1;
  for (const { seq, length } of peer.heard()) at = Math.max(at, seq + length);
  for (let i = 0; i < 20; i++) {
    peer.end.connection.write(pattern(100), peer.now);
    peer.say({ ack: at, window: 50 });
    const sent = peer.wait(1000).filter(({ length }) => length > 0);
    assert(sent.length > 0, `nothing within a second, round ${i}`);
    at = Math.max(...sent.map(({ seq, length }) => seq + length));
  }
});

test("a windowScale that cannot tell the buffer's size is refused", () => {
  assertThrows(() => tcpSettings({ windowScale: 14, receiveBufferBytes: 16_383 }), RangeError);
  assertEquals(tcpSettings({ windowScale: 14, receiveBufferBytes: 16_384 }).windowShift, 14);
});
