/** Questions that are no calls: their bytes, when they are asked again, and records of the answers. */
import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { decodeDebugConnection, decodeDebugStats, encodeDebugConnection } from "../../src/rxrpc/debug_records.ts";
import { RxEndpointEngine } from "../../src/rxrpc/endpoint_engine.ts";
import { decodeHeader } from "../../src/rxrpc/header.ts";
import { RxPacketType } from "../../src/rxrpc/packet_types.ts";
import type { RxAddress, RxOut } from "../../src/rxrpc/ports.ts";
import { Questions } from "../../src/rxrpc/questions.ts";
import { fromHex, toHex } from "./hex.ts";

const SERVER: RxAddress = { address: "10.0.0.2", port: 7003 };

/** What goes out, one datagram after the other. */
class Out implements RxOut {
  readonly sent: Uint8Array[] = [];
  #into = new Uint8Array(0);

  alloc(size: number): Uint8Array {
    return this.#into = new Uint8Array(size);
  }

  commit(length: number): void {
    this.sent.push(this.#into.subarray(0, length));
  }
}

test("23: the bytes of a VERSION question", () => {
  const questions = new Questions(2 * 0x65);
  const out = new Out();
  questions.ask({ to: SERVER, type: 13, body: new Uint8Array(1), answered: () => {} }, 0);
  questions.transmit(out);
  assertEquals(
    toHex(out.sent[0]!),
    toHex(fromHex("000003e7 00000000 00000065 00000000 00000000 0d050000 00000000 00")),
  );
});

test("24: what a live OpenAFS server says of itself: 56 bytes", () => {
  const record = new Uint8Array(56);
  record.set(fromHex("000000f9 00000000 00000000 00045300 00000000 00000014 00000000 000003b9"));
  assertEquals(decodeDebugStats(record), {
    version: "S",
    freePackets: 0xf9,
    callsExecuted: 0,
    waiting: 0,
    idleThreads: 0x14,
    packets: 0x3b9,
  });
});

test("25: a connection in 176 bytes and in the 172 of old servers is the same", () => {
  const connection = {
    address: "192.0.2.1",
    port: 7001,
    cid: 0x104,
    serial: 77,
    error: -5,
    isServer: true,
    securityIndex: 2,
    level: 1,
    epoch: 0x9abc1234,
    natMtu: 0,
    channels: [1, 2, 3, 4].map((n) => ({ callNumber: n, state: n, mode: n & 3, flags: n << 1, other: n & 3 })),
  };
  const record = encodeDebugConnection(connection);
  const old = new Uint8Array(172);
  old.set(record.subarray(0, 37));
  old.set(record.subarray(40, 56), 37);
  old.set(record.subarray(56, 136), 56);
  assertEquals([record.length, decodeDebugConnection(record)], [176, connection]);
  assertEquals(decodeDebugConnection(old), connection);
  assertEquals(decodeDebugConnection(old.subarray(0, 171)), undefined);
});

test("179: a question is asked five times, after 1, 2, 4 and 8 s, and given up after 16 more", () => {
  const questions = new Questions(10);
  const out = new Out();
  const answers: (Uint8Array | undefined)[] = [];
  questions.ask({ to: SERVER, type: 13, body: new Uint8Array(1), answered: (body) => answers.push(body) }, 0);
  const times: number[] = [];
  for (let at = 0; at < Infinity; at = questions.timeoutAt()) {
    questions.onTimeout(at);
    questions.transmit(out);
    times.push(at);
  }
  assertEquals(times, [0, 1000, 3000, 7000, 15_000, 31_000]);
  assertEquals([out.sent.length, answers], [5, [undefined]]);
  assert(out.sent.every((packet) => toHex(packet) === toHex(out.sent[0]!)), "the same question");
});

test("179: an endpoint whose question is not answered asks again, and goes on", () => {
  const engine = new RxEndpointEngine({ random: () => {}, wallMs: () => 0 }, { incoming: () => "busy" });
  const out = new Out();
  const answers: unknown[] = [];
  engine.ask({ to: SERVER, type: 13, body: new Uint8Array(1), answered: (body) => answers.push(body) }, 0);
  for (let at = 0; at < Infinity; at = engine.timeoutAt()) {
    engine.onTimeout(at);
    engine.transmit(out, at);
  }
  assertEquals([out.sent.length, answers], [5, [undefined]]);
});

test("179: the network says that nobody is there: questions to there fail, those to others wait on", () => {
  const engine = new RxEndpointEngine({ random: () => {}, wallMs: () => 0 }, { incoming: () => "busy" });
  const out = new Out();
  const told: string[] = [];
  const ask = (name: string, to: RxAddress): unknown =>
    engine.ask(
      { to, type: 13, body: new Uint8Array(1), answered: (body, why) => told.push(`${name} ${why?.code ?? body}`) },
      0,
    );
  const refuse = (): void => engine.networkFailed({ code: "ECONNREFUSED", to: SERVER }, 1);
  ask("first", SERVER);
  ask("other", { ...SERVER, port: 7004 });
  engine.transmit(out, 0);
  refuse();
  assertEquals(told, ["first ECONNREFUSED"]);
  // whoever was heard is believed to be gone only at the second report in a row
  ask("second", SERVER);
  ask("third", SERVER);
  out.sent.length = 0;
  engine.transmit(out, 1);
  const answer = Uint8Array.from([...out.sent[0]!.subarray(0, 28), 65]);
  answer[21] = 0;
  engine.push({ data: answer, from: SERVER }, 1);
  refuse();
  assertEquals(told, ["first ECONNREFUSED", "second 65"]);
  refuse();
  assertEquals(told, ["first ECONNREFUSED", "second 65", "third ECONNREFUSED"]);
});

test("179: whoever asks again when a question fails has asked anew", () => {
  const engine = new RxEndpointEngine({ random: () => {}, wallMs: () => 0 }, { incoming: () => "busy" });
  let failures = 0;
  const ask = (): unknown =>
    engine.ask({
      to: SERVER,
      type: 13,
      body: new Uint8Array(1),
      answered: () => ++failures < 100 && ask(),
    }, 0);
  ask();
  for (const count of [1, 2]) {
    engine.networkFailed({ code: "ECONNREFUSED", to: SERVER }, 1);
    assertEquals(failures, count);
  }
});

test("179: an answer counts with the number of the question, its kind, and from whom was asked", () => {
  const questions = new Questions(10);
  const out = new Out();
  const answers: (Uint8Array | undefined)[] = [];
  questions.ask({ to: SERVER, type: 13, body: new Uint8Array(1), answered: (body) => answers.push(body) }, 0);
  questions.transmit(out);
  const header = { ...decodeHeader(out.sent[0]!)!, flags: 4 };
  const body = Uint8Array.of(65, 0);
  const answer = (change: Partial<typeof header>, from: Partial<RxAddress> = {}): boolean =>
    questions.answer({ ...header, ...change }, body, { ...SERVER, ...from });
  assertEquals(answer({ callNumber: header.callNumber + 1 }), false);
  assertEquals(answer({ type: RxPacketType.DEBUG }), false);
  assertEquals(answer({ epoch: 998 }), false);
  assertEquals(answer({}, { port: 7004 }), false);
  assertEquals(answer({}, { address: "10.0.0.3" }), false);
  assertEquals([answer({}), answer({}), answers, questions.timeoutAt()], [true, false, [body], Infinity]);
});
