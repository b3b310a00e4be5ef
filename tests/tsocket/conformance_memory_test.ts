import { streamSuites } from "./conformance/group.ts";
import { memoryRigs } from "./conformance/memory_rigs.ts";

for (const rig of memoryRigs) streamSuites(rig);
