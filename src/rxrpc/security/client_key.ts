/**
 * Keys of clients, in the form that Linux's `rxrpc` key type takes: what `klog` and its like hand over.
 *
 * @module
 */
import { readU16le, readU32le } from "../../bytes/integers.ts";
import { LeatError } from "../../core/errors.ts";

/** A ticket with what belongs to it. */
export interface RxkadClientKey {
  /** Version of the server's key, or the kind of ticket. */
  readonly kvno: number;
  /** When it expires, in seconds since 1970. */
  readonly expires: number;
  /** 8 bytes. */
  readonly sessionKey: Uint8Array;
  /** As it was issued. */
  readonly ticket: Uint8Array;
}

const VERSION = 1;
const RXKAD = 2;
const HEAD_BYTES = 24;
const MAX_TICKET_BYTES = 12_000;

function refuse(what: string, offset: number): LeatError {
  return new LeatError(`the key is damaged: ${what}`, { code: "EPROTO", layer: "rxrpc", blame: "local", offset });
}

/**
 * Reads the payload of an `rxrpc` key, version 1, as a little-endian machine writes it.
 *
 * @throws {LeatError} `EPROTO` when it is none, or not for rxkad
 */
export function decodeClientKey(payload: Uint8Array): RxkadClientKey {
  if (payload.length < HEAD_BYTES + 4) throw refuse(`${payload.length} bytes`, payload.length);
  if (readU32le(payload, 0) !== VERSION) throw refuse(`version ${readU32le(payload, 0)}`, 0);
  if (readU16le(payload, 4) !== RXKAD) throw refuse(`security index ${readU16le(payload, 4)}`, 4);
  const length = readU16le(payload, 6);
  if (length > MAX_TICKET_BYTES || HEAD_BYTES + length !== payload.length) {
    throw refuse(`a ticket of ${length} bytes in a key of ${payload.length}`, 6);
  }
  return {
    expires: readU32le(payload, 8),
    kvno: readU32le(payload, 12),
    sessionKey: payload.slice(16, HEAD_BYTES),
    ticket: payload.slice(HEAD_BYTES),
  };
}

/**
 * Makes such a payload.
 *
 * @throws {RangeError} when key or ticket have no possible length
 */
export function encodeClientKey(key: RxkadClientKey): Uint8Array {
  const { length } = key.ticket;
  if (key.sessionKey.length !== 8 || length > MAX_TICKET_BYTES) throw new RangeError("a key of 8 bytes and a ticket");
  const payload = new Uint8Array(HEAD_BYTES + length);
  const view = new DataView(payload.buffer);
  view.setUint32(0, VERSION, true);
  view.setUint16(4, RXKAD, true);
  view.setUint16(6, length, true);
  view.setUint32(8, key.expires, true);
  view.setUint32(12, key.kvno, true);
  payload.set(key.sessionKey, 16);
  payload.set(key.ticket, HEAD_BYTES);
  return payload;
}
