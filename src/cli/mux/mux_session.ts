/**
 * One run of `leat mux`: from listening to the last client.
 *
 * @module
 */
import process from "node:process";
import type { Backend, BackendEvent } from "../../kcm/balancer/backend.ts";
import type { SocketTarget, TsocketAddress } from "../../tsocket/mod.ts";
import { type Paint, paintFor } from "../format/color.ts";
import { type CliIo, ExitCode, outputProblem, systemMessage, UsageError, wordsOf } from "../io.ts";
import { printable, problemLine } from "../problem_log.ts";
import { AccessLog } from "./access_log.ts";
import { BackendsFile } from "./backends_file.ts";
import { Hub, type HubBackend } from "./hub.ts";
import { metricsText } from "./metrics.ts";
import { type MetricsServer, serveMetrics } from "./metrics_server.ts";
import { checkTwice, type MuxSettings } from "./mux_settings.ts";
import { findOwn, listenAddress } from "./own_address.ts";
import { runtimeSockets } from "./runtime.ts";
import { WatchView } from "./watch_view.ts";

const WATCH_MS = 1000;
/** Home, and what is below is cleared after each line. */
const HOME = "\x1b[H";
const CLEAR_LINE = "\x1b[K";
const CLEAR_BELOW = "\x1b[J";
const VIEW_GONE = "nobody sees --watch any more";

/** A run. */
export class MuxSession {
  readonly #settings: MuxSettings;
  readonly #io: CliIo;
  readonly #paint: Paint;
  readonly #isQuiet: boolean;
  readonly #undo: (() => void)[] = [];
  #log: AccessLog | undefined;
  #hub: Hub | undefined;
  readonly #file: BackendsFile | undefined;
  #isReloading = false;
  /** Where clients connect to. */
  #own: readonly SocketTarget[] = [];
  /** Ends the run when nobody sees what `--watch` shows. */
  #viewGone: () => void = () => {};

  /** A run that has not begun. */
  constructor(settings: MuxSettings, io: CliIo, isQuiet: boolean) {
    this.#settings = settings;
    this.#file = settings.toFile === undefined ? undefined : new BackendsFile(settings.toFile);
    this.#io = io;
    this.#isQuiet = isQuiet;
    this.#paint = paintFor("auto", io.stderr.isTerminal, io.environment);
  }

