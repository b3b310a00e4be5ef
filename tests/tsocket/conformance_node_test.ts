import { nodeRuntime } from "../../src/tsocket/drivers/node/runtime.ts";
import { streamSuites, withLeakTest } from "./conformance/group.ts";
import { reversed } from "./conformance/rig.ts";
import { tcpRig, tlsRig, unixRig } from "./conformance/socket_rigs.ts";
import { tlsSuite } from "./conformance/tls_suite.ts";

const tcp = tcpRig(nodeRuntime, "node tcp");
streamSuites(tcp);
streamSuites(reversed(tcp));
streamSuites(unixRig(nodeRuntime, "node unix", { hasTls: true }));
streamSuites(tlsRig(nodeRuntime, "node tls"));
withLeakTest(
  "node, tls",
  () =>
    tlsSuite({ name: "node", client: nodeRuntime, server: nodeRuntime, canServerStart: true, endsHandshakes: true }),
);
