/**
 * What peers of `leat tun` meet: an echo, a proxy, or a web page.
 *
 * @module
 */
import type { L3L4Socket } from "../../l3l4/mod.ts";
import type { ProxyDoor } from "./proxy_door.ts";
import { connectWith, dgramWith } from "../../tsocket/mod.ts";
import type { DgramSocket } from "../../tsocket/dgram_socket.ts";
import type { TDgram } from "../../tsocket/types.ts";
import { runtimeSockets } from "../mux/runtime.ts";
import { serveHttp } from "./http_service.ts";
import type { TunService } from "./tun_command_settings.ts";

/** Serves one connection until it is over; a proxy's comes through `door`, unless there was none. */
export async function serveFlow(service: TunService, flow: L3L4Socket, door?: ProxyDoor): Promise<void> {
  switch (service.kind) {
    case "echo":
      await flow.readable.pipeTo(flow.writable);
      break;
    case "http":
      await serveHttp(flow);
      break;
    case "proxy": {
      const upstream = door?.take(flow) ??
        connectWith(await runtimeSockets(), service.to, { allowHalfOpen: true });
      await joined(flow, upstream);
      break;
    }
  }
  await flow.closed;
}

/**
 * Bytes both ways, each to its own end. What breaks breaks its own way: an answer that is complete still gets to whoever asked,
 * although the server is gone.
 */
async function joined(
  flow: L3L4Socket,
  upstream: {
    readable: ReadableStream<Uint8Array>;
    writable: WritableStream<Uint8Array>;
  },
): Promise<void> {
  const ways = [flow.readable.pipeTo(upstream.writable), upstream.readable.pipeTo(flow.writable)];
  const broken = (await Promise.allSettled(ways)).find((way) => way.status === "rejected");
  if (broken !== undefined) throw broken.reason;
}

/**
 * Serves the datagrams of one peer until it has been silent for long. `unreachable` is called when the network says that the
 * server of a proxy cannot be reached; datagrams that come later begin anew.
 */
export async function serveDatagrams(
  service: TunService,
  flow: DgramSocket,
  unreachable: (flow: DgramSocket, code: string) => void = () => {},
): Promise<void> {
  try {
    if (service.kind !== "proxy") return await pass(flow, flow);
    const upstream = dgramWith(await runtimeSockets(), { remoteAddress: service.to });
    const refused = new Promise<void>((resolve) => {
      upstream.onIcmpError(({ code }) => {
        unreachable(flow, code);
        resolve();
      });
    });
    try {
      await Promise.race([pass(flow, upstream), pass(upstream, flow), refused]);
    } finally {
      await upstream.close();
    }
  } catch {
    // the flow is over: datagrams get lost
  } finally {
    await flow.close();
  }
}

async function pass(from: TDgram, to: TDgram): Promise<never> {
  for (;;) {
    const { data } = await from.recvfrom();
    // what there is no room for is lost, as on any way
    await to.sendto(data).catch(() => {});
  }
}
