/** An endpoint over a UDP socket of Node, as a stage, with every packet counted that comes and goes. */
import { createSocket, type Socket } from "node:dgram";
import { readU32 } from "../../../src/bytes/integers.ts";
import { decodeHeader, type RxHeader } from "../../../src/rxrpc/header.ts";
import { RxEndpoint, type RxEndpointOptions } from "../../../src/rxrpc/mod.ts";
import { RxFlag, RxPacketType } from "../../../src/rxrpc/packet_types.ts";

const HEADER_BYTES = 28;
const BUFFER_BYTES = 4 * 1024 * 1024;

/** What came, or went. */
export class Counts {
  datagrams = 0;
  aborts = 0;
  /** The codes of ABORT packets. */
  readonly abortCodes: number[] = [];
  /** ABORT packets that went although, since the one before, nothing but ABORT packets had come. */
  answeredAborts = 0;
  busies = 0;
  /** PING acknowledgements. */
  pings = 0;
  /** VERSION packets without a question: they keep a way through a translator of addresses open. */
  keepalives = 0;
  /** DATA that was counted before. */
  repeated = 0;
  readonly #data: Set<string> = new Set();

  /** Returns which type of packet it is. */
  count(datagram: Uint8Array): number | undefined {
    this.datagrams++;
    const header = decodeHeader(datagram);
    if (header !== undefined) this.#count(header, datagram);
    return header?.type;
  }

  #count(header: RxHeader, datagram: Uint8Array): void {
    const { type, flags, epoch, cid, callNumber, seq } = header;
    if (type === RxPacketType.ABORT) {
      this.aborts++;
      this.abortCodes.push(readU32(datagram, HEADER_BYTES) | 0);
    }
    if (type === RxPacketType.BUSY) this.busies++;
    if (type === RxPacketType.ACK && datagram[44] === 6) this.pings++;
    if (type === RxPacketType.VERSION && (flags & RxFlag.CLIENT_INITIATED) === 0) this.keepalives++;
    if (type !== RxPacketType.DATA) return;
    const key = `${epoch} ${cid} ${callNumber} ${seq} ${flags & RxFlag.CLIENT_INITIATED}`;
    if (this.#data.has(key)) this.repeated++;
    this.#data.add(key);
  }
}

/** The endpoint. */
export class CountedEndpoint {
  readonly endpoint: RxEndpoint;
  readonly port: number;
  readonly #socket: Socket;
  #came = new Counts();
  #went = new Counts();
  /** What has come since an ABORT went. */
  #since: "nothing" | "aborts" | "more" = "more";

  private constructor(socket: Socket, options: RxEndpointOptions) {
    this.#socket = socket;
    this.port = socket.address().port;
    this.endpoint = new RxEndpoint(options);
    const writer = this.endpoint.writable.getWriter();
    socket.on("message", (buffer, { address, port }) => {
      const data = new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
      this.#hasCome(this.#came.count(data));
      writer.write({ data, remoteAddress: address, remotePort: port }).catch(() => {});
    });
    this.#send().catch(() => {});
  }

  static open(options: RxEndpointOptions = {}): Promise<CountedEndpoint> {
    return new Promise((resolve, reject) => {
      const socket = createSocket({ type: "udp4", recvBufferSize: BUFFER_BYTES, sendBufferSize: BUFFER_BYTES });
      socket.once("error", reject).bind(0, "127.0.0.1", () => resolve(new CountedEndpoint(socket, options)));
    });
  }

  /** What came and went since the last look. */
  look(): { came: Counts; went: Counts } {
    const seen = { came: this.#came, went: this.#went };
    this.#came = new Counts();
    this.#went = new Counts();
    return seen;
  }

  async close(): Promise<void> {
    await this.endpoint.close();
    await new Promise<void>((resolve) => setImmediate(() => this.#socket.close(() => resolve())));
  }

  #hasCome(type: number | undefined): void {
    if (type !== RxPacketType.ABORT) this.#since = "more";
    else if (this.#since === "nothing") this.#since = "aborts";
  }

  #hasGone(type: number | undefined): void {
    if (type !== RxPacketType.ABORT) return;
    if (this.#since === "aborts") this.#went.answeredAborts++;
    this.#since = "nothing";
  }

  async #send(): Promise<void> {
    for await (const { data, remoteAddress, remotePort } of this.endpoint.readable) {
      this.#hasGone(this.#went.count(data));
      this.#socket.send(data, remotePort!, remoteAddress);
    }
  }
}
