/** Every stream of every sample capture, and of made-up traffic with reordering, against the tshark of this machine. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { assert, assertEquals } from "@std/assert";
import { traffic, type TrafficOptions } from "../../bench/traffic.ts";
import { followCapture, tsharkVersion } from "../../scripts/tshark_follow.ts";
import { asFollowed, reassemble } from "../captures/reassemble.ts";

const folder = fileURLToPath(new URL("../../examples/captures/", import.meta.url));
const temporary = mkdtempSync(join(tmpdir(), "leat-tshark-"));
after(() => rmSync(temporary, { recursive: true }));

function compare(path: string): number {
  const expected = followCapture(path);
  const { packets, flows, error } = reassemble([new Uint8Array(readFileSync(path))], { gaps: "skip" });
  assertEquals(error, undefined);
  assertEquals(packets, expected.packets);
  assertEquals(asFollowed(flows), expected.streams);
  return flows.length;
}

test("tshark is there", () => {
  assert(/TShark|tshark/.test(tsharkVersion()));
});

for (const name of readdirSync(folder).filter((name) => /\.pcap(ng)?$/.test(name))) {
  test(`${name}: the same streams as tshark`, () => {
    assert(compare(join(folder, name)) > 0);
  });
}

const MADE: [string, TrafficOptions][] = [
  ["few long connections", { size: 2e6, flows: 4, burst: 65536, reorder: 0 }],
  ["many connections in small turns, a tenth reordered", {
    size: 1.5e6,
    flows: 30,
    burst: 1448,
    reorder: 0.1,
    seed: 7,
  }],
  ["short connections of 64-byte messages", { size: 4e5, flows: 10, longest: 8000, message: 64, seed: 8 }],
];

for (const [what, options] of MADE) {
  test(`made-up traffic, ${what}: the same streams as tshark`, () => {
    const path = join(temporary, `${options.seed ?? 1}.pcap`);
    writeFileSync(path, Buffer.concat([...traffic(options)]));
    assert(compare(path) >= options.flows!);
  });
}
