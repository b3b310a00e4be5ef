/**
 * The upper half of the pipeline: byte streams of flows to messages on channels.
 *
 * Each direction of a flow becomes a connection of one multiplexor, once it is decided which parser reads the flow.
 * Until then its first bytes are held (up to 16 KiB, copied so that they keep no chunk of the file alive). Flows that no
 * parser fits are shown as they come, and so is what is behind a failure of a parser that nobody asked for, from the
 * beginning of the message that failed or was cut: a guess hides nothing.
 *
 * @module
 */
import type { LeatError } from "../core/mod.ts";
import type { FlowEnd, FlowRecord, FlowSide } from "../flow/mod.ts";
import { datagrams, type KcmMessage, type LowerPort, MultiplexorEngine } from "../kcm/mod.ts";
import type { Timestamp } from "../packet/mod.ts";
import { BegunMessage } from "./begun_message.ts";
import { HeldStart } from "./held_start.ts";
import type { ParserChooser, ParserVerdict } from "./parser_choice.ts";
import type { Parser } from "../strparser/mod.ts";
import { type RecordedCalls, RxLayer } from "./rx_layer.ts";
import type { ChannelTotals, TraceFlow, TraceRxPacket, TraceView } from "./trace_view.ts";

/** How flows are read. */
export interface MessageLayerOptions {
  /** Decides on the parser of each flow. */
  readonly chooser: ParserChooser;
  /** Number of channels. */
  readonly channels: number;
  /** Longest message in bytes. */
  readonly maxMessageLength: number;
  /** Whether `view.message` and `view.data` are wanted. */
  readonly showsMessages: boolean;
  /** Which calls of RxRPC are recorded packet by packet; none without it. */
  readonly recordedCalls?: RecordedCalls | undefined;
}

/** Counters of the upper half; the multiplexor has more. */
export interface MessageLayerCounts {
  /** Bytes of flows that came in. */
  bytes: number;
  /** Pieces in which they came. */
  chunks: number;
  /**
   * Bytes that are shown as they came: of flows that no parser fits, behind a hand-over, and of the message at which a
   * parser that nobody asked for failed, or which was cut, and all behind it.
   */
  opaqueBytes: number;
  /** Their pieces. */
  opaqueChunks: number;
  /**
   * Bytes that are neither in a message nor shown: where the parser was asked for, those of a message that failed or was
   * cut, and all behind it; else what of that message found no room.
   */
  ignoredBytes: number;
}

/** A direction of a flow, as it is being read. */
interface SideReader {
  /** Until it has failed or ended. */
  port: LowerPort | undefined;
  /** Whether what comes is neither read nor shown. */
  isIgnored: boolean;
  offset: number;
  /** What has come of the message in work, where it is to be shown should that fail. */
  begun: BegunMessage | undefined;
  /** Set once it has ended; how is told to the port when there is one. */
  outcome: { readonly error: LeatError | undefined } | undefined;
}

/** A flow, as it is being read: what hangs on its record. */
interface FlowReader {
  readonly flow: TraceFlow;
  readonly client: SideReader;
  readonly server: SideReader;
  state: "undecided" | "read" | "opaque";
  /** Whether its parser was chosen by its first bytes. */
  isGuess: boolean;
  held: HeldStart | undefined;
}

/** Most bytes held by all undecided flows together; beyond, what comes is decided at once. */
const MAX_HELD_BYTES = 64 * 1024 * 1024;
/** Most memory of all messages that have begun; beyond, the rest of a message that fails is not shown. */
const MAX_BEGUN_BYTES = 64 * 1024 * 1024;

/** Endings that cut off whatever was going on, without anybody's fault. */
const CUTTING_ENDS: ReadonlySet<FlowEnd | undefined> = new Set(["capture-end", "idle", "evicted"]);

