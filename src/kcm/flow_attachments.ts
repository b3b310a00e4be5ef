/**
 * Flows into a multiplexor by direct call: the flow engine's sink, for pipelines without streams between the layers.
 *
 * The flow engine cannot be made to wait. Where sockets have no room, what they do not take is kept, up to a limit;
 * `muxedFlows`, whose one socket always has room, never gets there.
 *
 * @module
 */
import type { Sink } from "../core/engine.ts";
import { limitOption, needObject } from "../core/limits.ts";
import { byteCount } from "../core/words.ts";
import type { FlowError } from "../flow/errors.ts";
import type { FlowRecord } from "../flow/flow_record.ts";
import type { FlowSide, FlowSink, Gap } from "../flow/sink.ts";
import type { ConnectionOutcome } from "./connection_outcome.ts";
import { NO_OUTCOME } from "./connection_outcome.ts";
import { KcmError } from "./errors.ts";
import { FlowLink, type LinkBudget } from "./flow_link.ts";
import { type AttachmentsOptions, type ParserChoice, parserChoice } from "./flow_parsers.ts";
import type { KcmConnection, KcmMessage } from "./kcm_message.ts";
import { MultiplexorEngine } from "./multiplexor_engine.ts";
import type { MultiplexorLimits } from "./multiplexor_options.ts";
import type { AttachOptions, SocketSink } from "./ports.ts";

/** Options of {@linkcode flowsInto}. */
export interface FlowsIntoOptions extends AttachmentsOptions {
  /**
   * Most bytes kept while no socket has room, of all flows together, with 128 on top for each chunk; what goes beyond
   * fails its connection with `ENOBUFS`.
   *
   * @default {16777216}
   */
  maxQueuedBytes?: number | undefined;
  /**
   * Called when a connection is over, with what went wrong, if anything. Also for one that was refused. Called while
   * the engine is at work, so it must not call the engine.
   *
   * @default {undefined}
   */
  onConnectionEnd?: ((connection: KcmConnection, outcome: ConnectionOutcome) => void) | undefined;
}

/** Options of {@linkcode muxedFlows}. */
export interface MuxedFlowsOptions extends FlowsIntoOptions, MultiplexorLimits {}

const DEFAULT_MAX_QUEUED_BYTES = 16 * 1024 * 1024;

/** What the driver keeps in `flow.user`: a link for each direction, `null` for one that is not wanted. */
interface FlowLinks {
  client: FlowLink | null | undefined;
  server: FlowLink | null | undefined;
}

/**
 * A sink for the flow engine that makes each direction a connection of the multiplexor, with its first bytes. When the
 * flow engine has finished, the multiplexor is closed.
 *
 * With `gaps: "skip"`, a connection fails at its first gap with `EGAP`: where messages begin behind it nobody knows.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 *
 * @example
 * ```ts
 * import { FlowTracker } from "@leat/streams/flow";
 * import { datagrams, flowsInto, MultiplexorEngine } from "@leat/streams/kcm";
 *
 * const engine = new MultiplexorEngine();
 * engine.socket({ message: (message) => console.log(message.data), end: () => console.log("end") });
 * const tracker = new FlowTracker({}, flowsInto(engine, { parser: datagrams }));
 * tracker.end(0); // prints "end"
 * ```
 */
export function flowsInto(engine: MultiplexorEngine, options: FlowsIntoOptions): FlowSink {
  return new FlowAttachments(engine, options);
}

/**
 * Flows to messages as one link of a fused pipeline: a multiplexor of which all messages go to the one sink.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 *
 * @example
 * ```ts
 * import { FlowTracker } from "@leat/streams/flow";
 * import { muxedFlows } from "@leat/streams/kcm";
 * import { SegmentDecoder } from "@leat/streams/packet";
 * import { CaptureReader } from "@leat/streams/pcap";
 * import { items, through } from "@leat/streams/stream";
 * import { lengthPrefix } from "@leat/streams/strparser";
 *
 * const capture = new Blob([emptyCapture()]).stream(); // a capture file, as it comes
 * const messages = through(
 *   capture,
 *   CaptureReader.with(),
 *   SegmentDecoder.with(),
 *   FlowTracker.with(muxedFlows({ parser: lengthPrefix(2) })),
 * );
 * for await (const { data, connection } of items(messages)) console.log(connection.flow?.key, data.length);
 *
 * function emptyCapture(): Uint8Array<ArrayBuffer> {
 *   return new Uint8Array([0xa1, 0xb2, 0xc3, 0xd4, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 0, 0, 0, 1]);
 * }
 * ```
 */
