import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { test } from "node:test";
import type { TcpOption } from "../packetdrill/ast.ts";
import type { PassiveHandshake } from "../../src/l3l4/tcp/tcp_host.ts";
import { brief, LOCAL, LOCAL6, REMOTE, REMOTE6, TableRig } from "./table_rig.ts";

const ALL_OPTIONS: TcpOption[] = [
  { kind: "mss", value: 1400 },
  { kind: "nop" },
  { kind: "wscale", value: 7 },
  { kind: "sackOK" },
  { kind: "TS", value: 5000, echo: 0 },
];

for (const [version, source, destination] of [[4, REMOTE, LOCAL], [6, REMOTE6, LOCAL6]] as const) {
  test(`49 a SYN is asked about, answered, and its acknowledgment opens a connection (IPv${version})`, () => {
    const rig = new TableRig();
    const ends = { source, destination };
    const [answer, ...more] = rig.receive({ ...ends, flags: "S", sequence: 100, options: ALL_OPTIONS });
    assertEquals(more, []);
    assertEquals(rig.requests.length, 1);
    const { token: _, ...request } = rig.requests[0]!;
    assertEquals(request, {
      version,
      localAddress: destination,
      localPort: 80,
      remoteAddress: source,
      remotePort: 4000,
      segmentSize: 1400,
      hasTimestamps: true,
      hasSack: true,
      windowScale: 7,
    });
    assertEquals(answer!.flags, "S.");
    assertEquals(answer!.ack, 101);
    assertEquals([answer!.source, answer!.sourcePort], [destination, 80]);
    assertEquals([answer!.destination, answer!.destinationPort], [source, 4000]);
    assertEquals(answer!.window, 65535);
    assertEquals(answer!.options.map(({ kind }) => kind), ["mss", "nop", "wscale", "sackOK", "TS"]);
    assertEquals(answer!.options[0], { kind: "mss", value: version === 4 ? 1460 : 1440 });
    assertEquals(answer!.options[2], { kind: "wscale", value: 3 });
    assertEquals((answer!.options[4] as { echo: number }).echo, 5000);
    assertEquals(rig.connections.length, 0);
    assertEquals(rig.table.states(), ["SYN-RECEIVED"]);

    rig.now += 30;
    rig.receive({ ...ends, flags: ".", sequence: 101, ack: answer!.sequence + 1, length: 3 });
    const connection = rig.connections[0]!;
    const handshake = connection.handshake as PassiveHandshake;
    assertEquals(handshake.sendInitial, answer!.sequence | 0);
    assertEquals(handshake.receiveInitial, 100);
    assertEquals(handshake.peerSegmentSize, 1400);
    assertEquals(handshake.peerWindowScale, 7);
    assertEquals([handshake.sendWindow, handshake.toldWindow], [5000, 65535]);
    assertEquals([handshake.hasSack, handshake.hasTimestamps, handshake.hasEcn], [true, true, false]);
    assertEquals(handshake.tsRecent, 5000);
    assertEquals([handshake.synAckSentAt, handshake.wasResent], [rig.now - 30, false]);
    const value = (answer!.options[4] as { value: number }).value | 0;
    assertEquals((1_000_000 + handshake.tsOffset) | 0, value);
    assertEquals(connection.received.map(({ length }) => length), [3]);
    assertEquals(rig.table.states(), ["ESTABLISHED"]);
    assertEquals(rig.table.stats.halfOpen, 0);
  });
}

test("49 a verdict given later still answers the SYN, and the one that came again meanwhile is not asked about", () => {
  const rig = new TableRig();
  rig.verdict = "later";
  assertEquals(rig.receive({ flags: "S", sequence: 100 }), []);
  assertEquals(rig.receive({ flags: "S", sequence: 100 }), []);
  assertEquals(rig.requests.length, 1);
  assertEquals(rig.wait(5000), []);
  const { token } = rig.requests[0]!;
  assert(rig.table.decide(token, "accept", { hasNagle: false }, rig.now));
  const [answer] = rig.transmit();
  assertEquals(answer!.flags, "S.");
  assert(!rig.table.decide(token, "refuse", undefined, rig.now), "decided already");
  rig.receive({ flags: ".", sequence: 101, ack: answer!.sequence + 1 });
  assertEquals(rig.connections[0]!.options, { hasNagle: false });
});

