import { test } from "node:test";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { run } from "../../src/cli/run.ts";
import type { Packet } from "../../src/packet/mod.ts";
import { CaptureReader } from "../../src/pcap/mod.ts";
import { addTcp, addUdp, captureOf, CLIENT, PacketList, redisCapture, SERVER } from "./support/captures.ts";
import { MemoryIo, systemError } from "./support/memory_io.ts";

function read(capture: Uint8Array): { packets: Packet[]; format: string | undefined; exponent: number | undefined } {
  const packets: Packet[] = [];
  const reader = new CaptureReader({}, {
    item: (packet) => packets.push(packet),
    error: (error) => {
      throw error;
    },
    end: () => {},
  });
  reader.push(capture);
  reader.end();
  return { packets, format: reader.format, exponent: reader.interfaces[0]?.resolution.exponent };
}

function mixed(): PacketList {
  const list = new PacketList();
  list.add(Uint8Array.of(0x99, 0, 0));
  addTcp(list, [["client", "*1\r\n$4\r\nPING\r\n"]]);
  addUdp(list, { ...CLIENT, port: 5000 }, { ...SERVER, port: 53 }, "ask");
  addTcp(list, [["client", "*1\r\n$4\r\nQUIT\r\n"]], { client: { ...CLIENT, port: 40001 } });
  return list;
}

async function write(args: readonly string[], list: PacketList): Promise<Packet[]> {
  const io = new MemoryIo({ a: captureOf(list) });
  assertEquals(await run(["trace", "a", "--write", "out.pcap", ...args], io), 0);
  return read(io.writtenBytes("out.pcap")).packets;
}

/** Numbers, from 1, of the packets of `list` that are equal to these. */
function numbers(packets: readonly Packet[], list: PacketList): number[] {
  return packets.map(({ seconds, nanoseconds, bytes }) => {
    const same = list.packets.find((one) => one.seconds === seconds && one.nanoseconds === nanoseconds)!;
    assertEquals(bytes, same.bytes);
    return same.number;
  });
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);

test("without a filter all packets are written, also those that nobody can read", async () => {
  const list = mixed();
  assertEquals(numbers(await write([], list), list), range(1, 16));
});

const FILTERS: readonly (readonly [filter: string, expected: number[]])[] = [
  ["udp", [9]],
  ["port 40001", range(10, 16)],
  ["tcp and not port 40001", range(2, 8)],
  ["id 1", range(2, 8)],
  ["id 1 or udp", range(2, 9)],
  ["not id 1", range(9, 16)],
  ["id 99", []],
];

for (const [filter, expected] of FILTERS) {
  test(`--flow "${filter}" writes the packets of these flows`, async () => {
    const list = mixed();
    assertEquals(numbers(await write(["--flow", filter], list), list), expected);
  });
}

test("with id, packets count to the latest flow between their ends", async () => {
  const list = new PacketList();
  addTcp(list, [["client", "*1\r\n$4\r\nPING\r\n"]]);
  for (let i = 0; i < 200; i++) list.add(Uint8Array.of(0x99));
  addTcp(list, [["client", "*1\r\n$4\r\nQUIT\r\n"]]);
  assertEquals(numbers(await write(["--flow", "id 1"], list), list), range(1, 7));
  assertEquals(numbers(await write(["--flow", "id 2"], list), list), range(208, 214));
});

test("how many packets were written is told, but not to the quiet", async () => {
  for (
    const [args, expected] of [
      [["-w", "o.pcap"], "leat: wrote 10 packets to o.pcap\n"],
      [["-w", "-"], "leat: wrote 10 packets to standard output\n"],
      [["-w", "o.pcap", "-n", "1", "-s", "packets"], "leat: wrote 1 packet to o.pcap\n"],
      [["-w", "o.pcap", "--quiet"], ""],
    ] as const
  ) {
    const io = new MemoryIo({ a: redisCapture() });
    assertEquals(await run(["trace", "a", ...args], io), 0);
    assertEquals(io.stderr.text, expected);
  }
});

test("what is written can be traced again with the same result", async () => {
  const io = new MemoryIo({ a: redisCapture() });
  await run(["trace", "a", "--write", "b"], io);
  io.files.set("b", io.writtenBytes("b"));
  const again = new MemoryIo({ a: io.writtenBytes("b") });
  await run(["trace", "a"], again);
  assertEquals(again.stdout.text, io.stdout.text);
});

