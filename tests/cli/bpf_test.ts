import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { pathToFileURL } from "node:url";
import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { BpfError } from "../../src/bpf/errors.ts";
import { FileProblem, readSource } from "../../src/cli/bpf/program_source.ts";
import { run } from "../../src/cli/run.ts";
import { fromHex, toHex } from "../../src/bytes/mod.ts";
import type { Parser } from "../../src/strparser/mod.ts";
import { objectFile } from "../bpf/support/recordings.ts";
import { addTcp, captureOf, PacketList } from "./support/captures.ts";
import { MemoryIo, systemError } from "./support/memory_io.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const LEN16 = "r6 = r1\nr0 = *(u16 *)skb[0]\nr0 += 2\nexit\n";
const LEN16_HEX = "bf16000000000000\n2800000000000000\n0700000002000000\n9500000000000000\n";

function world(files: Record<string, Uint8Array | string | Error> = {}): MemoryIo {
  const io = new MemoryIo();
  const all = {
    "len16.s": LEN16,
    "len16.o": objectFile("plain", "01_len16be"),
    "local.o": objectFile("c14-v3-g", "14_local_func"),
    "rodata.o": objectFile("c14-v3-g", "13_rodata_cfg"),
    "nobtf.o": objectFile("plain", "11_cfg_array"),
    ...files,
  };
  for (const [name, file] of Object.entries(all)) io.files.set(name, typeof file === "string" ? encode(file) : file);
  return io;
}

/** Runs `leat bpf`, expects this exit code (and, where that is 0, this error output), and gives the world afterwards. */
async function bpf(args: string, io: MemoryIo = world(), code = 0, told = ""): Promise<MemoryIo> {
  assertEquals(await run(["bpf", ...args.split(" ")], io), code, io.stderr.text);
  if (code === 0) assertEquals(io.stderr.text, told);
  return io;
}

test("bpf asm: hexadecimal, raw bytes, to a file", async () => {
  assertEquals((await bpf("asm len16.s")).stdout.text, LEN16_HEX);
  assertEquals(toHex((await bpf("asm len16.s --to raw")).stdout.bytes), LEN16_HEX.replaceAll("\n", ""));
  const io = await bpf("asm len16.s -o out.bin --to raw");
  assertEquals([io.writtenBytes("out.bin").length, io.stdout.text], [32, ""]);
});

test("bpf asm: maps are not in the code, and it says so", async () => {
  const files = { "m.s": ".map limits array 4 8 1\n.map seen hash 4 8 1\nr1 = map[limits] ll\nr0 = 0\nexit\n" };
  const told = "leat: m.s: the output has the code alone, not the maps it refers to: limits\n";
  const io = await bpf("asm m.s", world(files), 0, told);
  assertEquals(io.stdout.lines.length, 4);
  assertEquals((await bpf("asm len16.s")).stderr.text, "");
  // What is declared alone is not missed.
  await bpf("asm m.s", world({ "m.s": ".map seen hash 4 8 1\nr0 = 0\nexit\n" }));
});

test("bpf asm: from standard input", async () => {
  const io = world();
  io.stdin.feed(encode("exi"));
  io.stdin.feed(encode("t\n"));
  io.stdin.feed(undefined);
  assertEquals((await bpf("asm -", io)).stdout.text, "9500000000000000\n");
});

test("bpf verify: a program from standard input is called main", async () => {
  const io = world();
  io.stdin.feed(encode("exit\n"));
  io.stdin.feed(undefined);
  assertStringIncludes((await bpf("verify -", io, 1)).stderr.text, "standard input: main: instruction 0: ");
});

