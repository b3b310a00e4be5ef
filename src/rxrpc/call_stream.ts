/**
 * One call as a pair of web streams, which are made when they are first asked for.
 *
 * @module
 */
import { typeName } from "../core/words.ts";
import { RxAbort } from "./abort_codes.ts";
import type { EndpointDriver } from "./endpoint_driver_stream.ts";
import { RxrpcError } from "./errors.ts";
import { CallReading, IncomingBytes } from "./incoming_bytes_stream.ts";
import type { RxAddress, RxCallPort, RxCallSink } from "./ports.ts";
import type { RxPeerIdentity } from "./security/protection.ts";
import { AskedPromise } from "../stream/asked_promise.ts";
import { type Deferred, deferred } from "../stream/deferred.ts";

const NOTHING = new Uint8Array(0);

/** Where a call is on the wire. */
export interface RxCallPlace {
  /** Connection and, in the lowest two bits, channel. */
  readonly cid: number;
  /** One of the four channels of its connection, 0 to 3. */
  readonly channel: number;
  /** Number of the call in its channel. */
  readonly callNumber: number;
}

/**
 * A call, at either end: what the other end says comes out of `readable`, what is written into `writable` goes to it. A
 * client says its request and closes `writable`, then reads the reply; a server reads the request to its end, then
 * writes the reply.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { RxEndpoint } from "@leat/streams/rxrpc";
 * import { dgramPair, InetAddress } from "@leat/streams/tsocket";
 *
 * const to = InetAddress.parse("192.0.2.1:7000");
 * const [left, right] = dgramPair({ addresses: [InetAddress.parse("192.0.2.2:7001"), to] });
 * const client = await RxEndpoint.open(left);
 * const server = await RxEndpoint.open(right);
 * const listener = server.listen({ services: [147] });
 *
 * const call = client.call({ to, service: 147, tag: "first" });
 * const writer = call.writable.getWriter();
 * writer.write(new TextEncoder().encode("hello"));
 * writer.close();
 *
 * const served = (await listener.accept())!;
 * const request = await served.bytes();
 * await served.write(request.slice().reverse());
 * await served.end();
 *
 * let reply = "";
 * for await (const chunk of call.readable) reply += new TextDecoder().decode(chunk);
 * assertEquals(reply, "olleh");
 * await call.closed;
 * await Promise.all([client.close(), server.close()]);
 * ```
 */
export class RxCallStream {
  /** What the engine tells the call. */
  readonly sink: RxCallSink;
  readonly #driver: EndpointDriver;
  readonly #incoming: IncomingBytes;
  readonly #opened: AskedPromise<RxCallPlace> = new AskedPromise();
  readonly #answered: AskedPromise<number> = new AskedPromise();
  readonly #closed: AskedPromise<void> = new AskedPromise();
  readonly #ended: ((call: RxCallStream) => void) | undefined;
  #port: RxCallPort | undefined;
  #writable: WritableStream<Uint8Array> | undefined;
  #controller: WritableStreamDefaultController | undefined;
  #room: Deferred<void> | undefined;
  /** Settles when everything that waits to be said was said, or can't be. */
  #line: Promise<void> | undefined;
  #hasSaidAll = false;
  #isOver = false;
  #failure: { readonly error: unknown } | undefined;
  /** Why somebody wants it no more, where that was said. */
  #reason: unknown;

  /** Made by an endpoint; `ended` is told when the call is over, before anything else is. */
  constructor(driver: EndpointDriver, port?: RxCallPort, ended?: (call: RxCallStream) => void) {
    this.#driver = driver;
    this.#port = port;
    this.#ended = ended;
    const reading = new CallReading((bytes) => {
      this.#port?.consumed(bytes, driver.now());
      driver.poke();
    }, (reason) => this.cancel(reason));
    this.#incoming = new IncomingBytes(reading);
    this.sink = new CallSink(
      (bytes) => this.#incoming.data(bytes),
      () => this.#incoming.ended(),
      () => this.#offerRoom(),
      (place) => this.#opened.resolve(place),
      (service) => this.#answered.resolve(service),
      (error) => this.#over(error),
    );
  }

  /** The engine's call, once it is made. */
  bind(port: RxCallPort): void {
    this.#port = port;
  }

  /** Something that belongs to whoever made the call, or takes it; an endpoint's observer sees it, too. */
  get tag(): unknown {
    return this.#port!.tag;
  }

  /** Something else. */
  set tag(tag: unknown) {
    this.#port!.tag = tag;
  }

  /** The service that the call is for; the one that answers, once that is known. */
  get service(): number {
    return this.#port!.service;
  }

  /** The other end. */
  get remote(): RxAddress {
    return this.#port!.remote;
  }

