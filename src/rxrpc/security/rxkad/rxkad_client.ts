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
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { encodeK4Ticket, rxkadClient, rxkadServer, RxkadLevel, RxEndpoint } from "@leat/streams/rxrpc";
 * import { dgramPair, InetAddress } from "@leat/streams/tsocket";
 * import { systemRandom } from "@leat/streams/stream";
 *
 * const random = systemRandom;
 * const key = Uint8Array.of(0x80, 0xb6, 0xa7, 0xcd, 0x7a, 0x9d, 0xad, 0xb6);
 * const keys = [{ kind: "rxkad", kvno: 3, enctype: 1, key }] as const;
 * const ticket = encodeK4Ticket(key, {
 *   name: "admin", instance: "", realm: "", host: 0, service: "afs", serviceInstance: "",
 *   sessionKey: key, lifetime: 255, start: Math.floor(Date.now() / 1000) - 60,
 * });
 *
 * const to = InetAddress.parse("192.0.2.1:7000");
 * const [left, right] = dgramPair({ addresses: [InetAddress.parse("192.0.2.2:7001"), to] });
 * const client = await RxEndpoint.open(left);
 * const server = await RxEndpoint.open(right);
 * const listener = server.listen({ services: [{ id: 73, security: [rxkadServer({ keys: () => keys, random })] }] });
 * const security = rxkadClient({ kvno: 3, sessionKey: key, ticket, level: RxkadLevel.crypt });
 * const reply = client.request({ to, service: 73, security, body: new Uint8Array(4) });
 * const call = (await listener.accept())!;
 * await call.bytes();
 * await call.end();
 * assertEquals([(await reply).length, call.identity], [0, { name: ["admin"], realm: "", level: 2 }]);
 * await Promise.all([client.close(), server.close()]);
 * ```
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