test("bpf asm: classic programs in all forms, checked and translated", async () => {
  const classic = () => world({ "c.s": "ldh [0]\nadd #2\nret a\n", "bad.s": "ldh [0]\ndiv #0\nret a\n" });
  assertEquals(
    (await bpf("asm --classic c.s", classic())).stdout.text,
    "{ 0x28, 0, 0, 0x00000000 },\n{ 0x4, 0, 0, 0x00000002 },\n{ 0x16, 0, 0, 0x00000000 },\n",
  );
  assertEquals((await bpf("asm --classic --to ddd c.s", classic())).stdout.text, "3\n40 0 0 0\n4 0 0 2\n22 0 0 0\n");
  assertStringIncludes((await bpf("asm --classic --to hex c.s", classic())).stdout.text, "bf16000000000000\n");
  const io = await bpf("asm --classic bad.s", classic(), 1);
  assertEquals(io.stderr.text, "leat: bad.s: instruction 1: div by 0\n");
});

test("bpf asm: what is wrong is one line with line and column", async () => {
  const io = await bpf("asm bad.s", world({ "bad.s": "exit\n  r1 = r99\n" }), 1);
  assertEquals(io.stderr.text, "leat: bad.s: line 2, column 8: there is no register r99\n");
  assertEquals(io.stdout.text, "");
  assertEquals((await bpf("asm none.s", world(), 1)).stderr.text, "leat: none.s: no such file\n");
  assertEquals(
    (await bpf("asm empty.s", world({ "empty.s": "# nothing\n" }), 1)).stderr.text,
    "leat: empty.s: the file has no instructions\n",
  );
  const full = await bpf("asm len16.s -o full", world({ full: systemError("ENOSPC") }), 1);
  assertEquals(full.stderr.text, "leat: full: no space left on the device\n");
});

test("bpf asm: a text that is something else is told what to do with it", async () => {
  const listingOf = async (name: string) => (await bpf(`disasm ${name}`)).stdout.text;
  const files = world({
    "maps.txt": await listingOf("rodata.o"),
    "two.txt": await listingOf("local.o"),
    "one.txt": await listingOf("len16.o"),
    "c.s": "ldh [0]\nret a\n",
    "bad.s": "frob\n",
  });
  const toldOf = async (name: string) => (await bpf(`asm ${name}`, files, 1)).stderr.text.split("leat: ").at(-1)!;
  assertMatch(await toldOf("maps.txt"), /^maps\.txt: line 4, column 20: there is no map .*; .* leat bpf disasm --asm/);
  assertMatch(await toldOf("two.txt"), /^two\.txt: line 38, column 8: .*; .* leat bpf disasm --asm/);
  assertMatch(await toldOf("c.s"), /^c\.s: line 1, column 1: .*; .* leat bpf asm --classic\n$/);
  assertEquals(await toldOf("bad.s"), 'bad.s: line 1, column 1: unknown instruction "frob"\n');
  const io = world({ "one.txt": files.files.get("one.txt") as Uint8Array });
  assertEquals((await bpf("asm one.txt", io)).stdout.text, LEN16_HEX);
});

test("what is wrong with assembly keeps its line, its column and what it comes from beside the hint", async () => {
  const problem = await assertRejects(() => readSource("c.s", world({ "c.s": "ldh [0]\nret a\n" })), FileProblem);
  const { code, line, column, cause } = problem.cause as BpfError;
  assertEquals([code, line, column], ["EINVAL", 1, 1]);
  assert(cause instanceof BpfError && problem.message.startsWith(`${cause.message}; as classic BPF it is right`));
});

test("bpf disasm: objects linked, by function, with source", async () => {
  const all = (await bpf("disasm local.o")).stdout.text;
  assertMatch(all, /^local_func: {2}; 30 slots\n {7}0: w2 = 1\n {7}1: call read24\n/);
  assertStringIncludes(all, "\nlocal_func_at0:  ; 23 slots\n");
  const one = (await bpf("disasm local.o:local_func_at0 --dialect conformance --radix 16")).stdout.text;
  assertStringIncludes(one, "call local read24");
  assertStringIncludes(one, "call helper 0x1a");
  assert(!one.includes("bounded"));
  const source = (await bpf("disasm --source local.o:local_func")).stdout.text;
  assertStringIncludes(source, "; ./14_local_func.c:24: if (n < 0)\n");
});

