/**
 * The user-space TCP/IP endpoint against the kernel's, in a network namespace: the kernel's TCP, UDP and ICMP to ours by its
 * own programs, and ours to the kernel, with and without a bad network in between. tshark judges the packets.
 *
 * `LEAT_TUN_BYTES` says how many bytes go each way (default 10 MB; 1000000000 for a gigabyte).
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, afterEach, before, test } from "node:test";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fitting, notFrom, wrongPackets } from "./tun/judge.ts";
import { NetNs } from "./tun/netns.ts";
import { TunChild } from "./tun/tun_child.ts";

const BYTES = Number(process.env["LEAT_TUN_BYTES"] ?? 10_000_000);
/** A tap leaves out what its file is too slow for: of more than this, tshark would see too little to judge it. */
const MOST_CAPTURED = 10_000_000;
const PEER = "tests/interop/tun/kernel_peer.ts";
const ADDRESSES = ["10.99.0.2", "fd99::2"];
const KERNEL = ["10.99.0.1", "fd99::1"];

let ns: NetNs;
const folder = mkdtempSync(join(tmpdir(), "leat-tun-"));

before(async () => {
  ns = await NetNs.create();
});
afterEach(() => ns.clear());
after(async () => {
  await ns?.remove();
  rmSync(folder, { recursive: true, force: true });
});

/** `leat tun` for the time of `work`; what it said of connections. */
async function withTun(args: readonly string[], work: () => Promise<void>): Promise<string[]> {
  const leat = TunChild.start(ns, "Node 20", "src/cli/main.ts", "tun", "--json", ...args);
  await leat.complaint("is open");
  try {
    await work();
  } finally {
    leat.process.kill("SIGTERM");
  }
  return await leat.finish();
}

/** What the kernel's side says of it. */
async function peer(...args: (string | number)[]): Promise<Record<string, unknown>> {
  const child = TunChild.start(ns, "Node 20", PEER, ...args.map(String));
  const line = await child.line();
  await child.finish();
  return JSON.parse(line);
}

async function assertEchoes(address: string, bytes: number): Promise<void> {
  const { count, wrongAt, seconds } = await peer("echo", address, 7, bytes);
  assertEquals([count, wrongAt], [bytes, -1], `after ${seconds} s`);
  console.log(`${address}: ${(bytes / 1e6 / Number(seconds)).toFixed(1)} MB/s each way`);
}

test("the kernel to --echo: ping, nc, UDP, fragments, resets, half-close, all bytes back; tshark has nothing to say", async () => {
  const file = join(folder, "echo.pcap");
  const lines = await withTun(["--echo", "--write", file], async () => {
    for (const address of ADDRESSES) {
      for (const size of ["56", "1452", "9000", "60000"]) {
        const pings = await ns.run("ping", "-q", "-c", "3", "-w", "20", "-i", "0.01", "-s", size, address);
        assertMatch(pings, /[3-9] received/);
      }
      assertEquals((await ns.exec("nc.openbsd", ["-N", address, "77"], "by nc")).stdout, "by nc");
      assertEquals(await peer("udp", address, 7, 0, 1, 1400, 20_000, 60_000), {
        right: [0, 1, 1400, 20_000, 60_000],
      });
      await peer("reset", address, 4711);
      await assertEchoes(address, Math.min(BYTES, MOST_CAPTURED));
    }
  });
  const ends = lines.map((line) => JSON.parse(line));
  // by address: nc, the reset, all the bytes
  assertEquals(ends.length, 6);
  assertEquals(ends.filter(({ error }) => error !== null).map(({ server }) => server.port), [4711, 4711]);
  assertEquals(await wrongPackets(file, KERNEL), []);
  const doubtful = "tcp.analysis.retransmission || tcp.analysis.out_of_order || tcp.analysis.ack_lost_segment";
  // where a machine is busy, acknowledgments come so late that the last segment is sent again
  const again = await fitting(file, `${notFrom(KERNEL)} && (${doubtful})`);
  assert(again.length <= 10, again.join("\n"));
  if (BYTES <= MOST_CAPTURED) return;
  await withTun(["--echo"], async () => {
    for (const address of ADDRESSES) await assertEchoes(address, BYTES);
  });
});

