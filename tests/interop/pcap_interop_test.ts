/** Capture files against Wireshark's programs of this machine: each reads what the other has written. */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { assert, assertEquals } from "@std/assert";
import { concat, toHex } from "../../src/bytes/mod.ts";
import { type CaptureBlock, CaptureWriter, type CaptureWriterOptions, type Packet } from "../../src/pcap/mod.ts";
import { type Outcome, readAll } from "../pcap/support/read_all.ts";

const folder = fileURLToPath(new URL("../../examples/captures/", import.meta.url));
const samples = readdirSync(folder).filter((name) => /\.pcap(ng)?$/.test(name)).map((name) => join(folder, name));
const temporary = mkdtempSync(join(tmpdir(), "leat-pcap-"));
after(() => rmSync(temporary, { recursive: true }));

/** Runs a program that must succeed and must not complain, about being root apart. */
function run(program: string, ...args: string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: "utf8", maxBuffer: 1 << 28 });
  assertEquals(error, undefined);
  assertEquals(complaints(stderr), []);
  assertEquals(status, 0);
  return stdout;
}

function complaints(stderr: string): string[] {
  return stderr.split("\n").filter((line) => line !== "" && !line.startsWith("Running as user"));
}

/** Number, time, captured length, original length and bytes of each packet. */
type Row = [number, string, number, number, string];

const FIELDS = ["frame.number", "frame.time_epoch", "frame.cap_len", "frame.len"];

/** Packets as tshark sees them. */
function tsharkRows(path: string): Row[] {
  const fields = run("tshark", "-n", "-r", path, "-T", "fields", ...FIELDS.flatMap((name) => ["-e", name]));
  const raw = run("tshark", "-n", "-r", path, "-T", "jsonraw", "-J", "frame");
  const frames = JSON.parse(raw) as { _source: { layers: { frame_raw: [string] } } }[];
  return fields.split("\n").filter((line) => line !== "").map((line, index): Row => {
    const [number, time, captured, original] = line.split("\t") as [string, string, string, string];
    return [Number(number), time, Number(captured), Number(original), frames[index]!._source.layers.frame_raw[0]];
  });
}

/** Packets as we see them. */
function rows(packets: readonly Packet[]): Row[] {
  return packets.map((packet) => [
    packet.number,
    `${packet.seconds}.${String(packet.nanoseconds).padStart(9, "0")}`,
    packet.bytes.length,
    packet.originalLength,
    toHex(packet.bytes),
  ]);
}

function read(path: string, onBlock?: (block: CaptureBlock) => void): Outcome {
  return readAll(new Uint8Array(readFileSync(path)), { onBlock });
}

function write(name: string, packets: readonly Packet[], options: CaptureWriterOptions): string {
  const chunks: Uint8Array[] = [];
  const writer = new CaptureWriter(options, {
    item: (chunk) => chunks.push(chunk),
    error: (error) => {
      throw error;
    },
    end: () => {},
  });
  for (const packet of packets) writer.push(packet);
  writer.end();
  const path = join(temporary, name);
  writeFileSync(path, concat(chunks));
  return path;
}

for (const path of samples) {
  test(`${path.split("/").at(-1)}: the same packets as tshark`, () => {
    const { packets, error } = read(path);
    assertEquals(error, undefined);
    assert(packets.length > 0);
    assertEquals(rows(packets), tsharkRows(path));
  });
}

for (const type of ["pcap", "nsecpcap", "pcapng"]) {
  test(`what editcap writes as ${type} is read`, () => {
    const sample = join(folder, "framed_nanosecond.pcap");
    const path = join(temporary, `editcap.${type}`);
    run("editcap", "-F", type, sample, path);
    const { packets, error, reader } = read(path);
    assertEquals(error, undefined);
    assertEquals(reader.format, type === "pcapng" ? "pcapng" : "pcap");
    const nanoseconds = (one: Packet) => type === "pcap" ? one.nanoseconds - one.nanoseconds % 1000 : one.nanoseconds;
    const expected = read(sample).packets.map((one) => ({ ...one, nanoseconds: nanoseconds(one) }));
    assertEquals(rows(packets), rows(expected));
  });
}

test("what editcap writes as modified pcap is refused by its name", () => {
  const path = join(temporary, "modified.pcap");
  run("editcap", "-F", "modpcap", join(folder, "redis_cli.pcap"), path);
  const { packets, error } = read(path);
  assertEquals([packets.length, error?.code], [0, "ENOTSUP"]);
});

test("what mergecap joins from two link types is read, with an interface for each", () => {
  const path = join(temporary, "merged.pcapng");
  run("mergecap", "-w", path, join(folder, "dns_udp.pcap"), join(folder, "framed_nanosecond.pcap"));
  const { packets, error, reader } = read(path);
  assertEquals(error, undefined);
  assertEquals(reader.interfaces.map((one) => [one.linkType, one.resolution.exponent]), [[113, 6], [1, 9]]);
  assertEquals(rows(packets), tsharkRows(path));
});

test("a packet's comment by editcap is read", () => {
  const path = join(temporary, "comment.pcapng");
  run("editcap", "-a", "2:grüße", join(folder, "dns_udp.pcap"), path);
  const blocks: CaptureBlock[] = [];
  read(path, (block) => blocks.push(block));
  assertEquals(blocks, [{ kind: "comment", packetNumber: 2, text: "grüße" }]);
});

