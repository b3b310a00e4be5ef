/** Every packet of recorded RxRPC traffic, against the tshark of this machine. */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { assert } from "@std/assert";
import { compareWithTshark } from "./rxrpc/tshark_rx.ts";

const folder = fileURLToPath(new URL("../rxrpc/captures/", import.meta.url));

test("tshark is there, and knows Rx", () => {
  assert(/\trx$/m.test(spawnSync("tshark", ["-G", "protocols"], { encoding: "utf8" }).stdout));
});

for (const name of readdirSync(folder).filter((name) => name.endsWith(".pcap"))) {
  test(`${name}: the same packets, sequence numbers, acknowledgements and calls as tshark`, () => {
    const path = folder + name;
    const packets = compareWithTshark(path, new Uint8Array(readFileSync(path)));
    assert(packets >= 12, `${packets} packets`);
  });
}
