/**
 * Multiplexing: whole messages of many connections steered to a few channels, each with its origin.
 * {@linkcode Multiplexor} is made of web streams, {@linkcode MultiplexorEngine} is the same without any.
 *
 * @module
 */
export { KcmNamespace } from "./kcm_namespace.ts";
export { kcmStatsText, kcmText, type MultiplexorTotals } from "./proc_text.ts";
export type { ConnectionReport, ConnectionTotals, MultiplexorReport, SocketReport } from "./report.ts";
export type { KcmAttachment } from "./attachment.ts";
export type { ReceiveOptions } from "./channel_receivers_stream.ts";
export type { KcmOutgoing, KcmSendOptions, KcmWritable, SendReceipt } from "./channel_sender_stream.ts";
export type { ConnectionOutcome } from "./connection_outcome.ts";
export type { MultiplexorObserver } from "./observer.ts";
export type { ReceivedPart } from "./receive_queue.ts";
export type { Attachable, AttachableDirection, ConnectionLike, FlowLike } from "./attachments_stream.ts";
export type { ByteSource } from "./connection_reader_stream.ts";
export {
  KCM_RECV_DISABLE,
  KernelSocket,
  type KernelSocketOptions,
  type Received,
  type ReceiveFlags,
  SOL_KCM,
} from "./kernel_socket.ts";
export { datagrams } from "./datagrams.ts";
export { KcmError, type KcmErrorOptions } from "./errors.ts";
export { flowsInto, type FlowsIntoOptions, muxedFlows, type MuxedFlowsOptions } from "./flow_attachments.ts";
export type { AttachmentsOptions, FlowParsers, ParserChoice } from "./flow_parsers.ts";
export { type FlowOrigin, KcmConnection, KcmMessage } from "./kcm_message.ts";
export { type CloseOptions, KcmSocket, type KcmSocketOptions } from "./kcm_socket_stream.ts";
export { MultiplexorEngine } from "./multiplexor_engine.ts";
export type { MultiplexorLimits, MultiplexorStats } from "./multiplexor_options.ts";
export { Multiplexor, type MultiplexorOptions } from "./multiplexor_stream.ts";
export { HandedSocket, receiveSocket, type ReceiveSocketOptions } from "./port_channel_stream.ts";
export type { PortLike } from "./port_frames_stream.ts";
export { fifo, type FifoPolicy, keyAffinity, leastLoaded, sticky, weighted } from "./policies.ts";
export type {
  AttachOptions,
  LowerEvents,
  LowerPort,
  SocketOptions,
  SocketPort,
  SocketSink,
  SocketStats,
  SocketType,
} from "./ports.ts";
export type {
  DiscardFilter,
  OutgoingMessage,
  ReplyMatcher,
  ReplyPattern,
  RetryPolicy,
  SendOptions,
} from "./outgoing.ts";
export type { Steering, SteeringKey, SteeringPolicy, SteeringSubject, SteeringTarget } from "./steering_policy.ts";
export type {
  LowerRemains,
  LowerTransmit,
  LowerTransmitEvents,
  LowerTransmitStats,
  SocketTransmit,
  SocketTransmitEvents,
} from "./transmit_ports.ts";
