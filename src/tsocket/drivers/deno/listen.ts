/**
 * Listening on Deno: TCP, unix sockets, TLS.
 *
 * @module
 */
import { type Clock, systemClock } from "../../../core/clock.ts";
import { SocketError } from "../../errors.ts";
import type { TListenerDriver } from "../../driver_types.ts";
import type { ListenOptions, SocketTarget } from "../../option_types.ts";
import type { TlsOptions } from "../../types.ts";
import { denoHost } from "./addresses.ts";
import { isInet } from "./connect.ts";
import { type DenoApi, denoApi, type DenoListener } from "./deno_api.ts";
import { denoError } from "./errors.ts";
import { DenoListenerDriver } from "./listener_driver.ts";

/** What Deno would take as well, and what this library takes everywhere. */
const DEFAULT_BACKLOG = 511;

/** Listens. Throws a {@linkcode SocketError} or the signal's reason. */
export function denoListen(
  target: SocketTarget,
  options: ListenOptions,
  signal: AbortSignal,
  clock: Clock = systemClock,
): TListenerDriver {
  const deno = denoApi("listen");
  signal.throwIfAborted();
  const isNoDelay = options.noDelay ?? true;
  try {
    return new DenoListenerDriver(listen(deno, target, options), { clock, target, isNoDelay });
  } catch (thrown) {
    throw denoError(thrown, { syscall: "listen", target, address: "kind" in target ? target : undefined });
  }
}

function listen(deno: DenoApi, target: SocketTarget, options: ListenOptions): DenoListener {
  const { tls, backlog = DEFAULT_BACKLOG } = options;
  if (!isInet(target)) {
    if (target.kind === "unix" && tls === undefined) return deno.listen({ transport: "unix", path: target.path });
    const what = target.kind === "unix" ? "with TLS on unix sockets" : `on ${target}`;
    throw new SocketError(`Deno cannot listen ${what}`, { code: "EPROTONOSUPPORT", syscall: "listen" });
  }
  if (options.ipv6Only === true) refuseIfBoth(target);
  const on = { hostname: denoHost(target), port: target.port, tcpBacklog: backlog };
  const shared = options.reusePort === true ? { ...on, reusePort: true } : on;
  return tls === undefined ? deno.listen(shared) : deno.listenTls({ ...shared, ...certificate(tls) });
}

/** Deno has no IPV6_V6ONLY; only on the wildcard and on what a name stands for does that matter. */
function refuseIfBoth(target: SocketTarget): void {
  if ("kind" in target && target.kind === "inet" && target.address !== "::") return;
  const message = "Deno cannot listen on IPv6 alone (ipv6Only); listen on one IPv6 address instead";
  throw new SocketError(message, { code: "EPROTONOSUPPORT", syscall: "listen" });
}

function certificate({ cert, key, alpn }: TlsOptions): { cert: string; key: string; alpnProtocols?: string[] } {
  if (cert === undefined || key === undefined) {
    const message = "listening with TLS needs a certificate and its key";
    throw new SocketError(message, { code: "EINVAL", syscall: "listen" });
  }
  return { cert, key, ...(alpn === undefined ? {} : { alpnProtocols: [...alpn] }) };
}
