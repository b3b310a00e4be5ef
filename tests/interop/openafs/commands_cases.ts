/** Our commands, OpenAFS's servers and programs. */
import { createSocket } from "node:dgram";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { run } from "../../../src/cli/run.ts";
import { MemoryIo } from "../../cli/support/memory_io.ts";
import { compareWithTshark } from "../rxrpc/tshark_rx.ts";
import { cleanUp, configFolder, end, start, startServer, tool } from "./cell.ts";

const PT = "127.0.0.1:7002";
const VL = "127.0.0.1:7003";
const LIST_MAX = ["rx", "call", PT, "-s", "73", "--op", "510", "-o", "words"];
const LIST_VLDB = ["rx", "call", VL, "-s", "52", "--op", "534", "--xdr", "0 0 0 0 0 0 '' 0", "-o", "words"];
/** Users and groups from the first on: administrators may. */
const LIST_ENTRIES = ["rx", "call", PT, "-s", "73", "--op", "521", "--xdr", "3 0", "-o", "words"];
const PRPERM = 267269;

let folder: string;
const temporary = mkdtempSync(join(tmpdir(), "leat-commands-"));

async function leat(...args: string[]): Promise<{ code: number; out: string; problems: string }> {
  const files = Object.fromEntries(
    ["KeyFile", "KeyFileExt"].map((name) => [name, new Uint8Array(readFileSync(join(folder, name)))]),
  );
  const io = new MemoryIo(files);
  const code = await run(args, io);
  return { code, out: io.stdout.text, problems: io.stderr.text };
}

before(async () => {
  folder = configFolder("10.77.0.1", "both");
  startServer("ptserver", folder);
  startServer("vlserver", folder);
  // a new database takes no calls before its servers have voted
  for (const question of [LIST_MAX, LIST_VLDB]) {
    for (let tries = 0; (await leat(...question, "--timeout", "2000")).code !== 0; tries++) {
      assert(tries < 100, "no quorum");
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
});
after(async () => {
  await cleanUp();
  rmSync(temporary, { recursive: true });
});

test("leat rx call gets replies of ptserver and vlserver", async () => {
  assertEquals((await leat(...LIST_MAX)).out, "0 -205\n");
  const list = await leat(...LIST_VLDB);
  assertEquals([list.code, list.out], [0, "0 0 -1\n"], list.problems);
});

test("leat rx call --key: as the superuser, with both kinds of keys, at all levels; without, it may not", async () => {
  for (const key of ["KeyFile", "KeyFileExt"]) {
    for (const level of ["clear", "auth", "crypt"]) {
      const { code, out, problems } = await leat(...LIST_ENTRIES, "--key", key, "--level", level);
      assertEquals(code, 0, problems);
      const words = out.trim().split(/\s+/).map(Number);
      // how many, an entry of 76 words each, where to go on
      assert(words[0]! >= 4 && words.length === 2 + 76 * words[0]!, `${words[0]} entries in ${words.length} words`);
    }
  }
  const stranger = await leat(...LIST_ENTRIES);
  assertEquals([stranger.code, stranger.problems], [1, `leat: the peer aborted the call with ${PRPERM}\n`]);
  const nobody = await leat(...LIST_ENTRIES, "--key", "KeyFile", "--as", "nobody");
  assertStringIncludes(nobody.problems, `${PRPERM}`);
});

test("leat rx debug shows what ptserver tells, and what it tells is what rxdebug prints", async () => {
  await leat(...LIST_MAX);
  const { code, out, problems } = await leat("rx", "debug", PT, "--all", "--json");
  assertEquals(code, 0, problems);
  const lines = out.trimEnd().split("\n").map((line) => JSON.parse(line) as Record<string, unknown>);
  const [version] = lines;
  assertStringIncludes(String(version!["version"]), "OpenAFS");
  const theirs = await tool("rxdebug", ["127.0.0.1", "7002", "-allconnections", "-peers"]);
  const connections = lines.filter(({ type }) => type === "connection");
  assert(connections.length > 0);
  // rxdebug leaves out zeros at the beginning of a number
  const short = (word: unknown): string => Number.parseInt(String(word), 16).toString(16);
  for (const { epoch, cid } of connections) assertStringIncludes(theirs, ` ${short(epoch)}/${short(cid)}`);
  // servers may have made more since
  assert(theirs.match(/^Connection from/gm)!.length >= connections.length);
  assert(lines.some(({ type, natMtu }) => type === "connection" && natMtu === 1444));
  assert(lines.some(({ type }) => type === "peer"));
  const text = await leat("rx", "debug", PT, "--all");
  assertMatch(text.out, /calls served[^]*dataPacketsRead[^]*rxkad crypt[^]*dally/);
});

test("rxdebug shows what leat rx serve tells", async () => {
  const io = new MemoryIo();
  const serving = run(["rx", "serve", "127.0.0.1:23901"], io);
  await io.stderr.until("listening");
  assertEquals((await leat("rx", "call", "127.0.0.1:23901", "-s", "3", "--xdr", "100000")).code, 0);
  const at = ["127.0.0.1", "23901"];
  assertMatch(await tool("rxdebug", [...at, "-version"]), /AFS version: +leat \d/);
  const told = await tool("rxdebug", [...at, "-allconnections", "-peers", "-rxstats"]);
  assertMatch(
    told,
    /calls: 1, [^]*Connection from host 127\.0\.0\.1, port \d+[^]*server conn[^]*Peer at host 127\.0\.0\.1/,
  );
  assertMatch(told, /call 0: # 1, state dally/);
  io.interrupt!();
  assertEquals(await serving, 130);
});

/** Waits until a capture's file has what was sent up to now: tcpdump drops what it has not yet read when it is stopped. */
async function writtenSoFar(path: string): Promise<void> {
  const mark = "all that was sent before is in the file";
  const socket = createSocket("udp4");
  await new Promise<void>((resolve) => socket.send(mark, 7010, "127.0.0.1", () => socket.close(resolve)));
  for (let tries = 0; !readFileSync(path).includes(mark); tries++) {
    assert(tries < 100, "tcpdump writes nothing");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

test("leat trace of OpenAFS's programs at work: what tshark sees, and calls that are complete", async () => {
  const path = join(temporary, "afs.pcap");
  const capture = start("tcpdump", ["-i", "lo", "--immediate-mode", "-U", "-w", path, "udp portrange 7000-7010"]);
  await new Promise((resolve) => capture.stderr!.once("data", resolve));
  for (let round = 0; round < 3; round++) {
    await tool("pts", ["listentries", "-users", "-groups", "-localauth", "-config", folder]);
    await tool("vos", ["listvldb", "-noresolve", "-localauth", "-encrypt", "-config", folder]);
    await leat(...LIST_ENTRIES, "--key", "KeyFile");
  }
  await writtenSoFar(path);
  await end(capture, "SIGINT");
  const file = new Uint8Array(readFileSync(path));
  assert(compareWithTshark(path, file) >= 40);
  const io = new MemoryIo({ "afs.pcap": file });
  assertEquals(await run(["trace", "--show", "calls", "--json", "--plot", "x.svg", "afs.pcap"], io), 0, io.stderr.text);
  // the servers of a cell talk to each other, too
  const calls = io.json.filter(({ service }) => service === 73 || service === 52);
  assert(calls.length >= 9, `${calls.length} calls`);
  for (const { state, security } of calls) {
    assertEquals({ state, security }, { state: "complete", security: "rxkad" });
  }
  assertMatch(new TextDecoder().decode(io.writtenBytes("x.svg")), /^<svg /);
});
