/**
 * The command line of `leat mux`, checked: what nobody can do is refused before anything is opened.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import type { BalancerOptions } from "../../kcm/balancer/balancer_options.ts";
import type { BalancedProtocol, MessageId } from "../../kcm/balancer/protocol.ts";
import { balancedProtocol } from "../../kcm/balancer/protocols/by_name.ts";
import { memcachedText } from "../../kcm/balancer/protocols/memcached_text_parser.ts";
import { plainProtocol } from "../../kcm/balancer/protocols/plain.ts";
import type { Parser } from "../../strparser/mod.ts";
import { type ConnectOptions, type ListenOptions, type SocketTarget, toSocketTarget } from "../../tsocket/mod.ts";
import { UnixAddress } from "../../tsocket/mod.ts";
import { systemMessage, UsageError, wordsOf } from "../io.ts";
import { numberOption, type OptionValues } from "../options.ts";
import { namedParser } from "../parser_choice.ts";
import type { HubBackend } from "./hub.ts";
import { unescaped } from "./unescaped.ts";

/** A command line, understood. */
export interface MuxSettings {
  /** Where to listen. */
  readonly listen: readonly SocketTarget[];
  /** Backends of `--to`. */
  readonly to: readonly HubBackend[];
  /** File with more of them. */
  readonly toFile: string | undefined;
  /** For the engine. */
  readonly balancer: BalancerOptions;
  /** For sockets. */
  readonly listenOptions: ListenOptions;
  /** For sockets. */
  readonly connectOptions: ConnectOptions;
  /** How long clients may finish. */
  readonly drainMs: number;
  /** Where the log goes. */
  readonly accessLog: string | undefined;
  /** Where metrics are served. */
  readonly metrics: SocketTarget | undefined;
  /** Whether to show what goes on. */
  readonly isWatched: boolean;
}

/**
 * Reads the options. `program` is the parser where `--parser` names a BPF program.
 *
 * @throws {UsageError} when one is missing, wrong, or makes no sense with the others
 */
export function muxSettings(values: OptionValues, program?: Parser): MuxSettings {
  const listen = listOf(values, "listen").map((text) => parseAddress("--listen", text));
  if (listen.length === 0) throw new UsageError("--listen is missing: where clients connect to");
  const to = listOf(values, "to").map((text) => parseBackend("--to", text));
  const toFile = textOf(values, "to-file");
  if (to.length === 0 && toFile === undefined) throw new UsageError("--to is missing: the backends");
  checkTwice(to);
  return {
    listen,
    to,
    toFile,
    balancer: balancerOptions(values, program),
    ...tlsOptions(values),
    drainMs: numberOption(values, "drain", 0, 10_000),
    accessLog: textOf(values, "access-log"),
    metrics: metricsAddress(values),
    isWatched: values["watch"] === true,
  };
}

/**
 * A backend as text: an address, and perhaps its share.
 *
 * @throws {UsageError} when it is none
 */
export function parseBackend(where: string, text: string): HubBackend {
  const [, name = text, share] = /^(.*?)(?:\*(\d{1,4}))?$/.exec(text) ?? [];
  const weight = share === undefined ? 1 : Number(share);
  if (weight === 0) throw new UsageError(`${where}: the share of ${name} must be at least 1`);
  return { name, weight, target: parseAddress(where, name) };
}

/** Refuses a backend that is named twice. */
export function checkTwice(backends: readonly HubBackend[]): void {
  const names = new Set<string>();
  for (const { name } of backends) {
    if (names.has(name)) throw new UsageError(`backend ${name} is named twice; *N gives it a larger share`);
    names.add(name);
  }
}

/**
 * An address: `HOST:PORT` or `unix:PATH`.
 *
 * @throws {UsageError} when it is none
 */
export function parseAddress(where: string, text: string): SocketTarget {
  try {
    return text.startsWith("unix:") ? UnixAddress.from(text.slice("unix:".length)) : toSocketTarget(text);
  } catch (error) {
    throw new UsageError(`${where}: ${wordsOf(error)}`);
  }
}

function textOf(values: OptionValues, name: string): string | undefined {
  const value = values[name];
  return typeof value === "string" ? value : undefined;
}

function listOf(values: OptionValues, name: string): string[] {
  return (textOf(values, name) ?? "").split(",").map((text) => text.trim()).filter((text) => text !== "");
}

