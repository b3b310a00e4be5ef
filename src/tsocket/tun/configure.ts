/**
 * Makes an interface and sets it up, with nothing but `ioctl`, which every runtime brings in its own way.
 *
 * @module
 */
import { SocketError } from "../errors.ts";
import {
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
}

/** An interface that is there. */
export interface ConfiguredInterface {
  /** Its name. */
  readonly name: string;
  /** Its longest packet. */
  readonly mtu: number;
}

/** Makes the open device an interface, with addresses and MTU, and brings it up. */
export async function configure(settings: TunSettings, caller: IoctlCaller): Promise<ConfiguredInterface> {
  const flags = (settings.mode === "tun" ? TunFlag.IFF_TUN : TunFlag.IFF_TAP) | TunFlag.IFF_NO_PI;
  const made = await caller.ioctl("device", IoctlRequest.TUNSETIFF, ifreqFlags(settings.name, flags));
  const name = ifreqName(made);
  if (settings.mtu !== undefined) {
    await caller.ioctl("inet", IoctlRequest.SIOCSIFMTU, ifreqNumber(name, settings.mtu));
  }
  let aliases = 0;
  for (const address of settings.addresses) {
    if (address.bytes.length === 16) await addIpv6(name, address, caller);
    else await addIpv4(aliases++ === 0 ? name : `${name}:${aliases}`, address, caller);
  }
  await bringUp(name, caller);
  return { name, mtu: numberOf(await caller.ioctl("inet", IoctlRequest.SIOCGIFMTU, ifreq(name))) };
}

async function addIpv4(name: string, { bytes, prefixLength }: NetworkAddress, caller: IoctlCaller): Promise<void> {
  const mask = prefixLength === 0 ? 0 : -1 << (32 - prefixLength);
  const maskBytes = Uint8Array.of(mask >>> 24, mask >>> 16, mask >>> 8, mask);
  await caller.ioctl("inet", IoctlRequest.SIOCSIFADDR, ifreqAddress(name, bytes));
  await caller.ioctl("inet", IoctlRequest.SIOCSIFNETMASK, ifreqAddress(name, maskBytes));
}

async function addIpv6(name: string, { bytes, prefixLength }: NetworkAddress, caller: IoctlCaller): Promise<void> {
  const index = numberOf(await caller.ioctl("inet", IoctlRequest.SIOCGIFINDEX, ifreq(name)));
  try {
    await caller.ioctl("inet6", IoctlRequest.SIOCSIFADDR, in6Ifreq(bytes, prefixLength, index));
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
