/** What the tests of `compat: "linux"` share: sockets with the kernel's calls, and a TCP connection that is attached. */
import {
  type AttachOptions,
  KernelSocket,
  type KernelSocketOptions,
  MultiplexorEngine,
  type Received,
} from "../../src/kcm/mod.ts";
import { Wire } from "./sending.ts";
import { wire } from "./support.ts";

const decoder = new TextDecoder();

/** One multiplexor, its sockets and connections. */
export class Kernel {
  readonly engine: MultiplexorEngine = new MultiplexorEngine({ compat: "linux" });
  now = 0;

  socket(options: KernelSocketOptions = {}): KernelSocket {
    return new KernelSocket(this.engine, options);
  }

  attach(options: Partial<AttachOptions> = {}, room: number = Infinity): Tcp {
    return new Tcp(this, room, options);
  }

  /** Status words of a socket or connection. */
  status(kind: "sockets" | "connections", index: number): string[] {
    return [...this.engine.report()[kind].find((one) => one.index === index)!.status];
  }
}

/** An attached TCP connection. */
export class Tcp extends Wire {
  readonly #kernel: Kernel;

  constructor(kernel: Kernel, room: number, options: Partial<AttachOptions>) {
    super(kernel.engine, room, options);
    this.#kernel = kernel;
  }

  /** One readiness. */
  arrive(...bodies: string[]): void {
    this.arriveBytes(wire(...bodies));
  }

  arriveBytes(bytes: Uint8Array): void {
    this.port.push(bytes, this.#kernel.now);
  }

  /** Bytes that nobody has read. */
  get left(): number {
    return this.#kernel.engine.report().connections.find(({ index }) => index === this.port.index)!.unreadBytes;
  }
}

/** The body of what was received, and its flags. */
export function told(received: Received | undefined): string {
  if (received === undefined) return "EAGAIN";
  const { data, isEnd, isTruncated } = received;
  const text = Array.from(decoder.decode(data), (letter) => letter < " " ? "." : letter).join("");
  return `${text}${isEnd ? " EOR" : ""}${isTruncated ? " TRUNC" : ""}`;
}

/** All that can be received, as bodies. */
export function drain(socket: KernelSocket): string[] {
  const bodies: string[] = [];
  for (let one = socket.recvmsg(1e6); one !== undefined; one = socket.recvmsg(1e6)) {
    bodies.push(decoder.decode(one.data.subarray(2)));
  }
  return bodies;
}
