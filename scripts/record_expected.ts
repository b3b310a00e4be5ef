/**
 * Records what tshark says of every sample capture in `tests/captures/expected.json`, so that the ordinary tests can
 * compare without tshark. Run it after `capture_samples.sh`; it prints what it wrote.
 *
 *     npx tsx scripts/record_expected.ts
 *
 * @module
 */
import { readdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { followCapture, type FollowedCapture, tsharkVersion } from "./tshark_follow.ts";

const folder = new URL("../examples/captures/", import.meta.url);
const target = new URL("../tests/captures/expected.json", import.meta.url);
const names = readdirSync(folder).filter((name) => /\.pcap(ng)?$/.test(name)).sort();
const captures: Record<string, FollowedCapture> = {};
for (const name of names) {
  const capture = followCapture(fileURLToPath(new URL(name, folder)));
  captures[name] = capture;
  const holes = capture.streams.filter((stream) => stream.fromClient.gaps ?? stream.fromServer.gaps).length;
  console.log(`${name}: ${capture.packets} packets, ${capture.streams.length} streams, ${holes} with holes`);
}
writeFileSync(target, JSON.stringify({ recordedWith: tsharkVersion(), captures }, null, 2) + "\n");
