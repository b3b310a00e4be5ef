/**
 * A datagram socket as an endpoint uses it. Internal.
 *
 * @module
 */
import { InetAddress } from "../tsocket/inet_address.ts";
import type { Datagram, TDgram } from "../tsocket/types.ts";
import type { RxOutgoing } from "./endpoint_driver_stream.ts";
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
      if (destination instanceof InetAddress) failed({ code, to: destination });
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

  /** Sends; the promise says when more may come. */
  async send(datagrams: readonly RxOutgoing[]): Promise<unknown> {
    try {
      return await this.#send(datagrams);
    } catch (error) {
      this.#tell(error, datagrams);
      throw error;
    }
  }

  /** Which of the datagrams failed is known by where it went; of several to there, it was the largest. */
  #tell(error: unknown, datagrams: readonly RxOutgoing[]): void {
    const { code, address } = error as { code?: unknown; address?: unknown };
    if (typeof code !== "string") return;
    const isOne = (to: RxAddress): boolean =>
      !(address instanceof InetAddress) || this.#addressOf(to).key === address.key;
    const [worst] = datagrams.filter(({ to }) => isOne(to)).sort((a, b) => b.data.length - a.data.length);
    if (worst !== undefined) this.#failed({ code, to: worst.to, bytes: worst.data.length });
  }

  #send(datagrams: readonly RxOutgoing[]): Promise<unknown> {
    const peer = this.#socket.remoteAddress;
    if (peer === undefined) {
      return this.#socket.sendMany(datagrams.map(({ data, to }) => ({ data, to: this.#addressOf(to) })));
    }
    // a connected socket sends to its peer only, and wants no address
    const own = datagrams.filter(({ to }) => this.#addressOf(to).key === peer.key);
    return this.#socket.sendMany(own.map(({ data }) => ({ data })));
  }

  /** Hands over what comes, until the socket is closed or breaks. */
  async receive(came: (datagrams: readonly RxDatagram[]) => void): Promise<void> {
    for (;;) {
      const datagrams = await this.#socket.recvMany(BATCH);
      came(datagrams.filter(isInet).map(({ data, source }) => ({ data, from: source })));
    }
  }

  /** Sends what is queued, then closes the socket. */
  close(): Promise<void> {
    return this.#socket.close();
  }

  #addressOf(to: RxAddress): InetAddress {
    const known = this.#addresses.get(to);
    if (known !== undefined) return known;
    if (this.#addresses.size >= MAX_ADDRESSES) this.#addresses.clear();
    const address = InetAddress.from(to.address, to.port);
    this.#addresses.set(to, address);
    return address;
  }
}

function isInet(datagram: Datagram): datagram is Datagram & { source: InetAddress } {
  return datagram.source instanceof InetAddress;
}
