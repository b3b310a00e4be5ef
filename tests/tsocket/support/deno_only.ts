/** Tests of what only Deno has; elsewhere the same test asserts that it is refused with a clear error. */
import { assertEquals, assertRejects } from "@std/assert";
import { execFile } from "node:child_process";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { denoRuntime } from "../../../src/tsocket/drivers/deno/runtime.ts";
import { SocketError } from "../../../src/tsocket/errors.ts";
import { InetAddress } from "../../../src/tsocket/inet_address.ts";

/** Whether this is Deno. */
export const isDeno: boolean = "Deno" in globalThis;

/** A test of sockets of Deno. */
export function denoTest(name: string, body: () => Promise<void>): void {
  test(name, isDeno ? body : assertRefused);
}

async function assertRefused(): Promise<void> {
  const { signal } = new AbortController();
  const address = InetAddress.from("127.0.0.1", 1);
  const refused: (() => Promise<unknown>)[] = [
    () => denoRuntime.connect(address, {}, signal),
    () => denoRuntime.listen(address, {}, signal),
    () => denoRuntime.dgram({}, signal),
  ];
  for (const call of refused) {
    const { code, blame } = await assertRejects(call, SocketError, "needs Deno");
    assertEquals([code, blame], ["EPROTONOSUPPORT", "local"]);
  }
}

/** What a program of its own said. */
export interface ProgramOutcome {
  readonly code: number;
  readonly output: string;
}

/** Runs a script of this folder in a process of its own, and with limits of the shell's `ulimit` where some are given. */
export function runDeno(script: string, flags: readonly string[], ulimit = ""): Promise<ProgramOutcome> {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const args = ["run", "-A", "--no-check", "--quiet", ...flags, path];
  const [program, all] = ulimit === ""
    ? [process.execPath, args]
    : ["/bin/sh", ["-c", `ulimit ${ulimit}; exec "$0" "$@"`, process.execPath, ...args]];
  return new Promise((resolve) => {
    execFile(program, all, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
      resolve({ code, output: stdout + stderr });
    });
  });
}
