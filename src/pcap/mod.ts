/**
 * Capture files: pcap and pcapng, read and written.
 *
 * {@linkcode CaptureStream} turns the bytes of a file into packets, {@linkcode CaptureWriterStream} does the reverse.
 * {@linkcode CaptureReader} and {@linkcode CaptureWriter} are the same without streams.
 *
 * @example
 * ```ts
 * import { CaptureStream } from "@leat/streams/pcap";
 *
 * async function list(capture: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
 *   for await (const packet of capture.pipeThrough(new CaptureStream())) {
 *     console.log(packet.number, packet.seconds, packet.originalLength);
 *   }
 * }
 * await list(new Blob([]).stream());
 * ```
 *
 * @module
 */
export type { Packet, Timestamp } from "../packet/packet.ts";
export { LinkType } from "../packet/packet.ts";
export type { ByteOrder } from "./byte_order.ts";
export { CaptureError, type CaptureErrorOptions } from "./capture_error.ts";
export type {
  CaptureBlock,
  CaptureFormat,
  CaptureInterface,
  CaptureNames,
  InterfaceStatistics,
  NameRecord,
  PacketComment,
} from "./capture_interface.ts";
export { CaptureReader, type CaptureReaderOptions, type CaptureReaderStats } from "./capture_reader.ts";
export { CaptureStream, type CaptureStreamOptions } from "./capture_stream.ts";
export { CaptureWriter, type CaptureWriterOptions, type CaptureWriterStats } from "./capture_writer.ts";
export { CaptureWriterStream, type CaptureWriterStreamOptions } from "./capture_writer_stream.ts";
export type { TimeResolution } from "./tick_clock.ts";