test("names resolved by tshark are read", () => {
  const hosts = join(temporary, "hosts");
  const path = join(temporary, "names.pcapng");
  writeFileSync(hosts, "10.9.0.1 client.example\n");
  run("tshark", "-r", join(folder, "dns_udp.pcap"), "-H", hosts, "-N", "nN", "-P", "-w", path);
  const { reader } = read(path);
  assertEquals(reader.names, [{ address: Uint8Array.of(10, 9, 0, 1), names: ["client.example"] }]);
});

test("interface and statistics of a live capture by dumpcap are read", async () => {
  const socket = createSocket("udp4");
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  const { port } = socket.address();
  const path = join(temporary, "live.pcapng");
  const dumpcap = spawn("dumpcap", ["-i", "lo", "-f", `udp port ${port}`, "-c", "2", "-w", path]);
  const exited = new Promise<number | null>((resolve, reject) => dumpcap.once("error", reject).once("exit", resolve));
  // it names the file once it captures
  let said = "";
  dumpcap.stderr.setEncoding("utf8").on("data", (text: string) => {
    const before = said;
    said += text;
    if (before.includes("File:") || !said.includes("File:")) return;
    for (const payload of ["one", "two"]) socket.send(payload, port, "127.0.0.1");
  });
  assertEquals(await exited, 0, said);
  socket.close();
  const { packets, reader } = read(path);
  assertEquals(packets.map((packet) => new TextDecoder().decode(packet.bytes.subarray(-3))), ["one", "two"]);
  assertEquals(reader.interfaces.map((one) => one.name), ["lo"]);
  assertEquals(reader.statistics.map((one) => [one.interfaceId, one.received, one.dropped]), [[0, 2, 0]]);
  assertEquals(rows(packets), tsharkRows(path));
});

for (const name of ["dns_udp.pcap", "zero_window.pcapng"]) {
  test(`${name} cut off: tshark reads as many packets, and calls it cut as well`, () => {
    const file = new Uint8Array(readFileSync(join(folder, name)));
    const path = join(temporary, `cut_${name}`);
    for (const length of [1000, 1100, 1200, 1501, 1807]) {
      writeFileSync(path, file.subarray(0, length));
      const { packets, error } = read(path);
      const { stdout, stderr } = spawnSync("tshark", ["-n", "-r", path, "-T", "fields", "-e", "frame.number"], {
        encoding: "utf8",
      });
      assertEquals(packets.length, stdout.trim().split("\n").length, `${length} bytes`);
      assertEquals(error?.code, "ETRUNCATED");
      assert(stderr.includes("cut short in the middle of a packet"), stderr);
    }
  });
}

const KINDS: CaptureWriterOptions[] = (["pcap", "pcapng"] as const).flatMap((format) =>
  (["big-endian", "little-endian"] as const).flatMap((byteOrder) =>
    (["us", "ns"] as const).map((resolution) => ({ format, byteOrder, resolution }))
  )
);

for (const options of KINDS) {
  const { format, byteOrder, resolution } = options;
  const what = `${format}, ${byteOrder}, ${resolution}`;

  test(`tshark and capinfos read what we write: ${what}`, () => {
    const { packets } = read(join(folder, "framed_nanosecond.pcap"));
    const path = write(`${byteOrder}_${resolution}.${format}`, packets, options);
    const digits = resolution === "us" ? 6 : 9;
    const expected = rows(packets).map(([number, time, ...rest]): Row => {
      const kept = time.slice(0, time.indexOf(".") + 1 + digits);
      return [number, kept.padEnd(time.length, "0"), ...rest];
    });
    assertEquals(tsharkRows(path), expected);
    const infos = run("capinfos", "-M", path);
    assert(new RegExp(`Number of packets: +${packets.length}\n`).test(infos), infos);
    assert(
      new RegExp(`Data size: +${packets.reduce((sum, one) => sum + one.bytes.length, 0)} bytes`).test(infos),
      infos,
    );
    assert(infos.includes(`precision:  ${resolution === "us" ? "micro" : "nano"}seconds (${digits})`), infos);
  });

  test(`capinfos reads a file without packets: ${what}`, () => {
    const path = write(`empty_${byteOrder}_${resolution}.${format}`, [], options);
    assert(/Number of packets: +0\n/.test(run("capinfos", "-M", path)));
    assertEquals(run("tshark", "-r", path), "");
  });
}

test("tcpdump reads what we write", () => {
  const { packets } = read(join(folder, "framed_nanosecond.pcap"));
  for (const options of KINDS) {
    const path = write(`tcpdump.${options.format}`, packets, options);
    const lines = execFileSync("tcpdump", ["-n", "-r", path], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    assertEquals(lines.trim().split("\n").filter((line) => /^\d\d:/.test(line)).length, packets.length);
  }
});

test("tshark reads mixed link types, interfaces and cut packets that we write as pcapng", () => {
  const packets = ["dns_udp.pcap", "framed_nanosecond.pcap", "loss_raw_ip.pcap", "null_loopback.pcap"]
    .flatMap((name) => read(join(folder, name)).packets)
    .map((packet, index) => ({ ...packet, number: index + 1, interfaceId: index % 3 }));
  const path = write("mixed.pcapng", packets, { format: "pcapng", snapLength: 100 });
  const cut = packets.map((packet) => ({ ...packet, bytes: packet.bytes.subarray(0, 100) }));
  assertEquals(tsharkRows(path), rows(cut));
  assert(/Number of interfaces in file: 12\n/.test(run("capinfos", "-M", path)));
  const again = read(path);
  assertEquals(again.packets.map((packet) => packet.linkType), packets.map((packet) => packet.linkType));
});
