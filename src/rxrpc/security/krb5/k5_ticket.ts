/**
 * Tickets of Kerberos 5 as rxkad takes them: key version 256 for a whole ticket, 213 for its enciphered part alone.
 *
 * @module
 */
import type { SecurityCrypto } from "../crypto.ts";
import type { ServerKey } from "../key_store.ts";
import { deriveRxkadKey } from "../rxkad/derive_key.ts";
import { RxkadError } from "../rxkad/errors.ts";
import { derContent, derElements, derFields, derInteger } from "./der.ts";
import { krb5Decrypt, KU_TICKET } from "./enctypes.ts";

/** Field "kvno" of a response whose ticket is a whole one. */
export const K5_TICKET = 256;
/** Field "kvno" of a response whose ticket is the enciphered part alone. */
export const K5_ENCRYPTED_PART = 213;

const APPLICATION_TICKET = 0x61;
const APPLICATION_ENC_TICKET_PART = 0x63;
const GENERALIZED_TIME = 0x18;
const GENERAL_STRING = 0x1b;
const OCTET_STRING = 0x04;
const FLAG_INVALID = 7;

/** What is in a ticket. */
export interface K5Ticket {
  /** The client's name, in its parts. */
  readonly name: readonly string[];
  /** The client's realm. */
  readonly realm: string;
  /** 8 bytes, derived from the ticket's own. */
  readonly sessionKey: Uint8Array;
  /** Seconds since 1970. */
  readonly start: number;
  /** Seconds since 1970. */
  readonly end: number;
}

function bad(what: string): RxkadError {
  return new RxkadError("RXKADBADTICKET", what);
}

/**
 * Opens a ticket with one of the server's keys. Whether it is valid now is another question: `checkTimes`.
 *
 * @param kvno {@linkcode K5_TICKET} or {@linkcode K5_ENCRYPTED_PART}
 * @throws {RxkadError} `RXKADBADTICKET`, `RXKADUNKNOWNKEY`, `RXKADNOAUTH` for one that is marked invalid
 */
export function decodeK5Ticket(
  ciphers: SecurityCrypto,
  keys: readonly ServerKey[],
  kvno: number,
  ticket: Uint8Array,
): K5Ticket {
  const sealed = encryptedData(kvno === K5_TICKET ? encPartOf(ticket) : ticket);
  const candidates = keys.filter((key) =>
    key.kind !== "rxgk" && key.enctype === sealed.enctype && (sealed.kvno === undefined || key.kvno === sealed.kvno)
  );
  if (candidates.length === 0) {
    throw new RxkadError("RXKADUNKNOWNKEY", `no key of type ${sealed.enctype} and version ${sealed.kvno ?? "any"}`);
  }
  for (const { key } of candidates) {
    const plain = krb5Decrypt(ciphers, sealed.enctype, key, KU_TICKET, sealed.cipher);
    if (plain !== undefined) return ticketPart(ciphers, plain);
  }
  throw bad("the ticket can't be read with this key");
}

function encPartOf(ticket: Uint8Array): Uint8Array {
  const fields = derFields(derContent(ticket, APPLICATION_TICKET));
  if (derInteger(fields?.get(0)) !== 5) throw bad("the ticket is none of Kerberos 5");
  const part = fields?.get(3);
  if (part === undefined) throw bad("the ticket has no enciphered part");
  return part;
}

function encryptedData(part: Uint8Array): { enctype: number; kvno: number | undefined; cipher: Uint8Array } {
  const fields = derFields(part);
  const enctype = derInteger(fields?.get(0));
  const cipher = derContent(fields?.get(2), OCTET_STRING);
  if (enctype === undefined || cipher === undefined) throw bad("the ticket's enciphered part is malformed");
  return { enctype, kvno: derInteger(fields?.get(1)), cipher };
}

function ticketPart(ciphers: SecurityCrypto, plain: Uint8Array): K5Ticket {
  // behind the part there may be padding of the cipher
  const first = derElements(plain)?.[0] ?? firstOf(plain);
  const fields = first?.tag === APPLICATION_ENC_TICKET_PART ? derFields(first.content) : undefined;
  const key = derFields(fields?.get(1));
  const enctype = derInteger(key?.get(0));
  const value = derContent(key?.get(1), OCTET_STRING);
  const end = timeOf(fields?.get(7));
  const start = timeOf(fields?.get(6)) ?? timeOf(fields?.get(5));
  const realm = textOf(fields?.get(2));
  const flags = derContent(fields?.get(0), 0x03);
  const complete = { enctype, value, start, end, realm, flags };
  if (Object.values(complete).includes(undefined)) throw bad("the ticket lacks a field");
  if ((flags![1 + (FLAG_INVALID >>> 3)]! >>> (7 - FLAG_INVALID % 8) & 1) === 1) {
    throw new RxkadError("RXKADNOAUTH", "the ticket is marked invalid");
  }
  const sessionKey = deriveRxkadKey(ciphers, enctype!, value!);
  return { name: nameOf(fields?.get(3)), realm: realm!, sessionKey, start: start!, end: end! };
}

/** The first element of bytes that are followed by zeros. */
function firstOf(plain: Uint8Array): { tag: number; content: Uint8Array } | undefined {
  for (let length = plain.length - 1; length > 0 && plain[length] === 0; length--) {
    const elements = derElements(plain.subarray(0, length));
    if (elements !== undefined) return elements[0];
  }
  return undefined;
}

function textOf(field: Uint8Array | undefined): string | undefined {
  const content = derContent(field, GENERAL_STRING);
  return content && new TextDecoder().decode(content);
}

function nameOf(field: Uint8Array | undefined): string[] {
  const parts = derContent(derFields(field)?.get(1), 0x30);
  const elements = parts && derElements(parts);
  if (elements === undefined || elements.length === 0 || elements.length > 2) {
    throw bad("the client's name has no part, or more than two");
  }
  return elements.map(({ content }) => new TextDecoder().decode(content));
}

/** `yyyymmddhhmmssZ` in seconds since 1970. */
function timeOf(field: Uint8Array | undefined): number | undefined {
  const content = derContent(field, GENERALIZED_TIME);
  const text = content && new TextDecoder().decode(content);
  const digits = text === undefined ? null : /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(text);
  if (digits === null) return undefined;
  const [year, month, day, hour, minute, second] = digits.slice(1).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  return secondsOf(year, month, day) + 3600 * hour + 60 * minute + second;
}

/** Days of the Gregorian calendar, counted from March so that leap days come last; without a clock's help. */
function secondsOf(year: number, month: number, day: number): number {
  const shifted = month <= 2 ? year - 1 : year;
  const monthFromMarch = (month + 9) % 12;
  const leaps = Math.floor(shifted / 4) - Math.floor(shifted / 100) + Math.floor(shifted / 400);
  const days = 365 * shifted + leaps + Math.floor((153 * monthFromMarch + 2) / 5) + day - 1;
  return 86_400 * (days - 719_468);
}