test("49 an undecided connection is given up after a while, and its token is good no more", () => {
  const rig = new TableRig({ halfOpenTimeoutMs: 10_000 });
  rig.verdict = "later";
  rig.receive({ flags: "S", sequence: 100 });
  assertEquals(rig.wait(10_000), []);
  assertEquals(rig.table.stats.halfOpenTimeouts, 1);
  assert(!rig.table.decide(rig.requests[0]!.token, "accept", undefined, rig.now));
  assertEquals(rig.table.timeoutAt(), Infinity);
});

test("50 refuse answers with a reset, ignore not at all, at once or later", () => {
  const rig = new TableRig();
  rig.verdict = "refuse";
  const [reset] = rig.receive({ flags: "S", sequence: 100, length: 4 });
  assertEquals(brief(reset!), "R. 0:0 ack 105");
  rig.verdict = "ignore";
  assertEquals(rig.receive({ flags: "S", sequence: 100 }), []);
  for (const verdict of ["refuse", "ignore"] as const) {
    rig.verdict = "later";
    rig.receive({ flags: "S", sequence: 100 });
    assert(rig.table.decide(rig.requests.at(-1)!.token, verdict, undefined, rig.now));
    assertEquals(rig.transmit().map(brief), verdict === "refuse" ? ["R. 0:0 ack 101"] : []);
  }
  assertEquals(rig.table.states(), []);
  const { requests, requestsRefused, requestsIgnored, resets } = rig.table.stats;
  assertEquals([requests, requestsRefused, requestsIgnored, resets], [4, 2, 2, 2]);
});

test("51 data of a SYN are not acknowledged: the peer sends them again", () => {
  const rig = new TableRig();
  const [answer] = rig.receive({ flags: "S", sequence: 100, length: 10 });
  assertEquals(answer!.ack, 101);
});

test("52 a SYN that comes again is answered again with the same number, and gives no round trip", () => {
  const rig = new TableRig();
  const [first] = rig.receive({ flags: "S", sequence: 100, options: ALL_OPTIONS });
  rig.now += 100;
  const [second] = rig.receive({
    flags: "S",
    sequence: 100,
    options: ALL_OPTIONS.with(4, { kind: "TS", value: 5100, echo: 0 }),
  });
  assertEquals(second!.sequence, first!.sequence);
  assertEquals((second!.options[4] as { echo: number }).echo, 5100);
  assertEquals(rig.requests.length, 1);
  rig.receive({ flags: ".", sequence: 101, ack: first!.sequence + 1 });
  const handshake = rig.connections[0]!.handshake as PassiveHandshake;
  assertEquals([handshake.synAckSentAt, handshake.wasResent], [-1, false]);
});

test("53 an acknowledgment of something else is reset, and the connection stays half open", () => {
  const rig = new TableRig();
  const [answer] = rig.receive({ flags: "S", sequence: 100 });
  for (const wrong of [0, 2, -5]) {
    const ack = (answer!.sequence + wrong) >>> 0;
    assertEquals(rig.receive({ flags: ".", sequence: 101, ack }).map(brief), [`R ${ack}:${ack} ack 0`]);
  }
  assertEquals(rig.table.states(), ["SYN-RECEIVED"]);
  rig.receive({ flags: ".", sequence: 101, ack: answer!.sequence + 1 });
  assertEquals(rig.connections.length, 1);
});

test("54 a reset with the next number ends it silently; others in the window are asked back, those outside ignored", () => {
  const rig = new TableRig();
  const [answer] = rig.receive({ flags: "S", sequence: 100 });
  const ack = `. ${answer!.sequence + 1}:${answer!.sequence + 1} ack 101`;
  assertEquals(rig.receive({ flags: "R", sequence: 100 }), []);
  assertEquals(rig.receive({ flags: "R", sequence: 101 + 65535 }), []);
  assertEquals(rig.receive({ flags: "R", sequence: 101 + 65534 }).map(brief), [ack]);
  assertEquals(rig.table.states(), ["SYN-RECEIVED"]);
  assertEquals(rig.receive({ flags: "R", sequence: 101 }), []);
  assertEquals(rig.table.states(), []);
  assertEquals(rig.table.stats.halfOpenResets, 1);
  assertEquals(rig.wait(100_000), []);
});

