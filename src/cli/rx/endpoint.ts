/**
 * Endpoints of `leat rx`, and what is said when something goes wrong with them.
 *
 * @module
 */
import { lookup } from "node:dns/promises";
import process from "node:process";
import { LeatError } from "../../core/mod.ts";
import { abortName, RxAbort } from "../../rxrpc/abort_codes.ts";
import {
  type RxCallStream,
  RxEndpoint,
  type RxEndpointOptions,
  RxkadError,
  type RxListener,
  RxrpcError,
} from "../../rxrpc/mod.ts";
import { dgramWith, InetAddress } from "../../tsocket/mod.ts";
import { splitHostPort } from "../../tsocket/host_port.ts";
import { complain, FileProblem, guarded } from "../bpf/program_source.ts";
import { formatEndpoint } from "../filter_subject.ts";
import { type CliIo, ExitCode, outputProblem, systemMessage, UsageError, wordsOf } from "../io.ts";
import { runtimeSockets } from "../mux/runtime.ts";
import type { OptionValues } from "../options.ts";
import { withKnocking } from "./refusal.ts";

/** An operand as an address, its name looked up. */
export async function addressOf(operand: string | undefined, what: string): Promise<InetAddress> {
  if (operand === undefined) throw new UsageError(`${what} is missing: HOST:PORT`);
  let literal: InetAddress | undefined;
  try {
    literal = InetAddress.parse(operand);
  } catch {
    // a name, or nothing at all
  }
  if (literal !== undefined) {
    if (literal.port === 0 && !/:0$/.test(operand)) throw new UsageError(`${operand} has no port: HOST:PORT`);
    return literal;
  }
  const [host, port] = nameAndPort(operand);
  try {
    const { address } = await lookup(host);
    return InetAddress.from(address, port);
  } catch (error) {
    throw new FileProblem(undefined, `no address of ${host} is known: ${systemMessage(error)}`);
  }
}

function nameAndPort(operand: string): [string, number] {
  let parts: { host: string; port: number | undefined };
  try {
    parts = splitHostPort(operand);
  } catch (error) {
    throw new UsageError(wordsOf(error));
  }
  const { host, port } = parts;
  // a name may begin with a digit; without a letter it would be an address, and a wrong one
  if (port !== undefined && /^(?=.*[A-Za-z])[A-Za-z\d][\w.-]*$/.test(host)) return [host, port];
  throw new UsageError(`HOST:PORT is wanted, got ${JSON.stringify(operand)}`);
}

/** As {@linkcode withEndpoint} for a client of the server at `to`; when that is not there, the network may say so. */
export function withClient(
  io: CliIo,
  values: OptionValues,
  to: InetAddress,
  work: (endpoint: RxEndpoint) => Promise<number>,
  options: RxEndpointOptions = {},
): Promise<number> {
  return withEndpoint(
    io,
    values,
    () => openClient(to, options),
    (endpoint) => withKnocking(endpoint, to, work(endpoint)),
  );
}

/** An endpoint of a client, at any port, by which `to` can be reached. */
async function openClient(to: InetAddress, options: RxEndpointOptions): Promise<RxEndpoint> {
  const isIpv6 = to.address.includes(":");
  return await openAt(InetAddress.from(isIpv6 ? "::" : "0.0.0.0", 0), options);
}

/** An endpoint at this address. */
export async function openAt(at: InetAddress, options: RxEndpointOptions = {}): Promise<RxEndpoint> {
  const runtime = await runtimeSockets();
  try {
    return await RxEndpoint.open(dgramWith(runtime, { localAddress: at }), options);
  } catch (error) {
    throw new FileProblem(undefined, `cannot listen at ${formatEndpoint(at)}: ${systemMessage(error)}`);
  }
}

/** Runs a command over an endpoint, which is closed in the end; what calls fail with is a line, and exit code 1. */
export function withEndpoint(
  io: CliIo,
  values: OptionValues,
  open: () => Promise<RxEndpoint>,
  work: (endpoint: RxEndpoint) => Promise<number>,
): Promise<number> {
  return guarded(io, values, async () => {
    const endpoint = await open();
    let code: number;
    try {
      code = await work(endpoint);
    } catch (error) {
      if (!(error instanceof LeatError)) throw error;
      complain(io, values, undefined, failureText(error));
      return ExitCode.FAILURE;
    } finally {
      await endpoint.close();
    }
    await io.stdout.flush();
    const problem = outputProblem(io);
    if (problem !== undefined) throw new FileProblem(undefined, problem);
    return code;
  });
}

/** What servers say with the numbers that have several meanings. */
const HINTS: Readonly<Record<number, string>> = {
  [RxAbort.RX_INVALID_OPERATION]: "no such service there, or not with this security class",
};

/** Why a call failed, in words; numbers that have a name with it. */
export function failureText(error: unknown): string {
  if (error instanceof RxkadError) return `${error.message} (${error.code})`;
  if (!(error instanceof RxrpcError)) return systemMessage(error);
  const { abortCode, blame, message, cause } = error;
  const name = abortCode === undefined ? undefined : abortName(abortCode);
  // an abort tells it itself
  const named = name === undefined || message.includes(name) ? message : `${message} (${name})`;
  const hint = blame === "remote" && abortCode !== undefined ? HINTS[abortCode] : undefined;
  const why = cause instanceof Error ? wordsOf(cause) : hint;
  return why === undefined ? named : `${named}: ${why}`;
}

/** Something to tell the person at the terminal. */
export function note(io: CliIo, values: OptionValues, what: string): void {
  if (values.quiet !== true) complain(io, values, undefined, what);
}

/**
 * Takes calls until a signal comes, or nobody reads any more what is printed. Says what it listens for, and returns the
 * exit code; calls are served side by side, and `serve` does not fail.
 */
export async function serveCalls(
  endpoint: RxEndpoint,
  listener: RxListener,
  names: string,
  serve: (call: RxCallStream) => Promise<void>,
  values: OptionValues,
  io: CliIo,
): Promise<number> {
  const signal = endSignal(io);
  note(io, values, `listening at ${formatEndpoint(endpoint.localAddress!)}: ${names}`);
  const ended = signal.came.then(async (name) => {
    await listener.close();
    return name;
  });
  for await (const call of listener) {
    void serve(call);
    if (io.stdout.failure !== undefined) break;
  }
  const name = io.stdout.failure === undefined ? await ended : "SIGTERM";
  signal.stop();
  return name === "SIGINT" ? ExitCode.INTERRUPTED : ExitCode.OK;
}

/** Resolves with the name of the first signal that asks to end; the function stops waiting for one. */
export function endSignal(io: CliIo): { readonly came: Promise<"SIGINT" | "SIGTERM">; readonly stop: () => void } {
  let stop = (): void => {};
  const came = new Promise<"SIGINT" | "SIGTERM">((resolve) => {
    const terminated = (): void => resolve("SIGTERM");
    const stopInterrupt = io.onInterrupt(() => resolve("SIGINT"));
    process.once("SIGTERM", terminated);
    stop = (): void => {
      stopInterrupt();
      process.off("SIGTERM", terminated);
    };
  });
  return { came, stop };
}
