/**
 * The arithmetic and the printing of figures; no measuring.
 *
 * @module
 */

/** Where a repeated measurement lies. */
export interface Spread {
  /** The middle value. */
  median: number;
  /** The smallest value. */
  min: number;
  /** The largest value. */
  max: number;
}

/** What a figure must reach: at least (or at most) so many times its baseline. */
export interface Goal {
  /** Figure divided by baseline. */
  ratio: number;
  /**
   * Whether more is better or less is.
   *
   * @default {"at least"}
   */
  bound?: "at least" | "at most";
}

/** One figure, as `--json` prints it. */
export interface Result {
  /** Benchmark and figure: `stages/64 B, batch stage`. */
  name: string;
  /** Runtime and version: `node 20.1.2`. */
  runtime: string;
  /** Median. */
  value: number;
  /** Unit of `value`, `min`, `max` and `baseline`. */
  unit: string;
  /** Smallest value of all repetitions. */
  min: number;
  /** Largest value of all repetitions. */
  max: number;
  /** What the figure is compared to. */
  baselineName: string | null;
  /** Median of the baseline, measured in the same run. */
  baseline: number | null;
  /** Median of the ratios of the repetitions, each to the baseline's repetition beside it. */
  ratio: number | null;
  /** Ratio to reach. */
  goal: number | null;
  /** Whether `ratio` must be at least or at most `goal`. */
  bound: "at least" | "at most" | null;
  /** What `value` itself must reach, whatever the baseline does. */
  least: number | null;
  /** What `value` is to reach on a quiet machine, where the goal is scaled to this one. */
  whenQuiet?: number;
  /** What nothing in the figure's form can be faster than. */
  limitName?: string;
  /** That, divided by the baseline. */
  limitRatio?: number;
  /** Whether what limits it does not reach the goal either: the goal is missed, and no code in this form would meet it. */
  isOutOfReach?: boolean;
  /** Whether the goals are met, whatever limits them; null where there is none. */
  met: boolean | null;
}

/**
 * Median and extremes of at least one value.
 *
 * @throws {RangeError} when there is no value
 */
export function spreadOf(values: readonly number[]): Spread {
  if (values.length === 0) throw new RangeError("a spread needs at least one value");
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
  return { median, min: sorted[0]!, max: sorted[sorted.length - 1]! };
}

/**
 * The median of the ratios of values measured side by side. A busy moment slows both of a pair, so it hardly moves
 * their ratio; the ratio of the two medians it would move.
 *
 * @throws {RangeError} when the lists are empty or of different length
 */
export function pairedRatio(values: readonly number[], baselines: readonly number[]): number {
  if (values.length !== baselines.length) throw new RangeError("every value needs a baseline");
  return spreadOf(values.map((value, index) => value / baselines[index]!)).median;
}

/** Says whether a ratio reaches a goal. */
export function isMet(ratio: number, goal: Goal): boolean {
  return goal.bound === "at most" ? ratio <= goal.ratio : ratio >= goal.ratio;
}

/** The same result with what limits it. A goal that the limit does not reach either is missed all the same. */
export function limited<R extends Omit<Result, "runtime">>(result: R, limitName: string, limitRatio: number): R {
  const { goal, met } = result;
  return { ...result, limitName, limitRatio, isOutOfReach: met === false && goal !== null && limitRatio < goal };
}

const PREFIXES: readonly [number, string][] = [[1e9, "G"], [1e6, "M"], [1e3, "k"]];

/** A number with three digits and a prefix: `23.1 M`. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  for (const [size, prefix] of PREFIXES) {
    if (Math.abs(value) >= size * 0.9995) return `${threeDigits(value / size)} ${prefix}`;
  }
  return `${threeDigits(value)} `;
}

function threeDigits(value: number): string {
  const size = Math.abs(value);
  return value.toFixed(size >= 99.95 || value === 0 ? 0 : size >= 9.995 ? 1 : size >= 0.9995 ? 2 : 3);
}

/** One line for people. */
export function formatResult(result: Result): string {
  const { value, unit, min, max, baselineName, baseline, ratio, goal, bound, least, met, limitName, limitRatio } =
    result;
  const isOutOfReach = result.isOutOfReach === true;
  const figure = `${formatNumber(value)}${unit}`.padEnd(18);
  const spread = `[${formatNumber(min).trim()} .. ${formatNumber(max).trim()}]`.padEnd(21);
  const compared = ratio === null
    ? ""
    : `${ratio.toFixed(ratio < 10 ? 3 : 1)} of ${baselineName} (${formatNumber(baseline!)}${unit})`;
  const goals = [
    ...ratio === null || goal === null ? [] : [`${bound} ${goal}`],
    ...least === null ? [] : [`at least ${formatNumber(least)}${unit}`],
  ];
  const verdict = met ? "met" : isOutOfReach ? "MISSED, out of reach of its form" : "MISSED";
  const judged = goals.length === 0 ? "" : `goal ${goals.join(" and ")}: ${verdict}`;
  const bounded = limitRatio === undefined || ratio === null
    ? ""
    : `${limitName} makes ${limitRatio.toFixed(3)} of it, this ${(ratio / limitRatio).toFixed(3)} of that`;
  const { whenQuiet } = result;
  const unscaled = whenQuiet === undefined
    ? ""
    : `unscaled ${formatNumber(whenQuiet)}${unit}: ${value >= whenQuiet ? "reached" : "not reached here"}`;
  // where the number to reach depends on the machine, the reader is told what this machine allows
  const isTooMuch = least !== null && met === false && baseline !== null && baseline < least;
  const bare = isTooMuch ? `${baselineName} does not make it either` : "";
  const rest = [compared, judged, unscaled, bare, bounded].filter((part) => part !== "").join(", ");
  return `${result.name.padEnd(60)} ${figure} ${spread} ${rest}`.trimEnd();
}
