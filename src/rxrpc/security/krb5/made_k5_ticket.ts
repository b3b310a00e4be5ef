/**
 * Tickets of Kerberos 5, made by whoever holds the service's key: what AFS calls local authentication.
 *
 * @module
 */
import type { SecurityCrypto } from "../crypto.ts";
import type { ServerKey } from "../key_store.ts";
import { derElement } from "./der.ts";
import { Enctype, krb5Encrypt, KU_TICKET } from "./enctypes.ts";

/** What is put into a ticket. */
export interface MadeK5Ticket {
  /** The client's name, in one part or two. */
  readonly name: readonly string[];
  /** The client's realm; empty for the service's own. */
  readonly realm: string;
  /** 8 bytes of DES. */
  readonly sessionKey: Uint8Array;
  /** 16 random bytes. */
  readonly confounder: Uint8Array;
}

const SEQUENCE = 0x30;
const OCTET_STRING = 0x04;
const BIT_STRING = 0x03;
const GENERAL_STRING = 0x1b;
const GENERALIZED_TIME = 0x18;
const APPLICATION_ENC_TICKET_PART = 0x63;
const NO_FLAGS = new Uint8Array(5);
const BEGINNING = "19700101000000Z";
/** The last second that AFS's servers know. */
const END = "20380119031407Z";

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const field = (number: number, ...content: Uint8Array[]): Uint8Array => derElement(0xa0 + number, ...content);

/** A number of at most 31 bits; DER wants no more bytes than it needs. */
function integer(value: number): Uint8Array {
  const bytes = [value >>> 24, value >>> 16 & 255, value >>> 8 & 255, value & 255];
  while (bytes.length > 1 && bytes[0] === 0 && bytes[1]! < 0x80) bytes.shift();
  return derElement(0x02, Uint8Array.from(bytes));
}

/**
 * The enciphered part of a ticket that does not expire, for key version 213.
 *
 * @param key of an AES type
 */
export function encodeK5Ticket(ciphers: SecurityCrypto, key: ServerKey, ticket: MadeK5Ticket): Uint8Array {
  const names = ticket.name.map((part) => derElement(GENERAL_STRING, text(part)));
  const sessionKey = [
    field(0, integer(Enctype["des-cbc-crc"])),
    field(1, derElement(OCTET_STRING, ticket.sessionKey)),
  ];
  const parts = [
    field(0, derElement(BIT_STRING, NO_FLAGS)),
    field(1, derElement(SEQUENCE, ...sessionKey)),
    field(2, derElement(GENERAL_STRING, text(ticket.realm))),
    field(3, derElement(SEQUENCE, field(0, integer(1)), field(1, derElement(SEQUENCE, ...names)))),
    field(4, derElement(SEQUENCE, field(0, integer(1)), field(1, derElement(OCTET_STRING)))),
    field(5, derElement(GENERALIZED_TIME, text(BEGINNING))),
    field(7, derElement(GENERALIZED_TIME, text(END))),
  ];
  const plain = derElement(APPLICATION_ENC_TICKET_PART, derElement(SEQUENCE, ...parts));
  const sealed = krb5Encrypt(ciphers, key.key, KU_TICKET, plain, ticket.confounder);
  return derElement(
    SEQUENCE,
    field(0, integer(key.enctype)),
    field(1, integer(key.kvno)),
    field(2, derElement(OCTET_STRING, sealed)),
  );
}