test("bpf disasm --asm is what bpf asm takes", async () => {
  const text = (await bpf("disasm --asm rodata.o")).stdout.text;
  assertStringIncludes(text, ".map .rodata array 4 8 1");
  const told = "leat: rodata.s: the output has the code alone, not the maps it refers to: .rodata, .data, .bss\n";
  const there = (await bpf("asm rodata.s", world({ "rodata.s": text }), 0, told)).stdout.text;
  assertStringIncludes((await bpf("disasm --asm local.o", world(), 1)).stderr.text, "several programs, name one");
  const back = (await bpf("disasm --asm rodata.s", world({ "rodata.s": text }))).stdout.text;
  assertEquals([there.length, back], [22 * 17, text]);
});

test("bpf disasm: hexadecimal, raw slots, classic programs", async () => {
  const files = {
    "a.hex": LEN16_HEX,
    "a.bin": fromHex(LEN16_HEX.replaceAll("\n", "")),
    "c.txt": "{ 0x28, 0, 0, 0x0 },\n{ 0x16, 0, 0, 0 },\n",
  };
  const expected = LEN16.trimEnd().split("\n").map((line, slot) => `       ${slot}: ${line}`);
  for (const name of ["a.hex", "a.bin"]) {
    assertEquals((await bpf(`disasm ${name}`, world(files))).stdout.lines.slice(1), expected);
  }
  assertEquals((await bpf("disasm c.txt", world(files))).stdout.text, "(000) ldh      [0]\n(001) ret      \n");
  assertEquals((await bpf("disasm --asm c.txt", world(files))).stdout.text, "ldh [0]\nret a\n");
  assertStringIncludes((await bpf("disasm --ebpf c.txt", world(files))).stdout.text, "r0 = *(u16 *)skb[0]");
});

test("bpf disasm: bytes that are nothing", async () => {
  const io = await bpf("disasm x", world({ x: new Uint8Array(9) }), 1);
  assertEquals(io.stderr.text, "leat: x: neither an object file nor text, and 9 bytes are no whole number of slots\n");
  assertStringIncludes((await bpf("disasm x", world({ x: fromHex("7f454c46") }), 1)).stderr.text, "leat: x: ");
  assertStringIncludes((await bpf("disasm len16.s:main", world(), 1)).stderr.text, "only object files have functions");
  assertStringIncludes((await bpf("disasm local.o:none", world(), 1)).stderr.text, "local_func, local_func_at0");
});

test("a colon may be part of a file's name", async () => {
  assertEquals((await bpf("asm a:b", world({ "a:b": "exit" }))).stdout.text, "9500000000000000\n");
});

test("bpf verify: a line for each program; refused ones say why", async () => {
  const io = await bpf("verify local.o len16.s");
  assertMatch(
    io.stdout.text,
    /^local_func: accepted \(30 slots, 30 steps\)\nlocal_func_at0: accepted .*\nlen16: accepted/,
  );
  const refused = await bpf("verify bad.s len16.s", world({ "bad.s": "r0 = *(u64 *)(r10 - 8)\nexit" }), 1);
  assertMatch(refused.stderr.text, /^leat: bad\.s: bad: .*instruction 0.* \(EACCES\)\n$/);
  assertMatch(refused.stdout.text, /^len16: accepted/);
  const open = await bpf("verify open.s", world({ "open.s": "r0 = 0" }), 1);
  assertMatch(
    open.stderr.text,
    /^leat: open\.s: open: instruction 0: r0 = 0: .* runs into what is behind it \(EINVAL\)\n$/,
  );
  await bpf("verify --mode kernel-root bad.s", world({ "bad.s": "r0 = *(u64 *)(r10 - 8)\nexit" }));
  const loop = () => world({ "loop.s": "r0 = 0\na: r0 += 1\nif r0 != 0 goto a\nexit" });
  await bpf("verify loop.s", loop());
  assertStringIncludes((await bpf("verify --loops refused loop.s", loop(), 1)).stderr.text, "loop");
  assertStringIncludes((await bpf("verify nobtf.o", world(), 1)).stderr.text, "-g");
});

