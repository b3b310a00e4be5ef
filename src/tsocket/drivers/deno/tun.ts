/**
 * Interfaces of Linux on Deno: the C library through `Deno.dlopen`, for which `--allow-ffi` is needed. Without it they go
 * by way of `socat`, which needs `--allow-run`.
 *
 * @module
 */
import { configure } from "../../tun/configure.ts";
import { TunDevice } from "../../tun/tun_device.ts";
import { checkLinux, tunError } from "../../tun/tun_errors.ts";
import { type TunSettings, tunSettings } from "../../tun/tun_settings.ts";
import type { Tun, TunOptions } from "../../tun/tun_types.ts";
import { type CLibrary, openCLibrary } from "./c_library.ts";
import { denoApi } from "./deno_api.ts";
import { denoErrorCode } from "./errors.ts";
import { DenoTunPort } from "./tun_port.ts";

/**
 * Opens an interface.
 *
 * @throws {TypeError | RangeError} when an option is wrong
 * @throws {SocketError} what the system has against it
 */
export async function openTunDeno(options: TunOptions = {}): Promise<Tun> {
  const settings = tunSettings(options);
  checkLinux(denoApi("tun").build.os);
  settings.signal?.throwIfAborted();
  if (settings.via === "socat") return await openSocat(settings);
  let library: CLibrary;
  try {
    library = openCLibrary();
  } catch (cause) {
    if (settings.via === "auto") return await openSocat(settings);
    throw tunError("opening the C library", denoErrorCode(cause), cause);
  }
  return await openNative(settings, library);
}

async function openNative(settings: TunSettings, library: CLibrary): Promise<Tun> {
  const port = DenoTunPort.open(library);
  try {
    const made = await configure(settings, port);
    settings.signal?.throwIfAborted();
    port.name = made.name;
    return new TunDevice(port, made, settings);
  } catch (error) {
    await port.close();
    throw error;
  }
}

/** Only loaded when needed. */
async function openSocat(settings: TunSettings): Promise<Tun> {
  return await (await import("../node/tun_socat.ts")).openSocatTun(settings);
}
