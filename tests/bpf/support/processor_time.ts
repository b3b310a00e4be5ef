/**
 * Time that this process has computed: unlike what a clock says, it stands still while others have the processor.
 *
 * @module
 */
import process from "node:process";

/** Milliseconds of processor time so far, of all threads. */
export function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
