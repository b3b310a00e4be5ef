/**
 * Servers that are not there.
 *
 * @module
 */
import { silentVersion } from "../../rxrpc/nat_keepalive.ts";
import { unreachableError } from "../../rxrpc/network_failure.ts";
import { dgramWith, type InetAddress } from "../../tsocket/mod.ts";
import { runtimeSockets } from "../mux/runtime.ts";

const KNOCK = silentVersion(0);

/**
 * Waits for `work`, or until the network says that nobody listens at `to`.
 *
 * Only a connected socket hears of that. The endpoint's own is none, because a server with several addresses may answer
 * from another one than it was asked at; so one of its own knocks. Deno's sockets never hear of it.
 *
 * @throws {RxrpcError} what the network says, by its errno name
 */
export async function unlessRefused<T>(to: InetAddress, work: Promise<T>): Promise<T> {
  // it may fail while nobody waits for it yet, or no longer
  work.catch(() => {});
  const socket = dgramWith(await runtimeSockets(), { remoteAddress: to });
  const refused = new Promise<never>((_resolve, reject) => {
    socket.onIcmpError(({ code }) => reject(unreachableError(code, to)));
  });
  // where no way leads, the endpoint's own socket hears of
  socket.sendto(KNOCK).catch(() => {});
  try {
    return await Promise.race([refused, work]);
  } finally {
    await socket.close();
  }
}
