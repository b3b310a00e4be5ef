/**
 * What this end of a call says, on its way into packets.
 *
 * A client says its request at once, a server its reply when the request has come; either says no more than there is
 * room for, and no other number of bytes than it has promised.
 *
 * @module
 */
import { RxAbort } from "./abort_codes.ts";
import { RxrpcError } from "./errors.ts";
import { Packetizer, type PacketizerInit } from "./packetizer.ts";
import { PromisedLength } from "./promised_length.ts";
import type { ReceiveSide } from "./receive_side.ts";
import type { SendSide } from "./send_side.ts";

/** The call, as far as it concerns what is said. */
export interface WriterCall {
  readonly isClient: boolean;
  readonly isClosed: boolean;
  readonly receive: ReceiveSide;
  readonly sending: SendSide;
  /** Gives up. */
  abort(code: number, now: number, cause: unknown): void;
  /** There is room again. */
  writable(): void;
}

/** Takes what one end says. */
export class CallWriter {
  readonly #call: WriterCall;
  readonly #length: PromisedLength;
  /** Most packets that may wait to be sent or acknowledged. */
  readonly #queue: number;
  #packetizer: Packetizer | undefined;
  #wantsRoom = false;

  /** Takes nothing before {@linkcode begin}. */
  constructor(call: WriterCall, queue: number, length: number | undefined) {
    this.#call = call;
    this.#queue = queue;
    this.#length = new PromisedLength(length);
  }

  /** Whether it would take something. */
  get isOpen(): boolean {
    if (this.#call.isClosed || this.#packetizer === undefined || this.#packetizer.isEnded) return false;
    return this.#call.isClient || this.#call.receive.isComplete;
  }

  /** The call has its place. */
  begin(init: PacketizerInit): void {
    this.#packetizer = new Packetizer(init);
  }

  /** Takes bytes, as far as there is room. Returns how many. */
  write(bytes: Uint8Array, now: number): number {
    const packetizer = this.#turn();
    if (packetizer === undefined) return 0;
    if (this.#length.isBroken(bytes.length)) this.#breakPromise(bytes.length, now);
    const taken = packetizer.write(bytes, () => this.#hasRoom);
    this.#length.take(taken);
    this.#wantsRoom ||= taken < bytes.length;
    return taken;
  }

  /** What was taken goes, whether or not it fills a packet. */
  flush(): void {
    this.#turn()?.flush();
  }

  /** That was all. */
  end(now: number): void {
    const packetizer = this.#turn();
    if (packetizer !== undefined && this.#length.isShort) this.#breakPromise(0, now);
    packetizer?.end();
  }

  /** From the next packet on, bodies have at most so many bytes. */
  resize(bodyBytes: number): void {
    this.#packetizer?.resize(bodyBytes);
  }

  /** Tells who waits for room when there is some. */
  offerRoom(): void {
    if (!this.#wantsRoom || !this.#hasRoom) return;
    this.#wantsRoom = false;
    this.#call.writable();
  }

  get #hasRoom(): boolean {
    return this.#call.sending.length < this.#queue;
  }

  /** What cuts the packets, if it is this end's turn to speak. */
  #turn(): Packetizer | undefined {
    const { isClient, isClosed, receive } = this.#call;
    if (isClosed) return undefined;
    if (this.#packetizer?.isEnded) {
      throw new RxrpcError("this end of the call has said that it is done", { code: "EPROTO", blame: "local" });
    }
    if (!isClient && !receive.isComplete) {
      throw new RxrpcError("the request has not ended yet", { code: "EPROTO", blame: "local" });
    }
    this.#wantsRoom ||= this.#packetizer === undefined;
    return this.#packetizer;
  }

  /** A caller that says more or less than it has promised is wrong about what it says. */
  #breakPromise(more: number, now: number): never {
    const error = this.#length.error(more);
    this.#call.abort(RxAbort.RX_USER_ABORT, now, error);
    throw error;
  }
}
