import { RxEndpoint } from "@leat/streams/rxrpc";
import { dgramPair, InetAddress } from "@leat/streams/tsocket";
import { sameBytes, type SmokeCases } from "./types.ts";

/** `./rxrpc` */
export const cases: SmokeCases = {
  "a call and its reply, over sockets in memory": async () => {
    const to = InetAddress.parse("192.0.2.1:7000");
    const [left, right] = dgramPair({ addresses: [InetAddress.parse("192.0.2.2:7001"), to] });
    const [client, server] = await Promise.all([RxEndpoint.open(left), RxEndpoint.open(right)]);
    const listener = server.listen({ services: [147] });
    const reply = client.request({ to, service: 147, body: Uint8Array.of(1, 2, 3) });
    const call = (await listener.accept())!;
    const asked = await call.bytes();
    await call.write(asked.slice().reverse());
    await call.end();
    sameBytes(await reply, Uint8Array.of(3, 2, 1), "reply");
    await Promise.all([client.close(), server.close()]);
  },
};