test("two thousand connections open at once, to two hundred addresses", async () => {
  await withTun(["--echo"], async () => {
    assertEquals(await peer("many", "10.99.0.", 2000), { right: 2000 });
  });
});

test("curl: pages, downloads and uploads by IPv4 and IPv6; what belongs to nobody is refused; traceroute arrives", async () => {
  await withTun(["--http"], async () => {
    for (const host of ["10.99.0.2", "[fd99::2]"]) {
      const address = host.replace(/[[\]]/g, "");
      assertStringIncludes(await ns.run("curl", "-sS", "-m", "20", `http://${host}/`), `you asked ${host}:80`);
      const get = ["-sS", "-m", "60", "-o", join(folder, "got"), "-w", "%{size_download}"];
      assertEquals(await ns.run("curl", ...get, `http://${host}:8080/bytes/${BYTES}`), String(BYTES));
      const put = ["-sS", "-m", "60", "-T", join(folder, "got")];
      assertEquals(await ns.run("curl", ...put, `http://${host}/`), `${BYTES}\n`);
      assertEquals(await peer("unreachable", address, 53), { code: "ECONNREFUSED" });
      for (const how of [[], ["-I"], ["-T", "-p", "80"]]) {
        const route = await ns.run("traceroute", "-n", "-q", "1", "-w", "5", "-m", "3", ...how, address);
        assertMatch(route, new RegExp(`^ 1  ${address} `, "m"));
      }
    }
  });
});

test("iperf3 through --proxy, both ways, and a proxy to nobody", async () => {
  const server = ns.spawn("iperf3", ["-s", "-p", "5201", "--forceflush"]);
  await new Promise((resolve) => server.stdout!.once("data", resolve));
  await withTun(["--proxy", "127.0.0.1:5201"], async () => {
    for (const way of [[], ["-R"]]) {
      const args = ["-c", "10.99.0.2", "-p", "5201", "-n", String(BYTES), "-J", ...way];
      const { stdout } = await ns.exec("iperf3", args);
      const { error, end } = JSON.parse(stdout);
      assertEquals(error, undefined, stdout);
      // it stops when the sender has sent, not when all has come
      assert(end.sum_received.bytes > BYTES / 2, stdout.slice(-2000));
    }
    server.kill("SIGKILL");
    await new Promise((resolve) => server.once("close", resolve));
    // refused, not opened and closed: curl tells these apart
    assertEquals((await ns.exec("curl", ["-sS", "-m", "10", "http://10.99.0.2/"])).code, 7);
    assertEquals((await ns.exec("curl", ["-sS", "-m", "10", "http://[fd99::2]/"])).code, 7);
    assertEquals(await peer("unreachable", "10.99.0.2", 53), { code: "ECONNREFUSED" });
    assertEquals(await peer("unreachable", "fd99::2", 53), { code: "ECONNREFUSED" });
  });
});

test("ours to the kernel's echo, on every runtime: pings, resets, refusals, half-close, all bytes back", async () => {
  const server = TunChild.start(ns, "Node 20", PEER, "serve", "7");
  assertEquals(await server.line(), "listening");
  for (const [runtime, driver] of [["Node 20", "node"], ["Deno", "deno"], ["Bun", "bun"]] as const) {
    const file = join(folder, `${driver}.pcap`);
    const bytes = String(runtime === "Node 20" ? BYTES : 5_000_000);
    const client = TunChild.start(ns, runtime, "tests/interop/tun/stack_client.ts", driver, bytes, "7", file);
    for (const _ of ADDRESSES) {
      const expected = { count: Number(bytes), wrongAt: -1, pong: true, reset: "ECONNRESET", refused: "ECONNREFUSED" };
      assertEquals(JSON.parse(await client.line()), expected, runtime);
    }
    await client.finish();
    assertEquals(await wrongPackets(file, ["10.98.0.1", "fd98::1"]), []);
  }
  assertEquals(JSON.parse((await server.finish()).at(-1)!), { connections: 6 });
});

