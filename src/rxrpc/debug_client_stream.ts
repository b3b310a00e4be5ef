/**
 * Asks another endpoint about itself.
 *
 * @module
 */
import {
  decodeDebugConnection,
  decodeDebugCounters,
  decodeDebugPeer,
  decodeDebugStats,
  encodeDebugQuestion,
  type RxDebugConnection,
  type RxDebugCounters,
  RxDebugKind,
  type RxDebugPeer,
  type RxDebugStats,
} from "./debug_records.ts";
import { RxrpcError } from "./errors.ts";

/** Asks with this body; resolves with the body of the answer. */
export type AskDebug = (body: Uint8Array) => Promise<Uint8Array>;

/** Records of a list; whatever the other end says, it is no longer. */
const MAX_RECORDS = 100_000;

/**
 * What another endpoint tells about itself. What it says is not protected: anybody could have said it. A question fails
 * as `RxEndpoint.version` does, and with `ENOTSUP` where the other end does not tell that.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { RxEndpoint } from "@leat/streams/rxrpc";
 * import { dgramPair, InetAddress } from "@leat/streams/tsocket";
 *
 * const to = InetAddress.parse("192.0.2.1:7000");
 * const [left, right] = dgramPair({ addresses: [InetAddress.parse("192.0.2.2:7001"), to] });
 * const client = await RxEndpoint.open(left);
 * const server = await RxEndpoint.open(right, { version: "mine", answersDebug: () => true });
 * assertEquals(await client.version(to), "mine");
 * const debug = client.debug(to);
 * assertEquals([(await debug.stats()).version, (await debug.counters()).packetsRead[12]], ["S", 1]);
 * await Promise.all([client.close(), server.close()]);
 * ```
 */
export class RxDebugClient {
  readonly #ask: AskDebug;

  /** Made by an endpoint. */
  constructor(ask: AskDebug) {
    this.#ask = ask;
  }

  /** The endpoint as a whole. */
  async stats(): Promise<RxDebugStats> {
    return told(decodeDebugStats(await this.#ask(encodeDebugQuestion(RxDebugKind.stats, 0))));
  }

  /** Counters of packets. */
  async counters(): Promise<RxDebugCounters> {
    return told(decodeDebugCounters(await this.#ask(encodeDebugQuestion(RxDebugKind.counters, 0))));
  }

  /** Its connections: those with calls, or all. */
  connections(options: { all?: boolean | undefined } = {}): AsyncGenerator<RxDebugConnection> {
    const kind = options.all === true ? RxDebugKind.anyConnection : RxDebugKind.connection;
    return this.#list(kind, decodeDebugConnection);
  }

  /** Its peers. */
  peers(): AsyncGenerator<RxDebugPeer> {
    return this.#list(RxDebugKind.peer, decodeDebugPeer);
  }

  async *#list<Item>(kind: number, decode: (bytes: Uint8Array) => Item | undefined): AsyncGenerator<Item> {
    for (let index = 0; index < MAX_RECORDS; index++) {
      const item = decode(await this.#ask(encodeDebugQuestion(kind, index)));
      if (item === undefined) return;
      yield item;
    }
  }
}

function told<Item>(item: Item | undefined): Item {
  if (item !== undefined) return item;
  throw new RxrpcError("the peer does not tell that", { code: "ENOTSUP", blame: "remote" });
}
