/**
 * ICMP messages that come: echoes are answered, errors go to the flow that they are about, all else to whoever drives the
 * endpoint (RFC 792, RFC 4443, RFC 5927).
 *
 * @module
 */
import { readU16, readU32 } from "../bytes/integers.ts";
import { IcmpType } from "../packet/icmp.ts";
import { Icmpv6Type } from "../packet/icmpv6.ts";
import { IpProtocol } from "../packet/segment.ts";
import type { IcmpReceived, IcmpSink } from "./datagram_sink.ts";
import { type IcmpMeaning, icmpMeaning, isIcmpError } from "./icmp_news.ts";
import type { IcmpOutput } from "./icmp_output.ts";
import { type IcmpQuote, readIcmpQuote } from "./icmp_quote.ts";
import { DATAGRAM_OVERHEAD, type QueueBudget } from "./ip_output.ts";
import type { IpPacket } from "./ip_packet.ts";

/** Those that errors are for. */
export interface IcmpErrorReceiver {
  /** An error about a TCP segment of ours. */
  tcpError(quote: IcmpQuote, meaning: IcmpMeaning, mtu: number, now: number): void;
  /** An error about a UDP datagram of ours. */
  udpError(quote: IcmpQuote, meaning: IcmpMeaning, mtu: number, now: number): void;
}

/** Options of {@linkcode IcmpInput}. */
export interface IcmpInputOptions {
  /** Whether echoes are answered; else they are handed over like what nobody knows. */
  readonly answersEcho: boolean;
  /** Messages that wait to be handed over. */
  readonly maxIcmpMessages: number;
}

/** Counters of {@linkcode IcmpInput}. */
export interface IcmpInputStats {
  /** Messages that came. */
  icmpMessages: number;
  /** Errors about something that we can't have sent, and messages that are to be ignored. */
  icmpIgnored: number;
  /** Messages that were not handed over because too many waited. */
  icmpDropped: number;
}

/** Takes messages. */
export class IcmpInput {
  /** Counters. */
  readonly stats: IcmpInputStats = { icmpMessages: 0, icmpIgnored: 0, icmpDropped: 0 };
  readonly #options: IcmpInputOptions;
  readonly #output: IcmpOutput;
  readonly #receiver: IcmpErrorReceiver;
  readonly #budget: QueueBudget;
  #waiting: IcmpReceived[] = [];

  /** What waits takes from `budget`. */
  constructor(options: IcmpInputOptions, output: IcmpOutput, receiver: IcmpErrorReceiver, budget: QueueBudget) {
    this.#options = options;
    this.#output = output;
    this.#receiver = receiver;
    this.#budget = budget;
  }

  /** Takes a datagram for protocol 1 over IPv4 or 58 over IPv6, whose checksum is right. */
  receive(packet: IpPacket, now: number): void {
    const { bytes, payloadAt, version } = packet;
    const type = bytes[payloadAt]!;
    this.stats.icmpMessages++;
    if (type === (version === 4 ? IcmpType.ECHO : Icmpv6Type.ECHO_REQUEST) && this.#options.answersEcho) {
      if (!packet.isToMany) this.#output.echoReply(packet, now);
      return;
    }
    const meaning = icmpMeaning(version, type, bytes[payloadAt + 1]!);
    if (meaning !== null) this.#receiveError(packet, meaning, now);
    else if (isIcmpError(version, type)) this.stats.icmpIgnored++;
    else this.#keep(packet);
  }

  /** Whether there is something to tell. */
  get hasNews(): boolean {
    return this.#waiting.length > 0;
  }

  /** Hands over what waits. */
  flush(sink: IcmpSink): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const message of waiting) this.#budget.left += message.data.length + DATAGRAM_OVERHEAD;
    for (const message of waiting) sink.icmp(message);
  }

  #receiveError(packet: IpPacket, meaning: IcmpMeaning, now: number): void {
    const quote = readIcmpQuote(packet);
    if (quote === null) {
      this.stats.icmpIgnored++;
      return;
    }
    const { bytes, payloadAt, version } = packet;
    const mtu = version === 4 ? readU16(bytes, payloadAt + 6) : readU32(bytes, payloadAt + 4);
    if (quote.protocol === IpProtocol.TCP) this.#receiver.tcpError(quote, meaning, mtu, now);
    else if (quote.protocol === IpProtocol.UDP) this.#receiver.udpError(quote, meaning, mtu, now);
    else this.#keep(packet);
  }

  /** Keeps a copy to be handed over. */
  #keep({ addressLength, bytes, destinationAt, end, hopLimit, payloadAt, sourceAt, version }: IpPacket): void {
    const cost = end - payloadAt - 8 + DATAGRAM_OVERHEAD;
    if (this.#waiting.length >= this.#options.maxIcmpMessages || cost > this.#budget.left) {
      this.stats.icmpDropped++;
      return;
    }
    this.#budget.left -= cost;
    this.#waiting.push({
      version,
      localAddress: bytes.slice(destinationAt, destinationAt + addressLength),
      remoteAddress: bytes.slice(sourceAt, sourceAt + addressLength),
      hopLimit,
      type: bytes[payloadAt]!,
      code: bytes[payloadAt + 1]!,
      word: readU32(bytes, payloadAt + 4),
      data: bytes.slice(payloadAt + 8, end),
    });
  }
}
