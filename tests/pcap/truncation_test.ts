import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { concat } from "../../src/bytes/mod.ts";
import { CaptureError, CaptureReader } from "../../src/pcap/mod.ts";
import {
  blockBig,
  EPB_BIG,
  EPB_LITTLE,
  hex,
  IDB_BIG,
  IDB_LITTLE,
  SHB_BIG,
  SHB_LITTLE,
} from "./support/pcapng_blocks.ts";
import { checkSplits, readAll, readChunks } from "./support/read_all.ts";

/** Records in order, each with the packets that are whole once it is. */
const FILES: Record<string, { records: Uint8Array[]; packetsAfter: number[]; heads: number[] }> = {
  pcap: {
    records: [
      hex("d4c3b2a1 0200 0400 00000000 00000000 00000400 01000000"),
      hex("01000000 02000000 03000000 05000000 450001"),
      hex("01000000 03000000 00000000 05000000"),
      hex("01000000 04000000 14000000 14000000", "77".repeat(20)),
    ],
    packetsAfter: [0, 1, 2, 3],
    heads: [24, 16, 16, 16],
  },
  pcapng: {
    records: [
      hex(SHB_BIG),
      hex(IDB_BIG),
      hex(EPB_BIG),
      hex(blockBig("0000000a", "01020304 05060708")),
      hex(SHB_LITTLE),
      hex(IDB_LITTLE),
      hex(EPB_LITTLE),
      hex("03000000 14000000 02000000 01020000 14000000"),
    ],
    packetsAfter: [0, 0, 1, 1, 1, 1, 2, 3],
    heads: [12, 8, 28, 8, 12, 8, 28, 8],
  },
};

for (const [name, { records, packetsAfter, heads }] of Object.entries(FILES)) {
  test(`a ${name} file cut anywhere gives every whole packet, then says what is missing`, () => {
    const file = concat(records);
    let start = 0;
    records.forEach((record, index) => {
      for (let held = 0; held < record.length; held++) {
        const { packets, error, ended } = readAll(file.subarray(0, start + held));
        assertEquals(packets.length, packetsAfter[index - 1] ?? 0);
        assertEquals(ended, held === 0, `cut ${held} bytes into record ${index}`);
        if (held === 0) continue;
        assert(error instanceof CaptureError);
        assertEquals([error.code, error.blame, error.offset], ["ETRUNCATED", "remote", start]);
        assertMissing(error.missing!, held, record.length, heads[index]!);
      }
      start += record.length;
    });
    assertEquals(readAll(file).ended, true);
  });

  test(`a cut ${name} file reads the same however it is split`, () => {
    const file = concat(records);
    for (const cut of [3, 9, 21, 30, 49, 77, file.length - 1]) {
      checkSplits(file.subarray(0, Math.min(cut, file.length - 1)));
    }
  });
}

/** What is missing from the record, or from its head where that is what was cut. */
function assertMissing(missing: number, held: number, length: number, head: number): void {
  const allowed = held < head ? [4 - held, 8 - held, 12 - held, head - held] : [length - held];
  assert(missing > 0 && (allowed.includes(missing) || missing === length - held), `${missing} of ${held}/${length}`);
}

test("what is missing of a record whose length is known is told to the byte", () => {
  const { error } = readAll(FILES["pcap"]!.records[0]!.subarray(0, 10));
  assertEquals((error as CaptureError).missing, 14);
  assertEquals(error?.message, "capture ends 10 bytes into its file header, 14 bytes missing");
});

test("an input of no bytes at all is an empty capture", () => {
  for (const chunks of [[], [new Uint8Array(0)], [new Uint8Array(0), new Uint8Array(0)]]) {
    const { packets, ended, reader } = readChunks(chunks);
    assertEquals([packets.length, ended, reader.format], [0, true, undefined]);
  }
});

test("a packet comes out in the push that completes it, never later", () => {
  const counts: number[] = [];
  const reader = new CaptureReader({}, { item: () => {}, error: () => {}, end: () => {} });
  const file = concat(FILES["pcap"]!.records);
  for (const byte of file) {
    reader.push(Uint8Array.of(byte));
    counts.push(reader.stats.packets);
  }
  const completions = counts.map((count, at) => count > (counts[at - 1] ?? 0) ? at + 1 : 0).filter((at) => at > 0);
  assertEquals(completions, [43, 59, 95]);
});

test("calls after the end change nothing", () => {
  let ends = 0;
  const reader = new CaptureReader({}, { item: () => {}, error: () => {}, end: () => ends++ });
  reader.end();
  reader.end();
  reader.push(Uint8Array.of(1, 2, 3, 4));
  reader.onTimeout();
  assertEquals([ends, reader.timeoutAt()], [1, Infinity]);
});

test("input from a callback is refused with EBUSY, and what is being read goes on", () => {
  const file = concat(FILES["pcapng"]!.records);
  const codes: unknown[] = [];
  const attempt = (call: () => void) => {
    try {
      call();
      codes.push("taken");
    } catch (error) {
      codes.push((error as CaptureError).code);
    }
  };
  let ends = 0;
  const reader = new CaptureReader({ onInterface: () => attempt(() => reader.end()) }, {
    item: () => attempt(() => reader.push(file)),
    error: (error) => codes.push(error.code),
    end: () => ends++,
  });
  reader.push(file);
  reader.end();
  assertEquals(codes, ["EBUSY", "EBUSY", "EBUSY", "EBUSY", "EBUSY"]);
  assertEquals([reader.stats.packets, ends], [3, 1]);
});

test("a sink that throws leaves the reader closed", () => {
  const file = concat(FILES["pcap"]!.records);
  let items = 0;
  const reader = new CaptureReader({}, {
    item: () => {
      items++;
      throw new Error("mine");
    },
    error: () => items++,
    end: () => items++,
  });
  try {
    reader.push(file);
    assert(false, "the sink's error was swallowed");
  } catch (error) {
    assertEquals((error as Error).message, "mine");
  }
  reader.push(file);
  reader.end();
  assertEquals(items, 1);
});
