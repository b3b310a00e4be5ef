/**
 * The TCP/IP endpoint: two engines, or two stacks, back to back in one thread, against what the path of the data alone
 * allows (`l3l4_ceiling.ts`), measured in turns with it.
 *
 * Goals that are numbers of a quiet machine are scaled by the ceiling, which was 1,700 MB/s on Node 20 there, 2,700 on
 * Deno and 2,600 on Bun. Figures of other stacks on that machine are printed beside as they were reported.
 *
 * @module
 */
import process from "node:process";
import { type Bench, bench, runAlone } from "./harness.ts";
import { type Ceiling, dataPathCeiling } from "./l3l4_ceiling.ts";
import { CoreBulk, coreConnections, CorePair, coreRoundTrips } from "./l3l4_core.ts";
import { StreamsBulk, streamsConnections, StreamsEcho, StreamsPair } from "./l3l4_streams.ts";

const ROUND = 32 << 20;
const IDLE_FLOWS = 10_000;
const WARM_UP_BYTES = 16 * ROUND;
const WARM_UP_ECHOES = 50_000;
const LAST_TENTH = "streams, bulk: the last tenth of 10 GB";
const CORE_ECHO = "core, request and reply of 32 B";
const STREAMS_ECHO = "streams, request and reply of 32 B";
const IDLE_ECHO = "streams, request and reply beside 10,000 idle flows";
const CORE_CONNECTIONS = "core, connections opened and closed";
const STREAMS_CONNECTIONS = "streams, connections opened and closed";
const LOSS = "core, bulk at 1 % loss, every byte checked";
/** The ceiling on the machine that the goals were set on, in bytes a second. */
const CEILINGS: Record<string, number> = { node: 1.7e9, deno: 2.7e9, bun: 2.6e9 };

function isAnyWanted(bench: Bench, ...names: string[]): boolean {
  return names.some((name) => bench.isWanted(name));
}

/** A goal of so many a second where the ceiling is what it was. */
function scaled(bench: Bench, ceiling: Ceiling, perSecond: number): { name: string; run: () => number } {
  const quiet = CEILINGS[bench.runtime.split(" ")[0]!]!;
  return { name: `${perSecond} a second, scaled by the ceiling`, run: () => ceiling(ROUND) * perSecond / quiet };
}

async function bulk(bench: Bench, ceiling: Ceiling): Promise<void> {
  const baseline = { name: "data path alone", run: () => ceiling(ROUND) };
  if (isAnyWanted(bench, "core, bulk at MTU 1500", "core, bulk in super-segments")) {
    const pair = new CorePair();
    const core = new CoreBulk(pair, pair.connect());
    await bench.figure({
      name: "core, bulk at MTU 1500",
      unit: "B/s",
      run: () => core.run(ROUND),
      baseline,
      warmUpMs: 1500,
      goal: { ratio: 0.38 },
    });
    const large = new CorePair({ superSegmentBytes: 61440 });
    const superSegments = new CoreBulk(large, large.connect());
    await bench.figure({
      name: "core, bulk in super-segments",
      unit: "B/s",
      run: () => superSegments.run(ROUND),
      baseline,
      warmUpMs: 1500,
    });
  }
  if (isAnyWanted(bench, "streams, bulk at MTU 1500", LAST_TENTH)) {
    const pair = new StreamsPair();
    const streams = new StreamsBulk(await pair.connect());
    // by amount, not by time: what the compilers need is calls, and a busy machine makes few of them in a second
    await streams.run(WARM_UP_BYTES);
    await bench.figure({
      name: "streams, bulk at MTU 1500",
      unit: "B/s",
      run: () => streams.run(ROUND),
      baseline,
      warmUpMs: 1500,
      goal: { ratio: 0.15 },
    });
    await flatness(bench, streams);
    await pair.close();
  }
}

/** The speed at the end of 10 GB, against that at the beginning. */
async function flatness(bench: Bench, streams: StreamsBulk): Promise<void> {
  const name = LAST_TENTH;
  if (!bench.isWanted(name)) return;
  const part = (bench.isQuick ? 1 : 10) * 10 * ROUND / 10;
  const speeds: number[] = [];
  for (let i = 0; i < 30; i++) {
    const startedAt = performance.now();
    await streams.run(part);
    speeds.push(part * 1000 / (performance.now() - startedAt));
  }
  bench.reading({
    name: bench.isQuick ? name.replace("10 GB", "1 GB") : name,
    unit: "B/s",
    values: speeds.slice(-3),
    baseline: { name: "the first tenth", value: speeds.slice(0, 3).sort((a, b) => a - b)[1]! },
    goal: { ratio: 0.7 },
  });
}

