/**
 * How long tickets live: the lifetime byte of Kerberos 4, and when a ticket is valid.
 *
 * @module
 */
import { RxkadError } from "./errors.ts";

const UNIT_SECONDS = 300;
const DAY = 86_400;
const MONTH = 30 * DAY;
const SKEW = 15 * 60;

/** The lifetime that never ends. */
export const NEVER_ENDS = 0xff;
/** The end of a ticket that never ends. */
export const NEVER = 0xffffffff;

/** Lifetimes of the bytes from 0x80 to 0xbf, in seconds: about 7 % more from one to the next. */
// deno-fmt-ignore
const LONG_LIFETIMES: readonly number[] = [
  38400, 41055, 43894, 46929, 50174, 53643, 57352, 61318, 65558, 70091, 74937, 80119, 85658, 91581, 97914, 104684,
  111922, 119661, 127935, 136781, 146239, 156350, 167161, 178720, 191077, 204289, 218415, 233517, 249664, 266926,
  285383, 305116, 326213, 348769, 372885, 398668, 426234, 455705, 487215, 520904, 556921, 595430, 636601, 680618,
  727680, 777995, 831789, 889303, 950794, 1016537, 1086825, 1161973, 1242318, 1328218, 1420057, 1518247, 1623226,
  1735464, 1855462, 1983758, 2120925, 2267576, 2424367, 2592000,
];

/** When a ticket with this lifetime byte ends, in seconds since 1970. */
export function endOf(start: number, lifetime: number): number {
  if (lifetime === NEVER_ENDS) return NEVER;
  if (lifetime < 0x80) return start + lifetime * UNIT_SECONDS;
  return start + (LONG_LIFETIMES[lifetime - 0x80] ?? MONTH);
}

/** The smallest lifetime byte for a ticket of `seconds`; more than 30 days are as 30 days. */
export function lifetimeOf(seconds: number): number {
  if (seconds <= 0x7f * UNIT_SECONDS) return Math.max(0, Math.ceil(seconds / UNIT_SECONDS));
  const at = LONG_LIFETIMES.findIndex((long) => long >= seconds);
  return 0x80 + (at < 0 ? LONG_LIFETIMES.length - 1 : at);
}

/**
 * Checks that a ticket is valid, with a quarter of an hour for clocks that differ.
 *
 * @param now seconds since 1970
 * @throws {RxkadError} `RXKADBADTICKET` for times that make no sense, `RXKADEXPIRED`, `RXKADNOAUTH` before its time
 */
export function checkTimes(start: number, end: number, now: number): void {
  if (start >= end) throw new RxkadError("RXKADBADTICKET", "the ticket ends before it begins");
  if (start > now + SKEW + MONTH) throw new RxkadError("RXKADBADTICKET", "the ticket begins in a far future");
  if (start !== 0 && end !== NEVER && end - start > MONTH) {
    throw new RxkadError("RXKADBADTICKET", "the ticket is for more than 30 days");
  }
  if (end !== NEVER && end + SKEW < now) {
    const isOld = start < now - 31 * DAY;
    throw new RxkadError(isOld ? "RXKADBADTICKET" : "RXKADEXPIRED", "the ticket has expired");
  }
  if (start - SKEW > now) throw new RxkadError("RXKADNOAUTH", "the ticket is not valid yet");
}
