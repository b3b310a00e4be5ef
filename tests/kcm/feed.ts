/** What the tests of the streams share: connections that are fed by hand, and notes of how they end. */
import {
  type ConnectionOutcome,
  type FlowOrigin,
  type KcmConnection,
  type KcmMessage,
  Multiplexor,
  type MultiplexorOptions,
} from "../../src/kcm/mod.ts";
import { collect } from "../support/streams.ts";
import { bodyOf, wire } from "./support.ts";

/** A readable that is fed by hand, and tells what was asked and cancelled. */
export class Feed {
  readonly readable: ReadableStream<Uint8Array>;
  cancelled: { reason: unknown } | undefined;
  controller!: ReadableStreamDefaultController<Uint8Array>;
  pulls = 0;

  constructor() {
    this.readable = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.controller = controller;
      },
      pull: () => {
        this.pulls++;
      },
      cancel: (reason) => {
        this.cancelled = { reason };
      },
    }, { highWaterMark: 0 });
  }

  send(...bodies: string[]): void {
    this.controller.enqueue(wire(...bodies));
  }
}

/** A multiplexor that notes how its connections end. */
export function noting(options: MultiplexorOptions = {}): { kcm: Multiplexor; ends: [number, unknown][] } {
  const ends: [number, unknown][] = [];
  const onConnectionEnd = ({ id }: KcmConnection, { error }: ConnectionOutcome): void => {
    ends.push([id, error]);
  };
  return { kcm: new Multiplexor({ ...options, onConnectionEnd }), ends };
}

export async function bodies(readable: ReadableStream<KcmMessage>): Promise<string[]> {
  return (await collect(readable)).map(bodyOf);
}

/** What a flow of the flow layer tells of itself. */
export function flowOf(protocol: "tcp" | "udp"): FlowOrigin {
  const time = { seconds: 1, nanoseconds: 0 };
  const [client, server] = [{ address: "192.0.2.1", port: 40_000 }, { address: "192.0.2.2", port: 53 }];
  return {
    id: 1,
    key: { protocol, client, server },
    startedAt: time,
    lastAt: time,
    complete: true,
    endedBy: undefined,
  };
}
