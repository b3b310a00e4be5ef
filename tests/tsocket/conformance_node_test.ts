import { nodeRuntime } from "../../src/tsocket/drivers/node/runtime.ts";
import { streamSuites, withLeakTest } from "./conformance/group.ts";
import { reversed } from "./conformance/rig.ts";
import { tcpRig, tlsRig, unixRig } from "./conformance/socket_rigs.ts";
import { tlsSuite } from "./conformance/tls_suite.ts";

const isDeno = "Deno" in globalThis;
// In Deno's node:net a write that is under way when the peer ends fails with EPIPE, and its TLS forgets to tell the peer of
// an end behind much data; denoRuntime has neither fault.
const tcp = tcpRig(nodeRuntime, "node tcp", { writesPastEnd: !isDeno });
streamSuites(tcp);
streamSuites(reversed(tcp));
streamSuites(unixRig(nodeRuntime, "node unix", { hasTls: true }));
if (!isDeno) {
  streamSuites(tlsRig(nodeRuntime, "node tls"));
  withLeakTest(
    "node, tls",
    () =>
      tlsSuite({ name: "node", client: nodeRuntime, server: nodeRuntime, canServerStart: true, endsHandshakes: true }),
  );
}
