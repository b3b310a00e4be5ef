/**
 * Connecting with `node:net` and `node:tls`, which a signal can end at every stage.
 *
 * @module
 */
import { connect, type NetConnectOpts, type Socket } from "node:net";
import type { ConnectOptions, SocketTarget } from "../../option_types.ts";
import { endsOf, toNodeHost, toNodeTarget } from "./addresses.ts";
import { nodeError } from "./error_codes.ts";
import { Inbox } from "./inbox.ts";
import { prefersOnread } from "./quirks.ts";
import { NodeStreamDriver } from "./stream_driver.ts";
import { clientHandshake } from "./tls.ts";

/**
 * Connects, and does the TLS handshake with `secureTransport: "on"`.
 *
 * @throws {SocketError} what went wrong, or the signal's reason; nothing is left open then
 */
export async function connectNode(
  target: SocketTarget,
  options: ConnectOptions,
  signal: AbortSignal,
): Promise<NodeStreamDriver> {
  signal.throwIfAborted();
  const isPlain = (options.secureTransport ?? "off") === "off";
  // TLS takes the handle over, and does not know of onread
  const inbox = isPlain && prefersOnread ? new Inbox() : undefined;
  const raw = await open(target, options, inbox, signal);
  const ends = endsOf(raw, { remote: "hostname" in target ? undefined : target, local: options.localAddress });
  const parts = { ends, role: "client", host: hostOf(target) } as const;
  const tls = { ...options.tls, ...given("sni", options.sni), ...given("alpn", options.alpn) };
  if (options.secureTransport !== "on") return new NodeStreamDriver({ ...parts, socket: raw, inbox, tls });
  const socket = await clientHandshake(raw, { tls, host: parts.host, peer: ends.remote }, signal);
  return new NodeStreamDriver({ ...parts, socket, raw });
}

/** Name or numeric address, for certificates; paths have none. */
function hostOf(target: SocketTarget): string | undefined {
  if ("hostname" in target) return target.hostname;
  return target.kind === "inet" ? target.address : undefined;
}

function open(
  target: SocketTarget,
  options: ConnectOptions,
  inbox: Inbox | undefined,
  signal: AbortSignal,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(netOptions(target, options, inbox));
    let failure: unknown;
    const onAbort = (): void => {
      failure ??= signal.reason;
      socket.destroy();
    };
    const onError = (error: unknown): void => {
      failure ??= nodeError(error, {
        syscall: "connect",
        target,
        address: "hostname" in target ? undefined : target,
      });
    };
    const onClose = (): void => {
      signal.removeEventListener("abort", onAbort);
      reject(failure ?? nodeError({ code: "ECONNRESET" }, { syscall: "connect", target }));
    };
    const onConnect = (): void => {
      if (failure !== undefined) return;
      signal.removeEventListener("abort", onAbort);
      // the listener of errors stays: the new owner adds its own a few microtasks later
      socket.off("close", onClose);
      resolve(socket);
    };
    // nothing is read before somebody wants it
    socket.pause();
    socket.on("error", onError).once("close", onClose).once("connect", onConnect);
    signal.addEventListener("abort", onAbort);
  });
}

function netOptions(target: SocketTarget, options: ConnectOptions, inbox: Inbox | undefined): NetConnectOpts {
  const { localAddress, keepAliveMs } = options;
  const local = localAddress === undefined ? {} : {
    localAddress: toNodeHost(localAddress),
    ...(localAddress.port === 0 ? {} : { localPort: localAddress.port }),
  };
  return {
    ...toNodeTarget(target),
    ...local,
    allowHalfOpen: true,
    noDelay: options.noDelay ?? true,
    ...(keepAliveMs === undefined ? {} : { keepAlive: true, keepAliveInitialDelay: keepAliveMs }),
    ...(inbox === undefined ? {} : { onread: onreadOf(inbox) }),
  };
}

function onreadOf(inbox: Inbox): NonNullable<NetConnectOpts["onread"]> {
  return {
    buffer: () => inbox.nextBuffer(),
    callback: (length, buffer) => {
      inbox.pushRead(buffer, length);
      return !inbox.isFull;
    },
  };
}

function given<K extends string, V>(key: K, value: V | undefined): { [key in K]?: V } {
  return value === undefined ? {} : { [key]: value } as { [key in K]: V };
}
