import { test } from "node:test";
import { inspect } from "node:util";
import { assert, assertEquals } from "@std/assert";
import { LeatError } from "../../src/core/errors.ts";
import { FlowError } from "../../src/flow/errors.ts";
import { L3L4Error } from "../../src/l3l4/errors.ts";
import { StreamParserError } from "../../src/strparser/errors.ts";
import { SocketError } from "../../src/tsocket/errors.ts";

const CAUSE = new SocketError("the peer is gone", { code: "ECONNRESET", syscall: "readv" });

test("71: an error names its class once, printed whole, as text, and as another error's cause", () => {
  assertEquals([CAUSE.name, CAUSE.message, `${CAUSE}`], [
    "SocketError",
    "the peer is gone",
    "SocketError: the peer is gone",
  ]);
  for (const printed of [inspect(CAUSE), inspect(new Error("no answer", { cause: CAUSE }))]) {
    assertEquals(printed.match(/SocketError: /g)?.length, 1, printed);
    assert(printed.includes("SocketError: the peer is gone"), printed);
  }
});

test("71: a SocketError is a TypeError and a LeatError", () => {
  assert(CAUSE instanceof TypeError && CAUSE instanceof LeatError);
});

test("errors of the other layers are printed with their class once as well", () => {
  const options = { code: "EPROTO", blame: "remote" } as const;
  const errors = [
    new LeatError("odd", { ...options, layer: "core" }),
    new FlowError("odd", options),
    new L3L4Error("odd", options),
    new StreamParserError("odd", options),
  ];
  for (const error of errors) {
    const printed = inspect(error);
    assert(printed.includes(`${error.name}: odd`), printed);
    assertEquals(printed.split(error.name).length, 2, printed.split("\n", 1)[0]);
  }
});
