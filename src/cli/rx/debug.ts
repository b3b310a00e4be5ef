/**
 * `leat rx debug`: what an endpoint tells about itself, as the program `rxdebug` asks.
 *
 * @module
 */
import { type RxDebugClient, type RxEndpoint, RxrpcError } from "../../rxrpc/mod.ts";
import type { InetAddress } from "../../tsocket/mod.ts";
import { guarded } from "../bpf/program_source.ts";
import { formatEndpoint } from "../filter_subject.ts";
import { ExitCode, UsageError } from "../io.ts";
import { type CommandSpec, numberOption, type OptionValues } from "../options.ts";
import { printable } from "../problem_log.ts";
import {
  connectionJson,
  connectionLines,
  counterLines,
  countersJson,
  jsonLine,
  peerLines,
  statsLine,
} from "./debug_text.ts";
import { addressOf, withClient } from "./endpoint.ts";

const SHOWN = ["version", "stats", "counters", "connections", "peers"] as const;
type Kind = (typeof SHOWN)[number];

/** The command. */
export const rxDebugCommand: CommandSpec = {
  name: "rx debug",
  usage: "HOST:PORT",
  summary: "Show what an RxRPC endpoint tells of itself",
  details: [
    "Asks with version and debug packets, as rxdebug does. Linux answers the version",
    "only. What is told is not protected: anybody could have said it.",
    "",
    "examples:",
    "  leat rx debug 127.0.0.1:7002",
    "  leat rx debug --show connections,peers --all --json afs.example.org:7000",
    "",
  ],
  options: [
    {
      name: "show",
      short: "s",
      argument: "KINDS",
      choices: [...SHOWN],
      isList: true,
      help: `What to ask for, joined by commas: ${SHOWN.join(", ")} (default all of it)`,
    },
    { name: "all", short: "a", help: "All connections, not only those with calls" },
    { name: "timeout", argument: "MS", help: "How long to wait for each answer (default 5000)" },
    { name: "json", short: "j", help: "One JSON object per line instead of tables" },
  ],
  run: (operands, values, io) =>
    guarded(io, values, async () => {
      if (operands.length > 1) throw new UsageError(`rx debug takes one endpoint, got ${JSON.stringify(operands[1])}`);
      const to = await addressOf(operands[0], "the endpoint");
      const timeoutMs = numberOption(values, "timeout", 1, 5000);
      const shown = new Set(String(values.show ?? SHOWN.join()).split(","));
      const kinds = SHOWN.filter((kind) => shown.has(kind));
      return await withClient(io, values, to, (endpoint) =>
        asking(endpoint, to, timeoutMs, async (asked) => {
          for (const [index, kind] of kinds.entries()) {
            const lines = await linesOf(kind, asked, values);
            asked.heard();
            const gap = index > 0 && lines.length > 1 && values.json !== true ? "\n" : "";
            if (lines.length > 0) {
              await io.stdout.write(`${gap}${lines.join("\n")}\n`);
            }
          }
          return ExitCode.OK;
        }));
    }),
};

/** Calls `ask` with a client that gives up when an answer takes too long. */
async function asking(endpoint: RxEndpoint, to: InetAddress, timeoutMs: number, ask: Ask): Promise<number> {
  const silence = new AbortController();
  const what = `${formatEndpoint(to)} did not answer within ${timeoutMs} ms`;
  const error = new RxrpcError(what, { code: "ETIMEDOUT", blame: "remote" });
  const timer = setTimeout(() => silence.abort(error), timeoutMs);
  const { signal } = silence;
  const heard = (): unknown => timer.refresh();
  try {
    return await ask({ version: () => endpoint.version(to, { signal }), debug: endpoint.debug(to, { signal }), heard });
  } finally {
    clearTimeout(timer);
  }
}

interface Asked {
  readonly version: () => Promise<string>;
  readonly debug: RxDebugClient;
  /** An answer has come. */
  readonly heard: () => void;
}

type Ask = (asked: Asked) => Promise<number>;

async function listOf<Item>(all: AsyncIterable<Item>, { heard }: Asked): Promise<Item[]> {
  const items: Item[] = [];
  for await (const item of all) {
    heard();
    items.push(item);
  }
  heard();
  return items;
}

/** Asks for one kind of thing; returns the lines that show it. */
async function linesOf(kind: Kind, asked: Asked, values: OptionValues): Promise<string[]> {
  const isJson = values.json === true;
  const { debug } = asked;
  switch (kind) {
    case "version": {
      const version = await asked.version();
      return isJson ? [jsonLine("version", { version })] : [`version  ${printable(version)}`];
    }
    case "stats": {
      const stats = await debug.stats();
      return isJson ? [jsonLine("stats", stats)] : [statsLine(stats)];
    }
    case "counters": {
      const counters = await debug.counters();
      return isJson ? [jsonLine("counters", countersJson(counters))] : counterLines(counters);
    }
    case "connections": {
      const all = await listOf(debug.connections({ all: values.all === true }), asked);
      return isJson ? all.map((one) => jsonLine("connection", connectionJson(one))) : connectionLines(all);
    }
    case "peers": {
      const all = await listOf(debug.peers(), asked);
      return isJson ? all.map((one) => jsonLine("peer", one)) : peerLines(all);
    }
  }
}
