/** A cell of OpenAFS: its servers, and the folder that its programs are configured by. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import { fromHex } from "../../rxrpc/hex.ts";

const run = promisify(execFile);

/** The DES key of the cell, version 3. */
export const DES_KEY: Uint8Array = fromHex("80b6a7cd7a9dadb6");
/** Its key of aes256-cts, version 2. */
export const AES_KEY: Uint8Array = fromHex("09".repeat(32));

export type CellKeys = "none" | "des" | "aes" | "both";

const folders: string[] = [];
const children = new Set<ChildProcess>();

/** A folder of configuration for a cell whose servers are at `address`. */
export function configFolder(address: string, keys: CellKeys): string {
  const folder = mkdtempSync(join(tmpdir(), "leat-afs-"));
  folders.push(folder);
  writeFileSync(join(folder, "ThisCell"), "test.cell\n");
  writeFileSync(join(folder, "CellServDB"), `>test.cell #t\n${address} #me\n`);
  const keyFile = fromHex("00000001 00000003 80b6a7cd7a9dadb6");
  const keyFileExt = fromHex("00000001 00000010 00000002 00000002 00000012 00000020" + "09".repeat(32));
  if (keys === "des" || keys === "both") writeFileSync(join(folder, "KeyFile"), keyFile, { mode: 0o600 });
  if (keys === "aes" || keys === "both") writeFileSync(join(folder, "KeyFileExt"), keyFileExt, { mode: 0o600 });
  return folder;
}

/** Starts a server, with a database of its own in the folder. */
export function startServer(
  name: "ptserver" | "vlserver" | "fileserver" | "volserver",
  folder: string,
): ChildProcess {
  const database = name === "ptserver" || name === "vlserver" ? ["-database", join(folder, `${name}db`)] : [];
  const files = [...database, "-logfile", join(folder, `${name}.log`)];
  const child = spawn(`/usr/lib/openafs/${name}`, ["-config", folder, ...files], { stdio: "ignore" });
  children.add(child);
  return child;
}

/** Runs a program; resolves with all that it printed, rejects when it fails. */
export async function tool(name: string, args: readonly string[], environment: object = {}): Promise<string> {
  const env = { ...process.env, ...environment };
  const { stdout, stderr } = await run(name, [...args], { env, timeout: 60_000 });
  return stdout + stderr;
}

/** Starts any other program. */
export function start(name: string, args: readonly string[]): ChildProcess {
  const child = spawn(name, [...args], { stdio: ["ignore", "ignore", "pipe"] });
  children.add(child);
  return child;
}

/** Ends a program. */
export async function end(child: ChildProcess, signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
  children.delete(child);
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill(signal);
  await gone;
}

/** Ends all servers, removes all folders. */
export async function cleanUp(): Promise<void> {
  for (const child of [...children]) await end(child, "SIGKILL");
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}
