/** Tickets of Kerberos 5, made by hand. */
import { derElement } from "../../src/rxrpc/security/krb5/der.ts";
import { krb5Encrypt } from "../../src/rxrpc/security/krb5/enctypes.ts";
import { fromHex } from "./hex.ts";
import { nodeCrypto } from "./node_crypto.ts";

export const text = (value: string): Uint8Array => new TextEncoder().encode(value);

const integer = (value: number): Uint8Array => derElement(2, Uint8Array.of(value >>> 8, value & 255));
const field = (number: number, ...content: Uint8Array[]): Uint8Array => derElement(0xa0 + number, ...content);
const time = (value: string): Uint8Array => derElement(0x18, text(value));

export interface Made {
  realm?: string;
  kvno?: number;
  flags?: string;
  names?: string[];
  end?: string;
  start?: string | undefined;
}

/** The enciphered part of a ticket, made by hand. */
export function encryptedPart(key: Uint8Array, made: Made = {}): Uint8Array {
  const { flags = "0000080000", names = ["alice"], end = "20380119031407Z", start, realm = "EXAMPLE.ORG", kvno = 5 } =
    made;
  const parts = [
    field(0, derElement(3, fromHex(flags))),
    field(1, derElement(0x30, field(0, integer(1)), field(1, derElement(4, fromHex("0123456789abcdef"))))),
    field(2, derElement(0x1b, text(realm))),
    field(
      3,
      derElement(
        0x30,
        field(0, integer(1)),
        field(1, derElement(0x30, ...names.map((n) => derElement(0x1b, text(n))))),
      ),
    ),
    field(4, derElement(0x30, field(0, integer(1)), field(1, derElement(4)))),
    field(5, time("19700101000000Z")),
    ...(start === undefined ? [] : [field(6, time(start))]),
    field(7, time(end)),
  ];
  const sealed = krb5Encrypt(nodeCrypto, key, 2, derElement(0x63, derElement(0x30, ...parts)), new Uint8Array(16));
  return derElement(0x30, field(0, integer(18)), field(1, integer(kvno)), field(2, derElement(4, sealed)));
}

export function wholeTicket(key: Uint8Array, version = 5): Uint8Array {
  const name = derElement(0x30, field(0, integer(1)), field(1, derElement(0x30, derElement(0x1b, text("afs")))));
  const parts = [field(0, integer(version)), field(1, derElement(0x1b, text("EXAMPLE.ORG"))), field(2, name)];
  return derElement(0x61, derElement(0x30, ...parts, field(3, encryptedPart(key))));
}
