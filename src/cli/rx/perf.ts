/**
 * `leat rx perf`: how fast calls are, against `rxperf` of OpenAFS, Linux's, or itself.
 *
 * @module
 */
import type { ClientSecurity, RxCallStream, RxEndpoint, RxEndpointOptions } from "../../rxrpc/mod.ts";
import type { InetAddress } from "../../tsocket/mod.ts";
import { guarded } from "../bpf/program_source.ts";
import { formatEndpoint } from "../filter_subject.ts";
import { formatCount, formatDuration, plural } from "../format/bytes.ts";
import { type CliIo, ExitCode, UsageError } from "../io.ts";
import { type CommandSpec, numberOption, type OptionValues } from "../options.ts";
import { serviceOption } from "./call.ts";
import { addressOf, endSignal, failureText, note, openAt, serveCalls, withClient, withEndpoint } from "./endpoint.ts";
import { CLIENT_KEY_OPTIONS, clientSecurity, serverSecurity } from "./key_files.ts";
import { measureCall, servePerf } from "./perf_ends.ts";
import { PERF, type PerfCall } from "./perf_protocol.ts";
import { isLoopback } from "./serve.ts";

const MAX_BYTES = 0xffff_ffff;
const MAX_JUMBO = 46;
const HEADER_BYTES = 28;
const JUMBO_STEP_BYTES = 1416;
const MAX_PARALLEL = 1024;
/** Options that say nothing to a server. */
const CLIENTS_ONLY = ["send", "recv", "rpc", "times", "parallel", "as", "json"] as const;

/** The command. */
export const rxPerfCommand: CommandSpec = {
  name: "rx perf",
  usage: "HOST:PORT",
  summary: "Measure RxRPC calls as rxperf does",
  details: [
    "Speaks the protocol of OpenAFS's rxperf and of Linux's service of that name",
    "(which wants --key and level crypt), usually at port 7009. A server with --key",
    "takes clients with rxkad, too, and with --level no others.",
    "",
    "examples:",
    "  leat rx perf --server 127.0.0.1:7009 &",
    "  leat rx perf 127.0.0.1:7009 --recv 16777216",
    "  leat rx perf 127.0.0.1:7009 --rpc 3,30 --times 1000",
    "",
  ],
  options: [
    { name: "server", help: "Be the server at that address" },
    { name: "send", argument: "BYTES", help: "Measure requests of so many bytes" },
    { name: "recv", argument: "BYTES", help: "Measure replies of so many bytes" },
    { name: "rpc", argument: "UP,DOWN", help: "Measure both (default 3,30)" },
    { name: "times", short: "n", argument: "N", help: "So many calls (default 100)" },
    { name: "parallel", short: "p", argument: "N", help: "So many at a time (default 1)" },
    { name: "service", short: "s", argument: "N", help: `The service (default ${PERF.service})` },
    { name: "jumbo", argument: "N", help: "Up to so many packets in a datagram, 1 to 46 (default 1)" },
    ...CLIENT_KEY_OPTIONS,
    { name: "json", short: "j", help: "One JSON object instead of text" },
  ],
  run: (operands, values, io) =>
    guarded(io, values, async () => {
      if (operands.length > 1) throw new UsageError(`rx perf takes one address, got ${JSON.stringify(operands[1])}`);
      const isServer = values.server === true;
      const address = await addressOf(operands[0], isServer ? "the address to listen at" : "the server");
      const options = endpointOptions(values);
      if (isServer) return await serve(address, options, values, io);
      const task = taskOf(values);
      const security = await clientSecurity(values, io);
      return await withClient(io, values, address, (endpoint) => {
        return measure(endpoint, { ...task, to: address, security }, values, io);
      }, options);
    }),
};

interface Task {
  readonly call: PerfCall;
  readonly times: number;
  readonly parallel: number;
  readonly service: number;
}

function endpointOptions(values: OptionValues): RxEndpointOptions {
  const jumbo = numberOption(values, "jumbo", 1, 1);
  if (jumbo > MAX_JUMBO) throw new UsageError(`--jumbo must be at most ${MAX_JUMBO}, got ${jumbo}`);
  // the first packet is as large as the others, its header longer than theirs
  const maxDatagram = jumbo === 1 ? undefined : HEADER_BYTES - 4 + jumbo * JUMBO_STEP_BYTES;
  return { jumbo, acceptJumbo: jumbo === 1 ? 0 : jumbo, maxDatagram };
}

function taskOf(values: OptionValues): Task {
  const given = ["send", "recv", "rpc"].filter((name) => values[name] !== undefined);
  if (given.length > 1) throw new UsageError(`--${given[0]} and --${given[1]} exclude each other`);
  const parallel = numberOption(values, "parallel", 1, 1);
  if (parallel > MAX_PARALLEL) throw new UsageError(`--parallel must be at most ${MAX_PARALLEL}, got ${parallel}`);
  return {
    call: callOf(values),
    times: numberOption(values, "times", 1, 100),
    parallel,
    service: serviceOption(values, PERF.service),
  };
}

