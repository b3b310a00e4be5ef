/**
 * A datagram socket as an endpoint uses it. Internal.
 *
 * @module
 */
import { InetAddress } from "../tsocket/inet_address.ts";
import { isOwn } from "../tsocket/own_dgrams.ts";
import type { Datagram, TDgram, TsocketAddress } from "../tsocket/types.ts";
import { RxrpcError } from "./errors.ts";
import { type RxOutgoing, SENT } from "./endpoint_driver_stream.ts";
import { checkNumber } from "./limits.ts";
import type { RxNetworkFailure } from "./network_failure.ts";
import type { RxAddress, RxDatagram } from "./ports.ts";

const BATCH = 64;
const MAX_ADDRESSES = 1024;

/** Sends to and receives from one socket. */
export class SocketPort {
  readonly #socket: TDgram;
  readonly #addresses: Map<RxAddress, InetAddress> = new Map();

  readonly #failed: (failure: RxNetworkFailure) => void;

  /** Takes over `socket`, which is open. What the network says of datagrams is told to `failed`. */
  constructor(socket: TDgram, failed: (failure: RxNetworkFailure) => void) {
    this.#socket = socket;
    this.#failed = failed;
    socket.onIcmpError(({ code, destination = socket.remoteAddress }) => {
      if (destination instanceof InetAddress) failed({ code, to: plainOf(destination) });
    });
  }

  /** Our own address. */
  get localAddress(): RxAddress | undefined {
    const { localAddress } = this.#socket;
    return localAddress instanceof InetAddress ? localAddress : undefined;
  }

  /** Whom the socket is connected with. */
  get remoteAddress(): RxAddress | undefined {
    const { remoteAddress } = this.#socket;
    return remoteAddress instanceof InetAddress ? remoteAddress : undefined;
  }

  /**
   * Checks that datagrams could be sent there, as far as can be said without sending one. Returns the address as those
   * that come from there have it: what is asked of the one is answered by the other.
   *
   * @throws {SocketError} `EINVAL` when it is no numeric address
   * @throws {RangeError} when the port can't be
   * @throws {RxrpcError} `EISCONN` when the socket has another peer, `EAFNOSUPPORT` when it is of IPv4 only
   */
  check(to: RxAddress): RxAddress {
    checkNumber("port", to.port);
    const address = this.#addressOf(to);
    const { remoteAddress: peer, localAddress: local } = this.#socket;
    if (peer !== undefined && keyOf(peer) !== keyOf(address)) {
      throw unreachable("EISCONN", `the socket is connected with ${peer}, and reaches ${address} by no means`);
    }
    if (address.unmapped().family === "ipv6" && local instanceof InetAddress && local.family === "ipv4") {
      throw unreachable("EAFNOSUPPORT", `a socket at ${local} cannot send to ${address}`);
    }
    const plain = plainOf(address);
    return plain.address === to.address ? to : plain;
  }

  /** The address as calls to it have it, however it is written. */
  plain(to: RxAddress): RxAddress {
    return plainOf(this.#addressOf(to));
  }

  /** Sends; the promise says when more may come, and whether the system has copied these. */
  async send(datagrams: readonly RxOutgoing[]): Promise<unknown> {
    try {
      await this.#send(datagrams);
      return isOwn(this.#socket) ? SENT : undefined;
    } catch (error) {
      this.#tell(error, datagrams);
      throw error;
    }
  }

  /** Which of the datagrams failed is known by where it went; of several to there, it was the largest. */
  #tell(error: unknown, datagrams: readonly RxOutgoing[]): void {
    const { code, address } = error as { code?: unknown; address?: unknown };
    if (typeof code !== "string") return;
    const keys = datagrams.map(({ to }) => keyOf(this.#addressOf(to)));
    // an IPv6 socket names those of IPv4 in their mapped form
    const key = address instanceof InetAddress ? keyOf(address) : undefined;
    const [worst] = datagrams.filter((_, at) => key === undefined || keys[at] === key)
      .sort((a, b) => b.data.length - a.data.length);
    // of several places nobody knows which it was, unless it is for the size
    const isKnown = key !== undefined || code === "EMSGSIZE" || keys.every((one) => one === keys[0]);
    if (worst !== undefined && isKnown) this.#failed({ code, to: worst.to, bytes: worst.data.length });
  }

  #send(datagrams: readonly RxOutgoing[]): Promise<unknown> {
    const peer = this.#socket.remoteAddress;
    if (peer === undefined) {
      return this.#socket.sendMany(datagrams.map(({ data, to }) => ({ data, to: this.#addressOf(to) })));
    }
    // a connected socket sends to its peer only, and wants no address
    const key = keyOf(peer);
    const own = datagrams.filter(({ to }) => keyOf(this.#addressOf(to)) === key);
    return this.#socket.sendMany(own.map(({ data }) => ({ data })));
  }

  /** Hands over what comes, until the socket is closed or breaks. */
  async receive(came: (datagrams: readonly RxDatagram[]) => void): Promise<void> {
    for (;;) {
      const datagrams = await this.#socket.recvMany(BATCH);
      came(datagrams.filter(isInet).map(({ data, source }) => ({ data, from: plainOf(source) })));
    }
  }

  /** Sends what is queued, then closes the socket. */
  close(): Promise<void> {
    return this.#socket.close();
  }

  #addressOf(to: RxAddress): InetAddress {
    if (to instanceof InetAddress) return to;
    const known = this.#addresses.get(to);
    if (known !== undefined) return known;
    if (this.#addresses.size >= MAX_ADDRESSES) this.#addresses.clear();
    const address = InetAddress.from(to.address, to.port);
    this.#addresses.set(to, address);
    return address;
  }
}

function keyOf(address: TsocketAddress): string {
  return address instanceof InetAddress ? address.unmapped().key : address.key;
}

/** The address in the one text that it has here: without the mapping, with its zone, which it is not reached without. */
function plainOf(address: InetAddress): RxAddress {
  const plain = address.unmapped();
  return plain.zone === undefined ? plain : { address: `${plain.address}%${plain.zone}`, port: plain.port };
}

function unreachable(code: string, what: string): RxrpcError {
  return new RxrpcError(what, { code, blame: "local" });
}

function isInet(datagram: Datagram): datagram is Datagram & { source: InetAddress } {
  return datagram.source instanceof InetAddress;
}
