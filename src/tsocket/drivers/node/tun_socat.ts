/**
 * An interface by way of `socat`, which hands packets over as datagrams of UDP on the loopback: slower, and for every
 * runtime. The loopback must be up, and the longest packet is 65,507 bytes.
 *
 * @module
 */
import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { promisify } from "node:util";
import type { ConfiguredInterface } from "../../tun/configure.ts";
import { TunDevice } from "../../tun/tun_device.ts";
import { tunError } from "../../tun/tun_errors.ts";
import type { TunSettings } from "../../tun/tun_settings.ts";
import type { Tun } from "../../tun/tun_types.ts";
import { SocatPort } from "./tun_socat_port.ts";

const run = promisify(execFile);

/**
 * Opens an interface.
 *
 * @throws {SocketError} what the system has against it; `ENOENT` without socat, or without `ip` where that is needed
 */
export async function openSocatTun(settings: TunSettings): Promise<Tun> {
  const name = settings.name.endsWith("%d") ? freeName(settings.name) : settings.name;
  const port = await SocatPort.open(name, settings.mode, settings.signal);
  try {
    for (const { text } of settings.addresses) await ip("address", "replace", text, "dev", name);
    if (settings.mtu !== undefined) await ip("link", "set", name, "mtu", String(settings.mtu));
    settings.signal?.throwIfAborted();
    const made: ConfiguredInterface = { name, mtu: settings.mtu ?? mtuOf(name) };
    return new TunDevice(port, made, settings);
  } catch (error) {
    await port.close();
    throw settings.signal?.aborted === true ? settings.signal.reason : error;
  }
}

/** The first number that no interface has; who comes first wins it, and the others are told `EBUSY`. */
function freeName(pattern: string): string {
  for (let number = 0;; number++) {
    const name = pattern.replace("%d", String(number));
    if (!existsSync(`/sys/class/net/${name}`)) return name;
  }
}

/** In another network namespace than its own, the file system may not know the interface; it is as long as Linux makes it. */
function mtuOf(name: string): number {
  try {
    return Number(readFileSync(`/sys/class/net/${name}/mtu`, "utf8"));
  } catch {
    return 1500;
  }
}

async function ip(...args: string[]): Promise<void> {
  try {
    await run("ip", args);
  } catch (cause) {
    const { code, stderr } = cause as { code?: unknown; stderr?: unknown };
    if (code === "ENOENT") throw tunError("the program ip, of iproute2", "ENOENT", cause);
    throw tunError(`ip ${args.join(" ")}: ${String(stderr ?? "").trim()}`, "EINVAL", cause);
  }
}