test("54 what is asked back has a scaled window when windows are scaled", () => {
  const rig = new TableRig();
  rig.receive({ flags: "S", sequence: 100, options: ALL_OPTIONS });
  const [ack] = rig.receive({ flags: "R", sequence: 102 });
  assertEquals([ack!.flags, ack!.window], [".", 65535 >>> 3]);
});

test("54 without checksResets any reset in the window ends it", () => {
  const rig = new TableRig({ checksResets: false });
  rig.receive({ flags: "S", sequence: 100 });
  assertEquals(rig.receive({ flags: "R", sequence: 2000 }), []);
  assertEquals(rig.table.states(), []);
});

test("segments outside of the window, old ones and other SYNs get an acknowledgment", () => {
  const rig = new TableRig();
  const [answer] = rig.receive({ flags: "S", sequence: 100, options: ALL_OPTIONS });
  const expected = `. ${answer!.sequence + 1}:${answer!.sequence + 1} ack 101`;
  const ack = answer!.sequence + 1;
  const stamp = (value: number): TcpOption[] => [{ kind: "nop" }, { kind: "nop" }, { kind: "TS", value, echo: 0 }];
  for (
    const fields of [
      { flags: ".", sequence: 90, ack },
      { flags: ".", sequence: 101 + 65535, ack },
      { flags: ".", sequence: 101, ack, options: stamp(4999) },
      { flags: "S", sequence: 4711 },
    ]
  ) {
    const [got] = rig.receive(fields);
    assertEquals(brief(got!), expected);
    assertEquals(got!.options.map(({ kind }) => kind), ["nop", "nop", "TS"]);
  }
  assertEquals(rig.receive({ flags: "F", sequence: 101 }), [], "no acknowledgment at all");
  rig.receive({ flags: ".", sequence: 101, ack, options: stamp(5001) });
  assertEquals(rig.connections.length, 1);
});

test("a SYN-ACK is sent again after 1, 2, 4... seconds and at last given up", () => {
  const rig = new TableRig({ maxSynAckRetries: 3 });
  const [answer] = rig.receive({ flags: "S", sequence: 100 });
  const begun = rig.now;
  const times: number[] = [];
  while (rig.table.timeoutAt() < Infinity) {
    const at = rig.table.timeoutAt();
    for (const packet of rig.wait(at - rig.now)) {
      assertEquals(brief(packet), brief(answer!));
      times.push(rig.now - begun);
    }
  }
  assertEquals(times, [1000, 3000, 7000]);
  assertEquals(rig.now - begun, 15_000);
  const { halfOpen, halfOpenTimeouts, synAckRetransmits } = rig.table.stats;
  assertEquals([halfOpen, halfOpenTimeouts, synAckRetransmits], [0, 1, 3]);
});

test("a SYN-ACK that had to be sent again says so, and gives no round trip", () => {
  const rig = new TableRig();
  const [answer] = rig.receive({ flags: "S", sequence: 100 });
  assertEquals(rig.wait(1000).length, 1);
  rig.receive({ flags: ".", sequence: 101, ack: answer!.sequence + 1 });
  const handshake = rig.connections[0]!.handshake as PassiveHandshake;
  assertEquals([handshake.synAckSentAt, handshake.wasResent], [-1, true]);
});

test("62 others of the same port are opened meanwhile", () => {
  const rig = new TableRig();
  rig.receive({ flags: "S", sequence: 100 });
  rig.open({ sourcePort: 4001 });
  rig.open({ sourcePort: 4002 });
  assertEquals(rig.table.states().toSorted(), ["ESTABLISHED", "ESTABLISHED", "SYN-RECEIVED"]);
});

test("66 a SYN that asks for ECN is answered so, or as if it had not", () => {
  for (const [ecn, flags] of [["accept", "S.E"], ["off", "S."]] as const) {
    const rig = new TableRig({ ecn });
    const [answer] = rig.receive({ flags: "SEW", sequence: 100 });
    assertEquals(answer!.flags, flags);
    rig.receive({ flags: ".", sequence: 101, ack: answer!.sequence + 1 });
    assertEquals((rig.connections[0]!.handshake as PassiveHandshake).hasEcn, ecn === "accept");
  }
});

