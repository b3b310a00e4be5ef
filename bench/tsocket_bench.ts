/**
 * PDUs and datagrams through the socket layer, against the runtime's own sockets: as web streams, and bare.
 *
 * The sender is another process, so a figure is what the reader's process gets done. Every contender parses the header
 * and has the body in a buffer of its own at the end.
 *
 * @module
 */
import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { type Bench, bench, type Work } from "./harness.ts";
import type { AnySocketAddress, DgramOptions } from "../src/tsocket/option_types.ts";
import type { TDgram, TStream } from "../src/tsocket/types.ts";
import { InetAddress } from "../src/tsocket/inet_address.ts";
import {
  denoConnected,
  denoDirectReader,
  denoReader,
  netReader,
  type PduReader,
  request,
  type SourcePorts,
  startSource,
  toWebReader,
  webReader,
} from "./socket_peers.ts";

/** The subpath of a runtime, as far as it is measured. */
interface Sockets {
  connect(to: AnySocketAddress): TStream;
  dgram(options?: DgramOptions): TDgram;
}

/** Bytes read in one round. */
const ROUND = 64 << 20;
const DATAGRAM = 1200;
const IN_FLIGHT = 32;
const ECHOES = 4096;

/** PDUs through `readvPdu`. */
function leatReader(socket: TStream, length: number): PduReader {
  socket.writev([request(length)]);
  const header = [new Uint8Array(4)];
  const body = [new Uint8Array(length)];
  const view = new DataView(header[0]!.buffer);
  const next = ({ total }: { total: number }): Uint8Array[] | null => {
    if (total === 0) return header;
    if (total > 4) return null;
    if (view.getUint32(0) !== length) throw new Error("out of step");
    return body;
  };
  return {
    async read(count) {
      for (let i = 0; i < count; i++) await socket.readvPdu(next);
    },
    close: () => socket.abort(),
  };
}

function work(reader: PduReader, length: number): Work {
  const count = Math.max(16, Math.floor(Math.min(ROUND, length * 200_000) / (length + 4)));
  return async () => {
    await reader.read(count);
    return count * (length + 4);
  };
}

async function measurePdus(bench: Bench, sockets: Sockets, ports: SourcePorts): Promise<void> {
  const isDeno = bench.runtime.startsWith("deno");
  for (
    const [label, length, webGoal, bareGoal] of [
      ["64 B", 64, 1, undefined],
      ["1 kB", 1024, 1, undefined],
      ["64 kB", 65536, isDeno ? 1.2 : 1.3, 0.85],
    ] as const
  ) {
    if (!bench.isWanted(label)) continue;
    const leat = leatReader(sockets.connect(`127.0.0.1:${ports.tcp}`), length);
    const rivals: [name: string, reader: PduReader, goal: number | undefined][] = [];
    if (isDeno) {
      const [first, second, third] = [
        await denoConnected(ports.tcp, length),
        await denoConnected(ports.tcp, length),
        await denoConnected(ports.tcp, length),
      ];
      rivals.push(["conn.readable, re-buffered", webReader(first.readable, length, () => first.close()), webGoal]);
      rivals.push(["conn.read, re-buffered", denoReader(second, length), bareGoal]);
      if (length > 4096) rivals.push(["conn.read into the body", denoDirectReader(third, length), bareGoal]);
    } else {
      rivals.push(["Duplex.toWeb, re-buffered", toWebReader(ports.tcp, length), webGoal]);
      rivals.push(["data events, re-buffered", netReader(ports.tcp, length), bareGoal]);
    }
    for (const [name, reader, goal] of rivals) {
      await bench.figure({
        name: `readvPdu, ${label}, against ${name}`,
        unit: "B/s",
        run: work(leat, length),
        baseline: { name, run: work(reader, length) },
        goal: goal === undefined ? undefined : { ratio: goal },
      });
      reader.close();
    }
    leat.close();
  }
}

