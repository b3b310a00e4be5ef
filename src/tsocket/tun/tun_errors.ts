/**
 * What goes wrong with interfaces, in the codes of the socket layer.
 *
 * @module
 */
import { SocketError } from "../errors.ts";

/** Numbers of errno on Linux, as far as devices and interfaces have them. */
const ERRNO: Readonly<Record<number, string>> = {
  1: "EPERM",
  2: "ENOENT",
  4: "EINTR",
  5: "EIO",
  6: "ENXIO",
  9: "EBADF",
  11: "EAGAIN",
  12: "ENOMEM",
  13: "EACCES",
  16: "EBUSY",
  17: "EEXIST",
  19: "ENODEV",
  22: "EINVAL",
  23: "ENFILE",
  24: "EMFILE",
  77: "EBADFD",
  95: "EOPNOTSUPP",
  97: "EAFNOSUPPORT",
  99: "EADDRNOTAVAIL",
  105: "ENOBUFS",
};

const WORDS: Readonly<Record<string, string>> = {
  EPERM: "no permission; root or the capability CAP_NET_ADMIN is needed",
  EACCES: "no permission",
  EBUSY: "somebody else has the interface open",
  EINVAL: "there is an interface of that name and of another kind, or the name or value is not allowed",
  ENOENT: "there is no such device on this system",
  ENODEV: "there is no such interface",
  EAFNOSUPPORT: "the system does not have that IP version",
};

/** The name of a number of errno on Linux. */
export function errnoName(number: number): string {
  return ERRNO[number] ?? "EIO";
}

/** The error of something that was done to open an interface. */
export function tunError(what: string, code: string, cause?: unknown): SocketError {
  return new SocketError(`${what}: ${WORDS[code] ?? "it failed"} (${code})`, {
    code,
    blame: "local",
    syscall: "tun",
    ...cause === undefined ? {} : { cause },
  });
}

/** @throws {SocketError} `EPROTONOSUPPORT` elsewhere than on Linux */
export function checkLinux(platform: string): void {
  if (platform === "linux") return;
  throw new SocketError(`interfaces can be opened on Linux only, not on ${platform}`, {
    code: "EPROTONOSUPPORT",
    blame: "local",
    syscall: "tun",
  });
}

/** The error of reading from an interface that is gone. */
export function removedError(name: string, cause?: unknown): SocketError {
  return new SocketError(`the interface ${name} was removed`, {
    code: "ENODEV",
    blame: "local",
    syscall: "read",
    ...cause === undefined ? {} : { cause },
  });
}
