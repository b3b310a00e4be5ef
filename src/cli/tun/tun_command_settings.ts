/**
 * What the options of `leat tun` mean.
 *
 * @module
 */
import type { LinkOptions } from "../../sim/link.ts";
import type { InetAddress } from "../../tsocket/inet_address.ts";
import type { TunOptions } from "../../tsocket/tun/tun_types.ts";
import { checkMtu, interfaceName, networkAddress } from "../../tsocket/tun/tun_settings.ts";
import { UsageError, wordsOf } from "../io.ts";
import { numberOption, type OptionValues } from "../options.ts";
import { addressOf } from "../rx/endpoint.ts";

/** What a peer meets. */
export type TunService = { readonly kind: "echo" | "http" } | { readonly kind: "proxy"; readonly to: InetAddress };

/** Settings of one run. */
export interface TunCommandSettings {
  /** What a peer meets. */
  readonly service: TunService;
  /** The interface. */
  readonly tun: TunOptions;
  /** What happens to packets on the way; `undefined` for nothing. */
  readonly impair: LinkOptions | undefined;
  /** Where all packets are written to. */
  readonly file: string | undefined;
}

const ADDRESS = "10.99.0.1/24";
const ADDRESS_V6 = "fd99::1/64";

/** Interfaces with less have no IPv6 (RFC 8200 section 5). */
const IPV6_MIN_MTU = 1280;

/**
 * Reads the options.
 *
 * @throws {UsageError} for what makes no sense
 */
export async function tunCommandSettings(values: OptionValues): Promise<TunCommandSettings> {
  const service = await serviceOf(values);
  const mtu = values.mtu === undefined ? undefined : numberOption(values, "mtu", 68, 1500);
  const addresses = mtu !== undefined && mtu < IPV6_MIN_MTU ? ADDRESS : `${ADDRESS},${ADDRESS_V6}`;
  const name = text(values, "name");
  const address = (text(values, "address") ?? addresses).split(",");
  inOption("name", () => name !== undefined && interfaceName(name));
  inOption("address", () => address.forEach(networkAddress));
  inOption("mtu", () => checkMtu(mtu));
  const tun: TunOptions = { name, address, mtu, via: text(values, "via") as TunOptions["via"] };
  return { service, tun, impair: impairOf(values), file: text(values, "write") };
}

async function serviceOf(values: OptionValues): Promise<TunService> {
  const given = ["echo", "proxy", "http"].filter((name) => values[name] !== undefined);
  if (given.length !== 1) throw new UsageError("one of --echo, --proxy HOST:PORT and --http is wanted");
  if (given[0] !== "proxy") return { kind: given[0] as "echo" | "http" };
  const to = addressOf(text(values, "proxy"), "where to connect to").catch((error: unknown) => {
    throw error instanceof UsageError ? new UsageError(`--proxy: ${error.message}`) : error;
  });
  return { kind: "proxy", to: await to };
}

function inOption(name: string, check: () => unknown): void {
  try {
    check();
  } catch (error) {
    throw new UsageError(`--${name}: ${wordsOf(error)}`);
  }
}

function impairOf(values: OptionValues): LinkOptions | undefined {
  const impair = {
    loss: share(values, "loss"),
    duplication: share(values, "duplicate"),
    reordering: share(values, "reorder"),
    delayMs: numberOption(values, "delay", 0, 0),
  };
  return Object.values(impair).some((value) => value > 0) ? impair : undefined;
}

function share(values: OptionValues, name: string): number {
  const value = values[name];
  if (value === undefined) return 0;
  const percent = typeof value === "string" && /^\d{1,3}(\.\d{1,6})?$/.test(value) ? Number(value) : NaN;
  if (percent <= 100) return percent / 100;
  throw new UsageError(`--${name} must be a number from 0 to 100; got ${JSON.stringify(value)}`);
}

function text(values: OptionValues, name: string): string | undefined {
  const value = values[name];
  return typeof value === "string" ? value : undefined;
}
