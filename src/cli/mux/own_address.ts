/**
 * Whether a backend is the balancer itself: every request would come back as one more, without end.
 *
 * @module
 */
import { lookup } from "node:dns/promises";
import { readlinkSync, realpathSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { basename, dirname, isAbsolute, join, resolve } from "node:path";
import { InetAddress, type SocketTarget } from "../../tsocket/mod.ts";

/** No address in particular. */
const ANY = ["0.0.0.0", "::"];

/** As the system has it: more links than this lead nowhere. */
const MOST_LINKS = 40;

/**
 * The one address that is listened on for a target: of a name its first, as every runtime takes it. A name without an
 * address stays, and listening says so.
 */
export async function listenAddress(target: SocketTarget): Promise<SocketTarget> {
  if (!("hostname" in target)) return target;
  const found = await lookup(target.hostname).catch(() => undefined);
  return found === undefined ? target : InetAddress.from(found.address, target.port);
}

/** The first backend that gets to an address listened on; names of backends are looked up. */
export async function findOwn<T extends { readonly target: SocketTarget }>(
  backends: readonly T[],
  listen: readonly SocketTarget[],
): Promise<T | undefined> {
  const own = (await Promise.all(listen.map(placesOf))).flat();
  const local = localAddresses();
  const isOwn = (place: string): boolean => own.some((one) => isSame(one, place, local));
  const places = await Promise.all(backends.map(({ target }) => placesOf(target)));
  return backends.find((_, i) => places[i]!.some(isOwn));
}

/** This machine's addresses; none where the runtime keeps them to itself, as Deno without `--allow-sys` does. */
function localAddresses(): Set<string> {
  try {
    return new Set(Object.values(networkInterfaces()).flatMap((all) => all?.map(({ address }) => address) ?? []));
  } catch {
    return new Set();
  }
}

/** `ADDRESS PORT` for each address of a target, or its path. None for a name that is unknown: connecting says so. */
async function placesOf(target: SocketTarget): Promise<string[]> {
  if ("hostname" in target) {
    const found = await lookup(target.hostname, { all: true }).catch(() => []);
    return found.map(({ address }) => `${address} ${target.port}`);
  }
  if (target.kind === "unix" && !target.isAbstract) return [`unix:${realPath(target.path)}`];
  if (target.kind !== "inet") return [target.toHostPort()];
  const { address, port } = target.unmapped();
  return [`${address} ${port}`];
}

/**
 * A path without links, `.` and `..`, also where no file is there yet. Part by part, as the system goes: what is above a
 * link (`linked/..`) is above what it leads to, which the path's text does not tell.
 */
function realPath(path: string, links: number = 0): string {
  try {
    return realpathSync.native(path);
  } catch {
    const folder = dirname(path);
    const link = links < MOST_LINKS ? linkAt(path) : undefined;
    if (link !== undefined) return realPath(isAbsolute(link) ? link : `${folder}/${link}`, links + 1);
    if (folder === path) return resolve(path);
    const real = realPath(folder, links);
    return basename(path) === ".." ? dirname(real) : join(real, basename(path));
  }
}

function linkAt(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

function isSame(own: string, place: string, local: ReadonlySet<string>): boolean {
  if (own === place) return true;
  const [ownAddress, ownPort] = own.split(" ");
  const [address = "", port] = place.split(" ");
  if (ownPort === undefined || ownPort !== port) return false;
  const isHere = local.has(address) || address.startsWith("127.") || ANY.includes(address);
  // a listener on :: takes IPv4 as well
  return isHere && (ownAddress === "::" || (ownAddress === "0.0.0.0" && !address.includes(":"))) ||
    // whoever connects to no address in particular gets to the loopback's first
    (address === "0.0.0.0" && ownAddress === "127.0.0.1") || (address === "::" && ownAddress === "::1");
}
