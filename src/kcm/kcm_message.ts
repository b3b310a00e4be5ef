/**
 * A message and where it came from.
 *
 * @module
 */
import type { FlowRecord } from "../flow/flow_record.ts";

/** What a connection tells of its flow. Live: it goes on changing until the flow has ended. */
export type FlowOrigin = Readonly<
  Pick<FlowRecord, "id" | "key" | "startedAt" | "lastAt" | "complete" | "endedBy">
>;

/** One attached connection: a captured direction, or whatever else bytes came from. One object for all its messages. */
export class KcmConnection {
  /** Number of the connection in its multiplexor, from 1, in order of attaching; never used again. */
  readonly id: number;
  /** The flow whose direction this is; `undefined` for a connection that did not come from a capture. */
  readonly flow: FlowOrigin | undefined;
  /** Who sent the bytes; `undefined` where nobody said. */
  readonly direction: "client" | "server" | undefined;
  /** The name given when it was attached. */
  readonly label: string | undefined;

  /** Describes a connection. */
  constructor(
    id: number,
    flow: FlowOrigin | undefined,
    direction: "client" | "server" | undefined,
    label: string | undefined,
  ) {
    this.id = id;
    this.flow = flow;
    this.direction = direction;
    this.label = label;
  }
}

/** One whole message with its origin. */
export class KcmMessage {
  /** The message, header included. A view: not to be written to; whoever keeps it keeps its chunk alive. */
  readonly data: Uint8Array;
  /** The connection that it came in on. */
  readonly connection: KcmConnection;
  /** Position among the messages of its connection, from 0. */
  readonly sequence: number;

  /** Makes a message. */
  constructor(data: Uint8Array, connection: KcmConnection, sequence: number) {
    this.data = data;
    this.connection = connection;
    this.sequence = sequence;
  }
}