test("bpf run: results and what they mean", async () => {
  for (const backend of ["auto", "js", "wasm", "interpreter"]) {
    const io = await bpf(`run --backend ${backend} len16.o 0005 00 0x000568656c6c6f`);
    assertEquals(io.stdout.lines, [
      "7  message of 7 bytes, 5 of them to come",
      "0  more bytes are needed",
      "7  message of 7 bytes",
    ]);
  }
  assertEquals((await bpf("run minus.s 00", world({ "minus.s": "r0 = -22\nexit" }))).stdout.text, "-22  error\n");
});

test("bpf run: hexadecimal with spaces is one run", async () => {
  const io = world();
  assertEquals(await run(["bpf", "run", "len16.o", "00 03 61 62 63"], io), 0);
  assertEquals(io.stdout.text, (await bpf("run len16.o 0003616263")).stdout.text);
});

test("bpf run: global variables, and what the program prints", async () => {
  assertEquals((await bpf("run rodata.o --set hdr_len=8 0000000161")).stdout.lines[0]!.split(" ")[0], "9");
  assertStringIncludes((await bpf("run rodata.o --set nothing=8 00", world(), 1)).stderr.text, "nothing");
  assertStringIncludes(
    (await bpf("run rodata.o --set hdr_len=99999999999 00", world(), 1)).stderr.text,
    "--set: hdr_len of 4 bytes",
  );
});

test("bpf run: bytes from a file, cut into messages", async () => {
  const stream = { "s.bin": fromHex("00000001610002ffff") };
  assertEquals((await bpf("run len16.o -i s.bin --split", world(stream))).stdout.lines, [
    "0  2  message of 2 bytes",
    "2  3  message of 3 bytes",
    "5  4  message of 4 bytes",
  ]);
  const cut = await bpf("run len16.o --input s.bin --split", world({ "s.bin": fromHex("0000000161") }), 0);
  assertEquals(cut.stdout.lines.length, 2);
  const short = await bpf("run len16.o --input s.bin --split", world({ "s.bin": fromHex("00000009") }), 1);
  assertEquals(short.stdout.lines[1], "2  11  message of 11 bytes, 9 of them to come");
  const io = world();
  io.stdin.feed(fromHex("0003"));
  io.stdin.feed(undefined);
  assertEquals((await bpf("run len16.o", io)).stdout.lines[0], "5  message of 5 bytes, 3 of them to come");
});

test("bpf run: a run that does not end is told", async () => {
  const io = await bpf(
    "run loop.s --budget 1000 00",
    world({ "loop.s": "r0 = 0\na: r0 += 1\nif r0 != 0 goto a\nexit" }),
    1,
  );
  assertMatch(io.stderr.text, /^leat: loop\.s: .*\(ELOOP\)\n$/);
});

const folder = mkdtempSync(join(tmpdir(), "leat-"));
after(() => rmSync(folder, { recursive: true }));
let modules = 0;

async function parserOf(text: string): Promise<Parser> {
  const file = join(folder, `parser${modules++}.mjs`);
  writeFileSync(file, text);
  return (await import(pathToFileURL(file).href) as { parser: Parser }).parser;
}

test("bpf compile: a module that parses", async () => {
  for (const args of ["compile len16.o --name small", "compile len16.s -o out.ts --name small"]) {
    const io = await bpf(args);
    const text = args.includes("-o") ? new TextDecoder().decode(io.writtenBytes("out.ts")) : io.stdout.text;
    const parser = await parserOf(text);
    assertEquals(parser.name, "small");
    assertEquals(parser.parse(fromHex("0005aa"), 0, 3, parser.start?.({})), 7);
    assertEquals(parser.parse(fromHex("00"), 0, 1, parser.start?.({})), 0);
  }
});

test("bpf compile: global variables", async () => {
  const parser = await parserOf((await bpf("compile rodata.o --set hdr_len=8")).stdout.text);
  assertEquals(parser.parse(fromHex("0000000161"), 0, 5, parser.start?.({})), 9);
  assertStringIncludes((await bpf("compile rodata.o --set nothing=8", world(), 1)).stderr.text, "nothing");
  const text = (await bpf("compile rodata.o --set hdr_len=99999999999", world(), 1)).stderr.text;
  assertStringIncludes(text, "--set: hdr_len of 4 bytes");
});