test("67 what a SYN does not say is not agreed on, nor what is switched off", () => {
  const rig = new TableRig();
  const [answer] = rig.receive({ flags: "S", sequence: 100 });
  assertEquals(answer!.options, [{ kind: "mss", value: 1460 }]);
  assertEquals([rig.requests[0]!.segmentSize, rig.requests[0]!.windowScale], [536, -1]);
  rig.receive({ flags: ".", sequence: 101, ack: answer!.sequence + 1 });
  const handshake = rig.connections[0]!.handshake as PassiveHandshake;
  assertEquals([handshake.peerSegmentSize, handshake.peerWindowScale], [-1, -1]);
  assertEquals([handshake.hasSack, handshake.hasTimestamps], [false, false]);

  const plain = new TableRig({ windowScale: false, hasTimestamps: false, hasSack: false, maxSegmentSize: 1000 });
  const [other] = plain.receive({ flags: "S", sequence: 100, options: ALL_OPTIONS });
  assertEquals(other!.options, [{ kind: "mss", value: 1000 }]);
  const v6 = new TableRig();
  v6.receive({ source: REMOTE6, destination: LOCAL6, flags: "S", sequence: 100 });
  assertEquals(v6.requests[0]!.segmentSize, 1220);
});

test("without cookies the oldest half-open connection gives way", () => {
  const rig = new TableRig({ maxHalfOpen: 2, hasSynCookies: false });
  const answers = [1, 2, 3].map((port) => {
    rig.now++;
    return rig.receive({ flags: "S", sequence: 100, sourcePort: port })[0]!;
  });
  assertEquals([rig.table.stats.halfOpen, rig.table.stats.halfOpenEvicted], [2, 1]);
  const replies = answers.map((answer, i) => {
    return rig.receive({ flags: ".", sequence: 101, sourcePort: i + 1, ack: answer.sequence + 1 }).length;
  });
  assertEquals(replies, [1, 0, 0], "the first is reset");
  assertEquals(rig.connections.length, 2);
});

test("beyond maxConnections a SYN is dropped, and so is an acknowledgment until there is room", () => {
  const rig = new TableRig({ maxConnections: 1 });
  const [one] = rig.receive({ flags: "S", sequence: 100, sourcePort: 1 });
  const [two] = rig.receive({ flags: "S", sequence: 100, sourcePort: 2 });
  const finish = (port: number, answer: { sequence: number }) => {
    return rig.receive({ flags: ".", sequence: 101, sourcePort: port, ack: answer.sequence + 1 });
  };
  finish(1, one!);
  assertEquals(finish(2, two!), []);
  assertEquals(rig.receive({ flags: "S", sequence: 100, sourcePort: 3 }), []);
  assertEquals([rig.connections.length, rig.table.stats.requestsDropped], [1, 2]);
  rig.connections[0]!.close();
  finish(2, two!);
  assertEquals(rig.connections.length, 2);
});

test("48 initial numbers grow with the time, differ between ends, and hang on the secret", () => {
  const first = (seed: number, port: number, later = 0) => {
    const rig = new TableRig({}, seed);
    rig.now += later;
    return rig.receive({ flags: "S", sequence: 100, sourcePort: port })[0]!.sequence;
  };
  assertEquals((first(1, 4000, 1000) - first(1, 4000)) | 0, 250_000);
  assertNotEquals(first(1, 4000), first(2, 4000));
  const differences = new Set<number>();
  for (let port = 1; port <= 64; port++) differences.add((first(1, port + 1) - first(1, port)) | 0);
  assertEquals(differences.size, 64);
});

test("an error of ICMP that is hard and quotes the SYN-ACK ends a half-open connection", () => {
  const rig = new TableRig();
  const [answer] = rig.receive({ flags: "S", sequence: 100 });
  const path = { version: 4, localAddress: LOCAL, localPort: 80, remoteAddress: REMOTE, remotePort: 4000 } as const;
  const news = { code: "ECONNREFUSED", mtu: 0, text: "port unreachable" };
  rig.table.icmpError(path, { ...news, sequence: answer!.sequence | 0, isHard: false }, rig.now);
  rig.table.icmpError(path, { ...news, sequence: (answer!.sequence + 1) | 0, isHard: true }, rig.now);
  assertEquals(rig.table.stats.halfOpen, 1);
  rig.table.icmpError(path, { ...news, sequence: answer!.sequence | 0, isHard: true }, rig.now);
  assertEquals(rig.table.stats.halfOpen, 0);
});
