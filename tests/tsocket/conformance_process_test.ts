import { bunRuntime } from "../../src/tsocket/drivers/bun/runtime.ts";
import { denoRuntime } from "../../src/tsocket/drivers/deno/runtime.ts";
import { nodeRuntime } from "../../src/tsocket/drivers/node/runtime.ts";
import { processSuite } from "./conformance/process_suite.ts";

processSuite(nodeRuntime);
if ("Deno" in globalThis) processSuite(denoRuntime);
if ("Bun" in globalThis) processSuite(bunRuntime);
