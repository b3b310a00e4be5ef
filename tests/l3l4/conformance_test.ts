/** Connections of a stack as sockets of `./tsocket`: all that those have to do. */
import { streamSuites } from "../tsocket/conformance/group.ts";
import { runtimeDrivers, type StreamFeatures, type StreamRig } from "../tsocket/conformance/rig.ts";
import { L3L4 } from "../../src/l3l4/l3l4_stream.ts";
import { InetAddress } from "../../src/tsocket/inet_address.ts";

const FEATURES: StreamFeatures = {
  abortCodes: ["ECONNRESET"],
  deadCodes: ["ECONNREFUSED"],
  isInProcess: true,
  isWhole: false,
  hasAddresses: true,
  hasTls: false,
  writesPastEnd: true,
  share: 0.03,
  flood: 2_000_000,
};

function stackRig(): StreamRig {
  // what only waits must not be taken for something left open
  const options = { timeWaitMs: 50, finWaitMs: 50 };
  const left = new L3L4({ ...options, addresses: ["10.0.0.1"] });
  const right = new L3L4(options);
  left.readable.pipeTo(right.writable).catch(() => {});
  right.readable.pipeTo(left.writable).catch(() => {});
  const client = left.runtime();
  const server = right.runtime();
  let port = 7;
  const freshAddress = (): InetAddress => InetAddress.from("10.0.0.2", port++);
  return {
    name: "two stacks",
    features: FEATURES,
    runtime: {
      name: "two stacks",
      connect: client.connect.bind(client),
      listen: server.listen.bind(server),
      dgram: client.dgram.bind(client),
    },
    freshAddress,
    deadAddress: () => InetAddress.from("10.0.0.2", 1),
    drivers: () => runtimeDrivers(server, freshAddress(), {}, {}, client),
  };
}

streamSuites(stackRig());
