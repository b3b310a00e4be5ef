/** Interfaces on every runtime, each way there is: the kernel's `ping` against a responder of a few lines. */
import process from "node:process";
import { after, afterEach, before, test } from "node:test";
import { assert, assertEquals, assertMatch } from "@std/assert";
import type { RuntimeName } from "../../scripts/lib/runtimes.ts";
import type { TunOptions } from "../../src/tsocket/tun/tun_types.ts";
import { NetNs } from "./tun/netns.ts";
import { TunChild } from "./tun/tun_child.ts";

let ns: NetNs;
before(async () => {
  ns = await NetNs.create();
});
afterEach(() => ns.clear());
after(async () => {
  await ns?.remove();
});

const RUNTIMES: readonly (readonly [RuntimeName, string])[] = [
  ["Node 20", "node"],
  ["Node 24", "node"],
  ["Deno", "deno"],
  ["Bun", "bun"],
];

function responder(runtime: RuntimeName, driver: string, options: TunOptions): TunChild {
  return TunChild.start(ns, runtime, "tests/interop/tun/ping_responder.ts", driver, JSON.stringify(options));
}

/** Waits for so many answers; how many pings that took: some more than were answered are under way in the end. */
async function pings(address: string, count: number, ...options: string[]): Promise<number> {
  const { stdout, stderr } = await ns.exec("ping", ["-q", "-w", "30", "-c", String(count), ...options, address]);
  const [, sent, received] = /(\d+) packets transmitted, (\d+) received/.exec(stdout) ?? [];
  assert(Number(received) >= count, stdout + stderr);
  return Number(sent);
}

for (const via of ["native", "socat"] as const) {
  for (const [runtime, driver] of RUNTIMES) {
    // of the two Nodes one is enough for what is slow
    if (via === "socat" && runtime === "Node 24") continue;
    test(`${runtime}, ${via}: pings of IPv4 and IPv6, small and as long as the MTU, a flood`, async () => {
      const address = ["10.9.0.1/24", "fd09::1/64"];
      const child = responder(runtime, driver, { name: `lt${via}%d`, address, mtu: 1400, via });
      assertMatch(await child.line(), new RegExp(`^lt${via}\\d 1400$`));
      let sent = await pings("10.9.0.2", 3, "-i", "0.01");
      sent += await pings("fd09::2", 3, "-i", "0.01");
      sent += await pings("10.9.0.77", 20, "-i", "0.002", "-s", "1372", "-M", "do");
      // 100 under way at a time: batches
      sent += await pings("10.9.0.77", 500, "-f", "-l", "100", "-s", "1372");
      const [line] = (await child.finish()).slice(-1);
      const { packetsRead, packetsWritten, packetsRefused, failure } = JSON.parse(line!);
      assertEquals([packetsRefused, failure], [0, "none"]);
      assert(packetsWritten >= 526 && packetsWritten <= sent && packetsRead >= packetsWritten, line);
      assertEquals((await ns.run("ip", "-o", "link")).includes(`lt${via}`), false, "the interface is still there");
    });
  }
}

for (const [runtime, driver] of RUNTIMES) {
  test(`${runtime}: an interface that is removed is told; one that somebody has open is refused`, async () => {
    const child = responder(runtime, driver, { name: "ltgone" });
    assertEquals(await child.line(), "ltgone 1500");
    const second = responder(runtime, driver, { name: "ltgone", via: "native" });
    const error = await second.line().then(() => "none", String);
    assertMatch(error, /EBUSY/);
    await ns.run("ip", "link", "del", "ltgone");
    assertEquals(await child.line(), "over: ENODEV");
    await child.finish();
  });
}

for (const [runtime, driver] of RUNTIMES.filter(([, driver]) => driver !== "deno")) {
  test(`${runtime}: a signal to the whole group, which the caller answers, does not take the helper away`, async () => {
    const child = responder(runtime, driver, { name: "ltsig", address: "10.9.1.1/24", via: "native" });
    assertEquals(await child.line(), "ltsig 1500");
    const helpers = (await ns.exec("pgrep", ["-x", "-P", String(child.process.pid), "perl"])).stdout.trim().split("\n");
    assertEquals(helpers.length, 1);
    for (const signal of ["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM"] as const) process.kill(Number(helpers[0]), signal);
    await pings("10.9.1.2", 3, "-i", "0.01");
    const [line] = (await child.finish()).slice(-1);
    assertEquals(JSON.parse(line!).failure, "none");
  });

  test(`${runtime}: a signal to the whole group, which the caller answers, does not reach socat`, async () => {
    const child = responder(runtime, driver, { name: "ltsoc", address: "10.9.2.1/24", via: "socat" });
    assertEquals(await child.line(), "ltsoc 1500");
    const { pid } = child.process;
    const shell = (await ns.exec("pgrep", ["-x", "-P", String(pid), "sh"])).stdout.trim();
    const groupOf = async (pid: string) => (await ns.exec("ps", ["-o", "pgid=", "-p", pid])).stdout.trim();
    assertEquals(await groupOf(shell), shell);
    await child.finish();
    assertEquals((await ns.exec("pgrep", ["-x", "-g", shell, "socat"])).stdout, "");
  });
}
