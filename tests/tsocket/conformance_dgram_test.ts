import { bunRuntime } from "../../src/tsocket/drivers/bun/runtime.ts";
import { denoRuntime } from "../../src/tsocket/drivers/deno/runtime.ts";
import { MemoryNetwork } from "../../src/tsocket/drivers/memory/mod.ts";
import { nodeRuntime } from "../../src/tsocket/drivers/node/runtime.ts";
import { dgramSuite } from "./conformance/dgram_suite.ts";
import { foreignSuite } from "./conformance/foreign_suite.ts";
import { withLeakTest } from "./conformance/group.ts";
import { udpRig } from "./conformance/socket_rigs.ts";

const isDeno = "Deno" in globalThis;
/** Only with `--unstable-net`; without it Deno's runtime takes `node:dgram`. */
const hasDenoDatagrams = "listenDatagram" in ((globalThis as { Deno?: object }).Deno ?? {});

const rigs = [
  udpRig(new MemoryNetwork(), "memory network", { hasUnix: true }),
  // Deno's node:dgram does not connect, so that nobody tells of dead peers.
  udpRig(nodeRuntime, "node", { reportsDeadPeers: !isDeno }),
  // Elsewhere than on Bun these are Node's.
  udpRig(bunRuntime, "bun", { reportsDeadPeers: !isDeno }),
];
if (isDeno) rigs.push(udpRig(denoRuntime, "deno", { reportsDeadPeers: false, hasUnix: hasDenoDatagrams }));
for (const rig of rigs) withLeakTest(`${rig.name}, datagrams`, () => dgramSuite(rig));
if (!isDeno) foreignSuite(denoRuntime, ["datagrams"]);