test("bpf info: what is taken for raw slots has to be instructions", async () => {
  const raw = fromHex(LEN16_HEX.replaceAll("\n", ""));
  assertStringIncludes((await bpf("info a.bin", world({ "a.bin": raw }))).stdout.text, "raw slots");
  const noise = world({ "noise.bin": Uint8Array.of(...raw, 0xff, 0, 1, 2, 3, 4, 5, 6) });
  assertEquals(
    (await bpf("info noise.bin", noise, 1)).stderr.text,
    "leat: noise.bin: neither an object file nor text; as raw slots instruction 4 is none: unknown opcode 0xff\n",
  );
});

test("bpf compile: classic programs, and what cannot be compiled", async () => {
  const io = await bpf("compile --classic c.s", world({ "c.s": "ldh [0]\nadd #2\nret a\n" }));
  assertStringIncludes(io.stdout.text, "export const parser");
  const tail = world({ "tail.o": objectFile("c14-v3-g", "16_tail_call") });
  assertMatch((await bpf("compile tail.o:dispatch", tail, 1)).stderr.text, /^leat: tail\.o:dispatch: .*\n$/);
  const unproven = world({ "wild.s": "r0 = *(u32 *)(r1 + 0)\nr2 = r10\nr2 -= r0\nr0 = *(u8 *)(r2 + 0)\nexit\n" });
  const refusal = (await bpf("compile --mode sandbox wild.s", unproven, 1)).stderr.text;
  assertEquals(refusal, "leat: wild.s: a module cannot have a program that was not proven safe\n");
  const loop = () => world({ "loop.s": "r0 = 0\na: r0 += 1\nif r0 != 0 goto a\nexit" });
  await bpf("compile loop.s --budget 5", loop());
  assertStringIncludes((await bpf("compile loop.s --loops refused", loop(), 1)).stderr.text, "loop");
});

test("C source where a program is wanted: what to do with it", async () => {
  const source = '/* a parser */\n#include "kcm_bpf.h"\n\nSEC("socket")\nint f(struct skb_ctx *skb) { return 4; }\n';
  for (const command of ["info", "verify", "run", "disasm", "compile"]) {
    const { stderr } = await bpf(`${command} f.c`, world({ "f.c": source }), 1);
    assertStringIncludes(stderr.text, "f.c: it looks like C source");
    assertStringIncludes(stderr.text, "clang -O2 -g -target bpf -c");
  }
});

test("bpf info: programs, maps, licence", async () => {
  const text = (await bpf("info rodata.o")).stdout.text;
  assertStringIncludes(text, "object file, licence GPL\n");
  assertMatch(text, /rodata_cfg +socket +22 +1 +v3 +atomic64 base32 base64 packet/);
  assertMatch(text, /\.rodata +array, constant +4 +8 +1 +hdr_len max_len/);
  assertMatch(
    (await bpf("info len16.s")).stdout.text,
    /^assembly, no licence\n\n.*\nlen16 +4 +1 +v1 +base32 base64 packet/,
  );
  const local = () => world({ "local.o": objectFile("c14-v3-g", "14_local_func") });
  assertMatch((await bpf("info local.o", local())).stdout.text, /\nlocal_func .*\nlocal_func_at0 /);
  const one = (await bpf("info local.o:local_func_at0", local())).stdout.text;
  assertMatch(one, /\nlocal_func_at0 +socket +\d+ +2 /);
  assert(!/\nlocal_func /.test(one), one);
  assertStringIncludes((await bpf("info local.o:nosuch", local(), 1)).stderr.text, "no program nosuch");
  const dense = world({ "dense.o": objectFile("c22-v4-g", "19_dense_switch") });
  assertStringIncludes((await bpf("info dense.o", dense)).stdout.text, "-mcpu=v3");
});

