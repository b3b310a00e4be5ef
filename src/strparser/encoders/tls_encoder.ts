/**
 * Encoder for TLS records (RFC 8446 section 5.1). Not here: encryption.
 *
 * @module
 */
import { writeU16 } from "../../bytes/integers.ts";
import type { Encoder } from "../encoder.ts";
import { checkEncoded, payloadTooBig, unencodable } from "../parsers/refusal.ts";
import { parseRecord, tls } from "../parsers/tls.ts";

/** What {@linkcode tlsEncoder} puts into a record. */
export interface TlsRecord {
  /** Content type: 20 change_cipher_spec, 21 alert, 22 handshake, 23 application_data. */
  readonly type: number;
  /** The version field, 0x0300 to 0x03ff. @default {0x0303} */
  readonly version?: number | undefined;
  /** What the record carries, encrypted or not. */
  readonly payload: Uint8Array;
}

const HEADER = 5;

/**
 * Encoder for TLS records. Refuses what the parser would: other types and versions, and what is too long.
 *
 * @example
 * ```ts
 * import { tlsEncoder } from "@leat/streams/parsers";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(tlsEncoder().encode({ type: 22, payload: new Uint8Array(4) })[0], Uint8Array.of(22, 3, 3, 0, 4));
 * ```
 */
export function tlsEncoder(): Encoder<TlsRecord> {
  const max = tls().maxMessageLength! - HEADER;
  return {
    name: "tls",
    encode({ type, version = 0x0303, payload }: TlsRecord): readonly Uint8Array[] {
      if (type !== (type & 255)) throw unencodable("tls", `type ${type} is no byte`);
      if (version !== (version & 0xffff)) throw unencodable("tls", `version ${version} is not of 16 bits`);
      if (payload.length > max) throw payloadTooBig("tls", payload.length, max);
      const header = new Uint8Array(HEADER);
      header[0] = type;
      writeU16(header, 1, version);
      writeU16(header, 3, payload.length);
      checkEncoded("tls", parseRecord(header, 0, HEADER), HEADER + payload.length);
      return [header, payload];
    },
  };
}