  /** Who the client is, as far as its security class knows; `undefined` at a client and without security. */
  get identity(): RxPeerIdentity | undefined {
    return this.#port!.identity;
  }

  /** The byte for applications that a client's first packet brought. */
  get userStatus(): number {
    return this.#port!.userStatus;
  }

  /** Round-trip time to the other end in milliseconds, once it is known. */
  get srtt(): number | undefined {
    return this.#port!.srtt;
  }

  /** Resolves when a client's call has its place on the wire. */
  get opened(): Promise<RxCallPlace> {
    return this.#opened.promise;
  }

  /** Resolves at a client with the service that answers, once the server says its first word. */
  get answered(): Promise<number> {
    return this.#answered.promise;
  }

  /** Resolves when both ends are done, rejects when the call failed. Needs no handler. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  /** What the other end says. Cancelling it aborts the call. */
  get readable(): ReadableStream<Uint8Array> {
    return this.#incoming.readable;
  }

  /**
   * What this end says. Closing it says that this was all; aborting it aborts the call at once, whatever waits.
   * A pipe into it that is aborted goes on until what it has written was taken, as the standard says: a call that is to
   * end with its pipe has the same `signal`.
   *
   * Rx has two phases: a reply can't begin before the request has ended. At a server what is written waits for that, so
   * the request has to be read beside or, better, before: `await call.end(await call.bytes())` is an echo, whereas
   * `call.readable.pipeTo(call.writable)` stops reading while it waits. When a reply waits and nothing of a request that
   * has used up its window (`receiveWindow`: 128 packets, some 180 kB) was read for `requestIdleMs`, the call is aborted
   * and both streams fail with `EPROTO`.
   */
  get writable(): WritableStream<Uint8Array> {
    return this.#writable ??= new WritableStream<Uint8Array>({
      start: (controller) => {
        this.#controller = controller;
        if (this.#failure !== undefined) controller.error(this.#failure.error);
        // a sink is told of an abort when its write is over, which may wait for a peer that never reads; an error before
        // the stream knows of its abort would be that abort's own
        const { signal } = controller;
        signal.addEventListener("abort", () => queueMicrotask(() => this.cancel(signal.reason)), { once: true });
      },
      write: (bytes) => {
        if (bytes instanceof Uint8Array) return this.write(bytes);
        // a stream whose write fails has failed, and aborts nothing by itself
        const error = wrongBytes("chunk", bytes);
        this.cancel(error);
        throw error;
      },
      close: () => this.end(),
      abort: (reason) => this.cancel(reason),
    });
  }

  /** Everything that the other end says, as one; in place of `readable`. */
  bytes(): Promise<Uint8Array> {
    return this.#incoming.whole();
  }

  /**
   * Says something, behind all that was said before; resolves when it was taken. In place of `writable`. At a server it
   * waits for the end of the request, see {@linkcode writable}.
   *
   * @throws {RxrpcError} what the call failed with, `ESHUTDOWN` when it is over, `EPROTO` behind {@linkcode end}
   * @throws {TypeError} for anything but a `Uint8Array`; the call goes on
   */
  async write(bytes: Uint8Array): Promise<void> {
    needBytes("bytes", bytes);
    this.#checkEnd();
    const taken = this.#sayNow(bytes);
    if (taken < bytes.length) await this.#inLine(() => this.#sayRest(bytes, taken));
  }

  /**
   * Says that this was all, `last` included if there is something, behind all that was said before; resolves when that is
   * on its way. In place of closing `writable`.
   *
   * @throws {RxrpcError} as {@linkcode write}
   */
  async end(last: Uint8Array = NOTHING): Promise<void> {
    needBytes("last", last);
    this.#checkEnd();
    this.#hasSaidAll = true;
    // what there is room for goes at once: another promise would cost a small call more than what it says
    const taken = this.#sayNow(last);
    if (taken === last.length && this.#isFree) return this.#sayEnd();
    await this.#inLine(async () => {
      await this.#sayRest(last, taken);
      if (!this.#port!.isWritable) await this.#untilWritable();
      this.#sayEnd();
    });
  }

  /** Sends what waits for a packet to be full, and what waits to be taken. */
  flush(): void {
    if (this.#line !== undefined) return void this.#inLine(() => Promise.resolve(this.#sendFilling())).catch(() => {});
    this.#sendFilling();
  }

  /**
   * Gives up; the other end is told this number.
   *
   * @throws {TypeError} when it is no number
   * @throws {RangeError} when it is no integer of 32 bits, or 0
   */
  abort(code: number = RxAbort.RX_USER_ABORT, cause?: unknown): void {
    if (typeof code !== "number") throw new TypeError(`a code must be a number, got ${typeName(code)}`);
    if (code === 0 || code !== (code | 0)) throw new RangeError(`a code has 32 bits and is not 0, got ${code}`);
    this.#port!.abort(code, this.#driver.now(), cause);
    this.#driver.poke();
  }

  /** Gives up because somebody wants it no more: `closed` rejects with `reason` itself, where there is one. */
  cancel(reason?: unknown): void {
    if (this.#isOver) return;
    this.#reason = reason;
    this.abort(RxAbort.RX_USER_ABORT, reason);
  }

  #checkEnd(): void {
    if (!this.#hasSaidAll || this.#isOver) return;
    throw new RxrpcError("this end of the call has said that it is done", { code: "EPROTO", blame: "local" });
  }

  /** Whether something that is said now would be taken, and overtake nothing. */
  get #isFree(): boolean {
    return this.#line === undefined && this.#port!.isWritable;
  }

  /** Says what there is room for, unless something waits to be said before. Returns how much that was. */
  #sayNow(bytes: Uint8Array): number {
    return bytes.length > 0 && this.#isFree ? this.#say(bytes) : 0;
  }

  /** What is to be said waits behind what waits already. */
  #inLine(say: () => Promise<void>): Promise<void> {
    const said = this.#line === undefined ? say() : this.#line.then(say);
    const done = (): void => {
      if (this.#line === line) this.#line = undefined;
    };
    const line: Promise<void> = said.then(done, done);
    this.#line = line;
    return said;
  }

  async #sayRest(bytes: Uint8Array, taken: number): Promise<void> {
    for (let at = taken; at < bytes.length;) {
      if (!this.#port!.isWritable) await this.#untilWritable();
      at += this.#say(at === 0 ? bytes : bytes.subarray(at));
      if (at < bytes.length) await this.#untilRoom();
    }
  }

  #say(bytes: Uint8Array): number {
    const taken = this.#port!.write(bytes, this.#driver.now());
    this.#driver.poke();
    return taken;
  }

  #sayEnd(): void {
    this.#port!.end(this.#driver.now());
    this.#driver.poke();
  }

  #sendFilling(): void {
    if (!this.#port!.isWritable) return;
    this.#port!.flush(this.#driver.now());
    this.#driver.poke();
  }

  async #untilWritable(): Promise<void> {
    while (!this.#port!.isWritable) {
      if (this.#failure !== undefined) throw this.#failure.error;
      if (this.#isOver) throw overError();
      this.#port!.awaitTurn(this.#driver.now());
      this.#driver.poke();
      await this.#untilRoom();
    }
  }

  #untilRoom(): Promise<void> {
    this.#room ??= deferred<void>();
    return this.#room.promise;
  }

  #offerRoom(): void {
    this.#room?.resolve();
    this.#room = undefined;
  }

  #over(why: unknown): void {
    this.#isOver = true;
    this.#ended?.(this);
    const error = this.#reason === undefined ? why : this.#reason;
    if (why === undefined) {
      this.#closed.resolve();
    } else {
      this.#failure = { error };
      this.#incoming.failed(error);
      this.#controller?.error(error);
      this.#closed.reject(() => error);
    }
    const never = (): unknown => error ?? overError();
    this.#opened.reject(never);
    this.#answered.reject(never);
    this.#offerRoom();
  }
}

