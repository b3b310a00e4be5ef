import { assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { toHex } from "../../../src/bytes/mod.ts";
import { fix } from "../../../src/strparser/parsers/mod.ts";
import { ascii, checkGoldens, golden, outcome } from "./check.ts";
import { goldens } from "./golden/fix.ts";

const soh = (text: string) => ascii(text.replaceAll("|", "\x01"));

// the first two are the examples of the FIX documentation and of its article in the encyclopedia; their sums are right
const NEW_ORDER = "8=FIX.4.2|9=178|35=8|49=PHLX|56=PERS|52=20071123-05:30:00.000|11=ATOMNOCCC9990900|20=3|150=E|39=E|" +
  "55=MSFT|167=CS|54=1|38=15|40=2|44=15|58=PHLX EQUITY TESTING|59=0|47=C|32=0|31=0|151=15|14=0|6=0|10=128|";
const LOGON = "8=FIX.4.1|9=61|35=A|34=1|49=EXEC|52=20121105-23:24:06|56=BANZAI|98=0|108=30|10=003|";
const PADDED = "8=FIXT.1.1|9=000005|35=0|10=161|";
const all = NEW_ORDER + LOGON + PADDED;
const lengths = [NEW_ORDER.length, LOGON.length, PADDED.length];

checkGoldens([
  ...goldens,
  golden("fix: messages of three versions", () => fix(), "client", lengths, toHex(soh(all))),
  golden("fix: end not checked", () => fix({ checksEnd: false }), "client", lengths, toHex(soh(all))),
]);

test("fix: the sum is checked where it is wanted", () => {
  const sums = () => fix({ checksSum: true });
  assertEquals(outcome(sums, soh(NEW_ORDER + LOGON)), [NEW_ORDER.length, LOGON.length]);
  assertEquals(outcome(sums, soh(LOGON.replace("10=003", "10=004"))), [
    "EPROTO 0 fix: CheckSum is 4, the bytes have 3",
  ]);
});
test("fix: what is refused", () => {
  const refused: [string, string][] = [
    ["GET / HTTP/1.1", "EPROTO 0 fix: message does not begin with 8=FIX: 0x47 at 0 (looks like text)"],
    ["8=FAX.4.2|", "EPROTO 0 fix: message does not begin with 8=FIX: 0x41 at 3 (looks like text)"],
    ["8=FIX.4.2.something.long|", "EPROTO 0 fix: BeginString does not end within 16 bytes"],
    ["8=FIX.4.2|35=A|", "EPROTO 0 fix: second field is not BodyLength"],
    ["8=FIX.4.2|9=|35=A|", "EPROTO 0 fix: BodyLength has a 0x01 in it"],
    ["8=FIX.4.2|9=5x|", "EPROTO 0 fix: BodyLength has a 0x78 in it"],
    ["8=FIX.4.2|9=-5|", "EPROTO 0 fix: BodyLength has a 0x2d in it"],
    ["8=FIX.4.2|9=1234567890|", "EMSGSIZE 0 fix: BodyLength has more than 9 digits"],
    ["8=FIX.4.2|9=65537|", "EMSGSIZE 0 fix: body of 65537 bytes exceeds maxBodyBytes 65536"],
    ["8=FIX.4.2|9=4|35=0|10=161|", "EPROTO 0 fix: body does not end with a field's end: BodyLength is wrong"],
    ["8=FIX.4.2|9=5|35=0|11=161|", "EPROTO 0 fix: body is not followed by CheckSum: BodyLength is wrong"],
    ["8=FIX.4.2|9=5|35=0|10=1x1|", "EPROTO 0 fix: body is not followed by CheckSum: BodyLength is wrong"],
    ["8=FIX.4.2|9=5|35=0|10=1611", "EPROTO 0 fix: body is not followed by CheckSum: BodyLength is wrong"],
  ];
  for (const [bytes, error] of refused) assertEquals(outcome(() => fix(), soh(bytes)), [error]);
});
test("fix: maxBodyBytes, and the length told with BodyLength", () => {
  assertEquals(outcome(() => fix({ maxBodyBytes: 60 }), soh(LOGON)), [
    "EMSGSIZE 0 fix: body of 61 bytes exceeds maxBodyBytes 60",
  ]);
  const bytes = soh(LOGON);
  assertEquals(fix({ checksEnd: false }).parse(bytes, 0, 15, undefined), LOGON.length);
  assertEquals(fix().parse(bytes, 0, 15, undefined), -LOGON.length);
  assertThrows(() => fix({ maxBodyBytes: 0 }), RangeError, "maxBodyBytes");
});
