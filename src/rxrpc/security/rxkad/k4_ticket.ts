/**
 * Tickets of the Kerberos 4 kind, as rxkad takes them for key versions 0 to 255: who the client is and the session key,
 * enciphered by DES under the server's key.
 *
 * @module
 */
import { readU32, readU32le, writeU32 } from "../../../bytes/integers.ts";
import { BLOCK_BYTES, pcbcDecrypt, pcbcEncrypt } from "./block_cipher.ts";
import { Des } from "./des.ts";
import { RxkadError } from "./errors.ts";

const MAX_STRING_BYTES = 64;
const MIN_BYTES = 32;
const MAX_BYTES = 12_000;
const PADDED_BYTES = 56;

/** What is in a ticket. Strings are of single bytes, 63 at most. */
export interface K4Ticket {
  /** The client's name. */
  readonly name: string;
  /** The client's instance; usually empty. */
  readonly instance: string;
  /** The client's cell or realm; empty for the server's own. */
  readonly realm: string;
  /** IPv4 address of the client, as a number; 0 for any. */
  readonly host: number;
  /** 8 bytes. */
  readonly sessionKey: Uint8Array;
  /** See {@linkcode endOf}. */
  readonly lifetime: number;
  /** Seconds since 1970. */
  readonly start: number;
  /** The server's name. */
  readonly service: string;
  /** The server's instance. */
  readonly serviceInstance: string;
}

function latin(text: string): Uint8Array {
  const bytes = Uint8Array.from(`${text}\0`, (letter) => letter.charCodeAt(0));
  if (bytes.length > MAX_STRING_BYTES) throw new RangeError(`a name of a ticket has 63 bytes at most`);
  return bytes;
}

/**
 * Issues a ticket.
 *
 * @param serverKey 8 bytes
 * @throws {RangeError} when a name or a key has a wrong length
 */
export function encodeK4Ticket(serverKey: Uint8Array, ticket: K4Ticket): Uint8Array {
  if (ticket.sessionKey.length !== BLOCK_BYTES) throw new RangeError("a session key has 8 bytes");
  const numbers = new Uint8Array(17);
  writeU32(numbers, 0, ticket.host);
  numbers.set(ticket.sessionKey, 4);
  numbers[12] = ticket.lifetime;
  writeU32(numbers, 13, ticket.start);
  const parts = [
    Uint8Array.of(0),
    latin(ticket.name),
    latin(ticket.instance),
    latin(ticket.realm),
    numbers,
    latin(ticket.service),
    latin(ticket.serviceInstance),
  ];
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const plain = new Uint8Array(Math.max(MIN_BYTES, Math.ceil(length / BLOCK_BYTES) * BLOCK_BYTES));
  let at = 0;
  for (const part of parts) {
    plain.set(part, at);
    at += part.length;
  }
  pcbcEncrypt(new Des(serverKey), serverKey, plain, plain);
  return plain;
}

/**
 * Opens a ticket. Whether it is valid now is another question: {@linkcode checkTimes}.
 *
 * @param serverKey 8 bytes
 * @throws {RxkadError} `RXKADTICKETLEN`, `RXKADBADTICKET`
 */
export function decodeK4Ticket(serverKey: Uint8Array, ticket: Uint8Array): K4Ticket {
  if (ticket.length < MIN_BYTES || ticket.length > MAX_BYTES || ticket.length % BLOCK_BYTES !== 0) {
    throw new RxkadError("RXKADTICKETLEN", `a ticket of ${ticket.length} bytes`);
  }
  const plain = new Uint8Array(ticket.length);
  pcbcDecrypt(new Des(serverKey), serverKey, ticket, plain);
  const reader = new TicketReader(plain);
  const isLittleEndian = (reader.bytes(1)[0]! & 1) === 1;
  const read = isLittleEndian ? readU32le : readU32;
  const decoded = {
    name: reader.string(),
    instance: reader.string(),
    realm: reader.string(),
    host: readU32(reader.bytes(4), 0),
    sessionKey: reader.bytes(BLOCK_BYTES).slice(),
    lifetime: reader.bytes(1)[0]!,
    start: read(reader.bytes(4), 0),
    service: reader.string(),
    serviceInstance: reader.string(),
  };
  const padded = Math.ceil(reader.at / BLOCK_BYTES) * BLOCK_BYTES;
  const hasFit = padded === ticket.length || ticket.length === PADDED_BYTES || ticket.length === MIN_BYTES;
  if (!hasFit || decoded.name === "" || decoded.service === "") throw badTicket();
  return decoded;
}

function badTicket(): RxkadError {
  return new RxkadError("RXKADBADTICKET", "the ticket can't be read with this key");
}

class TicketReader {
  at = 0;
  readonly #plain: Uint8Array;

  constructor(plain: Uint8Array) {
    this.#plain = plain;
  }

  bytes(length: number): Uint8Array {
    if (this.at + length > this.#plain.length) throw badTicket();
    this.at += length;
    return this.#plain.subarray(this.at - length, this.at);
  }

  string(): string {
    const end = this.#plain.indexOf(0, this.at);
    if (end < 0 || end - this.at >= MAX_STRING_BYTES) throw badTicket();
    const text = String.fromCharCode(...this.bytes(end - this.at));
    this.at++;
    return text;
  }
}
