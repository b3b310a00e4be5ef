/**
 * ICMP messages that are sent: answers to echoes and errors, at no more than a rate and never about what they must not be
 * (RFC 1122 section 3.2.2, RFC 4443 section 2.4).
 *
 * @module
 */
import { readU32 } from "../bytes/integers.ts";
import { TokenBucket } from "../core/token_bucket.ts";
import { formatAddress, isUnspecified } from "../packet/address.ts";
import { ICMP_HEADER_LENGTH, IcmpType } from "../packet/icmp.ts";
import { Icmpv6Type } from "../packet/icmpv6.ts";
import { IpProtocol } from "../packet/segment.ts";
import type { IcmpSendOptions } from "./datagram_sink.ts";
import { versionOf } from "./flow_ends.ts";
import { icmpMessage, maxQuote } from "./icmp_message.ts";
import type { IpIds } from "./ip_ids.ts";
import { IpTemplate } from "./ip_header.ts";
import type { DatagramQueue } from "./ip_output.ts";
import type { IpPacket } from "./ip_packet.ts";
import { holdsIcmpError } from "./holds_icmp_error.ts";
import type { Summer } from "../bytes/summer.ts";

const MAX_LENGTH = 0xffff;

/** Options of {@linkcode IcmpOutput}. */
export interface IcmpOutputOptions {
  /** Errors in a second. */
  readonly icmpErrorsPerSecond: number;
  /** Answers to echoes in a second. */
  readonly echoRepliesPerSecond: number;
  /** Hop limit, or time to live. */
  readonly hopLimit: number;
}

/** Counters of {@linkcode IcmpOutput}. */
export interface IcmpOutputStats {
  /** Errors sent. */
  icmpErrorsSent: number;
  /** Errors not sent because of `icmpErrorsPerSecond` or a full queue. */
  icmpErrorsLimited: number;
  /** Echoes answered. */
  echoReplies: number;
  /** Echoes not answered because of `echoRepliesPerSecond` or a full queue. */
  echoRepliesLimited: number;
}

/** Puts messages into a queue. */
export class IcmpOutput {
  /** Counters. */
  readonly stats: IcmpOutputStats = { icmpErrorsSent: 0, icmpErrorsLimited: 0, echoReplies: 0, echoRepliesLimited: 0 };
  readonly #queue: DatagramQueue;
  readonly #ids: IpIds;
  readonly #summer: Summer;
  readonly #hopLimit: number;
  readonly #errors: TokenBucket;
  readonly #echoes: TokenBucket;

  /** Messages go to `queue`. */
  constructor(options: IcmpOutputOptions, queue: DatagramQueue, ids: IpIds, summer: Summer) {
    this.#queue = queue;
    this.#ids = ids;
    this.#summer = summer;
    this.#hopLimit = options.hopLimit;
    this.#errors = new TokenBucket(options.icmpErrorsPerSecond);
    this.#echoes = new TokenBucket(options.echoRepliesPerSecond);
  }

  /** Answers an echo, from the address that was asked. */
  echoReply(packet: IpPacket, now: number): void {
    const { bytes, end, payloadAt } = packet;
    const length = end - payloadAt;
    if (!this.#queue.hasRoom(length + 40) || !this.#echoes.take(now)) {
      this.stats.echoRepliesLimited++;
      return;
    }
    const type = packet.version === 4 ? IcmpType.ECHO_REPLY : Icmpv6Type.ECHO_REPLY;
    const data = bytes.subarray(payloadAt + ICMP_HEADER_LENGTH, end);
    const template = this.#templateFor(packet, packet.dscp);
    const reply = this.#message(template, type, bytes[payloadAt + 1]!, readU32(bytes, payloadAt + 4), data);
    if (this.#queue.push(reply)) this.stats.echoReplies++;
  }

  /**
   * Tells the sender of `packet` what is wrong with it; `word` is what the type wants behind the checksum. Nothing is sent
   * about errors, nor about what many got: not even where RFC 4443 section 2.4 (e.3) allows it, because an endpoint that
   * plays any address has none of its own to send it from.
   */
  error(packet: IpPacket, type: number, code: number, word: number, now: number): void {
    if (packet.isToMany || holdsIcmpError(packet)) return;
    const quoteLength = Math.min(packet.end, maxQuote(packet.version));
    if (!this.#queue.hasRoom(quoteLength + 48) || !this.#errors.take(now)) {
      this.stats.icmpErrorsLimited++;
      return;
    }
    const quote = packet.bytes.subarray(0, quoteLength);
    const message = this.#message(this.#templateFor(packet, 0), type, code, word, quote);
    if (this.#queue.push(message)) this.stats.icmpErrorsSent++;
  }

  /**
   * Sends any message; `false` when there is no room.
   *
   * @throws {TypeError | RangeError} when addresses, data or the hop limit can't be
   */
  send(options: IcmpSendOptions): boolean {
    const { code = 0, data = EMPTY, hopLimit = this.#hopLimit, localAddress, remoteAddress, type, word = 0 } = options;
    const version = versionOf(localAddress, remoteAddress);
    if (isUnspecified(remoteAddress, 0, remoteAddress.length)) {
      throw new RangeError(`there is nobody at ${formatAddress(remoteAddress)} who could answer`);
    }
    const length = ICMP_HEADER_LENGTH + data.length;
    if (!(data instanceof Uint8Array)) throw new TypeError(`data must be a Uint8Array, got ${typeof data}`);
    const most = MAX_LENGTH - ICMP_HEADER_LENGTH - (version === 4 ? 20 : 0);
    if (data.length > most) throw new RangeError(`data must have at most ${most} bytes, got ${data.length}`);
    if (!(Number.isInteger(hopLimit) && hopLimit >= 1 && hopLimit <= 255)) {
      throw new RangeError(`hopLimit must be an integer from 1 to 255, got ${String(hopLimit)}`);
    }
    if (!this.#queue.hasRoom(length + 40)) return false;
    const protocol = version === 4 ? IpProtocol.ICMP : IpProtocol.ICMPV6;
    const template = new IpTemplate(version, localAddress, remoteAddress, protocol, hopLimit);
    return this.#queue.push(this.#message(template, type, code, word, data));
  }

  /** The header of what goes back to the sender of `packet`. */
  #templateFor({ addressLength, bytes, destinationAt, sourceAt, version }: IpPacket, dscp: number): IpTemplate {
    const local = bytes.subarray(destinationAt, destinationAt + addressLength);
    const remote = bytes.subarray(sourceAt, sourceAt + addressLength);
    const protocol = version === 4 ? IpProtocol.ICMP : IpProtocol.ICMPV6;
    return new IpTemplate(version, local, remote, protocol, this.#hopLimit, dscp);
  }

  #message(template: IpTemplate, type: number, code: number, word: number, data: Uint8Array): Uint8Array {
    const id = template.headerLength === 20 ? this.#ids.nextFor(template.words, template.protocol) : 0;
    return icmpMessage(template, id, type, code, word, data, this.#summer);
  }
}

const EMPTY = new Uint8Array(0);
