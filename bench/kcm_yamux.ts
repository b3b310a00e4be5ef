/**
 * Messages through `@chainsafe/libp2p-yamux`, for `kcm_bench.ts`: two muxers on a connection in memory, on which a chunk
 * costs a microtask and no copy, less than on any real one. A stream of a muxer stands for a channel.
 *
 * Yamux keeps no borders of messages; here nobody looks for them, so it does less than what it is compared to.
 *
 * @module
 */
import { yamux } from "@chainsafe/libp2p-yamux";
import { AbstractMessageStream } from "@libp2p/utils";

type Muxer = ReturnType<ReturnType<ReturnType<typeof yamux>>["createStreamMuxer"]>;
type Connection = Parameters<ReturnType<ReturnType<typeof yamux>>["createStreamMuxer"]>[0];
type Stream = Awaited<ReturnType<Muxer["createStream"]>>;

// which Node 20 does not have
(Promise as { withResolvers?: unknown }).withResolvers ??= <T>() => {
  let settle!: { resolve: (value: T) => void; reject: (reason: unknown) => void };
  const promise = new Promise<T>((resolve, reject) => settle = { resolve, reject });
  return { promise, ...settle };
};

/** Says nothing. */
const log = Object.assign(() => {}, { trace: () => {}, error: () => {}, enabled: false, newScope: () => log }) as never;

/** One end of the connection. */
class End extends AbstractMessageStream {
  peer!: End;
  #queue: Parameters<AbstractMessageStream["sendData"]>[0][] = [];

  constructor(direction: "inbound" | "outbound") {
    super({ log, direction });
  }

  sendData(data: Parameters<AbstractMessageStream["sendData"]>[0]): { sentBytes: number; canSendMore: boolean } {
    // the caller goes on using the list
    this.#queue.push(data.sublist());
    if (this.#queue.length === 1) queueMicrotask(() => this.#deliver());
    return { sentBytes: data.byteLength, canSendMore: true };
  }

  sendReset(): void {}
  sendPause(): void {}
  sendResume(): void {}
  close(): Promise<void> {
    return Promise.resolve();
  }

  #deliver(): void {
    const queue = this.#queue;
    this.#queue = [];
    for (const data of queue) this.peer.onData(data);
  }
}

/** Sends `count` copies of a message over so many streams of that window, and waits until all bytes came. */
export async function throughYamux(
  message: Uint8Array,
  count: number,
  streams: number,
  window: number,
): Promise<number> {
  const streamOptions = { initialStreamWindowSize: window };
  const [left, right] = [new End("outbound"), new End("inbound")];
  left.peer = right;
  right.peer = left;
  const server: Muxer = yamux({ streamOptions })()!.createStreamMuxer(right as unknown as Connection);
  const client: Muxer = yamux({ streamOptions })()!.createStreamMuxer(left as unknown as Connection);
  const expected = count * message.length;
  const received = new Promise<void>((resolve) => {
    let bytes = 0;
    server.addEventListener("stream", (event) => {
      (event.detail as Stream).addEventListener("message", ({ data }) => {
        bytes += data.byteLength;
        if (bytes >= expected) resolve();
      });
    });
  });
  const all = await Promise.all(Array.from({ length: streams }, () => client.createStream()));
  await Promise.all(all.map(async (stream, i) => {
    for (let left = Math.floor((count + i) / streams); left > 0; left--) {
      if (!stream.send(message)) await stream.onDrain();
    }
  }));
  await received;
  return count;
}
