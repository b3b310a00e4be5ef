/**
 * What Deno brings to the socket layer.
 *
 * @module
 */
import { SocketError } from "../../errors.ts";
import type { TDgramDriver, TListenerDriver, TsocketRuntime, TStreamDriver } from "../../driver_types.ts";
import type { ConnectOptions, DgramOptions, ListenOptions, SocketTarget } from "../../option_types.ts";
import { denoConnect } from "./connect.ts";
import { denoApi } from "./deno_api.ts";
import { denoDgram } from "./dgram.ts";
import { denoListen } from "./listen.ts";

/** Sockets of Deno. Elsewhere everything rejects with `EPROTONOSUPPORT`. */
export const denoRuntime: TsocketRuntime = {
  name: "deno",
  connect: async (target: SocketTarget, options: ConnectOptions, signal: AbortSignal): Promise<TStreamDriver> => {
    denoApi("connect");
    refuseVirtual(target, "connect");
    return needsNodeToConnect(target, options)
      ? await (await nodeRuntime()).connect(target, options, signal)
      : await denoConnect(target, options, signal);
  },
  listen: async (target: SocketTarget, options: ListenOptions, signal: AbortSignal): Promise<TListenerDriver> => {
    const deno = denoApi("listen");
    refuseVirtual(target, "listen");
    const isUnshareable = options.reusePort === true && deno.listenDatagram === undefined;
    return isUnshareable || isPipe(target)
      ? await (await nodeRuntime()).listen(target, options, signal)
      : denoListen(target, options, signal);
  },
  dgram: (options: DgramOptions, signal: AbortSignal): Promise<TDgramDriver> => denoDgram(options, signal),
};

/** `Deno.connect` cannot be told where to connect from, and knows no named pipes. */
function needsNodeToConnect(target: SocketTarget, { localAddress }: ConnectOptions): boolean {
  return localAddress !== undefined || isPipe(target);
}

function isPipe(target: SocketTarget): boolean {
  return "kind" in target && target.kind === "pipe";
}

function refuseVirtual(target: SocketTarget, syscall: string): void {
  if (!("kind" in target) || target.kind !== "virtual") return;
  throw new SocketError(`Deno has no sockets at ${target}`, { code: "EPROTONOSUPPORT", syscall });
}

/** Only loaded when needed: it brings all of node:net and node:tls along. */
async function nodeRuntime(): Promise<TsocketRuntime> {
  return (await import("../node/runtime.ts")).nodeRuntime;
}