function balancerOptions(values: OptionValues, program: Parser | undefined): BalancerOptions {
  const replies = (textOf(values, "replies") ?? "correlate") as "correlate" | "sticky" | "none";
  const protocol = protocolOf(values, replies, program);
  if (values["unordered"] === true && protocol.id === undefined) {
    throw new UsageError(`--unordered: replies of ${protocol.name} carry no number, their order is all there is`);
  }
  const probe = textOf(values, "probe");
  return {
    protocol,
    replies,
    policy: (textOf(values, "policy") ?? "round-robin") as NonNullable<BalancerOptions["policy"]>,
    isOrdered: values["unordered"] !== true,
    probe: probe === undefined ? undefined : unescaped(probe),
    retryBudget: numberOption(values, "retry-budget", 0, 20) / 100,
    ...numbers(values),
  };
}

/** Options that are one number, under their name in the engine. */
const NUMBERS: readonly (readonly [option: string, name: keyof BalancerOptions, least: number])[] = [
  ["connections", "connections", 1],
  ["max-clients", "maxClients", 1],
  ["max-pending", "maxPending", 1],
  ["max-message", "maxMessageLength", 1],
  ["max-buffer", "maxBufferBytes", 1],
  ["max-total", "maxTotalBytes", 1],
  ["max-waiting", "maxWaiting", 0],
  ["max-sessions", "maxSessions", 1],
  ["timeout", "timeoutMs", 1],
  ["wait", "waitMs", 0],
  ["connect-timeout", "connectTimeoutMs", 1],
  ["message-timeout", "messageMs", 1],
  ["linger", "lingerMs", 1],
  ["idle", "idleMs", 1],
  ["check-interval", "checkIntervalMs", 0],
  ["fall", "fall", 1],
  ["rise", "rise", 1],
  ["eject", "ejectMs", 1],
  ["slow-start", "slowStartMs", 0],
  ["retries", "retries", 0],
];

function numbers(values: OptionValues): Partial<BalancerOptions> {
  const given: Record<string, number> = {};
  for (const [option, name, least] of NUMBERS) {
    if (values[option] !== undefined) given[name] = numberOption(values, option, least, least);
  }
  return given;
}

function protocolOf(values: OptionValues, replies: string, program: Parser | undefined): BalancedProtocol {
  const name = textOf(values, "parser");
  if (name === undefined) throw new UsageError("--parser is missing: how messages are told apart");
  const parser = program ?? parserOf(name);
  const options = { id: idOf(values), isIdempotent: values["idempotent"] === true };
  if (replies !== "correlate") {
    if (options.id !== undefined) throw new UsageError(`--id is for --replies correlate, not ${replies}`);
    return plainProtocol(parser);
  }
  if (program !== undefined) return plainProtocol(program, options);
  const protocol = balancedProtocol(name, parser, options);
  if (typeof protocol !== "string") return protocol;
  throw new UsageError(`--replies correlate: ${protocol}. --replies sticky gives each client a backend of its own`);
}

function parserOf(name: string): Parser {
  if (name === "memcachedtext") return memcachedText();
  return namedParser(name, "memcachedtext");
}

function idOf(values: OptionValues): MessageId | undefined {
  const text = textOf(values, "id");
  if (text === undefined) return undefined;
  const [, offset, size] = /^(\d{1,6}):([24])$/.exec(text) ?? [];
  if (offset === undefined) throw new UsageError(`--id must be OFFSET:2 or OFFSET:4; got ${JSON.stringify(text)}`);
  return { offset: Number(offset), size: Number(size) as 2 | 4 };
}

function tlsOptions(values: OptionValues): Pick<MuxSettings, "listenOptions" | "connectOptions"> {
  const [cert, key] = [fileOf(values, "tls-cert"), fileOf(values, "tls-key")];
  if ((cert === undefined) !== (key === undefined)) throw new UsageError("--tls-cert and --tls-key go together");
  const ca = fileOf(values, "to-ca");
  const sni = textOf(values, "to-name");
  if (values["to-tls"] !== true && (ca ?? sni) !== undefined) {
    throw new UsageError("--to-ca and --to-name need --to-tls");
  }
  return {
    listenOptions: cert === undefined ? {} : { tls: { cert, key } },
    connectOptions: values["to-tls"] !== true ? {} : {
      secureTransport: "on",
      ...(sni === undefined ? {} : { sni }),
      ...(ca === undefined ? {} : { tls: { ca } }),
    },
  };
}

function fileOf(values: OptionValues, name: string): string | undefined {
  const path = textOf(values, name);
  if (path === undefined) return undefined;
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new UsageError(`--${name} ${path}: ${systemMessage(error)}`);
  }
}

function metricsAddress(values: OptionValues): SocketTarget | undefined {
  const text = textOf(values, "metrics");
  if (text === undefined) return undefined;
  const target = parseAddress("--metrics", text);
  if (target instanceof UnixAddress) throw new UsageError(`--metrics must be HOST:PORT; got ${JSON.stringify(text)}`);
  return target;
}
