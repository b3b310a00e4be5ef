/** Bulk transfers over links of all kinds, in virtual time. */
import type { CongestionAlgorithm } from "../../src/l3l4/tcp/tcp_settings.ts";
import { Network } from "./network.ts";
import { type Side, Traffic } from "./traffic.ts";

/** 100 Mbit/s, and packets that may wait for their turn. */
const BYTES_PER_MS = 12_500;
const QUEUED_PACKETS = 250;

/** What is carried, if the time is enough for it. */
const TRANSFER_BYTES = 3_000_000;
const MAX_MS = 60_000;

/** One link, and what both ends make of it. */
export interface Cell {
  readonly congestion: CongestionAlgorithm;
  /** Lost packets of a hundred. */
  readonly loss: number;
  /** One way. */
  readonly delayMs: number;
  /** Packets of a hundred that are held back. */
  readonly reordering: number;
  /** Packets of a hundred that come twice. */
  readonly duplication: number;
  /** At both ends. */
  readonly bufferBytes: number;
}

/** All cells. */
export function allCells(): Cell[] {
  const cells: Cell[] = [];
  for (const congestion of ["cubic", "newreno", "none"] as const) {
    for (const loss of [0, 0.1, 1, 5, 10]) {
      for (const delayMs of [0, 1, 10, 50, 100, 200]) {
        for (const reordering of [0, 2]) {
          for (const duplication of [0, 1]) {
            for (const bufferBytes of [65_536, 1_048_576]) {
              cells.push({ congestion, loss, delayMs, reordering, duplication, bufferBytes });
            }
          }
        }
      }
    }
  }
  return cells;
}

/** Its name in the file of figures. */
export function cellName({ congestion, loss, delayMs, reordering, duplication, bufferBytes }: Cell): string {
  return `${congestion}, loss ${loss} %, delay ${delayMs} ms, reordering ${reordering} %, ` +
    `duplication ${duplication} %, buffers ${bufferBytes >> 10} KiB`;
}

/** Bytes that come through in a millisecond, over links with these seeds. */
export function goodput(cell: Cell, seeds: readonly number[]): number {
  let bytes = 0;
  let ms = 0;
  for (const seed of seeds) {
    const { side, openedAt } = transfer(cell, seed);
    if (side.read === 0) throw new Error(`nothing came through: ${cellName(cell)}, seed ${seed}`);
    bytes += side.read;
    ms += side.readAt - openedAt;
  }
  return bytes / ms;
}

function transfer(cell: Cell, seed: number): { side: Side; openedAt: number } {
  const { congestion, bufferBytes, delayMs } = cell;
  const options = { congestion, sendBufferBytes: bufferBytes, receiveBufferBytes: bufferBytes };
  const network = new Network({
    seed,
    link: {
      delayMs,
      loss: cell.loss / 100,
      reordering: cell.reordering / 100,
      duplication: cell.duplication / 100,
      bytesPerMs: BYTES_PER_MS,
      maxQueuedPackets: QUEUED_PACKETS,
    },
    client: options,
    server: options,
  });
  const traffic = new Traffic(network);
  traffic.prepare = (side) => {
    if (side.port.isActive) side.target = TRANSFER_BYTES;
  };
  traffic.side(network.connect());
  network.settle();
  const until = network.now + MAX_MS;
  let openedAt = -1;
  while (network.step(until)) {
    const [, server] = traffic.sides;
    if (server === undefined) continue;
    if (openedAt < 0) openedAt = network.now;
    if (server.read === TRANSFER_BYTES) break;
  }
  const [client, server] = traffic.sides;
  if (server === undefined || client!.isOver) throw new Error(`it did not come to a transfer: ${cellName(cell)}`);
  return { side: server, openedAt };
}
