/**
 * `leat mux`: a load balancer that balances by message.
 *
 * @module
 */
import { programOption } from "./bpf/program_parser.ts";
import { guarded } from "./bpf/program_source.ts";
import { UsageError } from "./io.ts";
import { MUX_DETAILS, MUX_OPTIONS } from "./mux/mux_options.ts";
import { MuxSession } from "./mux/mux_session.ts";
import { muxSettings } from "./mux/mux_settings.ts";
import type { CommandSpec } from "./options.ts";

/** The command. */
export const muxCommand: CommandSpec = {
  name: "mux",
  usage: "OPTIONS",
  summary: "Balance messages over backends",
  details: MUX_DETAILS,
  options: MUX_OPTIONS,
  run: async (operands, values, io) => {
    if (operands.length > 0) throw new UsageError(`mux takes options only, got ${JSON.stringify(operands[0])}`);
    return await guarded(io, values, async () => {
      const program = programOption(values, io);
      return await new MuxSession(muxSettings(values, program && await program), io, values["quiet"] === true).run();
    });
  },
};
