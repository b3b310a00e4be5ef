/** Rigs of real sockets: TCP on loopback and unix sockets, over any runtime. */
import { writeFileSync } from "node:fs";
import process from "node:process";
import { InetAddress } from "../../../src/tsocket/inet_address.ts";
import { UnixAddress } from "../../../src/tsocket/local_address.ts";
import type { TsocketRuntime } from "../../../src/tsocket/driver_types.ts";
import type { DgramFeatures, DgramRig } from "./dgram_rig.ts";
import { freshSocketPath, removeSocketPathsAfter } from "../support/socket_paths.ts";
import { type NetworkRig, runtimeDrivers, type StreamFeatures, type StreamRig } from "./rig.ts";
import { CLIENT, SERVER } from "./tls_suite.ts";

/** More than what two systems' buffers hold between a writer and a reader of TCP on loopback. */
const FLOOD_BYTES = 24_000_000;

const TCP: StreamFeatures = {
  abortCodes: ["ECONNRESET"],
  deadCodes: ["ECONNREFUSED"],
  isInProcess: false,
  isWhole: true,
  hasAddresses: true,
  hasTls: true,
  writesPastEnd: true,
  share: 1,
  flood: FLOOD_BYTES,
};

/** TCP on 127.0.0.1. */
export function tcpRig(runtime: TsocketRuntime, name: string, features: Partial<StreamFeatures> = {}): NetworkRig {
  const freshAddress = (): InetAddress => InetAddress.from("127.0.0.1", 0);
  return {
    name,
    features: { ...TCP, ...features },
    runtime,
    freshAddress,
    // Nobody has listened on port 1 for decades, and no program gets it by chance.
    deadAddress: () => InetAddress.from("127.0.0.1", 1),
    drivers: () => runtimeDrivers(runtime, freshAddress()),
  };
}

/** Unix sockets. */
export function unixRig(runtime: TsocketRuntime, name: string, features: Partial<StreamFeatures> = {}): NetworkRig {
  removeSocketPathsAfter();
  const freshAddress = (): UnixAddress => UnixAddress.from(freshSocketPath());
  return {
    name,
    // A system that knows no reset for them ends them instead, unless bytes are left unread.
    features: {
      ...TCP,
      abortCodes: ["EOF", "ECONNRESET"],
      hasAddresses: false,
      hasTls: false,
      flood: 4_000_000,
      ...features,
    },
    runtime,
    freshAddress,
    deadAddress: () => {
      const path = freshSocketPath();
      writeFileSync(path, "");
      return UnixAddress.from(path);
    },
    drivers: () => runtimeDrivers(runtime, freshAddress()),
  };
}

/** Datagrams on loopback. */
export function udpRig(runtime: TsocketRuntime, name: string, features: Partial<DgramFeatures> = {}): DgramRig {
  return {
    name,
    runtime,
    features: { reportsDeadPeers: process.platform !== "win32", hasUnix: false, maxDatagramSize: 65507, ...features },
    freshAddresses: () => [InetAddress.from("127.0.0.1", 0), InetAddress.from("::1", 0)],
    deadAddress: () => InetAddress.from("127.0.0.1", 1),
  };
}

/** TCP between two runtimes: `a` connects over the one, `b` accepts over the other. */
export function mixedRig(
  client: TsocketRuntime,
  server: TsocketRuntime,
  name: string,
  features: Partial<StreamFeatures> = {},
): StreamRig {
  return {
    name,
    features: { ...TCP, ...features },
    drivers: () => runtimeDrivers(server, InetAddress.from("127.0.0.1", 0), {}, {}, client),
  };
}

/** TLS on TCP. */
export function tlsRig(runtime: TsocketRuntime, name: string, features: Partial<StreamFeatures> = {}): StreamRig {
  return {
    name,
    features: {
      ...TCP,
      // Without a reset TLS is cut off, which runtimes call an end or an unexpected one.
      abortCodes: ["ECONNRESET", "EOF", "EUNEXPECTEDEOF"],
      share: 0.3,
      ...features,
    },
    drivers: () => runtimeDrivers(runtime, InetAddress.from("127.0.0.1", 0), { tls: SERVER }, CLIENT),
  };
}
