/** Rigs over web streams: two transform streams, the streams of sockets in memory, and these as WinterTC sockets. */
import { streamPair } from "../../../src/tsocket/drivers/memory/mod.ts";
import { fromSocket, fromStreams } from "../../../src/tsocket/drivers/web/mod.ts";
import type { StreamFeatures, StreamRig } from "./rig.ts";

const FEATURES: StreamFeatures = {
  abortCodes: ["ECONNRESET"],
  deadCodes: [],
  isInProcess: true,
  isWhole: true,
  hasAddresses: false,
  hasTls: false,
  writesPastEnd: true,
  share: 0.3,
  flood: 1_000_000,
};

/** One that holds something, as connections do: by itself a transform stream takes a write only when somebody reads. */
function bufferedTransform(): TransformStream<Uint8Array, Uint8Array> {
  return new TransformStream<Uint8Array, Uint8Array>(
    undefined,
    undefined,
    new ByteLengthQueuingStrategy({ highWaterMark: 65536 }),
  );
}

/** The rigs. */
export const webRigs: readonly StreamRig[] = [
  {
    name: "web streams",
    features: FEATURES,
    drivers: () => {
      const there = bufferedTransform();
      const back = bufferedTransform();
      return Promise.resolve({
        a: fromStreams({ readable: back.readable, writable: there.writable }),
        b: fromStreams({ readable: there.readable, writable: back.writable }),
      });
    },
  },
  {
    name: "web streams of sockets",
    features: FEATURES,
    drivers: () => {
      const [a, b] = streamPair({ stream: { allowHalfOpen: true } });
      return Promise.resolve({ a: fromStreams(a), b: fromStreams(b) });
    },
  },
  {
    name: "WinterTC sockets",
    features: { ...FEATURES, hasAddresses: true },
    drivers: async () => {
      const [a, b] = streamPair({ stream: { allowHalfOpen: true } });
      const { signal } = new AbortController();
      return { a: await fromSocket(a, signal), b: await fromSocket(b, signal) };
    },
  },
];
