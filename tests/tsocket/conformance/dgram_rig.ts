/** What the datagram suite needs of a runtime. */
import type { Clock } from "../../../src/core/clock.ts";
import { dgramWith } from "../../../src/tsocket/open.ts";
import type { TsocketRuntime } from "../../../src/tsocket/driver_types.ts";
import type { DgramOptions } from "../../../src/tsocket/option_types.ts";
import type { TDgram, TsocketAddress } from "../../../src/tsocket/types.ts";

/** What a rig's datagram sockets can do by nature. */
export interface DgramFeatures {
  /** A connected socket learns that nobody listens at its peer. */
  readonly reportsDeadPeers: boolean;
  /** Unix datagrams exist. */
  readonly hasUnix: boolean;
  /** Longest datagram. */
  readonly maxDatagramSize: number;
}

/** Makes datagram sockets of one kind. */
export interface DgramRig {
  readonly name: string;
  readonly runtime: TsocketRuntime;
  readonly features: DgramFeatures;
  /** Addresses to bind to, each time new ones: one per family that there is. */
  freshAddresses(): readonly TsocketAddress[];
  /** An address where nobody receives. */
  deadAddress(): TsocketAddress;
}

/** Opens sockets for `body` and closes them. */
export async function withDgrams(
  rig: DgramRig,
  body: (open: (options?: DgramOptions, clock?: Clock) => Promise<TDgram>) => Promise<void>,
): Promise<void> {
  const opened: TDgram[] = [];
  try {
    await body(async (options = {}, clock) => {
      const bound = { localAddress: rig.freshAddresses()[0], ...options };
      const socket = dgramWith(rig.runtime, bound, { clock });
      opened.push(socket);
      await socket.opened;
      return socket;
    });
  } finally {
    await Promise.allSettled(opened.map((socket) => socket.close()));
  }
}
