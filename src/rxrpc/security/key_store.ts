/**
 * The files in which AFS servers keep their keys: KeyFile, KeyFileExt, and keytabs of Kerberos 5.
 *
 * @module
 */
import { readU16, readU32 } from "../../bytes/integers.ts";
import { LeatError } from "../../core/errors.ts";

/** What a key is for. */
export type KeyKind = "rxkad" | "rxkad_krb5" | "rxgk";

/** A key of a server. */
export interface ServerKey {
  /** `rxkad`: 8 bytes of DES; `rxkad_krb5` and `rxgk`: of an encryption type of Kerberos 5. */
  readonly kind: KeyKind;
  /** Its version. */
  readonly kvno: number;
  /** Encryption type; 1 for `rxkad`. */
  readonly enctype: number;
  /** The key itself. */
  readonly key: Uint8Array;
}

const MAX_KEYS = 1024;
const EXT_KINDS: Readonly<Record<number, KeyKind>> = { 1: "rxgk", 2: "rxkad_krb5" };
const DES_CBC_CRC = 1;
const KEYTAB_VERSION = 0x0502;

/** Reads a file from front to back; says where it ends too early. */
class FileReader {
  at = 0;
  readonly #bytes: Uint8Array;
  readonly #name: string;

  constructor(bytes: Uint8Array, name: string) {
    this.#bytes = bytes;
    this.#name = name;
  }

  get left(): number {
    return this.#bytes.length - this.at;
  }

  take(length: number): Uint8Array {
    if (length > this.left) throw this.broken("it ends inside an entry");
    this.at += length;
    return this.#bytes.subarray(this.at - length, this.at);
  }

  u8(): number {
    return this.take(1)[0]!;
  }

  u16(): number {
    return readU16(this.take(2), 0);
  }

  u32(): number {
    return readU32(this.take(4), 0);
  }

  count(): number {
    const count = this.u32();
    if (count > MAX_KEYS) throw this.broken(`${count} keys are more than ${MAX_KEYS}`);
    return count;
  }

  broken(what: string): LeatError {
    return new LeatError(`the ${this.#name} is damaged: ${what}`, {
      code: "EPROTO",
      layer: "rxrpc",
      blame: "remote",
      offset: this.at,
    });
  }
}

/**
 * Reads a `KeyFile`: keys of DES, as `/etc/openafs/server/KeyFile` has them. Its layout, all numbers of 4 bytes and
 * big-endian: how many keys, then for each its version and the 8 bytes of the key. What stands behind is ignored.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { decodeKeyFile } from "@leat/streams/rxrpc";
 *
 * const key = [0x80, 0xb6, 0xa7, 0xcd, 0x7a, 0x9d, 0xad, 0xb6];
 * const file = Uint8Array.from([0, 0, 0, 1, 0, 0, 0, 3, ...key]); // one key, of version 3
 * assertEquals(decodeKeyFile(file), [{ kind: "rxkad", kvno: 3, enctype: 1, key: Uint8Array.from(key) }]);
 * ```
 *
 * @throws {LeatError} `EPROTO` when it is damaged
 */
export function decodeKeyFile(bytes: Uint8Array): ServerKey[] {
  const reader = new FileReader(bytes, "KeyFile");
  return Array.from({ length: reader.count() }, () => {
    const kvno = reader.u32();
    return { kind: "rxkad", kvno, enctype: DES_CBC_CRC, key: reader.take(8).slice() } as const;
  });
}

/**
 * Reads a `KeyFileExt`: keys of other encryption types. Entries of kinds that are not known are left out.
 *
 * Its layout, all numbers of 4 bytes and big-endian: how many keys; then for each the length of its head, itself
 * included (16 or more); kind (1 rxgk, 2 Kerberos 5 for rxkad), version and encryption type; the length of the key, and
 * the key.
 *
 * @throws {LeatError} `EPROTO` when it is damaged
 */
export function decodeKeyFileExt(bytes: Uint8Array): ServerKey[] {
  const reader = new FileReader(bytes, "KeyFileExt");
  const keys: ServerKey[] = [];
  for (let left = reader.count(); left > 0; left--) {
    const length = reader.u32();
    if (length < 16) throw reader.broken(`an entry's head of ${length} bytes`);
    const head = reader.take(length - 4);
    const kind = EXT_KINDS[readU32(head, 0)];
    const key = reader.take(reader.u32()).slice();
    if (kind !== undefined) keys.push({ kind, kvno: readU32(head, 4), enctype: readU32(head, 8), key });
  }
  return keys;
}

/**
 * Reads the keys of AFS servers (`afs/CELL@REALM`, `afs@REALM`) out of a keytab, such as `rxkad.keytab`.
 *
 * @param cell takes only those of this cell
 * @throws {LeatError} `EPROTO` when it is damaged, or of another version
 */
export function decodeKeytab(bytes: Uint8Array, cell?: string): ServerKey[] {
  const reader = new FileReader(bytes, "keytab");
  const version = reader.u16();
  if (version !== KEYTAB_VERSION) throw reader.broken(`version ${version.toString(16)}`);
  const keys: ServerKey[] = [];
  while (reader.left >= 4) {
    const size = reader.u32() | 0;
    const entry = reader.take(Math.abs(size));
    // a negative size is a hole
    if (size <= 0) continue;
    const { name, ...key } = keytabEntry(new FileReader(entry, "keytab"));
    const [first, second, ...more] = name;
    const isAfs = first === "afs" && more.length === 0;
    if (isAfs && (cell === undefined || second === undefined || second === cell)) keys.push(key);
  }
  return keys;
}

function keytabEntry(reader: FileReader): ServerKey & { name: string[] } {
  const components = reader.u16();
  const text = (): string => new TextDecoder().decode(reader.take(reader.u16()));
  text();
  const name: string[] = [];
  for (let left = components; left > 0; left--) name.push(text());
  reader.take(8);
  const shortKvno = reader.u8();
  const enctype = reader.u16();
  const key = reader.take(reader.u16()).slice();
  const longKvno = reader.left >= 4 ? reader.u32() : 0;
  const kind = enctype <= 3 ? "rxkad" : "rxkad_krb5";
  return { kind, kvno: longKvno === 0 ? shortKvno : longKvno, enctype, key, name };
}
