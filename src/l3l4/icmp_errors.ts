/**
 * From ICMP errors to the flows that they are about, and what they say of paths, if they are to be believed (RFC 5927,
 * RFC 1191, RFC 8201).
 *
 * @module
 */
import type { IcmpErrorReceiver } from "./icmp_input.ts";
import type { IcmpMeaning } from "./icmp_news.ts";
import type { IcmpQuote } from "./icmp_quote.ts";
import type { FlowPath } from "./l3l4_sink.ts";
import type { PathMtus } from "./path_mtu.ts";
import type { TcpTable } from "./tcp/tcp_table.ts";
import type { UdpTable } from "./udp_table.ts";

/** Hands errors over. */
export class IcmpErrors implements IcmpErrorReceiver {
  /** Errors that quoted what we can't have sent, or said what can't be. */
  disbelieved = 0;
  readonly #paths: PathMtus;
  readonly #tcp: TcpTable;
  readonly #udp: UdpTable;
  /** What was said of a path, while the connection that it is about judges whether that can be; 0 for nothing. */
  #rumour = 0;
  #rumourAt = 0;

  /** Errors go to `tcp` and `udp`, what they say of paths to `paths`. */
  constructor(paths: PathMtus, tcp: TcpTable, udp: UdpTable) {
    this.#paths = paths;
    this.#tcp = tcp;
    this.#udp = udp;
  }

  /**
   * Largest packet that goes along `path`. A connection that asks while it is told of an error believes it: nobody else
   * knows what it has sent.
   */
  pathMtu({ remoteAddress }: FlowPath): number {
    const length = remoteAddress.length === 4 ? 4 : 16;
    if (this.#rumour > 0) {
      this.#paths.learn(remoteAddress, 0, length, this.#rumour, this.#rumourAt);
      this.#rumour = 0;
    }
    return this.#paths.get(remoteAddress, 0, length);
  }

  /** See {@linkcode IcmpErrorReceiver}. */
  tcpError(quote: IcmpQuote, meaning: IcmpMeaning, said: number, now: number): void {
    const { path, word } = quote;
    const mtu = meaning.code === "EMSGSIZE" ? this.#judge(quote, said) : 0;
    if (mtu < 0) {
      this.disbelieved++;
      return;
    }
    this.#rumour = mtu;
    this.#rumourAt = now;
    this.#tcp.icmpError(path, { sequence: word | 0, ...meaning, mtu }, now);
    if (this.#rumour > 0) this.disbelieved++;
    this.#rumour = 0;
  }

  /** See {@linkcode IcmpErrorReceiver}. */
  udpError(quote: IcmpQuote, meaning: IcmpMeaning, said: number, now: number): void {
    const { path } = quote;
    if (meaning.code !== "EMSGSIZE") {
      if (!this.#udp.icmpError(path, meaning)) this.disbelieved++;
      return;
    }
    const mtu = this.#judge(quote, said);
    // over IPv4 routers may cut what UDP sends, so none can have said that
    if (mtu < 0 || path.version === 4 || this.#udp.sender(path) === null) this.disbelieved++;
    else this.#paths.learn(path.remoteAddress, 0, 16, mtu, now);
  }

  /** The largest packet that gets through, -1 when what was said can't be: the packet would have been let through. */
  #judge({ packetLength, path }: IcmpQuote, said: number): number {
    const { remoteAddress } = path;
    const mtu = this.#paths.judge(remoteAddress, 0, remoteAddress.length === 4 ? 4 : 16, said, packetLength);
    return mtu < packetLength ? mtu : -1;
  }
}
