/** Modbus/TCP: recordings, the examples of the specification, what is refused. */
import { join } from "../support.ts";
import { modbus, modbusEncoder } from "../../../src/strparser/parsers/modbus.ts";
import { assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { checkGoldens, golden, hex, outcome } from "./check.ts";
import { goldens } from "./golden/modbus.ts";

const byHand = [
  golden("the shortest message and the longest", modbus, "server", [8, 260], [
    "000100000002ff81",
    `0002000000fe11${"03".repeat(253)}`,
  ]),
];
checkGoldens([...goldens, ...byHand]);

test("modbus: what is none is refused", () => {
  const refused: [bytes: string, reason: string][] = [
    ["00010001", "protocol identifier 1 instead of 0; Modbus RTU over TCP has none"],
    ["0103006b0003742b", "protocol identifier 107 instead of 0; Modbus RTU over TCP has none"],
    ["000100000001", "length 1 is not within 2 to 254"],
    ["0001000000ff", "length 255 is not within 2 to 254"],
    ["00010000ffff", "length 65535 is not within 2 to 254"],
  ];
  for (const [bytes, reason] of refused) assertEquals(outcome(modbus, hex(bytes)), [`EPROTO 0 modbus: ${reason}`]);
});
test("modbus: the encoder", () => {
  const message = join(...modbusEncoder().encode({ transaction: 0xabcd, unit: 17, pdu: hex("03006b0003") }));
  assertEquals(message, hex("abcd00000006 1103006b0003"));
  assertEquals(outcome(modbus, message), [12]);
  const longest = join(...modbusEncoder().encode({ transaction: 1, unit: 1, pdu: new Uint8Array(253) }));
  assertEquals(outcome(modbus, longest), [260]);
  const encode = (length: number) => modbusEncoder().encode({ transaction: 1, unit: 1, pdu: new Uint8Array(length) });
  assertThrows(() => encode(254), Error, "at most 253");
  assertThrows(() => encode(0), Error, "function code");
  const pdu = new Uint8Array(1);
  assertThrows(() => modbusEncoder().encode({ transaction: 65536, unit: 1, pdu }), Error, "transaction 65536");
  assertThrows(() => modbusEncoder().encode({ transaction: 0, unit: 256, pdu }), Error, "unit 256");
});
