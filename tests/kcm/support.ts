/** What the tests of the engine share: messages with ASCII bodies, and sockets with a queue and a limit. */
import type { KcmMessage, LowerPort, MultiplexorEngine, SocketPort, SocketSink } from "../../src/kcm/mod.ts";
import { lengthPrefix, type Parser } from "../../src/strparser/mod.ts";

/** Two bytes of length, then the body. */
export const parser: Parser = lengthPrefix(2);

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Messages with the given bodies, one behind the other. */
export function wire(...bodies: string[]): Uint8Array {
  const parts = bodies.map((body) => [body.length >> 8, body.length & 255, ...encoder.encode(body)]);
  return Uint8Array.from(parts.flat());
}

/** The body of a message. */
export function bodyOf(message: KcmMessage): string {
  return decoder.decode(message.data.subarray(2));
}

/** A socket with a queue; full at `limit` bytes, and as in the kernel there is room again when it is empty. */
export class TestSocket implements SocketSink {
  readonly port: SocketPort;
  readonly queue: KcmMessage[] = [];
  readonly limit: number;
  ends = 0;
  /** Called for each message, after it was queued. */
  onMessage: (message: KcmMessage) => void = () => {};

  constructor(engine: MultiplexorEngine, limit: number = Infinity) {
    this.limit = limit;
    this.port = engine.socket(this, { paused: true });
    this.port.resume();
  }

  message(message: KcmMessage): void {
    if (this.ends > 0) throw new Error("message after the end");
    this.queue.push(message);
    if (this.limit !== Infinity && this.bytes >= this.limit) this.port.pause();
    this.onMessage(message);
  }

  end(): void {
    this.ends++;
  }

  get bytes(): number {
    return this.queue.reduce((sum, { data }) => sum + data.length, 0);
  }

  get bodies(): string[] {
    return this.queue.map(bodyOf);
  }

  recv(): string | undefined {
    const message = this.queue.shift();
    if (this.queue.length === 0 && !this.port.hasRoom) this.port.resume();
    return message === undefined ? undefined : bodyOf(message);
  }

  close(): void {
    this.port.close(this.queue.splice(0));
  }
}

/** A driver that offers what was not taken again, as soon as there is room. */
export class TestConnection {
  readonly port: LowerPort;
  left: Uint8Array = new Uint8Array(0);
  outcome: { error: unknown } | undefined;
  #isEnding = false;

  constructor(engine: MultiplexorEngine, options: { maxMessageLength?: number; parser?: Parser } = {}) {
    this.port = engine.attach({ parser, ...options }, {
      resumed: () => this.offer(new Uint8Array(0)),
      unattached: (error) => {
        if (this.outcome !== undefined) throw new Error("unattached twice");
        this.outcome = { error };
      },
    });
  }

  /** One arrival. */
  offer(bytes: Uint8Array): void {
    const joined = new Uint8Array(this.left.length + bytes.length);
    joined.set(this.left);
    joined.set(bytes, this.left.length);
    this.left = joined;
    this.left = joined.subarray(this.port.push(joined, 0));
    if (this.#isEnding && this.left.length === 0) this.port.end(0);
  }

  end(): void {
    this.#isEnding = true;
    if (this.left.length === 0) this.port.end(0);
  }
}

/** Bodies of whole messages in bytes, and how many bytes are left behind them. */
export function bodyOfBytes(bytes: Uint8Array): string[] {
  const found: string[] = [];
  let at = 0;
  for (let end = 0; at + 2 <= bytes.length; at = end) {
    end = at + 2 + bytes[at]! * 256 + bytes[at + 1]!;
    if (end > bytes.length) break;
    found.push(decoder.decode(bytes.subarray(at + 2, end)));
  }
  if (at < bytes.length) found.push(`+${bytes.length - at}`);
  return found;
}
