/** `leat mux` in front of real servers, driven by their own clients, and killed under load. */
import { type ChildProcess, execFile, spawn, spawnSync } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Buffer } from "node:buffer";
import process from "node:process";
import { after, test } from "node:test";
import { promisify } from "node:util";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { MuxChild } from "../cli/support/mux_peers.ts";

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), "leat-mux-"));
const children = new Set<ChildProcess>();
const balancers = new Set<MuxChild>();
after(async () => {
  for (const mux of balancers) await mux.stop("SIGKILL");
  for (const child of children) await end(child, child.spawnfile.endsWith("postgres") ? "SIGINT" : "SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  children.delete(child);
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill(signal);
  await gone;
}

async function startMux(...args: string[]): Promise<MuxChild> {
  const mux = await MuxChild.start(...args);
  balancers.add(mux);
  mux.child.done.then(() => balancers.delete(mux));
  return mux;
}

function start(program: string, ...args: string[]): ChildProcess {
  const child = spawn(program, args, { stdio: "ignore", cwd: folder });
  children.add(child);
  return child;
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

/** Waits until somebody listens. */
async function listening(port: number): Promise<void> {
  for (let tries = 0; tries < 400; tries++) {
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1", () => resolve(true)).on("error", () => resolve(false));
      socket.on("connect", () => socket.destroy());
    });
    if (isOpen) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`nobody listens on ${port}`);
}

async function startRedis(port: number, ...args: string[]): Promise<ChildProcess> {
  const child = start("redis-server", "--port", String(port), "--save", "", "--bind", "127.0.0.1", ...args);
  await listening(port);
  return child;
}

async function redisPair(): Promise<[number, number]> {
  const ports: [number, number] = [await freePort(), await freePort()];
  for (const port of ports) await startRedis(port);
  return ports;
}

const addresses = (ports: readonly number[]): string => ports.map((port) => `127.0.0.1:${port}`).join(",");

async function redisCli(port: number, ...args: string[]): Promise<string> {
  return (await run("redis-cli", ["-p", String(port), ...args])).stdout.trim();
}

test("Redis: redis-benchmark with pipelines, both servers get their share", async () => {
  const ports = await redisPair();
  const mux = await startMux("--to", addresses(ports), "--parser", "resp");
  const { stdout } = await run("redis-benchmark", [
    ...["-p", String(mux.port), "-t", "ping,set,get,incr,lpush,mset", "-n", "6000", "-c", "20", "-P", "16", "--csv"],
  ]);
  assertEquals(stdout.trim().split("\n").length, 8);
  const calls = await Promise.all(ports.map((port) => redisCli(port, "INFO", "commandstats")));
  const pings = calls.map((text) => Number(/cmdstat_incr:calls=(\d+)/.exec(text)?.[1]));
  assertEquals(pings, [3000, 3000]);
  await mux.stop();
});

test("Redis: what belongs to a connection is pinned: MULTI, SELECT, SUBSCRIBE, BLPOP", async () => {
  const ports = await redisPair();
  const mux = await startMux("--to", addresses(ports), "--parser", "resp");
  const cli = spawnSync("redis-cli", ["-p", String(mux.port)], {
    input: "MULTI\nSET k 1\nINCR k\nEXEC\nSELECT 3\nSET only here\nGET only\nBLPOP nothing 0.1\n",
    encoding: "utf8",
  });
  assertEquals(
    cli.stdout.trim().split("\n"),
    ["OK", "QUEUED", "QUEUED", "OK", "2", "OK", "OK", "here", ""].slice(0, -1),
  );
  assertStringIncludes(await redisCli(mux.port, "SHUTDOWN"), "not for a server behind a balancer");
  const subscriber = connect(mux.port, "127.0.0.1");
  let heard = "";
  subscriber.on("data", (chunk) => heard += String(chunk));
  subscriber.write("*2\r\n$9\r\nSUBSCRIBE\r\n$4\r\nnews\r\n");
  await until(() => heard.includes("subscribe"));
  for (const port of ports) await redisCli(port, "PUBLISH", "news", "hello");
  await until(() => heard.endsWith("hello\r\n"));
  subscriber.destroy();
  await mux.stop();
});

test("Redis: with policy key all about a key is on one server", async () => {
  const ports = await redisPair();
  const mux = await startMux("--to", addresses(ports), "--parser", "resp", "--policy", "key");
  const commands = Array.from({ length: 200 }, (_, i) => `SET key${i} ${i}\nGET key${i}\n`).join("");
  const cli = spawnSync("redis-cli", ["-p", String(mux.port)], { input: commands, encoding: "utf8" });
  const replies = cli.stdout.trim().split("\n");
  assertEquals(replies, Array.from({ length: 200 }, (_, i) => ["OK", String(i)]).flat());
  const sizes = await Promise.all(ports.map((port) => redisCli(port, "DBSIZE")));
  assertEquals(sizes.map(Number).reduce((a, b) => a + b), 200);
  assert(sizes.every((size) => Number(size) > 50), sizes.join());
  await mux.stop();
});

async function until(isSo: () => boolean): Promise<void> {
  for (let tries = 0; !isSo(); tries++) {
    if (tries > 1000) throw new Error("it never came");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** A client that asks for its own words and checks every answer; errors are counted, wrong answers are not forgiven. */
class Checker {
  readonly #name: string;
  readonly #port: number;
  #socket: Socket | undefined;
  #asked: string[] = [];
  #count = 0;
  #buffer = "";
  #isStopped = false;
  right = 0;
  errors = 0;
  reconnects = 0;
  readonly wrong: string[] = [];

  constructor(name: string, port: number) {
    this.#name = name;
    this.#port = port;
    this.#connect();
  }

  stop(): void {
    this.#isStopped = true;
    this.#socket?.destroy();
  }

  #connect(): void {
    if (this.#isStopped) return;
    this.#asked = [];
    this.#buffer = "";
    const socket = this.#socket = connect(this.#port, "127.0.0.1", () => this.#ask());
    socket.on("data", (chunk) => this.#came(String(chunk)));
    socket.on("error", () => {});
    socket.on("close", () => {
      this.reconnects++;
      setTimeout(() => this.#connect(), 20);
    });
  }

  #ask(): void {
    const words = Array.from({ length: 1 + this.#count % 8 }, () => `${this.#name}-${this.#count++}`);
    this.#asked.push(...words);
    this.#socket!.write(words.map((word) => `*2\r\n$4\r\nECHO\r\n$${word.length}\r\n${word}\r\n`).join(""));
  }

  #came(text: string): void {
    this.#buffer += text;
    for (;;) {
      const [whole, error, word] = /^(?:(-[^\r]*)\r\n|\$\d+\r\n([^\r]*)\r\n)/.exec(this.#buffer) ?? [];
      if (whole === undefined) break;
      this.#buffer = this.#buffer.slice(whole.length);
      const asked = this.#asked.shift();
      if (error !== undefined) this.errors++;
      else if (word === asked) this.right++;
      else this.wrong.push(`${word} for ${asked}`);
    }
    if (this.#asked.length === 0) this.#ask();
  }
}

for (const victim of ["servers", "the balancer"]) {
  test(`${victim} killed and started again under load: no reply goes to the wrong client`, async () => {
    const ports = await redisPair();
    const quick = ["--fall", "2", "--rise", "1", "--eject", "100", "--check-interval", "200", "--slow-start", "500"];
    const args = ["--to", addresses(ports), "--parser", "resp", "--timeout", "2000", ...quick];
    let mux = await startMux(...args);
    const { port } = mux;
    const checkers = Array.from({ length: 30 }, (_, i) => new Checker(`client${i}`, port));
    const total = (): number => checkers.reduce((sum, { right }) => sum + right, 0);
    const more = async (count: number): Promise<void> => {
      const enough = total() + count;
      await until(() => total() >= enough);
    };
    await more(500);
    for (let round = 0; round < 4; round++) {
      if (victim === "servers") {
        const at = ports[round % 2]!;
        await end([...children].find(({ spawnargs }) => spawnargs.includes(String(at)))!, "SIGKILL");
        await more(500);
        await startRedis(at);
      } else {
        await mux.stop("SIGKILL");
        mux = await startMux(...args, "--listen", `127.0.0.1:0,127.0.0.1:${port}`);
      }
      await more(1000);
    }
    for (const checker of checkers) checker.stop();
    assertEquals(checkers.flatMap(({ wrong }) => wrong), []);
    await mux.stop();
  });
}

test("memcached: text and binary, quiet requests, keys by affinity", async () => {
  const ports = [await freePort(), await freePort()];
  for (const port of ports) {
    start("memcached", "-u", "nobody", "-l", "127.0.0.1", "-p", String(port), "-t", "1");
    await listening(port);
  }
  const mux = await startMux("--to", addresses(ports), "--parser", "memcachedtext", "--policy", "key");
  const socket = connect(mux.port, "127.0.0.1");
  let heard = "";
  socket.on("data", (chunk) => heard += String(chunk));
  for (let i = 0; i < 50; i++) socket.write(`set k${i} 0 0 ${`v${i}`.length} noreply\r\nv${i}\r\n`);
  for (let i = 0; i < 50; i++) socket.write(`get k${i}\r\n`);
  socket.write("incr none 1\r\nnonsense\r\n");
  const values = Array.from({ length: 50 }, (_, i) => `VALUE k${i} 0 ${`v${i}`.length}\r\nv${i}\r\nEND\r\n`).join("");
  await until(() => heard.endsWith("ERROR\r\n"));
  assertEquals(heard, `${values}NOT_FOUND\r\nERROR\r\n`);
  socket.destroy();
  await mux.stop();

  const binary = await startMux("--to", addresses(ports), "--parser", "memcached");
  const client = connect(binary.port, "127.0.0.1");
  const chunks: Uint8Array[] = [];
  client.on("data", (chunk) => chunks.push(chunk as Uint8Array));
  const version = new Uint8Array(24);
  version[0] = 0x80;
  version[1] = 0x0b;
  version[15] = 7;
  client.write(version);
  client.write(version);
  await until(() => chunks.reduce((sum, { length }) => sum + length, 0) >= 48);
  assertEquals([chunks[0]![0], chunks[0]![1], chunks[0]![15]], [0x81, 0x0b, 7]);
  client.destroy();
  await binary.stop();
});

test("DNS over TCP: dig, and many questions with the same number on shared connections", async () => {
  const ports = [await freePort(), await freePort()];
  const names = Array.from({ length: 100 }, (_, i) => `--address=/n${i}.test/10.0.0.${i}`);
  for (const port of ports) {
    start(
      "dnsmasq",
      "-k",
      "-p",
      String(port),
      "--listen-address=127.0.0.1",
      "--bind-interfaces",
      "-R",
      "-h",
      "-x",
      "",
      ...names,
    );
    await listening(port);
  }
  const mux = await startMux("--to", addresses(ports), "--parser", "dns", "--policy", "least");
  const dig = (name: string): Promise<string> =>
    run("dig", ["+tcp", "+short", "+tries=1", "@127.0.0.1", "-p", String(mux.port), name]).then(({ stdout }) =>
      stdout.trim()
    );
  assertEquals(await dig("n7.test"), "10.0.0.7");
  // every client uses the same number
  const ask = (i: number): Promise<string> =>
    new Promise((resolve, reject) => {
      const name = `n${i}`;
      const question = [name.length, ...Buffer.from(name), 4, ...Buffer.from("test"), 0, 0, 1, 0, 1];
      const message = [0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...question];
      const socket = connect(
        mux.port,
        "127.0.0.1",
        () => socket.write(Uint8Array.from([0, message.length, ...message])),
      );
      socket.on("error", reject).on("data", (chunk: Uint8Array) => {
        assertEquals([chunk[2], chunk[3]], [0x12, 0x34]);
        socket.destroy();
        // behind the question: a pointer to its name, type, class, time to live and length
        resolve([...chunk.subarray(2 + message.length + 12).subarray(0, 4)].join("."));
      });
    });
  const answers = await Promise.all(Array.from({ length: 100 }, (_, i) => ask(i)));
  assertEquals(answers, Array.from({ length: 100 }, (_, i) => `10.0.0.${i}`));
  await mux.stop();
});

test("PostgreSQL: psql through sessions of its own; by message it is refused", async () => {
  const data = join(folder, "data");
  mkdirSync(data);
  const binaries = spawnSync("pg_config", ["--bindir"], { encoding: "utf8" }).stdout?.trim() || findPostgres();
  const isRoot = process.getuid?.() === 0;
  const owner = isRoot ? postgresIds() : undefined;
  chmodSync(folder, 0o755);
  if (owner !== undefined) chownSync(data, owner.uid, owner.gid);
  const as = owner === undefined ? {} : owner;
  const init = spawnSync(join(binaries, "initdb"), ["-D", data, "-A", "trust", "-U", "leat"], {
    ...as,
    encoding: "utf8",
  });
  assertEquals(init.status, 0, init.stderr);
  const port = await freePort();
  const args = ["-D", data, "-p", String(port), "-h", "127.0.0.1", "-k", data];
  const server = spawn(join(binaries, "postgres"), args, { ...as, stdio: "ignore" });
  children.add(server);
  await listening(port);
  const mux = await startMux("--to", addresses([port]), "--parser", "postgres", "--replies", "sticky");
  let stdout = "";
  for (let tries = 0; stdout === ""; tries++) {
    const psql = spawnSync("psql", [
      ...["-h", "127.0.0.1", "-p", String(mux.port), "-U", "leat", "-d", "postgres", "-At"],
      ...["-c", "create temp table t as select generate_series(1, 1000) n", "-c", "select sum(n) from t"],
    ], { encoding: "utf8" });
    if (tries > 100) throw new Error(psql.stderr);
    ({ stdout } = psql);
    if (stdout === "") await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assertMatch(stdout, /500500/);
  await mux.stop();
});

function findPostgres(): string {
  const found = spawnSync("sh", ["-c", "ls -d /usr/lib/postgresql/*/bin | tail -1"], { encoding: "utf8" });
  return found.stdout.trim();
}

function postgresIds(): { uid: number; gid: number } {
  const id = (flag: string): number => Number(spawnSync("id", [flag, "postgres"], { encoding: "utf8" }).stdout);
  return { uid: id("-u"), gid: id("-g") };
}