/** Round trips with a number of datagrams in flight. */
async function leatEcho(socket: TDgram, data: Uint8Array): Promise<number> {
  const batch = Array.from({ length: IN_FLIGHT }, () => ({ data }));
  await socket.sendMany(batch);
  let sent = IN_FLIGHT;
  for (let came = 0; came < ECHOES;) {
    const { length } = await socket.recvMany(IN_FLIGHT);
    came += length;
    const more = Math.min(length, ECHOES - sent);
    sent += more;
    if (more > 0) socket.sendMany(more === IN_FLIGHT ? batch : batch.slice(0, more)).catch(() => {});
  }
  return ECHOES;
}

/** The same with node:dgram. */
function nodeEcho(socket: UdpSocket, data: Uint8Array): Promise<number> {
  return new Promise((resolve) => {
    let sent = IN_FLIGHT, came = 0;
    const onMessage = (): void => {
      if (++came === ECHOES) {
        socket.off("message", onMessage);
        return resolve(ECHOES);
      }
      if (sent++ < ECHOES) socket.send(data);
    };
    socket.on("message", onMessage);
    for (let i = 0; i < IN_FLIGHT; i++) socket.send(data);
  });
}

interface BunSocket {
  send(data: Uint8Array): boolean;
  sendMany(list: Uint8Array[]): number;
  close(): void;
}

declare const Bun: {
  udpSocket(options: {
    connect: { hostname: string; port: number };
    socket: { data(): void; drain?(): void; error?(): void };
  }): Promise<BunSocket>;
};

/** The same with `Bun.udpSocket`. */
async function bunEcho(port: number, data: Uint8Array): Promise<{ run: Work; close(): void }> {
  let onData = (): void => {};
  const socket = await Bun.udpSocket({
    connect: { hostname: "127.0.0.1", port },
    socket: { data: () => onData(), error() {} },
  });
  const batch = Array.from({ length: IN_FLIGHT }, () => data);
  return {
    run: () =>
      new Promise((resolve) => {
        let sent = IN_FLIGHT, came = 0;
        onData = () => {
          if (++came === ECHOES) return resolve(ECHOES);
          if (sent++ < ECHOES) socket.send(data);
        };
        socket.sendMany(batch);
      }),
    close: () => socket.close(),
  };
}

async function nodeDgram(port: number): Promise<UdpSocket> {
  const socket = createSocket("udp4");
  await new Promise<void>((resolve) => socket.connect(port, "127.0.0.1", resolve));
  return socket;
}

async function measureDatagrams(bench: Bench, sockets: Sockets, ports: SourcePorts): Promise<void> {
  if (!bench.isWanted("datagrams")) return;
  const data = new Uint8Array(DATAGRAM);
  const remoteAddress = InetAddress.from("127.0.0.1", ports.udp);
  const leat = sockets.dgram({ remoteAddress });
  await leat.opened;
  const bare = await nodeDgram(ports.udp);
  const bun = bench.runtime.startsWith("bun") ? await bunEcho(ports.udp, data) : undefined;
  await bench.figure({
    name: `datagrams of ${DATAGRAM} B, echo, ${IN_FLIGHT} in flight`,
    unit: "packets/s",
    run: () => leatEcho(leat, data),
    baseline: bun === undefined
      ? { name: "node:dgram", run: () => nodeEcho(bare, data) }
      : { name: "Bun.udpSocket", run: bun.run },
    goal: { ratio: 0.9 },
  });
  bare.close();
  bun?.close();
  await leat.close();
}

await bench("tsocket", async (bench) => {
  const runtime = bench.runtime.split(" ")[0]!;
  const sockets: Sockets = await import(`../src/tsocket/drivers/${runtime}/mod.ts`);
  const { ports, stop } = await startSource();
  try {
    await measurePdus(bench, sockets, ports);
    await measureDatagrams(bench, sockets, ports);
  } finally {
    stop();
  }
});