const DATAGRAMS: ParserVerdict = { parser: datagrams, name: "datagrams", why: "each UDP datagram is a message" };
const RXRPC: ParserVerdict = {
  parser: datagrams,
  name: "rxrpc",
  why: "the first datagram has a header of Rx; each datagram is a message",
};
const NO_TIME: Timestamp = { seconds: 0, nanoseconds: 0 };

/** The rest of the stream is not the parser's, which has taken nothing of it. */
function isHandedOver(error: unknown): boolean {
  return (error as LeatError | undefined)?.code === "ESTRPIPE";
}

/** Parsers and multiplexor behind the flow layer. */
export class MessageLayer {
  /** What went wrong while messages were delineated, by code. */
  readonly failures: Map<string, number> = new Map();
  /** Counters. */
  readonly counts: MessageLayerCounts = { bytes: 0, chunks: 0, opaqueBytes: 0, opaqueChunks: 0, ignoredBytes: 0 };
  readonly #options: MessageLayerOptions;
  readonly #view: TraceView;
  /** Calls of RxRPC. */
  readonly rx: RxLayer;
  readonly #multiplexor: MultiplexorEngine;
  readonly #channels: { messages: number; bytes: number }[] = [];
  #heldBytes = 0;
  #begunBytes = 0;
  /** The flow in work. */
  #current: FlowReader | undefined;
  /** When the bytes in work were captured. */
  #time: Timestamp = NO_TIME;
  /** What the datagram in work says, in a conversation of RxRPC. */
  #rx: TraceRxPacket | undefined;

  /** Tells `view` of flows, messages and problems. */
  constructor(options: MessageLayerOptions, view: TraceView) {
    this.#options = options;
    this.#view = view;
    const { channels, maxMessageLength } = options;
    this.rx = new RxLayer({ closed: (call) => view.call(call) }, options.recordedCalls);
    this.#multiplexor = new MultiplexorEngine({ maxConnections: Infinity, maxSockets: channels, maxMessageLength });
    for (let channel = 1; channel <= options.channels; channel++) this.#openChannel(channel);
  }

  /** Totals of all channels. */
  get channels(): ChannelTotals[] {
    return this.#channels.map((totals, i) => ({ channel: i + 1, ...totals }));
  }

  /** Messages so far. */
  get messages(): number {
    return this.#multiplexor.stats.rxMessages;
  }

  /** Bytes of messages so far. */
  get messageBytes(): number {
    return this.#multiplexor.stats.rxBytes;
  }

  /** A wanted flow began. */
  open(record: FlowRecord): void {
    const flow: TraceFlow = {
      record,
      parser: undefined,
      decidedAt: undefined,
      why: "",
      clientMessages: 0,
      serverMessages: 0,
      failures: [],
    };
    const side = (): SideReader => ({
      port: undefined,
      isIgnored: false,
      offset: 0,
      begun: undefined,
      outcome: undefined,
    });
    record.user = {
      flow,
      client: side(),
      server: side(),
      state: "undecided",
      isGuess: false,
      held: undefined,
    } satisfies FlowReader;
    this.#view.flowOpened(flow);
  }

