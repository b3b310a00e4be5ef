/** MySQL: recordings, payloads over several packets, TLS, compression, what is refused. */
import { ascii, checkGoldens, golden, hex, outcome } from "./check.ts";
import { mysql } from "../../../src/strparser/parsers/mysql.ts";
import { mysqlEncoder } from "../../../src/strparser/parsers/mysql_encoder.ts";
import { assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { cut, join, record } from "../support.ts";
import { mysqlGoldens } from "./golden/mysql.ts";

const whole = () => mysql({ whole: true });
const client = { direction: "client" } as const;
const server = { direction: "server" } as const;
/** A login without a password, one byte of user name. */
const login = "22000001 0d820000 00000001 08" + "00".repeat(23) + "7500";
const greeting = "05000000 0a382e3000";
const ok = "07000002 00000002000000";

checkGoldens([
  ...mysqlGoldens,
  ...mysqlGoldens.slice(0, 2).map((one) => ({ ...one, name: `${one.name}, whole payloads`, parser: whole })),
  golden("a server that has too many clients", mysql, "server", [12], "08000000 ff100400 546f6f20"),
  golden(
    "authentication is switched and an answer is empty",
    mysql,
    "client",
    [38, 4, 5],
    `${login} 00000003 010000000e`,
  ),
  golden("a server without compression", mysql, "server", [9, 11, 11], `${greeting} ${ok} ${ok}`),
]);

test("mysql: what is none is refused", () => {
  const refused: [bytes: string, reason: string, options: object][] = [
    ["05000001", "server begins with packet 1 instead of 0", server],
    ["00000000", "greeting is empty", server],
    ["05000000 0b", "greeting begins with 0x0b, which is no version of the protocol", server],
    ["48545450", "client begins with packet 80 instead of 1", {}],
    ["05000000", "client begins with packet 0 instead of 1", client],
    ["04000001", "login of 4 bytes is shorter than its fixed part", client],
  ];
  for (const [bytes, reason, options] of refused) {
    assertEquals(outcome(mysql, hex(bytes), options), [`EPROTO 0 mysql: ${reason}`]);
    assertEquals(outcome(whole, hex(bytes), options), [`EPROTO 0 mysql: ${reason}`]);
  }
  assertEquals(outcome(mysql, hex(`${greeting} 00000002`), server), [
    9,
    "EPROTO 9 mysql: packet of the login is empty",
  ]);
  assertEquals(outcome(mysql, hex(`${greeting} 01000000`), server), [9, "EPROTO 9 mysql: packet 0 during the login"]);
});
test("mysql: a granted request for TLS ends delineation with that reason", () => {
  const reason = "mysql: TLS after SSLRequest; the rest of this connection is encrypted";
  const request = "20000001 05ae0000 00000001 08" + "00".repeat(23);
  assertEquals(outcome(mysql, hex(`${request} 16030101`), client), [36, `EPROTO 36 ${reason}`]);
  assertEquals(outcome(mysql, hex("05000001 0508000000 16030101"), client), [9, `EPROTO 9 ${reason}`]);
  assertEquals(outcome(mysql, hex(`${greeting} 1603030058`), server), [9, `EPROTO 9 ${reason}`]);
  // the same capability in a login, which is longer than a request, is none
  assertEquals(outcome(mysql, hex(login.replace("0d82", "0d8a") + "01000000 0e"), client), [38, 5]);
});
test("mysql: a payload of 2^24 - 1 bytes goes on in the next packet", () => {
  const full = new Uint8Array(4 + 0xffffff);
  full.set([0xff, 0xff, 0xff, 0]);
  const more = hex("00000001 010000000e");
  const run = (make: typeof mysql, tail: Uint8Array) => {
    const all = record(make(), { ...client, maxMessageLength: Infinity }).push(
      hex(login),
      ...cut(full, 5, 99999),
      tail,
    );
    return [...all.lengths(), ...all.errors.map((error) => error.message)];
  };
  assertEquals(run(mysql, more), [38, 0x1000003, 4, 5]);
  assertEquals(run(whole, more), [38, 0x1000007, 5]);
  const reason = "mysql: packet 2 where packet 1 continues a payload";
  assertEquals(run(mysql, hex("00000002")), [38, 0x1000003, reason]);
  assertEquals(run(whole, hex("00000002")), [38, reason]);
});
test("mysql: compression", () => {
  const compress = login.replace("0d82", "2d82");
  const packet = "05000000 000000 010000000e";
  assertEquals(outcome(mysql, hex(compress + packet), client), [38, 12]);
  // without it the same bytes are two packets and a bit
  assertEquals(outcome(() => mysql({ compressed: false }), hex(compress + packet), client), [38, 9]);
  assertEquals(outcome(() => mysql({ compressed: true }), hex(greeting + ok + packet), server), [9, 11, 12]);
  assertEquals(outcome(mysql, hex(`${compress} 00000000 000000`), client), [
    38,
    "EPROTO 38 mysql: compressed packet without a payload",
  ]);
});
test("mysql: compression by zstd, which is a capability of its own", () => {
  const packet = hex("05000000 000000 010000000e");
  const zstd = hex(login.replace("0d820000", "0d820004"));
  assertEquals(outcome(mysql, join(zstd, packet), client), [38, 12]);
  // the old login has other things there
  const old = hex("09000001 0d80 000400 75000000");
  assertEquals(outcome(mysql, join(old, packet), client), [13, 9]);
});
test("mysql: a packet of 790 bytes during the login is no TLS record", () => {
  const packet = new Uint8Array(4 + 790);
  packet.set(hex("16030002 01"));
  assertEquals(outcome(mysql, join(hex(greeting), packet), server), [9, 794]);
});
test("mysql: the encoder", () => {
  const { encode } = mysqlEncoder();
  const command = join(...encode({ sequence: 0, payload: ascii("\x03select 1") }));
  assertEquals(command, join(hex("09000000 03"), ascii("select 1")));
  assertEquals(outcome(mysql, join(hex(login), command), client), [38, 13]);
  const large = encode({ sequence: 255, payload: new Uint8Array(0xffffff) });
  assertEquals([large[0], large[2]], [hex("ffffffff"), hex("00000000")]);
  assertEquals(large.map((part) => part.length), [4, 0xffffff, 4]);
  assertEquals(join(...encode({ sequence: 3, payload: new Uint8Array(0) })), hex("00000003"));
  assertThrows(() => encode({ sequence: 256, payload: new Uint8Array(0) }), Error, "sequence number 256");
});
