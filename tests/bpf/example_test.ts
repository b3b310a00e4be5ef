import { readFileSync } from "node:fs";
import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { loadObject } from "../../src/bpf/bpf_object.ts";
import { BpfMachine } from "../../src/bpf/machine.ts";
import { fromHex } from "../../src/bytes/hex.ts";
import { backends } from "./support/builds.ts";

const object = loadObject(new Uint8Array(readFileSync(new URL("../../examples/bpf/framing.o", import.meta.url))));

for (const backend of backends) {
  test(`the example: a header with a magic number and a length, ${backend}`, () => {
    const machine = new BpfMachine(object.program("rpc"), { backend, variables: { max_body: 16 } });
    const runs: readonly (readonly [hex: string, result: number])[] = [
      ["", 0],
      ["4c5401000000", 0],
      ["4c54010000000003616263", 11],
      ["4c54020000000010", 24],
      ["4c54020000000011", -1],
      ["4c55010000000003", -1],
    ];
    for (const [hex, result] of runs) assertEquals(machine.run(fromHex(hex)), result, hex);
    assertEquals(Number(machine.getVariable("messages")), 2);
    const byType = machine.getVariable("by_type");
    assertEquals(Array.isArray(byType) ? byType.map(Number) : byType, [0, 1, 1, 0]);
  });

  test(`the example: a length in bytes of 7 bits, ${backend}`, () => {
    const machine = new BpfMachine(object.program("tlv"), { backend });
    const runs = [["30", 0], ["3000", 2], ["307f", 129], ["308001", 131], ["30ffffff7f", 268435460], [
      "3080808080",
      -1,
    ]] as const;
    for (const [hex, result] of runs) assertEquals(machine.run(fromHex(hex)), result, hex);
  });
}
