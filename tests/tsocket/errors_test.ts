import { test } from "node:test";
import { inspect } from "node:util";
import { assert, assertEquals } from "@std/assert";
import { LeatError } from "../../src/core/errors.ts";
import { FlowError } from "../../src/flow/errors.ts";
import { L3L4Error } from "../../src/l3l4/errors.ts";
import { StreamParserError } from "../../src/strparser/errors.ts";
import { SocketError } from "../../src/tsocket/errors.ts";

test("71: a SocketError is a TypeError and a LeatError, its message begins with its name, and the reason does not", () => {
  const error = new SocketError("the peer is gone", { code: "ECONNRESET", syscall: "readv" });
  assert(error instanceof TypeError && error instanceof LeatError);
  assertEquals([error.name, error.message, `${error}`, error.reason], [
    "SocketError",
    "SocketError: the peer is gone",
    "SocketError: the peer is gone",
    "the peer is gone",
  ]);
});

test("errors of the other layers are printed with their class once", () => {
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
