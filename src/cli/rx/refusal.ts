/**
 * Servers that are not there.
 *
 * @module
 */
import { packetOf } from "../../rxrpc/control_packet.ts";
import { unreachableError } from "../../rxrpc/network_failure.ts";
import { RxFlag, RxPacketType } from "../../rxrpc/packet_types.ts";
import { dgramWith, type InetAddress } from "../../tsocket/mod.ts";
import { runtimeSockets } from "../mux/runtime.ts";

/** A VERSION packet that asks nothing, and is never answered. */
const KNOCK = packetOf({
  epoch: 0,
  cid: 0,
  callNumber: 0,
  seq: 0,
  serial: 0,
  type: RxPacketType.VERSION,
  flags: RxFlag.LAST_PACKET,
  userStatus: 0,
  securityIndex: 0,
  checksum: 0,
  serviceId: 0,
}, new Uint8Array(1));

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
