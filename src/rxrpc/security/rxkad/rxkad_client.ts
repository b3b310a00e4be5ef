/**
 * rxkad at a client: a session key and the ticket that shows it to the server.
 *
 * @module
 */
import type { RxkadClientKey } from "../client_key.ts";
import type { ClientProtection, ClientSecurity, ConnectionIdentity } from "../protection.ts";
import { type CallNumbers, decodeChallenge, encodeResponse } from "./challenge.ts";
import { RxkadError } from "./errors.ts";
import { isRxkadLevel, RXKAD_INDEX, type RxkadLevel } from "./levels.ts";
import { PacketSeal } from "./packet_seal.ts";

let instances = 0;

/** Options of {@linkcode rxkadClient}. */
export interface RxkadClientOptions extends Pick<RxkadClientKey, "kvno" | "sessionKey" | "ticket"> {
  /** How much is protected: 0 clear, 1 auth, 2 crypt. @default {2} */
  readonly level?: RxkadLevel | undefined;
}

/**
 * Security class 2 for calls. Calls with the same object may share a connection.
 *
 * Weak by today's measure: fcrypt has a key of 56 bits, and nothing but the length of the data is authenticated. For
 * cells that offer nothing better, in networks that are trusted otherwise.
 *
 * @throws {RangeError} when the key has not 8 bytes, or the level is none
 */
export function rxkadClient(options: RxkadClientOptions): ClientSecurity {
  const { kvno, level = 2 } = options;
  if (!isRxkadLevel(level)) throw new RangeError(`level must be 0, 1 or 2, got ${String(level)}`);
  if (options.sessionKey.length !== 8) throw new RangeError("a session key has 8 bytes");
  const sessionKey = options.sessionKey.slice();
  const ticket = options.ticket.slice();
  const connect = ({ epoch, cid }: ConnectionIdentity): ClientProtection => {
    const seal = new PacketSeal({ sessionKey, epoch, cid, level });
    const respond = (challenge: Uint8Array, callNumbers: CallNumbers): Uint8Array => {
      const { nonce, minLevel } = decodeChallenge(challenge);
      if (level < minLevel) {
        throw new RxkadError("RXKADLEVELFAIL", `the server asks for level ${minLevel}, the calls have ${level}`);
      }
      return encodeResponse({ sessionKey, epoch, cid, callNumbers, nonce, level, kvno, ticket });
    };
    return Object.assign(seal, { respond });
  };
  return { index: RXKAD_INDEX, bundleKey: `rxkad ${++instances}`, connect };
}
