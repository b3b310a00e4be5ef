/**
 * `leat tun`: a TCP/IP endpoint behind a network interface of Linux.
 *
 * @module
 */
import { guarded } from "./bpf/program_source.ts";
import { UsageError } from "./io.ts";
import type { CommandSpec } from "./options.ts";
import { TUN_DETAILS, TUN_OPTIONS } from "./tun/tun_options.ts";
import { runTun } from "./tun/tun_session.ts";
import { tunCommandSettings } from "./tun/tun_command_settings.ts";

/** The command. */
export const tunCommand: CommandSpec = {
  name: "tun",
  usage: "OPTIONS",
  summary: "Answer for any address behind a TUN interface",
  details: TUN_DETAILS,
  options: TUN_OPTIONS,
  run: (operands, values, io) => {
    if (operands.length > 0) throw new UsageError(`tun takes options only, got ${JSON.stringify(operands[0])}`);
    return guarded(io, values, async () => await runTun(await tunCommandSettings(values), values, io));
  },
};
