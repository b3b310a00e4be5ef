import { assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { fromHex, toHex } from "../../src/bytes/hex.ts";
import {
  decodeTcp,
  decodeTcpOptions,
  encodeTcpOptions,
  findTcpOption,
  PacketError,
  type TcpOption,
  TcpOptionKind,
  tcpOptionsLength,
  TcpView,
} from "../../src/packet/mod.ts";
import { decode, tcp, V4, v4, written } from "./support.ts";

function find(hex: string, kind: number): number {
  const bytes = fromHex(hex);
  return findTcpOption(bytes, 0, bytes.length, kind);
}

const GOLDEN: readonly [hex: string, options: TcpOption[]][] = [
  ["", []],
  ["020405b4", [{ kind: "mss", size: 1460 }]],
  ["03030700", [{ kind: "windowScale", shift: 7 }]],
  ["04020000", [{ kind: "sackPermitted" }]],
  ["0101050a0000000100000002", [{ kind: "nop" }, { kind: "nop" }, { kind: "sack", blocks: [{ left: 1, right: 2 }] }]],
  ["0101080affffffff80000000", [{ kind: "nop" }, { kind: "nop" }, {
    kind: "timestamps",
    value: 0xffffffff,
    echo: 0x80000000,
  }]],
  ["1c048005", [{ kind: "userTimeout", isMinutes: true, timeout: 5 }]],
  ["1c047fff", [{ kind: "userTimeout", isMinutes: false, timeout: 32767 }]],
  ["22060102030400000000".slice(0, 16), [{ kind: "fastOpen", cookie: fromHex("01020304") }]],
  ["1e0c0081aabbccddeeff0011", [{ kind: "mptcp", data: fromHex("0081aabbccddeeff0011") }]],
  ["fd06e2d4c3d90000", [{ kind: "unknown", number: 253, data: fromHex("e2d4c3d9") }]],
  ["13121111111111111111111111111111" + "11110000", [{
    kind: "unknown",
    number: 19,
    data: new Uint8Array(16).fill(0x11),
  }]],
];

test("4, 6: every option is read and written, unknown ones by their length", () => {
  for (const [hex, options] of GOLDEN) {
    assertEquals(decodeTcpOptions(fromHex(hex)), options, hex);
    assertEquals(toHex(written(tcpOptionsLength(options), (into) => encodeTcpOptions(options, into))), hex);
  }
});

test("39: options that belong in a SYN are read in any segment; using them is up to the connection", () => {
  const options: TcpOption[] = [{ kind: "mss", size: 9 }, { kind: "sackPermitted" }];
  assertEquals(decodeTcp(tcp({ flags: 0x10, options }, V4)).options, options);
});

test("40: an option with length 0, 1 or past the end ends the list: an error, never a loop", () => {
  for (const hex of ["0200", "0201", "0204", "020405", "02ff05b4", "01010200", "08", "01010108", "fe00", "050affff"]) {
    const thrown = assertThrows(() => decodeTcpOptions(fromHex(hex)), PacketError, "option", hex);
    assertEquals([thrown.code, thrown.blame, thrown.layer], ["EPROTO", "remote", "packet"]);
    assertEquals(find(hex, TcpOptionKind.MSS), -1);
    assertEquals(find(hex, TcpOptionKind.SACK), -1);
  }
});

test("40: a segment with malformed options is still handed out, because options are not looked at", () => {
  const segment = tcp({ options: [{ kind: "mss", size: 1 }], payload: fromHex("aabbcc") }, V4);
  for (const length of [0, 1, 5, 255]) {
    segment[21] = length;
    const { segments } = decode([v4({ protocol: 6, payload: segment })]);
    assertEquals(toHex(segments[0]!.payload), "aabbcc");
  }
});

test("a fast open cookie has an even length from 4 to 16, or is asked for without one (RFC 7413)", () => {
  for (let length = 0; length <= 18; length++) {
    const cookie = new Uint8Array(length).fill(1);
    const isCookie = [0, 4, 6, 8, 10, 12, 14, 16].includes(length);
    const fastOpen: TcpOption = { kind: "fastOpen", cookie };
    const unknown: TcpOption = { kind: "unknown", number: 34, data: cookie };
    const bytes = new Uint8Array(20).fill(1);
    bytes.set([34, 2 + length]);
    assertEquals(decodeTcpOptions(bytes)[0], isCookie ? fastOpen : unknown, `${length}`);
    // each is written under the name that it is read back by
    encodeTcpOptions([isCookie ? fastOpen : unknown], bytes);
    assertThrows(() => encodeTcpOptions([isCookie ? unknown : fastOpen], bytes), RangeError);
  }
});

test("41: options at odd offsets are read", () => {
  const options = decodeTcpOptions(fromHex("01080a0000000100000002" + "01" + "0204ffff"));
  assertEquals(options, [
    { kind: "nop" },
    { kind: "timestamps", value: 1, echo: 2 },
    { kind: "nop" },
    { kind: "mss", size: 65535 },
  ]);
  assertEquals(find("01080a00000001000000020204ffff", TcpOptionKind.MSS), 11);
});

test("42: bytes behind the options are zero in what is sent", () => {
  const into = new Uint8Array(8).fill(0xff);
  assertEquals(encodeTcpOptions([{ kind: "windowScale", shift: 1 }, { kind: "nop" }, { kind: "nop" }], into), 8);
  assertEquals(toHex(into), "0303010101000000");
});

test("42: nothing behind the end of the list is read", () => {
  assertEquals(decodeTcpOptions(fromHex("010002041234")), [{ kind: "nop" }]);
  assertEquals(find("010002041234", TcpOptionKind.MSS), -1);
});

test("43: duplicate options are all in the value, in order; the search finds the first", () => {
  assertEquals(decodeTcpOptions(fromHex("0204000102040002")), [{ kind: "mss", size: 1 }, { kind: "mss", size: 2 }]);
  assertEquals(find("0204000102040002", TcpOptionKind.MSS), 0);
});

test("44: a window scale of 15 or more is read as 14", () => {
  for (const [shift, used] of [[14, 14], [15, 14], [255, 14]] as const) {
    const [option] = decodeTcpOptions(Uint8Array.of(3, 3, shift));
    assertEquals(option, { kind: "windowScale", shift: used });
  }
  assertThrows(() => encodeTcpOptions([{ kind: "windowScale", shift: 15 }], new Uint8Array(4)), RangeError, "got 15");
});

test("47: the window is read as 16 unsigned bits", () => {
  assertEquals(decodeTcp(tcp({ window: 0xffff }, V4)).window, 65535);
  assertEquals(new TcpView(tcp({ window: 0x8000 }, V4)).window, 32768);
});

test("a known kind of another length is kept as unknown, and written back as it was", () => {
  for (
    const hex of ["02030500", "0203ff00", "0402", "0305aabbcc000000", "0803aa00", "05020101", "050affffffffffffffff"]
  ) {
    const options = decodeTcpOptions(fromHex(hex));
    const room = new Uint8Array(tcpOptionsLength(options));
    encodeTcpOptions(options, room);
    assertEquals(decodeTcpOptions(room), options, hex);
  }
  assertEquals(decodeTcpOptions(fromHex("02030500")), [{ kind: "unknown", number: 2, data: fromHex("05") }]);
});

test("options that cannot be written or would come back as others are refused", () => {
  const wrong: TcpOption[][] = [
    [{ kind: "mss", size: 65536 }],
    [{ kind: "sack", blocks: [] }],
    [{ kind: "sack", blocks: new Array(5).fill({ left: 1, right: 2 }) }],
    [{ kind: "timestamps", value: -1, echo: 0 }],
    [{ kind: "timestamps", value: 0, echo: 2 ** 32 }],
    [{ kind: "userTimeout", isMinutes: false, timeout: 0x8000 }],
    [{ kind: "unknown", number: 1, data: new Uint8Array(0) }],
    [{ kind: "unknown", number: 0, data: new Uint8Array(0) }],
    [{ kind: "unknown", number: 256, data: new Uint8Array(0) }],
    [{ kind: "unknown", number: 2, data: new Uint8Array(2) }],
    [{ kind: "mptcp", data: new Uint8Array(39) }],
    new Array(41).fill({ kind: "nop" }),
  ];
  for (const options of wrong) {
    assertThrows(() => encodeTcpOptions(options, new Uint8Array(80)), RangeError, undefined, JSON.stringify(options));
  }
});
