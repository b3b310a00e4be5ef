/** Drivers of another runtime than this one: they say so, and do nothing else. */
import { InetAddress } from "../../../src/tsocket/inet_address.ts";
import { connectWith, dgramWith, listenWith } from "../../../src/tsocket/open.ts";
import type { TsocketRuntime } from "../../../src/tsocket/driver_types.ts";
import { define } from "./define.ts";
import { fails } from "./waiting.ts";

const ADDRESS = InetAddress.from("127.0.0.1", 0);

/** Registers the cases. `what` is what this runtime does not have. */
export function foreignSuite(runtime: TsocketRuntime, what: readonly ("streams" | "datagrams")[]): void {
  if (what.includes("streams")) {
    define(runtime, 62, "connecting and listening are EPROTONOSUPPORT on other runtimes", async () => {
      const stream = connectWith(runtime, ADDRESS.withPort(1));
      await fails(stream.opened, "EPROTONOSUPPORT");
      await fails(stream.closed, "EPROTONOSUPPORT");
      const listener = listenWith(runtime, ADDRESS);
      await fails(listener.opened, "EPROTONOSUPPORT");
      await fails(listener.accept(), "EPROTONOSUPPORT");
    });
  }
  if (what.includes("datagrams")) {
    define(runtime, 79, "datagrams are EPROTONOSUPPORT on other runtimes", async () => {
      const socket = dgramWith(runtime, { localAddress: ADDRESS });
      await fails(socket.opened, "EPROTONOSUPPORT");
      await socket.close().catch(() => {});
    });
  }
}
