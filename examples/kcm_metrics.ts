/**
 * What a multiplexor does, as events of `node:diagnostics_channel` and as metrics in OpenTelemetry's JSON (OTLP):
 * `node kcm_metrics.ts` sends a few messages over two connections in memory and prints both.
 */
import { channel } from "node:diagnostics_channel";
import { Multiplexor, type MultiplexorObserver, type MultiplexorStats } from "../src/kcm/mod.ts";
import { lengthPrefix } from "../src/strparser/mod.ts";
import { streamPair } from "../src/tsocket/mod.ts";

/** Publishes `leat:kcm:attached` and so on; costs next to nothing while nobody subscribes. */
function diagnostics(): MultiplexorObserver {
  const [attached, unattached, failed] = ["attached", "unattached", "failed"].map((name) =>
    channel(`leat:kcm:${name}`)
  );
  return {
    attached: (connection) => attached!.publish({ connection }),
    unattached: (connection, outcome) => unattached!.publish({ connection, outcome }),
    failed: (message, error) => failed!.publish({ message, error }),
  };
}

const SUMS: (keyof MultiplexorStats)[] = [
  "rxMessages",
  "rxBytes",
  "txMessages",
  "txBytes",
  "retries",
  "failedMessages",
];
const GAUGES: (keyof MultiplexorStats)[] = ["connections", "sockets", "readyMessages", "heldMessages", "sendBytes"];

/** The body of a request to an OTLP collector's `/v1/metrics`. */
function otlp(stats: MultiplexorStats, timeUnixNano: string): unknown {
  const points = (name: keyof MultiplexorStats) => [{ asInt: `${stats[name]}`, timeUnixNano }];
  const sums = SUMS.map((name) => ({
    name: `leat.kcm.${name}`,
    sum: { dataPoints: points(name), aggregationTemporality: 2, isMonotonic: true },
  }));
  const gauges = GAUGES.map((name) => ({ name: `leat.kcm.${name}`, gauge: { dataPoints: points(name) } }));
  return {
    resourceMetrics: [{ scopeMetrics: [{ scope: { name: "@leat/streams/kcm" }, metrics: [...sums, ...gauges] }] }],
  };
}

for (const name of ["attached", "unattached"]) {
  channel(`leat:kcm:${name}`).subscribe((event) => {
    const { connection } = event as { connection: { label: string } };
    console.log(`${name} ${connection.label}`);
  });
}

const kcm = new Multiplexor({ observer: diagnostics() });
const socket = kcm.socket();
for (const label of ["a", "b"]) {
  const [left, right] = streamPair();
  kcm.attach(left, { parser: lengthPrefix(1), label });
  // the peer echoes
  right.readable.pipeTo(right.writable).catch(() => {});
}
for (let i = 0; i < 4; i++) await socket.send(Uint8Array.of(1, i));
for (let i = 0; i < 4; i++) await socket.receive();
console.log(JSON.stringify(otlp(kcm.stats, `${Date.now()}000000`)));
await kcm.drain({ deadlineMs: 1000 });