function callOf(values: OptionValues): PerfCall {
  if (values.send !== undefined) return { command: "send", up: bytesOption(values, "send"), down: 0 };
  if (values.recv !== undefined) return { command: "recv", up: 0, down: bytesOption(values, "recv") };
  const text = String(values.rpc ?? "3,30");
  const [, up, down] = /^(\d{1,10}),(\d{1,10})$/.exec(text) ?? [];
  if (up === undefined) throw new UsageError(`--rpc wants two numbers, as 3,30; got ${JSON.stringify(text)}`);
  if (Math.max(Number(up), Number(down)) > MAX_BYTES) throw new UsageError(`--rpc: at most ${MAX_BYTES}; got ${text}`);
  return { command: "rpc", up: Number(up), down: Number(down) };
}

function bytesOption(values: OptionValues, name: string): number {
  const bytes = numberOption(values, name, 0, 0);
  if (bytes > MAX_BYTES) throw new UsageError(`--${name} must be at most ${MAX_BYTES}, got ${bytes}`);
  return bytes;
}

async function measure(
  endpoint: RxEndpoint,
  task: Task & { readonly to: InetAddress; readonly security: ClientSecurity },
  values: OptionValues,
  io: CliIo,
): Promise<number> {
  const { call: asked, to, service, security, times, parallel } = task;
  const signal = endSignal(io);
  const stop = new AbortController();
  let isInterrupted = false;
  signal.came.then(() => {
    isInterrupted = true;
    stop.abort(new Error("interrupted"));
  });
  let left = times;
  const startedAt = performance.now();
  const worker = async (): Promise<void> => {
    while (left > 0 && !stop.signal.aborted) {
      left--;
      try {
        await measureCall(endpoint.call({ to, service, security, signal: stop.signal }), asked);
      } catch (error) {
        // the others need not go on: nothing is measured any more
        stop.abort(error);
        throw error;
      }
    }
  };
  try {
    await Promise.all(Array.from({ length: Math.min(parallel, times) }, worker));
  } catch (error) {
    if (isInterrupted) return ExitCode.INTERRUPTED;
    throw error;
  } finally {
    signal.stop();
  }
  const timeMs = performance.now() - startedAt;
  await io.stdout.write(
    `${values.json === true ? resultJson(task, timeMs, endpoint) : resultText(task, timeMs, endpoint)}\n`,
  );
  return ExitCode.OK;
}

function rates({ call, times }: Task, timeMs: number): { bitsPerSecond: number; callsPerSecond: number } {
  const seconds = timeMs / 1000;
  return { bitsPerSecond: 8 * times * (call.up + call.down) / seconds, callsPerSecond: times / seconds };
}

function resultJson(task: Task, timeMs: number, { stats }: RxEndpoint): string {
  const { call, times, parallel } = task;
  const { bitsPerSecond, callsPerSecond } = rates(task, timeMs);
  return JSON.stringify({
    type: "perf",
    ...call,
    times,
    parallel,
    timeMs: Number(timeMs.toFixed(3)),
    callsPerSecond: Math.round(callsPerSecond),
    bitsPerSecond: Math.round(bitsPerSecond),
    dataPackets: stats.dataPackets,
    resentPackets: stats.resentPackets,
    dataPacketsCame: stats.dataPacketsCame,
    repeatedPackets: stats.repeatedPackets,
  });
}

function resultText(task: Task, timeMs: number, { stats }: RxEndpoint): string {
  const { call: { command, up, down }, times, parallel } = task;
  const { bitsPerSecond, callsPerSecond } = rates(task, timeMs);
  const sizes = { send: `${formatCount(up)} bytes`, recv: `${formatCount(down)} bytes`, rpc: `${up}/${down} bytes` };
  const rate = bitsPerSecond >= 1e9
    ? `${(bitsPerSecond / 1e9).toFixed(2)} Gbit/s`
    : `${(bitsPerSecond / 1e6).toFixed(1)} Mbit/s`;
  const each = formatDuration(timeMs / times);
  // what is measured goes one way; in the other are a packet or two of each call
  const sent = `${formatCount(stats.resentPackets)} of ${plural(stats.dataPackets, "packet")} sent again`;
  const came = `${formatCount(stats.repeatedPackets)} of ${plural(stats.dataPacketsCame, "packet")} came again`;
  const packets = { send: sent, recv: came, rpc: `${sent}, ${came}` }[command];
  return `${command} ${sizes[command]}, ${plural(times, "call")}, ${parallel} at a time: ${formatDuration(timeMs)}, ` +
    `${each} a call, ${formatCount(Math.round(callsPerSecond))} calls/s, ${rate}, ${packets}`;
}

async function serve(
  at: InetAddress,
  options: RxEndpointOptions,
  values: OptionValues,
  io: CliIo,
): Promise<number> {
  for (const name of CLIENTS_ONLY) if (values[name] !== undefined) throw new UsageError(`--${name} is for clients`);
  const service = serviceOption(values, PERF.service);
  const security = await serverSecurity(values, io);
  const open = (): Promise<RxEndpoint> => openAt(at, { ...options, answersDebug: isLoopback });
  return await withEndpoint(io, values, open, async (endpoint) => {
    const listener = endpoint.listen({ services: [{ id: service, security }] });
    const serveCall = (call: RxCallStream): Promise<void> =>
      servePerf(call).then(() => {}, (error) => {
        note(io, values, `call of ${formatEndpoint(call.remote)}: ${failureText(error)}`);
      });
    return await serveCalls(endpoint, listener, `rxperf, service ${service}`, serveCall, values, io);
  });
}
