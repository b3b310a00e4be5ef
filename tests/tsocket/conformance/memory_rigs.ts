/** Rigs in memory: plain, with every kind of fault that loses nothing, and the network. */
import { MemoryNetwork, type MemoryStreamOptions, streamDriverPair } from "../../../src/tsocket/drivers/memory/mod.ts";
import { VirtualAddress } from "../../../src/tsocket/local_address.ts";
import { runtimeDrivers, type StreamFeatures, type StreamRig } from "./rig.ts";

const PLAIN: StreamFeatures = {
  abortCodes: ["ECONNRESET"],
  deadCodes: ["ECONNREFUSED"],
  isInProcess: true,
  isWhole: true,
  hasAddresses: true,
  hasTls: false,
  writesPastEnd: true,
  share: 1,
  flood: 1_000_000,
};

function memoryRig(name: string, features: Partial<StreamFeatures>, options: () => MemoryStreamOptions): StreamRig {
  const drivers: StreamRig["drivers"] = () => {
    const [a, b] = streamDriverPair(options());
    return Promise.resolve({ a, b });
  };
  return { name, features: { ...PLAIN, ...features }, drivers };
}

const FAULTY = { isWhole: false, share: 0.02, flood: 60_000 };
let seed = 0;

function networkRig(): StreamRig {
  const runtime = new MemoryNetwork();
  let count = 0;
  const freshAddress = (): VirtualAddress => VirtualAddress.from("memory", `server${count++}`);
  return {
    name: "memory network",
    features: PLAIN,
    runtime,
    freshAddress,
    deadAddress: () => VirtualAddress.from("memory", "nobody"),
    drivers: () => runtimeDrivers(runtime, freshAddress()),
  };
}

/** The rigs. */
export const memoryRigs: readonly StreamRig[] = [
  memoryRig("memory", {}, () => ({})),
  memoryRig("memory without direct reads", {}, () => ({ canReadInto: false, isEndNoticedLate: true })),
  memoryRig("memory with short reads and writes", FAULTY, () => ({
    capacityBytes: 4096,
    faults: { seed: seed++, shortReads: 0.5, shortWrites: 0.5, maxWriteBytes: 512 },
  })),
  memoryRig("memory byte by byte", { ...FAULTY, share: 0.002, flood: 5_000 }, () => ({
    capacityBytes: 4096,
    faults: { maxReadBytes: 1, maxWriteBytes: 7 },
  })),
  memoryRig("memory in chaos", FAULTY, () => ({
    capacityBytes: 8192,
    isEndNoticedLate: true,
    faults: { seed: seed++, shortReads: 0.3, shortWrites: 0.3, maxWriteBytes: 1000, delayTurns: 1, jitterTurns: 3 },
  })),
  networkRig(),
];
