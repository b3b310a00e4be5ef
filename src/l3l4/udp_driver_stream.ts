/**
 * An end of UDP as a driver of `./tsocket`.
 *
 * @module
 */
import { concat } from "../bytes/concat.ts";
import { formatAddress, parseAddress } from "../packet/address.ts";
import type { TDgramDriver, TDgramEvents } from "../tsocket/driver_types.ts";
import { closedError, SocketError } from "../tsocket/errors.ts";
import { InetAddress } from "../tsocket/inet_address.ts";
import { Teller } from "../tsocket/teller.ts";
import type { DatagramError, OutDatagram, TsocketAddress, Vector } from "../tsocket/types.ts";
import type { UdpDatagram, UdpPort, UdpTarget } from "./datagram_sink.ts";
import type { L3L4Error } from "./errors.ts";
import type { FlowHost, StackUser } from "./flow_user.ts";
import type { FlowPath } from "./l3l4_sink.ts";
import { socketError } from "./tcp_driver_stream.ts";

/** Largest datagram, in bytes. */
const MAX_DATAGRAM_BYTES = 65507;

/** Peers whose datagrams' destinations a port for all addresses remembers, so that answers come from there. */
const MAX_ANSWERS_FROM = 4096;

/** Errors of the network that wait to be told. */
const MAX_UNTOLD_ERRORS = 64;

/** One end. */
export class UdpDriver implements TDgramDriver, StackUser {
  /** Always `l3l4`. */
  readonly kind: string = "l3l4";
  /** The address that the stack plays; `[::]` for all. */
  readonly localAddress: InetAddress;
  /** The only peer, for a flow. */
  readonly remoteAddress: InetAddress | undefined;
  /** Largest datagram. */
  readonly maxDatagramSize: number = MAX_DATAGRAM_BYTES;
  readonly #host: FlowHost;
  readonly #port: UdpPort;
  readonly #sourceFor: (to: InetAddress) => InetAddress | undefined;
  readonly #teller: Teller<TDgramEvents> = new Teller((events) => this.#tell(events));
  /** Where the peers of a port for all addresses have sent to. */
  readonly #answersFrom: Map<string, Uint8Array> = new Map();
  #lastSource: InetAddress | undefined;
  #lastFrom: UdpDatagram | undefined;
  #errors: DatagramError[] = [];
  #broken: SocketError | undefined;
  #isReading = true;
  #isClosed = false;
  #isBlocked = false;
  #isWritable = false;
  #whenWritable: (() => void)[] = [];

  /** Takes the port over; `sourceFor` tells which address to play where the port plays all. */
  constructor(host: FlowHost, port: UdpPort, sourceFor: (to: InetAddress) => InetAddress | undefined) {
    this.#host = host;
    this.#port = port;
    this.#sourceFor = sourceFor;
    port.context = this;
    host.joined(this);
    this.localAddress = addressOrAny(port.localAddress, port.localPort);
    this.remoteAddress = port.remoteAddress === null
      ? undefined
      : InetAddress.from(formatAddress(port.remoteAddress), port.remotePort);
  }

  /** Names whom to tell. */
  start(events: TDgramEvents): void {
    this.#teller.start(events);
  }

  /** Stops taking datagrams out of the engine, whose queue is bounded, or goes on. */
  setReading(isReading: boolean): void {
    this.#isReading = isReading;
    this.#teller.soon();
  }

