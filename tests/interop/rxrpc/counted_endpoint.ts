/** An endpoint over a UDP socket of Node, as a stage, with every packet counted that comes and goes. */
import { createSocket, type Socket } from "node:dgram";
import { readU32 } from "../../../src/bytes/integers.ts";
import { decodeHeader } from "../../../src/rxrpc/header.ts";
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
  busies = 0;
  /** PING acknowledgements. */
  pings = 0;
  /** VERSION packets without a question: they keep a way through a translator of addresses open. */
  keepalives = 0;
  /** DATA that was counted before. */
  repeated = 0;
  readonly #data: Set<string> = new Set();

  count(datagram: Uint8Array): void {
    this.datagrams++;
    const header = decodeHeader(datagram);
    if (header === undefined) return;
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

  private constructor(socket: Socket, options: RxEndpointOptions) {
    this.#socket = socket;
    this.port = socket.address().port;
    this.endpoint = new RxEndpoint(options);
    const writer = this.endpoint.writable.getWriter();
    socket.on("message", (buffer, { address, port }) => {
      const data = new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
      this.#came.count(data);
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

  async #send(): Promise<void> {
    for await (const { data, remoteAddress, remotePort } of this.endpoint.readable) {
      this.#went.count(data);
      this.#socket.send(data, remotePort!, remoteAddress);
    }
  }
}
