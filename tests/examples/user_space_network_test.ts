/** The example of layers over a TCP/IP of its own. */
import { readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { assert, assertEquals } from "@std/assert";
import { Child } from "../cli/support/child.ts";

test("messages over TCP and a call over UDP come through a network that loses packets, and are captured", async () => {
  const file = join(tmpdir(), `user_space_network_${process.pid}.pcap`);
  const example = fileURLToPath(new URL("../../examples/user_space_network.ts", import.meta.url));
  try {
    const { code, stdout } = await new Child([file], example).done;
    assertEquals(stdout.split("\n"), ["messages over TCP: one, three, two", "a call over UDP: 20000 bytes came", ""]);
    assertEquals(code, 0);
    assert(readFileSync(file).length > 20_000);
  } finally {
    rmSync(file, { force: true });
  }
});
