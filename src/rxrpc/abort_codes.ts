/**
 * The numbers that travel in ABORT packets, under the names that their peers have for them.
 *
 * @module
 */

/** Codes of Rx itself and of the stubs made by its generator; all below zero. */
export const RxAbort = {
  /** The peer is silent, or the call was replaced by the next one of its channel. */
  RX_CALL_DEAD: -1,
  /** Unknown service or security index. */
  RX_INVALID_OPERATION: -2,
  /** A timeout of the call has passed. */
  RX_CALL_TIMEOUT: -3,
  /** The data end too early. */
  RX_EOF: -4,
  /** Malformed or impossible packet. */
  RX_PROTOCOL_ERROR: -5,
  /** Cancelled. */
  RX_USER_ABORT: -6,
  /** The server has just been started, or is overloaded. */
  RX_RESTARTING: -100,
  /** The client could not encode its arguments. */
  RXGEN_CC_MARSHAL: -450,
  /** The client could not decode the results. */
  RXGEN_CC_UNMARSHAL: -451,
  /** The server could not encode its results. */
  RXGEN_SS_MARSHAL: -452,
  /** The server could not decode the arguments. */
  RXGEN_SS_UNMARSHAL: -453,
  /** The operation could not be decoded. */
  RXGEN_DECODE: -454,
  /** Unknown operation. */
  RXGEN_OPCODE: -455,
} as const;

/** Codes of rxkad. */
export const RxkadAbort = {
  /** The packet contradicts itself, or has another version. */
  RXKADINCONSISTENCY: 19270400,
  /** The packet is too short. */
  RXKADPACKETSHORT: 19270401,
  /** The level is below what the server asks for, or unknown. */
  RXKADLEVELFAIL: 19270402,
  /** The ticket's length is out of bounds. */
  RXKADTICKETLEN: 19270403,
  /** The answer to the challenge is to another one. */
  RXKADOUTOFSEQUENCE: 19270404,
  /** The ticket is not valid yet, or its owner was refused. */
  RXKADNOAUTH: 19270405,
  /** The key can't be used. */
  RXKADBADKEY: 19270406,
  /** The ticket can't be decoded. */
  RXKADBADTICKET: 19270407,
  /** There is no key of this version. */
  RXKADUNKNOWNKEY: 19270408,
  /** The ticket has expired. */
  RXKADEXPIRED: 19270409,
  /** A seal does not fit its packet. */
  RXKADSEALEDINCON: 19270410,
  /** The sealed length is longer than the packet. */
  RXKADDATALEN: 19270411,
  /** There is no such level. */
  RXKADILLEGALLEVEL: 19270412,
} as const;

/** The name of an rxkad code. */
export type RxkadAbortName = keyof typeof RxkadAbort;

/** The name of a code of Rx or rxkad; `undefined` for those of services. */
export function abortName(code: number): string | undefined {
  for (const names of [RxAbort, RxkadAbort]) {
    for (const [name, value] of Object.entries(names)) if (value === code) return name;
  }
  return undefined;
}
