/**
 * The structures of Linux with which interfaces are set up: `ifreq` of netdevice(7), and `in6_ifreq`.
 *
 * @module
 */

/** Requests of `ioctl`, on anything but MIPS, PowerPC and SPARC for the first. */
export const IoctlRequest = {
  TUNSETIFF: 0x400454ca,
  SIOCGIFFLAGS: 0x8913,
  SIOCSIFFLAGS: 0x8914,
  SIOCGIFADDR: 0x8915,
  SIOCSIFADDR: 0x8916,
  SIOCGIFNETMASK: 0x891b,
  SIOCSIFNETMASK: 0x891c,
  SIOCGIFMTU: 0x8921,
  SIOCSIFMTU: 0x8922,
  SIOCGIFINDEX: 0x8933,
} as const;

/** Flags of `TUNSETIFF`, `linux/if_tun.h`. */
export const TunFlag = { IFF_TUN: 0x0001, IFF_TAP: 0x0002, IFF_NO_PI: 0x1000 } as const;

/** Flag of an interface that is up, `net/if.h`. */
export const IFF_UP = 0x1;

/** Longest name of an interface. */
export const MAX_INTERFACE_NAME = 15;

const AF_INET = 2;
const NAME_BYTES = 16;
const IFREQ_BYTES = 40;

/** Numbers are in the order of the processor. */
const isLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** An `ifreq` with nothing but the name. */
export function ifreq(name: string): Uint8Array {
  const bytes = new Uint8Array(IFREQ_BYTES);
  for (let i = 0; i < name.length; i++) bytes[i] = name.charCodeAt(i);
  return bytes;
}

/** One with flags. */
export function ifreqFlags(name: string, flags: number): Uint8Array {
  const bytes = ifreq(name);
  viewOf(bytes).setUint16(NAME_BYTES, flags, isLittleEndian);
  return bytes;
}

/** One with a number: the MTU. */
export function ifreqNumber(name: string, value: number): Uint8Array {
  const bytes = ifreq(name);
  viewOf(bytes).setInt32(NAME_BYTES, value, isLittleEndian);
  return bytes;
}

/** One with a `sockaddr_in`. */
export function ifreqAddress(name: string, address: Uint8Array): Uint8Array {
  const bytes = ifreqFlags(name, AF_INET);
  bytes.set(address, NAME_BYTES + 4);
  return bytes;
}

/** The IPv4 address in it. */
export function addressOf(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(NAME_BYTES + 4, NAME_BYTES + 8);
}

/** An IPv6 address with the length of its network, for an interface by number. */
export function in6Ifreq(address: Uint8Array, prefixLength: number, interfaceIndex: number): Uint8Array {
  const bytes = new Uint8Array(24);
  bytes.set(address);
  viewOf(bytes).setUint32(16, prefixLength, isLittleEndian);
  viewOf(bytes).setInt32(20, interfaceIndex, isLittleEndian);
  return bytes;
}

/** The name in an `ifreq`. */
export function ifreqName(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return String.fromCharCode(...bytes.subarray(0, end < 0 ? NAME_BYTES : end));
}

/** The flags in it. */
export function flagsOf(bytes: Uint8Array): number {
  return viewOf(bytes).getUint16(NAME_BYTES, isLittleEndian);
}

/** The number in it. */
export function numberOf(bytes: Uint8Array): number {
  return viewOf(bytes).getInt32(NAME_BYTES, isLittleEndian);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
