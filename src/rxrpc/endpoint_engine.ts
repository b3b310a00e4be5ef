/**
 * The engine of the rxrpc layer, as its users see it: {@linkcode EndpointCore} without what its calls need of it.
 *
 * @module
 */
import type { Reasons } from "../core/reasons.ts";
import { EndpointCore } from "./endpoint_core.ts";
import type { RxEndpointEngineOptions, RxEndpointStats } from "./endpoint_options.ts";
import type { RxNetworkFailure } from "./network_failure.ts";
import type { RxCallOptions, RxCallPort, RxCallSink, RxDatagram, RxEndpointSink, RxOut, RxService } from "./ports.ts";
import type { RxQuestion } from "./questions.ts";
import type { RxSnapshot } from "./snapshot.ts";

/**
 * Everything behind one UDP port. No socket, no stream, no promise, no clock.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { type RxDatagram, RxEndpointEngine } from "@leat/streams/rxrpc";
 * import { systemRandom } from "@leat/streams/stream";
 *
 * const random = systemRandom;
 * const options = { random, wallMs: () => 0, reachCheck: "never" } as const;
 * let request = 0;
 * const server = new RxEndpointEngine(options, {
 *   incoming: (call) => ({
 *     data: (bytes) => {
 *       request += bytes.length;
 *       call.consumed(bytes.length, 0);
 *     },
 *     ended: () => call.end(0),
 *     closed: () => {},
 *   }),
 * });
 * server.offer({ id: 147 });
 * const client = new RxEndpointEngine(options, { incoming: () => -2 });
 * let hasEnded = false;
 * const call = client.call({ to: { address: "192.0.2.1", port: 7000 }, service: 147 }, {
 *   data: () => {},
 *   ended: () => hasEnded = true,
 *   closed: () => {},
 * }, 0);
 * call.write(new Uint8Array(5), 0);
 * call.end(0);
 *
 * // the network: what one sends, the other gets
 * const carry = (from: RxEndpointEngine, port: number, into: RxEndpointEngine) => {
 *   let buffer = new Uint8Array(0);
 *   const datagrams: RxDatagram[] = [];
 *   from.flush(0);
 *   from.transmit({
 *     alloc: (size) => buffer = new Uint8Array(size),
 *     commit: (length) => datagrams.push({ data: buffer.subarray(0, length), from: { address: "192.0.2.1", port } }),
 *   }, 0);
 *   for (const datagram of datagrams) into.push(datagram, 0);
 * };
 * carry(client, 7001, server);
 * carry(server, 7000, client);
 * assertEquals([request, hasEnded], [5, true]);
 * ```
 */
export interface RxEndpointEngine {
  /** Counters. */
  readonly stats: Readonly<RxEndpointStats>;

  /** What was dropped, by reason. */
  readonly drops: Reasons;

  /** Connections of this end, and of others. */
  readonly connections: { readonly client: number; readonly service: number };

  /** Bytes of calls that run, which have come and were not taken yet: unread, out of order, or before their call was accepted. */
  readonly heldBytes: number;

  /** Everything that there is, as it is now. */
  snapshot(): RxSnapshot;

  /**
   * Makes a call. It has its place when `opened` is told, which may be before this returns.
   *
   * @throws {RxrpcError} `ENOBUFS` when too many calls wait, `ESHUTDOWN` when the endpoint is closed
   * @throws {TypeError | RangeError} when service, port, length or timeouts can't be
   * @throws what the call's security throws when a connection is to be made
   */
  call(options: RxCallOptions, sink: RxCallSink, now: number): RxCallPort;

  /**
   * Asks what is no call; the result stops waiting for the answer. Such packets can be forged.
   *
   * @throws {RxrpcError} `ENOBUFS` when too many questions wait, `ESHUTDOWN` when the endpoint is closed
   * @throws {TypeError | RangeError} when the port can't be
   */
  ask(question: RxQuestion, now: number): () => void;

  /**
   * Takes calls for a service from now on.
   *
   * @throws {TypeError | RangeError} when a number can't be one
   */
  offer(service: RxService): void;

  /** Takes no calls for it any more; those that run go on. */
  withdraw(id: number): void;

  /** Takes a datagram. */
  push(input: RxDatagram, now: number): void;

  /** The network says something about a datagram that was sent: nobody can be reached there, or it was too large. */
  networkFailed(failure: RxNetworkFailure, now: number): void;

  /** The datagrams of a batch are all in. Nothing waits for this yet; engines with coalescing have it. */
  flush(now: number): void;

  /** Fills datagrams as long as there is something to send and room. */
  transmit(out: RxOut, now: number): void;

  /** When `onTimeout` is to be called; `Infinity` for never. */
  timeoutAt(): number;

  /** Does what is due. */
  onTimeout(now: number): void;

  /** Ends everything: calls are aborted with -1. What there is to send goes with the next `transmit`. */
  close(now: number): void;
}

/**
 * Makes an endpoint without calls.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 */
export const RxEndpointEngine: new (options: RxEndpointEngineOptions, sink: RxEndpointSink) => RxEndpointEngine =
  EndpointCore;
