/** As whom our clients call. */
import { securityCrypto } from "../../../src/tsocket/drivers/node/mod.ts";
import {
  type ClientSecurity,
  encodeK4Ticket,
  none,
  rxkadClient,
  RxkadLevel,
  rxkadServer,
  type ServerKey,
  type ServerSecurity,
} from "../../../src/rxrpc/mod.ts";
import { systemRandom } from "../../../src/core/random.ts";
import { encryptedPart } from "../../rxrpc/made_tickets.ts";
import { fromHex } from "../../rxrpc/hex.ts";
import { AES_KEY, DES_KEY } from "./cell.ts";

/** The superuser of the cell, with a ticket that its DES key sealed. */
export function byDes(level: RxkadLevel): ClientSecurity {
  const sessionKey = fromHex("1334a2c876f1d5e9");
  const names = { name: "afs", instance: "", realm: "", host: 0, service: "afs", serviceInstance: "" };
  const ticket = encodeK4Ticket(DES_KEY, { ...names, sessionKey, lifetime: 255, start: 0 });
  return rxkadClient({ kvno: 3, sessionKey, ticket, level });
}

/** The same, sealed by its AES key. */
export function byAes(level: RxkadLevel): ClientSecurity {
  const ticket = encryptedPart(AES_KEY, { names: ["afs"], realm: "", kvno: 2 });
  return rxkadClient({ kvno: 213, sessionKey: fromHex("0123456789abcdef"), ticket, level });
}

/** All ways to call. */
export const ways: readonly (readonly [name: string, make: () => ClientSecurity])[] = [
  ["without security", none],
  ["rxkad clear", () => byDes(RxkadLevel.clear)],
  ["rxkad auth", () => byDes(RxkadLevel.auth)],
  ["rxkad crypt", () => byDes(RxkadLevel.crypt)],
  ["rxkad crypt, aes256 ticket", () => byAes(RxkadLevel.crypt)],
];

const keys: readonly ServerKey[] = [
  { kind: "rxkad", kvno: 3, enctype: 1, key: DES_KEY },
  { kind: "rxkad_krb5", kvno: 2, enctype: 18, key: AES_KEY },
];

/** What our servers take. */
export function serverSecurity(): ServerSecurity[] {
  return [none(), rxkadServer({ keys: () => keys, random: systemRandom, crypto: securityCrypto })];
}
