/**
 * `leat trace`: captures through all layers, and what comes out.
 *
 * @module
 */
import { programOption } from "./bpf/program_parser.ts";
import { guarded } from "./bpf/program_source.ts";
import { CaptureOutput } from "./capture_output.ts";
import { plural } from "./format/bytes.ts";
import { type Paint, paintFor } from "./format/color.ts";
import { type CliIo, ExitCode, type FileOutput, type Input, outputProblem, systemMessage, UsageError } from "./io.ts";
import { LimitedView } from "./limited_view.ts";
import type { CommandSpec } from "./options.ts";
import { Pipeline } from "./pipeline.ts";
import { problemLine, ProblemLog } from "./problem_log.ts";
import { rxSequencePlot } from "../rxrpc/mod.ts";
import { Progress } from "./progress.ts";
import type { Report } from "./report.ts";
import { JsonReport } from "./report_json.ts";
import { TextReport } from "./report_text.ts";
import { statsLines } from "./text_totals.ts";
import { TRACE_DETAILS, TRACE_OPTIONS, type TraceSettings, traceSettings, viewWidth } from "./trace_settings.ts";
import type { LayerStats, TraceView } from "./trace_view.ts";

/** The command. */
export const traceCommand: CommandSpec = {
  name: "trace",
  usage: "FILE...|-",
  summary: "Show the flows and messages in captures, live with -",
  details: TRACE_DETAILS,
  options: TRACE_OPTIONS,
  run: async (operands, values, io) => {
    if (operands.length === 0) throw new UsageError("no capture given: leat trace FILE, or - for standard input");
    return await guarded(io, values, async () => {
      // without a program nothing may be waited for: an interrupt could come before anybody listens
      const program = programOption(values, io);
      const settings = traceSettings(values, program && await program);
      return await new TraceSession(settings, operands, io).run();
    });
  },
};

const INTERRUPTED: unique symbol = Symbol("interrupted");

/** One run of `leat trace` over all its files. */
export class TraceSession {
  readonly #settings: TraceSettings;
  readonly #files: readonly string[];
  readonly #io: CliIo;
  readonly #report: Report;
  readonly #errorPaint: Paint;
  readonly #writesToStdout: boolean;
  readonly #output: CaptureOutput | undefined;
  #isFailure = false;
  #isInterrupted = false;
  /** Ends the wait that is going on. */
  #wake: (() => void) | undefined;

  /** A run over these files, shown by `report` or the one that the settings ask for. */
  constructor(settings: TraceSettings, files: readonly string[], io: CliIo, report?: Report) {
    this.#settings = settings;
    this.#files = files;
    this.#io = io;
    this.#writesToStdout = settings.write === "-";
    const { write } = settings;
    if (write !== undefined) {
      const create = (): Promise<FileOutput> => write === "-" ? Promise.resolve(stdoutFile(io)) : io.createFile(write);
      this.#output = new CaptureOutput(write, create, (what) => this.#complain(nameOfOutput(write), what));
    }
    this.#report = report ?? makeReport(settings, files.length > 1, io);
    this.#errorPaint = paintFor(settings.color, io.stderr.isTerminal, io.environment);
  }

