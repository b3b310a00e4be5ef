/**
 * Interfaces of Linux on Node and Bun: the device is read and written without waiting, a packet a call, and a helper tells
 * when there is something to read. Works on Deno as well.
 *
 * @module
 */
import { closeSync, openSync, readSync, writeSync } from "node:fs";
import process from "node:process";
import { configure, type ConfiguredInterface } from "../../tun/configure.ts";
import { TunDevice } from "../../tun/tun_device.ts";
import { checkLinux, removedError, tunError } from "../../tun/tun_errors.ts";
import { type TunSettings, tunSettings } from "../../tun/tun_settings.ts";
import type { Tun, TunOptions, TunPort } from "../../tun/tun_types.ts";
import { codeOf } from "./error_codes.ts";
import { TunHelper } from "./tun_helper.ts";
import { openSocatTun } from "./tun_socat.ts";

const DEVICE = "/dev/net/tun";

/**
 * Opens an interface.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @throws {SocketError} what the system has against it
 */
export async function openTunNode(options: TunOptions = {}): Promise<Tun> {
  const settings = tunSettings(options);
  checkLinux(process.platform);
  settings.signal?.throwIfAborted();
  if (settings.via === "socat") return await openSocatTun(settings);
  try {
    return await openNative(settings);
  } catch (error) {
    if (settings.via === "native" || !isWithoutPerl(error)) throw error;
    return await openSocatTun(settings);
  }
}

/** Whether it is the helper's program that is not there. */
function isWithoutPerl(error: unknown): boolean {
  const { cause } = error as { cause?: { syscall?: unknown } };
  return String(cause?.syscall).startsWith("spawn");
}

async function openNative(settings: TunSettings): Promise<Tun> {
  const descriptor = openDevice();
  const helper = new TunHelper(descriptor);
  const port = new NodeTunPort(descriptor, helper);
  const abort = (): void => void port.close();
  settings.signal?.addEventListener("abort", abort);
  try {
    const made: ConfiguredInterface = await configure(settings, helper);
    settings.signal?.throwIfAborted();
    port.name = made.name;
    return new TunDevice(port, made, settings);
  } catch (error) {
    await port.close();
    throw settings.signal?.aborted === true ? settings.signal.reason : error;
  } finally {
    settings.signal?.removeEventListener("abort", abort);
  }
}

function openDevice(): number {
  try {
    return openSync(DEVICE, "r+");
  } catch (cause) {
    throw tunError(`opening ${DEVICE}`, codeOf(cause), cause);
  }
}

/** The open device. */
class NodeTunPort implements TunPort {
  name = "";
  readonly #descriptor: number;
  readonly #helper: TunHelper;
  #closing: Promise<void> | undefined;

  constructor(descriptor: number, helper: TunHelper) {
    this.#descriptor = descriptor;
    this.#helper = helper;
  }

  read(into: Uint8Array, at: number): number {
    try {
      return readSync(this.#descriptor, into, at, into.length - at, null);
    } catch (cause) {
      if (isWouldBlock(cause)) return 0;
      throw this.#closing === undefined ? removedError(this.name, cause) : cause;
    }
  }

  write(packet: Uint8Array): boolean {
    if (this.#closing !== undefined) return false;
    try {
      return writeSync(this.#descriptor, packet, 0, packet.length, null) === packet.length;
    } catch {
      // no room, the interface is down, or the system takes it for no packet; one that was removed is told by reading
      return false;
    }
  }

  async ready(): Promise<void> {
    if (await this.#helper.ready() || this.#closing !== undefined) return;
    throw tunError("the helper in Perl ended", "EIO");
  }

  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  async #close(): Promise<void> {
    closeSync(this.#descriptor);
    await this.#helper.close();
  }
}

/** Deno has a class for it, and not always the code. */
function isWouldBlock(cause: unknown): boolean {
  const { code, name } = cause as { code?: unknown; name?: unknown };
  return code === "EAGAIN" || name === "WouldBlock";
}
