/**
 * Servers that are not there.
 *
 * Only a connected socket hears of that. The endpoint's own is none, because a server with several addresses may answer
 * from another one than it was asked at; so one of its own knocks, and the endpoint is told what it hears. Whether that
 * is believed, and what fails with it, is the endpoint's affair. Deno's sockets never hear of it.
 *
 * @module
 */
import { silentVersion } from "../../rxrpc/nat_keepalive.ts";
import type { RxEndpoint } from "../../rxrpc/mod.ts";
import { dgramWith, type InetAddress, type TDgram } from "../../tsocket/mod.ts";
import { runtimeSockets } from "../mux/runtime.ts";

const KNOCK = silentVersion(0);
/** A report counts only for what has been sent by then, and may be forged: there is another knock after each. */
const NEXT_KNOCK_MS = 200;

/** Runs `work` over `endpoint`, which hears meanwhile when the network says that nobody listens at `to`. */
export async function withKnocking<T>(endpoint: RxEndpoint, to: InetAddress, work: Promise<T>): Promise<T> {
  // it may fail while nobody waits for it yet
  work.catch(() => {});
  const socket = dgramWith(await runtimeSockets(), { remoteAddress: to });
  const stop = knock(socket, (code) => endpoint.networkFailed({ code, to }));
  try {
    return await work;
  } finally {
    stop();
    await socket.close();
  }
}

/** Knocks, and again after each report. The result ends that. */
function knock(socket: TDgram, failed: (code: string) => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const send = (): void => {
    timer = undefined;
    // where no way leads, the endpoint's own socket hears of
    socket.sendto(KNOCK).catch(() => {});
  };
  const listening = socket.onIcmpError(({ code }) => {
    failed(code);
    timer ??= setTimeout(send, NEXT_KNOCK_MS);
  });
  send();
  return () => {
    listening[Symbol.dispose]();
    clearTimeout(timer);
  };
}
