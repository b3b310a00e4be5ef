/**
 * Makes an interface and sets it up, with nothing but `ioctl`, which every runtime brings in its own way.
 *
 * @module
 */
import { equals } from "../../bytes/equals.ts";
import { SocketError } from "../errors.ts";
import {
  addressOf,
  flagsOf,
  IFF_UP,
  ifreq,
  ifreqAddress,
  ifreqFlags,
  ifreqName,
  ifreqNumber,
  in6Ifreq,
  IoctlRequest,
  numberOf,
  TunFlag,
} from "./ifreq.ts";
import type { NetworkAddress, TunSettings } from "./tun_settings.ts";

/** Calls `ioctl` on the device, or on a socket of a family; returns the structure as it is afterwards. */
export interface IoctlCaller {
  /** @throws {SocketError} what the system says, by {@linkcode ioctlError} */
  ioctl(on: "device" | "inet" | "inet6", request: number, argument: Uint8Array): Promise<Uint8Array>;
  /** @throws what the system says */
  readText(path: string): string;
}

/** An interface that is there. */
export interface ConfiguredInterface {
  /** Its name. */
  readonly name: string;
  /** Its longest packet. */
  readonly mtu: number;
}

/** Addresses of IPv6: a line with the address, its interface's number, the length of its network, and more, in hexadecimal. */
const IPV6_ADDRESSES = "/proc/net/if_inet6";

/**
 * Makes the open device an interface, with addresses and MTU, and brings it up. What an interface has already that was made
 * for somebody without privileges needs none.
 */
export async function configure(settings: TunSettings, caller: IoctlCaller): Promise<ConfiguredInterface> {
  const flags = (settings.mode === "tun" ? TunFlag.IFF_TUN : TunFlag.IFF_TAP) | TunFlag.IFF_NO_PI;
  const made = await caller.ioctl("device", IoctlRequest.TUNSETIFF, ifreqFlags(settings.name, flags));
  const name = ifreqName(made);
  const mtu = async (): Promise<number> => numberOf(await caller.ioctl("inet", IoctlRequest.SIOCGIFMTU, ifreq(name)));
  if (settings.mtu !== undefined) {
    const wanted = ifreqNumber(name, settings.mtu);
    await allowed(
      () => caller.ioctl("inet", IoctlRequest.SIOCSIFMTU, wanted),
      async () => await mtu() === settings.mtu,
    );
  }
  let aliases = 0;
  for (const address of settings.addresses) {
    if (address.bytes.length === 16) await addIpv6(name, address, caller);
    else {
      const alias = aliases++ === 0 ? name : `${name}:${aliases}`;
      await allowed(() => addIpv4(alias, address, caller), () => hasIpv4(name, address, caller));
    }
  }
  await bringUp(name, caller);
  return { name, mtu: await mtu() };
}

/** Sets something; where that needs a privilege it may be so already. */
async function allowed(set: () => Promise<unknown>, isSet: () => Promise<boolean>): Promise<void> {
  try {
    await set();
  } catch (error) {
    if (!(error instanceof SocketError && error.code === "EPERM") || !await isSet()) throw error;
  }
}

/** The system looks for the address among all that the interface has, and else says the first. */
async function hasIpv4(name: string, { bytes, prefixLength }: NetworkAddress, caller: IoctlCaller): Promise<boolean> {
  const wanted = ifreqAddress(name, bytes);
  try {
    const address = addressOf(await caller.ioctl("inet", IoctlRequest.SIOCGIFADDR, wanted));
    const mask = addressOf(await caller.ioctl("inet", IoctlRequest.SIOCGIFNETMASK, wanted));
    return equals(address, bytes) && equals(mask, maskOf(prefixLength));
  } catch (error) {
    // it has none at all
    if (error instanceof SocketError && error.code === "EADDRNOTAVAIL") return false;
    throw error;
  }
}

function hasIpv6(index: number, { bytes, prefixLength }: NetworkAddress, caller: IoctlCaller): boolean {
  const hex = (value: number): string => value.toString(16).padStart(2, "0");
  const line = [Array.from(bytes, hex).join(""), hex(index), hex(prefixLength)].join(" ");
  return caller.readText(IPV6_ADDRESSES).split("\n").some((one) => one.startsWith(line));
}

function maskOf(prefixLength: number): Uint8Array {
  const mask = prefixLength === 0 ? 0 : -1 << (32 - prefixLength);
  return Uint8Array.of(mask >>> 24, mask >>> 16, mask >>> 8, mask);
}

async function addIpv4(name: string, { bytes, prefixLength }: NetworkAddress, caller: IoctlCaller): Promise<void> {
  await caller.ioctl("inet", IoctlRequest.SIOCSIFADDR, ifreqAddress(name, bytes));
  await caller.ioctl("inet", IoctlRequest.SIOCSIFNETMASK, ifreqAddress(name, maskOf(prefixLength)));
}

async function addIpv6(name: string, address: NetworkAddress, caller: IoctlCaller): Promise<void> {
  const { bytes, prefixLength } = address;
  const index = numberOf(await caller.ioctl("inet", IoctlRequest.SIOCGIFINDEX, ifreq(name)));
  const wanted = in6Ifreq(bytes, prefixLength, index);
  try {
    await allowed(
      () => caller.ioctl("inet6", IoctlRequest.SIOCSIFADDR, wanted),
      () => Promise.resolve(hasIpv6(index, address, caller)),
    );
  } catch (error) {
    // an interface that was taken over may have it already
    if (!(error instanceof SocketError && error.code === "EEXIST")) throw error;
  }
}

/** Asks first: one that somebody else has brought up needs no privilege. */
async function bringUp(name: string, caller: IoctlCaller): Promise<void> {
  const flags = flagsOf(await caller.ioctl("inet", IoctlRequest.SIOCGIFFLAGS, ifreq(name)));
  if ((flags & IFF_UP) !== 0) return;
  await caller.ioctl("inet", IoctlRequest.SIOCSIFFLAGS, ifreqFlags(name, flags | IFF_UP));
}
