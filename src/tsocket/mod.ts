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
export * from "./drivers/memory/mod.ts";
export { SocketError, type SocketErrorOptions } from "./errors.ts";
export { InetAddress, type InetEqualsOptions, type InetFamily, type InetParseOptions } from "./inet_address.ts";
export { JobQueue, type JobQueueOptions } from "./job_queue.ts";
export { type ListenerInternals, ListenerSocket } from "./listener_socket.ts";
export { PipeAddress, UnixAddress, VirtualAddress } from "./local_address.ts";
export { connectWith, dgramWith, listenWith, type OpenInternals } from "./open.ts";
export type { DriverSource } from "./opening.ts";
export type { Platform } from "./platform.ts";
export { type OpenStream, type StreamInternals, StreamSocket } from "./stream_socket.ts";
export type {
  AnySocketAddress,
  ConnectOptions,
  Datagram,
  DatagramError,
  DatagramErrorListener,
  DgramOptions,
  IoOptions,
  ListenOptions,
  NextVector,
  OutDatagram,
  PduProgress,
  QueueOptions,
  SocketInfo,
  SocketTarget,
  TDgram,
  TDgramDriver,
  TDgramEvents,
  TDgramOptions,
  TDgramStats,
  TListener,
  TListenerDriver,
  TListenerEvents,
  TListenerStats,
  TlsOptions,
  TQueue,
  TsocketAddress,
  TsocketRuntime,
  TStream,
  TStreamDriver,
  TStreamEvents,
  TStreamOptions,
  TStreamStats,
  UdpInfo,
  UdpMessage,
  Vector,
  WriteOptions,
} from "./types.ts";
export { READ_AGAIN, READ_END } from "./types.ts";