async function roundTrips(bench: Bench, ceiling: Ceiling): Promise<void> {
  if (!isAnyWanted(bench, CORE_ECHO, STREAMS_ECHO, IDLE_ECHO)) return;
  const core = new CorePair();
  const port = core.connect({ hasNagle: false });
  await bench.figure({
    name: CORE_ECHO,
    unit: "round trips/s",
    run: () => coreRoundTrips(core, port, 2000),
    warmUpMs: 1500,
  });
  const pair = new StreamsPair();
  const echo = new StreamsEcho(await pair.connect(false));
  await echo.run(WARM_UP_ECHOES);
  await bench.figure({
    name: STREAMS_ECHO,
    unit: "round trips/s",
    run: () => echo.run(2000),
    warmUpMs: 1500,
    // the goal moves with the ceiling, and one busy second would decide
    repetitions: 15,
    baseline: scaled(bench, ceiling, 90_000),
    goal: { ratio: 1 },
  });
  const many = new StreamsPair();
  const idle: unknown[] = [];
  for (let i = 0; i < IDLE_FLOWS; i++) idle.push(await many.connect());
  const one = new StreamsEcho(await many.connect(false));
  await bench.figure({
    name: IDLE_ECHO,
    unit: "round trips/s",
    run: () => one.run(2000),
    warmUpMs: 1500,
    baseline: { name: "one flow", run: () => echo.run(2000) },
    goal: { ratio: 0.8 },
  });
  await Promise.all([pair.close(), many.close()]);
}

async function connections(bench: Bench, ceiling: Ceiling): Promise<void> {
  if (!isAnyWanted(bench, CORE_CONNECTIONS, STREAMS_CONNECTIONS)) return;
  // as many as there are in a minute would wait for their end else
  const options = { timeWaitMs: 100 };
  const core = new CorePair(options);
  await bench.figure({
    name: CORE_CONNECTIONS,
    unit: "connections/s",
    run: () => coreConnections(core, 1000),
    baseline: scaled(bench, ceiling, 40_000),
    goal: { ratio: 1 },
    warmUpMs: 1500,
  });
  const pair = new StreamsPair(options);
  await bench.figure({
    name: STREAMS_CONNECTIONS,
    unit: "connections/s",
    run: () => streamsConnections(pair, 500),
    baseline: scaled(bench, ceiling, 10_000),
    goal: { ratio: 1 },
    warmUpMs: 1500,
  });
  await pair.close();
}

/** One packet in a hundred of the sender's is lost; every byte is looked at. */
async function loss(bench: Bench, ceiling: Ceiling): Promise<void> {
  if (!bench.isWanted(LOSS)) return;
  const pair = new CorePair();
  const port = pair.connect();
  let random = 1;
  pair.drop = () => {
    random = (Math.imul(random, 1_103_515_245) + 12_345) & 0x7fffffff;
    return random % 100 === 0;
  };
  let at = 0;
  const check = (bytes: Uint8Array): void => {
    for (let i = 0; i < bytes.length; i++) {
      if (bytes[i] !== (((at + i) % 65536) * 31 & 0xff)) throw new Error(`a wrong byte at ${at + i}`);
    }
    at = (at + bytes.length) % 65536;
  };
  const core = new CoreBulk(pair, port, check);
  await bench.figure({
    name: LOSS,
    unit: "B/s",
    run: () => core.run(ROUND),
    baseline: scaled(bench, ceiling, 50e6),
    goal: { ratio: 1 },
  });
}

/** What nobody's socket can do without: the flow, and streams of the runtime with a source and a sink that do nothing. */
function leastOfStreams(bench: Bench, bytesOf: (what: string) => number[]): void {
  const bare = "a bare pair of the runtime's streams, of which each socket needs one";
  const whole = "one end of an idle flow, socket with both streams, against the least";
  if (!isAnyWanted(bench, bare, whole)) return;
  const streams = bytesOf("bare-streams");
  bench.reading({ name: bare, unit: "B", values: streams });
  const least = { name: "such a pair and a flow in the core", value: streams[0]! + bytesOf("core")[0]! };
  const goal = { ratio: 1.2, bound: "at most" } as const;
  bench.reading({ name: whole, unit: "B", values: bytesOf("streams"), baseline: least, goal });
}

function memory(bench: Bench): void {
  const bytesOf = (what: string) => [
    Number(runAlone(new URL("l3l4_memory.ts", import.meta.url), [what, String(IDLE_FLOWS)])),
  ];
  const goals = [
    ["core", "one end of an idle flow, core", 2048],
    ["used", "one end of an idle flow that has carried data, core", 2048],
    ["sockets", "one end of an idle flow, socket without streams", 5120],
    ["streams", "one end of an idle flow, socket with both streams", 5120],
    ["half-open", "a connection half open", 256],
  ] as const;
  for (const [what, name, bytes] of goals) {
    if (!bench.isWanted(name)) continue;
    const goal = { ratio: 1, bound: "at most" } as const;
    bench.reading({ name, unit: "B", values: bytesOf(what), baseline: { name: "goal", value: bytes }, goal });
  }
  leastOfStreams(bench, bytesOf);
}

await bench("l3l4", async (bench) => {
  const ceiling = dataPathCeiling();
  await bulk(bench, ceiling);
  await roundTrips(bench, ceiling);
  await connections(bench, ceiling);
  await loss(bench, ceiling);
  memory(bench);
  bench.note(
    "Reported on a quiet machine, Node / Deno / Bun: lwIP in WASM driven directly 428 / 363 / 541 MB/s; through streams " +
      "tcpip.js 74 / 71 / 83 MB/s, 61 / 96 / 113 k round trips/s, 8.3 / 11.7 / 17.3 k connections/s; smoltcp, native, " +
      "5,917 MB/s, 18 k round trips/s beside 1,000 flows; the kernel in 1500-byte packets 754 MB/s",
  );
  process.exit();
});
