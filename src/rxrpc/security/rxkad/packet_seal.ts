/**
 * What rxkad does to the DATA packets of one connection: a checksum that ties each to its place, and a seal.
 *
 * The checksum knows neither direction nor content. Levels clear and auth protect the place and the length of the data,
 * not the data; level crypt hides them, by a cipher that can be broken.
 *
 * @module
 */
import { readU32, writeU32 } from "../../../bytes/integers.ts";
import { BLOCK_BYTES, pcbcDecrypt, pcbcEncrypt } from "./block_cipher.ts";
import { RxkadError } from "./errors.ts";
import { Fcrypt } from "./fcrypt.ts";
import { RXKAD_INDEX, RxkadLevel } from "./levels.ts";

/** The place of a packet: what its seal depends on. */
export interface PacketPlace {
  /** Connection and channel, as in the header. */
  readonly cid: number;
  /** Number of the call in its channel. */
  readonly callNumber: number;
  /** Sequence number. */
  readonly seq: number;
}

/** What a connection's seals are made of. */
export interface SealOptions {
  /** 8 bytes. */
  readonly sessionKey: Uint8Array;
  /** As in the header. */
  readonly epoch: number;
  /** As in the header; its channel does not matter. */
  readonly cid: number;
  /** As the client chose it. */
  readonly level: RxkadLevel;
}

const HEADER_BYTES = [0, 4, 8] as const;
const CHANNEL_MASK = 3;

/** Seals packets and opens them. One for both directions and all channels of a connection. */
export class PacketSeal {
  /** How much is protected. */
  readonly level: RxkadLevel;
  /** Whether a body is anything else than its data. */
  readonly changesBody: boolean;
  readonly #cipher: Fcrypt;
  readonly #key: Uint8Array;
  readonly #left: number;
  readonly #right: number;

  /**
   * Derives the connection's constant.
   *
   * @throws {RangeError} when the key has not 8 bytes
   */
  constructor(options: SealOptions) {
    this.level = options.level;
    this.changesBody = options.level !== RxkadLevel.clear;
    this.#key = options.sessionKey.slice();
    this.#cipher = new Fcrypt(this.#key);
    const constant = new Uint8Array(2 * BLOCK_BYTES);
    writeU32(constant, 0, options.epoch);
    writeU32(constant, 4, options.cid & ~CHANNEL_MASK);
    writeU32(constant, 12, RXKAD_INDEX);
    pcbcEncrypt(this.#cipher, this.#key, constant, constant);
    this.#left = readU32(constant, 8);
    this.#right = readU32(constant, 12);
  }

  /** The 16 bits for the header of the packet at this place; never 0. */
  checksum(place: PacketPlace): number {
    const channelAndSeq = (place.cid & CHANNEL_MASK) << 30 | place.seq & 0x3fffffff;
    this.#cipher.encrypt(place.callNumber ^ this.#left, channelAndSeq ^ this.#right);
    return this.#cipher.right >>> 16 || 1;
  }

  /** Most bytes of data that fit into a body of `bytes`. */
  capacity(bytes: number): number {
    const whole = this.level === RxkadLevel.crypt ? bytes - bytes % BLOCK_BYTES : bytes;
    return Math.max(0, whole - HEADER_BYTES[this.level]);
  }

  /** Bytes of the body that `bytes` of data become. */
  sealedLength(bytes: number): number {
    if (this.level === RxkadLevel.clear) return bytes;
    if (this.level === RxkadLevel.auth) return Math.max(BLOCK_BYTES, HEADER_BYTES[1] + bytes);
    return Math.ceil((HEADER_BYTES[2] + bytes) / BLOCK_BYTES) * BLOCK_BYTES;
  }

  /**
   * Makes the body of a packet in `into`, which must not overlap `data`.
   *
   * @returns its length
   * @throws {RangeError} when it does not fit
   */
  seal(place: PacketPlace, data: Uint8Array, into: Uint8Array): number {
    const length = this.sealedLength(data.length);
    if (length > into.length || data.length > 0xffff) {
      throw new RangeError(`${data.length} bytes do not fit into a packet of ${into.length}`);
    }
    const header = HEADER_BYTES[this.level];
    into.set(data, header);
    into.fill(0, header + data.length, length);
    if (header === 0) return length;
    writeU32(into, 0, word(place) << 16 | data.length);
    if (header === 8) writeU32(into, 4, 0);
    const sealed = into.subarray(0, header === 8 ? length : BLOCK_BYTES);
    pcbcEncrypt(this.#cipher, header === 8 ? this.#key : zeros, sealed, sealed);
    return length;
  }

  /**
   * Checks a packet and gives its data: a view of `body` where nothing was enciphered, else a copy; `body` is not
   * changed.
   *
   * @throws {RxkadError} when checksum or seal do not fit
   */
  open(place: PacketPlace, checksum: number, body: Uint8Array): Uint8Array {
    const isRight = (checksum ^ this.checksum(place)) === 0;
    if (!isRight) throw new RxkadError("RXKADSEALEDINCON", "the header's checksum does not fit the packet");
    if (this.level === RxkadLevel.clear) return body;
    if (body.length < BLOCK_BYTES) {
      throw new RxkadError("RXKADSEALEDINCON", `a sealed packet has 8 bytes or more, got ${body.length}`);
    }
    return this.#unseal(place, body);
  }

  #unseal(place: PacketPlace, body: Uint8Array): Uint8Array {
    const isCrypt = this.level === RxkadLevel.crypt;
    const header = HEADER_BYTES[this.level];
    // behind the last whole block some peers have filler bytes
    const plain = isCrypt ? new Uint8Array(body.length - body.length % BLOCK_BYTES) : body.slice();
    if (isCrypt) pcbcDecrypt(this.#cipher, this.#key, body.subarray(0, plain.length), plain);
    else pcbcDecrypt(this.#cipher, zeros, body.subarray(0, BLOCK_BYTES), plain);
    const sealed = readU32(plain, 0);
    if ((sealed >>> 16 ^ word(place)) !== 0) {
      throw new RxkadError("RXKADSEALEDINCON", "the seal does not fit the packet's place");
    }
    const length = sealed & 0xffff;
    if (length > plain.length - header) {
      throw new RxkadError("RXKADDATALEN", `${length} bytes are sealed into a packet of ${body.length}`);
    }
    return plain.subarray(header, header + length);
  }
}

const zeros = new Uint8Array(BLOCK_BYTES);

function word(place: PacketPlace): number {
  return (place.seq ^ place.callNumber) & 0xffff;
}
