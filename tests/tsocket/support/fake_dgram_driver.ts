/** A datagram driver by hand: tests say what comes and when a send is done, and see what was asked for. */
import type { SocketError } from "../../../src/tsocket/errors.ts";
import { InetAddress } from "../../../src/tsocket/inet_address.ts";
import type { TDgramDriver, TDgramEvents } from "../../../src/tsocket/driver_types.ts";
import type { DatagramError, OutDatagram, TsocketAddress, Vector } from "../../../src/tsocket/types.ts";

/** A send that the driver was asked for. */
export interface FakeSend {
  readonly data: Uint8Array | Vector;
  readonly to: TsocketAddress | undefined;
  done(): void;
  fail(error: unknown): void;
}

/** What may be different. */
export interface FakeDgramOptions {
  localAddress?: TsocketAddress | undefined;
  remoteAddress?: TsocketAddress | undefined;
  maxDatagramSize?: number;
  gatherLimit?: number;
  /** Leave sends undone until the test says so; else they are done at once. */
  holdsSends?: boolean;
  /** How many `sendMany` takes per call, or what it throws; there is none without. */
  sendMany?: (count: number) => number;
  hasMulticast?: boolean;
}

/** The driver. */
export class FakeDgramDriver implements TDgramDriver {
  readonly kind: string = "fake";
  readonly localAddress: TsocketAddress | undefined;
  readonly remoteAddress: TsocketAddress | undefined;
  readonly maxDatagramSize: number;
  readonly gatherLimit?: number;
  readonly sends: FakeSend[] = [];
  /** First bytes of what was taken, by `send` or `sendMany`. */
  readonly taken: number[] = [];
  readonly calls: string[] = [];
  /** Sends under way, and the most there ever were. */
  inFlight = 0;
  mostInFlight = 0;
  starts = 0;
  closes = 0;
  readonly sendMany?: (datagrams: readonly OutDatagram[], from: number) => number;
  readonly joinMulticast?: (group: string, networkInterface: string | undefined) => void;
  readonly leaveMulticast?: (group: string, networkInterface: string | undefined) => void;
  readonly #holdsSends: boolean;
  #events!: TDgramEvents;

  constructor(options: FakeDgramOptions = {}) {
    this.localAddress = "localAddress" in options ? options.localAddress : InetAddress.from("127.0.0.1", 5000);
    this.remoteAddress = options.remoteAddress;
    this.maxDatagramSize = options.maxDatagramSize ?? 65507;
    if (options.gatherLimit !== undefined) this.gatherLimit = options.gatherLimit;
    this.#holdsSends = options.holdsSends ?? false;
    const { sendMany } = options;
    if (sendMany !== undefined) {
      this.sendMany = (datagrams, from) => {
        this.calls.push(`sendMany ${datagrams.length - from}`);
        const count = sendMany(datagrams.length - from);
        for (const { data } of datagrams.slice(from, from + count)) this.taken.push(firstByte(data));
        return count;
      };
    }
    if (options.hasMulticast === true) {
      this.joinMulticast = (group, on) => this.calls.push(`join ${group} ${on}`);
      this.leaveMulticast = (group, on) => this.calls.push(`leave ${group} ${on}`);
    }
  }

  start(events: TDgramEvents): void {
    this.starts++;
    this.#events = events;
  }

  setReading(isReading: boolean): void {
    this.calls.push(`reading ${isReading}`);
  }

  send(data: Uint8Array | Vector, to: TsocketAddress | undefined): Promise<void> {
    this.inFlight++;
    this.mostInFlight = Math.max(this.mostInFlight, this.inFlight);
    return new Promise((resolve, reject) => {
      const done = (): void => {
        this.inFlight--;
        this.taken.push(firstByte(data));
        resolve();
      };
      const fail = (error: unknown): void => {
        this.inFlight--;
        reject(error);
      };
      this.sends.push({ data, to, done, fail });
      if (!this.#holdsSends) queueMicrotask(done);
    });
  }

  close(): Promise<void> {
    this.closes++;
    return Promise.resolve();
  }

  setRef(isRef: boolean): void {
    this.calls.push(`ref ${isRef}`);
  }

  /** A datagram comes. */
  come(data: Uint8Array, source?: TsocketAddress, truncated = false): void {
    this.#events.datagram(data, source, truncated);
  }

  /** There is room again. */
  drain(): void {
    this.#events.writable();
  }

  /** The network reports an error. */
  report(error: DatagramError): void {
    this.#events.icmpError(error);
  }

  /** The socket breaks. */
  break(error: SocketError): void {
    this.#events.broken(error);
  }
}

function firstByte(data: Uint8Array | Vector): number {
  const view = data instanceof Uint8Array ? data : data[0];
  return view?.[0] ?? -1;
}