for (
  const [args, what] of [
    ["", "usage:"],
    ["foo", 'unknown command "bpf foo"'],
    ["verif x", "did you mean leat bpf verify?"],
    ["--quiet", "a command is missing behind bpf"],
    ["asm", "no program given: leat bpf asm FILE"],
    ["asm a b", "one program at a time, got 2"],
    ["asm --to d len16.s", "--to d is for classic BPF"],
    ["asm --to elf len16.s", "--to knows hex, raw, d, dd, ddd"],
    ["verify", "no program given"],
    ["run", "no program given"],
    ["run len16.o 0g", "is no bytes in hexadecimal"],
    ["run len16.o 000", "is no bytes in hexadecimal"],
    ["run len16.o -i x 00", "not both"],
    ["run -", "read only once"],
    ["run len16.o --set a 00", "--set wants name=value, whole numbers joined by commas"],
    ["run len16.o --budget 0 00", "at least 1"],
    ["info --nonsense len16.o", "unknown option --nonsense"],
    ["disasm len16.o -o len16.o", "--output would overwrite len16.o, which is read"],
    ["compile len16.o:len16be -o len16.o", "--output would overwrite len16.o, which is read"],
    ["asm len16.s -o len16.s", "--output would overwrite len16.s, which is read"],
  ] as const
) {
  test(`bpf ${args}: wrong usage is exit code 2`, async () => {
    const io = world();
    assertEquals(await run(["bpf", ...args.split(" ").filter((word) => word !== "")], io), 2);
    assertStringIncludes(io.stderr.text, what);
    assertEquals(io.stdout.text, "");
  });
}

test("bytes are not written to a terminal", async () => {
  const io = world();
  io.stdout.isTerminal = true;
  assertEquals(await run(["bpf", "asm", "--to", "raw", "len16.s"], io), 2);
  assertStringIncludes(io.stderr.text, "give --output FILE");
});

test("leat bpf --help lists its commands, and each has a help", async () => {
  const io = world();
  assertEquals(await run(["bpf", "--help"], io), 0);
  for (const name of ["asm", "disasm", "verify", "run", "compile", "info"]) {
    assertStringIncludes(io.stdout.text, `leat bpf ${name} `);
    const own = world();
    assertEquals(await run(["bpf", name, "--help"], own), 0);
    assertStringIncludes(own.stdout.text, `leat bpf ${name} `);
  }
});

test("trace --parser takes a program, by function too", async () => {
  const list = new PacketList();
  addTcp(list, [["client", fromHex("000161")], ["server", fromHex("0000000261")], ["server", fromHex("62")]]);
  const files = { "t.pcap": captureOf(list), "len16.o": objectFile("plain", "01_len16be"), "len16.s": encode(LEN16) };
  for (const parser of ["len16.o", "len16.o:len16be", "./len16.s"]) {
    const io = new MemoryIo({ ...files, "./len16.s": encode(LEN16) });
    assertEquals(await run(["trace", "--parser", parser, "--json", "t.pcap"], io), 0, io.stderr.text);
    const messages = io.json.filter(({ type }) => type === "message");
    assertEquals(messages.map(({ direction, length }) => [direction, length]), [["client", 3], ["server", 2], [
      "server",
      4,
    ]]);
    assertEquals(messages[0]!.parser, parser === "./len16.s" ? "len16" : "len16be");
  }
});

test("trace --parser with a program that is none is one line and exit code 1", async () => {
  const io = new MemoryIo({ "t.pcap": captureOf(new PacketList()), "bad.o": fromHex("7f454c4600") });
  assertEquals(await run(["trace", "--parser", "bad.o", "t.pcap"], io), 1);
  assertMatch(io.stderr.text, /^leat: bad\.o: .*\n$/);
  const none = new MemoryIo({ "t.pcap": captureOf(new PacketList()) });
  assertEquals(await run(["trace", "--parser", "none.o", "t.pcap"], none), 1);
  assertEquals(none.stderr.text, "leat: none.o: no such file\n");
});
