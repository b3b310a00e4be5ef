/**
 * Keys of rxkad out of files: servers' keys, or a client's key with its ticket. Never from the command line, where other
 * users of a machine could read them.
 *
 * @module
 */
import { readU16, readU16le, readU32, readU32le } from "../../bytes/integers.ts";
import { LeatError, systemRandom } from "../../core/mod.ts";
import {
  type ClientSecurity,
  decodeClientKey,
  decodeKeyFile,
  decodeKeyFileExt,
  decodeKeytab,
  encodeK4Ticket,
  none,
  rxkadClient,
  type RxkadClientKey,
  RxkadLevel,
  rxkadServer,
  type ServerKey,
  type ServerSecurity,
} from "../../rxrpc/mod.ts";
import { encodeK5Ticket } from "../../rxrpc/security/krb5/made_k5_ticket.ts";
import { K5_ENCRYPTED_PART } from "../../rxrpc/security/krb5/k5_ticket.ts";
import { securityCrypto } from "../../tsocket/drivers/node/security_crypto.ts";
import { FileProblem, readWhole } from "../bpf/program_source.ts";
import { type CliIo, UsageError } from "../io.ts";
import type { OptionSpec, OptionValues } from "../options.ts";

/** What a file of keys holds. */
export type KeyFileContent =
  | { readonly kind: "server"; readonly keys: readonly ServerKey[] }
  | { readonly kind: "client"; readonly key: RxkadClientKey };

/** Options of clients. */
export const CLIENT_KEY_OPTIONS: readonly OptionSpec[] = [
  {
    name: "key",
    short: "k",
    argument: "FILE",
    help: "Call with rxkad: a KeyFile, KeyFileExt or keytab of the servers (prints a ticket of its own), or the " +
      "payload of an rxrpc key with a ticket. Without it, calls have no security",
  },
  {
    name: "level",
    argument: "LEVEL",
    choices: ["clear", "auth", "crypt"],
    help: "With --key: how much is protected (default crypt)",
  },
  { name: "as", argument: "NAME[.INSTANCE][@REALM]", help: "With the servers' key: as whom (default afs)" },
];

/** Options of servers. */
export const SERVER_KEY_OPTIONS: readonly OptionSpec[] = [
  {
    name: "key",
    short: "k",
    argument: "FILE",
    help: "Take clients with rxkad, too: a KeyFile, KeyFileExt or keytab",
  },
  {
    name: "level",
    argument: "LEVEL",
    choices: ["clear", "auth", "crypt"],
    help: "With --key: take no clients without rxkad, nor with less than this",
  },
];

const KEYTAB_VERSION = 0x0502;
const PAYLOAD_HEAD_BYTES = 24;
/** What the programs of OpenAFS write, however few of its 8 places are taken. */
const FULL_KEY_FILE_BYTES = 100;
const SESSION_KEY_BYTES = 8;

/** Tells by the bytes what kind of file it is, and reads it. */
export function decodeKeys(bytes: Uint8Array): KeyFileContent {
  if (bytes.length < 4) throw new LeatError(`${bytes.length} bytes are no keys`, blamed(0));
  if (readU16(bytes, 0) === KEYTAB_VERSION) return { kind: "server", keys: decodeKeytab(bytes) };
  const isPayload = bytes.length > PAYLOAD_HEAD_BYTES && readU32le(bytes, 0) === 1 &&
    PAYLOAD_HEAD_BYTES + readU16le(bytes, 6) === bytes.length;
  if (isPayload) return { kind: "client", key: decodeClientKey(bytes) };
  return { kind: "server", keys: decodeServerKeys(bytes) };
}

/** A KeyFile's length follows from its first word, unless it has all its places; a KeyFileExt may be as long by chance. */
function decodeServerKeys(bytes: Uint8Array): ServerKey[] {
  if (bytes.length === 4 + 12 * readU32(bytes, 0)) return decodeKeyFile(bytes);
  try {
    return decodeKeyFileExt(bytes);
  } catch (error) {
    if (bytes.length === FULL_KEY_FILE_BYTES) return decodeKeyFile(bytes);
    throw error;
  }
}

