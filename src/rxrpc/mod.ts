/**
 * RxRPC: remote procedure calls over UDP as AFS and Linux make them. {@linkcode RxEndpoint} makes calls and takes them,
 * each a pair of web streams; {@linkcode RxEndpointEngine} is the same without any.
 *
 * @module
 */
export { RxAbort, RxkadAbort, type RxkadAbortName } from "./abort_codes.ts";
export { type RxCallPlace, RxCallStream } from "./call_stream.ts";
export { type AskDebug, RxDebugClient } from "./debug_client_stream.ts";
export type { RxDebugChannel, RxDebugConnection, RxDebugCounters, RxDebugPeer, RxDebugStats } from "./debug_records.ts";
export { RxEndpointEngine } from "./endpoint_engine.ts";
export type { RxEndpointEngineOptions, RxEndpointStats } from "./endpoint_options.ts";
export {
  type RxAskOptions,
  RxEndpoint,
  type RxEndpointOptions,
  type RxRequestOptions,
  type RxStreamCallOptions,
} from "./endpoint_stream.ts";
export type { RxDestination } from "./destination_stream.ts";
export type { RxObserver, RxRefusal } from "./observer.ts";
export type { RxNetworkFailure } from "./network_failure.ts";
export { RxrpcError, type RxrpcErrorOptions } from "./errors.ts";
export type { RxLimits } from "./limits.ts";
export { RxListener, type RxListenOptions } from "./listener_stream.ts";
export type {
  RxAddress,
  RxCallOptions,
  RxCallPort,
  RxCallSink,
  RxDatagram,
  RxDecision,
  RxEndpointSink,
  RxOut,
  RxService,
  RxTimeouts,
} from "./ports.ts";
export type { CallNumbers } from "./security/rxkad/challenge.ts";
export type { RxSnapshot, RxSnapshotBundle } from "./snapshot.ts";
export type { RxQuestion } from "./questions.ts";
export { decodeClientKey, encodeClientKey, type RxkadClientKey } from "./security/client_key.ts";
export type { DigestName, SecurityCrypto } from "./security/crypto.ts";
export { decodeKeyFile, decodeKeyFileExt, decodeKeytab, type KeyKind, type ServerKey } from "./security/key_store.ts";
export { none } from "./security/none.ts";
export type {
  AcceptedConnection,
  ClientProtection,
  ClientSecurity,
  ConnectionIdentity,
  PacketProtection,
  RxPeerIdentity,
  ServerProtection,
  ServerSecurity,
} from "./security/protection.ts";
export type { PacketPlace } from "./security/rxkad/packet_seal.ts";
export { encodeK4Ticket, type K4Ticket } from "./security/rxkad/k4_ticket.ts";
export { RxkadLevel } from "./security/rxkad/levels.ts";
export { RxkadError } from "./security/rxkad/errors.ts";
export { rxkadClient, type RxkadClientOptions } from "./security/rxkad/rxkad_client.ts";
export { rxkadServer, type RxkadServerOptions } from "./security/rxkad/rxkad_server.ts";
export {
  RxCallRecorder,
  type RxCallRecorderOptions,
  type RxRecordedAck,
  type RxRecordedCall,
  type RxRecordedData,
  type RxRecordedTrack,
} from "./watch/call_recorder.ts";
export { looksLikeRx } from "./watch/guess.ts";
export type {
  RxDataRemark,
  RxSide,
  RxWatchedCall,
  RxWatchedConnection,
  RxWatchedDatagram,
  RxWatchedPacket,
  RxWatchedRtt,
  RxWatchedState,
  RxWatchedTrack,
  RxWatchSink,
} from "./watch/records.ts";
export { RxWatcher, type RxWatcherOptions, type RxWatcherStats } from "./watch/rx_watcher.ts";
export { rxSequencePlot } from "./watch/sequence_plot.ts";
export type { RxAck } from "./ack.ts";
export type { RxHeader } from "./header.ts";
