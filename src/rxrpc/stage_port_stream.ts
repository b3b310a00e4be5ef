/**
 * An endpoint without a socket: a stage that datagrams are piped through. Internal.
 *
 * @module
 */
import type { UdpMessage } from "../tsocket/types.ts";
import type { RxOutgoing } from "./endpoint_driver_stream.ts";
import type { RxDatagram } from "./ports.ts";
import { type Deferred, deferred } from "../stream/deferred.ts";

/** Datagrams that may wait to be read, before the endpoint makes no more. */
const HIGH_WATER_MARK = 64;

/** What happens at the stage. */
export interface StageEvents {
  /** A datagram has come. */
  came(datagrams: readonly RxDatagram[]): void;
  /** No more come, or nobody wants those that go. */
  ended(): Promise<void>;
  /** Whatever brings them has failed. */
  broke(reason: unknown): Promise<void>;
}

/** The pair of streams. */
export class StagePort {
  /** Datagrams that go. */
  readonly readable: ReadableStream<UdpMessage>;
  /** Datagrams that come. */
  readonly writable: WritableStream<UdpMessage>;
  #controller!: ReadableStreamDefaultController<UdpMessage>;
  #room: Deferred<void> | undefined;
  #isOver = false;

  /** Makes the streams. */
  constructor(events: StageEvents) {
    this.readable = new ReadableStream<UdpMessage>({
      start: (controller) => {
        this.#controller = controller;
      },
      pull: () => this.#offerRoom(),
      cancel: () => {
        this.#isOver = true;
        this.#offerRoom();
        return events.ended();
      },
    }, { highWaterMark: HIGH_WATER_MARK });
    this.writable = new WritableStream<UdpMessage>({
      write: ({ data, remoteAddress, remotePort }) => {
        if (remoteAddress === undefined || remotePort === undefined) throw new TypeError("a datagram without a sender");
        events.came([{ data, from: { address: remoteAddress, port: remotePort } }]);
      },
      close: () => events.ended(),
      abort: (reason) => events.broke(reason),
    });
  }

  /** Sends; a promise says when more may come. */
  send(datagrams: readonly RxOutgoing[]): Promise<void> | undefined {
    if (this.#isOver) return undefined;
    for (const { data, to } of datagrams) {
      this.#controller.enqueue({ data, remoteAddress: to.address, remotePort: to.port });
    }
    if ((this.#controller.desiredSize ?? 0) > 0) return undefined;
    this.#room = deferred<void>();
    return this.#room.promise;
  }

  /** No more go. */
  close(): Promise<void> {
    if (!this.#isOver) this.#controller.close();
    this.#isOver = true;
    return Promise.resolve();
  }

  #offerRoom(): void {
    this.#room?.resolve();
    this.#room = undefined;
  }
}