  /** Runs it; returns the exit code. Throws {@linkcode UsageError} before anything is shown. */
  async run(): Promise<number> {
    await this.#checkUsage();
    const stopListening = this.#io.onInterrupt(() => {
      this.#isInterrupted = true;
      this.#wake?.();
    });
    try {
      for (const file of this.#files) {
        if (this.#isOver) break;
        await this.#traceFile(file);
      }
      await this.#output?.close();
      await this.#io.stdout.flush();
      this.#tellWritten();
    } finally {
      stopListening();
    }
    return this.#exitCode();
  }

  #tellWritten(): void {
    const { write, isQuiet } = this.#settings;
    const packets = this.#output?.written;
    const isLost = this.#writesToStdout && this.#io.stdout.failure !== undefined;
    if (packets === undefined || isLost || isQuiet) return;
    const what = `wrote ${plural(packets, "packet")} to ${nameOfOutput(write!)}`;
    this.#io.stderr.write(problemLine(undefined, what, this.#errorPaint));
  }

  get #isOver(): boolean {
    return this.#isInterrupted || this.#io.stdout.failure !== undefined;
  }

  async #checkUsage(): Promise<void> {
    const { write, plot } = this.#settings;
    const stdins = this.#files.filter((file) => file === "-").length;
    if (stdins > 1) throw new UsageError("standard input can be read only once");
    if (stdins > 0 && this.#io.isStdinTerminal) {
      throw new UsageError(
        "standard input is a terminal; pipe a capture into it: tcpdump --immediate-mode -U -w - | leat trace -",
      );
    }
    if (plot !== undefined && this.#files.length > 1) throw new UsageError("--plot takes one capture");
    for (const file of this.#files) {
      if (plot === undefined || !await this.#io.isSameFile(file, plot)) continue;
      throw new UsageError(`--plot would overwrite ${file}, which is read`);
    }
    if (write === undefined) return;
    if (plot !== undefined && (write === plot || await this.#io.isSameFile(write, plot))) {
      throw new UsageError(`--write and --plot are one file, ${plot}`);
    }
    if (write === "-" && this.#io.stdout.isTerminal) {
      throw new UsageError("--write - would write a capture to the terminal; redirect it");
    }
    for (const file of this.#files) {
      if (write !== "-" && await this.#io.isSameFile(file, write)) {
        throw new UsageError(`--write would overwrite ${file === "-" ? "standard input" : file}, which is read`);
      }
    }
  }

  #exitCode(): number {
    if (this.#isInterrupted) return ExitCode.INTERRUPTED;
    const problem = outputProblem(this.#io);
    if (problem !== undefined) this.#complain(undefined, problem);
    else if (this.#io.stdout.failure !== undefined) return ExitCode.OK;
    return this.#isFailure ? ExitCode.FAILURE : ExitCode.OK;
  }

  async #traceFile(name: string): Promise<void> {
    let input: Input | typeof INTERRUPTED;
    try {
      const opened = name === "-" ? this.#io.openStdin() : this.#io.openFile(name);
      input = await this.#unlessInterrupted(opened);
    } catch (error) {
      return this.#complain(name, systemMessage(error));
    }
    if (input === INTERRUPTED) return;
    try {
      if (this.#output === undefined || await this.#output.open()) await this.#traceInput(name, input);
    } finally {
      await input.close();
    }
  }

  async #traceInput(name: string, input: Input): Promise<void> {
    const { isQuiet, showsStats, plot } = this.#settings;
    const log = new ProblemLog(name, isQuiet, this.#errorPaint);
    const { pipeline, view } = this.#makePipeline(log);
    this.#report.begin({ name, isLive: input.isLive, summary: () => pipeline.summary });
    const isWorthwhile = !isQuiet && Progress.isWorthwhile(this.#io.stderr, input.size);
    const progress = isWorthwhile ? new Progress(this.#io.stderr, input.size!, () => this.#io.now()) : undefined;
    const isWhole = await this.#pump(input, pipeline, view, log, progress);
    progress?.clear();
    pipeline.end();
    const { captureError } = pipeline;
    if (captureError !== undefined && !view.isFull && !this.#isOver) {
      const { layer, code, message, offset } = captureError;
      const where = { flow: undefined, direction: undefined, isExpected: false };
      view.problem({ layer, code, message, offset, ...where });
    }
    if (isWhole && pipeline.summary.format === undefined && captureError === undefined) {
      log.fail("empty, not a capture");
    }
    const { filter } = this.#settings;
    if (isWhole && pipeline.summary.wantedFlows === 0) log.note(`no flow fits --flow ${JSON.stringify(filter!.text)}`);
    const stats = showsStats ? pipeline.stats : undefined;
    const isCut = view.isFull || this.#isInterrupted;
    // a file that is no capture is worth one line, which follows
    if (pipeline.summary.format !== undefined) this.#report.end({ channels: pipeline.channels, stats, isCut });
    await this.#print(this.#report.take());
    if (stats !== undefined && this.#writesToStdout) this.#printStats(stats);
    if (plot !== undefined) await this.#plot(plot, pipeline, log);
    log.end();
    this.#io.stderr.write(log.take());
    await this.#output?.flush(pipeline.summary.interfaces);
    this.#isFailure ||= log.isFailure;
  }

  /** Draws the calls that were asked for. */
  async #plot(path: string, pipeline: Pipeline, log: ProblemLog): Promise<void> {
    const recorder = pipeline.recorder!;
    const { plotCalls } = this.#settings;
    const wanted = plotCalls.size === 0 ? [recorder.largest] : [...plotCalls].map((id) => recorder.calls.get(id));
    const calls = wanted.filter((call) => call !== undefined);
    const missing = [...plotCalls].filter((id) => !recorder.calls.has(id));
    if (calls.length < wanted.length) {
      log.fail(plotCalls.size === 0 ? "no calls to plot" : `--call: no call ${missing.join(", ")}`);
    }
    if (calls.length === 0) return;
    try {
      const file = await this.#io.createFile(path);
      await file.write(new TextEncoder().encode(rxSequencePlot(calls)));
      await file.close();
    } catch (error) {
      return this.#complain(path, systemMessage(error));
    }
    log.note(`drew ${plural(calls.length, "call")} into ${path}`);
    if (recorder.dropped > 0) log.note(`there was no room to record ${plural(recorder.dropped, "packet")} of calls`);
  }

  #makePipeline(log: ProblemLog): { pipeline: Pipeline; view: LimitedView } {
    const { show, filter, chooser, channels, maxMessageLength, limit, plot, plotCalls } = this.#settings;
    const report = this.#report;
    const both: TraceView = {
      packet: (packet) => report.packet(packet),
      segment: (segment) => report.segment(segment),
      flowOpened: (flow) => report.flowOpened(flow),
      flowDecided: (flow) => report.flowDecided(flow),
      message: (message) => report.message(message),
      data: (data) => report.data(data),
      call: (call) => report.call(call),
      flowClosed: (flow) => report.flowClosed(flow),
      problem: (problem) => {
        const told = { ...problem, message: optionNamed(problem.message, maxMessageLength) };
        report.problem(told);
        log.add(told);
      },
    };
    const view = new LimitedView(both, show, limit, () => pipeline.stop());
    const output = this.#output;
    const pipeline = new Pipeline({
      show,
      filter,
      chooser,
      channels,
      maxMessageLength,
      isLimited: limit !== Infinity,
      writePacket: output === undefined ? undefined : (packet) => output.push(packet),
      recordedCalls: plot === undefined ? undefined : plotCalls,
      now: () => this.#io.now(),
    }, view);
    return { pipeline, view };
  }

  /**
   * Reads until there is no more, nothing more is wanted, or nobody is there any more. Returns whether it came to the
   * end of the input.
   */
  async #pump(
    input: Input,
    pipeline: Pipeline,
    view: LimitedView,
    log: ProblemLog,
    progress: Progress | undefined,
  ): Promise<boolean> {
    let done = 0;
    while (!view.isFull && !this.#isOver && pipeline.captureError === undefined) {
      let chunk: Uint8Array | undefined | typeof INTERRUPTED;
      try {
        chunk = await this.#unlessInterrupted(input.read());
      } catch (error) {
        log.fail(systemMessage(error));
        return false;
      }
      if (chunk === INTERRUPTED) return false;
      if (chunk === undefined) {
        pipeline.finishReading();
        return true;
      }
      pipeline.push(chunk);
      done += chunk.length;
      const text = this.#report.take();
      if (text !== "" || input.isLive) {
        progress?.clear();
        await this.#print(text);
        this.#io.stderr.write(log.take());
      }
      progress?.update(done);
      await this.#output?.flush(pipeline.summary.interfaces);
    }
    return false;
  }

  /**
   * Waits for `work` or the interrupt. Not `Promise.race` with a promise of the interrupt: that one would live as long
   * as the run, and keep the outcome of every race, which is the whole file in the end.
   */
  #unlessInterrupted<T>(work: Promise<T>): Promise<T | typeof INTERRUPTED> {
    return new Promise((resolve, reject) => {
      this.#wake = () => resolve(INTERRUPTED);
      if (this.#isInterrupted) this.#wake();
      work.then(resolve, reject);
    });
  }

  async #print(text: string): Promise<void> {
    if (!this.#writesToStdout) await this.#io.stdout.write(text);
  }

  #printStats(stats: readonly LayerStats[]): void {
    this.#io.stderr.write(`${statsLines(stats, this.#errorPaint).join("\n")}\n`);
  }

  #complain(file: string | undefined, what: string): void {
    this.#isFailure = true;
    this.#io.stderr.write(problemLine(file, what, this.#errorPaint));
  }
}

function makeReport(settings: TraceSettings, isMany: boolean, io: CliIo): Report {
  const { show, isJson, showsData, showsDump, color } = settings;
  if (isJson) return new JsonReport({ show, showsData, namesFile: isMany });
  const paint = paintFor(color, io.stdout.isTerminal, io.environment);
  return new TextReport({ show, paint, width: viewWidth(io), showsDump });
}

/** What an error says, with the limit as the command line knows it. */
function optionNamed(message: string, maxMessageLength: number): string {
  const suffix = ` maxMessageLength ${maxMessageLength}`;
  return message.endsWith(suffix) ? message.slice(0, -suffix.length) + ` --max-message ${maxMessageLength}` : message;
}

function nameOfOutput(write: string): string {
  return write === "-" ? "standard output" : write;
}

function stdoutFile({ stdout }: CliIo): FileOutput {
  return {
    write: async (bytes) => {
      await stdout.write(bytes);
    },
    close: () => Promise.resolve(),
  };
}
