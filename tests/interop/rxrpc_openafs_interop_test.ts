/**
 * RxRPC with OpenAFS, in networks of their own: its programs have fixed ports, and want an address that is not loopback.
 * What is tested is in `openafs/*_cases.ts`, which run there.
 */
import { spawnSync } from "node:child_process";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { assert, assertEquals } from "@std/assert";

const NETWORK = 'ip link set lo up && ip addr add 10.77.0.1/32 dev lo && exec "$@"';

for (const cases of ["client", "server", "commands"]) {
  test(`RxRPC with OpenAFS: our ${cases}`, async (context) => {
    const file = fileURLToPath(new URL(`./openafs/${cases}_cases.ts`, import.meta.url));
    const node = [process.execPath, "--import", "tsx", "--test-reporter=tap", file];
    const privileges = process.getuid?.() === 0 ? "-n" : "-rn";
    const { stdout, stderr, status } = spawnSync("unshare", [privileges, "sh", "-c", NETWORK, "sh", ...node], {
      encoding: "utf8",
      timeout: 180_000,
      // it is no child of this test's runner, which would speak a format of its own
      env: { ...process.env, NODE_TEST_CONTEXT: undefined },
    });
    const results = [...stdout.matchAll(/^(not )?ok \d+ - (.*)$/gm)];
    assert(results.length > 0, `no results: ${stdout}${stderr}`);
    for (const [, failed, name] of results) {
      await context.test(name!, () => assertEquals(failed, undefined, stdout));
    }
    assertEquals(status, 0, stdout);
  });
}