  /** The next bytes of a direction, or a datagram. */
  data(record: FlowRecord, side: FlowSide, bytes: Uint8Array, time: Timestamp): void {
    const reader = record.user as FlowReader;
    this.counts.chunks++;
    this.counts.bytes += bytes.length;
    if (reader.state !== "undecided") return this.#read(reader, side, bytes, time);
    const held = reader.held ??= new HeldStart();
    held.add(side, bytes, time);
    this.#heldBytes += bytes.length;
    if (this.#heldBytes > MAX_HELD_BYTES) this.#decide(reader, true);
    else if (held.isWorthAsking()) this.#decide(reader, false);
  }

  /** A direction has ended, or failed with `error`. */
  finish(record: FlowRecord, side: FlowSide, error: LeatError | undefined, time: Timestamp): void {
    const reader = record.user as FlowReader;
    reader[side].outcome = { error };
    this.#time = time;
    if (reader.state !== "undecided") return this.#settle(reader, side);
    // the other direction may still tell what this is
    if (reader.client.outcome === undefined || reader.server.outcome === undefined) return;
    if (reader.held !== undefined) return this.#decide(reader, true);
    this.#settle(reader, "client");
    this.#settle(reader, "server");
  }

  /** No more flows. */
  end(): void {
    this.rx.end();
  }

  /** A flow is over. */
  close(record: FlowRecord): void {
    const { flow, client, server } = record.user as FlowReader;
    this.#forget(client);
    this.#forget(server);
    this.#view.flowClosed(flow);
    // who kept the record for a while need not keep all this
    record.user = undefined;
  }

  #openChannel(channel: number): void {
    const totals = { messages: 0, bytes: 0 };
    this.#channels.push(totals);
    this.#multiplexor.socket({
      message: (message) => {
        totals.messages++;
        totals.bytes += message.data.length;
        this.#deliver(channel, message);
      },
      end: () => {},
    });
  }

  #deliver(channel: number, message: KcmMessage): void {
    // channels always have room, so a message comes out while its flow is being read
    const { flow } = this.#current!;
    const direction = message.connection.direction!;
    if (direction === "client") flow.clientMessages++;
    else flow.serverMessages++;
    if (!this.#options.showsMessages) return;
    const { sequence, data } = message;
    this.#view.message({ channel, flow, direction, sequence, data, time: this.#time, rx: this.#rx });
  }

  /** Chooses the parser by the first bytes, if they are enough or all there are. */
  #decide(reader: FlowReader, isComplete: boolean): void {
    const { flow, held } = reader;
    if (held === undefined) return;
    const verdict = flow.record.key.protocol === "udp"
      ? RxLayer.fits(held.pieces[0]!.bytes) ? RXRPC : DATAGRAMS
      : this.#options.chooser(flow.record, held.client, held.server, isComplete);
    if (verdict === "undecided") return;
    reader.state = verdict.parser === undefined ? "opaque" : "read";
    reader.isGuess = verdict.isGuess ?? false;
    flow.parser = verdict.name;
    flow.why = verdict.why;
    flow.decidedAt = held.pieces.at(-1)!.time;
    if (verdict.parser !== undefined) this.#attach(reader, verdict.parser, verdict.answers ?? verdict.parser);
    this.#view.flowDecided(flow);
    reader.held = undefined;
    this.#heldBytes -= held.length;
    for (const { side, bytes, time } of held.pieces) this.#read(reader, side, bytes, time);
    if (reader.client.outcome !== undefined) this.#settle(reader, "client");
    if (reader.server.outcome !== undefined) this.#settle(reader, "server");
  }

  /** Passes on how a direction has ended. */
  #settle(reader: FlowReader, side: FlowSide): void {
    const { port, outcome, offset } = reader[side];
    const error = outcome?.error;
    this.#current = reader;
    if (port === undefined) {
      if (error !== undefined) this.#report(reader.flow, side, error);
      return;
    }
    const held = port.bytesHeld;
    if (error !== undefined) port.fail(error);
    else port.end(0);
    reader[side].port = undefined;
    if (port.error !== undefined) this.#showBegun(reader, side, offset - held, held);
  }

  #attach(reader: FlowReader, client: Parser, server: Parser): void {
    const { flow } = reader;
    for (const [side, parser] of [["client", client], ["server", server]] as const) {
      reader[side].port = this.#multiplexor.attach(
        { parser, flow: flow.record, direction: side },
        { unattached: (error) => this.#unattached(flow, side, error) },
      );
    }
  }

  #read(reader: FlowReader, direction: FlowSide, bytes: Uint8Array, time: Timestamp): void {
    this.#time = time;
    this.#current = reader;
    const side = reader[direction];
    const { offset } = side;
    side.offset += bytes.length;
    const { flow } = reader;
    this.#rx = flow.parser === RXRPC.name ? this.rx.push(flow, direction, bytes, time) : undefined;
    const from = side.port === undefined ? 0 : this.#parse(reader, direction, bytes, time);
    if (from === bytes.length) return;
    if (side.isIgnored) this.counts.ignoredBytes += bytes.length - from;
    else this.#showPlain(reader, direction, offset + from, bytes.subarray(from), time);
  }

  /** Gives the piece to the parser; returns from where on it is not the parser's. */
  #parse(reader: FlowReader, direction: FlowSide, bytes: Uint8Array, time: Timestamp): number {
    const side = reader[direction];
    const port = side.port!;
    const taken = port.push(bytes, 0);
    const error = port.error as LeatError | undefined;
    // channels always have room here, so that less is taken only behind a failure
    if (error === undefined && taken === bytes.length) {
      if (reader.isGuess) this.#remember(side, bytes, time);
      return taken;
    }
    side.port = undefined;
    // nobody has said that a guess is the protocol
    side.isIgnored = !reader.isGuess && !isHandedOver(error);
    const offset = side.offset - bytes.length;
    // where the message began that failed
    const begun = error?.offset ?? offset + taken;
    this.#showBegun(reader, direction, begun, Math.max(0, offset - begun));
    return Math.min(taken, Math.max(0, begun - offset));
  }

  /** Keeps what the piece has of a message that is not whole. */
  #remember(side: SideReader, bytes: Uint8Array, time: Timestamp): void {
    const held = side.port!.bytesHeld;
    // it began in this piece, if at all
    if (held <= bytes.length) this.#forget(side);
    if (held === 0) return;
    const begun = side.begun ??= new BegunMessage(this.#options.showsMessages);
    const more = held < bytes.length ? bytes.subarray(bytes.length - held) : bytes;
    // a part that found no room ends what is kept: no hole
    if (begun.length + more.length !== held || this.#begunBytes + more.length > MAX_BEGUN_BYTES) return;
    this.#begunBytes -= begun.weight;
    begun.add(more, time);
    this.#begunBytes += begun.weight;
  }

  /** What was kept is not needed any more. */
  #forget(side: SideReader): void {
    this.#begunBytes -= side.begun?.weight ?? 0;
    side.begun = undefined;
  }

  /** The message at `offset` will never be whole: shows what is kept of the `held` bytes of it in earlier pieces. */
  #showBegun(reader: FlowReader, direction: FlowSide, offset: number, held: number): void {
    const { begun } = reader[direction];
    this.#forget(reader[direction]);
    const kept = held === 0 ? undefined : begun;
    this.counts.ignoredBytes += held - (kept?.length ?? 0);
    if (kept === undefined) return;
    this.counts.opaqueChunks += kept.count;
    this.counts.opaqueBytes += kept.length;
    const { flow } = reader;
    let at = offset;
    for (const { bytes, time } of kept.pieces) {
      this.#view.data({ flow, direction, offset: at, data: bytes, time });
      at += bytes.length;
    }
  }

  /** Shows a piece as it came. */
  #showPlain(reader: FlowReader, direction: FlowSide, offset: number, data: Uint8Array, time: Timestamp): void {
    this.counts.opaqueChunks++;
    this.counts.opaqueBytes += data.length;
    if (this.#options.showsMessages) this.#view.data({ flow: reader.flow, direction, offset, data, time });
  }

  #unattached(flow: TraceFlow, direction: FlowSide, error: unknown): void {
    if (error !== undefined && !isHandedOver(error)) this.#report(flow, direction, error as LeatError);
  }

  #report(flow: TraceFlow, direction: FlowSide, error: LeatError): void {
    const { code, layer, message, offset } = error;
    if (layer !== "flow") this.failures.set(code, (this.failures.get(code) ?? 0) + 1);
    flow.failures.push(code);
    const isExpected = CUTTING_ENDS.has(flow.record.endedBy) && code === "ETRUNCATED";
    this.#view.problem({ layer, code, message, offset, flow, direction, isExpected });
  }
}
