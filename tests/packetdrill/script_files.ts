/** Where scripts are: FreeBSD's and our own in this folder, more where `LEAT_PACKETDRILL` points. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

export interface ScriptFile {
  /** Path below the folder, with `/`. */
  name: string;
  text: string;
}

const here = dirname(fileURLToPath(import.meta.url));

/** Folders to look into. */
export const folders: readonly string[] = [
  join(here, "freebsd"),
  join(here, "scripts"),
  ...(process.env["LEAT_PACKETDRILL"] === undefined ? [] : [process.env["LEAT_PACKETDRILL"]]),
];

/** Every script below a folder, by name. */
export function scriptsBelow(folder: string): ScriptFile[] {
  const names = (readdirSync(folder, { recursive: true }) as string[]).map((name) => name.replaceAll("\\", "/"));
  return names.filter((name) => name.endsWith(".pkt")).sort().map((name) => ({
    name,
    text: readFileSync(join(folder, name), "utf8"),
  }));
}