export function muxedFlows(options: MuxedFlowsOptions): (sink: Sink<KcmMessage>) => FlowSink {
  needObject("options", options);
  parserChoice(options.parser);
  return (sink) => {
    const engine = new MultiplexorEngine(options);
    engine.socket(new SinkSocket(sink));
    return new FlowAttachments(engine, options);
  };
}

/** A socket that is a sink. */
class SinkSocket implements SocketSink {
  readonly #sink: Sink<KcmMessage>;

  constructor(sink: Sink<KcmMessage>) {
    this.#sink = sink;
  }

  message(message: KcmMessage): void {
    this.#sink.item(message);
  }

  end(): void {
    this.#sink.end();
  }
}

class FlowAttachments implements FlowSink {
  readonly #engine: MultiplexorEngine;
  readonly #options: FlowsIntoOptions;
  readonly #choice: ParserChoice;
  readonly #budget: LinkBudget;

  constructor(engine: MultiplexorEngine, options: FlowsIntoOptions) {
    needObject("options", options);
    this.#engine = engine;
    this.#options = options;
    this.#choice = parserChoice(options.parser);
    const maxQueuedBytes = limitOption("maxQueuedBytes", options.maxQueuedBytes, DEFAULT_MAX_QUEUED_BYTES);
    this.#budget = { heldBytes: 0, maxQueuedBytes };
  }

  open(flow: FlowRecord): void {
    const links: FlowLinks = { client: undefined, server: undefined };
    flow.user = links;
  }

  data(flow: FlowRecord, side: FlowSide, bytes: Uint8Array): void {
    this.#link(flow, side)?.push(bytes, timeOf(flow));
  }

  gap(flow: FlowRecord, side: FlowSide, gap: Gap): void {
    const message = `${byteCount(gap.length)} missing at ${gap.offset}: message boundaries behind them are unknown`;
    this.#end(flow, side, new KcmError(message, { code: "EGAP", blame: "remote", offset: gap.offset }));
  }

  end(flow: FlowRecord, side: FlowSide): void {
    const links = flow.user as FlowLinks;
    links[side]?.end(undefined, timeOf(flow));
    links[side] = null;
  }

  error(flow: FlowRecord, side: FlowSide, error: FlowError): void {
    this.#end(flow, side, error);
  }

  close(flow: FlowRecord): void {
    flow.user = undefined;
  }

  finish(): void {
    this.#engine.close();
  }

  #end(flow: FlowRecord, side: FlowSide, error: unknown): void {
    this.#link(flow, side)?.end(error, timeOf(flow));
    (flow.user as FlowLinks)[side] = null;
  }

  #link(flow: FlowRecord, side: FlowSide): FlowLink | null {
    const links = flow.user as FlowLinks;
    // not `links[side]`: by a name that changes, each chunk's look-up is megamorphic, 2 % of a whole pipeline
    const link = side === "client" ? links.client : links.server;
    return link === undefined ? links[side] = this.#attach(flow, side) : link;
  }

  #attach(flow: FlowRecord, direction: FlowSide): FlowLink | null {
    const parser = this.#choice(flow, direction);
    if (parser === undefined) return null;
    const { maxMessageLength, maxHeaderBytes, copy } = this.#options;
    const options: AttachOptions = { parser, direction, flow, maxMessageLength, maxHeaderBytes, copy };
    const link = new FlowLink(this.#budget, ({ port }, outcome) => {
      this.#options.onConnectionEnd?.(port!.connection, outcome);
    });
    try {
      link.port = this.#engine.attach(options, link);
      return link;
    } catch (error) {
      if (!(error instanceof KcmError) || error.connection === undefined) throw error;
      this.#options.onConnectionEnd?.(error.connection, { ...NO_OUTCOME, error });
      return null;
    }
  }
}

/** Capture time of the flow's latest packet, in milliseconds. */
function timeOf(flow: FlowRecord): number {
  const { seconds, nanoseconds } = flow.lastAt;
  return seconds * 1000 + nanoseconds / 1e6;
}
