/**
 * What is thrown inside of a run that touches what is not its own; the run ends with `EFAULT`.
 *
 * @module
 */

/** Ends a run. No error of the API: what runs the program turns it into one. */
export class AccessFault extends Error {
  /** Code of the run's failure. */
  readonly code = "EFAULT";

  /** Makes it. */
  constructor() {
    super("a helper was given what is not the program's own");
  }
}

/** What is wrong with a load or store that is not allowed; `isReadable` where a load would have been. */
export function refusalOfAccess(isReadable: boolean): string {
  return isReadable ? "a store is where the program may only read" : "an access is outside of the program's memory";
}
