import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { findOwn, listenAddress } from "../../src/cli/mux/own_address.ts";
import { InetAddress, type SocketTarget, UnixAddress } from "../../src/tsocket/mod.ts";

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

test("a name listened on is one address; a backend at another one of that name is no listener", async () => {
  const address = await listenAddress({ hostname: "localhost", port: 7101 });
  assert(address instanceof InetAddress, String(address));
  const other = InetAddress.from(address.family === "ipv4" ? "::1" : "127.0.0.1", 7101);
  assertEquals(await findOwn([{ target: other }], [address]), undefined);
  assertEquals(await findOwn([{ target: address }], [address]), { target: address });
});

test("a unix socket is the listener by whatever path it is reached, whether it is there yet or not", async () => {
  if (process.platform === "win32") return;
  const folder = mkdtempSync(join(tmpdir(), "leat-own-"));
  try {
    mkdirSync(join(folder, "real"));
    symlinkSync("real", join(folder, "linked"));
    symlinkSync(join("linked", "a.sock"), join(folder, "direct"));
    symlinkSync("endless", join(folder, "endless"));
    mkdirSync(join(folder, "real", "deep"));
    symlinkSync(join("real", "deep"), join(folder, "below"));
    symlinkSync("below/../a.sock", join(folder, "around"));
    const at = (path: string): { target: SocketTarget } => ({ target: UnixAddress.from(path) });
    const listen = [UnixAddress.from(relative(process.cwd(), join(folder, "real", "a.sock")))];
    const isOwn = async (path: string): Promise<boolean> => await findOwn([at(path)], listen) !== undefined;
    const check = async (): Promise<void> => {
      for (
        const path of ["real/a.sock", "real/../real/./a.sock", "linked/a.sock", "direct", "below/../a.sock", "around"]
      ) {
        assertEquals(await isOwn(join(folder, "/") + path), true, path);
      }
      for (const path of ["real/b.sock", "a.sock", "missing/a.sock", "endless", "below/../../a.sock"]) {
        assertEquals(await isOwn(join(folder, "/") + path), false, path);
      }
      assertEquals(await isOwn("\0a.sock"), false);
    };
    await check();
    writeFileSync(join(folder, "real", "a.sock"), "");
    await check();
  } finally {
    rmSync(folder, { recursive: true });
  }
});