test("a name that ends in .pcapng gives pcapng, and times keep their resolution", async () => {
  const list = mixed();
  for (const [resolution, exponent] of [["us", 6], ["ns", 9]] as const) {
    for (const [name, format] of [["o.pcap", "pcap"], ["o.pcapng", "pcapng"]] as const) {
      const io = new MemoryIo({ a: captureOf(list, { resolution }) });
      await run(["trace", "a", "-w", name], io);
      const written = read(io.writtenBytes(name));
      assertEquals([written.format, written.exponent, written.packets.length], [format, exponent, 16]);
    }
  }
});

test("a file without wanted packets is an empty capture of the same link type", async () => {
  const io = new MemoryIo({ a: redisCapture() });
  await run(["trace", "a", "-w", "o.pcap", "--flow", "udp"], io);
  const empty = new MemoryIo({ o: io.writtenBytes("o.pcap") });
  assertEquals(await run(["trace", "o"], empty), 0);
  assertEquals(empty.stdout.lines[0], "o  pcap, raw IP");
});

test("several files are written into one", async () => {
  const io = new MemoryIo({ a: redisCapture(), b: redisCapture() });
  assertEquals(await run(["trace", "a", "b", "-w", "o.pcap"], io), 0);
  assertEquals(read(io.writtenBytes("o.pcap")).packets.length, 20);
});

test("a file that is read twice is written twice", async () => {
  const io = new MemoryIo({ a: redisCapture() });
  assertEquals(await run(["trace", "a", "a", "-w", "o.pcap"], io), 0);
  assertEquals(read(io.writtenBytes("o.pcap")).packets.length, 20);
});

test("packets of another link type fit into pcapng, and end a pcap with one line", async () => {
  const other = new PacketList();
  addTcp(other, []);
  const packets = other.packets.map((packet) => ({ ...packet, linkType: 228 }));
  const list = new PacketList();
  list.packets.push(...packets);
  for (const [name, code, count] of [["o.pcap", 1, 10], ["o.pcapng", 0, 16]] as const) {
    const io = new MemoryIo({ a: redisCapture(), b: captureOf(list, { linkType: 228 }) });
    assertEquals(await run(["trace", "a", "b", "a", "-w", name], io), code);
    assertEquals(read(io.writtenBytes(name)).packets.length, code === 0 ? count + 10 : count);
    assertEquals(io.stderr.lines.length, 1);
    assert(io.stderr.text.startsWith(code === 0 ? "leat: wrote 26 packets to " : "leat: o.pcap: "), io.stderr.text);
  }
});

test("what cannot be written to standard output is told by its name", async () => {
  const list = new PacketList();
  addTcp(list, []);
  const packets = list.packets.map((packet) => ({ ...packet, linkType: 228 }));
  list.packets.splice(0, packets.length, ...packets);
  const io = new MemoryIo({ a: redisCapture(), b: captureOf(list, { linkType: 228 }) });
  assertEquals(await run(["trace", "a", "b", "--write", "-"], io), 1);
  assert(io.stderr.text.startsWith("leat: standard output: "), io.stderr.text);
});

test("--limit stops writing with the last item", async () => {
  const list = mixed();
  assertEquals(numbers(await write(["--limit", "3", "--show", "packets"], list), list), [1, 2, 3]);
});

test("--write - puts nothing but the capture on standard output, and the stats on standard error", async () => {
  const io = new MemoryIo({ a: redisCapture() });
  assertEquals(await run(["trace", "a", "--write", "-", "--stats"], io), 0);
  assertEquals(read(io.stdout.bytes).packets.length, 10);
  assertEquals(io.stderr.lines.length, 7);
  assertEquals(io.stderr.lines.at(-1), "leat: wrote 10 packets to standard output");
});

test("--write - refuses a terminal", async () => {
  const io = new MemoryIo({ a: redisCapture() });
  io.stdout.isTerminal = true;
  assertEquals(await run(["trace", "a", "--write", "-"], io), 2);
  assertStringIncludes(io.stderr.text, "to the terminal");
});

test("a file that cannot be made or written is one line and exit code 1", async () => {
  const io = new MemoryIo({ a: redisCapture(), o: systemError("EACCES") });
  assertEquals(await run(["trace", "a", "-w", "o"], io), 1);
  assertEquals(io.stderr.text, "leat: o: permission denied\n");
  const full = new MemoryIo({ a: redisCapture() });
  full.createFile = () =>
    Promise.resolve({ write: () => Promise.reject(systemError("ENOSPC")), close: () => Promise.resolve() });
  assertEquals(await run(["trace", "a", "-w", "o"], full), 1);
  assertEquals(full.stderr.text, "leat: o: no space left on the device\n");
  assertStringIncludes(full.stdout.text, "PING");
});
