import { test } from "node:test";
import { inspect } from "node:util";
import { assertEquals } from "@std/assert";
import { Multiplexor } from "../../src/kcm/mod.ts";
import { turns } from "../support/turns.ts";
import { Duplex } from "./duplex.ts";
import { parser, wire } from "./support.ts";

test("console.log shows what a multiplexor and its sockets hold", async () => {
  const kcm = new Multiplexor();
  const socket = kcm.socket();
  const { port1, port2 } = new MessageChannel();
  const handed = kcm.hand(port1);
  const t = new Duplex();
  kcm.attach(t, { parser });
  await socket.send(wire("abc"));
  t.send("defg");
  await turns();
  assertEquals(
    inspect(kcm),
    "Multiplexor { connections: 1, sockets: 2, rxMessages: 1, txMessages: 1, bufferedBytes: 134, sendBytes: 0 }",
  );
  assertEquals(
    inspect(socket),
    "KcmSocket { index: 0, rxMessages: 1, txMessages: 1, bufferedBytes: 134, queuedBytes: 0 }",
  );
  assertEquals(inspect(handed), "HandedSocket { rxMessages: 0, txMessages: 0, bufferedBytes: 0 }");
  handed.abort();
  port2.close();
  await kcm[Symbol.asyncDispose]();
});
