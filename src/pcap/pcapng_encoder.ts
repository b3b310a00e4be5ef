/**
 * Layer pcap, engine: writes pcapng files (draft-ietf-opsawg-pcapng): one section, enhanced packets.
 *
 * Interface descriptions stand in front of the chunk of the first packet that needs them.
 *
 * @module
 */
import type { Packet } from "../packet/packet.ts";
import { type PacketEncoder, sizeProblem, timeProblem, type WriterSettings } from "./packet_encoder.ts";
import {
  encodeEnhancedPacket,
  encodeInterfaceDescription,
  encodeSectionHeader,
  enhancedPacketLength,
  INTERFACE_LENGTH,
  SECTION_LENGTH,
} from "./pcapng_wire.ts";

/** Last whole second of 64 bits of nanoseconds, in the year 2554; of microseconds it would be far beyond any use. */
const MAX_SECONDS = 18446744072;

/** Encodes one pcapng file. */
export class PcapngEncoder implements PacketEncoder {
  readonly #settings: WriterSettings;
  /** Number in the file by `interfaceId * 65536 + linkType`. */
  readonly #ids = new Map<number, number>();
  /** Link types of interfaces that are not described yet. */
  #pending: number[] = [];
  #hasHeader = false;

  /** For a file of the given kind. */
  constructor(settings: WriterSettings) {
    this.#settings = settings;
  }

  /** See {@linkcode PacketEncoder.interfaces}. */
  get interfaces(): number {
    return this.#ids.size;
  }

  /** See {@linkcode PacketEncoder.admit}. */
  admit(packet: Packet): string | undefined {
    const problem = sizeProblem(packet) ?? timeProblem(packet, MAX_SECONDS);
    if (problem !== undefined) return problem;
    const { interfaceId, number } = packet;
    if (!Number.isInteger(interfaceId) || interfaceId < 0 || interfaceId > 0xffffffff) {
      return `packet ${number}: interface ${interfaceId} cannot be written, only 0 to 4294967295`;
    }
    const key = interfaceKey(packet);
    if (this.#ids.has(key)) return undefined;
    const { maxInterfaces } = this.#settings;
    if (this.#ids.size >= maxInterfaces) return `packet ${number}: more interfaces than maxInterfaces ${maxInterfaces}`;
    this.#ids.set(key, this.#ids.size);
    this.#pending.push(packet.linkType);
    return undefined;
  }

  /** See {@linkcode PacketEncoder.recordLength}. */
  recordLength(captured: number): number {
    return enhancedPacketLength(captured);
  }

  /** See {@linkcode PacketEncoder.headerLength}. */
  headerLength(): number {
    return (this.#hasHeader ? 0 : SECTION_LENGTH) + this.#pending.length * INTERFACE_LENGTH;
  }

  /** See {@linkcode PacketEncoder.writeHeader}. */
  writeHeader(into: Uint8Array): number {
    const { isBig, isNanoseconds, snapLength } = this.#settings;
    let at = 0;
    if (!this.#hasHeader) {
      this.#hasHeader = true;
      encodeSectionHeader(into, at, isBig);
      at += SECTION_LENGTH;
    }
    for (const linkType of this.#pending) {
      encodeInterfaceDescription(into, at, isBig, linkType, snapLength, isNanoseconds ? 9 : 6);
      at += INTERFACE_LENGTH;
    }
    this.#pending = [];
    return at;
  }

  /** See {@linkcode PacketEncoder.writeRecord}. */
  writeRecord(into: Uint8Array, at: number, packet: Packet, captured: number): number {
    const { isBig, isNanoseconds } = this.#settings;
    const { bytes, seconds, nanoseconds, originalLength } = packet;
    const units = isNanoseconds ? 1_000_000_000 : 1_000_000;
    const fraction = isNanoseconds ? nanoseconds : Math.floor(nanoseconds / 1000);
    // 64 bits in two halves, by way of seconds in two halves: every number here stays below 2^53
    const upper = Math.floor(seconds / 65536) * units;
    const lower = (seconds % 65536) * units + fraction + (upper % 65536) * 65536;
    const high = Math.floor(upper / 65536) + Math.floor(lower / 0x100000000);
    const kept = captured === bytes.length ? bytes : bytes.subarray(0, captured);
    const original = Math.max(originalLength, bytes.length);
    encodeEnhancedPacket(into, at, isBig, this.#ids.get(interfaceKey(packet))!, high, lower >>> 0, kept, original);
    return at + enhancedPacketLength(captured);
  }
}

function interfaceKey(packet: Packet): number {
  return packet.interfaceId * 65536 + packet.linkType;
}
