/**
 * `leat mux` on this runtime beside HAProxy in TCP mode with one thread: the same two Redis servers behind, the same
 * `redis-benchmark` in front, over loopback. The balancer has CPU 0 for itself, everything else is on CPU 1.
 *
 * HAProxy balances connections, `leat mux` messages; both are warm when they are measured, and take turns. So does a bare
 * TCP proxy of the same runtime (`tcp_proxy.ts`), which shows what that makes of the same load with no balancer at all.
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import { findProgram } from "../scripts/peers.ts";
import { type Bench, bench } from "./harness.ts";

const execute = promisify(execFile);
const BALANCER_CPU = "0";
const OTHER_CPU = "1";
const CLIENTS = "50";
const PROGRAMS = ["haproxy", "redis-server", "redis-benchmark", "taskset"];

const children: ChildProcess[] = [];

function start(cpu: string, program: string, args: readonly string[], folder: string): void {
  children.push(
    spawn("taskset", ["-c", cpu, program, ...args], { stdio: ["ignore", "ignore", "inherit"], cwd: folder }),
  );
}

function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((resolve) =>
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    })
  );
}

async function listening(port: number): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1", () => {
        socket.destroy();
        resolve(true);
      });
      socket.on("error", () => resolve(false));
    });
    if (isOpen) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`nobody listens on ${port}`);
}

function haproxyConfig(port: number, servers: readonly number[]): string {
  return `global
  nbthread 1
defaults
  mode tcp
  timeout connect 5s
  timeout client 60s
  timeout server 60s
listen redis
  bind 127.0.0.1:${port}
  balance roundrobin
${servers.map((server) => `  server s${server} 127.0.0.1:${server}`).join("\n")}
`;
}

/** How a file is started on this runtime. */
function started(file: string): string[] {
  const main = new URL(file, import.meta.url).pathname;
  const { deno, bun } = process.versions;
  if (deno !== undefined) return [process.execPath, "run", "-A", "--no-check", main];
  if (bun !== undefined) return [process.execPath, main];
  return [process.execPath, "--import", new URL("register_loader.mjs", import.meta.url).href, main];
}

interface Measured {
  rate: number;
  p50: number;
  p99: number;
}

async function load(port: number, pipeline: number, requests: number): Promise<Measured> {
  const { stdout } = await execute("taskset", [
    ...["-c", OTHER_CPU, "redis-benchmark", "-p", String(port), "-c", CLIENTS, "-P", String(pipeline)],
    ...["-n", String(requests), "-t", "get", "--csv"],
  ]);
  const [, rate, , , p50, , p99] = stdout.trim().split("\n").at(-1)!.split(",").map((cell) =>
    Number(cell.replaceAll('"', ""))
  );
  return { rate: rate!, p50: p50!, p99: p99! };
}

async function measure(bench: Bench, ports: Readonly<Record<string, number>>): Promise<void> {
  for (const [pipeline, requests] of [[1, 60_000], [16, 800_000]] as const) {
    const figure = `leat mux, redis-benchmark -P ${pipeline}, ${CLIENTS} clients`;
    if (!bench.isWanted(figure)) continue;
    const count = bench.isQuick ? requests / 2 : requests;
    const rounds: Record<string, Measured[]> = {};
    for (const name of Object.keys(ports)) {
      rounds[name] = [];
      // until it is compiled, and every connection to the servers stands
      await load(ports[name]!, pipeline, count);
    }
    for (let round = 0; round < (bench.isQuick ? 2 : 5); round++) {
      for (const name of Object.keys(ports)) rounds[name]!.push(await load(ports[name]!, pipeline, count));
    }
    const [ours, theirs] = [rounds["leat mux"]!, rounds["haproxy"]!];
    bench.reading({
      name: figure,
      unit: "requests/s",
      values: ours.map(({ rate }) => rate),
      baseline: { name: "haproxy, mode tcp, nbthread 1", value: median(theirs.map(({ rate }) => rate)) },
      ...(pipeline === 16 ? { goal: { ratio: 0.6 } } : {}),
    });
    for (const quantile of ["p50", "p99"] as const) {
      bench.reading({
        name: `leat mux, redis-benchmark -P ${pipeline}, ${quantile}`,
        unit: "ms",
        values: ours.map((one) => one[quantile]),
        baseline: { name: "haproxy", value: median(theirs.map((one) => one[quantile])) },
      });
    }
    bench.reading({
      name: `${figure}, beside a bare proxy`,
      unit: "requests/s",
      values: ours.map(({ rate }) => rate),
      baseline: { name: "a bare TCP proxy here", value: median(rounds["bare proxy"]!.map(({ rate }) => rate)) },
    });
  }
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}

await bench("kcm_mux", async (bench) => {
  const missing = PROGRAMS.filter((name) => findProgram(name) === undefined);
  if (missing.length > 0 || cpus().length < 2) {
    throw new Error(
      missing.length > 0 ? `missing: ${missing.join(", ")}; run scripts/install_peers.sh` : "needs 2 CPUs",
    );
  }
  const folder = mkdtempSync(join(tmpdir(), "leat-mux-bench-"));
  try {
    const servers = [await freePort(), await freePort()];
    for (const port of servers) {
      start(OTHER_CPU, "redis-server", ["--port", String(port), "--save", "", "--bind", "127.0.0.1"], folder);
    }
    const ports = { "haproxy": await freePort(), "leat mux": await freePort(), "bare proxy": await freePort() };
    const config = join(folder, "haproxy.cfg");
    writeFileSync(config, haproxyConfig(ports["haproxy"], servers));
    await Promise.all(servers.map(listening));
    start(BALANCER_CPU, findProgram("haproxy")!, ["-q", "-db", "-f", config], folder);
    const [proxy = "", ...proxyArgs] = started("tcp_proxy.ts");
    start(BALANCER_CPU, proxy, [...proxyArgs, ...[ports["bare proxy"], ...servers].map(String)], folder);
    const [program = "", ...args] = started("../src/cli/main.ts");
    const to = servers.map((port) => `127.0.0.1:${port}`).join(",");
    start(BALANCER_CPU, program, [
      ...[...args, "mux", "-q", "--listen", `127.0.0.1:${ports["leat mux"]}`, "--to", to, "--parser", "resp"],
    ], folder);
    await Promise.all(Object.values(ports).map(listening));
    await measure(bench, ports);
  } finally {
    for (const child of children) child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  }
});
