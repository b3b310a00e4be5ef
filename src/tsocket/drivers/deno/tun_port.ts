/**
 * An open device, read and written by calls of the C library that do not wait. What waits is one call of poll(2) on a
 * thread of Deno's; a pipe ends it, since it cannot be taken back.
 *
 * @module
 */
import type { IoctlCaller } from "../../tun/configure.ts";
import { errnoName, removedError, tunError } from "../../tun/tun_errors.ts";
import type { TunPort } from "../../tun/tun_types.ts";
import type { CFunctions, CLibrary } from "./c_library.ts";

const DEVICE = "/dev/net/tun";
const O_RDONLY = 0;
const O_RDWR = 0o2;
const O_NONBLOCK = 0o4000;
const O_CLOEXEC = 0o2000000;
const SOCK_DGRAM = 2;
const FAMILY = { inet: 2, inet6: 10 } as const;
const POLLIN = 0x1;
/** An error, a hang-up, or no open descriptor. */
const POLL_OVER = 0x8 | 0x10 | 0x20;
const POLLFD_BYTES = 8;

/** The device. */
export class DenoTunPort implements TunPort, IoctlCaller {
  /** Name of the interface, for errors. */
  name = "";
  readonly #c: CFunctions;
  readonly #library: CLibrary;
  readonly #device: number;
  /** What is read ends a wait, what is written makes it. */
  readonly #pipe: Int32Array = new Int32Array(2);
  readonly #polled: Uint8Array = new Uint8Array(2 * POLLFD_BYTES);
  #waiting: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  /**
   * Opens the device.
   *
   * @throws {SocketError} what the system has against it
   */
  static open(library: CLibrary): DenoTunPort {
    const path = new TextEncoder().encode(`${DEVICE}\0`);
    const device = library.c.open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (device < 0) throw tunError(`opening ${DEVICE}`, errnoName(library.errno()));
    return new DenoTunPort(library, device);
  }

  private constructor(library: CLibrary, device: number) {
    this.#library = library;
    this.#c = library.c;
    this.#device = device;
    if (this.#c.pipe2(this.#pipe, O_CLOEXEC) < 0) {
      const code = errnoName(library.errno());
      this.#c.close(device);
      throw tunError("opening a pipe", code);
    }
    const numbers = new DataView(this.#polled.buffer);
    const isLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
    [device, this.#pipe[0]!].forEach((descriptor, i) => {
      numbers.setInt32(i * POLLFD_BYTES, descriptor, isLittleEndian);
      numbers.setInt16(i * POLLFD_BYTES + 4, POLLIN, isLittleEndian);
    });
  }

  /** Calls `ioctl` on the device, or on a socket that is made for it. */
  async ioctl(on: "device" | "inet" | "inet6", request: number, argument: Uint8Array): Promise<Uint8Array> {
    const bytes = argument.slice();
    if (on === "device") {
      this.#check(this.#c.ioctl(this.#device, request, bytes));
      return await Promise.resolve(bytes);
    }
    const socket = this.#c.socket(FAMILY[on], SOCK_DGRAM | O_CLOEXEC, 0);
    this.#check(socket);
    try {
      this.#check(this.#c.ioctl(socket, request, bytes));
    } finally {
      this.#c.close(socket);
    }
    return bytes;
  }

  /** Reads a file, by the C library: no other permission is needed than for that. */
  readText(path: string): string {
    const file = this.#c.open(new TextEncoder().encode(`${path}\0`), O_RDONLY | O_CLOEXEC);
    this.#check(file);
    let text = "";
    const buffer = new Uint8Array(4096);
    try {
      for (;;) {
        const count = this.#c.read(file, buffer, buffer.length);
        this.#check(count);
        if (count === 0) return text;
        text += new TextDecoder("latin1").decode(buffer.subarray(0, count));
      }
    } finally {
      this.#c.close(file);
    }
  }

  read(into: Uint8Array, at: number): number {
    if (this.#closing !== undefined) return 0;
    const view = at === 0 ? into : into.subarray(at);
    // of an interface that was removed the next wait tells
    return Math.max(0, this.#c.read(this.#device, view, view.length));
  }

  write(packet: Uint8Array): boolean {
    return this.#closing === undefined && this.#c.write(this.#device, packet, packet.length) === packet.length;
  }

  async ready(): Promise<void> {
    if (this.#closing !== undefined) return;
    await (this.#waiting ??= this.#wait());
  }

  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  async #wait(): Promise<void> {
    try {
      await this.#c.poll(this.#polled, 2, -1);
    } finally {
      this.#waiting = undefined;
    }
    // all flags are in the lower byte, which comes first or second
    const happened = this.#polled[6]! | this.#polled[7]!;
    if ((happened & POLL_OVER) !== 0 && this.#closing === undefined) throw removedError(this.name);
  }

  async #close(): Promise<void> {
    this.#c.write(this.#pipe[1]!, Uint8Array.of(0), 1);
    await this.#waiting?.catch(() => {});
    for (const descriptor of [this.#device, ...this.#pipe]) this.#c.close(descriptor);
  }

  #check(result: number): void {
    if (result < 0) throw tunError("setting up the interface", errnoName(this.#library.errno()));
  }
}
