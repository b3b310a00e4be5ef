/** Every protected packet of recorded conversations: tickets, responses and seals must all fit. */
import { assert, assertEquals } from "@std/assert";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { readU32 } from "../../src/bytes/integers.ts";
import { items } from "../../src/stream/mod.ts";
import { CaptureStream } from "../../src/pcap/mod.ts";
import { SegmentStream } from "../../src/packet/mod.ts";
import { decodeHeader, type RxHeader } from "../../src/rxrpc/header.ts";
import { dataPackets } from "../../src/rxrpc/jumbo.ts";
import { RxkadAbort } from "../../src/rxrpc/abort_codes.ts";
import { RxFlag, RxPacketType } from "../../src/rxrpc/packet_types.ts";
import { decodeK5Ticket, K5_ENCRYPTED_PART, K5_TICKET } from "../../src/rxrpc/security/krb5/k5_ticket.ts";
import { checkResponse, decodeChallenge, ticketOf } from "../../src/rxrpc/security/rxkad/challenge.ts";
import { RxkadError } from "../../src/rxrpc/security/rxkad/errors.ts";
import { decodeK4Ticket } from "../../src/rxrpc/security/rxkad/k4_ticket.ts";
import { PacketSeal } from "../../src/rxrpc/security/rxkad/packet_seal.ts";
import { checkTimes, endOf } from "../../src/rxrpc/security/rxkad/ticket_times.ts";
import type { ServerKey } from "../../src/rxrpc/security/key_store.ts";
import { fromHex } from "./hex.ts";
import { nodeCrypto } from "./node_crypto.ts";

const des = (kvno: number, key: string): ServerKey => ({ kind: "rxkad", kvno, enctype: 1, key: fromHex(key) });
const keys: ServerKey[] = [
  des(3, "80b6a7cd7a9dadb6"),
  des(1, "1334a2c876f1d5e9"),
  {
    kind: "rxkad_krb5",
    kvno: 2,
    enctype: 18,
    key: fromHex("3a7fc5c967d1758386837e9bb9f0e4498946a8c86f53de573e2f1a6bdd5a54c9"),
  },
  { kind: "rxkad_krb5", kvno: 2, enctype: 17, key: fromHex("0ffcd5ebd39ce466bd1bb5318d1de240") },
];

interface Packet {
  header: RxHeader;
  datagram: Uint8Array;
  /** Seconds since 1970. */
  at: number;
}

async function packetsOf(capture: string): Promise<Packet[]> {
  const file = readFileSync(new URL(`captures/${capture}.pcap`, import.meta.url));
  const segments = new Blob([file]).stream()
    .pipeThrough(new CaptureStream({ batch: true }))
    .pipeThrough(new SegmentStream({ batch: true }));
  const packets: Packet[] = [];
  for await (const segment of items(segments)) {
    const datagram = segment.datagram.slice(segment.payloadOffset, segment.payloadEnd);
    const header = segment.protocol === 17 ? decodeHeader(datagram) : undefined;
    if (header?.securityIndex === 2) packets.push({ header, datagram, at: segment.packet.seconds });
  }
  return packets;
}

function sessionKeyOf(body: Uint8Array, now: number): Uint8Array {
  const { kvno, ticket } = ticketOf(body);
  if (kvno === K5_TICKET || kvno === K5_ENCRYPTED_PART) {
    const { start, end, sessionKey } = decodeK5Ticket(nodeCrypto, keys, kvno, ticket);
    checkTimes(start, end, now);
    return sessionKey;
  }
  const key = keys.find((one) => one.kind === "rxkad" && one.kvno === kvno);
  if (key === undefined) throw new RxkadError("RXKADUNKNOWNKEY", `version ${kvno}`);
  const { start, lifetime, sessionKey } = decodeK4Ticket(key.key, ticket);
  checkTimes(start, endOf(start, lifetime), now);
  return sessionKey;
}

interface Outcome {
  seal?: PacketSeal;
  refused?: string;
  /** The code of the ABORT that was recorded. */
  aborted?: number;
  opened: number;
  failed: string[];
  bytes: number;
}

/** Plays both ends of every connection of a capture. */
async function replay(capture: string): Promise<Outcome[]> {
  const packets = await packetsOf(capture);
  const connections = new Map<string, Outcome>();
  const nonces = new Map<string, number>();
  const idOf = ({ epoch, cid }: RxHeader): string => `${epoch} ${cid & ~3}`;
  // packets that were sent before the response came are opened as well: first the responses
  for (const { header, datagram, at } of packets) {
    const id = idOf(header);
    const body = datagram.subarray(28);
    if (header.type === RxPacketType.CHALLENGE && body.length === 16) nonces.set(id, decodeChallenge(body).nonce);
    if (header.type !== RxPacketType.RESPONSE || connections.has(id)) continue;
    // one server asked in the old way, which is not for us
    if (!nonces.has(id)) continue;
    const outcome: Outcome = { opened: 0, failed: [], bytes: 0 };
    connections.set(id, outcome);
    try {
      const sessionKey = sessionKeyOf(body, at);
      const { epoch, cid } = header;
      const { level } = checkResponse(body, { sessionKey, epoch, cid, nonce: nonces.get(id)!, minLevel: 0 });
      outcome.seal = new PacketSeal({ sessionKey, epoch, cid, level });
    } catch (error) {
      assert(error instanceof RxkadError, String(error));
      outcome.refused = error.code;
    }
  }
  for (const { header, datagram } of packets) {
    const outcome = connections.get(idOf(header));
    if (header.type === RxPacketType.ABORT && outcome !== undefined) outcome.aborted = readU32(datagram, 28) | 0;
    if (outcome?.seal === undefined || header.type !== RxPacketType.DATA) continue;
    for (const { header: own, body } of dataPackets(header, datagram)!) {
      try {
        outcome.bytes += outcome.seal.open(own, own.checksum, body).length;
        outcome.opened++;
      } catch (error) {
        outcome.failed.push((error as RxkadError).code);
      }
    }
  }
  assert(packets.some(({ header }) => (header.flags & RxFlag.CLIENT_INITIATED) === 0), "both directions were recorded");
  return [...connections.values()];
}

for (
  const [capture, level, connections, opened] of [
    ["rxkad_des_clear", 0, 2, 27],
    ["rxkad_des_crypt", 2, 5, 19],
    ["rxkad_aes_kvno213_crypt", 2, 2, 5],
    ["kernel_rxkad_plain", 0, 1, 6],
    ["kernel_rxkad_auth", 1, 1, 6],
  ] as const
) {
  test(`recorded ${capture}: every ticket, response and packet fits`, async () => {
    const outcomes = await replay(capture);
    assertEquals(outcomes.map(({ refused, seal, failed }) => [refused, seal?.level, failed.length]), [
      ...Array.from({ length: connections }, () => [undefined, level, 0]),
    ]);
    assertEquals(outcomes.reduce((sum, outcome) => sum + outcome.opened, 0), opened);
  });
}

test("recorded rxkad_aborts: what OpenAFS refused is refused, for the same reason, and nothing else", async () => {
  const nameOf = new Map<number | undefined, string>(Object.entries(RxkadAbort).map(([name, code]) => [code, name]));
  const outcomes = await replay("rxkad_aborts");
  const ours = outcomes.map(({ refused, failed }) => refused ?? failed[0]);
  assertEquals(ours, outcomes.map(({ aborted }) => nameOf.get(aborted)));
  assertEquals([ours.length, new Set(ours).size], [18, 9]);
});
