/**
 * One socket layer for every runtime: vectors filled whole, PDU reads into buffers of the caller, queued writes,
 * datagrams in batches, half-close, deadlines, and web streams in front of all that.
 *
 * This module has what runs everywhere: addresses, queues, the sockets around any driver, and drivers in memory and over
 * web streams. Real sockets come from the subpath of the runtime: `./node`, `./deno` or `./bun`.
 *
 * @module
 */
export { type Deadline, Deadlines } from "./deadlines.ts";
export { type DgramInternals, DgramSocket } from "./dgram_socket.ts";
export type { ChanceOptions } from "./drivers/memory/chance.ts";
export type { MemoryDgramOptions } from "./drivers/memory/dgram_driver.ts";
export { dgramDriverPair, type MemoryDgramPairOptions } from "./drivers/memory/dgram_pair.ts";
export type { DelayFaults, DgramFaults, ForSides, StreamFaults } from "./drivers/memory/faults.ts";
export {
  type MemoryLink,
  type MemoryLinkOptions,
  MemoryNetwork,
  type MemoryNetworkOptions,
} from "./drivers/memory/network.ts";
export { dgramPair, type DgramPairOptions, streamPair, type StreamPairOptions } from "./drivers/memory/pairs.ts";
export { type MemoryStreamOptions, streamDriverPair } from "./drivers/memory/stream_driver.ts";
export { fromSocket, type WinterTcInfo, type WinterTcSocket } from "./drivers/web/socket_driver.ts";
export { type ByteStreams, fromStreams, type FromStreamsOptions } from "./drivers/web/stream_driver.ts";
export { streamFrom, type StreamFromOptions } from "./drivers/web/stream_from.ts";
export { SocketError, type SocketErrorOptions } from "./errors.ts";
export { InetAddress, type InetEqualsOptions, type InetFamily, type InetParseOptions } from "./inet_address.ts";
export { JobQueue, type JobQueueOptions } from "./job_queue.ts";
export { type ListenerInternals, ListenerSocket } from "./listener_socket.ts";
export { PipeAddress, UnixAddress, VirtualAddress } from "./local_address.ts";
export { connectWith, dgramWith, listenWith, type OpenInternals } from "./open.ts";
export type { DriverSource } from "./opening.ts";
export { toSocketTarget } from "./socket_target.ts";
export type { Platform } from "./platform.ts";
export { type StreamInternals, StreamSocket } from "./stream_socket.ts";
export type {
  TDgramDriver,
  TDgramEvents,
  TListenerDriver,
  TListenerEvents,
  TsocketRuntime,
  TStreamDriver,
  TStreamEvents,
} from "./driver_types.ts";
export type {
  AnySocketAddress,
  ConnectOptions,
  DgramOptions,
  ListenOptions,
  SocketTarget,
  TDgramOptions,
  TStreamOptions,
} from "./option_types.ts";
export type {
  Datagram,
  DatagramError,
  DatagramErrorListener,
  IoOptions,
  NextVector,
  OutDatagram,
  PduProgress,
  QueueOptions,
  SocketInfo,
  TDgram,
  TDgramStats,
  TListener,
  TListenerStats,
  TlsOptions,
  TQueue,
  TsocketAddress,
  TStream,
  TStreamStats,
  UdpInfo,
  UdpMessage,
  Vector,
  WriteOptions,
} from "./types.ts";
export { READ_AGAIN, READ_END } from "./driver_types.ts";
