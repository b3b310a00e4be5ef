/**
 * Numbers for people: counts, sizes, durations, times of packets.
 *
 * Not here: locales. Digits are grouped by a comma everywhere, so that output can be compared between machines.
 *
 * @module
 */
import type { Timestamp } from "../../packet/packet.ts";

const UNITS = ["B", "kB", "MB", "GB", "TB", "PB"] as const;

/** A count with its digits in groups: `1,234,567`. */
export function formatCount(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** A size in bytes with three digits: `0 B`, `999 B`, `1.23 kB`, `12.3 MB`. Units are powers of 1000. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  // 999.5 would be written as 1000
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  const digits = unit === 0 ? 0 : value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
  return `${value.toFixed(digits)} ${UNITS[unit]}`;
}

/** A count and its noun: `1 packet`, `2 packets`. */
export function plural(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** A duration in milliseconds with a fitting unit: `0.42 ms`, `12.3 ms`, `1.20 s`, `3 min 20 s`, `2 h 5 min`. */
export function formatDuration(ms: number): string {
  if (ms < 99.95) return `${ms.toFixed(ms < 9.995 ? 2 : 1)} ms`;
  if (ms < 999.5) return `${ms.toFixed(0)} ms`;
  const seconds = ms / 1000;
  if (seconds < 59.95) return `${seconds.toFixed(seconds < 9.995 ? 2 : 1)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** Nanoseconds from one time to another as whole seconds and the rest; both negative when `to` is earlier. */
function between(from: Timestamp, to: Timestamp): { seconds: number; nanoseconds: number } {
  let seconds = to.seconds - from.seconds;
  let nanoseconds = to.nanoseconds - from.nanoseconds;
  if (seconds > 0 && nanoseconds < 0) {
    seconds--;
    nanoseconds += 1e9;
  } else if (seconds < 0 && nanoseconds > 0) {
    seconds++;
    nanoseconds -= 1e9;
  }
  return { seconds, nanoseconds };
}

/** Milliseconds from one time to another. */
export function elapsedMs(from: Timestamp, to: Timestamp): number {
  const { seconds, nanoseconds } = between(from, to);
  return seconds * 1000 + nanoseconds / 1e6;
}

/** Seconds from one time to another with six digits, rounded down: `0.000412`, `-1.500000`. */
export function formatOffset(from: Timestamp, to: Timestamp): string {
  const { seconds, nanoseconds } = between(from, to);
  const sign = seconds < 0 || nanoseconds < 0 ? "-" : "";
  const micros = Math.trunc(Math.abs(nanoseconds) / 1000);
  return `${sign}${Math.abs(seconds)}.${String(micros).padStart(6, "0")}`;
}

/** A time as a decimal number of seconds since 1970, exact: `1700000000.123456789`. */
export function formatTimestamp(time: Timestamp): string {
  return `${time.seconds}.${String(time.nanoseconds).padStart(9, "0")}`;
}

/** A time as a date in UTC, to the second: `2023-11-14 22:13:20 UTC`; in seconds since 1970 where no calendar reaches. */
export function formatDate(time: Timestamp): string {
  const date = new Date(time.seconds * 1000);
  if (Number.isNaN(date.getTime())) return `${formatTimestamp(time)} s`;
  return `${date.toISOString().slice(0, -5).replace("T", " ")} UTC`;
}