  /** Runs until a signal ends it; returns the exit code. */
  async run(): Promise<number> {
    const { accessLog, drainMs, listen } = this.#settings;
    this.#own = await Promise.all(listen.map(listenAddress));
    const backends = await this.#backends();
    if (accessLog !== undefined) {
      this.#log = new AccessLog(
        accessLog,
        this.#io,
        (problem) => this.#complain(`--access-log: ${systemMessage(problem)}`),
      );
    }
    const ended = Promise.race([this.#signals(), this.#whenViewGone()]);
    try {
      if (!await this.#open(backends)) return ExitCode.FAILURE;
      const ending = await ended;
      this.#note(`${ending}: ${this.#hub!.balancer.clients.size} clients may finish, for ${drainMs} ms`);
      await Promise.race([this.#hub!.drain(drainMs), this.#secondSignal()]);
      // what a terminal says that is closed differs
      const isProblem = ending === VIEW_GONE && !this.#io.stdout.isTerminal;
      const problem = isProblem ? outputProblem(this.#io) : undefined;
      if (problem !== undefined) {
        this.#complain(problem);
        return ExitCode.FAILURE;
      }
      return ending === "SIGINT" ? ExitCode.INTERRUPTED : ExitCode.OK;
    } finally {
      for (const undo of this.#undo) undo();
      await this.#hub?.stop();
      await this.#log?.close();
    }
  }

  async #open(backends: readonly HubBackend[]): Promise<boolean> {
    const { balancer, listenOptions, connectOptions } = this.#settings;
    const hub = this.#hub = new Hub(balancer, {
      runtime: await runtimeSockets(),
      listen: listenOptions,
      connect: connectOptions,
      atEndOfTurn: (callback) => void setImmediate(callback),
      now: () => performance.now(),
    }, {
      clientClosed: (client) => this.#log?.add(client, performance.now()),
      backendChanged: (backend, event, reason) => this.#backendChanged(backend, event, reason),
      listenError: (error) => this.#complain(`listening: ${wordsOf(error)}`),
    });
    try {
      // what cannot be bound ends it all: nothing is said before that is known
      const metrics = await this.#serveMetrics(hub);
      const bound = this.#own = await this.#bind(hub);
      hub.setBackends(backends);
      hub.start();
      for (const address of bound) this.#note(`listening on ${address.toHostPort()}`);
      if (metrics !== undefined) this.#note(`metrics on http://${metrics.authority}/metrics`);
    } catch (error) {
      this.#complain(wordsOf(error));
      return false;
    }
    if (this.#settings.isWatched) this.#watch(hub);
    if (this.#file !== undefined) this.#undo.push(this.#file.watch(() => this.#reload()));
    return true;
  }

  async #bind(hub: Hub): Promise<TsocketAddress[]> {
    const bound: TsocketAddress[] = [];
    try {
      for (const target of this.#own) bound.push(await hub.bind(target));
    } catch (error) {
      throw new Error(`--listen: ${wordsOf(error)}`);
    }
    return bound;
  }

  async #backends(): Promise<HubBackend[]> {
    const { to, toFile } = this.#settings;
    const backends = [...to, ...await this.#file?.read() ?? []];
    checkTwice(backends);
    if (backends.length === 0) throw new UsageError(`--to-file ${toFile}: no backend in it`);
    const own = await findOwn(backends, this.#own);
    if (own !== undefined) throw new UsageError(`backend ${own.name} is where this listens: requests would go round`);
    return backends;
  }

  async #reload(): Promise<void> {
    this.#log?.reopen();
    if (this.#isReloading) return;
    this.#isReloading = true;
    try {
      this.#hub?.setBackends(await this.#backends());
      this.#note("backends were read again");
    } catch (error) {
      // what is wrong in a file must not take away what works
      this.#complain(`backends stay as they are: ${wordsOf(error)}`);
    } finally {
      this.#isReloading = false;
    }
  }

  async #serveMetrics(hub: Hub): Promise<MetricsServer | undefined> {
    const { metrics } = this.#settings;
    if (metrics === undefined) return undefined;
    const text = (): string => metricsText(hub.balancer, this.#log?.dropped ?? 0);
    try {
      const server = await serveMetrics(metrics, text);
      this.#undo.push(() => server.close());
      return server;
    } catch (error) {
      throw new Error(`--metrics: ${wordsOf(error)}`);
    }
  }

  #watch(hub: Hub): void {
    const { stdout } = this.#io;
    const paint = paintFor("auto", stdout.isTerminal, this.#io.environment);
    const view = new WatchView(hub.balancer, "leat mux", paint);
    const draw = (): void => {
      if (stdout.failure !== undefined) return this.#viewGone();
      const lines = view.lines(performance.now());
      if (!stdout.isTerminal) stdout.write(`${lines.join("\n")}\n\n`);
      else stdout.write(`${HOME}${lines.map((line) => `${line}${CLEAR_LINE}\n`).join("")}${CLEAR_BELOW}`);
    };
    if (stdout.isTerminal) stdout.write(`\x1b[2J`);
    draw();
    const timer = setInterval(draw, WATCH_MS);
    this.#undo.push(() => clearInterval(timer));
  }

  /** A terminal that is closed sends SIGHUP, which reloads here: that nothing can be shown any more is all that tells. */
  #whenViewGone(): Promise<string> {
    return new Promise((resolve) => this.#viewGone = () => resolve(VIEW_GONE));
  }

  #signals(): Promise<string> {
    const onReload = (): void => void this.#reload();
    process.on("SIGHUP", onReload);
    this.#undo.push(() => process.off("SIGHUP", onReload));
    return this.#signal();
  }

  #secondSignal(): Promise<string> {
    return this.#signal();
  }

  #signal(): Promise<string> {
    return new Promise((resolve) => {
      const listen = (name: "SIGTERM" | "SIGINT"): void => {
        const came = (): void => resolve(name);
        process.once(name, came);
        this.#undo.push(() => process.off(name, came));
      };
      listen("SIGTERM");
      listen("SIGINT");
    });
  }

  #backendChanged(backend: Backend, event: BackendEvent, reason: unknown): void {
    if (event === "added" && this.#hub === undefined) return;
    const why = reason instanceof Error ? `: ${wordsOf(reason)}` : "";
    this.#note(`backend ${backend.name} ${event}${why}`);
  }

  #note(text: string): void {
    if (!this.#isQuiet) this.#io.stderr.write(`${this.#paint("dim", "leat mux:")} ${printable(text)}\n`);
  }

  #complain(text: string): void {
    this.#io.stderr.write(problemLine(undefined, text, this.#paint));
  }
}
