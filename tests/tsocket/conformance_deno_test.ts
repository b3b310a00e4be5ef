import { denoRuntime } from "../../src/tsocket/drivers/deno/runtime.ts";
import { nodeRuntime } from "../../src/tsocket/drivers/node/runtime.ts";
import { foreignSuite } from "./conformance/foreign_suite.ts";
import { streamSuites, withLeakTest } from "./conformance/group.ts";
import { mixedRig, tcpRig, tlsRig, unixRig } from "./conformance/socket_rigs.ts";
import { tlsSuite } from "./conformance/tls_suite.ts";

if (!("Deno" in globalThis)) {
  foreignSuite(denoRuntime, ["streams"]);
} else {
  // Deno cannot reset a connection: it is closed, which the system turns into a reset where bytes are left unread.
  const abortCodes = ["EOF", "ECONNRESET"];
  streamSuites(tcpRig(denoRuntime, "deno tcp", { abortCodes }));
  streamSuites(mixedRig(nodeRuntime, denoRuntime, "deno tcp, peer of node"));
  streamSuites(unixRig(denoRuntime, "deno unix"));
  streamSuites(tlsRig(denoRuntime, "deno tls"));
  withLeakTest(
    "deno, tls",
    () =>
      tlsSuite({
        name: "deno",
        client: denoRuntime,
        server: denoRuntime,
        canServerStart: false,
        endsHandshakes: false,
      }),
  );
}
