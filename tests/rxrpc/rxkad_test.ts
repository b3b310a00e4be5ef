/** rxkad against packets recorded between OpenAFS programs, and between Linux kernels. */
import { assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import {
  checkResponse,
  decodeChallenge,
  encodeChallenge,
  encodeResponse,
  ticketOf,
} from "../../src/rxrpc/security/rxkad/challenge.ts";
import { RxkadError } from "../../src/rxrpc/security/rxkad/errors.ts";
import { decodeK4Ticket, encodeK4Ticket } from "../../src/rxrpc/security/rxkad/k4_ticket.ts";
import { PacketSeal } from "../../src/rxrpc/security/rxkad/packet_seal.ts";
import { fromHex, toHex } from "./hex.ts";

const crypt = {
  sessionKey: fromHex("5868680bc77f7085"),
  epoch: 0x9cfcc792,
  cid: 0xdb33d364,
  level: 2,
} as const;
const cellKey = fromHex("80b6a7cd7a9dadb6");
const ticketPlain = {
  name: "afs",
  instance: "",
  realm: "",
  host: 0,
  sessionKey: crypt.sessionKey,
  lifetime: 0xff,
  start: 0,
  service: "afs",
  serviceInstance: "",
};
const ticket = fromHex("65cc7b9290f73324cc06fc050da35295bf77debe0a8f60b60596e021b1a3440e");
const listEntries = fromHex("00000209 00000003 00000000");

function abortOf(run: () => unknown): string {
  return assertThrows(run, RxkadError).code;
}

test("OpenAFS, level crypt: checksums and the first packet's body, both ways", () => {
  const seal = new PacketSeal(crypt);
  const place = { cid: crypt.cid, callNumber: 1, seq: 1 };
  assertEquals(seal.checksum(place), 0x3ff1);
  assertEquals(seal.checksum({ ...place, seq: 2 }), 0x2936);
  const into = new Uint8Array(64);
  assertEquals(seal.seal(place, listEntries, into), 24);
  assertEquals(toHex(into.subarray(0, 24)), "d0ffad8a0bc827e589927ed25ad0a50f1616517696afc9ce");
  assertEquals(toHex(seal.open(place, 0x3ff1, into.subarray(0, 24))), toHex(listEntries));
});

test("OpenAFS, level auth: the checksum and the first packet's body", () => {
  const seal = new PacketSeal({
    sessionKey: fromHex("5e734a02016479df"),
    epoch: 0xeb003884,
    cid: 0x397e6ca0,
    level: 1,
  });
  const place = { cid: 0x397e6ca0, callNumber: 1, seq: 1 };
  assertEquals(seal.checksum(place), 0xecec);
  const into = new Uint8Array(64);
  assertEquals(seal.seal(place, listEntries, into), 16);
  assertEquals(toHex(into.subarray(0, 16)), "4de8d30ee306fede0000000300000000");
  assertEquals(toHex(seal.open(place, 0xecec, into.subarray(0, 16))), toHex(listEntries));
});

test("Linux: the checksums of three connections of one epoch", () => {
  const sums = [0x2ec29590, 0x2ec29594, 0x2ec29598].map((cid) => {
    const seal = new PacketSeal({ sessionKey: fromHex("0102020404070708"), epoch: 0xf2533e9a, cid, level: 0 });
    return seal.checksum({ cid, callNumber: 1, seq: 1 }).toString(16);
  });
  assertEquals(sums, ["1401", "40d5", "538a"]);
});

test("the checksum depends on channel, call and sequence number, and is never 0", () => {
  const seal = new PacketSeal(crypt);
  const seen = new Set<number>();
  for (let cid = 0; cid < 4; cid++) {
    for (let callNumber = 1; callNumber < 101; callNumber++) {
      for (let seq = 1; seq < 101; seq++) seen.add(seal.checksum({ cid: crypt.cid | cid, callNumber, seq }));
    }
  }
  assertEquals(seen.has(0), false);
  // 40,000 draws of 65,535
  assertEquals(seen.size > 29_000, true);
});

for (const level of [0, 1, 2] as const) {
  test(`level ${level}: data of every length go through, whatever is behind them`, () => {
    const seal = new PacketSeal({ ...crypt, level });
    const place = { cid: crypt.cid | 3, callNumber: 0x12345, seq: 0xabcdef };
    for (let length = 0; length <= 40; length++) {
      const data = Uint8Array.from({ length }, (_, at) => 7 * at);
      const body = new Uint8Array(seal.sealedLength(length));
      assertEquals(seal.seal(place, data, body), body.length);
      const before = toHex(body);
      assertEquals(toHex(seal.open(place, seal.checksum(place), body)), toHex(data));
      assertEquals(toHex(body), before, "the packet itself stays as it is");
      if (level > 0) {
        const filled = Uint8Array.of(...body, 0, 0, 0, 0);
        assertEquals(toHex(seal.open(place, seal.checksum(place), filled)), toHex(data), "filler behind it");
      }
    }
  });

  test(`level ${level}: capacity and length of what fits a packet`, () => {
    const seal = new PacketSeal({ ...crypt, level });
    assertEquals(seal.capacity(1412), [1412, 1408, 1400][level]);
    assertEquals(seal.sealedLength(seal.capacity(1412)) <= 1412, true);
    assertEquals(seal.capacity(3), level === 0 ? 3 : 0);
    assertThrows(
      () => seal.seal({ cid: 0, callNumber: 1, seq: 1 }, new Uint8Array(20), new Uint8Array(19)),
      RangeError,
    );
  });
}

test("a packet at another place, with another checksum, cut or changed is refused", () => {
  for (const level of [1, 2] as const) {
    const seal = new PacketSeal({ ...crypt, level });
    const place = { cid: crypt.cid, callNumber: 1, seq: 1 };
    const body = new Uint8Array(seal.sealedLength(12));
    seal.seal(place, listEntries, body);
    const sum = seal.checksum(place);
    assertEquals(abortOf(() => seal.open(place, sum ^ 1, body)), "RXKADSEALEDINCON");
    const other = { ...place, seq: 2 };
    assertEquals(abortOf(() => seal.open(other, sum, body)), "RXKADSEALEDINCON");
    assertEquals(abortOf(() => seal.open(other, seal.checksum(other), body)), "RXKADSEALEDINCON");
    assertEquals(abortOf(() => seal.open(place, sum, body.subarray(0, 7))), "RXKADSEALEDINCON");
    assertEquals(abortOf(() => seal.open(place, sum, body.subarray(0, 8))), "RXKADDATALEN");
    const changed = body.slice();
    changed[0]! ^= 1;
    assertEquals(abortOf(() => seal.open(place, sum, changed)), "RXKADSEALEDINCON");
  }
});

test("a challenge, both ways, and what is none", () => {
  const body = fromHex("00000002e9c6adf20000000000000000");
  assertEquals(decodeChallenge(body), { nonce: 0xe9c6adf2, minLevel: 0 });
  assertEquals(toHex(encodeChallenge({ nonce: 0xe9c6adf2, minLevel: 0 })), toHex(body));
  assertEquals(abortOf(() => decodeChallenge(body.subarray(0, 8))), "RXKADPACKETSHORT");
  assertEquals(abortOf(() => decodeChallenge(fromHex("00000003e9c6adf20000000000000000"))), "RXKADINCONSISTENCY");
});

const response = {
  sessionKey: crypt.sessionKey,
  epoch: crypt.epoch,
  cid: crypt.cid,
  callNumbers: [1, 0, 0, 0],
  nonce: 0xe9c6adf2,
  level: 2,
  kvno: 3,
  ticket,
} as const;
const expected = { ...crypt, nonce: 0xe9c6adf2, minLevel: 0 };

test("OpenAFS: the response to the challenge, both ways", () => {
  const body = encodeResponse(response);
  assertEquals(
    toHex(body),
    "00000002000000001dbd061dd3bd75026cf0872055cf23209e9b9fbcc2a4efbf081bc04000c5bbfbfc441d33a4a282dd" +
      "0000000300000020" + toHex(ticket),
  );
  assertEquals(ticketOf(body), { kvno: 3, ticket });
  assertEquals(checkResponse(body, expected), { level: 2, callNumbers: [1, 0, 0, 0] });
});

test("a response that is short, or has a ticket of no length", () => {
  const body = encodeResponse(response);
  assertEquals(abortOf(() => ticketOf(body.subarray(0, 55))), "RXKADPACKETSHORT");
  assertEquals(abortOf(() => ticketOf(body.subarray(0, body.length - 1))), "RXKADPACKETSHORT");
  assertEquals(abortOf(() => ticketOf(encodeResponse({ ...response, ticket: new Uint8Array(31) }))), "RXKADTICKETLEN");
  const long = encodeResponse({ ...response, ticket: new Uint8Array(12_001) });
  assertEquals(abortOf(() => ticketOf(long)), "RXKADTICKETLEN");
  body[3] = 1;
  assertEquals(abortOf(() => ticketOf(body)), "RXKADINCONSISTENCY");
});

test("a response that does not fit, in the order in which it is told", () => {
  const wrong = (change: object): string =>
    abortOf(() => checkResponse(encodeResponse({ ...response, ...change }), expected));
  assertEquals(wrong({ epoch: 1 }), "RXKADSEALEDINCON");
  assertEquals(wrong({ cid: 4 }), "RXKADSEALEDINCON");
  assertEquals(wrong({ callNumbers: [0, 0, -1, 0] }), "RXKADSEALEDINCON");
  assertEquals(wrong({ sessionKey: new Uint8Array(8) }), "RXKADSEALEDINCON");
  assertEquals(wrong({ nonce: 7, epoch: 1 }), "RXKADSEALEDINCON");
  assertEquals(wrong({ nonce: 7, level: 3 }), "RXKADOUTOFSEQUENCE");
  assertEquals(wrong({ level: 3 }), "RXKADLEVELFAIL");
  const atLeast = { ...expected, minLevel: 2 };
  assertEquals(abortOf(() => checkResponse(encodeResponse({ ...response, level: 1 }), atLeast)), "RXKADLEVELFAIL");
  const body = encodeResponse(response);
  for (let at = 8; at < 56; at++) {
    const changed = body.slice();
    changed[at]! ^= 0x40;
    assertEquals(abortOf(() => checkResponse(changed, expected)), "RXKADSEALEDINCON", `byte ${at}`);
  }
});

test("the nonce goes round", () => {
  const body = encodeResponse({ ...response, nonce: 0xffffffff });
  assertEquals(checkResponse(body, { ...expected, nonce: 0xffffffff }).level, 2);
});

test("OpenAFS: a ticket that a server made for itself, both ways", () => {
  assertEquals(toHex(encodeK4Ticket(cellKey, ticketPlain)), toHex(ticket));
  assertEquals(decodeK4Ticket(cellKey, ticket), ticketPlain);
});

test("Linux: a ticket with a name and a start, both ways", () => {
  const key = fromHex("1334a2c876f1d5e9");
  const bytes = fromHex("2741b9cea65b51e00c7c9b4ff0dbd1424dac94f9a01cfe4643ccde148894c2a89a7b8cade677773e");
  const decoded = decodeK4Ticket(key, bytes);
  assertEquals([decoded.name, decoded.realm, decoded.service], ["alice", "TEST", "afs"]);
  assertEquals([decoded.start, decoded.lifetime, toHex(decoded.sessionKey)], [0x6b003c38, 255, "0102020404070708"]);
  assertEquals(toHex(encodeK4Ticket(key, decoded)), toHex(bytes));
});

test("a ticket under another key, changed, or of no length is refused, and nothing of it is told", () => {
  assertEquals(abortOf(() => decodeK4Ticket(fromHex("1334a2c876f1d5e9"), ticket)), "RXKADBADTICKET");
  for (const length of [0, 24, 33]) {
    assertEquals(abortOf(() => decodeK4Ticket(cellKey, new Uint8Array(length))), "RXKADTICKETLEN");
  }
  assertEquals(abortOf(() => decodeK4Ticket(cellKey, new Uint8Array(12_008))), "RXKADTICKETLEN");
  const nameless = encodeK4Ticket(cellKey, { ...ticketPlain, name: "" });
  assertEquals(abortOf(() => decodeK4Ticket(cellKey, nameless)), "RXKADBADTICKET");
  const long = { ...ticketPlain, instance: "i".repeat(64) };
  assertThrows(() => encodeK4Ticket(cellKey, long), RangeError);
  const error = assertThrows(() => decodeK4Ticket(new Uint8Array(8), ticket), RxkadError);
  assertEquals([error.abortCode, error.layer, error.blame], [19270407, "rxrpc", "remote"]);
});
