/** Damaged files: never worse than a typed error. */
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { splitRandomly } from "../../src/sim/mod.ts";
import { fuzz } from "../support/fuzz.ts";
import { EPB_BIG, EPB_LITTLE, hex, IDB_BIG, IDB_LITTLE, idbBig, SHB_BIG, SHB_LITTLE } from "./support/pcapng_blocks.ts";
import { readAll, readChunks, summary } from "./support/read_all.ts";

const SAMPLES: Uint8Array[] = [
  hex("d4c3b2a1 0200 0400 00000000 00000000 00000400 65000000", "01000000 02000000 03000000 05000000 450001".repeat(3)),
  hex("a1b23c4d 0002 0004 00000000 00000000 00040000 00000001", "00000001 00000002 00000003 00000005 450001".repeat(3)),
  hex(SHB_BIG, IDB_BIG, EPB_BIG.repeat(3), "00000003 00000014 00000002 01020000 00000014"),
  hex(SHB_LITTLE, IDB_LITTLE, EPB_LITTLE, SHB_BIG, idbBig("0009 0001 94000000 000e 0008 0000000000000001"), EPB_BIG),
  hex(
    SHB_BIG,
    IDB_BIG,
    "00000004 0000001c 0001 0006 0a000001 6100 0000 0000 0000 0000001c",
    "00000005 00000024 00000000 00000000 00000001 0004 0008 0000000000000003 00000024",
    "0000000a 00000010 01020304 00000010",
    "00000006 0000002c 00000000 00000000 00000000 00000000 00000000 0001 0001 21000000 0000 0000 0000002c",
  ),
];

test("damaged files never throw, never run away, and read the same in pieces", () => {
  const codes = new Set<string>();
  fuzz(SAMPLES, (file, random) => {
    let blocks = 0;
    const options = { onBlock: () => blocks++ };
    const whole = readAll(file, options);
    codes.add(whole.error?.code ?? "none");
    assert(whole.packets.length * 16 <= file.length, "more packets than the bytes can hold");
    assert(blocks * 4 <= file.length, "more blocks than the bytes can hold");
    for (const packet of whole.packets) {
      assert(packet.bytes.length <= file.length && packet.originalLength >= packet.bytes.length);
      assert(Number.isSafeInteger(packet.seconds), `${packet.seconds} seconds`);
      assert(packet.nanoseconds >= 0 && packet.nanoseconds < 1e9 && Number.isInteger(packet.nanoseconds));
    }
    if (!random.chance(0.25)) return;
    assertEquals(summary(readChunks(splitRandomly(file, random.bits()), options)), summary(whole));
  });
  assertEquals([...codes].sort(), ["EMSGSIZE", "ENOTSUP", "EPROTO", "ETRUNCATED", "none"]);
});