  /** Sends one datagram, once there is room. */
  async send(data: Uint8Array | Vector, to: TsocketAddress | undefined): Promise<void> {
    while (!this.#sendNow(data, to)) await new Promise<void>((resolve) => this.#whenWritable.push(resolve));
    this.#host.turn();
  }

  /** Sends as many as there is room for. */
  sendMany(datagrams: readonly OutDatagram[], from: number): number {
    let at = from;
    try {
      while (at < datagrams.length && this.#sendNow(datagrams[at]!.data, datagrams[at]!.to)) at++;
    } catch (thrown) {
      const { code, reason, blame, address, cause } = thrown as SocketError;
      const where = address === undefined ? {} : { address };
      throw new SocketError(reason, { code, blame, cause, ...where, syscall: "send", bytesTransferred: at - from });
    } finally {
      this.#host.turn();
    }
    this.#isBlocked = at < datagrams.length;
    return at - from;
  }

  /** Frees it; what was sent still goes. */
  close(): Promise<void> {
    if (!this.#isClosed) {
      this.#isClosed = true;
      this.#port.close();
      this.#host.left(this);
      this.#wake();
      this.#host.turn();
    }
    return Promise.resolve();
  }

  // events of the port

  /** Datagrams have come. */
  readable(): void {
    this.#teller.soon();
  }

  /** There is room. */
  writable(): void {
    this.#wake();
    if (!this.#isBlocked) return;
    this.#isBlocked = false;
    this.#isWritable = true;
    this.#teller.soon();
  }

  /** The network says something of what was sent. */
  failed({ code, cause }: L3L4Error, to: FlowPath): void {
    if (this.#errors.length >= MAX_UNTOLD_ERRORS) return;
    const destination = InetAddress.from(formatAddress(to.remoteAddress), to.remotePort);
    this.#errors.push({ code, destination, cause });
    this.#teller.soon();
  }

  /** It is over, because nothing came for too long. */
  closed(): void {
    this.#break(new SocketError("nothing came or went for too long", { code: "ETIMEDOUT" }));
  }

  /** The stack is over. */
  gone(reason: unknown): void {
    this.#break(socketError(reason));
  }

  #break(error: SocketError): void {
    if (this.#isClosed || this.#broken !== undefined) return;
    this.#broken = error;
    this.#host.left(this);
    this.#wake();
    this.#teller.soon();
  }

  #wake(): void {
    const waiting = this.#whenWritable;
    this.#whenWritable = [];
    for (const resolve of waiting) resolve();
  }

  #sendNow(data: Uint8Array | Vector, to: TsocketAddress | undefined): boolean {
    if (this.#isClosed) throw closedError("send");
    if (this.#broken !== undefined) throw this.#broken;
    const bytes = data instanceof Uint8Array ? data : data.length === 1 ? data[0]! : concat(data);
    try {
      return this.#port.send(bytes, this.#host.now(), to === undefined ? undefined : this.#target(to));
    } catch (thrown) {
      if (thrown instanceof SocketError) throw thrown;
      throw new SocketError((thrown as Error).message, {
        code: (thrown as { code?: string }).code ?? "EINVAL",
        syscall: "send",
        ...to === undefined ? {} : { address: to },
        cause: thrown,
      });
    }
  }

  #target(to: TsocketAddress): UdpTarget {
    if (to.kind !== "inet") throw new SocketError("only IP can be sent to", { code: "EAFNOSUPPORT", address: to });
    const plain = to.unmapped();
    const target = { remoteAddress: parseAddress(plain.address), remotePort: plain.port };
    if (this.#port.localAddress !== null) return target;
    const source = this.#sourceFor(plain);
    const localAddress = this.#answersFrom.get(plain.key) ?? (source && parseAddress(source.address));
    if (localAddress !== undefined) return { ...target, localAddress };
    const what = `there is no ${plain.family} address to send from`;
    throw new SocketError(what, { code: "EADDRNOTAVAIL", syscall: "send", address: to });
  }

  #tell(events: TDgramEvents): void {
    while (this.#isReading && !this.#isClosed) {
      const datagram = this.#port.receive();
      if (datagram === null) break;
      events.datagram(datagram.bytes, this.#sourceOf(datagram), false);
    }
    if (this.#isClosed) return;
    const errors = this.#errors;
    this.#errors = [];
    for (const error of errors) events.icmpError(error);
    if (this.#isWritable) {
      this.#isWritable = false;
      events.writable();
    }
    if (this.#broken === undefined || this.#isClosed) return;
    this.#isClosed = true;
    events.broken(this.#broken);
  }

  #sourceOf(datagram: UdpDatagram): InetAddress {
    if (this.remoteAddress !== undefined) return this.remoteAddress;
    const last = this.#lastFrom;
    if (last === undefined || !isSamePeer(last, datagram)) {
      this.#lastSource = InetAddress.from(formatAddress(datagram.remoteAddress), datagram.remotePort);
      this.#lastFrom = datagram;
      if (this.#port.localAddress === null) this.#remember(this.#lastSource.key, datagram.localAddress);
    }
    return this.#lastSource!;
  }

  #remember(key: string, localAddress: Uint8Array): void {
    this.#answersFrom.delete(key);
    if (this.#answersFrom.size >= MAX_ANSWERS_FROM) {
      this.#answersFrom.delete(this.#answersFrom.keys().next().value!);
    }
    this.#answersFrom.set(key, localAddress);
  }
}

function addressOrAny(address: Uint8Array | null, port: number): InetAddress {
  return InetAddress.from(address === null ? "::" : formatAddress(address), port);
}

function isSamePeer(a: UdpDatagram, b: UdpDatagram): boolean {
  return a.remotePort === b.remotePort && isSame(a.remoteAddress, b.remoteAddress) &&
    isSame(a.localAddress, b.localAddress);
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
