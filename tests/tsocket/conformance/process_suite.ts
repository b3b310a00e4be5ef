/** Case 67: which sockets keep a process alive. */
import { assertEquals } from "@std/assert";
import { execFile } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import type { TsocketRuntime } from "../../../src/tsocket/driver_types.ts";
import { define } from "./define.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const PROGRAM = fileURLToPath(new URL("ref_program.ts", import.meta.url));

function argumentsOfRuntime(): string[] {
  if ("Deno" in globalThis) return ["run", "-A", "--no-check", "--quiet"];
  return "Bun" in globalThis ? [] : ["--import", "tsx"];
}

/** What the program printed, and its exit code. */
function run(...args: readonly string[]): Promise<{ words: string[]; code: unknown }> {
  const { NODE_TEST_CONTEXT: _ignored, ...env } = process.env;
  return new Promise((resolve) => {
    const options = { cwd: ROOT, env, timeout: 60_000 };
    execFile(process.execPath, [...argumentsOfRuntime(), PROGRAM, ...args], options, (error, stdout, stderr) => {
      const words = stdout.split(/\s+/).filter((word) => word !== "");
      resolve({ words, code: error === null ? 0 : `${error.code} ${stderr}` });
    });
  });
}

/** Registers the cases. */
export function processSuite(runtime: TsocketRuntime): void {
  define(runtime, 67, "open sockets keep the process alive until they are closed", async () => {
    assertEquals(await run(runtime.name, "ref"), { words: ["open", "held"], code: 0 });
  });

  define(runtime, 67, "sockets that are unref'd let it end, whatever is pending", async () => {
    assertEquals(await run(runtime.name, "unref"), { words: ["open"], code: 0 });
  });
}
