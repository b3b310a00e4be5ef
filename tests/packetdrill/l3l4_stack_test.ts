import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { BsdHost } from "./bsd_host.ts";
import { L3L4Stack } from "./l3l4_stack.ts";
import { parseScript } from "./parser.ts";
import { runScript } from "./runner.ts";
import { folders, type ScriptFile, scriptsBelow } from "./script_files.ts";

test("packetdrill: all of FreeBSD's scripts are there", () => {
  assertEquals(scriptsBelow(folders[0]!).length, 442);
});

for (const folder of folders) {
  const groups = new Map<string, ScriptFile[]>();
  for (const script of scriptsBelow(folder)) {
    const group = script.name.split("/").slice(0, -1).join("/");
    const scripts = groups.get(group) ?? [];
    if (scripts.push(script) === 1) groups.set(group, scripts);
  }
  for (const [group, scripts] of groups) {
    test(`packetdrill: ${scripts.length} scripts of ${group || folder.split(/[\\/]/).at(-1)!}`, () => {
      const failed: string[] = [];
      for (const { name, text } of scripts) {
        try {
          runScript(
            parseScript(text, { file: name, defines: new Set(["FreeBSD"]) }),
            (options) => new BsdHost(new L3L4Stack(options)),
            text,
            name,
          );
        } catch (error) {
          failed.push((error as Error).message);
        }
      }
      assertEquals(failed.join("\n"), "");
    });
  }
}
