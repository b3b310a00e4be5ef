/**
 * The writable end of a multiplexor, for flows and other connections to be piped into. Internal, but for its types.
 *
 * @module
 */
import { typeName } from "../core/words.ts";
import type { FlowSide } from "../flow/sink.ts";
import type { Parser } from "../strparser/parser.ts";
import { breathe } from "../stream/turn.ts";
import type { ByteSource } from "./connection_reader_stream.ts";
import type { ParserChoice } from "./flow_parsers.ts";
import type { FlowOrigin } from "./kcm_message.ts";

/** One direction of a flow. */
export interface AttachableDirection extends ByteSource {
  /** Says that nobody wants it, without making its readable first. */
  cancel?(reason?: unknown): unknown;
}

/** Two directions: a flow as the flow layer yields it, which its messages then carry as their origin, or just two. */
export interface FlowLike extends Partial<FlowOrigin> {
  /** What the client sent. */
  readonly client: AttachableDirection;
  /** What the server sent. */
  readonly server: AttachableDirection;
}

/** A single connection: what its peer sends is read, and what goes out to it is written if it is writable. */
export interface ConnectionLike extends ByteSource {
  /** Who sent the bytes, for the parser. */
  readonly direction?: FlowSide | undefined;
  /** A name for people. */
  readonly label?: string | undefined;
}

/** What can be written to {@linkcode Multiplexor.attachments}. */
export type Attachable = FlowLike | ConnectionLike;

/** What a connection is attached with, found out by the writer. */
export interface FoundOptions {
  /** Its parser. */
  readonly parser: Parser;
  /** Its flow. */
  readonly flow: FlowOrigin | undefined;
  /** Its direction. */
  readonly direction: FlowSide | undefined;
  /** Its name. */
  readonly label: string | undefined;
}

/** The multiplexor, as its writables know it. */
export interface WriterOwner {
  /** Attaches one connection, or reports why not. */
  attach(source: ByteSource, options: FoundOptions): void;
  /** Nothing more will come from this writable; called at most once. */
  closed(failure: { readonly reason: unknown } | undefined): void;
}

/** A writable that attaches what is written to it. */
export class AttachmentWriter {
  /** What the user pipes into. */
  readonly writable: WritableStream<Attachable | readonly Attachable[]>;
  readonly #choice: ParserChoice;
  readonly #owner: WriterOwner;
  #controller: WritableStreamDefaultController | undefined;
  #isClosed = false;

  /** Makes the writable. */
  constructor(choice: ParserChoice, owner: WriterOwner) {
    this.#choice = choice;
    this.#owner = owner;
    this.writable = new WritableStream<Attachable | readonly Attachable[]>({
      start: (controller) => {
        this.#controller = controller;
      },
      write: (chunk) => this.#write(chunk),
      close: () => this.#close(undefined),
      abort: (reason) => this.#close({ reason }),
    });
  }

  /** Whatever is written from now on is refused with `reason`. */
  fail(reason: unknown): void {
    this.#isClosed = true;
    this.#controller!.error(reason);
  }

  #write(chunk: Attachable | readonly Attachable[]): Promise<void> | undefined {
    try {
      if (Array.isArray(chunk)) {
        for (const one of chunk as readonly Attachable[]) this.#attach(one);
      } else {
        this.#attach(chunk as Attachable);
      }
    } catch (reason) {
      this.#close({ reason });
      throw reason;
    }
    return breathe();
  }

  #close(failure: { readonly reason: unknown } | undefined): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#owner.closed(failure);
  }

  #attach(chunk: Attachable): void {
    if (typeof chunk !== "object" || chunk === null) {
      throw new TypeError(`a flow or a connection is needed, got ${typeName(chunk)}`);
    }
    if ("readable" in chunk) return this.#attachSource(chunk, undefined, chunk.direction, chunk.label);
    const flow = chunk.key === undefined ? undefined : chunk as FlowOrigin;
    this.#attachSource(chunk.client, flow, "client", undefined);
    this.#attachSource(chunk.server, flow, "server", undefined);
  }

  #attachSource(
    source: AttachableDirection,
    flow: FlowOrigin | undefined,
    direction: FlowSide | undefined,
    label: string | undefined,
  ): void {
    if (typeof source !== "object" || source === null) {
      throw new TypeError("a flow has a client and a server, a connection has a readable");
    }
    const parser = this.#choice(flow, direction);
    if (parser !== undefined) this.#owner.attach(source, { parser, flow, direction, label });
    else void cancelSource(source, undefined);
  }
}

/** Cancels a connection, at no cost where it knows how; never rejects, whatever it thinks of that. */
export async function cancelSource(source: AttachableDirection, reason: unknown): Promise<void> {
  try {
    if (source.cancel !== undefined) return void await source.cancel(reason);
    const { readable, writable } = source;
    await Promise.all([
      readable.locked ? undefined : readable.cancel(reason),
      writable === undefined || writable.locked ? undefined : writable.abort(reason),
    ]);
  } catch {
    // it is not wanted either way
  }
}
