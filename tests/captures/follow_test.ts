/**
 * The sample captures, byte for byte what tshark makes of them (`expected.json`, recorded by
 * `scripts/record_expected.ts`; live in `tests/interop/tshark_follow_test.ts`).
 */
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import type { FollowedCapture, FollowedSide } from "../../scripts/tshark_follow.ts";
import { concat, equals } from "../../src/bytes/mod.ts";
import { FlowError } from "../../src/flow/mod.ts";
import { splitRandomly } from "../../src/sim/mod.ts";
import { asFollowed, reassemble, type ReassembledSide } from "./reassemble.ts";

const folder = new URL("../../examples/captures/", import.meta.url);
const { captures } = JSON.parse(readFileSync(new URL("expected.json", import.meta.url), "utf8")) as {
  captures: Record<string, FollowedCapture>;
};
const names = Object.keys(captures);

function read(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(name, folder)));
}

function* chunksOf(bytes: Uint8Array, size: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

test("every sample capture has its record and is small, and every record its capture", () => {
  const files = readdirSync(folder).filter((name) => /\.pcap(ng)?$/.test(name)).sort();
  assertEquals(files, [...names].sort());
  for (const name of files) assert(read(name).length < 150_000, name);
});

for (const name of names) {
  test(`${name}: every stream has the ends, bytes and holes that tshark sees`, () => {
    const { packets, flows, error, isFinished } = reassemble([read(name)], { gaps: "skip" });
    assertEquals(error, undefined);
    assert(isFinished);
    assertEquals(packets, captures[name]!.packets);
    assertEquals(asFollowed(flows), captures[name]!.streams);
  });

  test(`${name}: the same in any chunks`, () => {
    const bytes = read(name);
    const cuts = [chunksOf(bytes, 1), chunksOf(bytes, 1000), splitRandomly(bytes, 4)];
    for (const chunks of cuts) {
      const { packets, flows } = reassemble(chunks, { gaps: "skip" });
      assertEquals(packets, captures[name]!.packets);
      assertEquals(asFollowed(flows), captures[name]!.streams);
    }
  });
}

function checkSide(strict: ReassembledSide, skipping: ReassembledSide, expected: FollowedSide): void {
  const whole = concat(skipping.chunks), got = concat(strict.chunks);
  const gap = expected.gaps?.[0];
  if (gap === undefined) {
    assertEquals(strict.outcome, "end");
    assert(equals(got, whole));
    return;
  }
  assert(strict.outcome instanceof FlowError);
  assertEquals([strict.outcome.code, strict.outcome.gap], ["EGAP", { offset: gap[0], length: gap[1] }]);
  assert(equals(got, whole.subarray(0, gap[0])));
}

test("by default a direction with a hole fails there, with all bytes before it, and the others end cleanly", () => {
  let holes = 0;
  for (const name of names) {
    const strict = reassemble([read(name)]).flows, skipping = reassemble([read(name)], { gaps: "skip" }).flows;
    const expected = captures[name]!.streams.filter(({ protocol }) => protocol === "tcp");
    strict.filter(({ record }) => record.key.protocol === "tcp").forEach((flow, index) => {
      const other = skipping.find(({ record }) => record.id === flow.record.id)!;
      checkSide(flow.client, other.client, expected[index]!.fromClient);
      checkSide(flow.server, other.server, expected[index]!.fromServer);
      holes += Number(flow.client.outcome !== "end") + Number(flow.server.outcome !== "end");
    });
  }
  assertEquals(holes, 6);
});

const endsOf = (name: string) => reassemble([read(name)]).flows.map(({ closedBy }) => closedBy);

test("connections end as they did: by FIN, reset, a new use of their ports, or with the capture", () => {
  assertEquals(endsOf("connection_ends.pcap"), ["fin", "reset", "reset", "fin", "reset"]);
  assertEquals(endsOf("port_reuse.pcap"), ["fin", "fin", "reset", "fin"]);
  assertEquals(endsOf("midstream.pcap"), ["capture-end"]);
  assertEquals(endsOf("dns_udp.pcap"), Array(5).fill("capture-end"));
});

test("what the senders repeated is counted, and given out once", () => {
  const repeated = (name: string) =>
    reassemble([read(name)]).flows.reduce(
      (sum, { record }) => sum + record.client.retransmissions + record.server.retransmissions,
      0,
    );
  assert(repeated("loss_reorder.pcap") >= 5);
  assert(repeated("loss_raw_ip.pcap") >= 5);
  assertEquals(repeated("zero_window.pcapng"), 1);
  assertEquals(repeated("redis_cli.pcap"), 0);
});

test("keep-alives and zero-window probes are no data", () => {
  const probes = (name: string) => {
    const { record } = reassemble([read(name)]).flows[0]!;
    return record.client.probes + record.server.probes;
  };
  assertEquals(probes("idle_keepalive.pcap"), 5);
  assertEquals(probes("zero_window.pcapng"), 3);
});
