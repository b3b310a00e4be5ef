/**
 * rxkad at a server: keys that open tickets.
 *
 * @module
 */
import { readU32 } from "../../../bytes/integers.ts";
import { callbackOption, needObject } from "../../../core/limits.ts";
import { type FillRandom, systemRandom } from "../../../core/random.ts";
import type { SecurityCrypto } from "../crypto.ts";
import type { ServerKey } from "../key_store.ts";
import { decodeK5Ticket, K5_ENCRYPTED_PART, K5_TICKET } from "../krb5/k5_ticket.ts";
import type { AcceptedConnection, ConnectionIdentity, ServerProtection, ServerSecurity } from "../protection.ts";
import { checkResponse, encodeChallenge, ticketOf } from "./challenge.ts";
import { RxkadError } from "./errors.ts";
import { decodeK4Ticket } from "./k4_ticket.ts";
import { isRxkadLevel, RXKAD_INDEX, RxkadLevel } from "./levels.ts";
import { PacketSeal } from "./packet_seal.ts";
import { checkTimes, endOf } from "./ticket_times.ts";

/** Options of {@linkcode rxkadServer}. */
export interface RxkadServerOptions {
  /**
   * The server's keys, asked for at each response: they may change while it runs. Read them with `decodeKeyFile`,
   * `decodeKeyFileExt` or `decodeKeytab`. When it throws, or has what is no key, the client is refused with
   * `RXKADUNKNOWNKEY`; the server goes on.
   */
  readonly keys: () => readonly ServerKey[];
  /** Randomness for challenges. @default {systemRandom} */
  readonly random?: FillRandom | undefined;
  /** The lowest level that is accepted. @default {0} */
  readonly minLevel?: RxkadLevel | undefined;
  /**
   * What tickets of Kerberos 5 are opened with: `securityCrypto` of `@leat/streams/node`, `./deno` or `./bun`. Without it
   * only those of the Kerberos 4 kind are taken, and others refused with `RXKADUNKNOWNKEY`.
   */
  readonly crypto?: SecurityCrypto | undefined;
}

interface Opened {
  readonly name: readonly string[];
  readonly realm: string;
  readonly sessionKey: Uint8Array;
}

/**
 * Security class 2 for services: only clients with a ticket of one of the keys are served. As weak as
 * {@linkcode rxkadClient} says.
 *
 * A client that can't prove who it is hears so after a second, as from OpenAFS: tickets can't be tried out quickly. The
 * number (`RXKAD...`, see `RxkadAbort`) ends all calls of its connection. A client of another security class
 * than those of the service is aborted with -2 (`RX_INVALID_OPERATION`) at once, as one that asks for an unknown service.
 *
 * @throws {TypeError} when `keys` or `random` is no function
 * @throws {RangeError} when `minLevel` is none
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { encodeK4Ticket, rxkadClient, rxkadServer, RxkadLevel, RxEndpoint } from "@leat/streams/rxrpc";
 * import { dgramPair, InetAddress } from "@leat/streams/tsocket";
 *
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
 * const security = [rxkadServer({ keys: () => keys, minLevel: RxkadLevel.auth })];
 * const listener = server.listen({ services: [{ id: 73, security }] });
 * const refused = rxkadClient({ kvno: 3, sessionKey: key, ticket, level: RxkadLevel.clear });
 * const [why] = await Promise.allSettled([
 *   client.request({ to, service: 73, security: refused, body: new Uint8Array(4) }),
 * ]);
 * assertEquals(why.status, "rejected");
 * await listener.close();
 * await Promise.all([client.close(), server.close()]);
 * ```
 */
export function rxkadServer(options: RxkadServerOptions): ServerSecurity {
  needObject("options", options);
  if (typeof options.keys !== "function") throw new TypeError(`keys must be a function, got ${typeof options.keys}`);
  const { minLevel = RxkadLevel.clear } = options;
  if (!isRxkadLevel(minLevel)) throw new RangeError(`minLevel must be 0, 1 or 2, got ${String(minLevel)}`);
  const fill = callbackOption("random", options.random) ?? systemRandom;
  const challenge = (identity: ConnectionIdentity): ServerProtection => {
    const random = new Uint8Array(4);
    fill(random);
    const nonce = readU32(random, 0);
    return {
      challenge: () => encodeChallenge({ nonce, minLevel }),
      accept: (response, wallMs) => {
        try {
          return accept(options, { ...identity, nonce, minLevel }, response, wallMs);
        } catch (cause) {
          if (cause instanceof RxkadError) throw cause;
          // such as a key of another length: whatever it is, one client's answer must not end the calls of others
          throw new RxkadError("RXKADUNKNOWNKEY", "the server's keys could not be used", { blame: "local", cause });
        }
      },
    };
  };
  return { index: RXKAD_INDEX, challenge };
}

function accept(
  options: RxkadServerOptions,
  asked: ConnectionIdentity & { readonly nonce: number; readonly minLevel: number },
  response: Uint8Array,
  wallMs: number,
): AcceptedConnection {
  const { kvno, ticket } = ticketOf(response);
  const { name, realm, sessionKey } = openTicket(options, kvno, ticket, Math.floor(wallMs / 1000));
  const { level, callNumbers } = checkResponse(response, { ...asked, sessionKey });
  const protection = new PacketSeal({ sessionKey, epoch: asked.epoch, cid: asked.cid, level });
  return { protection, identity: { name, realm, level }, callNumbers };
}

function openTicket(options: RxkadServerOptions, kvno: number, ticket: Uint8Array, now: number): Opened {
  const keys = keysOf(options);
  if (kvno === K5_TICKET || kvno === K5_ENCRYPTED_PART) {
    if (options.crypto === undefined) {
      throw new RxkadError("RXKADUNKNOWNKEY", "tickets of Kerberos 5 are not taken here");
    }
    const opened = decodeK5Ticket(options.crypto, keys, kvno, ticket);
    checkTimes(opened.start, opened.end, now);
    return opened;
  }
  const key = keys.find((one) => one.kind === "rxkad" && one.kvno === kvno);
  if (key === undefined) throw new RxkadError("RXKADUNKNOWNKEY", `there is no key of version ${kvno}`);
  const opened = decodeK4Ticket(key.key, ticket);
  checkTimes(opened.start, endOf(opened.start, opened.lifetime), now);
  const { name, instance, realm, sessionKey } = opened;
  return { name: instance === "" ? [name] : [name, instance], realm, sessionKey };
}

/** The keys. A file that can't be read just now is no reason to end the calls of clients that were known before. */
function keysOf({ keys }: RxkadServerOptions): readonly ServerKey[] {
  let had: readonly ServerKey[];
  try {
    had = keys();
  } catch (cause) {
    throw new RxkadError("RXKADUNKNOWNKEY", "the server's keys could not be had", { blame: "local", cause });
  }
  if (Array.isArray(had)) return had;
  throw new RxkadError("RXKADUNKNOWNKEY", "keys() gave no list", { blame: "local" });
}
