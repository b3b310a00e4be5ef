import { assert, assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { L3L4Error } from "../../src/l3l4/errors.ts";
import { TcpState } from "../../src/l3l4/tcp/tcp_state.ts";
import { SeededRandom } from "../../src/sim/seeded_random.ts";
import { brief, type Fields, LOCAL, LOCAL6, REMOTE, REMOTE6, TableRig } from "./table_rig.ts";

const ANY = { remoteAddress: REMOTE, remotePort: 443, localAddress: LOCAL };

function connect(rig: TableRig, options: Partial<typeof ANY & { localPort: number }> = {}): number {
  return rig.table.connect({ ...ANY, ...options }, rig.now).localPort;
}

test("segments find their connection among many, in both versions of IP, whatever came before", () => {
  const rig = new TableRig();
  const random = new SeededRandom(7);
  const ends: Fields[] = [];
  for (let i = 0; i < 3000; i++) {
    const isV6 = random.chance(0.3);
    const source = (isV6 ? REMOTE6 : REMOTE).slice();
    const destination = (isV6 ? LOCAL6 : LOCAL).slice();
    source[source.length - 1] = random.between(1, 20);
    destination[isV6 ? 9 : 3] = random.between(0, 20);
    ends.push({ source, destination, sourcePort: i + 1, destinationPort: random.between(1, 3) });
  }
  const connections = ends.map((one) => rig.open(one));
  assertEquals(rig.connections.length, 3000);
  for (let i = 0; i < 10_000; i++) {
    const at = random.below(ends.length);
    rig.push({ ...ends[at], flags: ".", sequence: i });
    assertEquals(connections[at]!.received.at(-1)!.sequence, i);
  }
  for (let i = 0; i < 2900; i++) connections[i]!.close();
  assertEquals(rig.table.stats.connections, 100);
  for (let i = 0; i < 3000; i++) {
    const [reset] = rig.receive({ ...ends[i], flags: ".", sequence: 5, ack: 9 });
    assertEquals(reset === undefined, i >= 2900);
  }
});

test("what belongs to no connection is reset by the rules of RFC 9293, and resets are not", () => {
  const rig = new TableRig();
  const answers = (fields: Fields): string[] => rig.receive(fields).map(brief);
  assertEquals(answers({ flags: ".", sequence: 17, ack: 34 }), ["R 34:34 ack 0"]);
  assertEquals(answers({ flags: "F.", sequence: 17, ack: 34, length: 3 }), ["R 34:34 ack 0"]);
  assertEquals(answers({ flags: "S.", sequence: 17, ack: 34 }), ["R 34:34 ack 0"]);
  assertEquals(answers({ flags: "F", sequence: 17, length: 3 }), ["R. 0:0 ack 21"]);
  assertEquals(answers({ flags: "", sequence: 0xffffffff, length: 2 }), ["R. 0:0 ack 1"]);
  assertEquals(answers({ flags: "R", sequence: 17 }), []);
  assertEquals(answers({ flags: "R.", sequence: 17, ack: 34 }), []);
  assertEquals([rig.table.stats.strays, rig.table.stats.resets], [7, 5]);
  const silent = new TableRig({ strays: "ignore" });
  assertEquals(silent.receive({ flags: ".", sequence: 17, ack: 34 }), []);
});

test("a SYN with FIN is answered as a SYN, or dropped with dropsSynFin", () => {
  assertEquals(new TableRig().receive({ flags: "SF", sequence: 17 }).map(({ flags, ack }) => `${flags} ${ack}`), [
    "S. 18",
  ]);
  assertEquals(new TableRig({ dropsSynFin: true }).receive({ flags: "SF", sequence: 17 }), []);
});

test("3, 4, 38 addresses that are not one host's and ports of zero get no answer", () => {
  const rig = new TableRig();
  const v6 = (...bytes: number[]): Uint8Array => {
    const address = new Uint8Array(16);
    address.set(bytes);
    return address;
  };
  const bad: Fields[] = [
    { source: new Uint8Array([0, 1, 2, 3]) },
    { source: new Uint8Array([127, 0, 0, 1]) },
    { source: new Uint8Array([224, 0, 0, 5]) },
    { source: new Uint8Array([239, 255, 255, 255]) },
    { source: new Uint8Array([255, 255, 255, 255]) },
    { destination: new Uint8Array([224, 0, 0, 5]) },
    { destination: new Uint8Array([255, 255, 255, 255]) },
    { destination: new Uint8Array([0, 0, 0, 0]) },
    { source: v6(), destination: LOCAL6 },
    { source: v6(0xff, 2), destination: LOCAL6 },
    { source: REMOTE6, destination: v6(0xff, 2) },
    { source: REMOTE6, destination: v6() },
    { sourcePort: 0 },
    { destinationPort: 0 },
  ];
  for (const fields of bad) {
    assertEquals(rig.receive({ flags: "S", sequence: 1, ...fields }), []);
    assertEquals(rig.receive({ flags: ".", sequence: 1, ...fields }), []);
  }
  assertEquals(rig.requests, []);
  assertEquals(rig.table.stats.unsuitable, 2 * bad.length);
  rig.receive({ flags: "S", sequence: 1, source: new Uint8Array([223, 255, 255, 254]) });
  rig.receive({ flags: "S", sequence: 1, source: v6(0xfe, 0x80, 0, 0, 0, 0, 0, 0, 1), destination: LOCAL6 });
  assertEquals(rig.requests.length, 2);
});

test("36 malformed headers are dropped", () => {
  const rig = new TableRig();
  rig.pushBytes(new Uint8Array(39).fill(0x45));
  assertEquals([rig.table.stats.malformed, rig.transmit().length], [1, 0]);
});

test("answers to strays have a limit, and leave room for handshakes", () => {
  const rig = new TableRig({ maxAnswers: 8 });
  for (let port = 1; port <= 20; port++) rig.push({ flags: ".", sequence: 1, ack: 1, sourcePort: port });
  for (let port = 1; port <= 20; port++) rig.push({ flags: "S", sequence: 1, sourcePort: port });
  assertEquals(rig.transmit().map(({ flags }) => flags), [...Array(6).fill("R"), "S.", "S."]);
  assertEquals(rig.table.stats.answersDropped, 14 + 18);
});

test("without room in the output answers wait in order", () => {
  const rig = new TableRig();
  for (let port = 1; port <= 40; port++) rig.push({ flags: ".", sequence: 1, ack: port, sourcePort: port });
  rig.room = 15;
  const ports: number[] = [];
  for (const isDone of [false, false, true]) {
    ports.push(...rig.transmit().map(({ destinationPort }) => destinationPort));
    assertEquals(rig.isDone, isDone);
  }
  assertEquals(ports, Array.from({ length: 40 }, (_, i) => i + 1));
});

test("connections send in turns: whoever had no room left comes last next time", () => {
  const rig = new TableRig();
  for (const port of [1, 2, 3]) rig.open({ sourcePort: port });
  for (const connection of rig.connections) connection.wants(10);
  rig.room = 4;
  const turns: number[][] = [];
  do turns.push(rig.transmit().map(({ destinationPort }) => destinationPort)); while (!rig.isDone);
  assertEquals(turns.slice(0, 3), [[1, 1, 1, 1], [2, 2, 2, 2], [3, 3, 3, 3]]);
  assertEquals(turns.flat().toSorted(), [...Array(10).fill(1), ...Array(10).fill(2), ...Array(10).fill(3)]);
  assertEquals(rig.transmit(), []);
  rig.connections[0]!.wants(1);
  rig.connections[0]!.wants(1);
  assertEquals(rig.transmit().length, 2);
});

test("a connection that is removed still sends and tells what it has to", () => {
  const rig = new TableRig();
  const connection = rig.open();
  connection.wants(1);
  connection.host.wantsFlush(connection as never);
  connection.close();
  assertEquals(rig.transmit().length, 1);
  assertEquals(connection.told, 1);
});

test("flush tells each once, and those that came to it meanwhile", () => {
  const rig = new TableRig();
  const [one, two] = [rig.open({ sourcePort: 1 }), rig.open({ sourcePort: 2 })];
  const tell = one!.tell.bind(one);
  one!.tell = () => {
    tell();
    if (one!.told > 1) return;
    rig.table.wantsFlush(two as never);
    rig.table.wantsFlush(one as never);
    rig.table.flush(rig.now);
  };
  rig.table.wantsFlush(one as never);
  rig.table.wantsFlush(one as never);
  rig.table.flush(rig.now);
  assertEquals([one!.told, two!.told], [2, 1]);
});

test("timers of connections run when they are due, and go with their connections", () => {
  const rig = new TableRig();
  const [one, two] = [rig.open({ sourcePort: 1 }), rig.open({ sourcePort: 2 })];
  one!.dueAt = rig.now + 50;
  two!.dueAt = rig.now + 20;
  rig.table.wantsTimer(one as never);
  rig.table.wantsTimer(two as never);
  assertEquals(rig.table.timeoutAt(), rig.now + 20);
  rig.wait(20);
  assertEquals([one!.timeouts, two!.timeouts], [0, 1]);
  assertEquals(rig.table.timeoutAt(), rig.now + 30);
  one!.close();
  assertEquals(rig.table.timeoutAt(), Infinity);
});

test("connect makes a connection with the ends that it is given", () => {
  const rig = new TableRig();
  const port = rig.table.connect({ ...ANY, localPort: 1234, hasNagle: false }, rig.now);
  const [connection] = rig.connections;
  assertEquals(port.localPort, 1234);
  assertEquals([connection!.localAddress, connection!.remoteAddress, connection!.remotePort], [LOCAL, REMOTE, 443]);
  assertEquals(connection!.options.hasNagle, false);
  assertEquals(rig.table.states(), ["SYN-SENT"]);
  rig.receive({ flags: "S.", sourcePort: 443, destinationPort: 1234, sequence: 5, ack: 6 });
  assertEquals(connection!.received, [{ flags: 0x12, sequence: 5, acknowledgment: 6, length: 0 }]);
  assertEquals(rig.table.stats.activeOpens, 1);
});

test("58 a SYN that crosses ours belongs to the same connection", () => {
  const rig = new TableRig();
  rig.table.connect({ ...ANY, localPort: 1234 }, rig.now);
  rig.receive({ flags: "S", sourcePort: 443, destinationPort: 1234, sequence: 5 });
  assertEquals(rig.connections[0]!.received.length, 1);
  assertEquals(rig.requests, []);
});

test("ports of ours are free, dynamic and not in a row for others to guess (RFC 6056)", () => {
  const rig = new TableRig();
  const ports = Array.from({ length: 100 }, () => connect(rig));
  assertEquals(new Set(ports).size, 100);
  assert(ports.every((port) => port >= 32768 && port <= 65535));
  const first = (seed: number, last: number): number => {
    return connect(new TableRig({}, seed), { remoteAddress: new Uint8Array([192, 0, 2, last]) });
  };
  const firsts = new Set([1, 2, 3, 4].flatMap((seed) => [1, 2, 3, 4].map((last) => first(seed, last))));
  assert(firsts.size >= 15);
});

test("a peer to whom all ports lead already gets no other", () => {
  const rig = new TableRig();
  for (let i = 0; i < 32768; i++) connect(rig);
  const error = assertThrows(() => connect(rig), L3L4Error);
  assertEquals((error as L3L4Error).code, "EADDRNOTAVAIL");
  connect(rig, { remotePort: 444 });
  rig.connections[5]!.close();
  connect(rig);
});

test("63 connect refuses groups and nobody, taken ports and wrong arguments", () => {
  const rig = new TableRig({ maxConnections: 1 });
  const code = (options: object): string => {
    const error = assertThrows(() => rig.table.connect({ ...ANY, ...options }, rig.now), L3L4Error);
    return (error as L3L4Error).code;
  };
  assertEquals(code({ remoteAddress: new Uint8Array([224, 0, 0, 1]) }), "EADDRNOTAVAIL");
  assertEquals(code({ remoteAddress: new Uint8Array([255, 255, 255, 255]) }), "EADDRNOTAVAIL");
  assertEquals(code({ localAddress: new Uint8Array(4) }), "EADDRNOTAVAIL");
  const port = connect(rig);
  assertEquals(code({}), "ENOBUFS");
  assertEquals(code({ localPort: port, remotePort: 443 }), "ENOBUFS");
  const wide = new TableRig();
  wide.table.connect({ ...ANY, localPort: 5 }, 0);
  const error = assertThrows(() => wide.table.connect({ ...ANY, localPort: 5 }, 0), L3L4Error);
  assertEquals((error as L3L4Error).code, "EADDRINUSE");
  for (const options of [{ remotePort: 0 }, { remotePort: 65536 }, { localPort: 1.5 }, { remoteAddress: REMOTE6 }]) {
    assertThrows(() => wide.table.connect({ ...ANY, ...options }, 0), RangeError);
  }
});

test("errors of ICMP come to the connection that they quote", () => {
  const rig = new TableRig();
  const connection = rig.open();
  const news = { sequence: 5, code: "EHOSTUNREACH", isHard: false, mtu: 0, text: "host unreachable" };
  rig.table.icmpError(connection.path, news, rig.now);
  const { version, localAddress, localPort, remoteAddress } = connection.path;
  rig.table.icmpError({ version, localAddress, localPort, remoteAddress, remotePort: 4001 }, news, rig.now);
  assertEquals(connection.news, [news]);
});

test("forget drops the connections in a state, or all", () => {
  const rig = new TableRig();
  rig.receive({ flags: "S", sequence: 1, sourcePort: 1 });
  const [one, two] = [rig.open({ sourcePort: 2 }), rig.open({ sourcePort: 3 })];
  one!.state = TcpState.CLOSE_WAIT;
  rig.table.forget("CLOSE-WAIT", null);
  assertEquals([one!.dropped, two!.dropped], [null, undefined]);
  rig.table.forget(undefined, null);
  assertEquals(rig.table.states(), []);
  assertEquals(rig.table.timeoutAt(), Infinity);
});
