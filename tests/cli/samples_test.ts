import { readFileSync } from "node:fs";
import { test } from "node:test";
import { assert, assertEquals, assertNotMatch } from "@std/assert";
import { run } from "../../src/cli/run.ts";
import { MemoryIo } from "./support/memory_io.ts";

interface ExpectedSide {
  readonly bytes: number;
}

interface Expected {
  readonly captures: Readonly<
    Record<string, {
      readonly packets: number;
      readonly streams: readonly { readonly fromClient: ExpectedSide; readonly fromServer: ExpectedSide }[];
    }>
  >;
}

const ROOT = new URL("../../", import.meta.url);
const expected: Expected = JSON.parse(readFileSync(new URL("tests/captures/expected.json", ROOT), "utf8"));
/** Real losses in the capture: what is missing is told, and is a failure. */
const WITH_HOLES: ReadonlySet<string> = new Set(["missing_packets.pcap", "snaplen_cut.pcap"]);

/** The parser that `auto` has to find, where there is one. */
const PARSERS: Readonly<Record<string, string>> = {
  "redis_cli.pcap": "resp",
  "redis_benchmark.pcapng": "resp",
  "postgres_psql.pcap": "postgres",
  "postgres_pgbench.pcapng": "postgres",
  "http1_keepalive.pcap": "http1",
  "http2_h2load.pcap": "http2",
  "https_tls.pcap": "tls",
  "dns_tcp.pcap": "dns",
  "framed_nanosecond.pcap": "len32",
  "vlan_trunk.pcap": "resp",
};

function sample(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(`examples/captures/${name}`, ROOT)));
}

for (const [name, { packets, streams }] of Object.entries(expected.captures)) {
  test(`${name}: flows and bytes are those that tshark finds`, async () => {
    const io = new MemoryIo({ [name]: sample(name) });
    const code = await run(["trace", "--json", "--stats", name], io);
    assertEquals(code, WITH_HOLES.has(name) ? 1 : 0, io.stderr.text);
    const flows = io.json.filter(({ type }) => type === "flow").sort((a, b) => Number(a.flow) - Number(b.flow));
    assertEquals(flows.length, streams.length);
    assertEquals(io.json.find(({ type, layer }) => type === "stats" && layer === "pcap")!.out, packets);
    if (WITH_HOLES.has(name)) return;
    const bytes = flows.map(({ client, server }) => [(client as ExpectedSide).bytes, (server as ExpectedSide).bytes]);
    assertEquals(bytes, streams.map(({ fromClient, fromServer }) => [fromClient.bytes, fromServer.bytes]));
    const parser = PARSERS[name];
    // a connection on which nothing was said has none
    const found = flows.map((flow) => flow.parser).filter((one) => one !== null);
    if (parser !== undefined) assertEquals(new Set(found), new Set([parser]));
  });

  test(`${name}: the view of a person fits into 80 columns and is safe to print`, async () => {
    const io = new MemoryIo({ [name]: sample(name) });
    await run(["trace", name], io);
    assertNotMatch(io.stdout.text, /[^\P{C}\n]/u);
    for (const line of io.stdout.lines) assert([...line].length <= 80, line);
  });
}

test("http1_keepalive.pcap: answers to HEAD end with their heads, because requests are known", async () => {
  const io = new MemoryIo({ "http1_keepalive.pcap": sample("http1_keepalive.pcap") });
  assertEquals(await run(["trace", "--json", "http1_keepalive.pcap"], io), 0, io.stderr.text);
  const messages = io.json.filter(({ type }) => type === "message");
  const lengths = messages.filter(({ direction }) => direction === "server").map(({ length }) => length);
  assertEquals(lengths, [229, 233, 148, 234, 300]);
});
