/**
 * A connection as the stage hands it out.
 *
 * @module
 */
import type { Timestamp } from "../packet/packet.ts";
import type { FlowHalf } from "./direction.ts";
import type { FlowKey, FlowRecord } from "./flow_record.ts";
import type { FlowEnd } from "./sink.ts";

/**
 * One TCP connection or UDP conversation of a capture: what each end sent, as a stream. Handed out by
 * {@linkcode FlowStream}.
 *
 * @example
 * ```ts
 * import type { Flow } from "@leat/streams/flow";
 *
 * async function print(flow: Flow): Promise<void> {
 *   flow.server.cancel(); // only what the client said is of interest
 *   for await (const bytes of flow.client.readable) console.log(flow.id, flow.key.client.port, bytes.length);
 *   console.log(flow.id, "ended by", await flow.closed);
 * }
 * console.log(typeof print);
 * ```
 */
export class Flow<Batch extends boolean = false> {
  /** What the client sent. */
  readonly client: FlowHalf<Batch>;
  /** What the server sent. */
  readonly server: FlowHalf<Batch>;
  readonly #record: FlowRecord;
  #closed: Promise<FlowEnd> | undefined;
  #resolve: ((end: FlowEnd) => void) | undefined;

  /** Made by {@linkcode FlowStream}, which calls the function that `onClose` is given when the flow is over. */
  constructor(
    record: FlowRecord,
    client: FlowHalf<Batch>,
    server: FlowHalf<Batch>,
    onClose: (close: () => void) => void,
  ) {
    this.#record = record;
    this.client = client;
    this.server = server;
    onClose(() => this.#resolve?.(record.endedBy!));
  }

  /** Number of the flow in its capture, from 1, in order of first packets. */
  get id(): number {
    return this.#record.id;
  }

  /** Who talks to whom. */
  get key(): FlowKey {
    return this.#record.key;
  }

  /** Time of the first packet. */
  get startedAt(): Timestamp {
    return this.#record.startedAt;
  }

  /** Time of the latest packet so far. */
  get lastAt(): Timestamp {
    return this.#record.lastAt;
  }

  /** Whether the SYN of both sides was seen so far. */
  get complete(): boolean {
    return this.#record.complete;
  }

  /** Why it ended; `undefined` while it goes on. What was captured before may still be unread. */
  get endedBy(): FlowEnd | undefined {
    return this.#record.endedBy;
  }

  /** Resolves with why it ended, when the stage has seen that. Never rejects. */
  get closed(): Promise<FlowEnd> {
    return this.#closed ??= this.#record.endedBy !== undefined
      ? Promise.resolve(this.#record.endedBy)
      : new Promise((resolve) => {
        this.#resolve = resolve;
      });
  }

  /** Says that nobody wants this flow, without making streams for it: what it holds and what comes is dropped. */
  cancel(reason?: unknown): void {
    this.client.cancel(reason);
    this.server.cancel(reason);
  }
}
