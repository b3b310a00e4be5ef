/**
 * What the conformance suite needs of a runtime: a way to get two connected sockets, and what nature denies them.
 *
 * A rig hands out drivers; the sockets around them are made here, so that any case may bring its own clock.
 */
import type { Clock } from "../../../src/core/clock.ts";
import { StreamSocket } from "../../../src/tsocket/stream_socket.ts";
import type { TsocketRuntime, TStreamDriver } from "../../../src/tsocket/driver_types.ts";
import type { ConnectOptions, ListenOptions, SocketTarget, TStreamOptions } from "../../../src/tsocket/option_types.ts";
import type { TStream } from "../../../src/tsocket/types.ts";

/** What a rig's connections can do by nature. */
export interface StreamFeatures {
  /** Codes that a peer may see after `abort()`, best first: a reset, or what stands for it. */
  readonly abortCodes: readonly string[];
  /** Codes that connecting to {@linkcode StreamRig.deadAddress} may fail with. */
  readonly deadCodes: readonly string[];
  /** Both ends are in this process and share no system socket. */
  readonly isInProcess: boolean;
  /** Bytes arrive as they were written, unless there are many: no fault is injected. */
  readonly isWhole: boolean;
  /** Both ends have addresses. */
  readonly hasAddresses: boolean;
  /** TLS can be asked for. */
  readonly hasTls: boolean;
  /** A write that is under way goes on when the peer ends its side; else it fails, and is never lost silently. */
  readonly writesPastEnd: boolean;
  /** Share of the large amounts that cases move, from 0 to 1: rigs that move single bytes are slow. */
  readonly share: number;
  /** More than what fits between a writer and a reader that does not read, in bytes. */
  readonly flood: number;
}

/** Two connected drivers. */
export interface DriverPair {
  readonly a: TStreamDriver;
  readonly b: TStreamDriver;
}

/** Makes connections of one kind. */
export interface StreamRig {
  readonly name: string;
  readonly features: StreamFeatures;
  /** Two drivers that are connected; whoever asks closes them. */
  drivers(): Promise<DriverPair>;
  /** The runtime behind it, where connections are made by connecting and listening. */
  readonly runtime?: TsocketRuntime;
  /** An address that can be listened on, another one each time. */
  freshAddress?(): SocketTarget;
  /** An address where nobody listens. */
  deadAddress?(): SocketTarget;
}

/** A rig that can connect and listen. */
export type NetworkRig = StreamRig & Required<Pick<StreamRig, "runtime" | "freshAddress" | "deadAddress">>;

/** Whether a rig can connect and listen. */
export function isNetwork(rig: StreamRig): rig is NetworkRig {
  return rig.runtime !== undefined;
}

/** Options of {@linkcode openPair}, for each end. */
export interface PairOptions {
  readonly a?: TStreamOptions;
  readonly b?: TStreamOptions;
  readonly clock?: Clock;
  /** Put between driver and socket. */
  readonly wrap?: (driver: TStreamDriver, end: "a" | "b") => TStreamDriver;
}

/** Two connected sockets. */
export interface StreamPair {
  readonly a: TStream;
  readonly b: TStream;
}

/** Two connected, open sockets; {@linkcode closePair} frees them. */
export async function openPair(rig: StreamRig, options: PairOptions = {}): Promise<StreamPair> {
  const drivers = await rig.drivers();
  const internals = options.clock === undefined ? undefined : { clock: options.clock };
  const wrap = options.wrap ?? ((driver: TStreamDriver) => driver);
  const a = new StreamSocket(wrap(drivers.a, "a"), options.a, internals);
  const b = new StreamSocket(wrap(drivers.b, "b"), options.b, internals);
  await Promise.all([a.opened, b.opened]);
  return { a, b };
}

/** Frees both ends, whatever state they are in. */
export async function closePair({ a, b }: StreamPair): Promise<void> {
  a.abort();
  b.abort();
  await Promise.allSettled([a.closed, b.closed]);
}

/** Connects two drivers over a runtime: `a` is the one that connects. */
export async function runtimeDrivers(
  runtime: TsocketRuntime,
  on: SocketTarget,
  options: ListenOptions = {},
  connectOptions: ConnectOptions = {},
  client: TsocketRuntime = runtime,
): Promise<DriverPair> {
  const { signal } = new AbortController();
  const listener = await runtime.listen(on, options, signal);
  try {
    const accepted = new Promise<TStreamDriver>((resolve, reject) => {
      listener.start({ connection: resolve, acceptError: reject, broken: reject });
    });
    accepted.catch(() => {});
    const a = await client.connect(listener.localAddress, connectOptions, signal);
    return { a, b: await accepted };
  } finally {
    await listener.close();
  }
}

/** The same connections, seen from the side that accepted. */
export function reversed(rig: StreamRig): StreamRig {
  const drivers = async (): Promise<DriverPair> => {
    const { a, b } = await rig.drivers();
    return { a: b, b: a };
  };
  return { name: `${rig.name}, accepted side`, features: rig.features, drivers };
}
