/**
 * `leat rx call`: one call, from the command line.
 *
 * @module
 */
import { toHex } from "../../bytes/mod.ts";
import type { ClientSecurity, RxCallStream } from "../../rxrpc/mod.ts";
import type { InetAddress } from "../../tsocket/mod.ts";
import { guarded } from "../bpf/program_source.ts";
import { formatEndpoint } from "../filter_subject.ts";
import { formatBytes, formatDuration } from "../format/bytes.ts";
import { paintFor } from "../format/color.ts";
import { type CliIo, ExitCode, UsageError } from "../io.ts";
import { type CommandSpec, numberOption, type OptionValues } from "../options.ts";
import { BODY_OPTIONS, requestBody } from "./call_body.ts";
import { addressOf, endSignal, note, withClient } from "./endpoint.ts";
import { CLIENT_KEY_OPTIONS, clientSecurity } from "./key_files.ts";
import { REPLY_FORMS, type ReplyForm, ReplyOutput } from "./reply_output.ts";

/** The command. */
export const rxCallCommand: CommandSpec = {
  name: "rx call",
  usage: "HOST:PORT -s N",
  summary: "Make an RxRPC call, show its reply",
  details: [
    "The request is --op, --xdr and --data, in this order. An abort by the server is",
    "exit code 1, and its number is told.",
    "",
    "examples:",
    "  leat rx call 127.0.0.1:7002 --service 73 --op 510 --output words",
    "  leat rx call vl.example.org:7003 --service 52 --op 519 --xdr \"'root.cell'\"",
    "  leat rx call 127.0.0.1:7002 --service 73 --op 521 --xdr '3 0' --key KeyFile",
    "",
  ],
  options: [
    { name: "service", short: "s", argument: "N", help: "The service, 1 to 65535" },
    ...BODY_OPTIONS,
    ...CLIENT_KEY_OPTIONS,
    { name: "upgrade", help: "Ask whether the service can be upgraded to a newer one" },
    { name: "timeout", argument: "MS", help: "Give up after so long (default: when the server is silent for 20 s)" },
    {
      name: "output",
      short: "o",
      argument: "FORM",
      choices: REPLY_FORMS,
      help:
        "raw (default where standard output is no terminal), hex (default on one): a dump; words: numbers of 32 bits",
    },
    { name: "json", short: "j", help: "One JSON object with the reply as hex" },
  ],
  run: (operands, values, io) =>
    guarded(io, values, async () => {
      if (operands.length > 1) throw new UsageError(`rx call takes one server, got ${JSON.stringify(operands[1])}`);
      const service = serviceOption(values);
      const to = await addressOf(operands[0], "the server");
      const security = await clientSecurity(values, io);
      const body = await requestBody(values, io);
      const request = { to, service, security, body };
      return await withClient(io, values, to, (endpoint) => {
        const call = endpoint.call({ ...request, mayUpgrade: values.upgrade === true, timeouts: timeouts(values) });
        return converse(call, request, values, io);
      });
    }),
};

interface Request {
  readonly to: InetAddress;
  readonly service: number;
  readonly security: ClientSecurity;
  readonly body: Uint8Array;
}

/** The number of a service. */
export function serviceOption(values: OptionValues, fallback?: number): number {
  if (values.service === undefined && fallback === undefined) throw new UsageError("--service is missing");
  const service = numberOption(values, "service", 1, fallback ?? 0);
  if (service > 65_535) throw new UsageError(`--service must be at most 65535, got ${service}`);
  return service;
}

function timeouts(values: OptionValues): { hardMs?: number } {
  return values.timeout === undefined ? {} : { hardMs: numberOption(values, "timeout", 1, 1) };
}

async function converse(call: RxCallStream, request: Request, values: OptionValues, io: CliIo): Promise<number> {
  const signal = endSignal(io);
  let isInterrupted = false;
  signal.came.then(() => {
    isInterrupted = true;
    call.cancel(new Error("interrupted"));
  });
  const startedAt = performance.now();
  try {
    // a server may answer, or refuse, before it has heard everything
    say(call, request.body).catch(() => {});
    const bytes = await (values.json === true ? showJson(call, request, io) : show(call, values, io));
    // whoever read this has gone, and the rest of the reply was given up
    if (io.stdout.failure !== undefined) return ExitCode.OK;
    await call.closed;
    const took = formatDuration(performance.now() - startedAt);
    if (values.json !== true) {
      const who = `service ${call.service} at ${formatEndpoint(request.to)}`;
      note(io, values, `${who} answered ${formatBytes(bytes)} in ${took}`);
    }
    return ExitCode.OK;
  } catch (error) {
    if (isInterrupted) return ExitCode.INTERRUPTED;
    throw error;
  } finally {
    signal.stop();
  }
}

async function say(call: RxCallStream, body: Uint8Array): Promise<void> {
  if (body.length > 0) await call.write(body);
  await call.end();
}

async function show(call: RxCallStream, values: OptionValues, io: CliIo): Promise<number> {
  const form = (values.output ?? (io.stdout.isTerminal ? "hex" : "raw")) as ReplyForm;
  const output = new ReplyOutput(io.stdout, form, paintFor("auto", io.stdout.isTerminal, io.environment));
  let bytes = 0;
  for await (const chunk of call.readable) {
    bytes += chunk.length;
    await output.push(chunk);
    if (io.stdout.failure !== undefined) break;
  }
  await output.end();
  return bytes;
}

async function showJson(call: RxCallStream, { to, service }: Request, io: CliIo): Promise<number> {
  const startedAt = performance.now();
  const reply = await call.bytes();
  const timeMs = Number((performance.now() - startedAt).toFixed(3));
  const object = {
    type: "reply",
    server: { address: to.address, port: to.port },
    service,
    answeredBy: call.service,
    length: reply.length,
    timeMs,
    data: toHex(reply),
  };
  await io.stdout.write(`${JSON.stringify(object)}\n`);
  return reply.length;
}
