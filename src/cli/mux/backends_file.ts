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

/** The file. */
export class BackendsFile {
  readonly #path: string;
  /** What it looked like before it was read last. */
  #state: string | undefined;

  /** A file that has not been read. */
  constructor(path: string) {
    this.#path = path;
  }

  /**
   * Its lines as backends.
   *
   * @throws {UsageError} what is wrong with it
   */
  async read(): Promise<HubBackend[]> {
    const path = this.#path;
    this.#state = await stateOf(path);
    let text: string;
    try {
      text = await readFile(path, "utf8");
    } catch (error) {
      throw new UsageError(`--to-file ${path}: ${systemMessage(error)}`);
    }
    if (text.length > MAX_BYTES) throw new UsageError(`--to-file ${path}: more than ${MAX_BYTES} bytes`);
    const backends = text.split("\n").flatMap((line, index) => {
      const backend = line.replace(/#.*/, "").trim();
      return backend === "" ? [] : [parseBackend(`--to-file ${path}, line ${index + 1}`, backend)];
    });
    checkTwice(backends);
    return backends;
  }

  /** Calls back whenever it has changed since it was read; returns what ends that. */
  watch(changed: () => void): () => void {
    const look = async (): Promise<void> => {
      const state = await stateOf(this.#path);
      if (state !== undefined && state !== this.#state) changed();
    };
    const timer = setInterval(look, LOOK_MS);
    return () => clearInterval(timer);
  }
}

function stateOf(path: string): Promise<string | undefined> {
  return stat(path).then(({ mtimeMs, size, ino }) => `${mtimeMs} ${size} ${ino}`, () => undefined);
}