function blamed(offset: number): { code: string; layer: string; blame: "local"; offset: number } {
  return { code: "EPROTO", layer: "rxrpc", blame: "local", offset };
}

async function keysOf(path: string, io: CliIo): Promise<KeyFileContent> {
  const bytes = await readWhole(path, io);
  try {
    const content = decodeKeys(bytes);
    if (content.kind === "server" && content.keys.length === 0) throw new FileProblem(path, "no keys of AFS servers");
    return content;
  } catch (error) {
    if (error instanceof LeatError) throw new FileProblem(path, error.message);
    throw error;
  }
}

/** As whom a client calls. */
export async function clientSecurity(values: OptionValues, io: CliIo): Promise<ClientSecurity> {
  const path = values.key;
  if (typeof path !== "string") {
    for (const name of ["level", "as"]) {
      if (values[name] !== undefined) throw new UsageError(`--${name} needs --key`);
    }
    return none();
  }
  const content = await keysOf(path, io);
  const level = RxkadLevel[(values.level ?? "crypt") as keyof typeof RxkadLevel];
  if (content.kind === "server") return rxkadClient({ ...madeKey(content.keys, String(values.as ?? "afs")), level });
  if (values.as !== undefined) throw new UsageError("--as is for the servers' keys; the ticket says who it is for");
  return rxkadClient({ ...content.key, level });
}

/** What a server takes. */
export async function serverSecurity(values: OptionValues, io: CliIo): Promise<ServerSecurity[]> {
  const path = values.key;
  if (typeof path !== "string") {
    if (values.level !== undefined) throw new UsageError("--level needs --key");
    return [none()];
  }
  const content = await keysOf(path, io);
  if (content.kind === "client") throw new FileProblem(path, "the key of a client, not of a server");
  const { keys } = content;
  const minLevel = values.level === undefined ? undefined : RxkadLevel[values.level as keyof typeof RxkadLevel];
  const rxkad = rxkadServer({ keys: () => keys, crypto: securityCrypto, minLevel });
  return values.level === undefined ? [none(), rxkad] : [rxkad];
}

/** A ticket printed with the newest key, AES before DES. */
function madeKey(keys: readonly ServerKey[], as: string): Pick<RxkadClientKey, "kvno" | "sessionKey" | "ticket"> {
  const [, name, instance = "", realm = ""] = /^([^.@]+)(?:\.([^@]+))?(?:@(.+))?$/.exec(as) ?? [];
  if (name === undefined) throw new UsageError(`--as wants NAME[.INSTANCE][@REALM], got ${JSON.stringify(as)}`);
  const sessionKey = randomDesKey();
  const newest = (kind: ServerKey["kind"]): ServerKey | undefined =>
    keys.filter((key) => key.kind === kind).sort((a, b) => b.kvno - a.kvno)[0];
  const aes = newest("rxkad_krb5");
  if (aes !== undefined) {
    const confounder = new Uint8Array(16);
    systemRandom(confounder);
    const names = instance === "" ? [name] : [name, instance];
    const ticket = encodeK5Ticket(securityCrypto, aes, { name: names, realm, sessionKey, confounder });
    return { kvno: K5_ENCRYPTED_PART, sessionKey, ticket };
  }
  const des = newest("rxkad");
  if (des === undefined) throw new UsageError("--key: the file has no keys for rxkad");
  const ticket = encodeK4Ticket(des.key, {
    name,
    instance,
    realm,
    host: 0,
    sessionKey,
    lifetime: 255,
    start: 0,
    service: "afs",
    serviceInstance: "",
  });
  return { kvno: des.kvno, sessionKey, ticket };
}

/** Each byte has an odd number of ones, as keys of DES have them. */
function randomDesKey(): Uint8Array {
  const key = new Uint8Array(SESSION_KEY_BYTES);
  systemRandom(key);
  return key.map((byte) => {
    let ones = 0;
    for (let bit = 1; bit < 8; bit++) ones += byte >> bit & 1;
    return byte & 0xfe | (ones & 1 ^ 1);
  });
}
