/**
 * Backends from a file that may change.
 *
 * @module
 */
import { readFile, stat } from "node:fs/promises";
import { systemMessage, UsageError } from "../io.ts";
import type { HubBackend } from "./hub.ts";
import { checkTwice, parseBackend } from "./mux_settings.ts";

/** How often the file is looked at. Its time of change is what every runtime and file system can tell. */
const LOOK_MS = 1000;

/** Longest file, in bytes. */
const MAX_BYTES = 1024 * 1024;

/** Lines of a file as backends. */
export async function readBackends(path: string): Promise<HubBackend[]> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    throw new UsageError(`--to-file ${path}: ${systemMessage(error)}`);
  }
  if (text.length > MAX_BYTES) throw new UsageError(`--to-file ${path}: more than ${MAX_BYTES} bytes`);
  const backends = text.split("\n").map((line) => line.replace(/#.*/, "").trim()).filter((line) => line !== "")
    .map((line) => parseBackend(`--to-file ${path}`, line));
  checkTwice(backends);
  return backends;
}

/** Calls back whenever the file has another time of change; returns what ends it. */
export function watchFile(path: string, changed: () => void): () => void {
  let last: string | undefined;
  const look = async (): Promise<void> => {
    const now = await stat(path).then(({ mtimeMs, size, ino }) => `${mtimeMs} ${size} ${ino}`, () => undefined);
    const hasChanged = last !== undefined && now !== undefined && now !== last;
    last = now ?? last;
    if (hasChanged) changed();
  };
  look();
  const timer = setInterval(look, LOOK_MS);
  return () => clearInterval(timer);
}
