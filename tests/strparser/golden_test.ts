/** Real bytes through each parser, cut in every way. */
import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { tls } from "../../src/strparser/parsers/tls.ts";
import { parserByName } from "../../src/strparser/parsers/mod.ts";
import { goldens, grantedTls, parserFor } from "./golden.ts";
import { checkGoldens } from "./parsers/check.ts";
import { bytewise, cut, record } from "./support.ts";

checkGoldens(goldens.map((golden) => ({ ...golden, parser: () => parserFor(golden) })));

test("postgres: a granted request for TLS ends delineation with that reason", () => {
  for (const direction of ["client", "server"] as const) {
    for (const chunks of [[grantedTls[direction]], bytewise(grantedTls[direction])]) {
      const run = record(parserByName("postgres"), { direction }).push(...chunks);
      assertEquals(run.lengths(), [direction === "client" ? 8 : 1]);
      assertEquals([run.errors.length, run.errors[0]!.code, run.errors[0]!.offset], [
        1,
        "EPROTO",
        run.messages[0]!.length,
      ]);
      const reason = "postgres: TLS after SSLRequest; the rest of this connection is encrypted";
      assertEquals(run.errors[0]!.message, reason);
    }
  }
});
test("postgres: who changes to TLS behind the answer to SSLRequest reads on, in any chunks", () => {
  for (const [direction, last, lengths] of [["client", 8, [8, 72]], ["server", 1, [1, 79]]] as const) {
    const bytes = grantedTls[direction];
    for (let at = 1; at < bytes.length; at++) {
      const run = record(parserByName("postgres"), {
        direction,
        onMessage: ({ engine, messages }) => messages.length === 1 && engine.setParser(tls()),
      }).push(...cut(bytes, at));
      assertEquals([run.errors, run.lengths()[0], run.engine.bytesHeld], [[], last, lengths[1]]);
    }
  }
});