test("through loss of 1 %, duplicates, packets overtaken and 5 ms of delay: all bytes back, both IP versions, and pings", async () => {
  const file = join(folder, "bad.pcap");
  const bad = ["--loss", "1", "--duplicate", "1", "--reorder", "2", "--delay", "5"];
  await withTun(["--echo", "--write", file, ...bad], async () => {
    for (const address of ADDRESSES) {
      await ns.run("ping", "-q", "-c", "3", "-w", "20", "-i", "0.01", "-s", "4000", address);
      await assertEchoes(address, 2_000_000);
    }
  });
  assertEquals(await wrongPackets(file, KERNEL), []);
});

for (const service of ["--echo", "--http"]) {
  test(`an interface that is removed ends leat tun ${service} with one line`, async () => {
    const leat = TunChild.start(ns, "Node 20", "src/cli/main.ts", "tun", "--name", "leatgone", service);
    await leat.complaint("is open");
    await ns.run("ip", "link", "del", "leatgone");
    const { code, complaints } = await leat.end();
    assertEquals(code, 1);
    assertEquals(complaints.filter((line) => !line.includes("is open")).length, 1, complaints.join("\n"));
    assertMatch(complaints.at(-1)!, /^leat: .*the interface leatgone was removed$/);
  });
}

test("leat tun with an MTU too small for IPv6 opens with IPv4 alone", async () => {
  const leat = TunChild.start(
    ns,
    "Node 20",
    "src/cli/main.ts",
    "tun",
    "--name",
    "leatsmall",
    "--mtu",
    "1000",
    "--echo",
  );
  await leat.complaint("is open");
  assertMatch(await ns.run("ping", "-q", "-c", "1", "-w", "5", "10.99.0.2"), /1 received/);
  leat.process.kill("SIGTERM");
  await leat.finish();
});

for (const runtime of ["Node 20", "Deno", "Bun"] as const) {
  test(`${runtime}: an interface that was made and set up for somebody needs no privileges`, async () => {
    await ns.run("ip", "tuntap", "add", "dev", "leatown", "mode", "tun", "user", "0");
    try {
      await ns.run("ip", "address", "add", "10.97.0.1/24", "dev", "leatown");
      await ns.run("ip", "address", "add", "fd97::1/64", "dev", "leatown", "nodad");
      await ns.run("ip", "link", "set", "leatown", "mtu", "1400", "up");
      const address = "10.97.0.1/24,fd97::1/64";
      const options = ["--name", "leatown", "--mtu", "1400", "--via", "native", "--address"];
      const leat = TunChild.startUnprivileged(ns, runtime, "src/cli/main.ts", "tun", "--echo", ...options, address);
      await leat.complaint("is open");
      assertMatch(await ns.run("ping", "-q", "-c", "1", "-w", "5", "10.97.0.2"), /1 received/);
      leat.process.kill("SIGTERM");
      await leat.finish();
      const other = ["tun", "--echo", ...options, "10.97.0.9/24"];
      const { code, complaints } = await TunChild.startUnprivileged(ns, runtime, "src/cli/main.ts", ...other).end();
      assertEquals(code, 1);
      assertMatch(complaints.at(-1)!, /CAP_NET_ADMIN/);
    } finally {
      await ns.run("ip", "link", "del", "leatown");
    }
  });
}

test("leat tun ends when nobody reads any more what it says", async () => {
  const leat = TunChild.start(ns, "Node 20", "src/cli/main.ts", "tun", "--name", "leathead", "--echo");
  await leat.complaint("is open");
  leat.process.stdout!.destroy();
  // as of any program, it is the first line after that
  assertEquals((await ns.exec("nc.openbsd", ["-N", "10.99.0.2", "7"], "gone")).stdout, "gone");
  assertEquals((await leat.end()).code, 0);
});
