/**
 * The challenge of a server and the answer of a client, version 2. The older form without checksum is refused: it would
 * let a client be used to encipher what somebody else chose.
 *
 * @module
 */
import { readU32, writeU32 } from "../../../bytes/integers.ts";
import { pcbcDecrypt, pcbcEncrypt } from "./block_cipher.ts";
import { RxkadError } from "./errors.ts";
import { Fcrypt } from "./fcrypt.ts";
import { isRxkadLevel, RXKAD_INDEX, type RxkadLevel } from "./levels.ts";

const VERSION = 2;
const CHALLENGE_BYTES = 16;
const RESPONSE_BYTES = 56;
const SEALED_FROM = 8;
const SEALED_TO = 48;
const MIN_TICKET_BYTES = 32;
const MAX_TICKET_BYTES = 12_000;

/** What a server asks. */
export interface RxkadChallenge {
  /** 32 random bits. */
  readonly nonce: number;
  /** The lowest level that it accepts. */
  readonly minLevel: number;
}

/** The numbers of the last calls of the four channels of a connection; 0 where there was none. */
export type CallNumbers = readonly [number, number, number, number];

/** What a client answers with. */
export interface RxkadResponse {
  /** 8 bytes, also in the ticket. */
  readonly sessionKey: Uint8Array;
  /** As in the header. */
  readonly epoch: number;
  /** As in the header. */
  readonly cid: number;
  /** Where its channels are. */
  readonly callNumbers: CallNumbers;
  /** Of the challenge. */
  readonly nonce: number;
  /** As it will use. */
  readonly level: RxkadLevel;
  /** Version of the server's key, or the kind of ticket. */
  readonly kvno: number;
  /** As it was issued. */
  readonly ticket: Uint8Array;
}

/** Makes the body of a CHALLENGE packet. */
export function encodeChallenge(challenge: RxkadChallenge): Uint8Array {
  const body = new Uint8Array(CHALLENGE_BYTES);
  writeU32(body, 0, VERSION);
  writeU32(body, 4, challenge.nonce);
  writeU32(body, 8, challenge.minLevel);
  return body;
}

/**
 * Reads the body of a CHALLENGE packet.
 *
 * @throws {RxkadError} when it is too short, or of another version
 */
export function decodeChallenge(body: Uint8Array): RxkadChallenge {
  if (body.length < CHALLENGE_BYTES) {
    throw new RxkadError("RXKADPACKETSHORT", `a challenge has ${CHALLENGE_BYTES} bytes, got ${body.length}`);
  }
  const version = readU32(body, 0);
  if (version !== VERSION) throw new RxkadError("RXKADINCONSISTENCY", `the challenge has version ${version}`);
  return { nonce: readU32(body, 4), minLevel: readU32(body, 8) };
}

/** Makes the body of a RESPONSE packet. */
export function encodeResponse(response: RxkadResponse): Uint8Array {
  const body = new Uint8Array(RESPONSE_BYTES + response.ticket.length);
  writeU32(body, 0, VERSION);
  writeU32(body, 8, response.epoch);
  writeU32(body, 12, response.cid & ~3);
  writeU32(body, 20, RXKAD_INDEX);
  response.callNumbers.forEach((number, channel) => writeU32(body, 24 + 4 * channel, number));
  writeU32(body, 40, response.nonce + 1);
  writeU32(body, 44, response.level);
  writeU32(body, 48, response.kvno);
  writeU32(body, 52, response.ticket.length);
  writeU32(body, 16, checksumOf(body.subarray(0, RESPONSE_BYTES)));
  body.set(response.ticket, RESPONSE_BYTES);
  const sealed = body.subarray(SEALED_FROM, SEALED_TO);
  pcbcEncrypt(new Fcrypt(response.sessionKey), response.sessionKey, sealed, sealed);
  return body;
}

/**
 * Finds the ticket in the body of a RESPONSE packet. What the rest says can be read once the ticket's key is known:
 * {@linkcode checkResponse}.
 *
 * @throws {RxkadError} `RXKADPACKETSHORT`, `RXKADINCONSISTENCY`, `RXKADTICKETLEN`
 */
export function ticketOf(body: Uint8Array): { kvno: number; ticket: Uint8Array } {
  if (body.length < RESPONSE_BYTES) {
    throw new RxkadError("RXKADPACKETSHORT", `a response has ${RESPONSE_BYTES} bytes and a ticket, got ${body.length}`);
  }
  const version = readU32(body, 0);
  if (version !== VERSION) throw new RxkadError("RXKADINCONSISTENCY", `the response has version ${version}`);
  const length = readU32(body, 52);
  if (length < MIN_TICKET_BYTES || length > MAX_TICKET_BYTES) {
    throw new RxkadError("RXKADTICKETLEN", `a ticket of ${length} bytes; there are ${MIN_TICKET_BYTES} or more`);
  }
  if (RESPONSE_BYTES + length > body.length) {
    throw new RxkadError("RXKADPACKETSHORT", `a ticket of ${length} bytes in a response of ${body.length}`);
  }
  return { kvno: readU32(body, 48), ticket: body.subarray(RESPONSE_BYTES, RESPONSE_BYTES + length) };
}

/** What a response must fit. */
export interface ExpectedResponse {
  /** Of the ticket. */
  readonly sessionKey: Uint8Array;
  /** Of the connection. */
  readonly epoch: number;
  /** Of the connection. */
  readonly cid: number;
  /** Of the challenge. */
  readonly nonce: number;
  /** Of the challenge. */
  readonly minLevel: number;
}

/**
 * Checks the body of a RESPONSE packet whose ticket was accepted.
 *
 * @throws {RxkadError} `RXKADSEALEDINCON`, `RXKADOUTOFSEQUENCE`, `RXKADLEVELFAIL`, in this order
 */
export function checkResponse(
  body: Uint8Array,
  expected: ExpectedResponse,
): { level: RxkadLevel; callNumbers: CallNumbers } {
  const plain = body.slice(0, RESPONSE_BYTES);
  const sealed = plain.subarray(SEALED_FROM, SEALED_TO);
  pcbcDecrypt(new Fcrypt(expected.sessionKey), expected.sessionKey, sealed, sealed);
  const checksum = readU32(plain, 16);
  writeU32(plain, 16, 0);
  // all differences together, so that the time it takes says nothing of which there is
  const difference = (checksum ^ checksumOf(plain)) | (readU32(plain, 8) ^ expected.epoch) |
    (readU32(plain, 12) ^ (expected.cid & ~3)) | (readU32(plain, 20) ^ RXKAD_INDEX);
  const callNumbers = [24, 28, 32, 36].map((at) => readU32(plain, at)) as unknown as CallNumbers;
  if (difference !== 0 || callNumbers.some((number) => number > 0x7fffffff)) {
    throw new RxkadError("RXKADSEALEDINCON", "the response does not fit its connection");
  }
  if (readU32(plain, 40) !== (expected.nonce + 1) >>> 0) {
    throw new RxkadError("RXKADOUTOFSEQUENCE", "the response answers another challenge");
  }
  const level = readU32(plain, 44);
  if (!isRxkadLevel(level) || level < expected.minLevel) {
    throw new RxkadError("RXKADLEVELFAIL", `level ${level}, the server asks for ${expected.minLevel} at least`);
  }
  return { level, callNumbers };
}

/** Of the whole plain response, with 0 in place of the checksum. */
function checksumOf(bytes: Uint8Array): number {
  return bytes.reduce((sum, byte) => byte + Math.imul(sum, 0x10204081) >>> 0, 1_000_003);
}