/**
 * Checks what is to be said.
 *
 * @throws {TypeError} when it is no bytes
 */
export function needBytes(name: string, bytes: unknown): void {
  if (!(bytes instanceof Uint8Array)) throw wrongBytes(name, bytes);
}

function wrongBytes(name: string, bytes: unknown): TypeError {
  return new TypeError(`${name} must be a Uint8Array, got ${typeName(bytes)}`);
}

function overError(): RxrpcError {
  return new RxrpcError("the call is over", { code: "ESHUTDOWN", blame: "local" });
}

/** What an engine tells a call with streams, made with `new`: see decision 61. */
class CallSink implements RxCallSink {
  /** The server says that it is busy. */
  busy: () => void = nothing;

  readonly data: RxCallSink["data"];
  readonly ended: RxCallSink["ended"];
  readonly writable: NonNullable<RxCallSink["writable"]>;
  readonly opened: NonNullable<RxCallSink["opened"]>;
  readonly service: NonNullable<RxCallSink["service"]>;
  readonly closed: RxCallSink["closed"];

  /** Made of its parts. */
  constructor(
    data: RxCallSink["data"],
    ended: RxCallSink["ended"],
    writable: NonNullable<RxCallSink["writable"]>,
    opened: NonNullable<RxCallSink["opened"]>,
    service: NonNullable<RxCallSink["service"]>,
    closed: RxCallSink["closed"],
  ) {
    this.data = data;
    this.ended = ended;
    this.writable = writable;
    this.opened = opened;
    this.service = service;
    this.closed = closed;
  }
}

function nothing(): void {}
