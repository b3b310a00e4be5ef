/**
 * What is checked before a datagram goes to a driver, and what is said when it cannot be sent.
 *
 * @module
 */
import { checkAddress } from "./dgram_addressing.ts";
import { SocketError } from "./errors.ts";
import type { TDgramDriver } from "./driver_types.ts";
import type { TsocketAddress, Vector } from "./types.ts";
import { checkedLength } from "./vector.ts";

/**
 * Length of a datagram, in bytes.
 *
 * @throws {TypeError} when it is neither bytes nor a vector
 */
export function datagramLength(data: Uint8Array | Vector, name: string): number {
  return data instanceof Uint8Array ? data.byteLength : checkedLength(data, name);
}

/**
 * Why an open socket cannot send this, where that is known before asking the driver.
 *
 * @throws {TypeError} when `to` is no address
 */
export function checkSend(
  driver: TDgramDriver,
  length: number,
  to: TsocketAddress | undefined,
): SocketError | undefined {
  const { localAddress, remoteAddress, maxDatagramSize } = driver;
  checkAddress("to", to);
  if (remoteAddress !== undefined && to !== undefined) {
    return sendError(`the socket is connected with ${remoteAddress}: leave out the address`, "EISCONN", to);
  }
  if (remoteAddress === undefined && to === undefined) {
    return sendError("the socket is not connected: the datagram needs an address", "EDESTADDRREQ");
  }
  if (length > maxDatagramSize) {
    return sendError(`a datagram of ${length} bytes exceeds maxDatagramSize ${maxDatagramSize}`, "EMSGSIZE", to);
  }
  if (to !== undefined && localAddress !== undefined && !canReach(localAddress, to)) {
    return sendError(`a socket at ${localAddress} cannot send to ${to}`, "EAFNOSUPPORT", to);
  }
  return undefined;
}

/** `thrown` by a driver, with the number of datagrams that had been sent before. */
export function failedSend(thrown: unknown, sentBefore: number): SocketError {
  const isOurs = thrown instanceof SocketError;
  const bytesTransferred = sentBefore + (isOurs ? thrown.bytesTransferred ?? 0 : 0);
  if (isOurs && thrown.bytesTransferred === bytesTransferred) return thrown;
  const what = isOurs ? thrown.reason : `sendMany failed: ${String(thrown)}`;
  return new SocketError(what, {
    code: isOurs ? thrown.code : "EIO",
    syscall: "sendMany",
    bytesTransferred,
    cause: thrown,
    ...isOurs && { blame: thrown.blame },
    ...isOurs && thrown.address !== undefined && { address: thrown.address },
  });
}

/** The error of a send that finds the line too long. */
export function outboxFullError(syscall: string, count: number, queued: number, max: number): SocketError {
  const what = count === 1 ? "a datagram does" : `${count} datagrams do`;
  return new SocketError(`${what} not fit behind ${queued} waiting ones: maxQueuedSends is ${max}`, {
    code: "ENOBUFS",
    syscall,
  });
}

/** Asks the driver to send; what it throws is a rejection too. */
export function attemptSend(
  driver: TDgramDriver,
  data: Uint8Array | Vector,
  to: TsocketAddress | undefined,
): Promise<void> {
  try {
    return driver.send(data, to);
  } catch (thrown) {
    return Promise.reject(thrown);
  }
}

function canReach(local: TsocketAddress, to: TsocketAddress): boolean {
  if (local.kind !== "inet" || to.kind !== "inet") return local.kind === to.kind;
  // an IPv6 socket has IPv4 addresses, too, in their mapped form
  return local.family === "ipv6" || to.family === "ipv4";
}

function sendError(message: string, code: string, address?: TsocketAddress): SocketError {
  return new SocketError(message, { code, blame: "local", syscall: "send", ...address && { address } });
}
