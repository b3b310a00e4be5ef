/**
 * Starting TLS on an open connection, and what is known about a connection once it is open.
 *
 * @module
 */
import type { TStreamDriver } from "./driver_types.ts";
import { SocketError, toSocketError } from "./errors.ts";
import type { SocketInfo, TlsOptions } from "./types.ts";

/** What callers are told of an open connection. */
export function socketInfo(driver: TStreamDriver): SocketInfo {
  return {
    remoteAddress: driver.remoteAddress?.toHostPort() ?? null,
    localAddress: driver.localAddress?.toHostPort() ?? null,
    alpn: driver.alpn,
  };
}

/**
 * Only a socket that was made for it changes to TLS.
 *
 * @throws {SocketError} `EINVAL` for any other
 */
export function checkTlsMode(secureTransport: string): void {
  if (secureTransport === "starttls") return;
  throw new SocketError(`startTls needs secureTransport "starttls", not "${secureTransport}"`, {
    code: "EINVAL",
    syscall: "startTls",
  });
}

/**
 * Starts TLS on a driver that nobody else uses any more, and frees it when that fails.
 *
 * `early` counts bytes that a cancelled read gave back. They came unprotected and must not be taken for what TLS
 * protected; bytes that nobody has read yet are the driver's, which hands them to TLS or fails.
 *
 * @throws {SocketError} `EPROTONOSUPPORT`, `EPROTO`, or what the driver says; the signal's reason when it is aborted
 */
export async function startTlsOn(
  driver: TStreamDriver,
  early: number,
  options: TlsOptions,
  signal: AbortSignal,
): Promise<TStreamDriver> {
  const syscall = "startTls";
  try {
    if (driver.startTls === undefined) {
      throw new SocketError(`a ${driver.kind} connection cannot start TLS`, { code: "EPROTONOSUPPORT", syscall });
    }
    if (early > 0) {
      throw new SocketError(`the peer sent ${early} bytes before TLS was started`, { code: "EPROTO", syscall });
    }
    return await driver.startTls(options, signal);
  } catch (thrown) {
    driver.abort();
    throw signal.aborted ? signal.reason : toSocketError(thrown, "EPROTO", syscall);
  }
}
