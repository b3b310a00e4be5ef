/**
 * What a report is: a view that turns what it is told into text for standard output.
 *
 * @module
 */
import type { CaptureSummary } from "./pipeline.ts";
import type { ChannelTotals, LayerStats, TraceView } from "./trace_view.ts";

/** A file that is about to be read. */
export interface ReportedFile {
  /** Its name, `-` for standard input. */
  readonly name: string;
  /** Whether it comes while it is being captured, so that nothing may be held back. */
  readonly isLive: boolean;
  /** What is known of it so far; asked for when needed. */
  readonly summary: () => CaptureSummary;
}

/** What there is to say when a file is over. */
export interface ReportEnd {
  /** Totals of the channels. */
  readonly channels: readonly ChannelTotals[];
  /** What each layer did; only with `--stats`. */
  readonly stats: readonly LayerStats[] | undefined;
  /** Whether it was ended by an interrupt or `--limit`, so that there may be more in the file. */
  readonly isCut: boolean;
}

/** A view that writes text. */
export interface Report extends TraceView {
  /** The view is told about this file from now on. */
  begin(file: ReportedFile): void;
  /** Text that is ready, and is forgotten by this. */
  take(): string;
  /** The file is over; {@linkcode Report.take} gives the rest. */
  end(end: ReportEnd): void;
}
