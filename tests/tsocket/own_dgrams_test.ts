// Whose datagrams may be made in buffers that are used again.
import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { DgramSocket } from "../../src/tsocket/dgram_socket.ts";
import { dgramPair } from "../../src/tsocket/mod.ts";
import { isOwn } from "../../src/tsocket/own_dgrams.ts";
import { FakeDgramDriver } from "./support/fake_dgram_driver.ts";

class Later extends DgramSocket {
  override async sendMany(...args: Parameters<DgramSocket["sendMany"]>): Promise<number> {
    return await super.sendMany(...args);
  }
}

class Same extends DgramSocket {}

test("a socket sends as the library's own do unless somebody has put another way in its place", () => {
  const [left, right] = dgramPair();
  assertEquals([isOwn(left), isOwn(new Same(new FakeDgramDriver()))], [true, true]);
  assertEquals(isOwn(new Later(new FakeDgramDriver())), false);
  right.sendMany = () => Promise.resolve(0);
  assertEquals(isOwn(right), false);
  assertEquals(isOwn(new Proxy(left, {})), false);
});
