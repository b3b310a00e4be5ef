import { streamSuites } from "./conformance/group.ts";
import { webRigs } from "./conformance/web_rigs.ts";

for (const rig of webRigs) streamSuites(rig);
