/**
 * Runs other programs from a shell that was started once, so that the process that measures itself does not fork.
 *
 * After a fork all memory of the parent is marked to be copied on write. What a pipeline then pays for the first touch
 * of each page, 8000 faults and 30 of 330 ms for 256 MB on Node 20, is the benchmark's, not the pipeline's. The wait is
 * a blocking read, as that of `spawnSync`: a process that idles in its event loop has its heap tidied up meanwhile.
 *
 * @module
 */
import { spawn, spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A shell that runs one program at a time. */
export class ToolShell {
  readonly #folder: string = mkdtempSync(join(tmpdir(), "leat-shell-"));
  readonly #commands: number;
  readonly #statuses: number;

  /** Starts the shell. */
  constructor() {
    const [commands, statuses] = ["commands", "statuses"].map((name) => join(this.#folder, name)) as [string, string];
    spawnSync("mkfifo", [commands, statuses]);
    // opened for both, a pipe with a name waits for nobody at its other end
    this.#commands = openSync(commands, "r+");
    this.#statuses = openSync(statuses, "r+");
    spawn("/bin/sh", [], { stdio: [this.#commands, this.#statuses, "inherit"] }).unref();
  }

  /** Runs a program to its end; what it prints is thrown away. */
  run(program: string, args: readonly string[]): void {
    const words = [program, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`);
    writeSync(this.#commands, `${words.join(" ")} < /dev/null > /dev/null 2>&1; echo $?\n`);
    const status = new Uint8Array(16);
    const length = readSync(this.#statuses, status);
    const text = new TextDecoder().decode(status.subarray(0, length)).trim();
    if (text !== "0") throw new Error(`${program} failed with ${text}`);
  }

  /** Ends the shell. */
  close(): void {
    writeSync(this.#commands, "exit\n");
    closeSync(this.#commands);
    closeSync(this.#statuses);
    rmSync(this.#folder, { recursive: true });
  }
}
