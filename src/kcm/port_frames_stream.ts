/**
 * What goes over a `MessagePort` between a multiplexor and a channel of it in a worker. Internal, but for the port's type.
 *
 * Messages go in batches: one buffer with all their bytes, which is transferred, and one with their lengths. Credit is by
 * weight: each side knows how much of what it sent the other has done with. A frame of messages names its epoch, which
 * the worker moves on when it gives back what it has not read, so that those under way then are not read twice.
 *
 * @module
 */
import { KcmError } from "./errors.ts";
import type { FlowOrigin, KcmConnection, KcmMessage } from "./kcm_message.ts";
import type { Fate } from "./outgoing_message.ts";
import type { ReplyPattern, SendOptions } from "./outgoing.ts";
import type { SocketType } from "./ports.ts";

/** A `MessagePort`, whichever runtime's it is. */
export interface PortLike {
  /** Sends a value; the buffers in `transfer` go with it. */
  postMessage(value: unknown, transfer: ArrayBuffer[]): void;
  /** Listens. */
  addEventListener(type: string, listener: (event: { readonly data?: unknown }) => void): void;
  /** Begins to deliver. */
  start?(): void;
  /** Ends it. */
  close(): void;
}

/** What is told of a connection. */
export interface ConnectionFrame {
  readonly id: number;
  readonly flow: FlowOrigin | undefined;
  readonly direction: "client" | "server" | undefined;
  readonly label: string | undefined;
}

/** An error that can be sent. */
export interface ErrorFrame {
  readonly message: string;
  readonly code: string;
  readonly blame: "local" | "remote";
  readonly bytesWritten: number | undefined;
  readonly bytesInFlight: number | undefined;
}

/** What became of a message that a worker sends. */
export interface FateFrame {
  readonly id: number;
  readonly fate: Fate | "answered" | "unanswered";
  /** The `id` of its connection. */
  readonly connection: ConnectionFrame | undefined;
  readonly retries: number;
  readonly bytesWritten: number;
  readonly bytesOffered: number;
  readonly error: ErrorFrame | undefined;
  /** What answers it. */
  readonly reply: { readonly data: Uint8Array; readonly sequence: number } | undefined;
}

/** From the multiplexor to the worker. */
export type HostFrame =
  | {
    readonly type: "open";
    readonly index: number;
    readonly socketType: SocketType;
    readonly sendBufferBytes: number;
    readonly maxSendLength: number;
  }
  | {
    readonly type: "messages";
    readonly epoch: number;
    readonly bytes: Uint8Array;
    /** Length, connection and sequence of each message. */
    readonly heads: Float64Array;
    /** Connections that were not told before. */
    readonly connections: readonly ConnectionFrame[];
  }
  | { readonly type: "fates"; readonly fates: readonly FateFrame[] }
  /** Connections that are over. */
  | { readonly type: "gone"; readonly ids: readonly number[] }
  | { readonly type: "end"; readonly failure: ErrorFrame | undefined }
  /** The worker is asked to close. */
  | { readonly type: "close" };

/** What a worker says of a message beside its bytes. */
export interface SendFrame extends Pick<SendOptions, "batch" | "key" | "retry"> {
  readonly id: number;
  readonly length: number;
  readonly via: number | undefined;
  readonly reply: "next" | ReplyPattern | undefined;
}

/** From the worker to the multiplexor. */
export type WorkerFrame =
  | { readonly type: "send"; readonly bytes: Uint8Array; readonly messages: readonly SendFrame[] }
  /** Of this epoch's messages so much was read, by weight. */
  | { readonly type: "read"; readonly weight: number }
  /** Replies that came: to the messages `wanted` they were given to whoever waited, for `unwanted` nobody waits any more. */
  | { readonly type: "replies"; readonly wanted: readonly number[]; readonly unwanted: readonly number[] }
  | { readonly type: "discard"; readonly ids: readonly number[] }
  | { readonly type: "disable"; readonly weight: number }
  | { readonly type: "enable" }
  | { readonly type: "tune"; readonly weight: number; readonly load: number }
  | { readonly type: "close"; readonly weight: number };

/** What is told of a connection: of a flow what is known now. */
export function connectionFrame({ id, flow, direction, label }: KcmConnection): ConnectionFrame {
  if (flow === undefined) return { id, flow, direction, label };
  const { key, startedAt, lastAt, complete, endedBy } = flow;
  return { id, flow: { id: flow.id, key, startedAt, lastAt, complete, endedBy }, direction, label };
}

/** The heads of messages. */
export function headsOf(messages: readonly KcmMessage[]): Float64Array<ArrayBuffer> {
  const heads = new Float64Array(messages.length * 3);
  let at = 0;
  for (const { data, connection, sequence } of messages) {
    heads[at++] = data.length;
    heads[at++] = connection.id;
    heads[at++] = sequence;
  }
  return heads;
}

/** An error on its way; what is no error becomes one. */
export function errorFrame(error: unknown): ErrorFrame {
  const { message, code, blame, bytesWritten, bytesInFlight } = (error ?? {}) as Partial<ErrorFrame>;
  return {
    message: typeof message === "string" ? message : String(error),
    code: typeof code === "string" ? code : "ECONNABORTED",
    blame: blame === "local" ? "local" : "remote",
    bytesWritten,
    bytesInFlight,
  };
}

/** The error again. */
export function errorOf({ message, ...options }: ErrorFrame, connection: KcmConnection | undefined): KcmError {
  return new KcmError(message, { ...options, connection });
}
