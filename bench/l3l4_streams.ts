/**
 * Two stacks piped into each other, for `l3l4_bench.ts`: everything through streams, as users do it.
 *
 * @module
 */
import { L3L4, type L3L4StackOptions } from "../src/l3l4/l3l4_stream.ts";
import type { L3L4Socket } from "../src/l3l4/l3l4_socket_stream.ts";

/** The pair. */
export class StreamsPair {
  readonly client: L3L4;
  readonly server: L3L4;
  readonly #flows: ReadableStreamDefaultReader<L3L4Socket>;

  constructor(options: L3L4StackOptions = {}) {
    this.client = new L3L4({ ...options, addresses: ["10.0.0.1"] });
    this.server = new L3L4(options);
    this.#flows = this.server.flows.getReader();
    this.client.readable.pipeTo(this.server.writable).catch(() => {});
    this.server.readable.pipeTo(this.client.writable).catch(() => {});
  }

  /** Both ends of a connection. */
  async connect(hasNagle?: boolean): Promise<[client: L3L4Socket, server: L3L4Socket]> {
    const socket = this.client.connect("10.0.0.2:7", { hasNagle });
    const { value } = await this.#flows.read();
    return [socket, value!];
  }

  async close(): Promise<void> {
    await Promise.all([this.client.close(), this.server.close()]);
  }
}

/** Moves bytes over one connection, round after round. */
export class StreamsBulk {
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #chunk = new Uint8Array(65536).map((_, i) => i * 31);
  /** Bytes of this round's that came with the one before. */
  #early = 0;

  constructor([client, server]: readonly [L3L4Socket, L3L4Socket]) {
    this.#writer = client.writable.getWriter();
    this.#reader = server.readable.getReader();
  }

  /** Moves so many bytes, a multiple of 65536. */
  async run(bytes: number): Promise<number> {
    const writing = this.#write(bytes);
    let received = this.#early;
    while (received < bytes) received += (await this.#reader.read()).value!.length;
    this.#early = received - bytes;
    await writing;
    return bytes;
  }

  async #write(bytes: number): Promise<void> {
    for (let sent = 0; sent < bytes; sent += this.#chunk.length) await this.#writer.write(this.#chunk);
  }
}

/** Requests of 32 bytes to an echo by `pipeTo`. */
export class StreamsEcho {
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #message = new Uint8Array(32);

  constructor([client, server]: readonly [L3L4Socket, L3L4Socket]) {
    this.#writer = client.writable.getWriter();
    this.#reader = client.readable.getReader();
    server.readable.pipeTo(server.writable).catch(() => {});
  }

  async run(count: number): Promise<number> {
    for (let i = 0; i < count; i++) {
      this.#writer.write(this.#message);
      await this.#reader.read();
    }
    return count;
  }
}

/** Opens and closes so many connections, one after the other. */
export async function streamsConnections(pair: StreamsPair, count: number): Promise<number> {
  for (let i = 0; i < count; i++) {
    const [client, server] = await pair.connect();
    server.close();
    await client.close();
  }
  return count;
}
