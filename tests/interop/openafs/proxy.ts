/** A network that loses, doubles and reorders: datagrams between clients and one server. */
import { createSocket, type Socket } from "node:dgram";
import { SeededRandom } from "../../../src/sim/mod.ts";

const LOSS = 0.05;
const DOUBLED = 0.03;
const LATE = 0.05;
const LATE_MS = 15;

export interface Proxy {
  readonly lost: number;
  readonly passed: number;
  close(): void;
}

/** Listens at `at`, forwards to `to`. */
export async function startProxy(
  at: { address: string; port: number },
  to: { address: string; port: number },
  seed: number,
): Promise<Proxy> {
  const random = new SeededRandom(seed);
  const counts = { lost: 0, passed: 0 };
  const backs = new Map<string, Socket>();
  const front = createSocket("udp4");
  const unsafely = (send: () => void): void => {
    if (random.fraction() < LOSS) {
      counts.lost++;
      return;
    }
    counts.passed++;
    if (random.fraction() < DOUBLED) send();
    if (random.fraction() < LATE) setTimeout(send, LATE_MS);
    else send();
  };
  let isClosed = false;
  const sendBy = (socket: Socket, data: Uint8Array, port: number, address: string): void => {
    if (!isClosed) socket.send(data, port, address);
  };
  front.on("message", (data, { address, port }) => {
    const key = `${address} ${port}`;
    let back = backs.get(key);
    if (back === undefined) {
      back = createSocket("udp4");
      back.on("message", (reply) => unsafely(() => sendBy(front, reply, port, address)));
      backs.set(key, back);
    }
    const outward = back;
    unsafely(() => sendBy(outward, data, to.port, to.address));
  });
  await new Promise<void>((resolve) => front.bind(at.port, at.address, resolve));
  return {
    get lost() {
      return counts.lost;
    },
    get passed() {
      return counts.passed;
    },
    close: () => {
      isClosed = true;
      for (const socket of [front, ...backs.values()]) socket.close();
    },
  };
}
