/** Packets that come late, between two calls of one channel. */
import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { type RxDatagram, RxEndpointEngine } from "../../src/rxrpc/mod.ts";
import { SeededRandom } from "../../src/sim/mod.ts";

const ADDRESS = "127.0.0.1";
const TO = { address: ADDRESS, port: 7000 };

/** What an engine sends, as its peer sees it. */
function sent(engine: RxEndpointEngine, port: number, now: number): RxDatagram[] {
  let buffer = new Uint8Array(0);
  const datagrams: RxDatagram[] = [];
  engine.transmit({
    alloc: (size) => buffer = new Uint8Array(size),
    commit: (length) => datagrams.push({ data: buffer.subarray(0, length), from: { address: ADDRESS, port } }),
  }, now);
  return datagrams;
}

test("a reply that comes twice does not end the next call, which has its place but has sent nothing", () => {
  const random = new SeededRandom(5);
  const options = {
    random: (bytes: Uint8Array) => bytes.forEach((_, at) => bytes[at] = random.below(256)),
    wallMs: () => 0,
  };
  const server = new RxEndpointEngine(options, {
    incoming: (call) => ({
      data: (bytes) => call.consumed(bytes.length, 0),
      ended: () => call.end(0),
      closed: () => {},
    }),
  });
  server.offer({ id: 147 });
  const client = new RxEndpointEngine(options, { incoming: () => -2 });
  const ends: string[] = [];
  const make = (name: string) =>
    client.call({ to: TO, service: 147 }, {
      data: () => {},
      ended: () => ends.push(`${name} ended`),
      closed: (error) => ends.push(`${name} closed ${String(error)}`),
    }, 0);
  const exchange = (): RxDatagram[] => {
    for (const datagram of sent(client, 7001, 0)) server.push(datagram, 0);
    const replies = sent(server, 7000, 0);
    for (const datagram of replies) client.push(datagram, 0);
    return replies;
  };
  make("first").end(0);
  const replies = exchange();
  assertEquals(ends, ["first ended", "first closed undefined"]);
  const second = make("second");
  for (const datagram of replies) client.push(datagram, 0);
  assertEquals(ends.length, 2);
  second.end(0);
  exchange();
  assertEquals(ends.slice(2), ["second ended", "second closed undefined"]);
});
