/**
 * RxRPC with OpenAFS, in networks of their own: its programs have fixed ports, and want an address that is not loopback.
 * What is tested is in `openafs/*_cases.ts`, which run there.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { assert, assertEquals } from "@std/assert";

const NETWORK = 'ip link set lo up && ip addr add 10.77.0.1/32 dev lo && exec "$@"';
const PARTITION = "/vicepa";
const isRoot = process.getuid?.() === 0;

function path(name: string): string {
  return fileURLToPath(new URL(`./openafs/${name}`, import.meta.url));
}

/** Runs cases behind `unshare` and a shell; each becomes a test of its own. */
async function runCases(context: TestContext, cases: string, box: readonly string[]): Promise<void> {
  const node = [process.execPath, "--import", "tsx", "--test-reporter=tap", path(`${cases}_cases.ts`)];
  const { stdout, stderr, status } = spawnSync("unshare", [...box, ...node], {
    encoding: "utf8",
    timeout: 180_000,
    killSignal: "SIGKILL",
    // it is no child of this test's runner, which would speak a format of its own
    env: { ...process.env, NODE_TEST_CONTEXT: undefined },
  });
  const results = [...stdout.matchAll(/^(not )?ok \d+ - (.*)$/gm)];
  assert(results.length > 0, `no results: ${stdout}${stderr}`);
  for (const [, failed, name] of results) {
    await context.test(name!, () => assertEquals(failed, undefined, stdout));
  }
  assertEquals(status, 0, stdout);
}

for (const cases of ["client", "server", "commands"]) {
  test(`RxRPC with OpenAFS: our ${cases}`, async (context) => {
    await runCases(context, cases, [isRoot ? "-n" : "-rn", "sh", "-c", NETWORK, "sh"]);
  });
}

// a file server wants a partition at the root of the file system, which only root can make
for (const cases of isRoot ? ["volume"] : []) {
  test(`RxRPC with OpenAFS: our client and a ${cases} server`, async (context) => {
    const folder = mkdtempSync(join(tmpdir(), "leat-volumes-"));
    const isNew = !existsSync(PARTITION);
    if (isNew) mkdirSync(PARTITION);
    try {
      const alone = ["-n", "-m", "-p", "-f", "--kill-child", "--propagation", "private"];
      await runCases(context, cases, [...alone, "sh", path("volume_box.sh"), folder]);
    } finally {
      if (isNew) rmdirSync(PARTITION);
      rmSync(folder, { recursive: true, force: true });
    }
  });
}
