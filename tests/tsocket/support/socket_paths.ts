/** Paths for unix sockets. */
import { mkdtempSync, rmSync } from "node:fs";
import { after } from "node:test";
import { tmpdir } from "node:os";
import { join } from "node:path";

let folder: string | undefined;
let count = 0;

/**
 * To be called by each file of tests that uses paths, outside its tests: removes them when these are over. Not when the
 * process exits: Deno and Bun end a run of tests without that event.
 */
export function removeSocketPathsAfter(): void {
  after(() => {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
    folder = undefined;
  });
}

/** A path that no other socket has. */
export function freshSocketPath(): string {
  folder ??= mkdtempSync(join(tmpdir(), "leat-sock-"));
  return join(folder, `s${count++}`);
}
