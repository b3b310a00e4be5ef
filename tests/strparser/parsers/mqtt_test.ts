/** MQTT: recordings, every packet type, widths of the length, what is refused. */
import { checkGoldens, golden, hex, outcome } from "./check.ts";
import { mqtt, mqttEncoder } from "../../../src/strparser/parsers/mqtt.ts";
import { assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { join } from "../support.ts";
import { mqttGoldens } from "./golden/mqtt.ts";

const client = { direction: "client" } as const;
const server = { direction: "server" } as const;
const connect = "100c 0004 4d515454 04 02 003c 0000";
const connack = "20020000";

checkGoldens([
  ...mqttGoldens,
  golden("every packet of a client", mqtt, "client", [14, 7, 9, 4, 4, 4, 4, 8, 7, 2, 2, 4], [
    `${connect} 3005000161 6869`,
    "3207000161 0001 6869",
    "40020001 50020001 62020001 70020001",
    "82060002 000161 00 a2050003 000161 c000 f000",
    "e0020400",
  ]),
  golden("every packet of a server", mqtt, "server", [4, 7, 5, 4, 2, 4], [
    connack,
    "3d05000161 0001",
    "9003000100 b0020001 d000 e0020000",
  ]),
  golden("a length in more bytes than it needs", mqtt, "server", [4, 9], `${connack} 30858000 000161 6869`),
  golden("an extended handshake begins with AUTH", mqtt, "server", [4, 4], `f0021800 ${connack}`),
]);

test("mqtt: what is none is refused", () => {
  const refused: [bytes: string, reason: string, options: object][] = [
    ["00", "first packet of type 0 (0x00)", {}],
    ["30", "first packet of type 3 (0x30) (looks like text)", client],
    ["16", "CONNECT with flags 6, not 0 (looks like TLS)", client],
    ["47", "first packet of type 4 (0x47) (looks like text)", {}],
    ["20", "first packet of type 2 (0x20) (looks like text)", client],
    ["10", "first packet of type 1 (0x10)", server],
    ["100b", "CONNECT with 11 bytes", client],
    ["2001", "CONNACK with 1 byte", server],
    ["10ffffffff", "remaining length has more than 4 bytes", client],
    ["1080808080", "remaining length has more than 4 bytes", client],
  ];
  for (const [bytes, reason, options] of refused) {
    assertEquals(outcome(mqtt, hex(bytes), options), [`EPROTO 0 mqtt: ${reason}`]);
  }
});
test("mqtt: what is none behind the first packet is refused", () => {
  const refused: [bytes: string, reason: string][] = [
    ["0f", "packet type 0 is forbidden"],
    ["10", "second CONNECT"],
    ["20", "CONNACK from the client"],
    ["d0", "PINGRESP from the client"],
    ["36", "PUBLISH with quality of service 3"],
    ["38", "PUBLISH repeated without being acknowledged"],
    ["60", "PUBREL with flags 0, not 2"],
    ["80", "SUBSCRIBE with flags 0, not 2"],
    ["c1", "PINGREQ with flags 1, not 0"],
    ["c001", "PINGREQ with 1 byte"],
    ["3001", "PUBLISH with 1 byte"],
    ["3203", "PUBLISH with 3 bytes"],
    ["8205", "SUBSCRIBE with 5 bytes"],
    ["4001", "PUBACK with 1 byte"],
  ];
  for (const [bytes, reason] of refused) {
    assertEquals(outcome(mqtt, hex(connect + bytes)), [14, `EPROTO 14 mqtt: ${reason}`]);
  }
  assertEquals(outcome(mqtt, hex(`${connack}c0`)), [4, "EPROTO 4 mqtt: PINGREQ from the server"]);
});
test("mqtt: the widths of the length", () => {
  const publish = (length: string, size: number) => join(hex(connect), hex(`30${length}`), new Uint8Array(size));
  assertEquals(outcome(mqtt, publish("7f", 127)), [14, 129]);
  assertEquals(outcome(mqtt, publish("8001", 128)), [14, 131]);
  assertEquals(outcome(mqtt, publish("ff7f", 16383)), [14, 16386]);
  assertEquals(outcome(mqtt, publish("808001", 16384)), [14, 16388]);
  const parser = mqtt();
  const state = parser.start!(server);
  assertEquals(parser.parse(hex(connack), 0, 4, state), 4);
  assertEquals(parser.parse(hex("30ffffff7f"), 0, 5, state), 268435460);
});
test("mqtt: maxRemainingBytes", () => {
  const make = () => mqtt({ maxRemainingBytes: 12 });
  assertEquals(outcome(make, hex(connect + "300c" + "00".repeat(12))), [14, 14]);
  assertEquals(outcome(make, hex(`${connect}300d`)), [
    14,
    "EMSGSIZE 14 mqtt: PUBLISH with 13 bytes exceeds maxRemainingBytes 12",
  ]);
  assertThrows(() => mqtt({ maxRemainingBytes: 0 }), RangeError, "maxRemainingBytes");
});
test("mqtt: the encoder", () => {
  const { encode } = mqttEncoder({ maxRemainingBytes: 16384 });
  for (const length of [2, 127, 128, 16383, 16384]) {
    const message = join(...encode({ type: 3, payload: new Uint8Array(length) }));
    assertEquals(outcome(mqtt, join(hex(connect), message)), [14, message.length]);
  }
  assertEquals(join(...encode({ type: 6, payload: Uint8Array.of(0, 1) })), hex("62020001"));
  const payload = new Uint8Array(2);
  assertThrows(() => encode({ type: 3, payload: new Uint8Array(16385) }), Error, "at most 16384");
  assertThrows(() => encode({ type: 0, payload }), Error, "type 0");
  assertThrows(() => encode({ type: 16, payload }), Error, "type 16");
  assertThrows(() => encode({ type: 3, flags: 6, payload }), Error, "PUBLISH with flags 6");
  assertThrows(() => encode({ type: 3, flags: 8, payload }), Error, "PUBLISH with flags 8");
  assertThrows(() => encode({ type: 3, flags: -16, payload }), Error, "PUBLISH with flags -16");
  assertThrows(() => encode({ type: 3, flags: 2, payload }), Error, "PUBLISH with 2 bytes");
  assertThrows(() => encode({ type: 6, flags: 0, payload }), Error, "PUBREL with flags 0");
  assertThrows(() => encode({ type: 12, payload }), Error, "PINGREQ with 2 bytes");
});
test("mqtt: what version 3.1 sends again is marked", () => {
  const connect = "10 0e 0006 4d5149736470 03 02 003c 0000";
  const again = "6a 02 0001  8a 06 0002 0001 61 01  aa 05 0003 0001 61";
  assertEquals(outcome(mqtt, hex(`${connect} ${again}`), { direction: "client" }), [16, 4, 8, 7]);
});
