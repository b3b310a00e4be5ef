/** What is done with the kernel and with the engine alike. */
import { failures } from "./failure_scenarios.ts";
import { naive, programs } from "./program_scenarios.ts";
import type { Scenario } from "./scenario.ts";
import { sending } from "./sending_scenarios.ts";
import { reading, steering } from "./steering_scenarios.ts";

/** The table. */
export const scenarios: readonly Scenario[] = [...steering, ...reading, ...failures, ...sending, ...programs, ...naive];
