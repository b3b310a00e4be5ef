import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { findOwn } from "../../src/cli/mux/own_address.ts";
import { InetAddress } from "../../src/tsocket/mod.ts";

test("a backend without an address is the listener on the loopback's first one of its family, and no other", async () => {
  const isOwn = async (listen: string, to: string): Promise<boolean> => {
    const backend = { target: InetAddress.from(to, 7101) };
    return await findOwn([backend], [InetAddress.from(listen, 7101)]) === backend;
  };
  assertEquals(await isOwn("127.0.0.1", "0.0.0.0"), true);
  assertEquals(await isOwn("::1", "::"), true);
  assertEquals(await isOwn("127.0.0.2", "0.0.0.0"), false);
  assertEquals(await isOwn("127.0.0.1", "::"), false);
  assertEquals(await isOwn("::1", "0.0.0.0"), false);
});
