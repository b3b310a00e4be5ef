import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { concat } from "../../src/bytes/mod.ts";
import { type Input, systemMessage } from "../../src/cli/io.ts";
import { processIo } from "../../src/cli/process_io.ts";

const io = processIo();

async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "leat-io-"));
  try {
    await run(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function readAll(input: Input): Promise<Uint8Array[]> {
  const chunks: Uint8Array[] = [];
  for (let chunk = await input.read(); chunk !== undefined; chunk = await input.read()) chunks.push(chunk);
  await input.close();
  return chunks;
}

/** The code of the error that opening the path gives. */
async function openError(path: string): Promise<string> {
  const error = await assertRejects(() => io.openFile(path)) as { code?: string };
  return error.code!;
}

test("a file is read in large chunks, each with memory of its own, and tells its size", () =>
  inFolder(async (folder) => {
    const path = join(folder, "a");
    const bytes = Uint8Array.from({ length: 600_000 }, (_, i) => i * 7);
    writeFileSync(path, bytes);
    const input = await io.openFile(path);
    assertEquals([input.size, input.isLive], [600_000, false]);
    const chunks = await readAll(input);
    assertEquals(chunks.map(({ length }) => length), [262_144, 262_144, 75_712]);
    assertEquals(new Set(chunks.map(({ buffer }) => buffer)).size, 3);
    assert(concat(chunks).every((byte, i) => byte === bytes[i]));
  }));

test("a file that grows while it is read is read to its new end", () =>
  inFolder(async (folder) => {
    const path = join(folder, "a");
    writeFileSync(path, "one");
    const input = await io.openFile(path);
    const first = await input.read();
    appendFileSync(path, "two");
    assertEquals(new TextDecoder().decode(concat([first!, ...await readAll(input)])), "onetwo");
  }));

test("an empty file ends at once", () =>
  inFolder(async (folder) => {
    const path = join(folder, "a");
    writeFileSync(path, "");
    assertEquals(await readAll(await io.openFile(path)), []);
  }));

test("what cannot be opened gives the system's code", () =>
  inFolder(async (folder) => {
    assertEquals(await openError(join(folder, "missing")), "ENOENT");
    assertEquals(await openError(folder), "EISDIR");
    assertEquals(await openError("x".repeat(5000)), "ENAMETOOLONG");
  }));

test("a file is written whole, over what was there", () =>
  inFolder(async (folder) => {
    const path = join(folder, "a");
    writeFileSync(path, "something longer than that");
    const file = await io.createFile(path);
    await file.write(new TextEncoder().encode("one "));
    await file.write(new TextEncoder().encode("two"));
    await file.close();
    assertEquals(readFileSync(path, "utf8"), "one two");
  }));

test("a file that cannot be made: what is said is what is in the way", () =>
  inFolder(async (folder) => {
    const refusal = (path: string): Promise<string> => io.createFile(path).then(() => "none", systemMessage);
    writeFileSync(join(folder, "file"), "");
    mkdirSync(join(folder, "sub"));
    symlinkSync(join("no", "a"), join(folder, "link"));
    assertEquals(await refusal(""), "the name of a file is empty");
    assertEquals(await refusal(join(folder, "no", "a")), "its folder is missing");
    assertEquals(await refusal(join(folder, "file", "a")), "what it lies in is no folder");
    assertEquals(await refusal(join(folder, "file", "a", "b")), "what it lies in is no folder");
    assertEquals(await refusal(join(folder, "link")), "it is a link into a folder that is missing");
    assertEquals(await refusal(join(folder, "sub")), "is a directory");
    assertEquals(await refusal(join(folder, "x".repeat(300))), "the name is too long");
    // nobody makes files in /sys, not even root
    if (process.platform !== "linux") return;
    symlinkSync("/sys/leat", join(folder, "away"));
    assertEquals(await refusal(join(folder, "away")), "permission denied");
  }));

test("one file under two names is one file", () =>
  inFolder(async (folder) => {
    const [a, b, link] = ["a", "b", "link"].map((name) => join(folder, name)) as [string, string, string];
    writeFileSync(a, "");
    writeFileSync(b, "");
    symlinkSync(a, link);
    mkdirSync(join(folder, "sub"));
    assertEquals(await io.isSameFile(a, a), true);
    assertEquals(await io.isSameFile(a, link), true);
    assertEquals(await io.isSameFile(a, join(folder, "sub", "..", "a")), true);
    assertEquals(await io.isSameFile(a, b), false);
    assertEquals(await io.isSameFile(a, join(folder, "missing")), false);
    assertEquals(await io.isSameFile(join(folder, "missing"), join(folder, "missing")), false);
  }));

test("time does not go back", () => {
  const before = io.now();
  assert(io.now() >= before);
});

test("system errors are words, without path and stack", () => {
  assertEquals(systemMessage(Object.assign(new Error("ENOENT: open '/x'"), { code: "ENOENT" })), "no such file");
  assertEquals(systemMessage(Object.assign(new Error("E: x"), { code: "EWHAT" })), "the system says EWHAT");
  assertEquals(systemMessage(new Error("first line\n    at somewhere")), "first line");
  assertEquals(systemMessage("a text"), "a text");
  assertEquals(systemMessage(null), "null");
});
